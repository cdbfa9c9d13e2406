/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/history.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/git/commit.h"
#include "exporter/git/repo.h"

/*
 * The next step needs mostly the trees that the last one read: two neighbours differ in
 * a few trees. So trees are cached in a slot each by the first byte of their ids. A step
 * needs a dozen trees, so few of them share a slot.
 */

#define SLOTS 256
/* A larger tree is not cached. It is none of albumen's, which hold 256 folders, or the
 * files of one shard of 65,536. */
#define SLOT_BYTES_MAX (64u << 10)

struct slot {
	uint8_t id[OBJECT_ID];
	struct buf body; /* data is NULL: free */
};

struct snapshot {
	uint8_t id[OBJECT_ID];
	struct commit commit;
	struct buf body; /* of the commit */
};

struct history {
	struct snapshot_repo *repo;
	struct tree_store store;
	/* The current step, and the snapshot before it, which has been read already
	 * because its tree is a part of the step. */
	struct snapshot now, next;
	enum { AT_START, AT_STEP, AT_END, AT_CUT } at;
	struct slot slot[SLOTS];
};

static int read_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err)
{
	struct history *history = payload;
	struct slot *slot = &history->slot[id[0]];
	size_t begin = body->len;
	int rc;

	if (slot->body.data && memcmp(slot->id, id, OBJECT_ID) == 0) {
		buf_add(body, slot->body.data, slot->body.len);
		return 0;
	}
	rc = repo_object(history->repo, body, id, OBJECT_TREE, err);
	if (!rc && body->len - begin <= SLOT_BYTES_MAX) {
		memcpy(slot->id, id, OBJECT_ID);
		buf_clear(&slot->body);
		buf_add(&slot->body, body->data + begin, body->len - begin);
	}
	return rc;
}

struct history *history_new(struct snapshot_repo *repo)
{
	struct history *history = xzalloc(sizeof(*history));

	history->repo = repo;
	history->store = (struct tree_store){.read = read_tree, .payload = history};
	history->at = AT_END;
	return history;
}

void history_free(struct history *history)
{
	if (history) {
		for (size_t i = 0; i < SLOTS; i++) {
			buf_release(&history->slot[i].body);
		}
		buf_release(&history->now.body);
		buf_release(&history->next.body);
		free(history);
	}
}

const struct tree_store *history_trees(struct history *history)
{
	return &history->store;
}

int history_blob(struct history *history, struct buf *body, const uint8_t id[OBJECT_ID],
		 struct err *err)
{
	return repo_object(history->repo, body, id, OBJECT_BLOB, err);
}

/* --- commits --- */

static int read_snapshot(struct history *history, struct snapshot *snapshot,
			 const uint8_t id[OBJECT_ID], struct err *err)
{
	char hex[OBJECT_HEX + 1];
	int rc;

	memcpy(snapshot->id, id, OBJECT_ID);
	buf_clear(&snapshot->body);
	rc = repo_object(history->repo, &snapshot->body, id, OBJECT_COMMIT, err);
	if (!rc && !commit_parse(&snapshot->commit, &snapshot->body)) {
		object_hex(hex, id);
		rc = err_set(err, ERR_INPUT, "commit %s is malformed", hex);
	}
	return rc;
}

void history_start(struct history *history, const uint8_t commit[OBJECT_ID])
{
	memcpy(history->next.id, commit, OBJECT_ID);
	history->at = AT_START;
}

/* Moves on: the snapshot that was read ahead becomes the current one. */
static int advance(struct history *history, struct err *err)
{
	struct snapshot spare;
	uint8_t id[OBJECT_ID];

	if (history->at == AT_START) {
		memcpy(id, history->next.id, OBJECT_ID);
		return read_snapshot(history, &history->now, id, err);
	}
	spare = history->now;
	history->now = history->next;
	history->next = spare;
	return 0;
}

int history_next(struct history *history, struct history_step *step, struct err *err)
{
	struct snapshot *now = &history->now, *next = &history->next;
	bool cut = false;
	int rc;

	if (history->at == AT_END || history->at == AT_CUT) {
		return ERR_NOTFOUND;
	}
	rc = advance(history, err);
	history->at = AT_END;
	if (!rc && now->commit.has_parent) {
		rc = repo_is_shallow(&cut, history->repo, now->id, err);
		/* The parent may be there all the same, kept for itself. */
		rc = rc || cut ? rc
			       : read_snapshot(history, next, now->commit.parent, err);
		history->at = rc ? AT_END : cut ? AT_CUT : AT_STEP;
	}
	if (rc) {
		return rc;
	}
	*step = (struct history_step){
		.has_parent = history->at == AT_STEP,
		.time_s = now->commit.time_s,
		.message = now->commit.message,
	};
	memcpy(step->commit, now->id, OBJECT_ID);
	memcpy(step->tree, now->commit.tree, OBJECT_ID);
	if (step->has_parent) {
		memcpy(step->parent, next->id, OBJECT_ID);
		memcpy(step->parent_tree, next->commit.tree, OBJECT_ID);
		step->parent_message = next->commit.message;
	}
	return 0;
}

bool history_is_cut(const struct history *history)
{
	return history->at == AT_CUT;
}

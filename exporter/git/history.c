/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/git/snapshot_inner.h"

/*
 * Commits and trees are read as bytes: libgit2's own objects of them cost several
 * times as much, and its cache would hold every commit that a walk has passed.
 *
 * What a step leaves behind is mostly what the next one wants: the trees of a
 * snapshot, of which the one before differs in a few. They are remembered by the
 * first byte of their ids, a newcomer taking the place of what was there. A step
 * needs a dozen trees, so few of them meet.
 */

#define SLOTS 256
/* A wider tree is not remembered: it is not one of albumen's, which are of 256
 * folders, or hold the files of one of 65,536. */
#define SLOT_BYTES_MAX (64u << 10)

struct slot {
	uint8_t id[OBJECT_ID];
	struct buf body; /* data is NULL: free */
};

/* A commit as it was read. */
struct commit {
	uint8_t id[OBJECT_ID], tree[OBJECT_ID], parent[OBJECT_ID];
	bool has_parent;
	int64_t time_s;
	struct buf body;
	size_t message; /* offset in body */
};

struct history {
	struct snapshot_repo *repo;
	struct tree_store store;
	/* The current step's, and the one before it, which has been read already: that
	 * is where its tree is from. */
	struct commit now, next;
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
	rc = snapshot_object(history->repo, body, id, OBJECT_TREE, err);
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
	return snapshot_object(history->repo, body, id, OBJECT_BLOB, err);
}

/* --- commits --- */

/* The id in the line "NAME ID\n" at *line, which then moves behind it. */
static bool take_id(uint8_t id[OBJECT_ID], const char **line, const char *name)
{
	size_t len = strlen(name);
	const char *hex = *line + len + 1;

	if (strncmp(*line, name, len) != 0 || (*line)[len] != ' ' ||
	    !object_unhex(id, hex) || hex[OBJECT_HEX] != '\n') {
		return false;
	}
	*line = hex + OBJECT_HEX + 1;
	return true;
}

/* The time in "committer NAME <ADDRESS> TIME ZONE\n". Neither a name nor an address
 * can hold a bracket, so the last one of the line is followed by the time. */
static bool take_time(int64_t *time_s, const char *line)
{
	const char *eol = strchr(line, '\n');
	const char *bracket = eol ? memrchr(line, '>', (size_t)(eol - line)) : NULL;
	char *end;

	if (!bracket || bracket[1] != ' ') {
		return false;
	}
	errno = 0;
	*time_s = strtoll(bracket + 2, &end, 10);
	return errno == 0 && end > bracket + 2 && *end == ' ' && end < eol;
}

/*
 * Reads the fields of a commit's body: the lines `tree`, `parent` (none, or more),
 * `author`, `committer`, others (a signature's go on with a space), an empty one,
 * and the message.
 */
static bool parse_commit(struct commit *commit)
{
	const char *line = commit->body.data;
	const char *message = line ? strstr(line, "\n\n") : NULL;
	const char *committer = line ? strstr(line, "\ncommitter ") : NULL;

	if (!message || !committer || committer > message ||
	    strlen(line) != commit->body.len || !take_id(commit->tree, &line, "tree")) {
		return false;
	}
	commit->has_parent = take_id(commit->parent, &line, "parent");
	commit->message = (size_t)(message + 2 - commit->body.data);
	return take_time(&commit->time_s, committer + 1);
}

static int read_commit(struct history *history, struct commit *commit,
		       const uint8_t id[OBJECT_ID], struct err *err)
{
	char hex[OBJECT_HEX + 1];
	int rc;

	memcpy(commit->id, id, OBJECT_ID);
	buf_clear(&commit->body);
	rc = snapshot_object(history->repo, &commit->body, id, OBJECT_COMMIT, err);
	if (!rc && !parse_commit(commit)) {
		object_hex(hex, id);
		rc = err_set(err, ERR_INPUT, "commit %s is not as git writes it", hex);
	}
	return rc;
}

void history_start(struct history *history, const uint8_t commit[OBJECT_ID])
{
	memcpy(history->next.id, commit, OBJECT_ID);
	history->at = AT_START;
}

/* Moves on: what was read ahead is now the current snapshot. */
static int advance(struct history *history, struct err *err)
{
	struct commit spare;
	uint8_t id[OBJECT_ID];

	if (history->at == AT_START) {
		memcpy(id, history->next.id, OBJECT_ID);
		return read_commit(history, &history->now, id, err);
	}
	spare = history->now;
	history->now = history->next;
	history->next = spare;
	return 0;
}

int history_next(struct history *history, struct history_step *step, struct err *err)
{
	struct commit *now = &history->now, *next = &history->next;
	int rc;

	if (history->at == AT_END || history->at == AT_CUT) {
		return ERR_NOTFOUND;
	}
	rc = advance(history, err);
	if (rc) {
		history->at = AT_END;
		return rc;
	}
	history->at = AT_END;
	if (now->has_parent) {
		rc = read_commit(history, next, now->parent, err);
		/* A shallow clone ends where git says so; elsewhere a parent that is
		 * missing is damage. */
		if (rc && !snapshot_is_shallow(history->repo, now->id)) {
			return rc;
		}
		history->at = rc ? AT_CUT : AT_STEP;
	}
	*step = (struct history_step){
		.has_parent = history->at == AT_STEP,
		.time_s = now->time_s,
		.message = now->body.data + now->message,
	};
	memcpy(step->commit, now->id, OBJECT_ID);
	memcpy(step->tree, now->tree, OBJECT_ID);
	if (step->has_parent) {
		memcpy(step->parent, next->id, OBJECT_ID);
		memcpy(step->parent_tree, next->tree, OBJECT_ID);
	}
	return 0;
}

bool history_is_cut(const struct history *history)
{
	return history->at == AT_CUT;
}

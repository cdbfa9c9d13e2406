/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest.h"

#include <assert.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hex.h"
#include "exporter/evidence/digest_keep.h"
#include "exporter/git/tree/tree.h"

/*
 * What is remembered of a folder: the SHA-1 of its tree, the SHA-256 of its tree, and
 * the SHA-256 of each entry in the tree's order. That is true of this SHA-1 for ever,
 * so it can be out of date, but never wrong.
 *
 * A folder whose SHA-1 is the one remembered is done. Else the tree of then and that
 * of now are read side by side: an entry with the same name, mode and SHA-1 has the
 * SHA-256 it had; a folder that changed is the same again, a level down.
 */

#define NOTE_HEAD (OBJECT_ID + DIGEST_ID)

/* One folder on the way; a level for each depth, used again and again. */
struct level {
	struct buf body, old_body; /* trees */
	struct buf note;           /* what is remembered, of old_body */
	struct buf made;           /* what will be */
	struct buf tree;           /* with SHA-256 */
};

struct digest {
	struct digest_keep *keep;
	const struct digest_source *source;
	struct buf path; /* of the folder, with a '/' at its end; "" for the root */
	struct level level[EDITS_DEPTH_MAX + 1];
};

void digest_hex(char hex[DIGEST_HEX + 1], const uint8_t sha256[DIGEST_ID])
{
	hex_write(hex, sha256, DIGEST_ID);
}

void digest_object(uint8_t sha256[DIGEST_ID], enum object_type type, const void *body,
		   size_t len)
{
	struct sha256_ctx ctx;
	char head[32];
	int head_len = snprintf(head, sizeof(head), "%s %zu",
				type == OBJECT_TREE ? "tree" : "blob", len);

	assert(type == OBJECT_TREE || type == OBJECT_BLOB);
	sha256_init(&ctx);
	/* With its NUL. */
	sha256_update(&ctx, (size_t)head_len + 1, (const uint8_t *)head);
	sha256_update(&ctx, len, body);
	sha256_digest(&ctx, DIGEST_ID, sha256);
}

int digest_open(struct digest **out, const char *dir, struct err *err)
{
	struct digest_keep *keep;
	int rc = digest_keep_open(&keep, dir, err);

	*out = NULL;
	if (!rc) {
		*out = xzalloc(sizeof(**out));
		(*out)->keep = keep;
		buf_addstr(&(*out)->path, "");
	}
	return rc;
}

int digest_save(struct digest *digest, struct err *err)
{
	return digest_keep_save(digest->keep, err);
}

void digest_close(struct digest *digest)
{
	if (!digest) {
		return;
	}
	for (size_t i = 0; i <= EDITS_DEPTH_MAX; i++) {
		buf_release(&digest->level[i].body);
		buf_release(&digest->level[i].old_body);
		buf_release(&digest->level[i].note);
		buf_release(&digest->level[i].made);
		buf_release(&digest->level[i].tree);
	}
	digest_keep_close(digest->keep);
	buf_release(&digest->path);
	free(digest);
}

/* What a folder is remembered by: the root has no name, and keys cannot be empty. */
static const char *key(const struct digest *digest)
{
	return digest->path.len ? digest->path.data : "/";
}

static int read_tree(struct buf *body, struct tree_cursor *cursor,
		     const struct digest *digest, const uint8_t id[OBJECT_ID],
		     struct err *err)
{
	struct tree_store store = {.read = digest->source->tree,
				   .payload = digest->source->payload};

	return tree_read(body, cursor, &store, id, err);
}

/* --- the tree of then --- */

struct then {
	struct tree_cursor cursor;
	struct tree_entry entry;
	const uint8_t *sha256; /* of the entry */
	size_t left;           /* of those that are remembered, this one included */
};

/* To the next entry; left is 0 behind the last. */
static void step(struct then *then)
{
	then->sha256 += DIGEST_ID;
	then->left -= then->left > 0;
	if (!tree_next(&then->cursor, &then->entry)) {
		then->left = 0;
	}
}

/* Begins with what is remembered of the folder, if it is and its tree can be read. */
static void recall(struct then *then, struct digest *digest, struct level *level)
{
	const uint8_t *note = (const uint8_t *)level->note.data;

	*then = (struct then){0};
	if (level->note.len < NOTE_HEAD ||
	    read_tree(&level->old_body, &then->cursor, digest, note, NULL) != 0) {
		return;
	}
	then->left = (level->note.len - NOTE_HEAD) / DIGEST_ID + 1;
	then->sha256 = note + OBJECT_ID; /* one before the first */
	step(then);
}

/* Forgets a folder that was there then, and all below it. */
static void forget(struct digest *digest, size_t depth, const struct tree_entry *entry)
{
	size_t base = digest->path.len;
	struct tree_cursor cursor;
	struct tree_entry inner;
	struct buf body = {0};

	if (!entry->is_tree || depth == EDITS_DEPTH_MAX) {
		return;
	}
	buf_add(&digest->path, entry->name, entry->name_len);
	buf_addch(&digest->path, '/');
	digest_keep_delete(digest->keep, key(digest));
	if (read_tree(&body, &cursor, digest, entry->id, NULL) == 0) {
		while (tree_next(&cursor, &inner)) {
			forget(digest, depth + 1, &inner);
		}
	}
	buf_setlen(&digest->path, base);
	buf_release(&body);
}

/* --- the tree of now --- */

static int fold(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		const uint8_t id[OBJECT_ID], struct err *err);

/* Works out the SHA-256 of an entry. */
static int work_out(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		    const struct tree_entry *entry, struct err *err)
{
	size_t base = digest->path.len;
	int rc;

	if (!entry->is_tree) {
		if (entry->mode_len == 6 && memcmp(entry->mode, "160000", 6) == 0) {
			return err_set(err, ERR_INPUT, "'%s%s' is a submodule",
				       digest->path.data, entry->name);
		}
		return digest->source->blob(sha256, entry->id, digest->source->payload,
					    err);
	}
	buf_add(&digest->path, entry->name, entry->name_len);
	buf_addch(&digest->path, '/');
	rc = fold(sha256, digest, depth + 1, entry->id, err);
	buf_setlen(&digest->path, base);
	return rc;
}

/* Takes *then to where `entry` is, or would be. True: there it is, as it was. */
static bool is_as_then(struct then *then, struct digest *digest, size_t depth,
		       const struct tree_entry *entry)
{
	while (then->left) {
		const struct tree_entry *old = &then->entry;
		int order = tree_compare(old->name, old->name_len, old->is_tree,
					 entry->name, entry->name_len, entry->is_tree);

		if (order >= 0) {
			return order == 0 && old->mode_len == entry->mode_len &&
			       memcmp(old->mode, entry->mode, old->mode_len) == 0 &&
			       memcmp(old->id, entry->id, OBJECT_ID) == 0;
		}
		forget(digest, depth, old);
		step(then);
	}
	return false;
}

/* A tree of SHA-256, entry by entry, and the note about it. */
static int make(struct digest *digest, size_t depth, struct tree_cursor *cursor,
		struct then *then, struct err *err)
{
	struct level *level = &digest->level[depth];
	struct tree_entry entry;
	uint8_t sha256[DIGEST_ID];
	int rc = 0;

	while (!rc && tree_next(cursor, &entry)) {
		bool same = is_as_then(then, digest, depth, &entry);

		if (same) {
			memcpy(sha256, then->sha256, DIGEST_ID);
		} else {
			rc = work_out(sha256, digest, depth, &entry, err);
		}
		/* What was a file or another tree is stepped over; not forgotten. */
		if (then->left && then->entry.is_tree == entry.is_tree &&
		    then->entry.name_len == entry.name_len &&
		    memcmp(then->entry.name, entry.name, entry.name_len) == 0) {
			step(then);
		}
		buf_add(&level->tree, entry.mode, entry.mode_len);
		buf_addch(&level->tree, ' ');
		buf_add(&level->tree, entry.name, entry.name_len + 1);
		buf_add(&level->tree, sha256, DIGEST_ID);
		buf_add(&level->made, sha256, DIGEST_ID);
	}
	while (!rc && then->left) {
		forget(digest, depth, &then->entry);
		step(then);
	}
	return rc;
}

/* The SHA-256 of the folder at digest->path, whose tree is `id`. */
static int fold(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		const uint8_t id[OBJECT_ID], struct err *err)
{
	static const uint8_t unset[DIGEST_ID];
	struct level *level = &digest->level[depth];
	struct tree_cursor cursor;
	struct then then;
	int rc;

	if (depth == EDITS_DEPTH_MAX) {
		return err_set(err, ERR_INPUT, "the tree is deeper than %d folders",
			       EDITS_DEPTH_MAX);
	}
	buf_clear(&level->note);
	if (digest_keep_get(digest->keep, key(digest), &level->note) == 0 &&
	    level->note.len >= NOTE_HEAD &&
	    memcmp(level->note.data, id, OBJECT_ID) == 0) {
		memcpy(sha256, level->note.data + OBJECT_ID, DIGEST_ID);
		return 0;
	}
	rc = read_tree(&level->body, &cursor, digest, id, err);
	if (rc) {
		return rc;
	}
	recall(&then, digest, level);
	buf_clear(&level->tree);
	buf_clear(&level->made);
	buf_add(&level->made, id, OBJECT_ID);
	buf_add(&level->made, unset, DIGEST_ID);
	rc = make(digest, depth, &cursor, &then, err);
	rc = rc ? rc : tree_end(&cursor, id, err);
	if (!rc) {
		digest_object(sha256, OBJECT_TREE, level->tree.data, level->tree.len);
		memcpy(level->made.data + OBJECT_ID, sha256, DIGEST_ID);
		digest_keep_put(digest->keep, key(digest), level->made.data,
				level->made.len);
	}
	return rc;
}

int digest_tree(uint8_t sha256[DIGEST_ID], struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		struct err *err)
{
	digest->source = source;
	buf_setlen(&digest->path, 0);
	return fold(sha256, digest, 0, tree, err);
}

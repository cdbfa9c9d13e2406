/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest.h"

#include <assert.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hash.h"
#include "data/base/hex.h"
#include "exporter/evidence/digest_keep.h"
#include "exporter/git/tree/tree.h"

/*
 * The note about a folder has the SHA-1 of its tree, the SHA-256 of its tree, and the
 * SHA-256 of each entry in the order of the tree. That is true of this SHA-1 for ever,
 * so a note can be out of date, but never wrong.
 *
 * A folder whose SHA-1 is that of its note is done. Otherwise the noted tree and the new
 * one are read side by side: an entry with the same name, mode and SHA-1 has the same
 * SHA-256. For a folder that changed this is repeated one level down.
 */

#define NOTE_HEAD (OBJECT_ID + DIGEST_ID)

/* One folder on the way down; each depth reuses its level. */
struct level {
	struct buf body, old_body; /* trees */
	struct buf note;           /* about old_body */
	struct buf made;           /* the new note */
	struct buf tree;           /* with SHA-256 */
};

/* An object that was hashed. */
struct hashed {
	uint8_t id[OBJECT_ID], sha256[DIGEST_ID];
	bool is_set;
};

struct digest {
	struct digest_keep *keep;
	const struct digest_source *source;
	struct buf path; /* of the folder, with a '/' at its end; "" for the root */
	struct hashed blob[256]; /* the last one of each first byte of the id */
	/* All trees that this call has hashed: a stranger's may name the same one in more
	 * places than can ever be gone through. */
	struct hashed *tree;
	size_t tree_cap;
	struct hash trees; /* of numbers in `tree`, less 1 */
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
	hash_release(&digest->trees);
	free(digest->tree);
	buf_release(&digest->path);
	free(digest);
}

/* The key of a folder's note. The root has no name, and keys cannot be empty. */
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

/* --- the noted tree --- */

struct noted {
	struct tree_cursor cursor;
	struct tree_entry entry;
	const uint8_t *sha256; /* of the entry */
	size_t left;           /* noted entries from this one on */
};

/* Goes on to the next entry; left is 0 after the last one. */
static void step(struct noted *noted)
{
	noted->sha256 += DIGEST_ID;
	noted->left -= noted->left > 0;
	if (!tree_next(&noted->cursor, &noted->entry)) {
		noted->left = 0;
	}
}

/* Begins with the noted tree of the folder, if there is one and it can be read. */
static void recall(struct noted *noted, struct digest *digest, struct level *level)
{
	const uint8_t *note = (const uint8_t *)level->note.data;

	*noted = (struct noted){0};
	if (level->note.len < NOTE_HEAD ||
	    read_tree(&level->old_body, &noted->cursor, digest, note, NULL) != 0) {
		return;
	}
	noted->left = (level->note.len - NOTE_HEAD) / DIGEST_ID + 1;
	noted->sha256 = note + OBJECT_ID; /* one before the first */
	step(noted);
}

/* Deletes the notes of a folder that is gone, and of all below it. Where a folder has no
 * note, because it is the copy of another, there are none below it either. */
static void forget(struct digest *digest, size_t depth, const struct tree_entry *entry)
{
	size_t base = digest->path.len;
	struct tree_cursor cursor;
	struct tree_entry inner;
	struct buf body = {0}, note = {0};

	if (!entry->is_tree || depth == EDITS_DEPTH_MAX) {
		return;
	}
	buf_add(&digest->path, entry->name, entry->name_len);
	buf_addch(&digest->path, '/');
	if (digest_keep_get(digest->keep, key(digest), &note) == 0 &&
	    read_tree(&body, &cursor, digest, entry->id, NULL) == 0) {
		digest_keep_delete(digest->keep, key(digest));
		while (tree_next(&cursor, &inner)) {
			forget(digest, depth + 1, &inner);
		}
	}
	buf_release(&note);
	buf_setlen(&digest->path, base);
	buf_release(&body);
}

/* --- the new tree --- */

static int fold(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		const uint8_t id[OBJECT_ID], struct err *err);

/* Half of all files may be the same `[]`, and a stranger's be the same 256 MiB. */
static int hash_blob(uint8_t sha256[DIGEST_ID], struct digest *digest,
		     const uint8_t id[OBJECT_ID], struct err *err)
{
	struct hashed *hashed = &digest->blob[id[0]];
	int rc = 0;

	if (!hashed->is_set || memcmp(hashed->id, id, OBJECT_ID) != 0) {
		rc = digest->source->blob(hashed->sha256, id, digest->source->payload,
					  err);
		hashed->is_set = !rc;
		memcpy(hashed->id, id, OBJECT_ID);
	}
	memcpy(sha256, hashed->sha256, DIGEST_ID);
	return rc;
}

/* Computes the SHA-256 of an entry. */
static int compute(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		   const struct tree_entry *entry, struct err *err)
{
	size_t base = digest->path.len;
	int rc;

	if (!entry->is_tree) {
		if (entry->mode_len == 6 && memcmp(entry->mode, "160000", 6) == 0) {
			return err_set(err, ERR_INPUT, "'%s%s' is a submodule",
				       digest->path.data, entry->name);
		}
		return hash_blob(sha256, digest, entry->id, err);
	}
	buf_add(&digest->path, entry->name, entry->name_len);
	buf_addch(&digest->path, '/');
	rc = fold(sha256, digest, depth + 1, entry->id, err);
	buf_setlen(&digest->path, base);
	return rc;
}

/* Moves *noted to where `entry` is, or would be. True: it is there, unchanged. */
static bool is_unchanged(struct noted *noted, struct digest *digest, size_t depth,
			 const struct tree_entry *entry)
{
	while (noted->left) {
		const struct tree_entry *old = &noted->entry;
		int order = tree_compare(old->name, old->name_len, old->is_tree,
					 entry->name, entry->name_len, entry->is_tree);

		if (order >= 0) {
			return order == 0 && old->mode_len == entry->mode_len &&
			       memcmp(old->mode, entry->mode, old->mode_len) == 0 &&
			       memcmp(old->id, entry->id, OBJECT_ID) == 0;
		}
		forget(digest, depth, old);
		step(noted);
	}
	return false;
}

/* Writes the tree with SHA-256 ids, entry by entry, and the new note. */
static int make(struct digest *digest, size_t depth, struct tree_cursor *cursor,
		struct noted *noted, struct err *err)
{
	struct level *level = &digest->level[depth];
	struct tree_entry entry;
	uint8_t sha256[DIGEST_ID];
	int rc = 0;

	while (!rc && tree_next(cursor, &entry)) {
		bool same = is_unchanged(noted, digest, depth, &entry);

		if (same) {
			memcpy(sha256, noted->sha256, DIGEST_ID);
		} else {
			rc = compute(sha256, digest, depth, &entry, err);
		}
		/* An entry that changed keeps its notes. */
		if (noted->left && noted->entry.is_tree == entry.is_tree &&
		    noted->entry.name_len == entry.name_len &&
		    memcmp(noted->entry.name, entry.name, entry.name_len) == 0) {
			step(noted);
		}
		buf_add(&level->tree, entry.mode, entry.mode_len);
		buf_addch(&level->tree, ' ');
		buf_add(&level->tree, entry.name, entry.name_len + 1);
		buf_add(&level->tree, sha256, DIGEST_ID);
		buf_add(&level->made, sha256, DIGEST_ID);
	}
	while (!rc && noted->left) {
		forget(digest, depth, &noted->entry);
		step(noted);
	}
	return rc;
}

/* The number of the tree `id` among those that this call has hashed; 0: it is not. */
static uint32_t find_hashed(const struct digest *digest, const uint8_t id[OBJECT_ID],
			    uint32_t hash)
{
	size_t at = 0;
	uint32_t n;

	do {
		n = hash_next(&digest->trees, hash, &at);
	} while (n && memcmp(digest->tree[n - 1].id, id, OBJECT_ID) != 0);
	return n;
}

static void add_hashed(struct digest *digest, const uint8_t id[OBJECT_ID],
		       const uint8_t sha256[DIGEST_ID], uint32_t hash)
{
	size_t n = digest->trees.count;

	digest->tree = xgrow(digest->tree, n, &digest->tree_cap, sizeof(*digest->tree));
	memcpy(digest->tree[n].id, id, OBJECT_ID);
	memcpy(digest->tree[n].sha256, sha256, DIGEST_ID);
	hash_add(&digest->trees, hash, (uint32_t)n + 1);
}

/* The SHA-256 of the folder at digest->path, whose tree is `id`. */
static int fold(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		const uint8_t id[OBJECT_ID], struct err *err)
{
	static const uint8_t unset[DIGEST_ID];
	struct level *level = &digest->level[depth];
	struct tree_cursor cursor;
	struct noted noted;
	uint32_t hash = hash_bytes(id, OBJECT_ID, 0), n = find_hashed(digest, id, hash);
	int rc;

	if (n) {
		memcpy(sha256, digest->tree[n - 1].sha256, DIGEST_ID);
		return 0;
	}
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
	recall(&noted, digest, level);
	buf_clear(&level->tree);
	buf_clear(&level->made);
	buf_add(&level->made, id, OBJECT_ID);
	buf_add(&level->made, unset, DIGEST_ID);
	rc = make(digest, depth, &cursor, &noted, err);
	rc = rc ? rc : tree_end(&cursor, id, err);
	if (!rc) {
		digest_object(sha256, OBJECT_TREE, level->tree.data, level->tree.len);
		memcpy(level->made.data + OBJECT_ID, sha256, DIGEST_ID);
		digest_keep_put(digest->keep, key(digest), level->made.data,
				level->made.len);
		add_hashed(digest, id, sha256, hash);
	}
	return rc;
}

int digest_tree(uint8_t sha256[DIGEST_ID], struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		struct err *err)
{
	digest->source = source;
	hash_clear(&digest->trees);
	buf_setlen(&digest->path, 0);
	return fold(sha256, digest, 0, tree, err);
}

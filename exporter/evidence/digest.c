/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest.h"

#include <assert.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hex.h"
#include "exporter/git/tree/tree.h"

/* One folder on the way down; each depth reuses its level. */
struct level {
	struct buf body;        /* the tree */
	struct buf made;        /* the tree with SHA-256 */
	struct buf known, list; /* of a wide folder: as kept, and to be kept */
};

/* The least length of a wide folder's tree: some sixty entries. */
#define WIDE 2048
/* So many pairs of a list are passed over in search of an entry: those of entries that changed
 * or went. */
#define PASSED_MAX 16

struct digest {
	struct digest_keep *keep;
	const struct digest_source *source;
	struct buf path; /* of the folder, with a '/' at its end; "/" for the root */
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

static struct digest *new_digest(struct digest_keep *keep)
{
	struct digest *digest = xzalloc(sizeof(*digest));

	digest->keep = keep;
	return digest;
}

int digest_open(struct digest **out, const char *dir, struct err *err)
{
	struct digest_keep *keep;
	int rc = digest_keep_open(&keep, dir, err);

	*out = rc ? NULL : new_digest(keep);
	return rc;
}

void digest_open_reader(struct digest **out, const char *dir)
{
	struct digest_keep *keep;

	digest_keep_open_reader(&keep, dir);
	*out = new_digest(keep);
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
		buf_release(&digest->level[i].made);
		buf_release(&digest->level[i].known);
		buf_release(&digest->level[i].list);
	}
	buf_release(&digest->path);
	digest_keep_close(digest->keep);
	free(digest);
}

static int make(struct digest *digest, size_t depth, const uint8_t id[OBJECT_ID],
		struct err *err);

/* Looks for an entry in the list of its folder, from the pair *at on, where it stands if
 * nothing has changed. */
static bool find_listed(uint8_t sha256[DIGEST_ID], const struct buf *known, size_t *at,
			const uint8_t id[OBJECT_ID])
{
	size_t end = *at + PASSED_MAX * DIGEST_PAIR;

	end = end < known->len ? end : known->len;
	for (size_t pair = *at; pair + DIGEST_PAIR <= end; pair += DIGEST_PAIR) {
		if (memcmp(known->data + pair, id, OBJECT_ID) == 0) {
			memcpy(sha256, known->data + pair + OBJECT_ID, DIGEST_ID);
			*at = pair + DIGEST_PAIR;
			return true;
		}
	}
	return false;
}

/* The SHA-256 of a tree or a blob. A stranger's tree may name the same one in more places than
 * can ever be gone through; each is read once. */
static int look_up(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
		   const uint8_t id[OBJECT_ID], bool is_tree, struct err *err)
{
	int rc = digest_keep_get(sha256, digest->keep, id, err);

	if (rc != ERR_NOTFOUND) {
		return rc;
	}
	if (is_tree) {
		const struct buf *made = &digest->level[depth].made;

		rc = make(digest, depth, id, err);
		if (!rc) {
			digest_object(sha256, OBJECT_TREE, made->data, made->len);
		}
	} else {
		rc = digest->source->blob(sha256, id, digest->source->payload, err);
	}
	if (!rc) {
		digest_keep_put(digest->keep, id, sha256);
	}
	return rc;
}

/* The SHA-256 of an entry of the folder digest->path. */
static int look_up_entry(uint8_t sha256[DIGEST_ID], struct digest *digest, size_t depth,
			 const struct tree_entry *entry, struct err *err)
{
	size_t base = digest->path.len;
	int rc;

	buf_add(&digest->path, entry->name, entry->name_len);
	buf_addch(&digest->path, '/');
	rc = look_up(sha256, digest, depth + 1, entry->id, entry->is_tree, err);
	buf_setlen(&digest->path, base);
	return rc;
}

/* Makes the tree of the folder digest->path, of the level `depth`, with the SHA-256 of its
 * entries. */
static int make(struct digest *digest, size_t depth, const uint8_t id[OBJECT_ID],
		struct err *err)
{
	struct tree_store store = {.read = digest->source->tree,
				   .payload = digest->source->payload};
	struct level *level = &digest->level[depth];
	struct tree_cursor cursor;
	struct tree_entry entry;
	uint8_t sha256[DIGEST_ID];
	bool wide, changed = false;
	size_t at = 0;
	int rc;

	if (depth == EDITS_DEPTH_MAX) {
		return err_set(err, ERR_INPUT, "the tree is deeper than %d folders",
			       EDITS_DEPTH_MAX);
	}
	buf_clear(&level->made);
	buf_addstr(&level->made, "");
	buf_clear(&level->known);
	buf_clear(&level->list);
	rc = tree_read(&level->body, &cursor, &store, id, err);
	wide = level->body.len >= WIDE;
	if (wide) {
		digest_keep_list(&level->known, digest->keep, digest->path.data);
	}
	while (!rc && tree_next(&cursor, &entry)) {
		if (entry.mode_len == 6 && memcmp(entry.mode, "160000", 6) == 0) {
			return err_set(err, ERR_INPUT, "'%s%s' is a submodule",
				       digest->path.data + 1, entry.name);
		}
		if (!find_listed(sha256, &level->known, &at, entry.id)) {
			changed = true;
			rc = look_up_entry(sha256, digest, depth, &entry, err);
		}
		buf_add(&level->made, entry.mode, entry.mode_len);
		buf_addch(&level->made, ' ');
		buf_add(&level->made, entry.name, entry.name_len + 1);
		buf_add(&level->made, sha256, DIGEST_ID);
		if (wide) {
			buf_add(&level->list, entry.id, OBJECT_ID);
			buf_add(&level->list, sha256, DIGEST_ID);
		}
	}
	rc = rc ? rc : tree_end(&cursor, id, err);
	if (!rc && wide && changed) {
		digest_keep_put_list(digest->keep, digest->path.data, &level->list);
	}
	return rc;
}

int digest_tree(uint8_t sha256[DIGEST_ID], struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		struct err *err)
{
	digest->source = source;
	buf_clear(&digest->path);
	buf_addch(&digest->path, '/');
	return look_up(sha256, digest, 0, tree, true, err);
}

int digest_body(struct buf *body, struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		const char *path, struct err *err)
{
	const struct buf *made = &digest->level[0].made;
	int rc;

	digest->source = source;
	buf_clear(&digest->path);
	buf_addf(&digest->path, "/%s", path);
	rc = make(digest, 0, tree, err);
	if (!rc) {
		buf_add(body, made->data, made->len);
	}
	return rc;
}

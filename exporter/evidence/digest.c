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
	struct buf body; /* the tree */
	struct buf made; /* the tree with SHA-256 */
};

struct digest {
	struct digest_keep *keep;
	const struct digest_source *source;
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
	}
	digest_keep_close(digest->keep);
	free(digest);
}

static int make(struct digest *digest, size_t depth, const uint8_t id[OBJECT_ID],
		struct err *err);

/* The SHA-256 of a tree or, `is_tree` false, of a blob. A stranger's tree may name the same
 * one in more places than can ever be gone through; each is read once. */
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

/* Makes the tree of the level `depth` with the SHA-256 of its entries. */
static int make(struct digest *digest, size_t depth, const uint8_t id[OBJECT_ID],
		struct err *err)
{
	struct tree_store store = {.read = digest->source->tree,
				   .payload = digest->source->payload};
	struct level *level = &digest->level[depth];
	struct tree_cursor cursor;
	struct tree_entry entry;
	uint8_t sha256[DIGEST_ID];
	int rc;

	if (depth == EDITS_DEPTH_MAX) {
		return err_set(err, ERR_INPUT, "the tree is deeper than %d folders",
			       EDITS_DEPTH_MAX);
	}
	buf_clear(&level->made);
	buf_addstr(&level->made, "");
	rc = tree_read(&level->body, &cursor, &store, id, err);
	while (!rc && tree_next(&cursor, &entry)) {
		if (entry.mode_len == 6 && memcmp(entry.mode, "160000", 6) == 0) {
			return err_set(err, ERR_INPUT, "'%s' is a submodule", entry.name);
		}
		rc = look_up(sha256, digest, depth + 1, entry.id, entry.is_tree, err);
		buf_add(&level->made, entry.mode, entry.mode_len);
		buf_addch(&level->made, ' ');
		buf_add(&level->made, entry.name, entry.name_len + 1);
		buf_add(&level->made, sha256, DIGEST_ID);
	}
	return rc ? rc : tree_end(&cursor, id, err);
}

int digest_tree(uint8_t sha256[DIGEST_ID], struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		struct err *err)
{
	digest->source = source;
	return look_up(sha256, digest, 0, tree, true, err);
}

int digest_body(struct buf *body, struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		struct err *err)
{
	const struct buf *made = &digest->level[0].made;
	int rc;

	digest->source = source;
	rc = make(digest, 0, tree, err);
	if (!rc) {
		buf_add(body, made->data, made->len);
	}
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/unpack.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "exporter/git/pack/delta.h"

/* git makes no chain of deltas longer than this. */
#define CHAIN_MAX 4096
/* A large object is no delta of more than so many: few of that size are kept at a time, so
 * reading all of a long chain would take days. git's chains have fifty. */
#define LARGE ((size_t)2 << 20)
#define LARGE_CHAIN_MAX 255

/* No byte of deflate inflates to more: a match of 258 bytes takes two bits (RFC 1951). So an
 * object that says more than its pack can hold takes no memory. */
#define DEFLATE_RATIO 1032

/* Bases of deltas, each in one place of a table that its offset gives: a new
 * one replaces what is there. All are dropped when they take too much memory. */
#define KEPT_MAX ((size_t)16 << 20)
#define KEPT_SLOTS 16384
#define KEPT_BYTES ((size_t)64 << 20)
#define KEPT_AT_ONCE ((size_t)1 << 20)

struct kept {
	const struct packindex *pack; /* NULL: free */
	size_t at;
	enum object_type type;
	struct buf body;
};

/* One object of a chain of deltas. */
struct link {
	size_t at;           /* where it begins */
	const uint8_t *data; /* deflated */
	size_t left;         /* bytes up to the end of the pack */
	size_t size;         /* inflated */
};

struct unpack {
	struct object_inflater *inflater;
	struct link *chain; /* CHAIN_MAX */
	size_t chained;
	struct buf delta, base;
	size_t most;       /* bytes of an object, while one is read */
	struct kept *kept; /* KEPT_SLOTS */
	size_t kept_bytes;
	bool keeps; /* anything: the slots are memory that has not been touched yet */
};

void unpack_forget(struct unpack *unpack)
{
	for (size_t i = 0; unpack->keeps && i < KEPT_SLOTS; i++) {
		buf_release(&unpack->kept[i].body);
		unpack->kept[i].pack = NULL;
	}
	unpack->kept_bytes = 0;
	unpack->keeps = false;
}

struct unpack *unpack_new(void)
{
	struct unpack *unpack = xzalloc(sizeof(*unpack));

	unpack->inflater = object_inflater_new();
	unpack->chain = xreallocarray(NULL, CHAIN_MAX, sizeof(*unpack->chain));
	unpack->kept = xzalloc(KEPT_SLOTS * sizeof(*unpack->kept));
	return unpack;
}

void unpack_free(struct unpack *unpack)
{
	if (unpack) {
		unpack_forget(unpack);
		object_inflater_free(unpack->inflater);
		buf_release(&unpack->delta);
		buf_release(&unpack->base);
		free(unpack->kept);
		free(unpack->chain);
		free(unpack);
	}
}

/* --- what is kept --- */

static struct kept *slot_of(struct unpack *unpack, const struct packindex *pack,
			    size_t at)
{
	uint64_t key = (uint64_t)at ^ (uint64_t)(uintptr_t)pack << 20;

	return &unpack->kept[(key * 0x9e3779b97f4a7c15u >> 32) % KEPT_SLOTS];
}

static const struct kept *find_kept(struct unpack *unpack, const struct packindex *pack,
				    size_t at)
{
	const struct kept *kept = slot_of(unpack, pack, at);

	return kept->pack == pack && kept->at == at && kept->body.data ? kept : NULL;
}

/* Takes the body over, unless it is too large. A large one is only noted the first time: most
 * commands read one version, and new memory for the next body takes as long as its bytes. */
static void keep(struct unpack *unpack, const struct packindex *pack, size_t at,
		 enum object_type type, struct buf *body)
{
	struct kept *kept = slot_of(unpack, pack, at);
	bool known = kept->pack == pack && kept->at == at;

	if (body->len > KEPT_MAX) {
		return;
	}
	if (unpack->kept_bytes + body->cap > KEPT_BYTES) {
		unpack_forget(unpack);
	}
	unpack->kept_bytes -= kept->body.cap;
	buf_release(&kept->body);
	if (known || body->len <= KEPT_AT_ONCE) {
		kept->body = *body;
		*body = (struct buf){0};
	}
	unpack->kept_bytes += kept->body.cap;
	unpack->keeps = true;
	kept->pack = pack;
	kept->at = at;
	kept->type = type;
}

/* --- inflating --- */

static int damaged(const char *how, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s", how);
}

static int too_large(const struct unpack *unpack, size_t size, struct err *err)
{
	return err_set(
		err, ERR_LARGE,
		"it has %zu bytes, or is a delta of an object that has; no object of "
		"a snapshot has more than %zu",
		size, unpack->most);
}

static int inflate_link(struct buf *out, struct unpack *unpack, const struct link *link,
			struct err *err)
{
	buf_empty(out);
	if (link->size / DEFLATE_RATIO > link->left) {
		return damaged("its size is out of bounds", err);
	}
	buf_grow(out, link->size);
	if (object_inflate(unpack->inflater, out->data, link->size, link->data,
			   link->left)) {
		return damaged("its deflated bytes are damaged", err);
	}
	out->len = link->size;
	out->data[out->len] = '\0';
	return 0;
}

/* --- chains of deltas --- */

/* Reads the head of the object at `at`. *type may be that of a delta; *base is where
 * the delta's base begins. */
static int read_head(struct link *link, unsigned *type, size_t *base,
		     const struct unpack *unpack, const struct packindex *pack, size_t at,
		     struct err *err)
{
	size_t left;
	const uint8_t *p = packindex_from(pack, at, &left);
	struct object_head head;
	bool is_delta, has_base = true;
	uint32_t n;

	if (!p) {
		return damaged("it lies outside the pack", err);
	}
	if (!object_head_read(&head, p, left)) {
		return damaged("it begins with no type and size", err);
	}
	if (head.type == OBJECT_OFS_DELTA) {
		has_base = head.distance < at;
		*base = at - head.distance;
	} else if (head.type == OBJECT_REF_DELTA) {
		has_base = packindex_find(&n, pack, head.base);
		*base = has_base ? packindex_offset(pack, n) : 0;
	}
	if (!has_base) {
		return damaged("it is a delta of what is not in the pack", err);
	}
	/* git makes no delta that is more than half as large as its object. */
	is_delta = head.type > OBJECT_TAG;
	if (head.size > (is_delta ? unpack->most / 2 : unpack->most)) {
		return too_large(unpack, head.size, err);
	}
	*type = head.type;
	*link = (struct link){.at = at,
			      .data = p + head.len,
			      .left = left - head.len,
			      .size = head.size};
	packindex_expect(pack, at, head.size / 2); /* a guess of what it is deflated */
	return 0;
}

/* Follows deltas from `at` to an object that is none, or is kept: *kept, or read into *body.
 * The deltas are the chain then, the last one first. */
static int find_base(const struct kept **kept, struct buf *body, struct link *base,
		     enum object_type *type, struct unpack *unpack,
		     const struct packindex *pack, size_t at, struct err *err)
{
	unpack->chained = 0;
	for (;;) {
		struct link *link = &unpack->chain[unpack->chained];
		unsigned kind = 0;
		int rc;

		*kept = find_kept(unpack, pack, at);
		if (*kept) {
			*type = (*kept)->type;
			return 0;
		}
		rc = read_head(link, &kind, &at, unpack, pack, at, err);
		if (!rc && kind <= OBJECT_TAG) {
			*type = (enum object_type)kind;
			*base = *link;
			return inflate_link(body, unpack, link, err);
		}
		/* A chain of more objects than there are goes in a circle. */
		if (rc || ++unpack->chained == CHAIN_MAX ||
		    unpack->chained > pack->count) {
			return rc ? rc
				  : damaged("it is a delta of a delta without end", err);
		}
	}
}

/* Applies unpack->delta. */
static int apply_delta(struct buf *out, const struct buf *base, struct unpack *unpack,
		       struct err *err)
{
	const struct buf *delta = &unpack->delta;
	size_t from, to;
	const uint8_t *at = delta_sizes(&from, &to, delta->data, delta->len);

	if (at && from == base->len && to > unpack->most) {
		return too_large(unpack, to, err);
	}
	return at && from == base->len &&
			       delta_apply(out, base->data, base->len, at,
					   (const uint8_t *)delta->data + delta->len, to)
		       ? 0
		       : damaged("it is a damaged delta", err);
}

int unpack_read(struct buf *body, enum object_type *type, struct unpack *unpack,
		const struct packindex *pack, size_t at, size_t most, struct err *err)
{
	const struct kept *kept;
	struct link link = {0};
	int rc;

	unpack->most = most;
	buf_clear(body);
	rc = find_base(&kept, body, &link, type, unpack, pack, at, err);
	if (!rc && kept && !unpack->chained) {
		buf_add(body, kept->body.data, kept->body.len);
	}
	while (!rc && unpack->chained) {
		const struct buf *base = kept ? &kept->body : &unpack->base;
		size_t base_at = link.at;

		if (!kept) {
			struct buf swap = *body;

			*body = unpack->base;
			unpack->base = swap;
		}
		link = unpack->chain[--unpack->chained];
		if (base->len > LARGE && unpack->chained >= LARGE_CHAIN_MAX) {
			rc = damaged("it is a delta of more than 255 others, and too "
				     "large for that",
				     err);
			break;
		}
		rc = inflate_link(&unpack->delta, unpack, &link, err);
		rc = rc ? rc : apply_delta(body, base, unpack, err);
		if (!rc && !kept) {
			keep(unpack, pack, base_at, *type, &unpack->base);
		}
		kept = NULL;
	}
	buf_empty(&unpack->base);
	buf_empty(&unpack->delta);
	return rc;
}

int unpack_head(size_t *size, enum object_type *type, struct unpack *unpack,
		const struct packindex *pack, size_t at, struct err *err)
{
	struct link link;
	unsigned kind;
	int rc;

	unpack->most = OBJECT_MAX;
	rc = read_head(&link, &kind, &at, unpack, pack, at, err);

	if (rc) {
		return rc;
	}
	*size = link.size;
	if (kind > OBJECT_TAG) {
		size_t base;

		rc = inflate_link(&unpack->delta, unpack, &link, err);
		if (!rc &&
		    !delta_sizes(&base, size, unpack->delta.data, unpack->delta.len)) {
			rc = damaged("it is a damaged delta", err);
		}
	}
	for (unsigned i = 0; !rc && kind > OBJECT_TAG; i++) {
		rc = i < CHAIN_MAX && i < pack->count
			     ? read_head(&link, &kind, &at, unpack, pack, at, err)
			     : damaged("it is a delta of a delta without end", err);
	}
	*type = (enum object_type)kind;
	return rc;
}

/* --- loose objects --- */

static bool read_loose_head(enum object_type *type, size_t *head, const struct buf *body)
{
	static const char *const name[] = {[OBJECT_COMMIT] = "commit ",
					   [OBJECT_TREE] = "tree ",
					   [OBJECT_BLOB] = "blob ",
					   [OBJECT_TAG] = "tag "};
	const char *nul = memchr(body->data, '\0', body->len < 32 ? body->len : 32);
	char size[24];

	for (int i = OBJECT_COMMIT; nul && i <= OBJECT_TAG; i++) {
		size_t len = strlen(name[i]);

		if (strncmp(body->data, name[i], len) == 0) {
			*type = (enum object_type)i;
			*head = (size_t)(nul - body->data) + 1;
			snprintf(size, sizeof(size), "%zu", body->len - *head);
			return strcmp(body->data + len, size) == 0;
		}
	}
	return false;
}

/* Room for an object and its head. */
#define LOOSE_MAX (OBJECT_MAX + 32)

int unpack_loose(struct buf *body, enum object_type *type, struct unpack *unpack,
		 const char *path, struct err *err)
{
	size_t room = 4096, head;
	int rc;

	buf_clear(&unpack->delta);
	/* What does not shrink, grows by some bytes for each 64 KiB. */
	rc = file_read(&unpack->delta, path, OBJECT_MAX + OBJECT_MAX / 1024, err);
	if (rc) {
		return rc;
	}
	/* Its size is inside: try with more and more room. */
	do {
		size_t len = room = room * 4 < LOOSE_MAX ? room * 4 : LOOSE_MAX;

		buf_empty(body);
		buf_grow(body, room);
		rc = object_inflate_some(unpack->inflater, body->data, &len,
					 unpack->delta.data, unpack->delta.len);
		if (!rc) {
			body->len = len;
			body->data[len] = '\0';
		}
	} while (rc == ERR_FULL && room < LOOSE_MAX);
	buf_empty(&unpack->delta);
	if (rc || !read_loose_head(type, &head, body)) {
		return damaged(rc == ERR_FULL
				       ? "it is larger than any object of a snapshot"
				       : "its deflated bytes are damaged",
			       err);
	}
	memmove(body->data, body->data + head, body->len - head);
	buf_setlen(body, body->len - head);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_unpack.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"

/* Deltas have these numbers where objects have their type's. */
#define DELTA_OF_OFFSET 6
#define DELTA_OF_ID 7
/* git makes no longer chain. */
#define CHAIN_MAX 4096

/* Bodies that others may be deltas of: a table with one place for each, where the
 * newcomer wins, and a hand that goes round and frees when they take too much. */
#define KEPT_SLOTS 16384
#define KEPT_BYTES ((size_t)64 << 20)
#define KEPT_BODY_MAX (KEPT_BYTES / 16)

struct kept {
	const struct packindex *pack; /* NULL: free */
	size_t at;
	enum object_type type;
	struct buf body;
};

/* One object on the way from a delta to what it is a delta of. */
struct link {
	size_t at;           /* where it begins */
	const uint8_t *data; /* what is deflated */
	size_t left;         /* bytes there are of it, at most */
	size_t size;         /* inflated */
};

struct verify_unpack {
	struct object_inflater *inflater;
	struct link *chain; /* CHAIN_MAX */
	size_t chained;
	struct buf delta, base;
	struct kept *kept; /* KEPT_SLOTS */
	size_t kept_bytes, hand;
};

struct verify_unpack *verify_unpack_new(void)
{
	struct verify_unpack *unpack = xzalloc(sizeof(*unpack));

	unpack->inflater = object_inflater_new();
	unpack->chain = xreallocarray(NULL, CHAIN_MAX, sizeof(*unpack->chain));
	unpack->kept = xzalloc(KEPT_SLOTS * sizeof(*unpack->kept));
	return unpack;
}

void verify_unpack_free(struct verify_unpack *unpack)
{
	if (unpack) {
		for (size_t i = 0; i < KEPT_SLOTS; i++) {
			buf_release(&unpack->kept[i].body);
		}
		object_inflater_free(unpack->inflater);
		buf_release(&unpack->delta);
		buf_release(&unpack->base);
		free(unpack->kept);
		free(unpack->chain);
		free(unpack);
	}
}

/* --- what is kept --- */

static struct kept *slot_of(struct verify_unpack *unpack, const struct packindex *pack,
			    size_t at)
{
	uint64_t key = (uint64_t)at ^ (uint64_t)(uintptr_t)pack << 20;

	return &unpack->kept[(key * 0x9e3779b97f4a7c15u >> 32) % KEPT_SLOTS];
}

static const struct kept *find_kept(struct verify_unpack *unpack,
				    const struct packindex *pack, size_t at)
{
	const struct kept *kept = slot_of(unpack, pack, at);

	return kept->pack == pack && kept->at == at ? kept : NULL;
}

static void forget(struct verify_unpack *unpack, struct kept *kept)
{
	unpack->kept_bytes -= kept->body.cap;
	buf_release(&kept->body);
	kept->pack = NULL;
}

static void keep_copy(struct verify_unpack *unpack, const struct packindex *pack,
		      size_t at, enum object_type type, const struct buf *body)
{
	struct kept *kept = slot_of(unpack, pack, at);

	if (body->len > KEPT_BODY_MAX) {
		return;
	}
	forget(unpack, kept);
	buf_add(&kept->body, body->data, body->len);
	kept->pack = pack;
	kept->at = at;
	kept->type = type;
	unpack->kept_bytes += kept->body.cap;
	while (unpack->kept_bytes > KEPT_BYTES) {
		struct kept *other = &unpack->kept[unpack->hand++ % KEPT_SLOTS];

		if (other != kept) {
			forget(unpack, other);
		}
	}
}

/* --- inflating --- */

static int damaged(const char *how, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s", how);
}

/* A number of groups of seven bits, the lowest first. False: it does not end, or is
 * larger than any object may be. */
static bool read_size(size_t *out, const uint8_t **at, const uint8_t *end, unsigned shift)
{
	uint8_t byte = 0x80;

	while (byte & 0x80) {
		if (*at == end || shift > 28 + 4) {
			return false;
		}
		byte = *(*at)++;
		*out |= (size_t)(byte & 0x7f) << shift;
		shift += 7;
	}
	return *out <= VERIFY_UNPACK_MAX;
}

/* How far before a delta its base begins: git's own way of writing numbers. */
static bool read_distance(size_t *out, const uint8_t **at, const uint8_t *end)
{
	uint8_t byte;

	*out = 0;
	do {
		if (*at == end || *out > SIZE_MAX >> 8) {
			return false;
		}
		byte = *(*at)++;
		*out = (*out << 7) + (byte & 0x7f);
		if (byte & 0x80) {
			(*out)++;
		}
	} while (byte & 0x80);
	return true;
}

static int inflate_link(struct buf *out, struct verify_unpack *unpack,
			const struct link *link, struct err *err)
{
	buf_clear(out);
	buf_grow(out, link->size);
	if (object_inflate(unpack->inflater, out->data, link->size, link->data,
			   link->left)) {
		return damaged("what is deflated in it is damaged", err);
	}
	out->len = link->size;
	out->data[out->len] = '\0';
	return 0;
}

/* --- chains of deltas --- */

/* Reads the head of the object at `at`. *type: as it stands there, a delta's too.
 * *base: where a delta's base begins. */
static int read_head(struct link *link, unsigned *type, size_t *base,
		     const struct packindex *pack, size_t at, struct err *err)
{
	size_t left;
	const uint8_t *p = packindex_from(pack, at, &left), *end = p ? p + left : NULL;
	size_t distance;
	uint32_t n;

	if (!p) {
		return damaged("it lies outside the pack", err);
	}
	*type = *p >> 4 & 7;
	*link = (struct link){.at = at, .size = *p & 15};
	if (*p++ & 0x80 && !read_size(&link->size, &p, end, 4)) {
		return damaged("its size is out of bounds", err);
	}
	if (*type == DELTA_OF_OFFSET) {
		if (!read_distance(&distance, &p, end) || distance >= at || !distance) {
			return damaged("it is a delta of what is not in the pack", err);
		}
		*base = at - distance;
	} else if (*type == DELTA_OF_ID) {
		if (end - p < OBJECT_ID || !packindex_find(&n, pack, p)) {
			return damaged("it is a delta of what is not in the pack", err);
		}
		*base = packindex_offset(pack, n);
		p += OBJECT_ID;
	} else if (*type < OBJECT_COMMIT || *type > OBJECT_TAG) {
		return damaged("it has no type", err);
	}
	link->data = p;
	link->left = (size_t)(end - p);
	return 0;
}

/* Copies what a delta says from `base` to *out. A delta: the two sizes; then bytes
 * above 127: copy, with offset and size in the bytes that the low bits name; bytes
 * from 1 to 127: so many new ones follow. */
static bool apply(struct buf *out, const struct buf *base, const struct buf *delta)
{
	const uint8_t *at = (const uint8_t *)delta->data, *end = at + delta->len;
	size_t from = 0, to = 0;

	if (!read_size(&from, &at, end, 0) || !read_size(&to, &at, end, 0) ||
	    from != base->len) {
		return false;
	}
	buf_clear(out);
	buf_grow(out, to);
	while (at < end) {
		uint8_t op = *at++;
		size_t offset = 0, size = op;
		const char *source = (const char *)at;

		if (op & 0x80) {
			size = 0;
			for (unsigned i = 0; i < 7; i++) {
				size_t byte = op >> i & 1 ? (at < end ? *at++ : 256) : 0;

				if (byte > 255) {
					return false;
				}
				offset |= i < 4 ? byte << 8 * i : 0;
				size |= i < 4 ? 0 : byte << 8 * (i - 4);
			}
			size = size ? size : 0x10000;
			if (offset > base->len || size > base->len - offset) {
				return false;
			}
			source = base->data + offset;
		} else if (!size || size > (size_t)(end - at)) {
			return false;
		} else {
			at += size;
		}
		if (size > to - out->len) {
			return false;
		}
		buf_add(out, source, size);
	}
	return out->len == to;
}

/* Follows deltas from `at` to what is none, or is remembered: that is *body then. */
static int read_base(struct buf *body, enum object_type *type,
		     struct verify_unpack *unpack, const struct packindex *pack,
		     size_t at, bool keep, struct err *err)
{
	const struct kept *kept;
	unsigned kind = DELTA_OF_ID;
	size_t next = at;

	unpack->chained = 0;
	while (!(kept = find_kept(unpack, pack, next))) {
		struct link *link = &unpack->chain[unpack->chained];
		int rc = read_head(link, &kind, &next, pack, next, err);

		if (!rc && kind <= OBJECT_TAG) {
			*type = (enum object_type)kind;
			rc = inflate_link(body, unpack, link, err);
			if (!rc && keep) {
				keep_copy(unpack, pack, link->at, *type, body);
			}
			return rc;
		}
		if (rc || ++unpack->chained == CHAIN_MAX) {
			return rc ? rc
				  : damaged("it is a delta of a delta without end", err);
		}
	}
	*type = kept->type;
	buf_clear(body);
	buf_add(body, kept->body.data, kept->body.len);
	return 0;
}

int verify_unpack_read(struct buf *body, enum object_type *type,
		       struct verify_unpack *unpack, const struct packindex *pack,
		       size_t at, bool keep, struct err *err)
{
	int rc = read_base(body, type, unpack, pack, at, keep, err);

	while (!rc && unpack->chained) {
		const struct link *link = &unpack->chain[--unpack->chained];
		struct buf swap = *body;

		*body = unpack->base;
		unpack->base = swap;
		rc = inflate_link(&unpack->delta, unpack, link, err);
		if (!rc && !apply(body, &unpack->base, &unpack->delta)) {
			rc = damaged("it is a damaged delta", err);
		}
		if (!rc && keep) {
			keep_copy(unpack, pack, link->at, *type, body);
		}
	}
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

int verify_unpack_loose(struct buf *body, enum object_type *type,
			struct verify_unpack *unpack, const char *path, struct err *err)
{
	size_t room = 4096, head;
	int rc;

	buf_clear(&unpack->delta);
	rc = file_read(&unpack->delta, path, VERIFY_UNPACK_MAX, err);
	if (rc) {
		return rc;
	}
	/* Its size stands within: try a larger room until it fits. */
	do {
		size_t len = room *= 4;

		buf_clear(&unpack->base);
		buf_grow(&unpack->base, room);
		rc = object_inflate_some(unpack->inflater, unpack->base.data, &len,
					 unpack->delta.data, unpack->delta.len);
		if (!rc) {
			unpack->base.len = len;
			unpack->base.data[len] = '\0';
		}
	} while (rc == ERR_FULL && room < VERIFY_UNPACK_MAX);
	if (rc || !read_loose_head(type, &head, &unpack->base)) {
		return damaged("what is deflated in it is damaged", err);
	}
	buf_clear(body);
	buf_add(body, unpack->base.data + head, unpack->base.len - head);
	return 0;
}

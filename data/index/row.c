/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/row.h"

#include <nettle/sha2.h>
#include <string.h>

#include "data/index/sum.h"

void row_add_sum(struct buf *out, size_t start, const void *key, size_t key_len)
{
	uint64_t sum = sum_add(0, key, key_len);

	buf_addu32(out, sum_end(sum_add(sum, out->data + start, out->len - start)));
}

bool row_sum_agrees(const void *key, size_t key_len, const void *bytes, size_t len)
{
	uint64_t sum = sum_add(sum_add(0, key, key_len), bytes, len);

	return be32_get((const char *)bytes + len) == sum_end(sum);
}

void row_hash(unsigned char out[ROW_HASH_SIZE], const void *bytes, size_t len)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, bytes);
	sha256_digest(&ctx, ROW_HASH_SIZE, out);
}

void row_version_id_put(unsigned char out[ROW_VERSION_ID_SIZE],
			const struct row_version_key *key)
{
	memcpy(out, key->stamp.bytes, STAMP_SIZE);
	memcpy(out + STAMP_SIZE, key->hash, ROW_HASH_SIZE);
}

void row_version_id_get(struct row_version_key *out, uint64_t number, const void *bytes)
{
	const unsigned char *p = bytes;

	out->number = number;
	memcpy(out->stamp.bytes, p, STAMP_SIZE);
	memcpy(out->hash, p + STAMP_SIZE, ROW_HASH_SIZE);
}

struct row_key row_key1(uint64_t a)
{
	struct row_key key = {.len = 8};

	be64_put(key.bytes, a);
	return key;
}

struct row_key row_key2(uint64_t a, uint64_t b)
{
	struct row_key key = row_key1(a);

	be64_put(key.bytes + 8, b);
	key.len = 16;
	return key;
}

struct row_key row_key3(uint64_t a, uint64_t b, uint64_t c)
{
	struct row_key key = row_key2(a, b);

	be64_put(key.bytes + 16, c);
	key.len = 24;
	return key;
}

void row_version_key_put(unsigned char out[ROW_VERSION_KEY_SIZE],
			 const struct row_version_key *key)
{
	be64_put(out, key->number);
	row_version_id_put(out + 8, key);
}

void row_version_key_get(struct row_version_key *out, const void *bytes)
{
	row_version_id_get(out, be64_get(bytes), (const unsigned char *)bytes + 8);
}

bool row_version_equal(const struct row_version_key *a, const struct row_version_key *b)
{
	return a->number == b->number && stamp_compare(&a->stamp, &b->stamp) == 0 &&
	       memcmp(a->hash, b->hash, ROW_HASH_SIZE) == 0;
}

/* A position in bytes that are decoded; a read past the end sticks. */
struct reader {
	const unsigned char *p;
	size_t left;
	bool bad;
};

static const void *take(struct reader *r, size_t len)
{
	static const unsigned char zero[RECORD_ID_MAX + 64];
	const void *p = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		return zero;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static unsigned take8(struct reader *r)
{
	return *(const unsigned char *)take(r, 1);
}

static uint32_t take32(struct reader *r)
{
	return be32_get(take(r, 4));
}

static uint64_t take64(struct reader *r)
{
	return be64_get(take(r, 8));
}

static void take_stamp(struct reader *r, struct stamp *out)
{
	memcpy(out->bytes, take(r, STAMP_SIZE), STAMP_SIZE);
}

/* Numbers in rows: five bytes, up to 10^12. */
static void add40(struct buf *out, uint64_t n)
{
	unsigned char bytes[8];

	be64_put(bytes, n);
	buf_add(out, bytes + 3, 5);
}

static uint64_t take40(struct reader *r)
{
	unsigned char bytes[8] = {0};

	memcpy(bytes + 3, take(r, 5), 5);
	return be64_get(bytes);
}

/* Counts, which are nearly always small: seven bits a byte, the lowest first. */
static void add_count(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7) {
		buf_addch(out, (char)(n | 0x80));
	}
	buf_addch(out, (char)n);
}

static uint64_t take_count(struct reader *r)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		unsigned c = take8(r);

		n |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			return n;
		}
	}
	r->bad = true;
	return 0;
}

enum { VERSION_EMBEDDED = 1 << 0, VERSION_IMAGE_FIRST = 1 << 1 };

static void add_version_id(struct buf *out, const struct row_version_key *key)
{
	unsigned char id[ROW_VERSION_ID_SIZE];

	row_version_id_put(id, key);
	buf_add(out, id, sizeof(id));
}

static void take_version_id(struct reader *r, uint64_t number,
			    struct row_version_key *out)
{
	row_version_id_get(out, number, take(r, ROW_VERSION_ID_SIZE));
}

void row_version_put(struct buf *out, const unsigned char key[ROW_VERSION_KEY_SIZE],
		     const struct row_version *row)
{
	size_t start = out->len;

	add_count(out, row->claims);
	add_count(out, row->pins);
	buf_addch(out, (char)row->kind);
	buf_add(out, row->created.bytes, STAMP_SIZE);
	if (row->kind == RECORD_IMAGE) {
		add40(out, row->album);
	} else if (row->kind == RECORD_TAG_IMAGE) {
		buf_addch(out, (char)((row->embedded ? VERSION_EMBEDDED : 0) |
				      (row->image_first ? VERSION_IMAGE_FIRST : 0)));
		add40(out, row->image);
		add40(out, row->tag);
		buf_addu32(out, row->image_at);
		buf_addu32(out, row->tag_at);
		if (row->embedded) {
			add_version_id(out, &row->image_version);
			add_version_id(out, &row->tag_version);
		}
	}
	row_add_sum(out, start, key, ROW_VERSION_KEY_SIZE);
	buf_add(out, row->packed, row->packed_len);
}

int row_version_get(struct row_version *out, const void *key, const void *bytes,
		    size_t len)
{
	struct reader r = {.p = bytes, .left = len};
	unsigned kind, flags;

	*out = (struct row_version){0};
	out->claims = (uint32_t)take_count(&r);
	out->pins = (uint32_t)take_count(&r);
	kind = take8(&r);
	if (kind < RECORD_IMAGE || kind > RECORD_TAG_IMAGE) {
		return -1;
	}
	out->kind = (enum record_kind)kind;
	take_stamp(&r, &out->created);
	if (out->kind == RECORD_IMAGE) {
		out->album = take40(&r);
	} else if (out->kind == RECORD_TAG_IMAGE) {
		flags = take8(&r);
		out->embedded = flags & VERSION_EMBEDDED;
		out->image_first = flags & VERSION_IMAGE_FIRST;
		out->image = take40(&r);
		out->tag = take40(&r);
		out->image_at = take32(&r);
		out->tag_at = take32(&r);
		if (out->embedded) {
			take_version_id(&r, out->image, &out->image_version);
			take_version_id(&r, out->tag, &out->tag_version);
		}
	}
	take(&r, ROW_SUM_SIZE);
	out->packed = r.p;
	out->packed_len = r.left;
	return r.bad || !row_sum_agrees(key, ROW_VERSION_KEY_SIZE, bytes,
					len - r.left - ROW_SUM_SIZE)
		       ? -1
		       : 0;
}

enum { RECORD_KNOWN = 1 << 0, RECORD_LIVE = 1 << 1 };

void row_record_put(struct buf *out, uint64_t number, const struct row_record *row)
{
	size_t start = out->len;
	unsigned char key[8];

	buf_addch(out, (char)row->kind);
	buf_addch(out, (char)((row->known ? RECORD_KNOWN : 0) |
			      (row->live ? RECORD_LIVE : 0)));
	buf_addch(out, (char)row->id.len);
	buf_add(out, row->id.bytes, row->id.len);
	if (row->kind != ROW_ALBUM) {
		add_version_id(out, &row->version);
		buf_add(out, row->created.bytes, STAMP_SIZE);
	}
	if (row->kind == RECORD_IMAGE) {
		add40(out, row->album);
	} else if (row->kind == RECORD_TAG_IMAGE) {
		add40(out, row->image);
		add40(out, row->tag);
	}
	if (row->kind != RECORD_TAG_IMAGE) {
		add_count(out, row->live_count);
		add_count(out, row->joined);
		add40(out, row->feed[0]);
	}
	if (row->kind == ROW_ALBUM) {
		add40(out, row->feed[1]);
	}
	be64_put(key, number);
	row_add_sum(out, start, key, sizeof(key));
}

bool row_record_is(const void *bytes, size_t len, unsigned kind,
		   const struct record_id *id)
{
	const unsigned char *p = bytes;

	return len >= 3u + id->len && p[0] == kind && p[2] == id->len &&
	       memcmp(p + 3, id->bytes, id->len) == 0;
}

const unsigned char *row_record_id(const void *bytes)
{
	return (const unsigned char *)bytes + 3; /* kind, flags, length */
}

int row_record_get(struct row_record *out, uint64_t number, const void *bytes, size_t len)
{
	struct reader r = {.p = bytes, .left = len};
	unsigned char key[8];
	unsigned flags;

	*out = (struct row_record){0};
	be64_put(key, number);
	if (len < ROW_SUM_SIZE ||
	    !row_sum_agrees(key, sizeof(key), bytes, len - ROW_SUM_SIZE)) {
		return -1;
	}
	out->kind = take8(&r);
	flags = take8(&r);
	out->known = flags & RECORD_KNOWN;
	out->live = flags & RECORD_LIVE;
	out->id.len = (unsigned char)take8(&r);
	if (out->id.len > RECORD_ID_MAX) {
		return -1;
	}
	memcpy(out->id.bytes, take(&r, out->id.len), out->id.len);
	if (out->kind != ROW_ALBUM) {
		take_version_id(&r, number, &out->version);
		take_stamp(&r, &out->created);
	}
	if (out->kind == RECORD_IMAGE) {
		out->album = take40(&r);
	} else if (out->kind == RECORD_TAG_IMAGE) {
		out->image = take40(&r);
		out->tag = take40(&r);
	}
	if (out->kind != RECORD_TAG_IMAGE) {
		out->live_count = take_count(&r);
		out->joined = take_count(&r);
		out->feed[0] = take40(&r);
	}
	if (out->kind == ROW_ALBUM) {
		out->feed[1] = take40(&r);
	}
	return r.bad || r.left != ROW_SUM_SIZE ? -1 : 0;
}

void row_path_key(struct buf *out, const char *path, size_t len)
{
	if (len <= ROW_PATH_KEY_MAX) {
		buf_add(out, path, len);
	} else {
		unsigned char hash[ROW_HASH_SIZE];

		row_hash(hash, path, len);
		buf_add(out, path, ROW_PATH_KEY_MAX);
		buf_add(out, hash, sizeof(hash));
	}
}

enum { FILE_RACY = 1 << 0, FILE_UNREAD = 1 << 1 };

void row_file_put(struct buf *out, const struct row_file *row, const char *path,
		  size_t len)
{
	const struct claim_file *f = &row->file;
	size_t start = out->len;
	struct buf key = {0};

	buf_addu64(out, f->number);
	buf_addu64(out, f->dev);
	buf_addu64(out, f->ino);
	buf_addu64(out, (uint64_t)f->size);
	buf_addu64(out, (uint64_t)f->mtime_ns);
	buf_addu64(out, (uint64_t)f->ctime_ns);
	add_count(out, f->rejects);
	buf_addu32(out, f->claims);
	buf_addch(out,
		  (char)((f->racy ? FILE_RACY : 0) | (row->unread ? FILE_UNREAD : 0)));
	if (len > ROW_PATH_KEY_MAX) {
		buf_add(out, path, len);
	}
	row_path_key(&key, path, len);
	row_add_sum(out, start, key.data, key.len);
	buf_release(&key);
}

int row_file_get(struct row_file *out, const void *key, size_t key_len, const void *bytes,
		 size_t len)
{
	struct reader r = {.p = bytes, .left = len - ROW_SUM_SIZE};
	struct claim_file *f = &out->file;
	unsigned flags;

	if (len < ROW_SUM_SIZE ||
	    !row_sum_agrees(key, key_len, bytes, len - ROW_SUM_SIZE)) {
		return -1;
	}
	f->number = take64(&r);
	f->dev = take64(&r);
	f->ino = take64(&r);
	f->size = (int64_t)take64(&r);
	f->mtime_ns = (int64_t)take64(&r);
	f->ctime_ns = (int64_t)take64(&r);
	f->rejects = take_count(&r);
	f->claims = take32(&r);
	flags = take8(&r);
	f->racy = flags & FILE_RACY;
	out->unread = flags & FILE_UNREAD;
	out->path_len = r.left;
	out->path = r.left ? (const char *)r.p : NULL;
	return r.bad ? -1 : 0;
}

uint32_t row_claim_sum(const struct row_version_key *version)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];

	row_version_key_put(bytes, version);
	return sum_end(sum_add(0, bytes, sizeof(bytes)));
}

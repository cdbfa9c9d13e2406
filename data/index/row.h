/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_ROW_H
#define DATA_INDEX_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/format/record.h"
#include "data/format/stamp.h"
#include "data/index/claim_file.h"

/*
 * row - keys and values of the tables of the index, as bytes and as structs. Pure. The
 * top of index.c says what the tables mean, and when the format version must change.
 * Integers are big-endian, so keys sort as numbers.
 *
 * Rows that decide an answer carry a sum (data/index/sum.h) of their key and value: a
 * row that decodes is the row that was written under this key.
 */

enum table {
	TABLE_META,
	TABLE_DICTIONARY,
	TABLE_FILE,
	TABLE_CLAIM,
	TABLE_REJECT,
	TABLE_ID,
	TABLE_RECORD,
	TABLE_VERSION,
	TABLE_TAG_IMAGES,
	TABLE_IMAGE_TAGS,
	TABLE_ALBUM_IMAGES,
	TABLE_ALBUM_UNTAGGED,
	TABLE_FEED,
	TABLE_COUNT,
};

/* Keys of one to three numbers. */
struct row_key {
	unsigned char bytes[24];
	size_t len;
};
struct row_key row_key1(uint64_t a);
struct row_key row_key2(uint64_t a, uint64_t b);
struct row_key row_key3(uint64_t a, uint64_t b, uint64_t c);

/* A reject begins with its line and its column; the reason follows. */
#define ROW_REJECT_SIZE 16

#define ROW_SUM_SIZE 4

/* Appends the sum of the key and of the bytes in the buffer from `start` on. */
void row_add_sum(struct buf *out, size_t start, const void *key, size_t key_len);
/* Whether their sum follows the `len` bytes. */
bool row_sum_agrees(const void *key, size_t key_len, const void *bytes, size_t len);

#define ROW_HASH_SIZE 16

/* One version of a record: a text that some file claims for it. The versions of a
 * record sort in the order that decides between claims. */
struct row_version_key {
	uint64_t number; /* of the record */
	struct stamp stamp;
	unsigned char hash[ROW_HASH_SIZE]; /* SHA-256 of the canonical text, shortened */
};

#define ROW_VERSION_KEY_SIZE (8 + STAMP_SIZE + ROW_HASH_SIZE)
/* The part after the number: names a version of a known record. */
#define ROW_VERSION_ID_SIZE (STAMP_SIZE + ROW_HASH_SIZE)

void row_version_key_put(unsigned char out[ROW_VERSION_KEY_SIZE],
			 const struct row_version_key *key);
void row_version_key_get(struct row_version_key *out, const void *bytes);
void row_version_id_put(unsigned char out[ROW_VERSION_ID_SIZE],
			const struct row_version_key *key);
void row_version_id_get(struct row_version_key *out, uint64_t number, const void *bytes);
bool row_version_equal(const struct row_version_key *a, const struct row_version_key *b);

/* A version without its text. */
struct row_version {
	uint32_t claims; /* files that claim it */
	uint32_t pins;   /* versions of tag images that embed it */
	enum record_kind kind;
	struct stamp created;
	uint64_t album;      /* image: number of its album */
	uint64_t image, tag; /* tag image: numbers of its image and tag */
	/* tag image: the places of these in its own text (its text without the members
	 * for image and tag) */
	uint32_t image_at, tag_at;
	bool image_first; /* decides if image_at == tag_at */
	bool embedded;    /* then these are the embedded versions: */
	struct row_version_key image_version, tag_version;
	/* The packed text (data/index/codec.h): in the decoded bytes, borrowed. */
	const unsigned char *packed;
	size_t packed_len;
};

/* Appends the row and, from row->packed, the packed text. `key` is the key as bytes. */
void row_version_put(struct buf *out, const unsigned char key[ROW_VERSION_KEY_SIZE],
		     const struct row_version *row);
/* Returns 0, or -1 if the bytes are not the row of this key. The packed text has its
 * own sum. */
int row_version_get(struct row_version *out, const void *key, const void *bytes,
		    size_t len);

/* A record, an album, or the place of a record that only other records name. */
#define ROW_ALBUM 4 /* kind, beside enum record_kind */

struct row_record {
	unsigned kind; /* enum record_kind or ROW_ALBUM */
	bool known;    /* has a winner (album: has an image) */
	bool live;     /* tag image: its image and its tag are known */
	struct record_id id;
	/* the winner and what follows from it; zero if not known */
	struct row_version_key version;
	struct stamp created;
	uint64_t album;      /* image */
	uint64_t image, tag; /* tag image */
	uint64_t live_count; /* image, tag: live tag images; album: its images */
	/* image, tag: its known tag images; album: its untagged images. The relation
	 * tables have this many rows that begin with its number */
	uint64_t joined;
	/* sequence of the last change, 0: never. image: [0] tag images; tag: [0]
	 * itself; album: [0] untagged images, [1] images */
	uint64_t feed[2];
};

/* Whether the bytes are the row of (kind, id); cheaper than decoding it. */
bool row_record_is(const void *bytes, size_t len, unsigned kind,
		   const struct record_id *id);
/* Where the id lies in the bytes of a row that row_record_get has decoded. */
const unsigned char *row_record_id(const void *bytes);
void row_record_put(struct buf *out, uint64_t number, const struct row_record *row);
/* Returns 0, or -1 if the bytes are not the row of record `number`. */
int row_record_get(struct row_record *out, uint64_t number, const void *bytes,
		   size_t len);

/* A metadata file. Its row contains the path if the key cannot. */
struct row_file {
	struct claim_file file;
	bool unread;      /* it may have claims, but was not read to its end */
	const char *path; /* in the decoded bytes, borrowed; or NULL */
	size_t path_len;
};

#define ROW_PATH_KEY_MAX 440 /* longer paths are cut, and a hash follows */

void row_path_key(struct buf *out, const char *path, size_t len);
void row_file_put(struct buf *out, const struct row_file *row, const char *path,
		  size_t len);
/* Returns 0, or -1 if the bytes are not the row of this key. */
int row_file_get(struct row_file *out, const void *key, size_t key_len, const void *bytes,
		 size_t len);

/* The part of a claim in the sum of all claims of its file (`claims` in struct
 * claim_file). */
uint32_t row_claim_sum(const struct row_version_key *version);

/* A shortened SHA-256. */
void row_hash(unsigned char out[ROW_HASH_SIZE], const void *bytes, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CLAIM_H
#define DATA_INDEX_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/hash.h"
#include "data/format/record.h"
#include "data/index/claim_file.h"
#include "data/index/index.h"

/*
 * claim - what files say, into the index (CONTRACT.md, section 2, "Claims").
 *
 * Each file claims the records in it. Taking a claim elects the winner of its
 * record anew and brings every derived table and the change feed along, in the
 * same transaction and at a cost that follows the change.
 *
 * One reading of one file:
 *
 *	struct claim_reading *reading = NULL;
 *	claim_begin(&reading, txn, path, len, CLAIM_MERGE, err);
 *	for each record: claim_add(reading, &reader.record[i], canon);
 *	for each reject: claim_reject(reading, line, column, reason);
 *	rc = claim_end(&reading, &file, err);	(or claim_drop: forget it)
 *
 * A file that was read whole before the first claim, and without one reject, is
 * read with CLAIM_REPLACE: what it no longer says is withdrawn at claim_end.
 * A file that is streamed is read with CLAIM_MERGE, which never lowers a claim
 * and withdraws nothing until claim_end, and then only if there was no reject.
 * Where merging met a claim that the clean file lowers, claim_end returns
 * ERR_CHANGED: read the file once more, with CLAIM_REPLACE (claim.c says why).
 *
 * A long reading may span transactions: claim_pause before the commit, then
 * claim_resume with the next one.
 */

enum claim_mode { CLAIM_MERGE, CLAIM_REPLACE };

struct claim_reading;

/* Begins to read the file `path` (bytes as they are in the folder, relative to
 * it, no leading slash, up to 4,095 of them). Rejects of an earlier reading are
 * forgotten. *out is released by claim_end or claim_drop. */
int claim_begin(struct claim_reading **out, struct index_txn *txn, const char *path,
		size_t len, enum claim_mode mode, struct err *err);

/*
 * What is worked out of a record's text alone: its hash, and how it will be
 * stored. As much work as all the rest, and it needs no index, so another thread
 * may do it beforehand; it changes nothing in what is stored.
 */
struct claim_text {
	unsigned char hash[16];
	bool image_first; /* tag image: its own text (data/index/version.h) */
	uint32_t image_at, tag_at;
	struct json_span packed; /* in the buffer given */
};

struct claim_packer;

/* Packers follow the index's dictionaries; each is for one thread at a time. */
struct claim_packer *claim_packer_new(struct index *index);
void claim_packer_free(struct claim_packer *packer); /* NULL is allowed */

/* Fills *text and appends the packed text to *packed. */
void claim_prepare(struct claim_packer *packer, struct claim_text *text,
		   struct buf *packed, const struct record *record, const char *canon);

/* Claims one record; `canon` is the text that its spans count in. A tag image
 * with embedded objects is three calls: the tag image [0] last, after its image
 * [1] and its tag [2]. `text`, with the buffer that it counts in, is what
 * claim_prepare made of it, or NULL. Errors stick in the transaction. */
void claim_add(struct claim_reading *reading, const struct record *record,
	       const char *canon, const struct claim_text *text, const char *packed);

/* Notes a rejected record; line 0 where there is no position (the file could
 * not be read at all). Past 10,000 of one file they are only counted. */
void claim_reject(struct claim_reading *reading, size_t line, size_t column,
		  const char *reason);

/* The same, for a record that is whole but holds a secret. */
void claim_refuse(struct claim_reading *reading, size_t line, size_t column,
		  const char *reason);

/* Between transactions of one reading. */
void claim_pause(struct claim_reading *reading);
void claim_resume(struct claim_reading *reading, struct index_txn *txn);

/* Ends the reading: withdraws what the file no longer says (only if there was no
 * reject) and remembers the file as `file` says (its `rejects` and `number` are
 * filled in here). ERR_CHANGED: see above; nothing was withdrawn, the file is
 * not remembered as read; the reading is released in any case. */
int claim_end(struct claim_reading **reading, struct claim_file *file, struct err *err);
/* Releases a reading that came to nothing: the claims it added stay until the
 * file is read again; the file is not remembered as read. NULL is allowed. */
void claim_drop(struct claim_reading **reading);

/* A file is gone: withdraws all that it claims and forgets it. An unknown path
 * is no error. */
int claim_forget(struct index_txn *txn, const char *path, size_t len, struct err *err);

/*
 * What the index would lose with these files, given by their numbers: *lost is the
 * number of those that hold a record which no other file claims, outside of the list
 * and of `stated`: record numbers (claim_number) that other files are about to
 * claim, or NULL. *empty counts the files that claim nothing.
 */
int claim_loss(struct index_txn *txn, const uint64_t *file, size_t count,
	       const struct hash *stated, uint64_t *lost, uint64_t *empty,
	       struct err *err);

/* The index's own number of a record, 0 where it knows none of this kind and id. */
uint64_t claim_number(struct index_txn *txn, const struct record *record);

/* What is known of the file `path`; ERR_NOTFOUND (quietly: err is not filled). */
int claim_file_get(struct index_txn *txn, const char *path, size_t len,
		   struct claim_file *out);

/*
 * Calls `each` for every known file whose path starts with `prefix` (a folder
 * and a slash, or "" for all), in byte order of paths; a non-zero return ends it
 * and is returned. `path` is borrowed until `each` returns, and `each` must not
 * write. Negative: an error.
 */
int claim_file_each(struct index_txn *txn, const char *prefix, size_t prefix_len,
		    int (*each)(const char *path, size_t len,
				const struct claim_file *file, void *payload),
		    void *payload, struct err *err);

/* One more than the greatest file number given out: the size of a bitmap of
 * files. */
uint64_t claim_file_numbers(const struct index_txn *txn);

/* --- the inside, for gate.c and check.c ------------------------------------------ */

#define CLAIM_REJECTS_KEPT 10000 /* of one file; the others are counted */

struct row_file;

/* The row of the file `path`. ERR_NOTFOUND, quietly. row->path is not kept. */
int claim_file_load(struct index_txn *txn, const char *path, size_t len,
		    struct row_file *out);
/* `unread`: claims may be there, but the file was not read to its end. */
void claim_file_store(struct index_txn *txn, const char *path, size_t len,
		      const struct claim_file *file, bool unread);

/* Withdraws what the file claims for a record: it does claim it. *claims is the sum of
 * the file's claims (claim_file), which the caller keeps. */
int claim_withdraw(struct index_txn *txn, uint64_t file, uint64_t number,
		   uint32_t *claims, struct err *err);

#endif

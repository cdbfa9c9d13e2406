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
 * claim - takes what files say into the index ("Claims" in albumen(7)).
 *
 * Each file claims the records that it contains. Taking a claim elects the winner of
 * its record, and updates every derived table and the change feed in the same
 * transaction, at a cost that follows the change.
 *
 * One reading of one file:
 *
 *	struct claim_reading *reading = NULL;
 *	claim_begin(&reading, txn, path, len, CLAIM_MERGE, err);
 *	for each record: claim_add(reading, &reader.record[i], canon);
 *	for each reject: claim_reject(reading, line, column, reason);
 *	rc = claim_end(&reading, &file, NULL, err);	(or claim_drop: give up)
 *
 * Use CLAIM_REPLACE for a file that was read completely, without a reject, before the
 * first claim: claim_end withdraws what it no longer contains. Use CLAIM_MERGE for a
 * file that is streamed: it never lowers a claim, and withdraws nothing before
 * claim_end, and then only if there was no reject. If the file ended without a reject
 * but lowers a claim, claim_end returns ERR_CHANGED: read the file again with
 * CLAIM_REPLACE (claim.c says why).
 *
 * A long reading may span transactions: call claim_pause before the commit, and
 * claim_resume with the next transaction. Other files may be read in between.
 */

enum claim_mode { CLAIM_MERGE, CLAIM_REPLACE };

struct claim_reading;

/* Begins a reading of the file `path` (its bytes in the folder, relative to it, no
 * leading slash, up to 4,095 of them). Removes the rejects of an earlier reading.
 * claim_end or claim_drop releases *out. */
int claim_begin(struct claim_reading **out, struct index_txn *txn, const char *path,
		size_t len, enum claim_mode mode, struct err *err);

/*
 * The part of a claim that depends on the text of a record alone: its hash, and the
 * text as it is stored. This is half of the work and needs no index, so another thread
 * may do it in advance; the stored bytes are the same.
 */
struct claim_text {
	unsigned char hash[16];
	bool image_first; /* tag image: places in its own text (data/index/version.h) */
	uint32_t image_at, tag_at;
	struct json_span packed; /* in the buffer `packed` */
};

struct claim_packer;

/* Packers follow the dictionaries of the index. Each is for one thread at a time. */
struct claim_packer *claim_packer_new(struct index *index);
void claim_packer_free(struct claim_packer *packer); /* NULL is allowed */

/* Fills *text and appends the packed text to *packed. */
void claim_prepare(struct claim_packer *packer, struct claim_text *text,
		   struct buf *packed, const struct record *record, const char *canon);

/* The hashes of the ids that a record names: its own, and those of its album, or of its image
 * and its tag. Any thread may compute them. */
struct claim_ids {
	uint32_t hash[3];
};
void claim_hash(struct claim_ids *ids, const struct record *record);

/* Such a record is one of the next that claim_add gets: fetches memory that it will read. */
void claim_expect(const struct claim_reading *reading, const struct claim_ids *ids);

/* Claims one record; its spans count in `canon`. A tag image with embedded objects
 * takes three calls: its image [1] and its tag [2] first, then the tag image [0].
 * `ids` is the result of claim_hash, or NULL; `text`, with the buffer `packed`, is the result of claim_prepare, or NULL. A failure
 * sticks in the transaction. */
void claim_add(struct claim_reading *reading, const struct record *record,
	       const char *canon, const struct claim_ids *ids,
	       const struct claim_text *text, const char *packed);

/* Stores a rejected record; line 0 means no position (the file could not be read at
 * all). From the 10,001st of a file on, rejects are only counted. Returns whether it is
 * new: the last reading of the file had no such reject at this place. */
bool claim_reject(struct claim_reading *reading, size_t line, size_t column,
		  const char *reason);

/* The same for a valid record that contains a secret. */
bool claim_reject_secret(struct claim_reading *reading, size_t line, size_t column,
			 const char *reason);

/* Within one reading: claim_pause before a commit, claim_resume after an index_begin
 * that follows. ERR_CHANGED (no message): meanwhile the same path was read to its end, or
 * withdrawn, so that the reading is void and can only be dropped, which then changes
 * nothing. */
void claim_pause(struct claim_reading *reading);
int claim_resume(struct claim_reading *reading, struct index_txn *txn, struct err *err);

/* Ends the reading: withdraws what the file no longer contains (only if there was no
 * reject) and stores `file`, whose `rejects` and `number` it sets. ERR_CHANGED: see
 * above; nothing was withdrawn, and the file counts as unread. Always releases the
 * reading. `lost` (NULL: not wanted) gets the numbers (buf_addu64) of images that only
 * this file claimed before. Another file may claim them later: claim_count_unknown counts
 * those that none does. */
int claim_end(struct claim_reading **reading, struct claim_file *file, struct buf *lost,
	      struct err *err);
uint64_t claim_count_unknown(struct index_txn *txn, const void *numbers, size_t count);
/* Gives up a reading. Its claims stay until the file is read again; the file counts as
 * unread. NULL is allowed. */
void claim_drop(struct claim_reading **reading);

/* Withdraws all claims of a removed file, and removes its row. An unknown path is no
 * error. */
int claim_withdraw_file(struct index_txn *txn, const char *path, size_t len,
			struct err *err);

/*
 * What the index would lose without these files, given by their numbers. *lost is the
 * number of files with a record that no file outside the list claims, and that is not
 * in `stated` (NULL, or the numbers of records that other files are about to claim,
 * from claim_number). *empty is the number of files without claims.
 */
int claim_loss(struct index_txn *txn, const uint64_t *file, size_t count,
	       const struct hash *stated, uint64_t *lost, uint64_t *empty,
	       struct err *err);

/* The number of a record in the index, or 0 if the index does not know its kind and
 * id. */
uint64_t claim_number(struct index_txn *txn, const struct record *record);

/* What the index stores about the file `path`. ERR_NOTFOUND: nothing (err is not
 * filled). */
int claim_file_get(struct index_txn *txn, const char *path, size_t len,
		   struct claim_file *out);

/*
 * Calls `each` for every known file whose path starts with `prefix` (a folder and a
 * slash, or "" for all), in byte order of paths. A non-zero result ends the walk and is
 * returned; a negative one is an error. `path` is borrowed until `each` returns, and
 * `each` must not write.
 */
int claim_file_each(struct index_txn *txn, const char *prefix, size_t prefix_len,
		    int (*each)(const char *path, size_t len,
				const struct claim_file *file, void *payload),
		    void *payload, struct err *err);

/* The greatest file number plus one: the size of a bitmap of files. */
uint64_t claim_file_numbers(const struct index_txn *txn);

/* --- the inside, for gate.c and check.c ------------------------------------------ */

#define CLAIM_REJECTS_KEPT 10000 /* of one file; further ones are counted */

struct row_file;

/* The row of the file `path`. ERR_NOTFOUND: there is none (no message). row->path is
 * not set. */
int claim_file_load(struct index_txn *txn, const char *path, size_t len,
		    struct row_file *out);
/* `unread`: the file may have claims, but was not read to its end. */
void claim_file_store(struct index_txn *txn, const char *path, size_t len,
		      const struct claim_file *file, bool unread);

/* Withdraws the existing claim of the file on a record. *claims is the sum of all
 * claims of the file (struct claim_file), which the caller stores. */
int claim_withdraw(struct index_txn *txn, uint64_t file, uint64_t number,
		   uint32_t *claims, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_VERSION_H
#define DATA_INDEX_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/format/record.h"
#include "data/index/row.h"
#include "data/index/codec.h"

struct index_txn;
struct store_cursor;

/*
 * version - the texts that files claim for records: stored once however many files
 * claim them, counted, compared, and put together again. Internal: programs use claim.h
 * and query.h.
 */

/* A version counts its claims by files, and its pins by versions of tag images. */
enum version_hold { VERSION_CLAIM, VERSION_PIN };

/* Counts another claim or pin of the version. ERR_NOTFOUND (no message): it does not
 * exist. */
int version_hold(struct index_txn *txn, const struct row_version_key *key,
		 enum version_hold hold);
/*
 * Makes the version `key`, which must not exist, with one claim or pin; facts->packed
 * is its text from version_pack. With facts->embedded, pins the versions that it
 * embeds, which must exist.
 */
void version_make(struct index_txn *txn, const struct row_version_key *key,
		  enum version_hold hold, const struct row_version *facts);
/* Appends the stored form of the text of a record, packed: of a tag image, its own
 * text, whose places it sets in *row. `own` is scratch. */
void version_pack(struct codec *codec, struct buf *packed, struct row_version *row,
		  const struct record *record, const char *canon, struct buf *own);
/* Removes a claim or pin. A version without any is removed, with its own pins. Returns
 * the claims that are left. */
uint32_t version_release(struct index_txn *txn, const struct row_version_key *key,
			 enum version_hold hold);

/* The facts of a version that must exist; row->packed is valid until the next write. */
int version_facts(struct index_txn *txn, const struct row_version_key *key,
		  struct row_version *out, struct err *err);
/* The same through a cursor on TABLE_VERSION, which is quicker where keys ascend. Fills no
 * error: a failure is that of the transaction. */
int version_facts_at(struct store_cursor *versions, struct index_txn *txn,
		     const struct row_version_key *key, struct row_version *out);
/* Reads the facts of a version into *row (row->packed is not valid afterwards) and
 * appends its stored text, unpacked, to *text. */
int version_get(struct index_txn *txn, const struct row_version_key *key,
		struct row_version *row, struct buf *text, struct err *err);

/* Appends the winning text of a record that must be known. */
int version_winner(struct index_txn *txn, enum record_kind kind, uint64_t number,
		   struct buf *out, struct err *err);

/* Whether the places of a tag image lie within its own text of that length. version_get
 * ensures it. */
bool version_places_fit(const struct row_version *row, size_t len);
/* Writes the own text of a tag image, joined with the two members: as many bytes as the
 * three have. Returns their end. */
struct version_part {
	const char *at;
	size_t len;
};
char *version_compose(char *to, const struct row_version *row, const char *own,
		      size_t own_len, struct version_part image, struct version_part tag);

/* Appends the canonical text that the file contained. */
int version_text(struct index_txn *txn, const struct row_version_key *key,
		 struct buf *out, struct err *err);

/* Which of two versions of one record wins: *order is positive (a), negative (b), or 0
 * (they are the same). `text` is the canonical text of b, which need not be stored. */
int version_compare_text(struct index_txn *txn, const struct row_version_key *a,
			 const struct row_version_key *b, const char *text, size_t len,
			 int *order, struct err *err);

/* The greatest claimed version of a record. ERR_NOTFOUND: it has no claim. */
int version_elect(struct index_txn *txn, uint64_t number, struct row_version_key *out,
		  struct err *err);

#endif

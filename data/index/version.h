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

/*
 * version - the texts that files claim for records: kept once however many
 * files say the same, counted, compared, and put together again. Inside of the
 * index: programs use claim.h and query.h.
 */

/* Counts of a version: a claim by a file, a pin by a tag image's version. */
enum version_hold { VERSION_CLAIM, VERSION_PIN };

/* Holds the version `key` once more. ERR_NOTFOUND (quietly): there is none. */
int version_hold(struct index_txn *txn, const struct row_version_key *key,
		 enum version_hold hold);
/*
 * Makes the version `key`, which must not exist, held once; facts->packed is its
 * text as version_pack made it. With facts->embedded, the versions that it embeds
 * get a pin each, and must exist.
 */
void version_make(struct index_txn *txn, const struct row_version_key *key,
		  enum version_hold hold, const struct row_version *facts);
/* Appends the text of a record as it is stored, packed: of a tag image, its own
 * text, whose places go into *row. `own` is scratch. */
void version_pack(struct codec *codec, struct buf *packed, struct row_version *row,
		  const struct record *record, const char *canon, struct buf *own);
/* Lets go; a version that nothing holds is removed, and its pins with it.
 * Returns the claims that are left. */
uint32_t version_release(struct index_txn *txn, const struct row_version_key *key,
			 enum version_hold hold);

/* The facts of a version that must be there; row->packed is valid until something is
 * written. */
int version_facts(struct index_txn *txn, const struct row_version_key *key,
		  struct row_version *out, struct err *err);
/* Reads the facts of a version into *row (row->packed is not valid after it) and
 * appends its stored text, unpacked, to *text. */
int version_get(struct index_txn *txn, const struct row_version_key *key,
		struct row_version *row, struct buf *text, struct err *err);

/* Puts a tag image's own text together with the two members. */
void version_compose(struct buf *out, const struct row_version *row, const char *own,
		     size_t own_len, const struct buf *image_member,
		     const struct buf *tag_member);

/* Appends the canonical text that the file wrote. */
int version_text(struct index_txn *txn, const struct row_version_key *key,
		 struct buf *out, struct err *err);

/* Which of two versions of one record wins: *order is positive (a), negative (b), or 0
 * (they are the same). `text` is the canonical text of b, which need not be stored. */
int version_compare_text(struct index_txn *txn, const struct row_version_key *a,
			 const struct row_version_key *b, const char *text, size_t len,
			 int *order, struct err *err);

/* The greatest claimed version of a record. ERR_NOTFOUND: none is claimed. */
int version_elect(struct index_txn *txn, uint64_t number, struct row_version_key *out,
		  struct err *err);

#endif

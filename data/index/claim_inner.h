/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CLAIM_INNER_H
#define DATA_INDEX_CLAIM_INNER_H

#include <stdbool.h>
#include <stddef.h>

#include "data/index/claim.h"
#include "data/index/row.h"

/* claim_inner - the rows of files and single claims, for claim.c and gate.c:
 * programs use claim.h. */

#define CLAIM_REJECTS_KEPT 10000 /* of one file; the others are counted */

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

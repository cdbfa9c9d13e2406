/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WITHDRAW_H
#define INDEXER_WITHDRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/hash.h"
#include "data/index/index.h"
#include "indexer/paths.h"
#include "indexer/apply.h"

/*
 * withdraw - takes back the claims of files that a look did not find, and holds the
 * brake: a disk that is not mounted must not pass for a deletion.
 *
 * Every look ends here: a scan, a look at polled folders, a second look at a file. Only
 * what an event says is removed or moved does not: an event is no guess.
 *
 * The brake stops it where more than half of 100 or more known files would be
 * withdrawn, or all of 10 or more. A file whose records are all claimed by others, as
 * after a rename, is not counted, because nothing is lost with it.
 */

struct withdraw {
	struct index *index;
	uint64_t known; /* files that were known before the look */
	bool accept;    /* the brake is off */
};

/* Whether that many files could be too many, all of them counted. */
bool withdraw_is_much(const struct withdraw *withdraw, uint64_t missing);

/*
 * ERR_REFUSED: the missing files are too many. `stated`: numbers (claim_number) of the
 * records that files state which are still to be read; NULL: there are none. No
 * transaction may be open. Files of `missing` that the index does not know are not
 * counted.
 */
int withdraw_check(const struct withdraw *withdraw, const struct paths *missing,
		   const struct hash *stated, struct err *err);

/* Finds what `dirty` files state, without changing the index: for withdraw_check. */
int withdraw_read(struct hash *stated, const struct paths *dirty,
		  const struct apply_options *options, struct err *err);

/* Withdraws what is still missing. The brake is asked once more, after everything
 * that was taken before is committed. ERR_REFUSED: nothing was withdrawn. */
int withdraw_run(const struct withdraw *withdraw, struct apply *apply,
		 const struct paths *missing, struct err *err);

/*
 * Looks once more at files that were not found. *missing gets those that the index
 * knows and that are not there; *held those of them that must stay, as they lie under
 * an unmounted file system (indexer/unmounted.h); *back those that are there.
 */
int withdraw_sort(struct index *index, int rootfd, const struct paths *absent,
		  const struct paths *unmounted, struct paths *missing,
		  struct paths *held, struct paths *back, struct err *err);

#endif

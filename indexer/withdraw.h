/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WITHDRAW_H
#define INDEXER_WITHDRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/paths.h"
#include "indexer/apply.h"

/*
 * withdraw - withdraws the claims of files that were looked for and not found, and is
 * the brake: a disk that is not mounted must not pass for a deletion.
 *
 * Every look ends here: a scan, a poll of folders that cannot be watched, a second look
 * at a file. Only the claims of a file that an event reports as removed or moved are
 * withdrawn without asking the brake, by apply_withdraw.
 *
 * The brake refuses to withdraw more than half of 100 or more known files, or all of 10
 * or more. A file whose records are all claimed by other files, as after a rename, does
 * not count, because nothing is lost with it.
 */

struct withdraw {
	const struct apply_options *options;
	uint64_t known; /* files that were known before the look */
	bool accept;    /* --accept-withdrawal: without the brake */
};

/*
 * Asks the brake, before anything is changed. ERR_REFUSED: too many files are missing.
 * Those that the index does not know are not counted. `dirty` (NULL: none) are the files
 * that the caller reads next. A record that one of them states is not lost, so if many
 * files are missing, this reads them once to find out. No transaction may be open.
 */
int withdraw_check(const struct withdraw *withdraw, const struct paths *missing,
		   const struct paths *dirty, struct err *err);

/* Withdraws the missing files that are still gone. Asks the brake once more, after
 * committing what was applied so far. ERR_REFUSED: nothing was withdrawn. */
int withdraw_run(const struct withdraw *withdraw, struct apply *apply,
		 const struct paths *missing, struct err *err);

/*
 * Looks once more at files that were not found. *back gets those that are there again.
 * Of those that are not, if the index knows them, *held gets the ones that must stay
 * because their file system was unmounted (indexer/unmounted.h), *missing the others.
 */
int withdraw_sort(struct index *index, int rootfd, const struct paths *absent,
		  const struct paths *unmounted, struct paths *missing,
		  struct paths *held, struct paths *back, struct err *err);

#endif

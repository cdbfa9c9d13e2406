/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_STATUS_H
#define INDEXER_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/format/fail_on.h"
#include "data/index/index.h"
#include "indexer/scan.h"

/*
 * status - what the commands print on standard output: text for people, or one JSON
 * object on a line.
 *
 * Paths, reasons and differences are printed in their plain form (data/base/plain.h),
 * also as JSON: a file name need not be UTF-8.
 */

/* The command `status`: counts, health, then rejects as `path:line:column: reason`. JSON
 * has all of them; for people, those of one kind (indexer/reject.h) stand together: three of
 * a file, ten in all, and their number. Adds to *fail_on what is wrong, and prints it: as JSON;
 * for people if the list is not empty. */
int status_print(struct index *index, bool json, struct fail_on *fail_on,
		 struct err *err);

/*
 * Writes the same JSON as INDEX_STATUS_FILE beside the index, for who may not open it, but with at
 * most a hundred rejects: `complete` is false if there are more. Its `as_of` is when it was written:
 * watch does that soon after each change, and once a minute as long as it runs, so an old one shows
 * that no watch does. A failure to write it is only logged, once, and so is the end
 * of it: *failing, false at first, remembers that.
 */
int status_report(struct index *index, bool *failing, struct err *err);
/* The command `status` from that file. */
int status_print_reported(const char *dir, bool json, struct fail_on *fail_on,
			  struct err *err);

/* The command `check`: each difference on a line; sets *differences. */
int status_check(struct index *index, bool json, uint64_t *differences, struct err *err);

/* The result of the command `scan`; sets *rejected to the files with rejects. */
int status_scan(struct index *index, const struct scan_counts *counts, bool json,
		uint64_t *rejected, struct err *err);

#endif

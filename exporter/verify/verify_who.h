/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_WHO_H
#define EXPORTER_VERIFY_VERIFY_WHO_H

#include <stdint.h>

#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_table.h"

/*
 * verify_who - who signed what: a row for each key and the name that the signers' file has for
 * it. Without signers there is no name, and the key is only what the signature says. A zeroed
 * one is empty.
 */

struct verify_who {
	struct verify_table
		table; /* by "KEY NAME", in the order of their first signature */
};

/* What one has signed. */
struct verify_who_row {
	uint64_t snapshots, labels;
	uint64_t first, last;    /* numbers of snapshots; 0: none */
	int64_t first_s, last_s; /* their times, Unix seconds */
};

/* `principal` may be NULL. Snapshots are added in the order of the line. */
void verify_who_add_snapshot(struct verify_who *who, const char *key,
			     const char *principal, const struct verify_commit *commit);
void verify_who_add_label(struct verify_who *who, const char *key, const char *principal);

/* The row `at`, counted from 0; NULL: there are no more. All is borrowed from `who`; *principal
 * is NULL if there is none. */
const struct verify_who_row *verify_who_at(const struct verify_who *who, size_t at,
					   const char **key, const char **principal);
void verify_who_release(struct verify_who *who);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_FACTS_H
#define DATA_INDEX_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/format/fail_on.h"
#include "data/index/index.h"
#include "data/index/query.h"

/*
 * facts - what `status` says of an index: read from the index itself, or from what its writer
 * has reported of it in INDEX_STATUS_FILE, which is the same JSON. The status of both programs
 * has them from here.
 *
 *	facts_read(&facts, txn);
 *	facts_print(&out, &facts, json);
 *	facts_judge(&facts, dir, "", &fail_on);
 */

struct facts {
	char index[INDEX_UUID]; /* its uuid */
	int64_t as_of_s;        /* when it was so, Unix seconds */
	uint64_t sequence;
	struct index_counts counts;
	struct index_health health;
	bool built, allow_secrets;
};

void facts_read(struct facts *out, struct index_txn *txn);

/* Appends them: as the first members of a JSON object, its bracket included, or as rows for
 * people. */
void facts_print(struct buf *out, const struct facts *facts, bool json);
/* Adds what is wrong with the index in the folder `dir`. `advice` ends the reason why there are
 * rejects: where they are listed. */
void facts_judge(const struct facts *facts, const char *dir, const char *advice,
		 struct fail_on *fail_on);

/* What INDEX_STATUS_FILE has. A zeroed one is ready; the caller releases it. */
struct facts_report {
	struct facts facts;
	bool complete;    /* all rejects are in it */
	struct buf canon; /* private */
	size_t rejected, rejected_len;
};
/* Reads it. ERR_NOTFOUND: there is none. ERR_INPUT: it is no such file. */
int facts_report_read(struct facts_report *out, const char *dir, struct err *err);
/* Calls `each` for the rejects in it, as query_rejects does. Paths are in their plain form. */
int facts_report_rejects(const struct facts_report *report, query_reject_fn *each,
			 void *payload);
void facts_report_release(struct facts_report *report);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_JOB_H
#define EXPORTER_ERASE_ERASE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/erase/erase_ids.h"
#include "exporter/snapshot/redact.h"

/* erase_job - what is to be erased (erase.h). */

struct erase_job {
	/* What is erased; ids as UTF-8. */
	struct erase_ids images, tag_images, tags, albums;
	const struct redact *members; /* NULL: none */
	const char *reason;
	const char *key; /* sign.h; NULL: nothing is signed */
	int64_t time_s;  /* of the label */
	bool dry;        /* find out, and change nothing */
	/* Called when it is known what is erased, and when all is ready, just before the
	 * references move. */
	int (*check)(void *payload, struct err *err);
	int (*ready)(void *payload, struct err *err);
	void *payload;
};

void erase_job_release(struct erase_job *job);

/* Whether the text has one of the ids of the job in it, as it is or as a file name, whatever
 * the case of its letters. An id of less than four bytes counts where no letter or digit is
 * beside it. Sets *id to it. */
bool erase_job_names(struct body_text *id, const struct erase_job *job, const char *text);

#endif

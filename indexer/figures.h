/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_FIGURES_H
#define INDEXER_FIGURES_H

#include <stdbool.h>

#include "data/base/err.h"
#include "data/index/index.h"

/*
 * figures - the file of `watch --metrics` and `status --metrics`: what the index counts, for
 * Prometheus (data/base/metrics.h). An index whose first scan has not ended counts nothing, so
 * nothing is written of it.
 */

/* Fails if `path` cannot be such a file, or lies in the folder `data` (NULL: none), where each
 * writing of it would be an event. */
int figures_check(const char *path, const char *data, struct err *err);

/* Makes or replaces the file. */
int figures_write(struct index *index, const char *path, struct err *err);

/* The file of a program that runs for long. */
struct figures {
	const char *path; /* NULL: none */
	bool failing;     /* it could not be written last time */
};
/* The same, but a failure to write the file is only logged, once. */
int figures_renew(struct figures *figures, struct index *index, struct err *err);

#endif

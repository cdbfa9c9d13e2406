/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_INDEXER_METRICS_H
#define INDEXER_INDEXER_METRICS_H

#include <stdbool.h>

#include "data/base/err.h"
#include "data/index/index.h"

/*
 * indexer_metrics - the file of `watch --metrics` and `status --metrics`: what the index
 * counts, for Prometheus (data/base/metrics.h). An index whose first scan has not ended
 * counts nothing, so nothing is written of it.
 */

/* Fails if `path` cannot be such a file, or lies in the index or in the folder `data` (NULL:
 * none), where each writing of it would be an event. */
int indexer_metrics_check(const char *path, const char *data, const char *index,
			  struct err *err);

/* Makes or replaces the file. */
int indexer_metrics_write(struct index *index, const char *path, struct err *err);

/* The file of a program that runs for long. */
struct indexer_metrics {
	const char *path; /* NULL: none */
	bool failing;     /* it could not be written last time (metrics_renew) */
};
/* The same, but a failure to write the file is only logged, once. */
int indexer_metrics_renew(struct indexer_metrics *metrics, struct index *index,
			  struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_EXPORTER_METRICS_H
#define EXPORTER_EXPORT_EXPORTER_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/export/follow.h"

/* exporter_metrics - the file of `follow --metrics` and `status --metrics`, for Prometheus
 * (data/base/metrics.h). */

struct exporter_metrics {
	const char *path, *repo, *index; /* index: NULL, if there is none */
	const struct place *site;        /* NULL: none */

	/* The last snapshot: its time (Unix seconds; 0: there is none, or it is not known yet),
	 * up to which sequence of the index it shows it, and the responses that it lacks. */
	int64_t snapshot_s;
	uint64_t sequence, oversize;
	/* How many changes the index is ahead of that. */
	bool has_lag;
	uint64_t lag;

	const struct follow_state *follow; /* NULL for status */
	bool failing; /* the file could not be written last time (metrics_renew) */
};

/* Fails if metrics->path cannot be such a file, or lies in the repository, the site or the
 * index. */
int exporter_metrics_check(const struct exporter_metrics *metrics, struct err *err);

/* Makes or replaces the file. */
int exporter_metrics_write(const struct exporter_metrics *metrics, struct err *err);

/* The same from the state of follow, but a failure to write the file is only logged, once. */
void exporter_metrics_renew(struct exporter_metrics *metrics,
			    const struct follow_state *state);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_FIGURES_H
#define EXPORTER_EXPORT_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/export/follow.h"

/* figures - the file of `follow --metrics` and `status --metrics`, for Prometheus
 * (data/base/metrics.h). */

struct figures {
	const char *path, *repo, *site; /* site: NULL, if there is none */

	/* The last snapshot: its time (Unix seconds; 0: there is none, or it is not known yet),
	 * up to which sequence of the index it shows it, and the responses that it lacks. */
	int64_t snapshot_s;
	uint64_t sequence, oversize;
	/* How many changes the index is ahead of that. */
	bool has_lag;
	uint64_t lag;

	const struct follow_state *follow; /* NULL for status */
	bool failing; /* the file could not be written last time (figures_renew) */
};

/* Fails if figures->path cannot be such a file, or lies in the repository or the site. */
int figures_check(const struct figures *figures, struct err *err);

/* Makes or replaces the file. */
int figures_write(const struct figures *figures, struct err *err);

/* The same from the state of follow, but a failure to write the file is only logged, once. */
void figures_renew(struct figures *figures, const struct follow_state *state);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/figures.h"

#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/metrics.h"

#define PROGRAM "albumen-exporter"

static void add_snapshot(struct metrics *m, const struct figures *f)
{
	if (f->snapshot_s) {
		metrics_gauge(m, "snapshot_timestamp_seconds",
			      "When the last snapshot was made.",
			      (uint64_t)f->snapshot_s);
		metrics_gauge(m, "snapshot_sequence",
			      "The sequence of the index up to which the last snapshot "
			      "shows it.",
			      f->sequence);
		metrics_gauge(m, "oversize_responses",
			      "Responses that the last snapshot lacks, as they are too "
			      "large.",
			      f->oversize);
	}
	if (f->has_lag) {
		metrics_gauge(m, "sequence_lag",
			      "How many changes the index is ahead of the last snapshot.",
			      f->lag);
	}
}

static void add_follow(struct metrics *m, const struct follow_state *state)
{
	metrics_gauge(m, "checked_timestamp_seconds",
		      "When the snapshot was last found to show all of the index; 0: not "
		      "yet by this process.",
		      (uint64_t)state->checked_s);
	if (state->exports) {
		metrics_gauge_ms(
			m, "export_duration_seconds",
			"How long the last export took that had something to do.",
			state->took_ms);
	}
	metrics_counter(m, "exports_total",
			"Exports that had something to do, of this process.",
			state->exports);
	metrics_counter(m, "export_errors_total", "Exports that failed, of this process.",
			state->errors);
	metrics_counter(m, "files_written_total",
			"Files written into the site, of this process.", state->files);
	metrics_counter(m, "bytes_written_total",
			"Bytes written into the site, of this process.", state->bytes);
}

int figures_check(const struct figures *f, struct err *err)
{
	const char *const places[] = {f->repo, f->site};

	for (size_t i = 0; i < 2; i++) {
		if (places[i] && file_is_inside(f->path, places[i])) {
			return err_set(err, ERR_FAIL,
				       "the file of figures '%s' lies in the %s '%s', "
				       "where it does not belong; put it elsewhere",
				       f->path, i ? "site" : "repository", places[i]);
		}
	}
	return metrics_check(f->path, PROGRAM, err);
}

int figures_write(const struct figures *f, struct err *err)
{
	struct metrics m = {0};

	metrics_begin(&m, PROGRAM);
	metrics_label(&m, "repo", f->repo);
	if (f->site) {
		metrics_label(&m, "site", f->site);
	}
	metrics_version(&m);
	add_snapshot(&m, f);
	if (f->follow) {
		add_follow(&m, f->follow);
	}
	return metrics_write(&m, f->path, err);
}

void figures_renew(struct figures *f, const struct follow_state *state)
{
	struct err why;
	int rc;

	f->follow = state;
	f->snapshot_s = *state->commit.hex ? state->commit_s : 0;
	f->sequence = state->sequence;
	f->oversize = state->oversize;
	/* Nothing is known to be exported before the first export has ended. */
	f->has_lag = state->has_index && state->checked_s;
	/* A smaller sequence is that of another index, which is not exported at all. */
	f->lag = state->index_sequence -
		 (state->index_sequence < state->sequence ? 0 : state->sequence);
	rc = figures_write(f, &why);
	if (rc && !f->failing) {
		log_warning("%s; the figures are tried again at the next change",
			    why.msg);
	} else if (!rc && f->failing) {
		log_info("figures are written again");
	}
	f->failing = rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/exporter_metrics.h"

#include "data/base/metrics.h"

#define PROGRAM "albumen-exporter"

static void add_snapshot(struct metrics *m, const struct exporter_metrics *metrics)
{
	if (metrics->snapshot_s) {
		metrics_gauge(m, "snapshot_timestamp_seconds",
			      "When the last snapshot was made.",
			      (uint64_t)metrics->snapshot_s);
		metrics_gauge(m, "snapshot_sequence",
			      "The sequence of the index up to which the last snapshot "
			      "shows it.",
			      metrics->sequence);
		metrics_gauge(m, "oversize_responses",
			      "Responses that the last snapshot lacks, as they are too "
			      "large.",
			      metrics->oversize);
	}
	if (metrics->has_lag) {
		metrics_gauge(m, "sequence_lag",
			      "How many changes the index is ahead of the last snapshot.",
			      metrics->lag);
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

int exporter_metrics_check(const struct exporter_metrics *metrics, struct err *err)
{
	const char *const apart[METRICS_APART] = {
		metrics->repo, metrics->site ? place_folder(metrics->site) : NULL,
		metrics->index};

	return metrics_check(metrics->path, PROGRAM, apart, err);
}

static void add_all(struct metrics *m, const struct exporter_metrics *metrics)
{
	metrics_begin(m, PROGRAM);
	metrics_label(m, "repo", metrics->repo);
	if (metrics->site) {
		metrics_label(m, "site", place_name(metrics->site));
	}
	metrics_version(m);
	add_snapshot(m, metrics);
	if (metrics->follow) {
		add_follow(m, metrics->follow);
	}
}

int exporter_metrics_write(const struct exporter_metrics *metrics, struct err *err)
{
	struct metrics m = {0};

	add_all(&m, metrics);
	return metrics_write(&m, metrics->path, err);
}

void exporter_metrics_renew(struct exporter_metrics *metrics,
			    const struct follow_state *state)
{
	struct metrics m = {0};

	metrics->follow = state;
	metrics->snapshot_s = *state->commit.hex ? state->commit_s : 0;
	metrics->sequence = state->sequence;
	metrics->oversize = state->oversize;
	/* Nothing is known to be exported before the first export has ended. */
	metrics->has_lag = state->has_index && state->checked_s;
	/* A smaller sequence is that of another index, which is not exported at all. */
	metrics->lag = state->index_sequence -
		       (state->index_sequence < state->sequence ? 0 : state->sequence);
	add_all(&m, metrics);
	metrics_renew(&m, metrics->path, &metrics->failing);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/indexer_metrics.h"

#include "data/base/log.h"
#include "data/base/metrics.h"

#define PROGRAM "albumen-indexer"

static void add_counts(struct metrics *m, const struct index_txn *txn)
{
	struct index_counts c;

	index_counts(txn, &c);
	metrics_gauge(m, "files", "Metadata files that the index knows.", c.files);
	metrics_gauge(m, "rejected_files", "Metadata files with a reject.",
		      c.rejected_files);
	metrics_gauge(m, "rejects", "Records and files that were rejected.", c.rejects);
	metrics_gauge(m, "images", "Images.", c.images);
	metrics_gauge(m, "untagged_images", "Images without a live tag image.",
		      c.untagged);
	metrics_gauge(m, "albums", "Albums with at least one image.", c.albums);
	metrics_gauge(m, "tags", "Tags.", c.tags);
	metrics_gauge(m, "tag_images",
		      "Tag images, also those of an unknown image or tag.", c.tag_images);
}

static void add_health(struct metrics *m, const struct index_txn *txn)
{
	struct index_health health;

	index_health(txn, &health);
	metrics_gauge(m, "in_step",
		      "1: the index has all of the folder; 0: events were lost, or files "
		      "are missing without one.",
		      !health.reconcile);
	metrics_counter(m, "overflows_total",
			"How often the queue of events overflowed, since the index was "
			"made.",
			health.overflows);
	metrics_counter(
		m, "rescans_total",
		"How often the whole folder was walked, since the index was made.",
		health.rescans);
	if (health.walked_s) {
		metrics_gauge(m, "walk_timestamp_seconds",
			      "When the last walk of the whole folder ended.",
			      (uint64_t)health.walked_s);
	}
}

/* Adds all metrics; *built is false, and none is added, if there are none yet. */
static int build(struct metrics *m, struct index *index, bool *built, struct err *err)
{
	struct index_txn *txn = NULL;
	int rc = index_begin(&txn, index, false, err);

	if (rc) {
		return rc;
	}
	*built = index_is_built(txn);
	if (*built) {
		metrics_begin(m, PROGRAM);
		metrics_label(m, "index", index_dir(index));
		metrics_version(m);
		add_counts(m, txn);
		metrics_gauge(m, "sequence",
			      "How many changes of responses there were, since the index "
			      "was made.",
			      index_sequence(txn));
		add_health(m, txn);
	}
	return index_end(&txn, 0, err);
}

int indexer_metrics_check(const char *path, const char *data, const char *index,
			  struct err *err)
{
	const char *const apart[METRICS_APART] = {data, index};

	return metrics_check(path, PROGRAM, apart, err);
}

int indexer_metrics_write(struct index *index, const char *path, struct err *err)
{
	struct metrics m = {0};
	bool built;
	int rc = build(&m, index, &built, err);

	if (!rc && !built) {
		log_warning("no metrics are written to '%s' before the first scan has "
			    "ended",
			    path);
		return 0;
	}
	return rc ? rc : metrics_write(&m, path, err);
}

int indexer_metrics_renew(struct indexer_metrics *metrics, struct index *index,
			  struct err *err)
{
	struct metrics m = {0};
	bool built = false;
	int rc = metrics->path ? build(&m, index, &built, err) : 0;

	if (!rc && built) {
		metrics_renew(&m, metrics->path, &metrics->failing);
	}
	return rc;
}

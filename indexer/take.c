/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/take.h"

#include <stdlib.h>

#include "indexer/paths.h"
#include "indexer/writer.h"

#define TICK_PATHS 256 /* paths between two ticks */

struct take {
	const struct take_options *options;
	struct ingest *ingest;
	struct batch batch;
	struct writer *writer;
	unsigned unsteady; /* INGEST_UNSTEADY at the last attempt */
	uint64_t paths;
	struct take_counts counts;
};

struct take *take_new(const struct take_options *options)
{
	struct take *take = xzalloc(sizeof(*take));

	take->options = options;
	take->ingest = ingest_new(options->rootfd);
	take->writer = writer_new(options->index, options->commit_ms);
	return take;
}

void take_free(struct take *take)
{
	if (take) {
		writer_free(take->writer);
		ingest_free(take->ingest);
		batch_release(&take->batch);
		free(take);
	}
}

const struct take_counts *take_counts(struct take *take)
{
	take->counts.records = writer_claims(take->writer);
	return &take->counts;
}

/* Gives the writer the batch if it is full, or if `now` says so, and ticks. */
static int put_batch(struct take *take, bool now, struct err *err)
{
	const struct take_options *options = take->options;
	int rc = 0;

	if (now || batch_is_full(&take->batch)) {
		rc = writer_put(take->writer, &take->batch, err);
		now = true;
	}
	if (!rc && options->tick && (now || take->paths % TICK_PATHS == 0)) {
		rc = options->tick(options->payload, err);
	}
	return rc;
}

static int read_path(struct take *take, const char *path, size_t len, unsigned flags,
		     struct err *err)
{
	const struct take_options *options = take->options;
	struct ingest_outcome outcome;
	int rc;

	flags |= options->allow_secrets ? INGEST_SECRETS : 0;
	rc = ingest_begin(take->ingest, &take->batch, path, len, flags, err);
	while (!rc && ingest_is_busy(take->ingest)) {
		rc = put_batch(take, true, err);
		if (!rc) {
			ingest_more(take->ingest, &take->batch);
		}
	}
	if (rc) {
		ingest_stop(take->ingest, &take->batch);
		return rc;
	}
	outcome = ingest_outcome(take->ingest);
	if (!outcome.changed) {
		take->counts.forgotten += outcome.withdrawn;
		take->counts.read += !outcome.gone && !outcome.withdrawn;
		take->counts.bytes += outcome.bytes;
	}
	if (options->done) {
		options->done(path, len, &outcome, options->payload);
	}
	take->paths++;
	return put_batch(take, false, err);
}

/* Files whose merging asks for a second reading. It may find that the file has
 * changed since: then it is as dirty as any. */
static int read_again(struct take *take, struct err *err)
{
	struct paths again = {0};
	int rc = writer_settle(take->writer, &again, err);

	while (!rc && again.count) {
		struct paths round = again;
		const char *path;
		size_t at = 0, len;

		again = (struct paths){0};
		while (!rc && paths_next(&round, &at, &path, &len)) {
			rc = read_path(take, path, len, INGEST_REPLACE | take->unsteady,
				       err);
		}
		if (!rc) {
			rc = writer_put(take->writer, &take->batch, err);
		}
		if (!rc) {
			rc = writer_settle(take->writer, &again, err);
		}
		paths_release(&round);
	}
	paths_release(&again);
	return rc;
}

int take_path(struct take *take, const char *path, size_t len, unsigned attempt,
	      struct err *err)
{
	take->unsteady = attempt + 1 >= TAKE_ATTEMPTS ? INGEST_UNSTEADY : 0;
	return read_path(take, path, len, take->unsteady, err);
}

int take_withdraw(struct take *take, const char *path, size_t len, struct err *err)
{
	take->unsteady = 0;
	return read_path(take, path, len, INGEST_WITHDRAW, err);
}

int take_settle(struct take *take, struct err *err)
{
	int rc = writer_put(take->writer, &take->batch, err);

	return rc ? rc : read_again(take, err);
}

int take_commit(struct take *take, const struct index_health *health, struct err *err)
{
	int rc = take_settle(take, err);

	return rc ? rc : writer_commit(take->writer, health, err);
}

int take_stop(struct take *take, struct err *err)
{
	int rc = writer_put(take->writer, &take->batch, err);

	return rc ? rc : writer_commit(take->writer, NULL, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/apply.h"

#include <assert.h>
#include <stdlib.h>

#include "data/base/clock.h"
#include "indexer/paths.h"
#include "indexer/writer.h"

#define TICK_PATHS 256 /* paths between two ticks */

struct apply {
	const struct apply_options *options;
	struct ingest *ingest;
	struct batch batch;
	struct writer *writer;
	unsigned unsteady; /* INGEST_UNSTEADY at the last attempt */
	uint64_t paths;
	struct apply_counts counts;
	bool busy;       /* apply_begin has begun a file */
	struct buf path; /* its path */
};

struct apply *apply_new(const struct apply_options *options)
{
	struct apply *apply = xzalloc(sizeof(*apply));

	apply->options = options;
	apply->ingest = ingest_new(options->rootfd, &apply->batch);
	apply->writer = writer_new(options->index, options->commit_ms, options->warn);
	return apply;
}

void apply_free(struct apply *apply)
{
	if (apply) {
		writer_free(apply->writer);
		ingest_free(apply->ingest);
		batch_release(&apply->batch);
		buf_release(&apply->path);
		free(apply);
	}
}

const struct apply_counts *apply_counts(struct apply *apply)
{
	apply->counts.records = writer_claims(apply->writer);
	return &apply->counts;
}

/* Gives the writer the batch if it is full, or if `now` says so, and ticks. */
static int put_batch(struct apply *apply, bool now, struct err *err)
{
	const struct apply_options *options = apply->options;
	int rc = 0;

	if (now || batch_is_full(&apply->batch)) {
		rc = writer_put(apply->writer, &apply->batch, err);
		now = true;
	}
	if (!rc && options->tick && (now || apply->paths % TICK_PATHS == 0)) {
		rc = options->tick(options->payload, err);
	}
	return rc;
}

static int begin_path(struct apply *apply, const char *path, size_t len, unsigned flags,
		      struct err *err)
{
	flags |= apply->options->allow_secrets ? INGEST_SECRETS : 0;
	return ingest_begin(apply->ingest, path, len, flags, err);
}

/* A slice of the file. */
static int read_slice(struct apply *apply, struct err *err)
{
	int rc = put_batch(apply, true, err);

	if (!rc) {
		ingest_more(apply->ingest);
	}
	return rc;
}

/* The file was read to its end, or could not be read. */
static void end_path(struct apply *apply, const char *path, size_t len)
{
	const struct apply_options *options = apply->options;
	struct ingest_outcome outcome = ingest_outcome(apply->ingest);

	if (!outcome.changed && !outcome.large) {
		apply->counts.withdrawn += outcome.withdrawn;
		apply->counts.read += !outcome.gone && !outcome.withdrawn;
		apply->counts.bytes += outcome.bytes;
	}
	if (options->done) {
		options->done(path, len, &outcome, options->payload);
	}
	apply->paths++;
}

static int read_path(struct apply *apply, const char *path, size_t len, unsigned flags,
		     struct err *err)
{
	int rc = begin_path(apply, path, len,
			    flags | (apply->options->small ? INGEST_SMALL : 0), err);

	while (!rc && ingest_is_busy(apply->ingest)) {
		rc = read_slice(apply, err);
	}
	if (rc) {
		ingest_stop(apply->ingest);
		return rc;
	}
	end_path(apply, path, len);
	return put_batch(apply, false, err);
}

int apply_path(struct apply *apply, const char *path, size_t len, unsigned attempt,
	       struct err *err)
{
	apply->unsteady = attempt + 1 >= APPLY_ATTEMPTS ? INGEST_UNSTEADY : 0;
	return read_path(apply, path, len, apply->unsteady, err);
}

int apply_withdraw(struct apply *apply, const char *path, size_t len, struct err *err)
{
	apply->unsteady = 0;
	return read_path(apply, path, len, INGEST_WITHDRAW, err);
}

static int commit(struct apply *apply, const struct index_health *health, struct err *err)
{
	int rc = writer_commit(apply->writer, health, err);
	const char *path;
	size_t len;
	uint64_t images;

	while (!rc && writer_lost(apply->writer, &path, &len, &images)) {
		warn_lost(apply->options->warn, path, len, images);
	}
	return rc;
}

int apply_begin(struct apply *apply, const char *path, size_t len, unsigned attempt,
		struct err *err)
{
	int rc;

	assert(!apply->busy);
	buf_clear(&apply->path);
	buf_add(&apply->path, path, len);
	apply->unsteady = attempt + 1 >= APPLY_ATTEMPTS ? INGEST_UNSTEADY : 0;
	rc = begin_path(apply, path, len, apply->unsteady, err);
	apply->busy = !rc;
	return rc;
}

bool apply_is_busy(const struct apply *apply)
{
	return apply->busy;
}

/* The file was read. Begins it once more if merging asks for that. */
static int end_slices(struct apply *apply, struct err *err)
{
	struct paths again = {0};
	int rc;

	end_path(apply, apply->path.data, apply->path.len);
	rc = writer_put(apply->writer, &apply->batch, err);
	rc = rc ? rc : writer_wait(apply->writer, &again, err);
	if (!rc && again.count) {
		rc = begin_path(apply, apply->path.data, apply->path.len,
				INGEST_REPLACE | apply->unsteady, err);
	} else {
		apply->busy = false;
	}
	paths_release(&again);
	return rc;
}

int apply_more(struct apply *apply, int64_t until_ms, struct err *err)
{
	int rc = 0;

	do {
		rc = ingest_is_busy(apply->ingest) ? read_slice(apply, err)
						   : end_slices(apply, err);
	} while (!rc && apply->busy && clock_now_ms() < until_ms);
	rc = rc ? rc : writer_put(apply->writer, &apply->batch, err);
	return rc ? rc : commit(apply, NULL, err);
}

int apply_finish(struct apply *apply, struct err *err)
{
	struct paths again = {0};
	int rc = 0;

	/* A second reading may find that the file has changed since: `done` reports
	 * that, as for any file. */
	do {
		struct paths round = again;
		const char *path;
		size_t at = 0, len;

		again = (struct paths){0};
		while (!rc && paths_next(&round, &at, &path, &len)) {
			rc = read_path(apply, path, len, INGEST_REPLACE | apply->unsteady,
				       err);
		}
		paths_release(&round);
		rc = rc ? rc : writer_put(apply->writer, &apply->batch, err);
		if (!rc) {
			rc = writer_wait(apply->writer, &again, err);
		}
	} while (!rc && again.count);
	paths_release(&again);
	return rc;
}

int apply_commit(struct apply *apply, const struct index_health *health, struct err *err)
{
	int rc = apply_finish(apply, err);

	assert(rc || !ingest_is_busy(apply->ingest));
	return rc ? rc : commit(apply, health, err);
}

int apply_end(struct apply *apply, int rc, const struct index_health *health,
	      struct err *err)
{
	struct err ignored = {0};

	ingest_stop(apply->ingest);
	rc = rc ? rc : apply_commit(apply, health, err);
	if (rc == ERR_STOPPED &&
	    writer_put(apply->writer, &apply->batch, &ignored) == 0) {
		commit(apply, NULL, &ignored);
	}
	return rc;
}

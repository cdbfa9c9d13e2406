/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/take.h"

#include <stdlib.h>
#include <time.h>

#include "data/claim.h"
#include "indexer/paths.h"

struct take {
	struct index *index;
	const struct take_hooks *hooks;
	struct ingest *ingest;
	struct batch batch;
	struct index_txn *txn;
	struct claim_reading *reading; /* of the file whose steps are under way */
	struct buf path;               /* of that file */
	struct paths again;            /* to be read once more, with CLAIM_REPLACE */
	unsigned unsteady;             /* INGEST_UNSTEADY at the last attempt */
	uint64_t records;              /* in this transaction */
	int64_t begun_ms;
	struct take_counts counts;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct take *take_new(struct index *index, int rootfd, const struct take_hooks *hooks)
{
	struct take *take = xzalloc(sizeof(*take));

	take->index = index;
	take->hooks = hooks;
	take->ingest = ingest_new(rootfd);
	return take;
}

void take_free(struct take *take)
{
	if (take) {
		claim_drop(&take->reading);
		index_abort(&take->txn);
		ingest_free(take->ingest);
		batch_release(&take->batch);
		buf_release(&take->path);
		paths_release(&take->again);
		free(take);
	}
}

const struct take_counts *take_counts(const struct take *take)
{
	return &take->counts;
}

static int begin(struct take *take, struct err *err)
{
	int rc = 0;

	if (!take->txn) {
		rc = index_begin(&take->txn, take->index, true, err);
		take->records = 0;
		take->begun_ms = now_ms();
		if (!rc && take->reading) {
			claim_resume(take->reading, take->txn);
		}
	}
	return rc;
}

static int commit(struct take *take, struct err *err)
{
	if (!take->txn) {
		return 0;
	}
	if (take->reading) {
		claim_pause(take->reading);
	}
	return index_commit(&take->txn, err);
}

static int carry_out(struct take *take, const struct batch_step *step, struct err *err)
{
	const char *text = take->batch.text.data + step->text;
	int rc = 0;

	switch (step->kind) {
	case BATCH_BEGIN:
		buf_clear(&take->path);
		buf_add(&take->path, text, step->len);
		rc = claim_begin(&take->reading, take->txn, text, step->len, step->mode,
				 err);
		break;
	case BATCH_CLAIM:
		claim_add(take->reading, &take->batch.record[step->record], text);
		take->records++;
		take->counts.records++;
		break;
	case BATCH_REJECT:
		claim_reject(take->reading, step->line, step->column, text);
		take->records++;
		break;
	case BATCH_END:
		rc = claim_end(&take->reading, &take->batch.file[step->record], err);
		take->records++;
		if (rc == ERR_CHANGED) {
			paths_append(&take->again, take->path.data, take->path.len);
			rc = 0;
		}
		break;
	case BATCH_DROP:
		claim_drop(&take->reading);
		break;
	case BATCH_FORGET:
		rc = claim_forget(take->txn, text, step->len, err);
		take->records++;
		break;
	}
	return rc;
}

static int flush(struct take *take, struct err *err)
{
	int64_t limit_ms = take->hooks->commit_ms;
	int rc = 0;

	for (size_t i = 0; i < take->batch.count && !rc; i++) {
		rc = begin(take, err);
		if (!rc) {
			rc = carry_out(take, &take->batch.step[i], err);
		}
		if (!rc && take->records >= TAKE_RECORDS) {
			rc = commit(take, err);
		}
	}
	batch_clear(&take->batch);
	if (!rc && limit_ms && take->txn && now_ms() - take->begun_ms >= limit_ms) {
		rc = commit(take, err);
	}
	return rc;
}

/* A long file is under way, or many short ones: the batch is carried out when it
 * is full, and others get their turn. */
static int pass_on(struct take *take, bool full, struct err *err)
{
	const struct take_hooks *hooks = take->hooks;
	int rc = 0;

	if (full || batch_is_full(&take->batch)) {
		rc = flush(take, err);
		if (!rc && hooks->tick) {
			rc = hooks->tick(hooks->payload, err);
		}
	}
	return rc;
}

static int read_path(struct take *take, const char *path, size_t len, unsigned flags,
		     struct err *err)
{
	const struct take_hooks *hooks = take->hooks;
	struct ingest_outcome outcome;
	int rc = ingest_begin(take->ingest, &take->batch, path, len, flags, err);

	while (!rc && ingest_is_busy(take->ingest)) {
		rc = pass_on(take, true, err);
		if (!rc) {
			rc = ingest_more(take->ingest, &take->batch, err);
		}
	}
	ingest_stop(take->ingest);
	if (rc && rc != ERR_CHANGED) {
		return rc;
	}
	outcome = ingest_outcome(take->ingest);
	if (rc != ERR_CHANGED) {
		take->counts.forgotten += outcome.gone;
		take->counts.read += !outcome.gone;
		take->counts.bytes += outcome.bytes;
	}
	if (hooks->done) {
		hooks->done(path, len, &outcome, rc == ERR_CHANGED, hooks->payload);
	}
	return pass_on(take, false, err);
}

/* Files whose merging asks for a second reading. It may find that the file has
 * changed since: then it is as dirty as any. */
static int read_again(struct take *take, struct err *err)
{
	int rc = 0;

	while (!rc && take->again.count) {
		struct paths again = take->again;
		const char *path;
		size_t at = 0, len;

		take->again = (struct paths){0};
		while (!rc && paths_next(&again, &at, &path, &len)) {
			rc = read_path(take, path, len, INGEST_REPLACE | take->unsteady,
				       err);
		}
		if (!rc) {
			rc = flush(take, err);
		}
		paths_release(&again);
	}
	return rc;
}

int take_path(struct take *take, const char *path, size_t len, unsigned attempt,
	      struct err *err)
{
	int rc;

	take->unsteady = attempt + 1 >= TAKE_ATTEMPTS ? INGEST_UNSTEADY : 0;
	rc = read_path(take, path, len, take->unsteady, err);
	return rc ? rc : read_again(take, err);
}

int take_commit(struct take *take, const struct index_health *health, struct err *err)
{
	int rc = flush(take, err);

	if (!rc) {
		rc = read_again(take, err);
	}
	if (!rc && health) {
		rc = begin(take, err);
		if (!rc) {
			index_set_health(take->txn, health);
		}
	}
	return rc ? rc : commit(take, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "data/base/clock.h"
#include "data/base/threads.h"
#include "data/index/claim.h"

/*
 * Once its thread has started, the index belongs to that thread, because an LMDB write
 * transaction belongs to the thread that began it. The caller's thread reads files,
 * checks JSON and recognises records. Either can hash and pack texts (batch_prepare):
 * the caller does it while the queue is full, and the writer's thread does the rest. So
 * both are busy to the end, whatever the records are like.
 */

#define QUEUE 4            /* batches under way */
#define THREAD_FROM 3      /* batches carried out before a thread pays */
#define EXPECT 6           /* records between claim_expect and claim_add */
#define PREPARE_AT_ONCE 32 /* records between two looks at the queue */

/* Files that no longer claim images which nobody else claimed. Later steps may claim them
 * again, so the images are counted at the commit that the caller asks for. */
struct lost {
	struct paths files;
	struct buf counts;  /* of each file, how many images (buf_addu64) */
	struct buf numbers; /* the images, file by file (claim_end) */
	size_t at, next;    /* of the file that writer_lost takes next */
};

struct writer {
	struct index *index;
	int64_t commit_ms;
	struct warn *warn;
	uint64_t claims, batches;
	/* The caller's thread */
	struct claim_packer *packer;
	bool threads; /* a thread may be started */
	bool started;
	pthread_t thread;
	/* Both threads, under the mutex */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct batch queue[QUEUE];
	size_t head, queued; /* the oldest batch, and their number */
	bool stop;
	bool commit; /* requested, for when the queue is empty */
	const struct index_health *health;
	int rc; /* the first error; nothing is carried out or committed after it */
	struct err err;
	/* The writer's thread; before it starts, the caller's */
	struct index_txn *txn;
	struct claim_reading *reading; /* of the file whose steps are under way */
	bool is_void;                  /* they no longer count: see claim_resume */
	struct buf path;               /* of that file */
	struct paths again;
	struct lost lost;
	uint64_t steps; /* in this transaction */
	int64_t begun_ms;
};

struct writer *writer_new(struct index *index, int64_t commit_ms, struct warn *warn)
{
	struct writer *w = xzalloc(sizeof(*w));

	w->index = index;
	w->commit_ms = commit_ms;
	w->warn = warn;
	w->threads = threads_pay();
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	return w;
}

/* --- carrying out ---------------------------------------------------------------- */

static int begin(struct writer *w, struct err *err)
{
	int rc = 0;

	if (!w->txn) {
		rc = index_begin(&w->txn, w->index, true, err);
		w->steps = 0;
		w->begun_ms = clock_now_ms();
		if (!rc && w->reading) {
			rc = claim_resume(w->reading, w->txn, err);
			if (rc == ERR_CHANGED) {
				claim_drop(&w->reading);
				w->is_void = true;
				rc = 0;
			}
		}
	}
	return rc;
}

static int commit(struct writer *w, struct err *err)
{
	if (!w->txn) {
		return 0;
	}
	if (w->reading) {
		claim_pause(w->reading);
	}
	return index_commit(&w->txn, err);
}

static void add_claim(struct writer *w, const struct batch *batch, size_t index)
{
	const struct batch_record *next = &batch->record[index];

	if (index + EXPECT < batch->records) {
		claim_expect(w->reading, &batch->ids[index + EXPECT]);
	}
	claim_add(w->reading, &next->record, batch->text.data + next->text,
		  &batch->ids[index], index < batch->prepared ? &next->prepared : NULL,
		  batch->packed.data);
}

static void reject(struct writer *w, const struct batch_step *step, const char *reason)
{
	bool is_new = (step->kind == BATCH_REJECT ? claim_reject : claim_reject_secret)(
		w->reading, step->line, step->column, reason);

	if (is_new) {
		warn_reject(w->warn, w->path.data, w->path.len, step->line, step->column,
			    reason);
	}
}

static int end_file(struct writer *w, struct claim_file *file, struct err *err)
{
	size_t before = w->lost.numbers.len;
	int rc = claim_end(&w->reading, file, &w->lost.numbers, err);
	uint64_t lost = (w->lost.numbers.len - before) / 8;

	if (lost) {
		paths_append(&w->lost.files, w->path.data, w->path.len);
		buf_addu64(&w->lost.counts, lost);
	}
	return rc;
}

static int carry_out(struct writer *w, struct batch *batch, const struct batch_step *step,
		     struct err *err)
{
	const char *text = batch->text.data + step->text;
	bool begins = step->kind == BATCH_BEGIN || step->kind == BATCH_WITHDRAW;
	int rc = 0;

	/* If a reading began while another one is open, the claims of the other would
	 * belong to no file, for good. */
	assert(begins == (!w->reading && !w->is_void));
	w->steps++;
	if (w->is_void) {
		w->is_void = step->kind != BATCH_END && step->kind != BATCH_DROP;
		return 0;
	}
	switch (step->kind) {
	case BATCH_BEGIN:
		buf_clear(&w->path);
		buf_add(&w->path, text, step->len);
		rc = claim_begin(&w->reading, w->txn, text, step->len, step->mode, err);
		break;
	case BATCH_CLAIM:
		add_claim(w, batch, step->index);
		break;
	case BATCH_REJECT:
	case BATCH_REJECT_SECRET:
		reject(w, step, text);
		break;
	case BATCH_END:
		rc = end_file(w, &batch->file[step->index], err);
		if (rc == ERR_CHANGED) {
			paths_append(&w->again, w->path.data, w->path.len);
			rc = 0;
		}
		break;
	case BATCH_DROP:
		claim_drop(&w->reading);
		break;
	case BATCH_WITHDRAW:
		rc = claim_withdraw_file(w->txn, text, step->len, err);
		break;
	}
	return rc;
}

static int carry_out_batch(struct writer *w, struct batch *batch, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < batch->count && !rc; i++) {
		rc = begin(w, err);
		rc = rc ? rc : carry_out(w, batch, &batch->step[i], err);
		if (!rc && w->steps >= WRITER_STEPS) {
			rc = commit(w, err);
		}
	}
	batch_clear(batch);
	if (!rc && w->commit_ms && w->txn &&
	    clock_now_ms() - w->begun_ms >= w->commit_ms) {
		rc = commit(w, err);
	}
	return rc;
}

static void count_lost(struct index_txn *txn, struct lost *lost)
{
	struct buf counts = {0};
	size_t from = 0;

	for (size_t i = 0; i < lost->files.count; i++) {
		uint64_t n = be64_get(lost->counts.data + 8 * i);

		buf_addu64(&counts,
			   claim_count_unknown(txn, lost->numbers.data + 8 * from, n));
		from += n;
	}
	buf_release(&lost->counts);
	lost->counts = counts;
	buf_clear(&lost->numbers);
}

static int commit_all(struct writer *w, const struct index_health *health,
		      struct err *err)
{
	int rc = 0;

	if (health || w->lost.numbers.len) {
		rc = begin(w, err);
	}
	if (!rc && health) {
		index_set_health(w->txn, health);
	}
	if (!rc && w->lost.numbers.len) {
		count_lost(w->txn, &w->lost);
	}
	return rc ? rc : commit(w, err);
}

/* --- the thread ------------------------------------------------------------------ */

/* Aborts the transaction, in the thread that began it. */
static void give_up(struct writer *w)
{
	claim_drop(&w->reading);
	index_abort(&w->txn);
}

static void note_error(struct writer *w, int rc, const struct err *err)
{
	if (rc && !w->rc) {
		w->rc = rc;
		w->err = *err;
	}
}

static int first_error(struct writer *w, struct err *err)
{
	if (w->rc && err) {
		*err = w->err;
	}
	return w->rc;
}

static void *run(void *payload)
{
	struct writer *w = payload;
	struct err err = {0};

	pthread_mutex_lock(&w->mutex);
	while (!w->stop) {
		bool works = w->queued > 0;
		int rc = w->rc;

		if (!works && !w->commit) {
			pthread_cond_wait(&w->changed, &w->mutex);
			continue;
		}
		pthread_mutex_unlock(&w->mutex);
		/* This thread owns the batch until it lowers `queued`. */
		if (works && !rc) {
			rc = carry_out_batch(w, &w->queue[w->head], &err);
		} else if (works) {
			batch_clear(&w->queue[w->head]);
		} else if (!rc) {
			rc = commit_all(w, w->health, &err);
		}
		pthread_mutex_lock(&w->mutex);
		note_error(w, rc, &err);
		if (works) {
			w->head = (w->head + 1) % QUEUE;
			w->queued--;
		} else {
			w->commit = false;
		}
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->mutex);
	give_up(w);
	return NULL;
}

/* Starts the thread, with no transaction open: a transaction stays in its thread. */
static int start(struct writer *w, struct err *err)
{
	int rc = commit(w, err);

	if (!rc && threads_start(&w->thread, run, w)) {
		w->started = true;
		w->packer = claim_packer_new(w->index);
	} else if (!rc) {
		w->threads = false; /* there is none: the caller's thread does it all */
	}
	return rc;
}

void writer_free(struct writer *w)
{
	if (!w) {
		return;
	}
	if (w->started) {
		pthread_mutex_lock(&w->mutex);
		w->stop = true;
		pthread_cond_broadcast(&w->changed);
		pthread_mutex_unlock(&w->mutex);
		pthread_join(w->thread, NULL);
	} else {
		give_up(w);
	}
	for (size_t i = 0; i < QUEUE; i++) {
		batch_release(&w->queue[i]);
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	claim_packer_free(w->packer);
	buf_release(&w->path);
	paths_release(&w->again);
	paths_release(&w->lost.files);
	buf_release(&w->lost.counts);
	buf_release(&w->lost.numbers);
	free(w);
}

/* --- the caller's thread ---------------------------------------------------------- */

/* Waits for room in the queue, and prepares records meanwhile. The mutex is held before
 * and afterwards. */
static void wait_for_room(struct writer *w, struct batch *batch)
{
	while (w->queued == QUEUE && !w->rc) {
		bool busy = batch->prepared < batch->records;

		pthread_mutex_unlock(&w->mutex);
		batch_prepare(batch, w->packer, PREPARE_AT_ONCE);
		pthread_mutex_lock(&w->mutex);
		if (!busy && w->queued == QUEUE && !w->rc) {
			pthread_cond_wait(&w->changed, &w->mutex);
		}
	}
}

static int hand_over(struct writer *w, struct batch *batch, struct err *err)
{
	struct batch *slot;
	struct batch empty;
	int rc;

	pthread_mutex_lock(&w->mutex);
	wait_for_room(w, batch);
	rc = first_error(w, err);
	if (!rc) {
		slot = &w->queue[(w->head + w->queued) % QUEUE];
		empty = *slot;
		*slot = *batch;
		*batch = empty;
		w->queued++;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

int writer_put(struct writer *w, struct batch *batch, struct err *err)
{
	struct err failure = {0};

	if (!batch->count) {
		return 0;
	}
	w->claims += batch->records;
	if (!w->started && !w->rc && w->threads && ++w->batches > THREAD_FROM) {
		note_error(w, start(w, &failure), &failure);
	}
	if (w->started) {
		return hand_over(w, batch, err);
	}
	if (!w->rc) {
		note_error(w, carry_out_batch(w, batch, &failure), &failure);
	}
	return first_error(w, err);
}

/* Waits until the thread has nothing to do. */
static int idle(struct writer *w, struct err *err)
{
	int rc;

	pthread_mutex_lock(&w->mutex);
	while (w->queued || w->commit) {
		pthread_cond_wait(&w->changed, &w->mutex);
	}
	rc = first_error(w, err);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

int writer_wait(struct writer *w, struct paths *again, struct err *err)
{
	int rc = idle(w, err);
	const char *path;
	size_t at = 0, len;

	while (!rc && paths_next(&w->again, &at, &path, &len)) {
		paths_append(again, path, len);
	}
	paths_release(&w->again);
	return rc;
}

int writer_commit(struct writer *w, const struct index_health *health, struct err *err)
{
	struct err failure = {0};

	if (w->started) {
		pthread_mutex_lock(&w->mutex);
		w->health = health;
		w->commit = true;
		pthread_cond_broadcast(&w->changed);
		pthread_mutex_unlock(&w->mutex);
	} else if (!w->rc) {
		note_error(w, commit_all(w, health, &failure), &failure);
	}
	return idle(w, err);
}

bool writer_lost(struct writer *w, const char **path, size_t *len, uint64_t *images)
{
	struct lost *lost = &w->lost;

	while (paths_next(&lost->files, &lost->at, path, len)) {
		*images = be64_get(lost->counts.data + 8 * lost->next++);
		if (*images) {
			return true;
		}
	}
	paths_clear(&lost->files);
	buf_clear(&lost->counts);
	lost->at = lost->next = 0;
	return false;
}

uint64_t writer_claims(const struct writer *w)
{
	return w->claims;
}

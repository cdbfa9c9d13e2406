/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/press.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/threads.h"

/*
 * A ring of batches. `filled`, `begun` and `taken` count batches since the
 * start: batch n stands in ring[n % BATCHES], and taken <= begun <= filled <=
 * taken + BATCHES. The owner fills ring[filled], threads (or the owner) work on
 * ring[begun], the owner takes ring[taken] once it is done. The counters and
 * `done` are under the lock. The counters say which thread owns a batch, so its content needs
 * no lock.
 */

#define BATCHES 8
#define BATCH_BYTES ((size_t)128 << 10)
#define BATCH_ITEMS 512

struct press {
	struct press_batch ring[BATCHES];
	bool done[BATCHES];
	uint64_t filled, begun, taken;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t more;     /* a batch was filled, or stop */
	pthread_cond_t finished; /* a batch is done */
	pthread_t *thread;
	unsigned threads;
	struct object_deflater *deflater; /* for the owner */
};

/* In an album without tags the list of images and the list of untagged images are equal and
 * follow each other: the second is not deflated again. */
static bool repeats(const struct press_batch *batch, size_t i)
{
	const struct press_item *item = &batch->item[i], *before;

	if (i == 0) {
		return false;
	}
	before = &batch->item[i - 1];
	return before->type == item->type && before->in_len == item->in_len &&
	       memcmp(batch->in.data + before->in, batch->in.data + item->in,
		      item->in_len) == 0;
}

static void process(struct press_batch *batch, struct object_deflater *deflater)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct press_item *item = &batch->item[i];
		const char *body = batch->in.data + item->in;

		if (repeats(batch, i)) {
			memcpy(item->id, batch->item[i - 1].id, sizeof(item->id));
			item->out = batch->out.len;
			item->out_len = 0;
			continue;
		}
		if (!item->hashed) {
			object_hash(item->id, item->type, body, item->in_len);
		}
		item->out = batch->out.len;
		object_pack(&batch->out, deflater, item->type, body, item->in_len);
		item->out_len = batch->out.len - item->out;
		item->crc = object_crc(batch->out.data + item->out, item->out_len);
	}
}

/* Works on the next batch. The caller holds the lock. */
static void work(struct press *press, struct object_deflater *deflater)
{
	size_t at = press->begun++ % BATCHES;

	pthread_mutex_unlock(&press->lock);
	process(&press->ring[at], deflater);
	pthread_mutex_lock(&press->lock);
	press->done[at] = true;
	pthread_cond_signal(&press->finished);
}

static void *run(void *payload)
{
	struct press *press = payload;
	struct object_deflater *deflater = object_deflater_new();

	pthread_mutex_lock(&press->lock);
	while (!press->stop) {
		if (press->begun < press->filled) {
			work(press, deflater);
		} else {
			pthread_cond_wait(&press->more, &press->lock);
		}
	}
	pthread_mutex_unlock(&press->lock);
	object_deflater_free(deflater);
	return NULL;
}

struct press *press_new(unsigned threads)
{
	struct press *press = xzalloc(sizeof(*press));

	pthread_mutex_init(&press->lock, NULL);
	pthread_cond_init(&press->more, NULL);
	pthread_cond_init(&press->finished, NULL);
	press->deflater = object_deflater_new();
	press->thread = xreallocarray(NULL, threads, sizeof(*press->thread));
	while (press->threads < threads &&
	       threads_start(&press->thread[press->threads], run, press)) {
		press->threads++;
	}
	return press;
}

void press_free(struct press *press)
{
	if (!press) {
		return;
	}
	pthread_mutex_lock(&press->lock);
	press->stop = true;
	pthread_cond_broadcast(&press->more);
	pthread_mutex_unlock(&press->lock);
	for (unsigned i = 0; i < press->threads; i++) {
		pthread_join(press->thread[i], NULL);
	}
	for (size_t i = 0; i < BATCHES; i++) {
		buf_release(&press->ring[i].in);
		buf_release(&press->ring[i].out);
		free(press->ring[i].item);
	}
	object_deflater_free(press->deflater);
	pthread_cond_destroy(&press->finished);
	pthread_cond_destroy(&press->more);
	pthread_mutex_destroy(&press->lock);
	free(press->thread);
	free(press);
}

/* Hands the batch that is being filled to the threads. */
static void submit(struct press *press)
{
	pthread_mutex_lock(&press->lock);
	press->done[press->filled % BATCHES] = false;
	press->filled++;
	pthread_cond_signal(&press->more);
	pthread_mutex_unlock(&press->lock);
}

void press_put(struct press *press, enum object_type type, uint32_t number,
	       const uint8_t *id, const void *body, size_t len)
{
	/* Only the owner changes `filled` and `taken`, so it reads them without the lock. */
	struct press_batch *batch = &press->ring[press->filled % BATCHES];
	struct press_item *item;

	assert(press->filled - press->taken < BATCHES);
	batch->item = xgrow(batch->item, batch->count, &batch->cap, sizeof(*batch->item));
	item = &batch->item[batch->count++];
	*item = (struct press_item){.type = type,
				    .number = number,
				    .hashed = id != NULL,
				    .in = batch->in.len,
				    .in_len = len};
	if (id) {
		memcpy(item->id, id, OBJECT_ID);
	}
	buf_add(&batch->in, body, len);
	if (batch->in.len >= BATCH_BYTES || batch->count >= BATCH_ITEMS) {
		submit(press);
	}
}

const struct press_batch *press_take(struct press *press, bool all)
{
	size_t at = press->taken % BATCHES;

	if (all && press->filled - press->taken < BATCHES &&
	    press->ring[press->filled % BATCHES].count) {
		submit(press);
	}
	if (all ? press->filled == press->taken
		: press->filled - press->taken < BATCHES) {
		return NULL;
	}
	pthread_mutex_lock(&press->lock);
	while (!press->done[at]) {
		if (press->begun < press->filled) {
			work(press, press->deflater);
		} else {
			pthread_cond_wait(&press->finished, &press->lock);
		}
	}
	pthread_mutex_unlock(&press->lock);
	return &press->ring[at];
}

void press_return(struct press *press)
{
	struct press_batch *batch = &press->ring[press->taken % BATCHES];

	buf_clear(&batch->in);
	buf_clear(&batch->out);
	batch->count = 0;
	press->taken++;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/threads.h"

#define LOADS 4
#define THREAD_FROM 256       /* a thread pays from so many files on */
#define LOAD_FILES 64         /* a load is handed over when it has so many files */
#define LOAD_BYTES (1u << 20) /* or so many bytes */

/* Some files. `bytes` has their paths, each with a NUL behind it, and their bodies. */
struct load {
	struct buf bytes;
	struct {
		size_t path, body, len;
		bool replaces;
	} file[LOAD_FILES];
	size_t files;
};

struct relay {
	relay_fn *put;
	void *payload;
	size_t passed;
	bool threads; /* a thread may be started */
	bool started;
	pthread_t thread;
	/* All below is guarded by the mutex, but for the content of loads: the thread has
	 * the oldest of the queued ones, the caller has the one behind them. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct load load[LOADS];
	size_t head, queued;
	bool end;
	int rc; /* the first failure */
	struct err err;
};

struct relay *relay_new(relay_fn *put, void *payload)
{
	struct relay *r = xzalloc(sizeof(*r));

	r->put = put;
	r->payload = payload;
	r->threads = threads_pay();
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->changed, NULL);
	return r;
}

static int put_load(struct relay *r, struct load *load, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < load->files; i++) {
		rc = r->put(load->bytes.data + load->file[i].path,
			    load->bytes.data + load->file[i].body, load->file[i].len,
			    load->file[i].replaces, r->payload, err);
	}
	return rc;
}

static void *run(void *payload)
{
	struct relay *r = payload;
	struct err err = {0};

	pthread_mutex_lock(&r->mutex);
	while (r->queued || !r->end) {
		struct load *load = &r->load[r->head];
		int rc = r->rc;

		if (!r->queued) {
			pthread_cond_wait(&r->changed, &r->mutex);
			continue;
		}
		pthread_mutex_unlock(&r->mutex);
		if (!rc) {
			rc = put_load(r, load, &err);
		}
		load->files = 0;
		buf_clear(&load->bytes);
		pthread_mutex_lock(&r->mutex);
		if (rc && !r->rc) {
			r->rc = rc;
			r->err = err;
		}
		r->head = (r->head + 1) % LOADS;
		r->queued--;
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* The load that the caller fills. Called with the mutex locked. */
static struct load *filling(struct relay *r)
{
	return &r->load[(r->head + r->queued) % LOADS];
}

/* Hands the filled load to the thread, and waits for an empty one. */
static int hand_over(struct relay *r, struct err *err)
{
	int rc;

	pthread_mutex_lock(&r->mutex);
	r->queued++;
	pthread_cond_broadcast(&r->changed);
	while (r->queued == LOADS) {
		pthread_cond_wait(&r->changed, &r->mutex);
	}
	rc = r->rc;
	if (rc && err) {
		*err = r->err;
	}
	pthread_mutex_unlock(&r->mutex);
	return rc;
}

int relay_pass(struct relay *r, const char *path, const char *body, size_t len,
	       bool replaces, struct err *err)
{
	struct load *load;

	if (r->threads && !r->started && ++r->passed > THREAD_FROM) {
		r->started = threads_start(&r->thread, run, r);
		r->threads = r->started; /* if that failed, it works without */
	}
	if (!r->started) {
		if (!r->rc) {
			r->rc = r->put(path, body, len, replaces, r->payload, &r->err);
		}
		if (r->rc && err) {
			*err = r->err;
		}
		return r->rc;
	}
	pthread_mutex_lock(&r->mutex);
	load = filling(r);
	pthread_mutex_unlock(&r->mutex);
	load->file[load->files].path = load->bytes.len;
	buf_add(&load->bytes, path, strlen(path) + 1);
	load->file[load->files].replaces = replaces;
	load->file[load->files].body = load->bytes.len;
	load->file[load->files++].len = len;
	buf_add(&load->bytes, body, len);
	if (load->files == LOAD_FILES || load->bytes.len >= LOAD_BYTES) {
		return hand_over(r, err);
	}
	return 0;
}

int relay_end(struct relay **relay, struct err *err)
{
	struct relay *r = *relay;
	int rc;

	*relay = NULL;
	if (r->started) {
		pthread_mutex_lock(&r->mutex);
		r->queued += filling(r)->files > 0;
		r->end = true;
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->mutex);
		pthread_join(r->thread, NULL);
	}
	rc = r->rc;
	if (rc && err) {
		*err = r->err;
	}
	for (size_t i = 0; i < LOADS; i++) {
		buf_release(&r->load[i].bytes);
	}
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mutex);
	free(r);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/relay.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/threads.h"

#define LOADS 4
#define THREAD_FROM 256       /* a thread pays from this many files on */
#define LOAD_FILES 64         /* a load is handed over when it has this many files */
#define LOAD_BYTES (1u << 20) /* or this many bytes */
#define LARGE_BYTES ((size_t)4 << 20) /* a larger body is not copied */

/* Some files. `bytes` has their paths, each with a NUL behind it, and their bodies. */
struct load {
	struct buf bytes;
	struct {
		size_t path, body, len;
		bool replaces;
	} file[LOAD_FILES];
	size_t files;
};

/* The loads are a ring. The caller fills them one after the other, the thread puts and
 * empties them in the same order. */
struct relay {
	relay_fn *put;
	void *payload;
	size_t passed;
	bool threads; /* a thread may be started */
	bool started;
	pthread_t thread;
	struct load load[LOADS];
	size_t at;           /* the load that the caller fills */
	sem_t filled, empty; /* loads that wait for the thread, and for the caller */
	atomic_int rc;       /* the first failure, set after `err` */
	struct err err;
};

struct relay *relay_new(relay_fn *put, void *payload)
{
	struct relay *r = xzalloc(sizeof(*r));

	r->put = put;
	r->payload = payload;
	r->threads = threads_pay();
	sem_init(&r->filled, 0, 0);
	sem_init(&r->empty, 0, LOADS - 1);
	return r;
}

/* sem_wait that a signal does not end. */
static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0) {
	}
}

/* Puts one file, unless an earlier one failed. */
static void put(struct relay *r, const char *path, const char *body, size_t len,
		bool replaces)
{
	if (!r->rc) {
		r->rc = r->put(path, body, len, replaces, r->payload, &r->err);
	}
}

static int failure(struct relay *r, struct err *err)
{
	int rc = r->rc;

	if (rc && err) {
		*err = r->err;
	}
	return rc;
}

/* The thread: a load without files ends it. */
static void *run(void *payload)
{
	struct relay *r = payload;

	for (size_t at = 0;; at = (at + 1) % LOADS) {
		struct load *load = &r->load[at];

		wait_for(&r->filled);
		if (!load->files) {
			return NULL;
		}
		for (size_t i = 0; i < load->files; i++) {
			put(r, load->bytes.data + load->file[i].path,
			    load->bytes.data + load->file[i].body, load->file[i].len,
			    load->file[i].replaces);
		}
		load->files = 0;
		buf_clear(&load->bytes);
		sem_post(&r->empty);
	}
}

/* Hands the load over to the thread, and waits for an empty one. */
static void hand_over(struct relay *r)
{
	r->at = (r->at + 1) % LOADS;
	sem_post(&r->filled);
	wait_for(&r->empty);
}

/* Hands over the load that is being filled, if anything is in it. */
static void hand_over_rest(struct relay *r)
{
	if (r->load[r->at].files) {
		hand_over(r);
	}
}

/* Waits until the thread has put all that was passed: then the caller may put, too. */
static void wait_until_idle(struct relay *r)
{
	hand_over_rest(r);
	/* All loads but the caller's are empty. */
	for (int i = 0; i < LOADS - 1; i++) {
		wait_for(&r->empty);
	}
	for (int i = 0; i < LOADS - 1; i++) {
		sem_post(&r->empty);
	}
}

int relay_pass(struct relay *r, const char *path, const char *body, size_t len,
	       bool replaces, struct err *err)
{
	struct load *load = &r->load[r->at];

	if (r->threads && !r->started && ++r->passed > THREAD_FROM) {
		r->started = threads_start(&r->thread, run, r);
		r->threads = r->started; /* if that failed, it works without */
	}
	if (r->started && len > LARGE_BYTES) {
		wait_until_idle(r);
	}
	if (!r->started || len > LARGE_BYTES) {
		put(r, path, body, len, replaces);
		return failure(r, err);
	}
	load->file[load->files].path = load->bytes.len;
	buf_add(&load->bytes, path, strlen(path) + 1);
	load->file[load->files].replaces = replaces;
	load->file[load->files].body = load->bytes.len;
	load->file[load->files++].len = len;
	buf_add(&load->bytes, body, len);
	if (load->files < LOAD_FILES && load->bytes.len < LOAD_BYTES) {
		return 0;
	}
	hand_over(r);
	return failure(r, err);
}

int relay_end(struct relay **relay, struct err *err)
{
	struct relay *r = *relay;
	int rc;

	*relay = NULL;
	if (r->started) {
		hand_over_rest(r);
		sem_post(&r->filled);
		pthread_join(r->thread, NULL);
	}
	rc = failure(r, err);
	for (size_t i = 0; i < LOADS; i++) {
		buf_release(&r->load[i].bytes);
	}
	sem_destroy(&r->filled);
	sem_destroy(&r->empty);
	free(r);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "data/base/threads.h"

#define WORKERS 2

enum job_state {
	JOB_OPEN,  /* nobody is at it */
	JOB_TAKEN, /* somebody is */
	JOB_DONE,
};

struct job {
	enum object_type type;
	enum job_state state;
	struct buf body;
	struct sign_result *result; /* heap; NULL until it is done */
	struct err *err;            /* heap; NULL: no error */
	int rc;
};

struct worker {
	struct verify_ahead *ahead;
	struct sign_verifier *verifier;
	pthread_t thread;
	bool started;
};

struct verify_ahead {
	struct job *job;
	size_t count, cap;
	size_t next; /* no job before it is open */
	bool end;    /* workers take no more */
	struct worker worker[WORKERS];
	struct sign_verifier *verifier; /* the owner's */
	pthread_mutex_t lock;           /* states of jobs, next, end */
	pthread_cond_t done;
};

int verify_ahead_open(struct verify_ahead **out, const char *signers, struct err *err)
{
	struct verify_ahead *ahead = xzalloc(sizeof(*ahead));
	int rc = sign_verifier_open(&ahead->verifier, signers, err);

	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->done, NULL);
	for (size_t i = 0; !rc && i < WORKERS; i++) {
		ahead->worker[i].ahead = ahead;
		rc = sign_verifier_open(&ahead->worker[i].verifier, signers, err);
	}
	if (rc) {
		verify_ahead_close(ahead);
		ahead = NULL;
	}
	*out = ahead;
	return rc;
}

void verify_ahead_close(struct verify_ahead *ahead)
{
	if (!ahead) {
		return;
	}
	pthread_mutex_lock(&ahead->lock);
	ahead->end = true;
	pthread_mutex_unlock(&ahead->lock);
	for (size_t i = 0; i < WORKERS; i++) {
		if (ahead->worker[i].started) {
			pthread_join(ahead->worker[i].thread, NULL);
		}
		sign_verifier_close(ahead->worker[i].verifier);
	}
	for (size_t i = 0; i < ahead->count; i++) {
		buf_release(&ahead->job[i].body);
		free(ahead->job[i].result);
		free(ahead->job[i].err);
	}
	sign_verifier_close(ahead->verifier);
	pthread_cond_destroy(&ahead->done);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead->job);
	free(ahead);
}

void verify_ahead_add(struct verify_ahead *ahead, enum object_type type,
		      const struct buf *body)
{
	struct job *job;

	if (ahead->count == ahead->cap) {
		ahead->cap = ahead->cap ? ahead->cap * 2 : 64;
		ahead->job = xreallocarray(ahead->job, ahead->cap, sizeof(*ahead->job));
	}
	job = &ahead->job[ahead->count++];
	*job = (struct job){.type = type};
	buf_add(&job->body, body->data, body->len);
}

/* Does a job that the caller has taken. */
static void run(struct verify_ahead *ahead, struct job *job,
		struct sign_verifier *verifier)
{
	struct sign_result *result = xmalloc(sizeof(*result));
	struct err err;
	int rc = sign_verify(result, verifier, job->type, job->body.data, job->body.len,
			     &err);

	buf_release(&job->body);
	job->result = result;
	job->rc = rc;
	if (rc) {
		job->err = xmalloc(sizeof(*job->err));
		*job->err = err;
	}
	pthread_mutex_lock(&ahead->lock);
	job->state = JOB_DONE;
	pthread_cond_broadcast(&ahead->done);
	pthread_mutex_unlock(&ahead->lock);
}

static void *work(void *payload)
{
	struct worker *worker = payload;
	struct verify_ahead *ahead = worker->ahead;

	for (;;) {
		struct job *job = NULL;

		pthread_mutex_lock(&ahead->lock);
		while (ahead->next < ahead->count &&
		       ahead->job[ahead->next].state != JOB_OPEN) {
			ahead->next++;
		}
		if (!ahead->end && ahead->next < ahead->count) {
			job = &ahead->job[ahead->next++];
			job->state = JOB_TAKEN;
		}
		pthread_mutex_unlock(&ahead->lock);
		if (!job) {
			return NULL;
		}
		run(ahead, job, worker->verifier);
	}
}

void verify_ahead_start(struct verify_ahead *ahead)
{
	for (size_t i = 0; threads_pay() && i < WORKERS && i < ahead->count; i++) {
		struct worker *worker = &ahead->worker[i];

		worker->started = threads_start(&worker->thread, work, worker);
	}
}

int verify_ahead_result(struct sign_result *out, struct verify_ahead *ahead,
			size_t number, struct err *err)
{
	struct job *job = &ahead->job[number];
	bool mine;

	assert(number < ahead->count);
	pthread_mutex_lock(&ahead->lock);
	mine = job->state == JOB_OPEN;
	if (mine) {
		job->state = JOB_TAKEN;
	}
	while (!mine && job->state != JOB_DONE) {
		pthread_cond_wait(&ahead->done, &ahead->lock);
	}
	pthread_mutex_unlock(&ahead->lock);
	if (mine) {
		run(ahead, job, ahead->verifier);
	}
	*out = *job->result;
	free(job->result);
	job->result = NULL;
	return job->rc ? err_set(err, job->rc, "%s", job->err->msg) : 0;
}

int verify_ahead_now(struct sign_result *out, struct verify_ahead *ahead,
		     enum object_type type, const struct buf *body, struct err *err)
{
	return sign_verify(out, ahead->verifier, type, body->data, body->len, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/lease.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/threads.h"

struct lease {
	struct lease_job job;
	bool started;
	pthread_t thread;
	pthread_mutex_t mutex; /* of all that follows */
	pthread_cond_t wake;
	bool stop;
	bool leave;                     /* what the thread asks the store is cut, too */
	struct publication publication; /* as it stands in the store */
	char etag[S3_ETAG];
	int64_t deadline_ms; /* after which nothing may be sent: s3_set_deadline */
	int rc;              /* of the thread: it is lost */
	struct err err;
};

static int lost(const struct lease *lease, struct err *err)
{
	return err_set(err, ERR_LOCKED,
		       "another publisher has taken site '%s' over meanwhile; publish "
		       "again",
		       lease->job.name);
}

/* Writes the publication. */
static int put(struct lease *lease, struct s3 *s3, const struct publication *publication,
	       struct err *err)
{
	struct buf text = {0};
	struct s3_answer answer = {0};
	struct s3_object object = {
		.key = LEASE_KEY, .type = "application/json; charset=utf-8", .fd = -1};
	int64_t sent_ms = clock_boot_ms();
	int rc, ended;

	publication_write(&text, publication);
	object.body = text.data;
	object.len = text.len;
	if (lease->job.plain) {
		rc = s3_put(s3, &object, err);
		ended = s3_drain(s3, rc ? NULL : err);
		rc = rc ? rc : ended;
	} else {
		rc = s3_put_if(s3, &object, *lease->etag ? lease->etag : NULL, &answer,
			       err);
		if (!rc) {
			memcpy(lease->etag, answer.etag, sizeof(lease->etag));
		}
		if (!rc && answer.date_s) {
			lease->job.clock =
				(struct publication_clock){answer.date_s, sent_ms};
		}
	}
	buf_release(&text);
	s3_answer_release(&answer);
	return rc == ERR_CHANGED ? lost(lease, err) : rc;
}

/* Takes or renews it. */
static int take(struct lease *lease, struct s3 *s3, struct err *err)
{
	struct publication next = lease->publication;
	int64_t now_ms = clock_boot_ms();
	int rc;

	publication_take(&next, lease->job.holder,
			 publication_clock_latest(&lease->job.clock, now_ms));
	rc = put(lease, s3, &next, err);
	if (!rc) {
		pthread_mutex_lock(&lease->mutex);
		lease->publication = next;
		lease->deadline_ms = now_ms + PUBLICATION_LEASE_S * INT64_C(1000);
		pthread_mutex_unlock(&lease->mutex);
	}
	return rc;
}

/* --- the thread --- */

/* Waits until the lease is due for renewal. False: it is to end. */
static bool wait_for_turn(struct lease *lease)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PUBLICATION_RENEW_S;
	pthread_mutex_lock(&lease->mutex);
	while (!lease->stop &&
	       pthread_cond_timedwait(&lease->wake, &lease->mutex, &until) == 0) {
	}
	stop = lease->stop;
	pthread_mutex_unlock(&lease->mutex);
	return !stop;
}

/* After a renewal of which it is not known whether it was written: reads the ETag. */
static int relearn(struct lease *lease, struct s3 *s3, struct err *err)
{
	struct s3_answer answer = {0};
	struct publication now;
	int rc = s3_get(s3, LEASE_KEY, PUBLICATION_MAX, &answer, err);

	if (!rc) {
		rc = publication_read(&now, answer.body.data, answer.body.len,
				      lease->job.name, err);
		if (!rc && strcmp(now.holder, lease->job.holder) != 0) {
			rc = lost(lease, err);
		}
		memcpy(lease->etag, answer.etag, sizeof(lease->etag));
		publication_release(&now);
	}
	s3_answer_release(&answer);
	return rc;
}

/* A renewal that hangs must not hold up a process that was told to end. */
static int check_leave(void *payload, struct err *err)
{
	struct lease *lease = payload;
	bool leave;

	pthread_mutex_lock(&lease->mutex);
	leave = lease->leave;
	pthread_mutex_unlock(&lease->mutex);
	return leave ? err_set(err, ERR_STOPPED, "the lease is left") : 0;
}

/* If the store answers that it cannot, or refuses connections, there is a second turn before the
 * lease ends. */
static void *run(void *payload)
{
	struct lease *lease = payload;
	struct s3 *s3 = NULL;
	struct err err = {0};
	bool unknown = false;
	int rc = 0;

	while (!rc && wait_for_turn(lease)) {
		if (!s3) {
			rc = s3_open(&s3, lease->job.place, &lease->job.settings, &err);
		}
		if (!rc) {
			s3_set_tick(s3, check_leave, lease);
			s3_set_deadline(s3, lease->deadline_ms);
			rc = unknown && !lease->job.plain ? relearn(lease, s3, &err) : 0;
			rc = rc ? rc : take(lease, s3, &err);
		}
		unknown = rc == ERR_UNREACHABLE;
		rc = unknown ? 0 : rc;
	}
	s3_close(s3);
	pthread_mutex_lock(&lease->mutex);
	lease->rc = rc;
	lease->err = err;
	pthread_mutex_unlock(&lease->mutex);
	return NULL;
}

int lease_check(struct lease *lease, struct err *err)
{
	int rc;

	pthread_mutex_lock(&lease->mutex);
	rc = lease->rc;
	if (rc) {
		*err = lease->err;
	}
	s3_set_deadline(lease->job.s3, lease->deadline_ms);
	pthread_mutex_unlock(&lease->mutex);
	return rc;
}

/* --- from the beginning to the end --- */

static void stop_thread(struct lease *lease, bool leave)
{
	if (lease->started) {
		pthread_mutex_lock(&lease->mutex);
		lease->stop = true;
		lease->leave = leave;
		pthread_cond_signal(&lease->wake);
		pthread_mutex_unlock(&lease->mutex);
		pthread_join(lease->thread, NULL);
		lease->started = false;
	}
}

static void release(struct lease **lease)
{
	struct lease *l = *lease;

	*lease = NULL;
	s3_set_deadline(l->job.s3, INT64_MAX);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->mutex);
	publication_release(&l->publication);
	free(l);
}

int lease_take(struct lease **out, const struct lease_job *job, struct err *err)
{
	struct lease *lease = xzalloc(sizeof(*lease));
	pthread_condattr_t attr;
	int rc;

	lease->job = *job;
	memcpy(lease->etag, job->etag, strlen(job->etag) + 1);
	lease->publication.conditional = job->conditional;
	buf_add(&lease->publication.pending, job->pending, job->pending_len);
	pthread_mutex_init(&lease->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&lease->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* A try that is made again later than this would begin a lease that has ended. */
	s3_set_deadline(job->s3, clock_boot_ms() + PUBLICATION_LEASE_S * INT64_C(1000));
	rc = take(lease, job->s3, err);
	if (!rc && !threads_start(&lease->thread, run, lease)) {
		rc = err_set(err, ERR_FAIL, "cannot start a thread");
	}
	if (rc) {
		release(&lease);
		return rc;
	}
	lease->started = true;
	s3_set_deadline(job->s3, lease->deadline_ms);
	*out = lease;
	return 0;
}

int lease_end(struct lease **lease, const char *pending, struct err *err)
{
	struct lease *l = *lease;
	int rc;

	stop_thread(l, false);
	rc = lease_check(l, err);
	if (!rc) {
		publication_give_back(&l->publication);
		buf_clear(&l->publication.pending);
		buf_addstr(&l->publication.pending, pending);
		rc = put(l, l->job.s3, &l->publication, err);
	}
	release(lease);
	return rc;
}

void lease_leave(struct lease **lease)
{
	if (*lease) {
		stop_thread(*lease, true);
		release(lease);
	}
}

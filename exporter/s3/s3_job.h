/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_JOB_H
#define EXPORTER_S3_S3_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/s3/s3_config.h"
#include "exporter/s3/s3_limits.h"
#include "exporter/s3/s3_say.h"
#include "exporter/s3/s3_sign.h"
#include "exporter/s3/s3_url.h"
#include "exporter/s3/s3_wire.h"

/*
 * s3_job - what a client of an S3 server (s3.h) has under way: each thing that is asked is a job,
 * of one or more tries. For the files of this folder.
 *
 * Everything happens in turns, on one thread: call the tick, look at the deadline, let the jobs
 * fly that are due, send and receive, see what the ones that came back have come to. Whoever
 * waits takes turns until what it waits for is there. The tick may itself wait for a job of its
 * own; its turns move all others on, too, but do not call the tick.
 */

struct s3_job {
	struct s3_job *next;
	struct s3_wire_request wire;
	struct s3_say say; /* method and key, for messages; the job owns the key */
	char *query;       /* of the URL; not "": what is asked for is the bucket */
	char *type;
	const char *condition;             /* NULL, "if-match", "if-none-match" */
	char condition_value[S3_ETAG + 2]; /* with its quotes */
	char hash[S3_SIGN_HEX];
	void *copied; /* the body, if the job owns it */
	bool async;   /* nobody waits for it: it is freed when it has ended */
	bool once;    /* whoever waits for it decides about another try */
	enum { S3_JOB_WAITING, S3_JOB_FLYING, S3_JOB_ENDED } state;
	int tries;
	int64_t due_ms; /* WAITING: when it may fly, by clock_boot_ms */
	int rc;
	bool unknown; /* ERR_UNREACHABLE: it may have been done */
	struct err err;
};

struct s3 {
	struct s3_wire *wire;
	struct s3_place place;
	struct s3_config config;
	struct s3_sign_key key;
	char *root, *host, *base; /* the URL of a key is ROOT BASE / KEY */
	struct s3_job *jobs;
	size_t asyncs;     /* of them */
	uint64_t copied;   /* bytes that they hold */
	struct err failed; /* the first failure of an async one; code 0: none */
	bool bare;         /* radosgw answers: it takes ETags without quotes */
	int (*tick)(void *payload, struct err *err);
	void *tick_payload;
	bool in_tick;
	int64_t deadline_ms;
};

struct s3_who s3_job_who(const struct s3 *s3);

/* NULL: the key is too long. `method` is borrowed for ever. */
struct s3_job *s3_job_new(struct s3 *s3, const char *method, const char *key,
			  struct err *err);
/* The same for a PUT. The body is borrowed, and its hash is not yet set. */
struct s3_job *s3_job_put(struct s3 *s3, const char *key, const char *type,
			  const void *body, uint64_t len, struct err *err);
void s3_job_free(struct s3_job *job); /* NULL is allowed */

/* How long to wait before the try behind so many. Retry-After may ask for more. */
int64_t s3_job_pause_ms(int tries, int64_t retry_after_s);

/* Waits until the job has ended. It is not freed. */
int s3_job_run(struct s3 *s3, struct s3_job *job, struct err *err);

/* Waits until another body of `len` bytes may be under way; then hands a job with it over. */
int s3_job_room(struct s3 *s3, uint64_t len, struct err *err);
int s3_job_hand_over(struct s3 *s3, struct s3_job *job, struct err *err);
/* The first failure of those since the last s3_job_drain, or 0. */
int s3_job_failed(const struct s3 *s3, struct err *err);
/* Waits for all that were handed over. Returns the first failure since the last call. */
int s3_job_drain(struct s3 *s3, struct err *err);

/* Ends all jobs with this failure. */
void s3_job_cut(struct s3 *s3, int rc, const struct err *err);

#endif

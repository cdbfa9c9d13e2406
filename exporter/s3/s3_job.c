/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "data/base/clock.h"

#define TURN_MS 1000 /* the tick is called as often */
#define PAUSE_MS 100 /* before the second try; then twice as long each time */
#define PAUSE_MAX_MS 5000
#define RETRY_AFTER_MAX_S 20

/* --- one try ------------------------------------------------------------------------- */

struct s3_who s3_job_who(const struct s3 *s3)
{
	const char *given = s3->config.endpoint_url;

	return (struct s3_who){&s3->place, given ? given : s3->root, s3->config.id,
			       s3->config.from, s3->config.region};
}

struct s3_job *s3_job_new(struct s3 *s3, const char *method, const char *key,
			  struct err *err)
{
	struct s3_job *job;
	size_t len = strlen(s3->place.prefix) + 1 + strlen(key);

	if (len > S3_KEY_MAX) {
		err_set(err, ERR_INPUT,
			"the key '%s/%s' is longer than the 1024 bytes that an object "
			"store takes",
			s3->place.prefix, key);
		return NULL;
	}
	job = xzalloc(sizeof(*job));
	job->say = (struct s3_say){method, xstrdup(key)};
	job->query = xstrdup("");
	job->wire.method = method;
	job->wire.owner = job;
	s3_sign_hash(job->hash, "", 0);
	return job;
}

struct s3_job *s3_job_put(struct s3 *s3, const char *key, const char *type,
			  const void *body, uint64_t len, struct err *err)
{
	struct s3_job *job;

	if (len > S3_PUT_MAX) {
		err_set(err, ERR_INPUT,
			"'%s' is larger than the 5 GiB that an object store takes at "
			"once",
			key);
		return NULL;
	}
	job = s3_job_new(s3, "PUT", key, err);
	if (job) {
		job->type = xstrdup(type);
		job->wire.body = body;
		job->wire.len = len;
		job->wire.max = S3_WIRE_ERROR_MAX;
	}
	return job;
}

void s3_job_free(struct s3_job *job)
{
	if (!job) {
		return;
	}
	free((char *)job->say.key);
	free(job->query);
	free(job->type);
	free(job->copied);
	buf_release(&job->wire.answer);
	free(job);
}

/* Appends the path in the URL of what is asked for: a key, or the bucket. */
static void add_path(struct buf *out, const struct s3 *s3, const struct s3_job *job)
{
	buf_addstr(out, s3->base);
	if (!*job->query) {
		buf_addch(out, '/');
		s3_url_escape(out, s3->place.prefix, false);
		buf_addstr(out, *s3->place.prefix ? "/" : "");
		s3_url_escape(out, job->say.key, false);
	} else if (!out->len) {
		buf_addch(out, '/');
	}
}

#define HEADERS 8

/* Begins a try: signs it with the time as it is now. */
static int fly(struct s3 *s3, struct s3_job *job, struct err *err)
{
	struct buf path = {0}, url = {0}, line[HEADERS + 1] = {0};
	struct s3_sign_header header[HEADERS];
	const char *text[HEADERS + 1];
	char date[S3_SIGN_DATE];
	size_t n = 0;
	int rc;

	s3_sign_date(date, time(NULL));
	add_path(&path, s3, job);
	buf_addf(&url, "%s%s%s%s", s3->root, path.data, *job->query ? "?" : "",
		 job->query);
	/* sorted by name */
	if (job->type) {
		header[n++] = (struct s3_sign_header){"cache-control", "no-cache"};
		header[n++] = (struct s3_sign_header){"content-type", job->type};
	}
	header[n++] = (struct s3_sign_header){"host", s3->host};
	if (job->condition) {
		header[n++] =
			(struct s3_sign_header){job->condition, job->condition_value};
	}
	header[n++] = (struct s3_sign_header){"x-amz-content-sha256", job->hash};
	header[n++] = (struct s3_sign_header){"x-amz-date", date};
	if (s3->config.token) {
		header[n++] =
			(struct s3_sign_header){"x-amz-security-token", s3->config.token};
	}
	for (size_t i = 0; i < n; i++) {
		buf_addf(&line[i], "%s: %s", header[i].name, header[i].value);
		text[i] = line[i].data;
	}
	buf_addstr(&line[n], "authorization: ");
	s3_sign(&line[n], &s3->key,
		&(struct s3_sign_request){job->wire.method, path.data, job->query, header,
					  n, job->hash},
		date);
	text[n] = line[n].data;
	job->wire.url = url.data;
	job->wire.header = text;
	job->wire.headers = n + 1;
	rc = s3_wire_start(s3->wire, &job->wire, err);
	for (size_t i = 0; i <= n; i++) {
		buf_release(&line[i]);
	}
	buf_release(&path);
	buf_release(&url);
	return rc;
}

int64_t s3_job_pause_ms(int tries, int64_t retry_after_s)
{
	int64_t pause = (int64_t)PAUSE_MS << (tries > 6 ? 6 : tries - 1);
	int64_t asked = retry_after_s < 0                   ? 0
			: retry_after_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S * 1000
							    : retry_after_s * 1000;
	uint16_t random;

	pause = pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == sizeof(random)) {
		pause -= pause / 2 * random / UINT16_MAX;
	}
	return asked > pause ? asked : pause;
}

/* What a try has come to: it is tried again, or the job ends. */
static void settle(struct s3 *s3, struct s3_job *job)
{
	struct s3_who who = s3_job_who(s3);
	bool given_up = job->tries >= S3_TRIES || (job->async && s3->failed.code);
	bool again;

	s3->bare = s3->bare || job->wire.rgw;
	job->rc = s3_say_outcome(&who, &job->say, &job->wire, job->condition, &again,
				 &job->err);
	job->unknown = again;
	if (again && !job->once && !given_up) {
		job->state = S3_JOB_WAITING;
		job->due_ms = clock_boot_ms() +
			      s3_job_pause_ms(job->tries, job->wire.retry_after_s);
		return;
	}
	if (again && job->tries > 1) {
		struct err last = job->err;

		err_set(&job->err, last.code, "%s (tried %d times)", last.msg,
			job->tries);
	}
	job->state = S3_JOB_ENDED;
}

/* --- many at once -------------------------------------------------------------------- */

static void end(struct s3_job *job, int rc, const struct err *err)
{
	job->state = S3_JOB_ENDED;
	job->rc = rc;
	job->err = *err;
	job->err.code = rc;
}

/* Unlinks and frees the async jobs that have ended, and notes the first failure. */
static void reap(struct s3 *s3)
{
	struct s3_job **link = &s3->jobs, *job;

	while ((job = *link)) {
		if (!job->async || job->state != S3_JOB_ENDED) {
			link = &job->next;
			continue;
		}
		if (job->rc && !s3->failed.code) {
			s3->failed = job->err;
		}
		*link = job->next;
		s3->asyncs--;
		s3->copied -= job->wire.len;
		s3_job_free(job);
	}
}

void s3_job_cut(struct s3 *s3, int rc, const struct err *err)
{
	for (struct s3_job *job = s3->jobs; job; job = job->next) {
		if (job->state != S3_JOB_ENDED) {
			s3_wire_cut(s3->wire, &job->wire);
			end(job, rc, err);
		}
	}
	reap(s3);
}

/* Whether anything may be sent now. */
static int may_go_on(struct s3 *s3, struct err *err)
{
	int rc = 0;

	if (s3->tick && !s3->in_tick) {
		s3->in_tick = true;
		rc = s3->tick(s3->tick_payload, err);
		s3->in_tick = false;
	}
	if (!rc && clock_boot_ms() >= s3->deadline_ms) {
		rc = err_set(err, ERR_LOCKED,
			     "the lease of 's3://%s/%s' has ended before it was renewed; "
			     "nothing more is sent; try again",
			     s3->place.bucket, s3->place.prefix);
	}
	return rc;
}

/* Lets fly what is due. Returns how long one may wait: until the next one is due, or the
 * deadline. */
static int start_due(struct s3 *s3, int64_t wait)
{
	int64_t now = clock_boot_ms();
	struct err err = {0};

	for (struct s3_job *job = s3->jobs; job; job = job->next) {
		if (job->state != S3_JOB_WAITING) {
			continue;
		}
		if (job->async && s3->failed.code) {
			end(job, s3->failed.code, &s3->failed);
			wait = 0;
		} else if (job->due_ms <= now) {
			int rc = fly(s3, job, &err);

			job->state = S3_JOB_FLYING;
			job->tries++;
			if (rc) {
				end(job, rc, &err);
				wait = 0;
			}
		} else if (job->due_ms - now < wait) {
			wait = job->due_ms - now;
		}
	}
	wait = s3->deadline_ms - now < wait ? s3->deadline_ms - now : wait;
	return wait > 0 ? (int)wait : 0;
}

/* One round: sends and receives, waits at most so long for something to do. If it fails,
 * everything has been cut. */
static int turn(struct s3 *s3, int wait, struct err *err)
{
	struct s3_wire_request *ended;
	int rc = may_go_on(s3, err);

	rc = rc ? rc : s3_wire_step(s3->wire, start_due(s3, wait), err);
	if (rc) {
		s3_job_cut(s3, rc, err);
		return rc;
	}
	while ((ended = s3_wire_next(s3->wire))) {
		settle(s3, ended->owner);
	}
	reap(s3);
	return 0;
}

static void link_job(struct s3 *s3, struct s3_job *job)
{
	struct s3_job **at = &s3->jobs;

	while (*at) {
		at = &(*at)->next;
	}
	*at = job;
}

static void unlink_job(struct s3 *s3, const struct s3_job *job)
{
	struct s3_job **at = &s3->jobs;

	while (*at && *at != job) {
		at = &(*at)->next;
	}
	*at = job->next;
}

int s3_job_run(struct s3 *s3, struct s3_job *job, struct err *err)
{
	link_job(s3, job);
	while (job->state != S3_JOB_ENDED) {
		struct err ignored; /* the job has it, too */

		turn(s3, TURN_MS, &ignored);
	}
	unlink_job(s3, job);
	if (job->rc && err) {
		*err = job->err;
	}
	return job->rc;
}

int s3_job_failed(const struct s3 *s3, struct err *err)
{
	if (s3->failed.code && err) {
		*err = s3->failed;
	}
	return s3->failed.code;
}

int s3_job_room(struct s3 *s3, uint64_t len, struct err *err)
{
	struct err ignored;

	while (!s3->failed.code && s3->asyncs &&
	       (s3->asyncs >= S3_PARALLEL || s3->copied + len > S3_COPIED)) {
		turn(s3, TURN_MS, &ignored);
	}
	return s3_job_failed(s3, err);
}

int s3_job_hand_over(struct s3 *s3, struct s3_job *job, struct err *err)
{
	struct err ignored;

	job->async = true;
	s3->asyncs++;
	s3->copied += job->wire.len;
	link_job(s3, job);
	turn(s3, 0, &ignored);
	return s3_job_failed(s3, err);
}

int s3_job_drain(struct s3 *s3, struct err *err)
{
	struct err ignored;
	int rc;

	while (s3->asyncs) {
		turn(s3, TURN_MS, &ignored);
	}
	rc = s3_job_failed(s3, err);
	s3->failed = (struct err){0};
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "exporter/s3/s3_say.h"
#include "exporter/s3/s3_sign.h"
#include "exporter/s3/s3_wire.h"
#include "exporter/s3/s3_xml.h"

#define PUT_IF_MAX (1u << 20)
#define PAGE_KEYS "1000"
#define PAGE_MAX                                                                         \
	(16u << 20)  /* bytes of a page of a listing: 1,000 keys are 4 MiB at most */
#define TURN_MS 1000 /* the tick is called as often */
#define PAUSE_MS 100 /* before the second try; then twice as long each time */
#define PAUSE_MAX_MS 5000
#define RETRY_AFTER_MAX_MS 20000

/* One thing that is asked, in one or more tries. */
struct job {
	struct job *next;
	struct s3_wire_request wire;
	struct s3_say say; /* method and key, for messages */
	char *query, *type;
	const char *condition;             /* NULL, "if-match", "if-none-match" */
	char condition_value[S3_ETAG + 2]; /* with its quotes */
	char hash[S3_SIGN_HEX];
	void *copied;
	bool async; /* nobody waits for it: it is freed when it has ended */
	bool once;  /* whoever waits for it decides about another try */
	enum { WAITING, FLYING, ENDED } state;
	int tries;
	int64_t due_ms; /* WAITING: when it may fly */
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
	struct job *jobs;
	size_t asyncs;     /* of them */
	uint64_t copied;   /* bytes that they hold */
	struct err failed; /* the first failure of an async one; code 0: none */
	bool bare;         /* the server takes ETags without quotes; seen of radosgw */
	s3_tick_fn *tick;
	void *tick_payload;
	bool in_tick;
	int64_t deadline_ms;
};

int64_t s3_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- opening ------------------------------------------------------------------------- */

/* Whether the bucket can be part of the name of a host, under a certificate for one. */
static bool is_label(const char *bucket)
{
	size_t len = strlen(bucket);

	return len >= 3 && len <= 63 &&
	       strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* The addresses of AWS: the bucket is in the host, where that can be. */
static void set_aws(struct s3 *s3)
{
	const char *bucket = s3->place.bucket, *region = s3->config.region;
	bool label = is_label(bucket);
	struct buf host = {0}, root = {0}, base = {0};

	buf_addf(&host, "%s%ss3.%s.amazonaws.com%s", label ? bucket : "",
		 label ? "." : "", region, strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	buf_addf(&root, "https://%s", host.data);
	buf_addf(&base, "%s%s", label ? "" : "/", label ? "" : bucket);
	s3->host = host.data;
	s3->root = root.data;
	s3->base = base.data;
}

static int set_endpoint(struct s3 *s3, struct err *err)
{
	struct s3_endpoint endpoint;
	struct buf base = {0};
	int rc;

	if (!s3->config.endpoint_url) {
		set_aws(s3);
		return 0;
	}
	rc = s3_url_endpoint(&endpoint, s3->config.endpoint_url, s3->config.endpoint_from,
			     err);
	if (rc) {
		return rc;
	}
	buf_addf(&base, "%s/%s", endpoint.base, s3->place.bucket);
	s3->base = base.data;
	s3->root = endpoint.root;
	s3->host = endpoint.host;
	free(endpoint.base);
	return 0;
}

int s3_open(struct s3 **out, const struct s3_place *place,
	    const struct s3_settings *settings, struct err *err)
{
	struct s3 *s3 = xzalloc(sizeof(*s3));
	int rc = s3_config_read(&s3->config, settings, err);

	*out = NULL;
	s3->place = (struct s3_place){xstrdup(place->bucket), xstrdup(place->prefix)};
	s3->deadline_ms = INT64_MAX;
	rc = rc ? rc : set_endpoint(s3, err);
	rc = rc ? rc : s3_wire_open(&s3->wire, s3->config.ca_bundle, err);
	if (rc) {
		s3_close(s3);
		return rc;
	}
	s3->key = (struct s3_sign_key){s3->config.id, s3->config.secret,
				       s3->config.region, "s3"};
	*out = s3;
	return 0;
}

const char *s3_endpoint(const struct s3 *s3)
{
	return s3->root;
}

void s3_set_tick(struct s3 *s3, s3_tick_fn *tick, void *payload)
{
	s3->tick = tick;
	s3->tick_payload = payload;
}

void s3_set_deadline(struct s3 *s3, int64_t boottime_ms)
{
	s3->deadline_ms = boottime_ms;
}

void s3_answer_release(struct s3_answer *answer)
{
	buf_release(&answer->body);
	*answer = (struct s3_answer){0};
}

/* --- one try ------------------------------------------------------------------------- */

static struct s3_who who_of(const struct s3 *s3)
{
	return (struct s3_who){&s3->place, s3->root, s3->config.id, s3->config.from,
			       s3->config.region};
}

static struct job *job_new(struct s3 *s3, const char *method, const char *key,
			   struct err *err)
{
	struct job *job;
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

static void job_free(struct job *job)
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
static void add_path(struct buf *out, const struct s3 *s3, const struct job *job)
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
static int fly(struct s3 *s3, struct job *job, struct err *err)
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

static int64_t pause_ms(int tries, int64_t retry_after_s)
{
	int64_t pause = (int64_t)PAUSE_MS << (tries > 6 ? 6 : tries - 1);
	int64_t asked = retry_after_s * 1000;
	uint16_t random;

	pause = pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == sizeof(random)) {
		pause -= pause / 2 * random / UINT16_MAX;
	}
	asked = asked > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : asked;
	return asked > pause ? asked : pause;
}

/* What a try has come to: it is tried again, or the job ends. */
static void settle(struct s3 *s3, struct job *job)
{
	struct s3_who who = who_of(s3);
	bool given_up = job->tries >= S3_TRIES || (job->async && s3->failed.code);
	bool again;

	s3->bare = s3->bare || job->wire.rgw;
	job->rc = s3_say_outcome(&who, &job->say, &job->wire, job->condition, &again,
				 &job->err);
	job->unknown = again;
	if (again && !job->once && !given_up) {
		job->state = WAITING;
		job->due_ms = s3_now_ms() + pause_ms(job->tries, job->wire.retry_after_s);
		return;
	}
	if (again && job->tries > 1) {
		struct err last = job->err;

		err_set(&job->err, last.code, "%s (tried %d times)", last.msg,
			job->tries);
	}
	job->state = ENDED;
}

/* --- many at once -------------------------------------------------------------------- */

static void end(struct job *job, int rc, const struct err *err)
{
	job->state = ENDED;
	job->rc = rc;
	job->err = *err;
	job->err.code = rc;
}

/* Unlinks and frees the async jobs that have ended, and notes the first failure. */
static void reap(struct s3 *s3)
{
	struct job **link = &s3->jobs, *job;

	while ((job = *link)) {
		if (!job->async || job->state != ENDED) {
			link = &job->next;
			continue;
		}
		if (job->rc && !s3->failed.code) {
			s3->failed = job->err;
		}
		*link = job->next;
		s3->asyncs--;
		s3->copied -= job->wire.len;
		job_free(job);
	}
}

static void cut_all(struct s3 *s3, int rc, const struct err *err)
{
	for (struct job *job = s3->jobs; job; job = job->next) {
		if (job->state != ENDED) {
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
	if (!rc && s3_now_ms() >= s3->deadline_ms) {
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
	int64_t now = s3_now_ms();
	struct err err = {0};

	for (struct job *job = s3->jobs; job; job = job->next) {
		if (job->state == WAITING && job->async && s3->failed.code) {
			end(job, s3->failed.code, &s3->failed);
		} else if (job->state == WAITING && job->due_ms <= now) {
			int rc = fly(s3, job, &err);

			job->state = FLYING;
			job->tries++;
			if (rc) {
				end(job, rc, &err);
			}
		} else if (job->state == WAITING && job->due_ms - now < wait) {
			wait = job->due_ms - now;
		}
		wait = job->state == ENDED ? 0 : wait;
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
		cut_all(s3, rc, err);
		return rc;
	}
	while ((ended = s3_wire_next(s3->wire))) {
		settle(s3, ended->owner);
	}
	reap(s3);
	return 0;
}

static void link_job(struct s3 *s3, struct job *job)
{
	struct job **at = &s3->jobs;

	while (*at) {
		at = &(*at)->next;
	}
	*at = job;
}

static void unlink_job(struct s3 *s3, const struct job *job)
{
	struct job **at = &s3->jobs;

	while (*at && *at != job) {
		at = &(*at)->next;
	}
	*at = job->next;
}

/* Waits until the job has ended. It is not freed. */
static int run(struct s3 *s3, struct job *job, struct err *err)
{
	link_job(s3, job);
	while (job->state != ENDED) {
		struct err ignored; /* the job has it, too */

		turn(s3, TURN_MS, &ignored);
	}
	unlink_job(s3, job);
	if (job->rc && err) {
		*err = job->err;
	}
	return job->rc;
}

static int report_failed(const struct s3 *s3, struct err *err)
{
	if (s3->failed.code && err) {
		*err = s3->failed;
	}
	return s3->failed.code;
}

/* Waits until another body of `len` bytes may be under way. */
static int make_room(struct s3 *s3, uint64_t len, struct err *err)
{
	struct err ignored;

	while (!s3->failed.code && s3->asyncs &&
	       (s3->asyncs >= S3_PARALLEL || s3->copied + len > S3_COPIED)) {
		turn(s3, TURN_MS, &ignored);
	}
	return report_failed(s3, err);
}

/* Hands the job over. */
static int run_async(struct s3 *s3, struct job *job, struct err *err)
{
	struct err ignored;

	job->async = true;
	s3->asyncs++;
	s3->copied += job->wire.len;
	link_job(s3, job);
	turn(s3, 0, &ignored);
	return report_failed(s3, err);
}

int s3_drain(struct s3 *s3, struct err *err)
{
	struct err ignored;
	int rc;

	while (s3->asyncs) {
		turn(s3, TURN_MS, &ignored);
	}
	rc = report_failed(s3, err);
	s3->failed = (struct err){0};
	return rc;
}

void s3_close(struct s3 *s3)
{
	if (!s3) {
		return;
	}
	cut_all(s3, ERR_FAIL, &(struct err){.code = ERR_FAIL});
	s3_wire_close(s3->wire);
	s3_url_release(&s3->place);
	s3_config_release(&s3->config);
	free(s3->root);
	free(s3->host);
	free(s3->base);
	free(s3);
}

/* --- reading ------------------------------------------------------------------------- */

/* Fills an answer; takes the body. */
static void take(struct s3_answer *answer, struct job *job)
{
	struct s3_wire_request *wire = &job->wire;

	s3_answer_release(answer);
	answer->status = wire->status;
	memcpy(answer->etag, wire->etag, sizeof(answer->etag));
	answer->date_s = wire->date_s;
	answer->modified_s = wire->modified_s;
	answer->body = wire->answer;
	wire->answer = (struct buf){0};
}

int s3_get(struct s3 *s3, const char *key, size_t max, struct s3_answer *answer,
	   struct err *err)
{
	struct job *job = job_new(s3, "GET", key, err);
	int rc;

	if (!job) {
		return ERR_INPUT;
	}
	job->wire.max = max;
	rc = run(s3, job, err);
	take(answer, job);
	if (rc) {
		buf_release(&answer->body);
	}
	job_free(job);
	return rc;
}

static void add_list_query(struct buf *out, const struct s3 *s3, const char *prefix,
			   const char *token)
{
	if (*token) {
		buf_addstr(out, "continuation-token=");
		s3_url_escape(out, token, true);
		buf_addch(out, '&');
	}
	buf_addstr(out, "encoding-type=url&list-type=2&max-keys=" PAGE_KEYS "&prefix=");
	s3_url_escape(out, s3->place.prefix, true);
	buf_addstr(out, *s3->place.prefix ? "%2F" : "");
	s3_url_escape(out, prefix, true);
}

static int read_page(struct s3 *s3, struct s3_xml_page *page, const char *prefix,
		     const char *token, struct err *err)
{
	struct job *job = job_new(s3, "GET", prefix, err);
	struct buf query = {0};
	int rc;

	if (!job) {
		return ERR_INPUT;
	}
	add_list_query(&query, s3, prefix, token);
	free(job->query);
	job->query = query.data;
	job->say.method = "LIST";
	job->wire.max = PAGE_MAX;
	rc = run(s3, job, err);
	if (!rc && s3_xml_page(page, job->wire.answer.data, job->wire.answer.len, NULL)) {
		struct s3_who who = who_of(s3);

		rc = s3_say_no_s3(&who, &job->say, "the answer is no listing", err);
	}
	job_free(job);
	return rc;
}

/* The key of a listing without the prefix of the place, or NULL. */
static const char *relative(const struct s3 *s3, const char *key)
{
	size_t len = strlen(s3->place.prefix);

	if (!len) {
		return key;
	}
	return strncmp(key, s3->place.prefix, len) == 0 && key[len] == '/' ? key + len + 1
									   : NULL;
}

int s3_list(struct s3 *s3, const char *prefix, s3_list_fn *each, void *payload,
	    struct err *err)
{
	struct s3_xml_page page = {0};
	char *token = xstrdup("");
	int rc;

	do {
		const char *text, *next;

		rc = read_page(s3, &page, prefix, token, err);
		text = page.text.data;
		for (size_t i = 0; !rc && i < page.count; i++) {
			const struct s3_xml_entry *entry = &page.entry[i];
			const char *key = relative(s3, text + entry->key);

			if (!key) {
				struct s3_who who = who_of(s3);

				rc = s3_say_no_s3(&who, &(struct s3_say){"LIST", prefix},
						  "it lists a key that was not asked for",
						  err);
			} else {
				rc = each(key, text + entry->etag, entry->size, payload,
					  err);
			}
		}
		next = rc ? "" : text + page.token;
		if (!rc && page.token && strcmp(next, token) == 0) {
			struct s3_who who = who_of(s3);

			rc = s3_say_no_s3(&who, &(struct s3_say){"LIST", prefix},
					  "a page of the listing leads to itself", err);
		}
		free(token);
		token = xstrdup(next);
	} while (!rc && page.token);
	free(token);
	s3_xml_release(&page);
	return rc;
}

/* --- writing ------------------------------------------------------------------------- */

static struct job *put_new(struct s3 *s3, const struct s3_object *object, struct err *err)
{
	struct job *job;

	if (object->len > S3_PUT_MAX) {
		err_set(err, ERR_INPUT,
			"'%s' is larger than the 5 GiB that an object store takes at "
			"once",
			object->key);
		return NULL;
	}
	job = job_new(s3, "PUT", object->key, err);
	if (job) {
		job->type = xstrdup(object->type);
		job->wire.body = object->body;
		job->wire.len = object->len;
		job->wire.max = S3_WIRE_ERROR_MAX;
	}
	return job;
}

/* Sends one alone, without a copy; a file by a mapping of it, which is not memory of this
 * process. */
static int put_alone(struct s3 *s3, const struct s3_object *object, struct job *job,
		     struct err *err)
{
	void *map = NULL;
	int rc;

	if (!object->body && object->len) {
		map = mmap(NULL, object->len, PROT_READ, MAP_SHARED, object->fd, 0);
		if (map == MAP_FAILED) {
			return err_sys(err, "cannot read what is written to '%s'",
				       object->key);
		}
	}
	job->wire.body = map ? map : object->body ? object->body : "";
	s3_sign_hash(job->hash, job->wire.body, job->wire.len);
	rc = run(s3, job, err);
	if (map) {
		munmap(map, object->len);
	}
	return rc;
}

int s3_put(struct s3 *s3, const struct s3_object *object, struct err *err)
{
	bool alone = !object->body || object->len > S3_COPIED;
	struct job *job;
	int rc = make_room(s3, alone ? S3_COPIED + 1 : object->len, err);

	if (rc) {
		return rc;
	}
	job = put_new(s3, object, err);
	if (!job) {
		return ERR_INPUT;
	}
	if (alone) {
		rc = put_alone(s3, object, job, err);
		if (rc && !s3->failed.code) {
			s3->failed = job->err;
		}
		job_free(job);
		return rc;
	}
	job->copied = xmemdup0(object->body, object->len);
	job->wire.body = job->copied;
	s3_sign_hash(job->hash, job->copied, object->len);
	return run_async(s3, job, err);
}

int s3_delete(struct s3 *s3, const char *key, struct err *err)
{
	struct job *job;
	int rc = make_room(s3, 0, err);

	if (rc) {
		return rc;
	}
	job = job_new(s3, "DELETE", key, err);
	if (!job) {
		return ERR_INPUT;
	}
	job->wire.max = S3_WIRE_ERROR_MAX;
	return run_async(s3, job, err);
}

/* --- writing under a condition ------------------------------------------------------- */

/* What a conditional PUT is about, over all of its tries. */
struct swap {
	const struct s3_object *object;
	const char *etag; /* NULL: it must not exist */
	bool bare;        /* the ETag is sent without quotes */
	bool other_form;  /* it was sent in both forms */
	int tries;
	int64_t retry_after_s;
};

/* One try, or, if not `once`, as many as any other request has. */
static int send_condition(struct s3 *s3, struct swap *swap, bool once, int64_t due_ms,
			  struct s3_answer *answer, bool *unknown, struct err *err)
{
	struct job *job = put_new(s3, swap->object, err);
	const char *quote = swap->bare || !swap->etag ? "" : "\"";
	int rc;

	if (!job) {
		return ERR_INPUT;
	}
	s3_sign_hash(job->hash, swap->object->body, swap->object->len);
	job->condition = swap->etag ? "if-match" : "if-none-match";
	snprintf(job->condition_value, sizeof(job->condition_value), "%s%s%s", quote,
		 swap->etag ? swap->etag : "*", quote);
	job->once = once;
	job->due_ms = due_ms;
	rc = run(s3, job, err);
	take(answer, job);
	*unknown = job->unknown;
	swap->retry_after_s = job->wire.retry_after_s;
	job_free(job);
	return rc;
}

/* What a key holds after a condition did not hold, or after it remained unknown. */
enum held { HELD_NEW, HELD_OLD, HELD_OTHER };

static int read_back(struct s3 *s3, enum held *held, const struct swap *swap,
		     struct s3_answer *answer, struct err *err)
{
	const struct s3_object *object = swap->object;
	int rc = s3_get(s3, object->key, PUT_IF_MAX, answer, err);

	*held = HELD_OTHER;
	if (rc == ERR_NOTFOUND) {
		*held = swap->etag ? HELD_OTHER : HELD_OLD;
		return 0;
	}
	if (rc == ERR_LARGE) {
		return 0;
	}
	if (!rc && answer->body.len == object->len &&
	    memcmp(answer->body.data, object->body, object->len) == 0) {
		*held = HELD_NEW;
	} else if (!rc && swap->etag && strcmp(answer->etag, swap->etag) == 0) {
		*held = HELD_OLD;
	}
	return rc;
}

static int changed(const struct s3 *s3, const struct swap *swap, struct err *err)
{
	struct buf name = {0};

	s3_url_name(&name, &s3->place, swap->object->key);
	err_set(err, ERR_CHANGED, "'%s' was changed by another meanwhile", name.data);
	buf_release(&name);
	return ERR_CHANGED;
}

int s3_put_if(struct s3 *s3, const struct s3_object *object, const char *etag,
	      struct s3_answer *answer, struct err *err)
{
	struct swap swap = {.object = object, .etag = etag, .bare = s3->bare};
	int64_t due_ms = 0;
	bool unknown;
	int rc;

	for (;;) {
		enum held held;
		struct err first = {0};

		rc = send_condition(s3, &swap, true, due_ms, answer, &unknown, &first);
		if (rc && rc != ERR_CHANGED && !unknown) {
			return err_set(err, rc, "%s", first.msg);
		}
		if (!rc) {
			return 0;
		}
		rc = read_back(s3, &held, &swap, answer, err);
		if (rc || held == HELD_NEW) {
			return rc;
		}
		buf_clear(&answer->body);
		answer->status = 0;
		if (held == HELD_OTHER) {
			return changed(s3, &swap, err);
		}
		if (!unknown && etag && !swap.other_form) {
			swap.bare = !swap.bare;
			swap.other_form = true;
			due_ms = 0;
			continue;
		}
		if (++swap.tries >= S3_TRIES) {
			return unknown ? err_set(err, ERR_UNREACHABLE, "%s", first.msg)
				       : changed(s3, &swap, err);
		}
		due_ms = s3_now_ms() + pause_ms(swap.tries, swap.retry_after_s);
	}
}

/* Sends a PUT whose condition does not hold. */
static int must_refuse(struct s3 *s3, const struct s3_object *object, const char *etag,
		       struct err *err)
{
	struct swap swap = {.object = object, .etag = etag};
	struct s3_answer answer = {0};
	bool unknown;
	int rc = send_condition(s3, &swap, false, 0, &answer, &unknown, err);

	s3_answer_release(&answer);
	if (rc == ERR_CHANGED) {
		return 0;
	}
	return rc ? rc
		  : err_set(err, ERR_REFUSED,
			    "%s takes no notice of %s: it overwrote '%s' all the same",
			    s3->root, etag ? "If-Match" : "If-None-Match", object->key);
}

int s3_probe(struct s3 *s3, const char *key, struct err *err)
{
	static const char never[] = "00000000000000000000000000000000";
	struct s3_object object = {.key = key,
				   .type = "text/plain",
				   .body = "does this server honour conditions?\n"};
	struct swap swap = {.object = &object};
	struct s3_answer answer = {0};
	bool unknown;
	int rc;

	object.len = strlen(object.body);
	/* That it is there already, from the last time or of another publisher, is as good. */
	rc = send_condition(s3, &swap, false, 0, &answer, &unknown, err);
	s3_answer_release(&answer);
	rc = rc == ERR_CHANGED ? 0 : rc;
	rc = rc ? rc : must_refuse(s3, &object, NULL, err);
	return rc ? rc : must_refuse(s3, &object, never, err);
}

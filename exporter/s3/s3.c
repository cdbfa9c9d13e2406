/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "exporter/s3/s3_job.h"
#include "exporter/s3/s3_xml.h"

#define PAGE_KEYS "1000"
/* bytes of a page of a listing: 1,000 keys are 4 MiB at most */
#define PAGE_MAX (16u << 20)
/* Pages without a key, one after another: a server may skip what it does not show. */
#define EMPTY_PAGES 100

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

void s3_set_tick(struct s3 *s3, s3_tick_fn *tick, void *payload)
{
	s3->tick = tick;
	s3->tick_payload = payload;
}

void s3_set_deadline(struct s3 *s3, int64_t boottime_ms)
{
	s3->deadline_ms = boottime_ms;
}

void s3_close(struct s3 *s3)
{
	if (!s3) {
		return;
	}
	s3_job_cut(s3, ERR_FAIL, &(struct err){.code = ERR_FAIL});
	s3_wire_close(s3->wire);
	s3_url_release(&s3->place);
	s3_config_release(&s3->config);
	free(s3->root);
	free(s3->host);
	free(s3->base);
	free(s3);
}

/* --- reading ------------------------------------------------------------------------- */

int s3_get(struct s3 *s3, const char *key, size_t max, struct s3_answer *answer,
	   struct err *err)
{
	struct s3_job *job = s3_job_new(s3, "GET", key, err);
	int rc;

	if (!job) {
		return ERR_INPUT;
	}
	job->wire.max = max;
	rc = s3_job_run(s3, job, err);
	s3_answer_take(answer, &job->wire);
	if (rc) {
		buf_release(&answer->body);
	}
	s3_job_free(job);
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

static int no_listing(const struct s3 *s3, const char *prefix, const char *why,
		      struct err *err)
{
	struct s3_who who = s3_job_who(s3);

	return s3_say_no_s3(&who, &(struct s3_say){"LIST", prefix}, why, err);
}

static int read_page(struct s3 *s3, struct s3_xml_page *page, const char *prefix,
		     const char *token, struct err *err)
{
	struct s3_job *job = s3_job_new(s3, "GET", prefix, err);
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
	rc = s3_job_run(s3, job, err);
	if (!rc && s3_xml_page(page, job->wire.answer.data, job->wire.answer.len, NULL)) {
		rc = no_listing(s3, prefix, "the answer is no listing", err);
	}
	s3_job_free(job);
	return rc;
}

/* The key of a listing without the prefix of the place, or NULL: it lies elsewhere. */
static const char *relative(const struct s3 *s3, const char *key)
{
	const char *prefix = s3->place.prefix;
	size_t len = strlen(prefix);

	if (len && (strncmp(key, prefix, len) != 0 || key[len] != '/')) {
		return NULL;
	}
	return key + len + (len > 0);
}

static int tell_page(struct s3 *s3, const struct s3_xml_page *page, const char *prefix,
		     s3_list_fn *each, void *payload, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < page->count; i++) {
		const struct s3_xml_entry *entry = &page->entry[i];
		const char *key = relative(s3, page->text.data + entry->key);

		if (!key || strncmp(key, prefix, strlen(prefix)) != 0) {
			return no_listing(s3, prefix,
					  "it lists a key that was not asked for", err);
		}
		rc = each(key, page->text.data + entry->etag, entry->size, payload, err);
	}
	return rc;
}

/* How a listing goes on. */
struct walk {
	char *token, *first; /* of the page before, and its first key; "": none */
	unsigned empty;      /* pages without a key, one after another */
};

/* Whether another page may bring something new; a token alone does not show it. */
static int check_walk(struct walk *walk, const struct s3 *s3,
		      const struct s3_xml_page *page, const char *prefix, struct err *err)
{
	const char *token = page->text.data + page->token;
	const char *first = page->count ? page->text.data + page->entry[0].key : "";

	walk->empty = page->count ? 0 : walk->empty + 1;
	if ((*token && strcmp(token, walk->token) == 0) ||
	    (*first && strcmp(first, walk->first) == 0)) {
		return no_listing(s3, prefix, "a page of the listing leads to itself",
				  err);
	}
	if (walk->empty > EMPTY_PAGES) {
		return no_listing(s3, prefix, "the listing goes on without a key", err);
	}
	free(walk->token);
	walk->token = xstrdup(token);
	if (*first) {
		free(walk->first);
		walk->first = xstrdup(first);
	}
	return 0;
}

int s3_list(struct s3 *s3, const char *prefix, s3_list_fn *each, void *payload,
	    struct err *err)
{
	struct s3_xml_page page = {0};
	struct walk walk = {.token = xstrdup(""), .first = xstrdup("")};
	int rc;

	do {
		rc = read_page(s3, &page, prefix, walk.token, err);
		rc = rc ? rc : check_walk(&walk, s3, &page, prefix, err);
		rc = rc ? rc : tell_page(s3, &page, prefix, each, payload, err);
	} while (!rc && *walk.token);
	free(walk.token);
	free(walk.first);
	s3_xml_release(&page);
	return rc;
}

/* --- writing ------------------------------------------------------------------------- */

/* Sends one alone, without a copy; a file by a mapping of it, which is not memory of this
 * process. */
static int put_alone(struct s3 *s3, const struct s3_object *object, struct s3_job *job,
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
	rc = s3_job_run(s3, job, err);
	if (map) {
		munmap(map, object->len);
	}
	return rc;
}

int s3_put(struct s3 *s3, const struct s3_object *object, struct err *err)
{
	bool alone = !object->body || object->len > S3_COPIED;
	struct s3_job *job;
	int rc = s3_job_room(s3, alone ? S3_COPIED + 1 : object->len, err);

	if (rc) {
		return rc;
	}
	job = s3_job_put(s3, object->key, object->type, object->body, object->len, err);
	if (!job) {
		return ERR_INPUT;
	}
	if (alone) {
		put_alone(s3, object, job, &s3->failed);
		s3_job_free(job);
		return s3_job_failed(s3, err);
	}
	job->copied = xmemdup0(object->body, object->len);
	job->wire.body = job->copied;
	s3_sign_hash(job->hash, job->copied, object->len);
	return s3_job_hand_over(s3, job, err);
}

int s3_delete(struct s3 *s3, const char *key, struct err *err)
{
	struct s3_job *job;
	int rc = s3_job_room(s3, 0, err);

	if (rc) {
		return rc;
	}
	job = s3_job_new(s3, "DELETE", key, err);
	if (!job) {
		return ERR_INPUT;
	}
	job->wire.max = S3_WIRE_ERROR_MAX;
	return s3_job_hand_over(s3, job, err);
}

int s3_drain(struct s3 *s3, struct err *err)
{
	return s3_job_drain(s3, err);
}

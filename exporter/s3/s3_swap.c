/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "data/base/clock.h"
#include "exporter/s3/s3.h"
#include "exporter/s3/s3_job.h"

/* s3_swap - the part of s3.h that writes under a condition. */

/* A conditional PUT, over all of its tries. */
struct swap {
	const struct s3_object *object;
	bool absent; /* the condition: it does not exist; else it has this ETag: */
	char etag[S3_ETAG];
	bool bare;    /* the ETag is sent without quotes */
	bool flipped; /* it was sent in the other form, too */
	int tries;    /* that came to nothing */
	int64_t due_ms, retry_after_s;
	bool unknown; /* the last try may have written it */
};

static void swap_begin(struct swap *swap, const struct s3 *s3,
		       const struct s3_object *object, const char *etag)
{
	*swap = (struct swap){.object = object, .absent = !etag, .bare = s3->bare};
	snprintf(swap->etag, sizeof(swap->etag), "%s", etag ? etag : "");
}

/* One try, or, if not `once`, as many as any other request has. */
static int send_condition(struct s3 *s3, struct swap *swap, bool once,
			  struct s3_answer *answer, struct err *err)
{
	const struct s3_object *object = swap->object;
	const char *quote = swap->bare || swap->absent ? "" : "\"";
	struct s3_job *job =
		s3_job_put(s3, object->key, object->type, object->body, object->len, err);
	int rc;

	if (!job) {
		return ERR_INPUT;
	}
	s3_sign_hash(job->hash, object->body, object->len);
	job->condition = swap->absent ? "if-none-match" : "if-match";
	snprintf(job->condition_value, sizeof(job->condition_value), "%s%s%s", quote,
		 swap->absent ? "*" : swap->etag, quote);
	job->once = once;
	job->due_ms = swap->due_ms;
	rc = s3_job_run(s3, job, err);
	s3_answer_take(answer, &job->wire);
	swap->unknown = job->unknown;
	swap->retry_after_s = job->wire.retry_after_s;
	s3_job_free(job);
	return rc;
}

/* What a key holds after a condition did not hold, or after it remained unknown. */
enum held { HELD_NEW, HELD_OLD, HELD_OTHER };

static int read_back(struct s3 *s3, enum held *held, const struct swap *swap,
		     struct s3_answer *answer, struct err *err)
{
	const struct s3_object *object = swap->object;
	int rc = s3_get(s3, object->key, object->len, answer, err);

	*held = HELD_OTHER;
	if (rc == ERR_NOTFOUND) {
		*held = swap->absent ? HELD_OLD : HELD_OTHER;
		return 0;
	}
	if (rc && rc != ERR_LARGE) {
		return rc;
	}
	if (!rc && answer->body.len == object->len &&
	    memcmp(answer->body.data, object->body, object->len) == 0) {
		*held = HELD_NEW;
	} else if (!swap->absent && strcmp(answer->etag, swap->etag) == 0) {
		*held = HELD_OLD;
	}
	return 0;
}

static int report(const struct s3 *s3, const struct swap *swap, int code, struct err *err)
{
	struct buf name = {0};

	s3_url_name(&name, &s3->place, swap->object->key);
	if (code == ERR_CHANGED) {
		err_set(err, code, "'%s' was changed by another meanwhile", name.data);
	} else {
		err_set(err, code,
			"%s does not take If-Match: it refuses the ETag that '%s' has",
			s3->root, name.data);
	}
	buf_release(&name);
	return code;
}

/* After a try that has left the old body in place: 0 if there is to be another. `rc` and *why
 * are what it came to. */
static int again(const struct s3 *s3, struct swap *swap, int rc, const struct err *why,
		 struct err *err)
{
	/* Another publisher may have changed it and back in between, so a refusal does not tell
	 * that the form was wrong: both are tried in turn. */
	if (!swap->unknown && !swap->absent) {
		bool first = !swap->flipped;

		swap->bare = !swap->bare;
		swap->flipped = true;
		if (first) {
			return 0;
		}
	}
	if (++swap->tries == S3_TRIES) {
		return swap->unknown
			       ? err_set(err, rc, "%s (tried %d times)", why->msg,
					 S3_TRIES)
			       : report(s3, swap,
					swap->absent ? ERR_CHANGED : ERR_REFUSED, err);
	}
	swap->due_ms =
		clock_boot_ms() + s3_job_pause_ms(swap->tries, swap->retry_after_s);
	return 0;
}

int s3_put_if(struct s3 *s3, const struct s3_object *object, const char *etag,
	      struct s3_answer *answer, struct err *err)
{
	struct swap swap;
	int rc;

	swap_begin(&swap, s3, object, etag);
	do {
		struct err why = {0};
		enum held held;
		int sent = send_condition(s3, &swap, true, answer, &why);

		if (sent && sent != ERR_CHANGED && !swap.unknown) {
			return err_set(err, sent, "%s", why.msg);
		}
		if (!sent) {
			s3->bare = swap.flipped ? swap.bare : s3->bare;
			return 0;
		}
		rc = read_back(s3, &held, &swap, answer, err);
		if (rc || held == HELD_NEW) {
			return rc;
		}
		s3_answer_release(answer);
		rc = held == HELD_OTHER ? report(s3, &swap, ERR_CHANGED, err)
					: again(s3, &swap, sent, &why, err);
	} while (!rc);
	return rc;
}

/* Sends a PUT whose condition does not hold. */
static int must_refuse(struct s3 *s3, const struct s3_object *object, const char *etag,
		       struct err *err)
{
	struct s3_answer answer = {0};
	struct swap swap;
	int rc;

	swap_begin(&swap, s3, object, etag);
	rc = send_condition(s3, &swap, false, &answer, err);
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
	struct s3_answer answer = {0};
	struct swap swap;
	int rc;

	object.len = strlen(object.body);
	swap_begin(&swap, s3, &object, NULL);
	/* That it is there already, from the last time or of another publisher, is as good. */
	rc = send_condition(s3, &swap, false, &answer, err);
	s3_answer_release(&answer);
	rc = rc == ERR_CHANGED ? 0 : rc;
	rc = rc ? rc : must_refuse(s3, &object, NULL, err);
	return rc ? rc : must_refuse(s3, &object, never, err);
}

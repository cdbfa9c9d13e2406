/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_sign.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/threads.h"
#include "exporter/evidence/digest.h"
#include "exporter/git/snapshot.h"
#include "exporter/git/commit.h"

#define WORKERS 2

/* Nearly all of the time goes into starting ssh-keygen. So signatures are added first,
 * and workers check them while the owner reads the snapshots. Where threads do not pay,
 * or none can be started, the owner checks each when it asks for the result. */

struct outcome {
	struct sign_result result;
	int rc;
	char *problem; /* the message if rc is not 0 */
};

struct job {
	enum object_type type;
	bool started; /* a worker or the owner is checking it, or has */
	struct buf body;
	int64_t as_of_s;
	struct outcome *outcome; /* NULL until it is checked */
};

struct worker {
	struct verify_sign *sign;
	struct sign_verifier *verifier;
	pthread_t thread;
	bool started;
};

struct verify_sign {
	struct verify_store *store;
	struct verify_report *report;
	struct sign_verifier *verifier; /* the owner's; NULL: none are checked */
	struct digest *digest;
	struct buf body;
	struct job *job;
	size_t count, cap;
	size_t next;          /* whose result the owner asks for next */
	size_t open;          /* all jobs before it are started */
	bool end;             /* workers start no more */
	pthread_mutex_t lock; /* of started, outcome, open, end */
	pthread_cond_t done;
	struct worker worker[WORKERS];
};

int verify_sign_open(struct verify_sign **out, const char *signers,
		     struct verify_store *store, struct verify_report *report,
		     struct err *err)
{
	struct verify_sign *sign = xzalloc(sizeof(*sign));
	int rc = digest_open(&sign->digest, NULL, err);

	sign->store = store;
	sign->report = report;
	pthread_mutex_init(&sign->lock, NULL);
	pthread_cond_init(&sign->done, NULL);
	if (!rc && signers) {
		rc = sign_verifier_open(&sign->verifier, signers, err);
	}
	for (size_t i = 0; !rc && signers && i < WORKERS; i++) {
		sign->worker[i].sign = sign;
		rc = sign_verifier_open(&sign->worker[i].verifier, signers, err);
	}
	if (rc) {
		verify_sign_close(sign);
		sign = NULL;
	}
	*out = sign;
	return rc;
}

bool verify_sign_has_signers(const struct verify_sign *sign)
{
	return sign->verifier;
}

static void free_outcome(struct outcome *outcome)
{
	if (outcome) {
		free(outcome->problem);
		free(outcome);
	}
}

void verify_sign_close(struct verify_sign *sign)
{
	if (!sign) {
		return;
	}
	pthread_mutex_lock(&sign->lock);
	sign->end = true;
	pthread_mutex_unlock(&sign->lock);
	for (size_t i = 0; i < WORKERS; i++) {
		if (sign->worker[i].started) {
			pthread_join(sign->worker[i].thread, NULL);
		}
		sign_verifier_close(sign->worker[i].verifier);
	}
	for (size_t i = 0; i < sign->count; i++) {
		buf_release(&sign->job[i].body);
		free_outcome(sign->job[i].outcome);
	}
	free(sign->job);
	pthread_cond_destroy(&sign->done);
	pthread_mutex_destroy(&sign->lock);
	sign_verifier_close(sign->verifier);
	digest_close(sign->digest);
	buf_release(&sign->body);
	free(sign);
}

/* --- signatures --- */

void verify_sign_add(struct verify_sign *sign, enum object_type type,
		     const struct buf *body, int64_t as_of_s)
{
	struct job *job;

	if (!sign->verifier) {
		return;
	}
	sign->job = xgrow(sign->job, sign->count, &sign->cap, sizeof(*sign->job));
	job = &sign->job[sign->count++];
	*job = (struct job){.type = type, .as_of_s = as_of_s};
	buf_add(&job->body, body->data, body->len);
}

/* Does a job that the caller has marked as started. */
static void run(struct verify_sign *sign, struct job *job, struct sign_verifier *verifier)
{
	struct outcome *outcome = xzalloc(sizeof(*outcome));
	struct err err;

	outcome->rc = sign_verify_at(&outcome->result, verifier, job->type,
				     job->body.data, job->body.len, job->as_of_s, &err);
	outcome->problem = outcome->rc ? xstrdup(err.msg) : NULL;
	buf_release(&job->body);
	pthread_mutex_lock(&sign->lock);
	job->outcome = outcome;
	pthread_cond_broadcast(&sign->done);
	pthread_mutex_unlock(&sign->lock);
}

static void *work(void *payload)
{
	struct worker *worker = payload;
	struct verify_sign *sign = worker->sign;

	for (;;) {
		struct job *job = NULL;

		pthread_mutex_lock(&sign->lock);
		while (sign->open < sign->count && sign->job[sign->open].started) {
			sign->open++;
		}
		if (!sign->end && sign->open < sign->count) {
			job = &sign->job[sign->open];
			job->started = true;
		}
		pthread_mutex_unlock(&sign->lock);
		if (!job) {
			return NULL;
		}
		run(sign, job, worker->verifier);
	}
}

void verify_sign_start(struct verify_sign *sign)
{
	for (size_t i = 0; threads_pay() && i < WORKERS && i < sign->count; i++) {
		struct worker *worker = &sign->worker[i];

		worker->started = threads_start(&worker->thread, work, worker);
	}
}

/* Reports a signature that is not good. */
static void judge(const struct verify_sign *sign, const struct sign_result *result,
		  const char *path)
{
	if (result->verdict == SIGN_BAD) {
		verify_report_fail(sign->report, path,
				   "the signature is not valid: %s%s%s", result->reason,
				   *result->key ? ", key " : "", result->key);
	} else if (result->verdict != SIGN_GOOD) {
		verify_report_fail(sign->report, path, "%s", result->reason);
	}
}

int verify_sign_check(struct sign_result *result, struct verify_sign *sign,
		      const char *path, struct err *err)
{
	struct outcome *outcome;
	struct job *job;
	bool mine;
	int rc;

	*result = (struct sign_result){.verdict = SIGN_NONE};
	if (!sign->verifier) {
		return 0;
	}
	assert(sign->next < sign->count);
	job = &sign->job[sign->next++];
	pthread_mutex_lock(&sign->lock);
	mine = !job->started;
	job->started = true;
	while (!mine && !job->outcome) {
		pthread_cond_wait(&sign->done, &sign->lock);
	}
	pthread_mutex_unlock(&sign->lock);
	if (mine) {
		run(sign, job, sign->verifier);
	}
	outcome = job->outcome;
	rc = outcome->rc;
	if (rc) {
		err_set(err, rc, "%s", outcome->problem);
	} else {
		*result = outcome->result;
		judge(sign, result, path);
	}
	free_outcome(outcome);
	job->outcome = NULL;
	return rc;
}

int verify_sign_now(struct sign_result *result, struct verify_sign *sign,
		    enum object_type type, const struct buf *body, int64_t as_of_s,
		    const char *path, struct err *err)
{
	int rc;

	*result = (struct sign_result){.verdict = SIGN_NONE};
	if (!sign->verifier) {
		return 0;
	}
	rc = sign_verify_at(result, sign->verifier, type, body->data, body->len, as_of_s,
			    err);
	if (!rc) {
		judge(sign, result, path);
	}
	return rc;
}

/* --- the SHA-256 --- */

static int source_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		       struct err *err)
{
	struct verify_sign *sign = payload;
	enum object_type type;

	if (verify_store_read(&sign->body, &type, sign->store, id) ||
	    type != OBJECT_TREE) {
		return err_set(err, ERR_INPUT, "a tree cannot be read");
	}
	buf_add(body, sign->body.data, sign->body.len);
	return 0;
}

static int source_blob(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		       void *payload, struct err *err)
{
	struct verify_sign *sign = payload;
	enum object_type type;

	if (verify_store_read(&sign->body, &type, sign->store, id) ||
	    type != OBJECT_BLOB) {
		return err_set(err, ERR_INPUT, "a file cannot be read");
	}
	digest_object(sha256, OBJECT_BLOB, sign->body.data, sign->body.len);
	return 0;
}

void verify_sign_digest(struct verify_sign *sign, const char *message,
			const uint8_t tree[OBJECT_ID], bool is_signed, const char *path)
{
	struct digest_source source = {
		.tree = source_tree, .blob = source_blob, .payload = sign};
	uint8_t sha256[DIGEST_ID];
	char hex[DIGEST_HEX + 1];
	struct buf said = {0};
	struct err err;

	if (verify_report_is_full(sign->report)) {
		return;
	}
	if (commit_trailer(message, DIGEST_TRAILER, &said)) {
		if (is_signed) {
			verify_report_fail(sign->report, path,
					   "it is signed, but the trailer " DIGEST_TRAILER
					   " is missing");
		}
	} else if (!is_signed) {
		verify_report_fail(sign->report, path,
				   "it has the trailer " DIGEST_TRAILER
				   ", but no signature");
	} else if (digest_tree(sha256, sign->digest, &source, tree, &err)) {
		verify_report_fail(sign->report, path,
				   "its SHA-256 cannot be computed: %s", err.msg);
	} else {
		digest_hex(hex, sha256);
		if (strcmp(said.data, hex) != 0) {
			verify_report_fail(sign->report, path,
					   DIGEST_TRAILER " is not the tree's, %s", hex);
		}
	}
	buf_release(&said);
}

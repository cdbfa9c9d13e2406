/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/log.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"
#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_refs.h"
#include "exporter/verify/verify_sign.h"
#include "exporter/verify/verify_state.h"
#include "exporter/verify/verify_store.h"
#include "exporter/verify/verify_trailers.h"

#define TAGS "refs/tags/"

struct verify {
	const struct verify_job *job;
	struct verify_result *result;
	struct verify_report report;
	struct snapshot_repo *repo; /* for WHEN alone */
	struct verify_refs refs;
	struct verify_store *store;
	struct verify_line line;
	size_t first, end;  /* the range of the line that is verified in full */
	size_t signed_from; /* the first signed snapshot; line.count: there is none */
	struct verify_state *state;
	struct verify_sign *sign;
	struct verify_trailers trailers;
};

/* --- which snapshots --- */

/* Finds WHEN on the line. If it is not there, that is a failure, and *at `otherwise`. */
static int find_when(size_t *at, struct verify *verify, const char *when,
		     size_t otherwise, struct err *err)
{
	struct snapshot_info info = {0};
	uint8_t id[OBJECT_ID];
	struct err why;
	int64_t instant;
	int rc = when_resolve(verify->repo, when, &info, &instant, &why);

	*at = otherwise;
	if (rc == ERR_USAGE) {
		return err_set(err, rc, "%s", why.msg);
	}
	if (!rc && object_unhex(id, info.commit.hex)) {
		*at = verify_line_find(&verify->line, id);
	}
	if (rc || *at == verify->line.count) {
		*at = otherwise;
		verify_report_at(&verify->report, rc ? NULL : info.commit.hex, 0);
		verify_report_fail(&verify->report, "", "%s",
				   rc ? why.msg : "the commit is not on main's line");
		verify_report_at(&verify->report, NULL, 0);
	}
	snapshot_info_release(&info);
	return 0;
}

static int choose_range(struct verify *verify, struct err *err)
{
	size_t last = verify->line.count - 1;
	int rc = 0;

	if (verify->job->from) {
		rc = find_when(&verify->first, verify, verify->job->from, 0, err);
	}
	if (!rc && verify->job->to) {
		rc = find_when(&last, verify, verify->job->to, last, err);
	}
	verify->end = last + 1;
	if (!rc && verify->first > last) {
		rc = err_set(err, ERR_USAGE, "'%s' comes after '%s'", verify->job->from,
			     verify->job->to);
	}
	object_hex(verify->result->first, verify->line.commit[verify->first].id);
	object_hex(verify->result->last, verify->line.commit[last].id);
	return rc;
}

/* Numbers the line. If its beginning is lost, its oldest commit says its own number. */
static void number_line(struct verify *verify)
{
	uint64_t before = 0;
	struct buf body = {0};
	enum object_type type;

	if (verify->line.cut && verify_store_read(&body, &type, verify->store,
						  verify->line.commit[0].id) == 0) {
		struct verify_commit ignored;
		const char *message;

		if (!verify_commit_parse(&ignored, &message, type, &body)) {
			before = message_count(message, MESSAGE_NUMBER, 1);
			before -= before > 0;
		}
	}
	verify->signed_from = verify->line.count;
	for (size_t i = 0; i < verify->line.count; i++) {
		verify->line.commit[i].number = before + i + 1;
		if (i < verify->signed_from && verify->line.commit[i].is_signed) {
			verify->signed_from = i;
		}
	}
	buf_release(&body);
}

/* --- one snapshot --- */

static void check_time(struct verify *verify, size_t at)
{
	if (at && verify->line.commit[at].time_s < verify->line.commit[at - 1].time_s) {
		verify_report_fail(&verify->report, "",
				   "it is older than the snapshot before it");
	}
}

static int check_signature(struct verify *verify, size_t at, struct err *err)
{
	const struct verify_commit *commit = &verify->line.commit[at];
	bool good = false;
	int rc = 0;

	if (at >= verify->signed_from) {
		rc = verify_sign_check(&good, verify->sign, "", err);
	}
	verify->result->is_signed += commit->is_signed;
	verify->result->good += good;
	return rc;
}

static int check_snapshot(struct verify *verify, size_t at, struct buf *body,
			  struct err *err)
{
	const struct verify_commit *commit = &verify->line.commit[at];
	bool full = at >= verify->first && at < verify->end;
	const uint8_t *from =
		at > verify->first ? verify->line.commit[at - 1].tree : NULL;
	struct verify_commit ignored;
	char hex[OBJECT_HEX + 1];
	const char *message;
	enum object_type type;
	int rc = 0;

	object_hex(hex, commit->id);
	verify_report_at(&verify->report, hex, commit->number);
	check_time(verify, at);
	if (verify_store_read(body, &type, verify->store, commit->id) ||
	    verify_commit_parse(&ignored, &message, OBJECT_COMMIT, body)) {
		/* That was reported when the line was read. */
		message = "";
	}
	verify_trailers_check(&verify->trailers, &verify->report, message,
			      commit->number);
	if (full) {
		rc = check_signature(verify, at, err);
		verify_state_step(verify->state, from, commit->tree, message);
		verify_trailers_counts(&verify->trailers, &verify->report, message,
				       verify_state_counts(verify->state));
		verify_sign_digest(verify->sign, message, commit->tree, commit->is_signed,
				   "");
		verify->result->snapshots++;
	}
	return rc;
}

/* Adds the snapshots that check_signature asks for. */
static void begin_signatures(struct verify *verify, struct buf *body)
{
	size_t at =
		verify->first > verify->signed_from ? verify->first : verify->signed_from;

	for (; at < verify->end; at++) {
		enum object_type type;

		/* A snapshot that cannot be read is empty, and thus not signed. */
		verify_store_read(body, &type, verify->store, verify->line.commit[at].id);
		verify_sign_add(verify->sign, OBJECT_COMMIT, body);
	}
	verify_sign_start(verify->sign);
}

static int check_line(struct verify *verify, struct err *err)
{
	struct log_progress progress;
	struct buf body = {0};
	int rc = 0;

	begin_signatures(verify, &body);
	log_progress_start(&progress, "verifying snapshots", verify->line.count);
	for (size_t i = 0;
	     !rc && i < verify->line.count && !verify_report_is_full(&verify->report);
	     i++) {
		rc = check_snapshot(verify, i, &body, err);
		log_progress_step(&progress, 1);
	}
	log_progress_end(&progress);
	verify_report_at(&verify->report, NULL, 0);
	buf_release(&body);
	return rc;
}

/* --- labels --- */

static void fail_label(struct verify *verify, const struct verify_ref *ref,
		       const char *problem)
{
	verify_report_fail(&verify->report, ref->name, "%s", problem);
}

/* Whether the tag's own name is that of its reference. */
static bool has_name(const struct buf *body, const char *name)
{
	const char *line = strstr(body->data, "\ntag ");
	size_t len = strlen(name);

	return line && strncmp(line + 5, name, len) == 0 && line[5 + len] == '\n';
}

/* Compares the label with its snapshot. */
static int check_target(struct verify *verify, const struct verify_ref *ref,
			const struct verify_commit *tag, const char *message,
			const struct buf *body, struct err *err)
{
	size_t at = verify_line_find(&verify->line, tag->tree);
	const struct verify_commit *commit;
	uint64_t said = message_count(message, MESSAGE_NUMBER, 0);
	char hex[OBJECT_HEX + 1];

	object_hex(hex, tag->tree);
	verify_report_at(&verify->report, hex, 0);
	if (at == verify->line.count) {
		fail_label(verify, ref,
			   "the label is of a commit that is not on main's line");
		return 0;
	}
	commit = &verify->line.commit[at];
	verify->result->labels++;
	verify_report_at(&verify->report, hex, commit->number);
	if (ref->has_peeled && memcmp(ref->peeled, tag->tree, OBJECT_ID) != 0) {
		fail_label(verify, ref,
			   "packed-refs says that the label is of another commit");
	}
	if (!has_name(body, ref->name + strlen(TAGS))) {
		fail_label(verify, ref, "the label's object has another name");
	}
	if (said && said != commit->number) {
		verify_report_fail(&verify->report, ref->name,
				   "the label says that it is of snapshot %" PRIu64,
				   said);
	}
	if (tag->time_s < commit->time_s) {
		fail_label(verify, ref, "the label is older than its snapshot");
	}
	verify_sign_digest(verify->sign, message, commit->tree, tag->is_signed,
			   ref->name);
	return verify_sign_now(verify->sign, OBJECT_TAG, body, ref->name, err);
}

static int check_label(struct verify *verify, const struct verify_ref *ref,
		       struct buf *body, struct err *err)
{
	struct verify_commit tag;
	enum object_type type;
	const char *message, *problem;
	int rc = verify_store_read(body, &type, verify->store, ref->id);

	verify_report_at(&verify->report, NULL, 0);
	if (rc) {
		fail_label(verify, ref,
			   rc == ERR_NOTFOUND ? "the label's object is missing"
					      : "the label's object is damaged");
		return 0;
	}
	if (type != OBJECT_TAG) {
		fail_label(verify, ref,
			   "not a label: the tag has no object of its own, so anybody "
			   "can move it unseen");
		return 0;
	}
	problem = verify_commit_parse(&tag, &message, OBJECT_TAG, body);
	if (problem) {
		verify_report_fail(&verify->report, ref->name, "the label is damaged: %s",
				   problem);
		return 0;
	}
	return check_target(verify, ref, &tag, message, body, err);
}

/* Each label is an annotated tag of its own name, of a snapshot on the line, signed if
 * snapshots are, and has the right SHA-256 of it. */
static int check_labels(struct verify *verify, struct err *err)
{
	struct buf body = {0};
	int rc = 0;

	for (size_t i = 0;
	     !rc && i < verify->refs.count && !verify_report_is_full(&verify->report);
	     i++) {
		const struct verify_ref *ref = &verify->refs.ref[i];

		if (strncmp(ref->name, TAGS, strlen(TAGS)) == 0) {
			rc = check_label(verify, ref, &body, err);
		}
	}
	verify_report_at(&verify->report, NULL, 0);
	buf_release(&body);
	return rc;
}

/* --- all --- */

static void check_any_signed(struct verify *verify)
{
	if (verify->job->signers && verify->signed_from >= verify->end) {
		verify_report_at(&verify->report, verify->result->first,
				 verify->line.commit[verify->first].number);
		verify_report_fail(&verify->report, "",
				   "no snapshot is signed, from this one on");
		verify_report_at(&verify->report, NULL, 0);
	}
}

static int check_history(struct verify *verify, struct err *err)
{
	int rc;

	if (verify->refs.has_main) {
		verify_line_read(&verify->line, verify->store, &verify->report,
				 verify->refs.main);
	} else {
		verify_report_fail(&verify->report, SNAPSHOT_BRANCH,
				   "there is no such branch");
	}
	rc = verify_sign_open(&verify->sign, verify->job->signers, verify->store,
			      &verify->report, err);
	if (!rc && verify->line.count) {
		number_line(verify);
		rc = choose_range(verify, err);
	}
	if (!rc && verify->line.count) {
		check_any_signed(verify);
		verify->state = verify_state_new(verify->store, &verify->report);
		rc = check_line(verify, err);
	}
	return rc ? rc : check_labels(verify, err);
}

int verify_run(const struct verify_job *job, struct verify_result *result,
	       struct err *err)
{
	struct verify verify = {
		.job = job,
		.result = result,
		.report = {.each = job->each, .payload = job->payload},
	};
	int rc;

	*result = (struct verify_result){0};
	rc = snapshot_open(&verify.repo, job->repo, 0, "albumen-exporter verify", err);
	if (rc) {
		return rc;
	}
	/* The references first: the packs that are opened later have what they name. */
	verify_refs_read(&verify.refs, snapshot_path(verify.repo), &verify.report);
	rc = verify_store_open(&verify.store, snapshot_path(verify.repo), &verify.report,
			       err);
	if (!rc) {
		verify_store_check(verify.store);
		result->objects = verify_store_objects(verify.store);
		rc = check_history(&verify, err);
	}
	result->failures = verify.report.failures;
	verify_state_free(verify.state);
	verify_sign_close(verify.sign);
	verify_line_release(&verify.line);
	verify_store_close(verify.store);
	verify_refs_release(&verify.refs);
	snapshot_close(verify.repo);
	return rc;
}

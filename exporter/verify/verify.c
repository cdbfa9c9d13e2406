/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify.h"

#include <string.h>

#include "data/base/buf.h"
#include "data/base/log.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"
#include "exporter/verify/verify_label.h"
#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_refs.h"
#include "exporter/verify/verify_sign.h"
#include "exporter/verify/verify_state.h"
#include "exporter/verify/verify_store.h"
#include "exporter/verify/verify_trailers.h"

struct verify {
	const struct verify_job *job;
	struct verify_result *result;
	struct verify_report report;
	struct snapshot_repo *repo; /* for WHEN alone */
	struct verify_refs refs;
	struct verify_store *store;
	struct verify_line line;
	size_t first, end;  /* of the line, what is verified in full */
	size_t signed_from; /* the first signed snapshot; line.count: none is */
	struct verify_state *state;
	struct verify_sign *sign;
	struct verify_trailers trailers;
};

/* --- which snapshots --- */

/* Where WHEN is on the line; `otherwise`, with a failure told, if it is not. */
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

/* Numbers the line. Where its beginning is lost, by what its oldest commit says. */
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
				   "its time lies before that of the snapshot before it");
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
		/* It was told when the line was read. */
		message = "";
	}
	verify_trailers_check(&verify->trailers, &verify->report, message,
			      commit->number);
	if (full) {
		rc = check_signature(verify, at, err);
		verify_state_step(verify->state, from, commit->tree);
		verify_trailers_counts(&verify->trailers, &verify->report, message,
				       verify_state_counts(verify->state));
		verify_sign_digest(verify->sign, message, commit->tree, commit->is_signed,
				   "");
		verify->result->snapshots++;
	}
	return rc;
}

/* From the first signed snapshot on: those that check_signature asks for. */
static void begin_signatures(struct verify *verify, struct buf *body)
{
	size_t at =
		verify->first > verify->signed_from ? verify->first : verify->signed_from;

	for (; at < verify->end; at++) {
		enum object_type type;

		/* One that cannot be read is empty: not signed. */
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
	for (size_t i = 0; !rc && i < verify->line.count; i++) {
		rc = check_snapshot(verify, i, &body, err);
		log_progress_step(&progress, 1);
	}
	log_progress_end(&progress);
	verify_report_at(&verify->report, NULL, 0);
	buf_release(&body);
	return rc;
}

/* --- all --- */

static int check_history(struct verify *verify, struct err *err)
{
	struct verify_labels labels = {
		.store = verify->store, .report = &verify->report, .line = &verify->line};
	int rc;

	if (verify->refs.has_main) {
		verify_line_read(&verify->line, verify->store, &verify->report,
				 verify->refs.main);
	} else {
		verify_report_fail(&verify->report, SNAPSHOT_BRANCH,
				   "there is no such branch");
	}
	verify->result->line = verify->line.count;
	rc = verify_sign_open(&verify->sign, verify->job->signers, verify->store,
			      &verify->report, err);
	if (!rc && verify->line.count) {
		number_line(verify);
		rc = choose_range(verify, err);
	}
	if (!rc && verify->line.count) {
		if (verify->job->signers && verify->signed_from >= verify->end) {
			const struct verify_commit *first =
				&verify->line.commit[verify->first];

			verify_report_at(&verify->report, verify->result->first,
					 first->number);
			verify_report_fail(&verify->report, "",
					   "no snapshot is signed, from this one on");
			verify_report_at(&verify->report, NULL, 0);
		}
		verify->state = verify_state_new(verify->store, &verify->report);
		rc = check_line(verify, err);
	}
	labels.sign = verify->sign;
	if (!rc) {
		rc = verify_labels_check(&labels, &verify->refs, err);
		verify->result->labels = labels.count;
	}
	return rc;
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
	/* The references first: what they name is in the packs that are opened then. */
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/log.h"
#include "data/base/plain.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/verify/verify_begin.h"
#include "exporter/verify/verify_derived.h"
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
	if (rc || *at == verify->line.count || *at < verify->line.held) {
		verify_report_at(&verify->report, rc ? NULL : info.commit.hex, 0);
		verify_report_fail(&verify->report, "", "%s",
				   rc ? why.msg
				   : *at < verify->line.held
					   ? "the snapshot is held by itself, before the "
					     "first one of main's line"
					   : "the commit is not on main's line");
		verify_report_at(&verify->report, NULL, 0);
		*at = otherwise;
	}
	snapshot_info_release(&info);
	return 0;
}

static void set_end(struct verify_end *end, const struct verify *verify, size_t at)
{
	const struct verify_commit *commit = &verify->line.commit[at];

	object_hex(end->commit, commit->id);
	end->number = commit->number;
	end->time_s = commit->time_s;
}

/* The first snapshot of main in the range. */
static size_t main_first(const struct verify *verify)
{
	return verify->first > verify->line.held ? verify->first : verify->line.held;
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
	set_end(&verify->result->from, verify, main_first(verify));
	set_end(&verify->result->to, verify, last);
	return rc;
}

/* --- one snapshot --- */

static void check_time(struct verify *verify, size_t at)
{
	if (at && verify->line.commit[at].time_s < verify->line.commit[at - 1].time_s) {
		verify_report_fail(&verify->report, "",
				   "it is older than the snapshot before it");
	}
}

/* Checks the signature, and notes who made it. */
static int check_signature(struct verify *verify, size_t at, const struct buf *body,
			   struct err *err)
{
	const struct verify_commit *commit = &verify->line.commit[at];
	struct sign_result result = {.verdict = SIGN_NONE};
	int rc = 0;

	if (at >= verify->signed_from) {
		rc = verify_sign_check(&result, verify->sign, "", err);
	}
	if (!commit->is_signed || rc) {
		return rc;
	}
	if (!verify_sign_has_signers(verify->sign)) {
		sign_signer(result.key, OBJECT_COMMIT, body->data, body->len);
	}
	verify->result->is_signed++;
	verify->result->good += result.verdict == SIGN_GOOD;
	verify_who_add_snapshot(&verify->result->who, result.key,
				*result.principal ? result.principal : NULL, commit);
	return 0;
}

/* A snapshot says that an erasure wrote it anew if, and only if, a label declares that. Without
 * a label, as may be of what is held, its key must have been allowed at its own time. */
static void check_erasure(struct verify *verify, const struct verify_commit *commit,
			  const char *message)
{
	const struct verify_label *label =
		verify_labels_erasure(&verify->result->labels, commit->number);
	uint8_t was[OBJECT_ID];
	int rc = declared_was(was, message);

	if (rc && rc != ERR_NOTFOUND) {
		verify_report_fail(&verify->report, "",
				   "the trailer " DECLARED_WAS
				   " is no id, or not the last one");
	} else if (!rc && !label && commit->number >= verify->result->labels.first) {
		verify_report_fail(&verify->report, "",
				   "it says that an erasure wrote it anew, but no "
				   "label " DECLARED_ERASED " declares that");
	} else if (rc && label) {
		verify_report_fail(&verify->report, "",
				   "the label %s declares that it was written anew, but "
				   "it does not say what it was",
				   label->name);
	}
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
	int rc = 0;

	object_hex(hex, commit->id);
	verify_report_at(&verify->report, hex, commit->number);
	check_time(verify, at);
	/* What is wrong with it was reported when the line was read. */
	verify_commit_read(&ignored, &message, body, verify->store, commit->id);
	if (at <= verify->line.held) {
		/* What was between it and the one before is not known. */
		verify->trailers = (struct verify_trailers){0};
	}
	verify_trailers_check(&verify->trailers, &verify->report, message,
			      commit->number);
	check_erasure(verify, commit, message);
	if (full) {
		rc = check_signature(verify, at, body, err);
		verify_state_step(verify->state, from, commit->tree, message);
		verify_trailers_counts(&verify->trailers, &verify->report, message,
				       verify_state_counts(verify->state));
		verify_sign_digest(verify->sign, message, commit->tree, commit->is_signed,
				   "");
		if (at < verify->line.held) {
			verify->result->held++;
		} else {
			verify->result->snapshots++;
		}
	}
	return rc;
}

/* As of which time the key of a snapshot must have been allowed; 0 for that of the snapshot. */
static int64_t find_time(const struct verify *verify, size_t at, const char *message)
{
	const struct verify_label *label = verify_labels_erasure(
		&verify->result->labels, verify->line.commit[at].number);
	uint8_t was[OBJECT_ID];

	return label && declared_was(was, message) == 0 ? label->tag.time_s : 0;
}

/* Adds the snapshots that check_signature asks for. */
static void begin_signatures(struct verify *verify, struct buf *body)
{
	size_t at =
		verify->first > verify->signed_from ? verify->first : verify->signed_from;

	for (; at < verify->end; at++) {
		struct verify_commit ignored;
		const char *message;

		/* A snapshot that cannot be read is empty, and thus not signed. */
		verify_commit_read(&ignored, &message, body, verify->store,
				   verify->line.commit[at].id);
		verify_sign_add(verify->sign, OBJECT_COMMIT, body,
				find_time(verify, at, message));
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

/* --- all --- */

static void check_any_signed(struct verify *verify)
{
	if (verify->job->signers && verify->signed_from >= verify->end) {
		verify_report_at(&verify->report, verify->result->from.commit,
				 verify->result->from.number);
		verify_report_fail(&verify->report, "",
				   "no snapshot is signed, from this one on");
		verify_report_at(&verify->report, NULL, 0);
	}
}

static void note(struct verify_result *result, const struct verify_label *label,
		 const char *text)
{
	buf_addstr(&result->notes, "the label ");
	plain_addstr(&result->notes, label->name);
	buf_addf(&result->notes, " declares that %s\n", text);
}

/* What a label declares has not come to its end: `prune` or `erase` was interrupted, and the
 * next writer goes on; or somebody has fetched what it left out. */
static void note_unfinished(struct verify *verify, const struct verify_label *label)
{
	const struct verify_commit *first = &verify->line.commit[verify->line.held];
	struct verify_result *result = verify->result;

	if (!label->is_good) {
		return;
	}
	if (label->kind == VERIFY_LABEL_PRUNED && label->number > first->number) {
		struct buf text = {0};

		buf_addf(&text,
			 "the history begins with snapshot %" PRIu64
			 ", but earlier ones are there: this is a copy of before that "
			 "has fetched the label, or the prune was interrupted",
			 label->number);
		note(result, label, text.data);
		buf_release(&text);
	}
	if (label->kind == VERIFY_LABEL_ERASED &&
	    memcmp(label->erased.old_tip, label->erased.new_tip, OBJECT_ID) != 0 &&
	    verify_store_look(verify->store, label->erased.old_tip) == 0) {
		note(result, label,
		     "records were erased, but the last snapshot of before is still "
		     "there: a copy that has fetched the new history keeps it until "
		     "`git gc --prune=now`; an erase that was interrupted is completed "
		     "by the next command that writes the repository");
	}
}

static void note_labels(struct verify *verify)
{
	struct verify_result *result = verify->result;

	for (size_t i = 0; i < result->labels.count; i++) {
		const struct verify_label *label = &result->labels.label[i];

		result->labelled += label->number > 0;
		if (label->number && label->key) {
			verify_who_add_label(&result->who, label->key, label->principal);
		}
		note_unfinished(verify, label);
	}
}

static void read_line(struct verify *verify)
{
	struct verify_result *result = verify->result;

	result->begin = verify_begin(&result->labels, snapshot_path(verify->repo),
				     verify->store, &verify->report);
	if (!result->refs.has_main) {
		verify_report_fail(&verify->report, SNAPSHOT_BRANCH,
				   "there is no such branch");
		return;
	}
	verify_line_read(&verify->line, verify->store, &verify->report, result->refs.main,
			 result->begin ? &result->begin->pruned : NULL);
	verify->signed_from = 0;
	while (verify->signed_from < verify->line.count &&
	       !verify->line.commit[verify->signed_from].is_signed) {
		verify->signed_from++;
	}
}

static int check_history(struct verify *verify, struct err *err)
{
	struct verify_result *result = verify->result;
	int rc = verify_sign_open(&verify->sign, verify->job->signers, verify->store,
				  &verify->report, err);

	rc = rc ? rc
		: verify_labels_read(&result->labels, &result->refs, verify->store,
				     verify->sign, &verify->report, err);
	if (!rc) {
		read_line(verify);
	}
	if (!rc && verify->line.count) {
		rc = choose_range(verify, err);
	}
	if (!rc && verify->line.count) {
		check_any_signed(verify);
		verify->state = verify_state_new(verify->store, &verify->report);
		rc = check_line(verify, err);
	}
	if (!rc) {
		verify_labels_check(&result->labels, &verify->line, verify->store,
				    verify->sign, &verify->report);
	}
	if (!rc) {
		verify_derived_check(snapshot_path(verify->repo), &verify->line,
				     verify->store, &verify->report);
	}
	if (!rc && verify->line.count) {
		note_labels(verify);
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
	/* The references first: the packs that are opened later have what they name. */
	verify_refs_read(&result->refs, snapshot_path(verify.repo), &verify.report);
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
	snapshot_close(verify.repo);
	return rc;
}

void verify_result_release(struct verify_result *result)
{
	verify_labels_release(&result->labels);
	verify_refs_release(&result->refs);
	verify_who_release(&result->who);
	buf_release(&result->notes);
}

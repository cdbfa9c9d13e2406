/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/evidence/unbundle.h"
#include "exporter/lookback/when.h"
#include "exporter/verify/verify.h"

/* NULL, which is printed as null, for "". */
static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

struct lines {
	bool json, begun; /* begun: a line has the version */
};

static void print_failure(const struct verify_failure *failure, void *payload)
{
	struct lines *lines = payload;
	struct buf out = {0};

	if (lines->json) {
		json_print_line(&out, &lines->begun);
		json_print_string(&out, "commit", text_or_null(failure->commit));
		json_print_maybe(&out, "number", failure->number, failure->number);
		json_print_string(&out, "path", text_or_null(failure->path));
		json_print_string(&out, "problem", text_or_null(failure->problem));
		buf_addstr(&out, "}\n");
	} else {
		buf_addf(&out, "%s%s%s%s%s\n", failure->commit,
			 *failure->commit && *failure->path ? " " : "", failure->path,
			 *failure->commit || *failure->path ? ": " : "",
			 failure->problem);
	}
	command_print(&out);
}

/* --- as JSON --- */

static void json_time(struct buf *out, const char *name, int64_t time_s, bool known)
{
	char text[WHEN_TEXT];

	when_format(text, time_s);
	json_print_string(out, name, known ? text : NULL);
}

/* A text of others. */
static void json_plain(struct buf *out, const char *name, const char *text)
{
	struct buf plain = {0};

	if (text) {
		plain_addstr(&plain, text);
	}
	json_print_string(out, name, text ? plain.data : NULL);
	buf_release(&plain);
}

static void json_signers(struct buf *out, const struct verify_result *result)
{
	const struct verify_who_row *row;
	const char *key, *principal;

	json_print_open(out, "signers", '[');
	for (size_t i = 0; (row = verify_who_at(&result->who, i, &key, &principal));
	     i++) {
		bool any = row->snapshots > 0;

		json_print_open(out, NULL, '{');
		json_plain(out, "signer", principal);
		json_print_string(out, "key", text_or_null(key));
		json_print_number(out, "snapshots", row->snapshots);
		json_print_maybe(out, "first_number", row->first, any);
		json_print_maybe(out, "last_number", row->last, any);
		json_time(out, "first_time", row->first_s, any);
		json_time(out, "last_time", row->last_s, any);
		json_print_number(out, "labels", row->labels);
		buf_addch(out, '}');
	}
	buf_addch(out, ']');
}

static void json_list(struct buf *out, const char *name, const struct declared_list *list)
{
	char commit[OBJECT_HEX + 1];

	json_print_open(out, name, '[');
	for (size_t i = 0; i < list->count; i++) {
		object_hex(commit, list->at[i].id);
		json_print_open(out, NULL, '{');
		json_print_number(out, "number", list->at[i].number);
		json_print_string(out, "commit", commit);
		buf_addch(out, '}');
	}
	buf_addch(out, ']');
}

static bool says_erased(const struct verify_label *label)
{
	return label->kind == VERIFY_LABEL_ERASED && label->is_good;
}

/* Whether main was written anew, not only what is held. */
static bool is_main_anew(const struct verify_label *label)
{
	return memcmp(label->erased.old_tip, label->erased.new_tip, OBJECT_ID) != 0;
}

static void json_erased(struct buf *out, const struct verify_label *label)
{
	bool main = is_main_anew(label);

	if (!says_erased(label)) {
		json_print_raw(out, "written_anew", NULL);
		return;
	}
	json_print_open(out, "written_anew", '{');
	json_print_maybe(out, "from_number", label->erased.from, main);
	json_print_maybe(out, "to_number", label->number, main);
	json_list(out, "held", &label->erased.held);
	buf_addch(out, '}');
}

static void json_labels(struct buf *out, const struct verify_result *result)
{
	json_print_open(out, "label_list", '[');
	for (size_t i = 0; i < result->labels.count; i++) {
		const struct verify_label *label = &result->labels.label[i];
		char commit[OBJECT_HEX + 1];

		if (!label->number) {
			continue;
		}
		object_hex(commit, label->tag.tree);
		json_print_open(out, NULL, '{');
		json_plain(out, "label", label->name);
		json_print_number(out, "number", label->number);
		json_print_string(out, "commit", commit);
		json_time(out, "time", label->tag.time_s, true);
		json_print_bool(out, "signed", label->tag.is_signed);
		json_plain(out, "signer", label->principal);
		json_print_string(out, "key", label->key);
		json_erased(out, label);
		buf_addch(out, '}');
	}
	buf_addch(out, ']');
}

static void json_begin(struct buf *out, const struct verify_result *result)
{
	const struct declared_pruned *pruned;
	char commit[OBJECT_HEX + 1];

	if (!result->begin) {
		json_print_string(out, "begin", NULL);
		return;
	}
	pruned = &result->begin->pruned;
	object_hex(commit, pruned->first.id);
	json_print_open(out, "begin", '{');
	json_plain(out, "label", result->begin->name);
	json_print_number(out, "number", pruned->first.number);
	json_print_string(out, "commit", commit);
	json_time(out, "before", pruned->before_s, true);
	json_list(out, "held", &pruned->held);
	buf_addch(out, '}');
}

static void json_notes(struct buf *out, const struct verify_result *result)
{
	const char *at = result->notes.data;

	json_print_open(out, "notes", '[');
	while (at && *at) {
		size_t len = strcspn(at, "\n");

		json_print_bytes(out, NULL, at, len);
		at += len + (at[len] == '\n');
	}
	buf_addch(out, ']');
}

static void report_json(struct lines *lines, const struct verify_result *result,
			bool has_signers)
{
	bool any = *result->to.commit;
	struct buf out = {0};

	json_print_line(&out, &lines->begun);
	json_print_number(&out, "failures", result->failures);
	json_print_number(&out, "snapshots", result->snapshots);
	json_print_string(&out, "from_commit", text_or_null(result->from.commit));
	json_print_string(&out, "to_commit", text_or_null(result->to.commit));
	json_print_number(&out, "objects", result->objects);
	json_print_number(&out, "signed", result->is_signed);
	json_print_maybe(&out, "good", result->good, has_signers);
	json_print_number(&out, "labels", result->labelled);
	json_print_maybe(&out, "from_number", result->from.number, any);
	json_print_maybe(&out, "to_number", result->to.number, any);
	json_time(&out, "from_time", result->from.time_s, any);
	json_time(&out, "to_time", result->to.time_s, any);
	json_print_number(&out, "held", result->held);
	json_begin(&out, result);
	json_signers(&out, result);
	json_labels(&out, result);
	json_notes(&out, result);
	buf_addstr(&out, "}\n");
	command_print(&out);
}

/* --- as lines --- */

static void add_times(struct buf *out, uint64_t from, uint64_t to, int64_t from_s,
		      int64_t to_s)
{
	char first[WHEN_TEXT], last[WHEN_TEXT];

	when_format(first, from_s);
	when_format(last, to_s);
	if (from == to) {
		buf_addf(out, "%" PRIu64 ", of %s", from, first);
	} else {
		buf_addf(out, "%" PRIu64 " to %" PRIu64 ", of %s to %s", from, to, first,
			 last);
	}
}

/* Who signed, and whether that is known. */
static void add_signer(struct buf *out, const char *principal, const char *key,
		       bool has_signers)
{
	buf_addstr(out, "signed ");
	if (principal) {
		buf_addstr(out, "by ");
		plain_addstr(out, principal);
		buf_addch(out, ' ');
	}
	buf_addf(out, "with %s%s", key && *key ? key : "an unknown key",
		 principal     ? ""
		 : has_signers ? " (not valid)"
			       : " (not checked)");
}

static void add_signers(struct buf *out, const struct verify_result *result,
			bool has_signers)
{
	const struct verify_who_row *row;
	const char *key, *principal;

	for (size_t i = 0; (row = verify_who_at(&result->who, i, &key, &principal));
	     i++) {
		add_signer(out, principal, key, has_signers);
		buf_addstr(out, ": ");
		if (row->snapshots) {
			command_add_count(out, row->snapshots, "snapshot");
			buf_addstr(out, ", ");
			add_times(out, row->first, row->last, row->first_s, row->last_s);
		}
		if (row->labels) {
			buf_addstr(out, row->snapshots ? "; " : "");
			command_add_count(out, row->labels, "label");
		}
		buf_addch(out, '\n');
	}
}

/* Which snapshots were written anew. Where main's tip stayed, only held ones were. */
static void add_erased(struct buf *out, const struct verify_label *label)
{
	const struct declared_erased *erased = &label->erased;
	size_t held = erased->held.count;

	buf_addstr(out, "; ");
	if (is_main_anew(label)) {
		buf_addf(out, "snapshots %" PRIu64 " to %" PRIu64 "%s", erased->from,
			 label->number, held ? " and " : "");
	}
	if (held) {
		buf_addf(out, "%zu held", held);
	}
	buf_addstr(out, " were written anew");
}

static void add_labels(struct buf *out, const struct verify_result *result,
		       bool has_signers)
{
	for (size_t i = 0; i < result->labels.count; i++) {
		const struct verify_label *label = &result->labels.label[i];
		char made[WHEN_TEXT];

		if (!label->number) {
			continue;
		}
		when_format(made, label->tag.time_s);
		buf_addstr(out, "label ");
		plain_addstr(out, label->name);
		buf_addf(out, ": snapshot %" PRIu64 ", made %s, ", label->number, made);
		if (label->tag.is_signed) {
			add_signer(out, label->principal, label->key, has_signers);
		} else {
			buf_addstr(out, "not signed");
		}
		if (says_erased(label)) {
			add_erased(out, label);
		}
		buf_addch(out, '\n');
	}
}

static void add_begin(struct buf *out, const struct verify_result *result)
{
	const struct declared_pruned *pruned;

	if (!result->begin) {
		return;
	}
	pruned = &result->begin->pruned;
	buf_addf(out, "%s snapshot %" PRIu64 "%s, as the label ",
		 result->failures ? "the history begins with" : "complete from",
		 pruned->first.number, result->failures ? "" : " on");
	plain_addstr(out, result->begin->name);
	buf_addstr(out, " declares");
	for (size_t i = 0; i < pruned->held.count; i++) {
		buf_addf(out, "%s%" PRIu64,
			 i ? ", " : "; held besides: ", pruned->held.at[i].number);
	}
	buf_addch(out, '\n');
}

static void report_text(const struct verify_result *result, bool has_signers)
{
	struct buf out = {0};

	if (*result->to.commit) {
		buf_addstr(&out, "snapshots ");
		add_times(&out, result->from.number, result->to.number,
			  result->from.time_s, result->to.time_s);
		buf_addch(&out, '\n');
	}
	add_signers(&out, result, has_signers);
	add_labels(&out, result, has_signers);
	add_begin(&out, result);
	if (result->notes.len) {
		buf_add(&out, result->notes.data, result->notes.len);
	}
	command_add_count(&out, result->snapshots, "snapshot");
	if (*result->to.commit) {
		buf_addf(&out, ", the last is %s", result->to.commit);
	}
	buf_addstr(&out, "; ");
	if (result->held) {
		buf_addf(&out, "%" PRIu64 " held; ", result->held);
	}
	command_add_count(&out, result->objects, "object");
	if (!result->is_signed) {
		buf_addstr(&out, "; none signed");
	} else {
		buf_addf(&out, "; %" PRIu64 " signed, ", result->is_signed);
		if (!has_signers) {
			buf_addstr(&out, "not checked (no --signers)");
		} else if (result->good == result->is_signed) {
			buf_addstr(&out, "all valid");
		} else {
			buf_addf(&out, "%" PRIu64 " valid", result->good);
		}
	}
	buf_addstr(&out, "; ");
	command_add_count(&out, result->labelled, "label");
	buf_addstr(&out, "; ");
	command_add_count(&out, result->failures, "failure");
	buf_addstr(&out, "\n");
	command_print(&out);
}

static int check_place(const struct command_options *opt, struct err *err)
{
	if (!opt->repo && !opt->bundle) {
		return err_set(err, ERR_USAGE,
			       "give --repo DIR, or --bundle FILE (see 'albumen-exporter "
			       "verify --help')");
	}
	if (opt->repo && opt->bundle) {
		return err_set(err, ERR_USAGE, "give --repo or --bundle, not both");
	}
	return 0;
}

static int verify_bundle(struct verify_job *job, struct verify_result *result,
			 const char *file, struct err *err)
{
	struct workdir dir;
	struct buf repo = {0};
	int rc = unbundle(&repo, &dir, file, err);

	job->repo = repo.data;
	rc = rc ? rc : verify_run(job, result, err);
	workdir_remove(&dir);
	buf_release(&repo);
	return rc;
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct lines lines = {.json = opt->json};
	struct verify_job job = {.repo = opt->repo,
				 .from = opt->from,
				 .to = opt->to,
				 .signers = opt->signers,
				 .each = print_failure,
				 .payload = &lines};
	struct verify_result result = {0};
	int rc = check_place(opt, err);

	(void)operand;
	if (!rc && opt->bundle) {
		rc = verify_bundle(&job, &result, opt->bundle, err);
	} else if (!rc) {
		rc = verify_run(&job, &result, err);
	}
	if (!rc && opt->json) {
		report_json(&lines, &result, opt->signers);
	} else if (!rc) {
		report_text(&result, opt->signers);
	}
	rc = rc ? rc : result.failures ? 1 : 0;
	verify_result_release(&result);
	return rc;
}

const struct cli_command command_verify = {
	.name = "verify",
	.run = run,
	.options = "repo bundle json from to signers",
	.either = "repo|bundle",
	.summary = "check that nobody changed the snapshots",
	.help = "Checks every object, signature and body of a repository, of a clone, or "
		"of "
		"a bundle, and that they agree with each other. Exit status 1: they do "
		"not, and each failure has a line."};

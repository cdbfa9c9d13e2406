/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/verify/verify.h"

/* NULL, which is printed as null, for "". */
static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static void print_failure(const struct verify_failure *failure, void *payload)
{
	const struct command_options *opt = payload;
	struct buf out = {0};

	if (opt->json) {
		json_print_open(&out, NULL, '{');
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

static void report_json(const struct verify_result *result, bool has_signers)
{
	struct buf out = {0};

	json_print_open(&out, NULL, '{');
	json_print_number(&out, "failures", result->failures);
	json_print_number(&out, "snapshots", result->snapshots);
	json_print_string(&out, "from", text_or_null(result->first));
	json_print_string(&out, "to", text_or_null(result->last));
	json_print_number(&out, "objects", result->objects);
	json_print_number(&out, "signed", result->is_signed);
	json_print_maybe(&out, "good", result->good, has_signers);
	json_print_number(&out, "labels", result->labels);
	buf_addstr(&out, "}\n");
	command_print(&out);
}

static void report_text(const struct verify_result *result, bool has_signers)
{
	struct buf out = {0};

	command_add_count(&out, result->snapshots, "snapshot");
	if (*result->last) {
		buf_addf(&out, ", the last is %s", result->last);
	}
	buf_addstr(&out, "; ");
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
	command_add_count(&out, result->labels, "label");
	buf_addstr(&out, "; ");
	command_add_count(&out, result->failures, "failure");
	buf_addstr(&out, "\n");
	command_print(&out);
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct verify_job job = {.repo = opt->repo,
				 .from = opt->from,
				 .to = opt->to,
				 .signers = opt->signers,
				 .each = print_failure,
				 .payload = (void *)(uintptr_t)opt}; /* only read */
	struct verify_result result;
	int rc = verify_run(&job, &result, err);

	(void)operand;
	if (rc) {
		return rc;
	}
	if (opt->json) {
		report_json(&result, opt->signers);
	} else {
		report_text(&result, opt->signers);
	}
	return result.failures ? 1 : 0;
}

const struct cli_command command_verify = {
	.name = "verify",
	.run = run,
	.options = "repo! json from to signers",
	.summary = "check that nobody changed the snapshots",
	.help = "Checks every object, signature and body of a repository or of a clone, "
		"and that they agree with each other. Exit status 1: they do not, and "
		"each failure has a line."};

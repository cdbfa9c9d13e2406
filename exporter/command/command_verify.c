/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/command/command.h"
#include "exporter/verify/verify.h"

static void quote(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "\"%s\":", name);
	if (*text) {
		json_quote(out, text, strlen(text));
	} else {
		buf_addstr(out, "null");
	}
}

static void print_failure(const struct verify_failure *failure, void *payload)
{
	struct buf line = {0};

	(void)payload;
	if (command_opt.json) {
		buf_addch(&line, '{');
		quote(&line, "commit", failure->commit);
		if (failure->number) {
			buf_addf(&line, ",\"number\":%" PRIu64 ",", failure->number);
		} else {
			buf_addstr(&line, ",\"number\":null,");
		}
		quote(&line, "path", failure->path);
		buf_addch(&line, ',');
		quote(&line, "problem", failure->problem);
		buf_addch(&line, '}');
	} else {
		buf_addf(&line, "%s%s%s%s%s", failure->commit,
			 *failure->commit && *failure->path ? " " : "", failure->path,
			 *failure->commit || *failure->path ? ": " : "",
			 failure->problem);
	}
	puts(line.data);
	buf_release(&line);
}

static void print_json(const struct verify_result *result)
{
	struct buf line = {0};

	buf_addf(&line, "{\"failures\":%" PRIu64 ",\"snapshots\":%" PRIu64 ",",
		 result->failures, result->snapshots);
	quote(&line, "from", result->first);
	buf_addch(&line, ',');
	quote(&line, "to", result->last);
	buf_addf(&line, ",\"objects\":%" PRIu64 ",\"signed\":%" PRIu64 ",\"good\":",
		 result->objects, result->is_signed);
	if (command_opt.signers) {
		buf_addf(&line, "%" PRIu64, result->good);
	} else {
		buf_addstr(&line, "null");
	}
	buf_addf(&line, ",\"labels\":%" PRIu64 "}", result->labels);
	puts(line.data);
	buf_release(&line);
}

static void print_summary(const struct verify_result *result)
{
	printf("%" PRIu64 " snapshots", result->snapshots);
	if (*result->last) {
		printf(", the last is %s", result->last);
	}
	printf("; %" PRIu64 " objects; %" PRIu64 " signed, ", result->objects,
	       result->is_signed);
	if (command_opt.signers) {
		printf("%" PRIu64 " of them well", result->good);
	} else {
		printf("not checked (no --signers)");
	}
	printf("; %" PRIu64 " labels; %" PRIu64 " failures\n", result->labels,
	       result->failures);
}

int command_verify(int argc, char **argv, struct err *err)
{
	struct verify_job job = {.repo = command_opt.repo,
				 .from = command_opt.from,
				 .to = command_opt.to,
				 .signers = command_opt.signers,
				 .each = print_failure};
	struct verify_result result;
	int rc;

	(void)argc;
	(void)argv;
	rc = verify_run(&job, &result, err);
	if (rc) {
		return rc;
	}
	if (command_opt.json) {
		print_json(&result);
	} else {
		print_summary(&result);
	}
	if (fflush(stdout) || ferror(stdout)) {
		return err_set(err, ERR_FAIL, "cannot write the report");
	}
	return result.failures ? 1 : 0;
}

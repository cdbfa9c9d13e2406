/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/git/maintain.h"

static void report(bool json, const struct maintain_result *result)
{
	struct buf out = {0};

	if (json) {
		json_print_document(&out);
		json_print_bool(&out, "done", result->done);
		json_print_number(&out, "objects", result->objects);
		json_print_number(&out, "packs_before", result->packs_before);
		json_print_number(&out, "packs", result->packs);
		json_print_number(&out, "bytes_before", result->bytes_before);
		json_print_number(&out, "bytes", result->bytes);
		buf_addstr(&out, "}\n");
	} else if (result->done) {
		command_add_count(&out, result->objects, "object");
		buf_addstr(&out, " repacked\nbefore: ");
		command_add_count(&out, result->packs_before, "pack");
		buf_addf(&out, ", %" PRIu64 " bytes\nnow: ", result->bytes_before);
		command_add_count(&out, result->packs, "pack");
		buf_addf(&out, ", %" PRIu64 " bytes\n", result->bytes);
	} else {
		buf_addstr(&out, "nothing to do\n");
	}
	command_print(&out);
}

/* A signal ends the program at once. That is harmless: the next writer that opens the
 * repository removes what was begun. */
static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct maintain_result result;
	int rc = command_open_writer(&repo, opt, 0, "albumen-exporter maintain", NULL,
				     err);

	(void)operand;
	rc = rc ? rc : maintain_compact(repo, &result, err);
	if (!rc) {
		report(opt->json, &result);
	}
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_maintain = {
	.name = "maintain",
	.run = run,
	.options = "repo! json wait",
	.summary = "make the repository as small as possible",
	.help = "Repacks, with deltas, what was added since the last time. No snapshot "
		"is lost, others may read meanwhile, and the command may be killed. "
		"export and follow keep the number of packs down by themselves."};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/evidence/label.h"
#include "exporter/git/maintain.h"
#include "exporter/lookback/when.h"

static void report(bool json, const struct label *label, const struct snapshot_id *tag)
{
	const char *commit = label->snapshot->commit.hex;
	struct buf out = {0};

	if (json) {
		json_print_open(&out, NULL, '{');
		json_print_string(&out, "label", label->name);
		json_print_string(&out, "tag", tag->hex);
		json_print_string(&out, "snapshot", commit);
		json_print_bool(&out, "signed", label->key);
		buf_addstr(&out, "}\n");
	} else {
		buf_addf(&out, "label %s: snapshot %s\n", label->name, commit);
	}
	command_print(&out);
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct label label = {.name = opt->label,
			      .reason = opt->reason,
			      .key = opt->sign,
			      .snapshot = &info};
	struct snapshot_id tag;
	int64_t instant;
	int rc = command_open_writer(&repo, opt, 0, "albumen-exporter snapshot", NULL,
				     err);

	(void)operand;
	rc = rc ? rc : when_resolve(repo, opt->at, &info, &instant, err);
	rc = rc ? rc : when_now(&label.time_s, err);
	rc = rc ? rc : label_make(&tag, repo, &label, err);
	if (!rc) {
		report(opt->json, &label, &tag);
		rc = maintain_when_due(repo, false, err); /* each label adds a pack */
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_snapshot = {
	.name = "snapshot",
	.run = run,
	.options = "repo! json at sign label! reason! wait",
	.summary = "put a label on a snapshot",
	.help = "Makes an annotated git tag, with the reason as its message. It is never "
		"moved, and maintenance keeps it."};

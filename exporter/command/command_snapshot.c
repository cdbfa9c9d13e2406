/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/log.h"
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/evidence/label.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/git/maintain.h"
#include "exporter/lookback/when.h"

static void report(bool json, const struct label *label, const struct snapshot_id *tag)
{
	const char *commit = label->snapshot->commit.hex;
	struct buf out = {0};

	if (json) {
		json_print_document(&out);
		json_print_string(&out, "label", label->name);
		json_print_string(&out, "tag", tag->hex);
		json_print_string(&out, "commit", commit);
		json_print_bool(&out, "signed", label->key);
		buf_addstr(&out, "}\n");
	} else {
		buf_addf(&out, "label %s: snapshot %s\n", label->name, commit);
	}
	command_print(&out);
}

/* Unlike a snapshot, an unsigned label can be removed and made again, so it is not refused. */
static void warn_if_unsigned(struct snapshot_repo *repo, const struct label *label)
{
	struct snapshot_info head = {0};
	char key[SIGN_KEY];
	struct err why;

	if (!label->key && snapshot_head(repo, &head, &why) == 0 &&
	    sign_commit_key(key, repo, &head.commit, &why) == 0) {
		log_warning("snapshots are signed and the label '%s' is not, so verify "
			    "--signers fails; to sign it: git -C '%s' tag -d '%s', and "
			    "label again with --sign KEY",
			    label->name, snapshot_path(repo), label->name);
	}
	snapshot_info_release(&head);
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
	char key[SIGN_KEY];
	int64_t instant;
	int rc = opt->sign ? sign_key_check(key, opt->sign, err) : 0;

	(void)operand;
	rc = rc ? rc
		: command_open_writer(&repo, opt, 0, "albumen-exporter snapshot", NULL,
				      err);
	rc = rc ? rc : when_resolve(repo, opt->at, &info, &instant, err);
	rc = rc ? rc : when_now(&label.time_s, err);
	rc = rc ? rc : label_make(&tag, repo, &label, err);
	if (!rc) {
		warn_if_unsigned(repo, &label);
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

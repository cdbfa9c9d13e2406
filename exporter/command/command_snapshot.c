/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/command/command.h"
#include "exporter/evidence/label.h"
#include "exporter/git/maintain.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"

static void print(const struct label *label, const struct snapshot_id *tag)
{
	const char *commit = label->snapshot->commit.hex;
	struct buf name = {0};

	if (command_opt.json) {
		json_quote(&name, label->name, strlen(label->name));
		printf("{\"label\":%s,\"tag\":\"%s\",\"snapshot\":\"%s\",\"signed\":%s}"
		       "\n",
		       name.data, tag->hex, commit, label->key ? "true" : "false");
	} else {
		printf("label %s: snapshot %s\n", label->name, commit);
	}
	buf_release(&name);
}

int command_snapshot(int argc, char **argv, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct label label = {.name = command_opt.label,
			      .reason = command_opt.reason,
			      .key = command_opt.sign,
			      .snapshot = &info};
	struct snapshot_id tag;
	int64_t instant;
	int rc;

	(void)argc;
	(void)argv;
	rc = command_open_writer(&repo, 0, "albumen-exporter snapshot", NULL, err);
	if (!rc) {
		rc = when_resolve(repo, command_opt.at, &info, &instant, err);
	}
	if (!rc) {
		rc = when_now(&label.time_s, err);
	}
	if (!rc) {
		rc = label_make(&tag, repo, &label, err);
	}
	if (!rc) {
		print(&label, &tag);
		/* Each label is a pack. */
		rc = maintain_when_due(repo, false, err);
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

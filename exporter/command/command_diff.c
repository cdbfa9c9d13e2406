/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/command/command.h"

#include <stdio.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/git/history.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/compare.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/response.h"

struct lines {
	struct buf line;
	unsigned long long count;
	struct err *err;
};

static int print_event(const struct compare_event *event, void *payload)
{
	struct lines *lines = payload;

	buf_clear(&lines->line);
	if (command_opt.json) {
		compare_write(&lines->line, event);
	} else {
		compare_print(&lines->line, event);
	}
	buf_addch(&lines->line, '\n');
	lines->count++;
	if (fwrite(lines->line.data, 1, lines->line.len, stdout) != lines->line.len) {
		return err_sys(lines->err, "cannot write to standard output");
	}
	return 0;
}

/* ERR_NOTFOUND if neither snapshot has the album. */
static int check_album(struct snapshot_repo *repo, const struct snapshot_info *info,
		       struct err *err)
{
	struct buf path = {0}, body = {0};
	int rc = ERR_NOTFOUND;

	response_snapshot_path(&path, response_of(QUERY_IMAGES), command_opt.album,
			       strlen(command_opt.album));
	for (int i = 0; rc == ERR_NOTFOUND && i < 2; i++) {
		rc = snapshot_read(repo, &info[i].tree, path.data, &body, err);
	}
	if (rc == ERR_NOTFOUND) {
		err_set(err, rc, "no album '%s' in either snapshot", command_opt.album);
	}
	buf_release(&path);
	buf_release(&body);
	return rc;
}

static int diff_trees(struct snapshot_repo *repo, const struct snapshot_info *info,
		      struct err *err)
{
	struct compare_scope scope = {.album = command_opt.album};
	struct lines lines = {.err = err};
	struct history *history = history_new(repo);
	uint8_t from[OBJECT_ID], to[OBJECT_ID];
	int rc;

	object_unhex(from, info[0].tree.hex);
	object_unhex(to, info[1].tree.hex);
	rc = compare_trees(history, from, to, &scope, print_event, &lines, err);
	if (!rc && command_opt.album && !lines.count) {
		rc = check_album(repo, info, err);
	}
	if (!rc && fflush(stdout) != 0) {
		rc = err_sys(err, "cannot write to standard output");
	}
	history_free(history);
	buf_release(&lines.line);
	return rc;
}

int command_diff(int argc, char **argv, struct err *err)
{
	struct snapshot_info info[2] = {{.time_s = 0}, {.time_s = 0}};
	struct snapshot_repo *repo = NULL;
	int rc;

	if (argc != 2) {
		return err_set(err, ERR_USAGE, "'diff' needs two snapshots, A and B");
	}
	rc = snapshot_open(&repo, command_opt.repo, 0, "albumen-exporter diff", err);
	for (int i = 0; !rc && i < 2; i++) {
		int64_t instant;

		rc = when_resolve(repo, argv[i], &info[i], &instant, err);
	}
	if (!rc) {
		rc = diff_trees(repo, info, err);
	}
	snapshot_info_release(&info[0]);
	snapshot_info_release(&info[1]);
	snapshot_close(repo);
	return rc;
}

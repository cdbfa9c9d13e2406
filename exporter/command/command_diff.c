/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/command/command.h"

#include <string.h>

#include "data/base/buf.h"
#include "data/format/json_print.h"
#include "exporter/body/words.h"
#include "exporter/git/history.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/compare.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/response.h"

struct lines {
	bool json, begun; /* begun: a line has the version */
	char language[WORDS_LANGUAGE];
	struct buf line;
	unsigned long long count;
	struct err *err;
};

static int print_event(const struct compare_event *event, void *payload)
{
	struct lines *lines = payload;

	if (lines->json) {
		json_print_line(&lines->line, &lines->begun);
		compare_write(&lines->line, event);
		buf_addch(&lines->line, '}');
	} else {
		compare_print(&lines->line, event, lines->language);
	}
	lines->count++;
	return command_print_line(&lines->line, lines->err);
}

/* ERR_NOTFOUND if neither snapshot has the album. */
static int check_album(struct snapshot_repo *repo, const struct snapshot_info *info,
		       const char *album, struct err *err)
{
	struct buf path = {0}, body = {0};
	int rc = ERR_NOTFOUND;

	response_snapshot_path(&path, response_of(QUERY_IMAGES), album, strlen(album));
	for (int i = 0; rc == ERR_NOTFOUND && i < 2; i++) {
		rc = snapshot_read(repo, &info[i].tree, path.data, &body, err);
	}
	if (rc == ERR_NOTFOUND) {
		err_set(err, rc, "no album '%s' in either snapshot", album);
	}
	buf_release(&path);
	buf_release(&body);
	return rc;
}

static int diff_trees(const struct command_options *opt, struct snapshot_repo *repo,
		      const struct snapshot_info *info, struct err *err)
{
	struct oversize lacks[2] = {0};
	uint64_t skipped = 0;
	struct compare_scope scope = {.album = opt->album,
				      .lacks = {&lacks[0], &lacks[1]},
				      .skipped = &skipped};
	struct lines lines = {.json = opt->json, .err = err};
	struct history *history = history_new(repo);
	uint8_t from[OBJECT_ID], to[OBJECT_ID];
	int rc;

	words_language(lines.language);
	object_unhex(from, info[0].tree.hex);
	object_unhex(to, info[1].tree.hex);
	oversize_read(&lacks[0], info[0].message);
	oversize_read(&lacks[1], info[1].message);
	rc = compare_trees(history, from, to, &scope, print_event, &lines, err);
	if (!rc && skipped) {
		rc = 3;
	} else if (!rc && opt->album && !lines.count) {
		rc = check_album(repo, info, opt->album, err);
	}
	oversize_release(&lacks[0]);
	oversize_release(&lacks[1]);
	history_free(history);
	buf_release(&lines.line);
	return rc;
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_info info[2] = {{.time_s = 0}, {.time_s = 0}};
	struct snapshot_repo *repo = NULL;
	int rc = snapshot_open(&repo, opt->repo, 0, "albumen-exporter", err);

	for (int i = 0; !rc && i < 2; i++) {
		int64_t instant;

		rc = when_resolve(repo, operand[i], &info[i], &instant, err);
	}
	rc = rc ? rc : diff_trees(opt, repo, info, err);
	snapshot_info_release(&info[0]);
	snapshot_info_release(&info[1]);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_diff = {
	.name = "diff",
	.run = run,
	.options = "repo! json album",
	.operands = "A B",
	.summary = "show what changed between two snapshots",
	.help = "Shows the changes that turn snapshot A into snapshot B. With --json, "
		"one line for each change; applied to A, they give B. Exit status 3: a "
		"file is "
		"not compared, as it is larger than 256 MiB and a snapshot lacks it."};

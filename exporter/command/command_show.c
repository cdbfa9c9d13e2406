/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "exporter/command/command.h"
#include "exporter/lookback/request.h"
#include "exporter/lookback/show.h"
#include "exporter/lookback/when.h"

static void print(const void *bytes, size_t len, void *payload)
{
	fwrite(bytes, 1, len, payload);
}

static int show(struct snapshot_repo *repo, const struct snapshot_info *info,
		const char *url, struct err *err)
{
	struct request request;
	char time[WHEN_TEXT];
	int rc = request_read(&request, url, err);

	if (!rc) {
		rc = show_body(repo, info, &request, print, stdout, err);
		if (rc == ERR_NOTFOUND) {
			when_format(time, info->time_s);
			err_set(err, rc, "'%s' had no answer in snapshot %s of %s", url,
				info->commit.hex, time);
		}
	}
	request_release(&request);
	return rc;
}

static int run(const void *values, char **operand, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	int64_t instant;
	int rc = command_open_reader(&repo, &info, &instant, values, err);

	rc = rc ? rc : show(repo, &info, operand[0], err);
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_show = {
	.name = "show",
	.run = run,
	.options = "repo! at",
	.operands = "REQUEST",
	.summary = "print the body that a request was answered with",
	.help = "REQUEST is the API's own address, with its query: "
		"'/api/v1/tag_images?image_ids[]=ID'. Exit status 1: there was no such "
		"response."};

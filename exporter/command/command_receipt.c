/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "exporter/command/command.h"
#include "exporter/evidence/receipt.h"
#include "exporter/lookback/request.h"

static void print(const void *bytes, size_t len, void *payload)
{
	fwrite(bytes, 1, len, payload);
}

static int run(const void *values, char **operand, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct request request = {0};
	int64_t instant;
	int rc = command_open_reader(&repo, &info, &instant, values, err);

	rc = rc ? rc : request_read(&request, operand[0], err);
	rc = rc ? rc : receipt_write(repo, &info, &request, print, stdout, err);
	request_release(&request);
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_receipt = {
	.name = "receipt",
	.run = run,
	.options = "repo! at",
	.operands = "REQUEST",
	.summary = "print a proof of what a request was answered with",
	.help = "REQUEST is the API's own address of one album or of images by their "
		"ids: "
		"'/api/v1/tag_images?image_ids[]=ID'. The proof needs neither the "
		"repository "
		"nor git: albumen(7), \"Receipts\", says how it is checked. Exit status "
		"1: the "
		"snapshot is not signed, or there is no such request."};

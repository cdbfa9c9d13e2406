/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/command/command.h"
#include "exporter/evidence/bundle.h"
#include "exporter/evidence/sign_key.h"
#include "exporter/lookback/when.h"

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct snapshot_info from = {0}, to = {0};
	struct stop stop;
	struct bundle bundle = {.to = &to,
				.signers = opt->signers,
				.key = opt->sign,
				.out = operand[0],
				.stop = &stop};
	char key[SIGN_KEY];
	int64_t instant;
	int rc = stop_open(&stop, err);

	if (rc) {
		return rc;
	}
	rc = opt->sign ? sign_key_check(key, opt->sign, err) : 0;
	rc = rc ? rc : snapshot_open(&repo, opt->repo, 0, "albumen-exporter", err);
	rc = rc ? rc : when_resolve(repo, opt->to, &to, &instant, err);
	if (!rc && opt->from) {
		rc = when_resolve(repo, opt->from, &from, &instant, err);
		bundle.from = &from;
	}
	rc = rc ? rc : bundle_make(repo, &bundle, err);
	snapshot_info_release(&from);
	snapshot_info_release(&to);
	snapshot_close(repo);
	stop_close(&stop);
	return rc;
}

const struct cli_command command_bundle = {
	.name = "bundle",
	.run = run,
	.options = "repo! from to signers sign",
	.operands = "OUT",
	.summary = "write one file that an auditor takes away",
	.help = "A tar archive: the snapshots as a git bundle, the signers' keys, a "
		"script that verifies them, and a report."};

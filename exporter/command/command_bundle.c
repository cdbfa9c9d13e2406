/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/command/command.h"
#include "exporter/evidence/bundle.h"
#include "exporter/lookback/when.h"

int command_bundle(int argc, char **argv, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info from = {0}, to = {0};
	struct bundle bundle = {.to = &to, .signers = command_opt.signers};
	struct stop stop;
	int64_t instant;
	int rc;

	if (argc != 1) {
		return err_set(err, ERR_USAGE, "bundle takes one OUT");
	}
	rc = stop_open(&stop, err);
	if (rc) {
		return rc;
	}
	bundle.out = argv[0];
	bundle.stop = &stop;
	rc = snapshot_open(&repo, command_opt.repo, 0, "albumen-exporter bundle", err);
	if (!rc) {
		rc = when_resolve(repo, command_opt.to, &to, &instant, err);
	}
	if (!rc && command_opt.from) {
		rc = when_resolve(repo, command_opt.from, &from, &instant, err);
		bundle.from = &from;
	}
	if (!rc) {
		rc = bundle_make(repo, &bundle, err);
	}
	snapshot_info_release(&from);
	snapshot_info_release(&to);
	snapshot_close(repo);
	stop_close(&stop);
	return rc;
}

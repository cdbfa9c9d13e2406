/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/command/command.h"
#include "exporter/export/follow.h"

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct follow_wait wait = {0};
	struct command_job job;
	int rc = command_begin_job(&job, opt, err);

	(void)operand;
	if (!rc) {
		do {
			rc = snapshot_open(&job.job.repo, opt->repo,
					   SNAPSHOT_WRITE | SNAPSHOT_CREATE,
					   "albumen-exporter follow", err);
			rc = follow_wait(&wait, rc, &job.stop, err);
		} while (rc > 0);
	}
	if (!rc) {
		rc = follow_run(&job.job, opt->index, (int)opt->ready_fd, err);
	}
	command_end_job(&job);
	return rc == ERR_STOPPED ? 0 : rc;
}

const struct cli_command command_follow = {
	.name = "follow",
	.run = run,
	.options = "index! repo! site collections ready-fd sign audit-page drop "
		   "round-gps accept verbose",
	.summary = "export now and whenever the index changes",
	.help = "Runs in the foreground until SIGTERM or SIGINT."};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/ready.h"
#include "exporter/command/command.h"
#include "exporter/export/exporter_metrics.h"
#include "exporter/export/follow.h"

/* See struct follow_options. */
static void report(const struct follow_state *state, void *payload)
{
	struct exporter_metrics *metrics = payload;

	if (metrics->path) {
		exporter_metrics_renew(metrics, state);
	}
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct exporter_metrics metrics = {
		.path = opt->metrics, .repo = opt->repo, .index = opt->index};
	struct follow_options options = {
		.ready_fd = (int)opt->ready_fd, .report = report, .payload = &metrics};
	struct command_job job;
	int rc = ready_check(opt->ready_fd, err);

	(void)operand;
	if (rc) {
		return rc;
	}
	rc = command_begin_job(&job, opt, err);
	metrics.site = job.job.site;
	rc = rc || !opt->metrics ? rc : exporter_metrics_check(&metrics, err);
	rc = rc ? rc : follow_run(&job.job, opt->repo, opt->index, &options, err);
	command_end_job(&job);
	return rc;
}

const struct cli_command command_follow = {
	.name = "follow",
	.run = run,
	.options = "index! repo! site endpoint-url region single-publisher collections "
		   "metrics ready-fd sign audit-page drop "
		   "round-gps name accept",
	.summary = "export now and whenever the index changes",
	.help = "Runs in the foreground until SIGTERM or SIGINT."};

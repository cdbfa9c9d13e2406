/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/ready.h"
#include "exporter/command/command.h"
#include "exporter/export/exporter_metrics.h"
#include "exporter/export/follow.h"

struct following {
	const struct command_options *opt;
	struct command_job job;
	struct exporter_metrics metrics;
};

/* See struct follow_options. */
static int check(void *payload, struct err *err)
{
	struct following *f = payload;

	return command_check_site(&f->job, f->opt, err);
}

static void report(const struct follow_state *state, void *payload)
{
	struct following *f = payload;

	if (f->metrics.path) {
		exporter_metrics_renew(&f->metrics, state);
	}
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct following f = {.opt = opt};
	struct follow_options options = {.ready_fd = (int)opt->ready_fd,
					 .check = check,
					 .report = report,
					 .payload = &f};
	int rc = ready_check(opt->ready_fd, err);

	(void)operand;
	if (rc) {
		return rc;
	}
	rc = command_begin_job(&f.job, opt, err);
	f.metrics = (struct exporter_metrics){.path = opt->metrics,
					      .repo = opt->repo,
					      .index = opt->index,
					      .site = f.job.job.site};
	rc = rc || !opt->metrics ? rc : exporter_metrics_check(&f.metrics, err);
	rc = rc ? rc : follow_run(&f.job.job, opt->repo, opt->index, &options, err);
	command_end_job(&f.job);
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

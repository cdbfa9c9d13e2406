/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "exporter/command/command.h"
#include "exporter/edge/edge.h"

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;

	(void)operand;
	return edge_print(stdout, opt->site, opt->listen, opt->max_age, err);
}

const struct cli_command command_edge = {
	.name = "edge",
	.run = run,
	.options = "site! listen! max-age",
	.summary = "print an nginx configuration that serves a site",
	.help = "Run it with: nginx -p RUNDIR -c FILE -g 'daemon off;'. All that nginx "
		"writes then lies under RUNDIR."};

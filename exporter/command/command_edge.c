/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "exporter/command/command.h"
#include "exporter/edge/edge.h"

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;

	(void)operand;
	return edge_print(stdout,
			  &(struct edge_request){.kind = opt->edge_for,
						 .site = opt->site,
						 .listen = opt->listen,
						 .server_name = opt->server_name,
						 .certificate = opt->tls_certificate,
						 .key = opt->tls_key,
						 .libraries = opt->libraries,
						 .tokens = opt->tokens,
						 .max_age_s = opt->max_age},
			  err);
}

const struct cli_command command_edge = {
	.name = "edge",
	.run = run,
	.options = "site! for listen server-name tls-certificate tls-key libraries "
		   "tokens max-age",
	.summary = "print the configuration of a web server that serves a site",
	.help = "Without --for, it is a complete configuration of nginx, which needs "
		"--listen. "
		"Run it with: nginx -p RUNDIR -c FILE -g 'daemon off;'. All that nginx "
		"writes then lies under RUNDIR. The other kinds are files for a server "
		"that "
		"has other sites, too, and say where they go."};

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* albumen-exporter: its commands are in exporter/command/. */

#include "exporter/command/command.h"

int main(int argc, char **argv)
{
	static const struct cli_command *const commands[] = {&command_export,
							     &command_follow,
							     &command_publish,
							     &command_status,
							     &command_edge,
							     &command_maintain,
							     &command_audit,
							     &command_log,
							     &command_show,
							     &command_receipt,
							     &command_diff,
							     &command_snapshot,
							     &command_verify,
							     &command_bundle,
							     &command_prune,
							     &command_erase,
							     NULL};
	static const struct cli_program program = {
		.name = "albumen-exporter",
		.version = ALBUMEN_VERSION,
		.summary = "git snapshots and static sites of an image API",
		.commands = commands,
		.options = command_option_table,
	};
	struct command_options options = {.ready_fd = -1,
					  .round_gps = -1,
					  .fail_over = -1,
					  .top = -1,
					  .wait = 60,
					  .max_age = 180};

	return cli_main(&program, &options, argc, argv);
}

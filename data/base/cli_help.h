/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_HELP_H
#define DATA_BASE_CLI_HELP_H

#include <stdio.h>

#include "data/base/cli_table.h"

/* cli_help - what --help prints, from the tables of cli.h. */

/* The program's commands and what they have in common. */
void cli_help_program(FILE *to, const struct cli_program *program);
/* One command and its options. */
void cli_help_command(FILE *to, const struct cli_program *program,
		      const struct cli_command *command);

#endif

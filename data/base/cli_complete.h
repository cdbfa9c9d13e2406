/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_COMPLETE_H
#define DATA_BASE_CLI_COMPLETE_H

#include "data/base/buf.h"
#include "data/base/cli_table.h"

/*
 * cli_complete - the scripts with which shells complete a command line: commands, options,
 * folders and files (by what the argument is called: DIR, FILE, KEY, OUT), and the words
 * that an option takes. They are made of the tables, and run neither program.
 */

/* `completion SHELL`, a command of both programs. It has no `run`: cli_main calls
 * cli_complete_print. */
extern const struct cli_command cli_complete_command;

/* Appends the script for `shell`: bash, zsh or fish. */
int cli_complete_print(struct buf *out, const struct cli_program *program,
		       const char *shell, struct err *err);

#endif

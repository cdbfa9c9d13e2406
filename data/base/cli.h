/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_H
#define DATA_BASE_CLI_H

#include "data/base/cli_table.h"

/*
 * cli - the command lines of both programs. The tables of cli_table.h drive the
 * parser, --help and completion.
 *
 *	PROGRAM COMMAND [--option[=value] | --option value]...
 *	PROGRAM help [COMMAND]
 *	PROGRAM completion bash|zsh|fish
 *
 * Options may stand in any order, before or after the command, and are written out: the
 * beginning of a name is no option. `--` ends the options. An option that takes a value
 * is refused if the value is empty, or if it is given again with another one.
 *
 * If an option is not given, its environment variable stands in for it, unless that is empty
 * too: ALBUMEN_ and the option's name in capitals, with `_` for `-`. A flag's variable is 1,
 * yes or true, or 0, no or false, in any case. A list's variable has one value a line; blanks
 * around it, and blank lines, do not count. A variable whose name comes near to one, but is
 * none, is warned of.
 *
 * Every command takes `-v`, `--verbose`, with which the log begins at LOG_DEBUG; `--log
 * FORMAT`, text or json (log.h); `-h`, `--help` (of the program or of one
 * command) and `--version`, which print to stdout and exit with status 0. For an unknown
 * command or option, the message names the known one that comes nearest.
 */

/*
 * Sets up the log, parses the command line and runs the command. Nothing that the process
 * makes is writable by all users, whatever its umask; the rest of the umask holds. The
 * caller puts the defaults into
 * *values; each given value replaces one. Returns the exit status of the process: the
 * result of `run` if that is 0 or positive, else err_exit_status of it, after logging
 * the message. Usage errors are logged with a hint at --help.
 */
int cli_main(const struct cli_program *program, void *values, int argc, char **argv);

#endif

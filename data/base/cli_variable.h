/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_VARIABLE_H
#define DATA_BASE_CLI_VARIABLE_H

#include "data/base/arena.h"
#include "data/base/cli_table.h"

/*
 * cli_variable - the environment variables that stand in for options: ALBUMEN_ and the
 * option's name in capitals, with `_` for `-`.
 */

/* The name of the option's variable, in the arena. */
const char *cli_variable_name(const struct cli_option *option, struct arena *arena);

/* What the variable says; NULL: nothing, as it is unset or empty, or as the option has
 * none. Borrowed from the environment. */
const char *cli_variable_value(const struct cli_option *option, const char *variable);

/* The next value of a list: the next line that is not blank, without the blanks around it,
 * in the arena. *at moves behind it. NULL: there is no other. */
const char *cli_variable_line(const char **at, struct arena *arena);

/* *on: what a flag's variable says. False: that is neither yes nor no. */
bool cli_variable_flag(bool *on, const char *value);

/*
 * Warns of each variable that says nothing: its name is none, but comes near to one of the
 * program's, in any case of letters; or it has the name of an option that `command` takes
 * from the command line alone. A variable that is empty is not looked at.
 */
void cli_variable_warn(const struct cli_program *program,
		       const struct cli_command *command);

#endif

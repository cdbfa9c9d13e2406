/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_H
#define DATA_BASE_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/*
 * cli - the command lines of both programs. One table of options and one of commands
 * drive the parser and --help.
 *
 *	PROGRAM COMMAND [--option[=value] | --option value]...
 *	PROGRAM help [COMMAND]
 *
 * Options may stand in any order, before or after the command, and are written out: the
 * beginning of a name is no option. `--` ends the options. An option that takes a value
 * is refused if the value is empty, or if it is given again with another one. If an
 * option is not given, its environment variable applies, unless that is empty too.
 *
 * Every command takes `-v`, `--verbose`, with which the log begins at LOG_DEBUG; `--log
 * FORMAT`, text or json (log.h; or ALBUMEN_LOG); `-h`, `--help` (of the program or of one
 * command) and `--version`, which print to stdout and exit with status 0. For an unknown
 * command or option, the message names the known one that comes nearest.
 */

enum cli_type {
	CLI_FLAG,   /* bool; set to true */
	CLI_STRING, /* const char *; borrowed from argv or the environment */
	CLI_NUMBER, /* long long; a decimal number that is not negative */
	CLI_LIST,   /* struct cli_list; a string is added each time */
	/* Likewise, in a second row of the same name: for commands that take the option
	 * several times, and list it as "NAME+". */
	CLI_SEVERAL,
};

/* The values of a repeatable option, in order. */
#define CLI_LIST_MAX 64
struct cli_list {
	const char *value[CLI_LIST_MAX]; /* borrowed like a CLI_STRING */
	size_t count;
};

struct cli_option {
	const char *name; /* without the dashes; NULL ends the table */
	char letter;      /* a one-letter form, or 0 */
	enum cli_type type;
	size_t offset;        /* of the value in the program's struct of values; options
				 of one offset are two names of one option */
	const char *argument; /* for --help: "DIR"; NULL for flags */
	/* The variable that applies if the option is not given, or NULL. */
	const char *environment;
	const char *summary;
};

struct cli_command {
	const char *name;
	/* `values` is what cli_main received. The operands end with a NULL; their
	 * number is right. */
	int (*run)(const void *values, char **operand, struct err *err);
	const char *options;  /* those it accepts; `!`: those it requires; `+`: the row
			       * CLI_SEVERAL of that name */
	const char *operands; /* "A B", "REQUEST..." (any number); NULL: none */
	const char *summary;
	const char *help; /* a paragraph for `COMMAND --help` */
};

struct cli_program {
	const char *name;
	const char *version;
	const char *summary;
	const struct cli_command *const *commands; /* NULL ends them */
	const struct cli_option *options;
};

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_H
#define DATA_BASE_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/*
 * cli - command lines of the two programs: one table of options and one of
 * commands, from which --help is printed, too.
 *
 *	PROGRAM COMMAND [--option[=value] | --option value]...
 *
 * Long options in any order, before or after the command; `-v` repeats; `--`
 * ends options. An option's environment variable stands in where it is not
 * given. `-h`, `--help` (of the program or of one command) and `--version`
 * print to stdout and end with status 0.
 */

enum cli_type {
	CLI_FLAG,   /* bool; set to true */
	CLI_COUNT,  /* int; one more each time */
	CLI_STRING, /* const char *; borrowed from argv or the environment */
	CLI_NUMBER, /* long long; a decimal number that is not negative */
	CLI_LIST,   /* struct cli_list; a string more each time */
};

/* The values of an option that may be repeated, in their order. */
#define CLI_LIST_MAX 64
struct cli_list {
	const char *value[CLI_LIST_MAX]; /* borrowed like a CLI_STRING */
	size_t count;
};

struct cli_option {
	const char *name; /* without the dashes; NULL ends the table */
	char letter;      /* a one-letter form, or 0 */
	enum cli_type type;
	size_t offset;           /* of the value in the program's struct of values */
	const char *argument;    /* for --help: "DIR"; NULL for flags */
	const char *environment; /* variable that stands in, or NULL */
	const char *summary;
};

struct cli_command {
	const char *name;
	/* `values` is what cli_main was given. The operands end with a NULL; there are
	 * as many as `operands` says. */
	int (*run)(const void *values, char **operand, struct err *err);
	const char *options;  /* "data! json": those it takes; `!`: those it needs */
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
 * Parses and runs. The caller puts the defaults into *values, and every value that is
 * given replaces one. Returns the exit status of the process: what `run` returned
 * where that is positive or 0, else err_exit_status of it, after the message was
 * logged. Usage errors are logged with a hint at --help.
 */
int cli_main(const struct cli_program *program, void *values, int argc, char **argv);

#endif

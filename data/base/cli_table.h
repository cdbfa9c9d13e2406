/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_TABLE_H
#define DATA_BASE_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/*
 * cli_table - a program's tables of options and commands (cli.h says how they are given), and
 * what they say for the parser, for --help, for the environment and for completion.
 */

enum cli_type {
	CLI_FLAG,   /* bool; set to true */
	CLI_STRING, /* const char *; borrowed until cli_main returns */
	CLI_NUMBER, /* long long; a decimal number that is not negative */
	CLI_LIST,   /* struct cli_list; a string is added each time */
	/* Likewise, in a second row of the same name: for commands that take the option
	 * several times, and list it as "NAME+". No variable stands in for it. */
	CLI_SEVERAL,
};
/* Added to a type: no variable stands in for the option, as it holds for one run. */
#define CLI_LINE_ONLY 8u

/* The values of a repeatable option, in order. */
#define CLI_LIST_MAX 64
struct cli_list {
	const char *value[CLI_LIST_MAX]; /* borrowed like a CLI_STRING */
	size_t count;
};

struct cli_option {
	const char *name;     /* without the dashes; NULL ends the table */
	char letter;          /* a one-letter form, or 0 */
	unsigned type;        /* enum cli_type */
	size_t offset;        /* of the value in the program's struct of values; options
				 of one offset are two names of one option */
	const char *argument; /* for --help: "DIR"; NULL for flags */
	/* The values that the option can have, with blanks between them, for completion;
	 * NULL: they cannot be listed. */
	const char *words;
	const char *summary;
};

struct cli_command {
	const char *name;
	/* `values` is what cli_main received. The operands end with a NULL; their
	 * number is right. */
	int (*run)(const void *values, char **operand, struct err *err);
	const char *options; /* those it accepts; `!`: those it requires; `+`: the row
			       * CLI_SEVERAL of that name */
	/* Groups of options that exclude each other: "A|B C|D|E", or NULL. If the command
	 * line gives one, no variable stands in for the others. */
	const char *either;
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

/* The values of the options of every command. */
struct cli_built_in {
	const char *log; /* NULL: text */
	bool verbose, help, version;
};
extern const struct cli_option cli_table_built_in[];

bool cli_table_is_built_in(const struct cli_option *option);
enum cli_type cli_table_type(const struct cli_option *option);
bool cli_table_takes_value(const struct cli_option *option);
/* Whether the option may be repeated. */
bool cli_table_is_list(const struct cli_option *option);
/* Whether an environment variable stands in for the option. */
bool cli_table_has_variable(const struct cli_option *option);

/* Whether a command accepts or requires an option. CLI_NO is 0, so the result works as a
 * bool. */
enum cli_use { CLI_NO, CLI_TAKES, CLI_NEEDS };
enum cli_use cli_table_use(const struct cli_command *command,
			   const struct cli_option *option);

/* Whether two rows are names of one option. */
bool cli_table_same(const struct cli_option *a, const struct cli_option *b);
/* Whether the command says that the two options exclude each other. */
bool cli_table_exclude(const struct cli_command *command, const struct cli_option *a,
		       const struct cli_option *b);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli_table.h"

#include <string.h>

#define AT(member) offsetof(struct cli_built_in, member)

const struct cli_option cli_table_built_in[] = {
	{"log", 0, CLI_STRING, AT(log), "FORMAT", "text json",
	 "how to log on stderr: text (the default) or json"},
	{"verbose", 'v', CLI_FLAG, AT(verbose), NULL, NULL, "log more on stderr"},
	{"help", 'h', CLI_FLAG | CLI_LINE_ONLY, AT(help), NULL, NULL,
	 "print this and end"},
	{"version", 0, CLI_FLAG | CLI_LINE_ONLY, AT(version), NULL, NULL,
	 "print the version and end"},
	{0},
};

bool cli_table_is_built_in(const struct cli_option *option)
{
	return option >= cli_table_built_in &&
	       option < cli_table_built_in +
				sizeof(cli_table_built_in) / sizeof(*cli_table_built_in);
}

enum cli_type cli_table_type(const struct cli_option *option)
{
	return (enum cli_type)(option->type & ~CLI_LINE_ONLY);
}

bool cli_table_takes_value(const struct cli_option *option)
{
	return cli_table_type(option) != CLI_FLAG;
}

bool cli_table_is_list(const struct cli_option *option)
{
	enum cli_type type = cli_table_type(option);

	return type == CLI_LIST || type == CLI_SEVERAL;
}

bool cli_table_has_variable(const struct cli_option *option)
{
	return !(option->type & CLI_LINE_ONLY) && cli_table_type(option) != CLI_SEVERAL;
}

enum cli_use cli_table_use(const struct cli_command *command,
			   const struct cli_option *option)
{
	size_t len = strlen(option->name);

	if (cli_table_is_built_in(option)) {
		return CLI_TAKES;
	}
	for (const char *at = command->options; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (strncmp(at, option->name, len) == 0 && strchr("! +", at[len]) &&
		    (at[len] == '+') == (cli_table_type(option) == CLI_SEVERAL)) {
			return at[len] == '!' ? CLI_NEEDS : CLI_TAKES;
		}
		at += word;
	}
	return CLI_NO;
}

bool cli_table_same(const struct cli_option *a, const struct cli_option *b)
{
	return a->offset == b->offset &&
	       cli_table_is_built_in(a) == cli_table_is_built_in(b);
}

/* Whether the name is one of those in "A|B|C", which ends with a blank or a NUL. */
static bool is_one_of(const char *group, const char *name)
{
	size_t len = strlen(name);

	while (*group && *group != ' ') {
		size_t word = strcspn(group, "| ");

		if (word == len && memcmp(group, name, len) == 0) {
			return true;
		}
		group += word + (group[word] == '|');
	}
	return false;
}

bool cli_table_exclude(const struct cli_command *command, const struct cli_option *a,
		       const struct cli_option *b)
{
	for (const char *at = command ? command->either : NULL; at && *at;
	     at += strspn(at, " ")) {
		if (is_one_of(at, a->name) && is_one_of(at, b->name)) {
			return true;
		}
		at += strcspn(at, " ");
	}
	return false;
}

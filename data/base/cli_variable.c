/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli_variable.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/cli_near.h"
#include "data/base/log.h"
#include "data/base/threads.h"

#define PREFIX "ALBUMEN_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

const char *cli_variable_name(const struct cli_option *option, struct arena *arena)
{
	size_t len = strlen(option->name);
	char *out = arena_alloc(arena, PREFIX_LEN + len + 1);

	memcpy(out, PREFIX, PREFIX_LEN);
	for (size_t i = 0; i <= len; i++) {
		char c = option->name[i];

		out[PREFIX_LEN + i] = (char)(c == '-' ? '_' : upper(c));
	}
	return out;
}

const char *cli_variable_value(const struct cli_option *option, const char *variable)
{
	const char *value = cli_table_has_variable(option) ? getenv(variable) : NULL;

	return value && *value ? value : NULL;
}

const char *cli_variable_line(const char **at, struct arena *arena)
{
	const char *from = *at + strspn(*at, " \t\r\n");
	size_t len = strcspn(from, "\n");

	*at = from + len;
	while (len && strchr(" \t\r", from[len - 1])) {
		len--;
	}
	return len ? arena_text(arena, from, len) : NULL;
}

bool cli_variable_flag(bool *on, const char *value)
{
	static const char *const words[] = {"1", "yes", "true", "0", "no", "false"};

	for (size_t i = 0; i < 6; i++) {
		if (strcasecmp(value, words[i]) == 0) {
			*on = i < 3;
			return true;
		}
	}
	return false;
}

/* --- warnings ----------------------------------------------------------------- */

/* The names of the program's variables, each with its option. */
struct known {
	const char *name;
	const struct cli_option *option;
};

static size_t list_known(struct known *out, const struct cli_program *program,
			 struct arena *arena)
{
	const struct cli_option *const tables[] = {program->options, cli_table_built_in};
	size_t count = 0;

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *o = tables[i]; o->name; o++) {
			if (out) {
				out[count] =
					(struct known){cli_variable_name(o, arena), o};
			}
			count++;
		}
	}
	return count;
}

/* `entry`: NAME=VALUE. */
static void look_at(const char *entry, const struct known *known, size_t count,
		    const struct cli_command *command, struct arena *arena)
{
	size_t len = strcspn(entry, "=");
	char *name = arena_text(arena, entry, len), *word = arena_text(arena, entry, len);
	struct cli_near near = {.word = word, .len = len};
	bool is_known = strcmp(name, THREADS_VARIABLE) == 0;

	for (size_t i = 0; i < len; i++) {
		word[i] = upper(word[i]);
	}
	for (size_t i = 0; i < count; i++) {
		const struct cli_option *o = known[i].option;
		bool same = strcmp(known[i].name, name) == 0;

		if (same && !cli_table_has_variable(o) && !cli_table_is_built_in(o) &&
		    cli_table_use(command, o)) {
			log_warning("the variable %s is not used: '%s' takes --%s from "
				    "the command line only",
				    name, command->name, o->name);
			return;
		}
		is_known |= same;
		if (cli_table_has_variable(o)) {
			cli_near_variable(&near, known[i].name, PREFIX_LEN);
		}
	}
	if (!is_known && near.name) {
		log_warning("the variable %s is not used; did you mean %s?", name,
			    near.name);
	}
}

void cli_variable_warn(const struct cli_program *program,
		       const struct cli_command *command)
{
	struct arena arena = {0};
	struct known *known = NULL;
	size_t count = 0;

	for (char **e = environ; e && *e; e++) {
		size_t len = strcspn(*e, "=");

		/* The name of the program is mistyped, too: albumin. */
		if (strncasecmp(*e, PREFIX, 3) != 0 || !(*e)[len] || !(*e)[len + 1]) {
			continue;
		}
		if (!known) {
			count = list_known(NULL, program, &arena);
			known = xreallocarray(NULL, count, sizeof(*known));
			list_known(known, program, &arena);
		}
		look_at(*e, known, count, command, &arena);
	}
	free(known);
	arena_release(&arena);
}

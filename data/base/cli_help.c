/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli_help.h"

#include <string.h>

#include "data/base/buf.h"
#include "data/base/cli_complete.h"

#define WIDTH 88 /* columns of what is printed */

/* Prints words, starting at `column`. Breaks lines before WIDTH and indents them. A
 * newline in the text is a newline in the output. */
static void print_wrapped(FILE *to, const char *text, int indent, int column)
{
	bool first = true;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (!first && column + 1 + len > WIDTH) {
			fprintf(to, "\n%*s", indent, "");
			column = indent;
			first = true;
		}
		if (len) {
			column += fprintf(to, "%s%.*s", first ? "" : " ", len, text);
			first = false;
		}
		text += len;
		if (*text == '\n') {
			fprintf(to, "\n%*s", text[1] && text[1] != '\n' ? indent : 0, "");
			column = indent;
			first = true;
		}
		text += *text != '\0';
	}
	fputc('\n', to);
}

static void print_entry(FILE *to, const char *name, int width, const char *text)
{
	int column = fprintf(to, "  %-*s  ", width, name);

	print_wrapped(to, text, width + 4, column);
}

/* "-v, --verbose" or "    --data DIR". */
static void add_option_name(struct buf *out, const struct cli_option *option)
{
	if (option->letter) {
		buf_addf(out, "-%c, --%s", option->letter, option->name);
	} else {
		buf_addf(out, "    --%s", option->name);
	}
	if (option->argument) {
		buf_addf(out, " %s", option->argument);
	}
}

/* How the command uses the option; NULL stands for all commands together. */
static enum cli_use shown_use(const struct cli_program *program,
			      const struct cli_command *command,
			      const struct cli_option *option)
{
	enum cli_use use = command ? cli_table_use(command, option) : CLI_NEEDS;

	for (size_t i = 0; !command && program->commands[i]; i++) {
		enum cli_use one = cli_table_use(program->commands[i], option);

		use = one < use ? one : use;
	}
	return use;
}

/* How options are set elsewhere. */
static void print_variables(FILE *to)
{
	print_wrapped(to,
		      "\nAn option that is not given is taken from the environment: "
		      "ALBUMEN_INDEX=DIR for --index, ALBUMEN_DRY_RUN=1 for --dry-run.",
		      0, 0);
}

static void print_option(FILE *to, const struct cli_option *o, enum cli_use use,
			 int width)
{
	struct buf text = {0};
	size_t name_end;

	add_option_name(&text, o);
	buf_add(&text, "", 1);
	name_end = text.len;
	buf_addstr(&text, o->summary);
	if (use == CLI_NEEDS) {
		buf_addstr(&text, " (needed)");
	}
	print_entry(to, text.data, width, text.data + name_end);
	buf_release(&text);
}

/* Prints the options of the command (NULL: those of all commands), and the built-in
 * ones. */
static void print_options(FILE *to, const struct cli_program *program,
			  const struct cli_command *command)
{
	const struct cli_option *const tables[] = {program->options, cli_table_built_in};
	struct buf text = {0};
	int width = 0;

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *o = tables[i]; o->name; o++) {
			buf_clear(&text);
			add_option_name(&text, o);
			if (shown_use(program, command, o) && (int)text.len > width) {
				width = (int)text.len;
			}
		}
	}
	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *o = tables[i]; o->name; o++) {
			enum cli_use use = shown_use(program, command, o);

			if (use) {
				print_option(to, o, use, width);
			}
		}
	}
	buf_release(&text);
}

void cli_help_program(FILE *to, const struct cli_program *program)
{
	const struct cli_command *const *c;
	int width = (int)strlen(cli_complete_command.name);

	fprintf(to, "usage: %s COMMAND [OPTION]...\n\n", program->name);
	print_wrapped(to, program->summary, 0, 0);
	fputs("\ncommands:\n", to);
	for (c = program->commands; *c; c++) {
		width = (int)strlen((*c)->name) > width ? (int)strlen((*c)->name) : width;
	}
	for (c = program->commands; *c; c++) {
		print_entry(to, (*c)->name, width, (*c)->summary);
	}
	print_entry(to, cli_complete_command.name, width, cli_complete_command.summary);
	print_entry(to, "help", width, "explain a command: help COMMAND");
	fputs("\noptions of every command:\n", to);
	print_options(to, program, NULL);
	fprintf(to, "\n'%s help COMMAND' explains a command and lists its options.\n",
		program->name);
}

void cli_help_command(FILE *to, const struct cli_program *program,
		      const struct cli_command *command)
{
	struct buf usage = {0};

	buf_addf(&usage, "usage: %s %s", program->name, command->name);
	for (const struct cli_option *o = program->options; o->name; o++) {
		if (cli_table_use(command, o) == CLI_NEEDS) {
			buf_addf(&usage, " --%s %s", o->name, o->argument);
		}
	}
	buf_addstr(&usage, " [OPTION]...");
	if (command->operands) {
		buf_addf(&usage, " %s", command->operands);
	}
	print_wrapped(to, usage.data, 7, 0);
	fputc('\n', to);
	print_wrapped(to, command->help ? command->help : command->summary, 0, 0);
	fputs("\noptions:\n", to);
	print_options(to, program, command);
	print_variables(to);
	buf_release(&usage);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli_complete.h"

#include <string.h>

#define SHELLS "bash zsh fish"

const struct cli_command cli_complete_command = {
	.name = "completion",
	.options = "",
	.operands = "SHELL",
	.summary = "print a script that completes command lines: " SHELLS,
	.help = "`make install` and the Debian package put the scripts where the shells "
		"look for them. Otherwise, bash and zsh read them from 'source "
		"<(PROGRAM completion SHELL)', and fish from 'PROGRAM completion fish | "
		"source'."};

/* --- what a value is -------------------------------------------------------------- */

enum value { FLAG, FOLDER, ANY_FILE, WORD, OTHER };

/* Of a name such as DIR. */
static enum value value_of_name(const char *name)
{
	return strcmp(name, "DIR") == 0 ? FOLDER
	       : strcmp(name, "FILE") == 0 || strcmp(name, "KEY") == 0 ||
			       strcmp(name, "OUT") == 0
		       ? ANY_FILE
		       : OTHER;
}

static enum value value_of(const struct cli_option *option)
{
	if (!cli_table_takes_value(option)) {
		return FLAG;
	}
	return option->words ? WORD : value_of_name(option->argument);
}

/* --- the tables, as the scripts need them ------------------------------------------ */

/* The first row of its name: the second has the same value. */
static bool is_first(const struct cli_program *program, const struct cli_option *option)
{
	const struct cli_option *o = program->options;

	while (o->name && strcmp(o->name, option->name) != 0) {
		o++;
	}
	return o == option || cli_table_is_built_in(option);
}

/* The row after `option` (NULL: the first row) that the command takes; without a command,
 * the next of another name. NULL: there is none. */
static const struct cli_option *next_option(const struct cli_program *program,
					    const struct cli_command *command,
					    const struct cli_option *option)
{
	const struct cli_option *o = option ? option + 1 : program->options;

	for (;; o++) {
		if (!o->name && cli_table_is_built_in(o)) {
			return NULL;
		}
		if (!o->name) {
			o = cli_table_built_in;
		}
		if (command ? cli_table_use(command, o) : is_first(program, o)) {
			return o;
		}
	}
}

/* Command number `i`: those of the program, and those of all programs. */
static const struct cli_command *command_at(const struct cli_program *program, size_t i)
{
	static const struct cli_command help = {
		.name = "help", .options = "", .summary = "explain a command"};
	size_t count = 0;

	while (program->commands[count]) {
		count++;
	}
	return i < count        ? program->commands[i]
	       : i == count     ? &cli_complete_command
	       : i == count + 1 ? &help
				: NULL;
}

static void add_commands(struct buf *out, const struct cli_program *program)
{
	const struct cli_command *c;

	for (size_t i = 0; (c = command_at(program, i)); i++) {
		buf_addf(out, "%s%s", i ? " " : "", c->name);
	}
}

/* The program's name as that of a function. */
static void add_function(struct buf *out, const struct cli_program *program)
{
	buf_addch(out, '_');
	for (const char *c = program->name; *c; c++) {
		buf_addch(out, *c == '-' ? '_' : *c);
	}
}

/* The words of a list, with one blank between them. */
static void add_words(struct buf *out, const char *words)
{
	const char *blank = "";

	for (const char *at = words + strspn(words, " "); *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		buf_addf(out, "%s%.*s", blank, (int)len, at);
		blank = " ";
		at += len;
	}
}

/* Text in single quotes, or as a part of it; a backslash before the characters of
 * `special`. */
static void add_quoted(struct buf *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_addstr(out, "'\\''");
			continue;
		}
		if (strchr(special, *text)) {
			buf_addch(out, '\\');
		}
		buf_addch(out, *text);
	}
}

/* The options with a value of one kind; OTHER: of any. False: there is none. */
static bool add_valued(struct buf *out, const struct cli_program *program,
		       enum value kind, const char *between)
{
	const char *before = "";

	for (const struct cli_option *o = NULL; (o = next_option(program, NULL, o));) {
		if (kind == OTHER ? value_of(o) != FLAG : value_of(o) == kind) {
			buf_addf(out, "%s--%s", before, o->name);
			before = between;
		}
	}
	return *before;
}

/* --- bash ------------------------------------------------------------------------- */

static void add_bash_options(struct buf *out, const struct cli_program *program,
			     const struct cli_command *command)
{
	buf_addf(out, "\t\t%s) words='", command ? command->name : "''");
	for (const struct cli_option *o = NULL; (o = next_option(program, command, o));) {
		buf_addf(out, "--%s ", o->name);
	}
	out->len--;
	buf_addstr(out, "' ;;\n");
}

static void add_bash_values(struct buf *out, const struct cli_program *program)
{
	struct buf pattern = {0};

	if (add_valued(&pattern, program, FOLDER, "|")) {
		buf_addf(out, "\t%s) kind=-d ;;\n", pattern.data);
	}
	buf_clear(&pattern);
	if (add_valued(&pattern, program, ANY_FILE, "|")) {
		buf_addf(out, "\t%s) kind=-f ;;\n", pattern.data);
	}
	for (const struct cli_option *o = NULL; (o = next_option(program, NULL, o));) {
		if (value_of(o) == WORD) {
			buf_addf(out, "\t--%s) words='", o->name);
			add_words(out, o->words);
			buf_addstr(out, "' ;;\n");
		}
	}
	buf_release(&pattern);
}

/* bash makes a word of its own of the `=` in --index=DIR. */
static void add_bash(struct buf *out, const struct cli_program *program)
{
	const struct cli_command *c;

	add_function(out, program);
	buf_addstr(out, "()\n"
			"{\n"
			"\tlocal current=${COMP_WORDS[COMP_CWORD]}\n"
			"\tlocal command='' option='' words='' kind='' word i\n"
			"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			"\t\tword=${COMP_WORDS[i]}\n"
			"\t\tcase $word in\n"
			"\t\t");
	add_valued(out, program, OTHER, "|");
	buf_addstr(out,
		   ")\n"
		   "\t\t\t((i + 1 < COMP_CWORD)) && [[ ${COMP_WORDS[i + 1]} == = ]] && "
		   "((i++))\n"
		   "\t\t\t((++i >= COMP_CWORD)) && option=$word\n"
		   "\t\t\t;;\n"
		   "\t\t-*) ;;\n"
		   "\t\t*) command=${command:-$word} ;;\n"
		   "\t\tesac\n"
		   "\tdone\n"
		   "\t[[ $current == = ]] && current=''\n"
		   "\tcase $option in\n");
	add_bash_values(out, program);
	buf_addstr(out, "\t'')\n"
			"\t\tcase $command:$current in\n"
			"\t\t*:-*) ;;\n"
			"\t\t:*|help:*) words='");
	add_commands(out, program);
	buf_addstr(out, "' ;;\n"
			"\t\tcompletion:*) words='" SHELLS "' ;;\n");
	for (size_t i = 0; program->commands[i]; i++) {
		c = program->commands[i];
		if (c->operands && value_of_name(c->operands) == ANY_FILE) {
			buf_addf(out, "\t\t%s:*) kind=-f ;;\n", c->name);
		}
	}
	buf_addstr(out, "\t\tesac\n"
			"\t\t[[ $current == -* ]] && case $command in\n");
	add_bash_options(out, program, NULL);
	for (size_t i = 0; (c = command_at(program, i)); i++) {
		add_bash_options(out, program, c);
	}
	buf_addstr(out,
		   "\t\tesac\n"
		   "\t\t;;\n"
		   "\tesac\n"
		   "\tif [[ $kind ]]; then\n"
		   "\t\tcompopt -o filenames\n"
		   "\t\tmapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$current\")\n"
		   "\telse\n"
		   "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
		   "\tfi\n"
		   "}\n"
		   "complete -F ");
	add_function(out, program);
	buf_addf(out, " %s\n", program->name);
}

/* --- zsh -------------------------------------------------------------------------- */

/* Specifications of _arguments, one a line. */
static void add_zsh_options(struct buf *out, const struct cli_program *program,
			    const struct cli_command *command)
{
	for (const struct cli_option *o = NULL; (o = next_option(program, command, o));) {
		const char *star = cli_table_is_list(o) ? "*" : "";

		if (o->letter) {
			buf_addf(out, "\t\t'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name,
				 o->letter, o->name);
		} else {
			buf_addf(out, "\t\t'%s--%s%s[", star, o->name,
				 value_of(o) == FLAG ? "" : "=");
		}
		add_quoted(out, o->summary, "[]\\");
		buf_addch(out, ']');
		switch (value_of(o)) {
		case FLAG:
			break;
		case FOLDER:
			buf_addf(out, ":%s:_files -/", o->argument);
			break;
		case ANY_FILE:
			buf_addf(out, ":%s:_files", o->argument);
			break;
		case WORD:
			buf_addf(out, ":%s:(", o->argument);
			add_words(out, o->words);
			buf_addch(out, ')');
			break;
		case OTHER:
			buf_addf(out, ":%s: ", o->argument);
			break;
		}
		buf_addstr(out, "' \\\n");
	}
}

static void add_zsh_operands(struct buf *out, const struct cli_program *program,
			     const struct cli_command *command)
{
	const char *operands = command->operands ? command->operands : "";

	if (command == &cli_complete_command) {
		buf_addstr(out, "\t\t'1:SHELL:(" SHELLS ")' && ret=0\n");
	} else if (strcmp(command->name, "help") == 0) {
		buf_addstr(out, "\t\t'1:COMMAND:(");
		add_commands(out, program);
		buf_addstr(out, ")' && ret=0\n");
	} else if (value_of_name(operands) == ANY_FILE) {
		buf_addf(out, "\t\t'1:%s:_files' && ret=0\n", operands);
	} else if (*operands) {
		buf_addf(out, "\t\t'*:%s: ' && ret=0\n", operands);
	} else {
		buf_addstr(out, "\t\t&& ret=0\n");
	}
}

static void add_zsh(struct buf *out, const struct cli_program *program)
{
	const struct cli_command *c;

	buf_addf(out, "#compdef %s\n\n", program->name);
	add_function(out, program);
	buf_addstr(out, "()\n"
			"{\n"
			"\tlocal curcontext=$curcontext state state_descr line ret=1\n"
			"\tlocal -A opt_args\n"
			"\tlocal -a commands=(\n");
	for (size_t i = 0; (c = command_at(program, i)); i++) {
		buf_addf(out, "\t\t'%s:", c->name);
		add_quoted(out, c->summary, ":\\");
		buf_addstr(out, "'\n");
	}
	buf_addstr(out, "\t)\n"
			"\t_arguments -C -A '-*' \\\n");
	add_zsh_options(out, program, NULL);
	buf_addstr(out, "\t\t'1: :->command' '*:: :->rest' && ret=0\n"
			"\tcase $state in\n"
			"\tcommand) _describe command commands && ret=0 ;;\n"
			"\trest) case $words[1] in\n");
	for (size_t i = 0; (c = command_at(program, i)); i++) {
		buf_addf(out, "\t%s) _arguments \\\n", c->name);
		add_zsh_options(out, program, c);
		add_zsh_operands(out, program, c);
		buf_addstr(out, "\t\t;;\n");
	}
	buf_addstr(out,
		   "\tesac ;;\n"
		   "\tesac\n"
		   "\treturn ret\n"
		   "}\n\n"
		   "# This file is a function of the name below, or it was sourced.\n");
	buf_addf(out, "if [ \"$funcstack[1]\" = _%s ]; then\n\t", program->name);
	add_function(out, program);
	buf_addstr(out, " \"$@\"\nelse\n\tcompdef ");
	add_function(out, program);
	buf_addf(out, " %s\nfi\n", program->name);
}

/* --- fish ------------------------------------------------------------------------- */

static void add_fish_summary(struct buf *out, const char *summary)
{
	buf_addstr(out, " -d '");
	for (; *summary; summary++) {
		buf_addf(out, "%s%c", strchr("'\\", *summary) ? "\\" : "", *summary);
	}
	buf_addstr(out, "'\n");
}

static void add_fish_option(struct buf *out, const struct cli_program *program,
			    const struct cli_option *option)
{
	const struct cli_command *c;

	buf_addf(out, "complete -c %s", program->name);
	if (!cli_table_is_built_in(option)) {
		buf_addstr(out, " -n '_");
		add_function(out, program);
		buf_addstr(out, "_in");
		for (size_t i = 0; (c = command_at(program, i)); i++) {
			if (cli_table_use(c, option)) {
				buf_addf(out, " %s", c->name);
			}
		}
		buf_addch(out, '\'');
	}
	buf_addf(out, " -l %s", option->name);
	if (option->letter) {
		buf_addf(out, " -s %c", option->letter);
	}
	switch (value_of(option)) {
	case FLAG:
		break;
	case FOLDER:
		buf_addstr(out, " -x -a '(__fish_complete_directories)'");
		break;
	case ANY_FILE:
		buf_addstr(out, " -r -F");
		break;
	case WORD:
		buf_addstr(out, " -x -a '");
		add_words(out, option->words);
		buf_addch(out, '\'');
		break;
	case OTHER:
		buf_addstr(out, " -x");
		break;
	}
	add_fish_summary(out, option->summary);
}

static void add_fish(struct buf *out, const struct cli_program *program)
{
	struct buf name = {0}, valued = {0};
	const struct cli_command *c;

	add_function(&name, program);
	add_valued(&valued, program, OTHER, " ");
	buf_addf(out,
		 "# Which command is given.\n"
		 "function _%s_command\n"
		 "\tset -l value no\n"
		 "\tfor word in (commandline -opc)[2..-1]\n"
		 "\t\tif test $value = yes\n"
		 "\t\t\tset value no\n"
		 "\t\t\tcontinue\n"
		 "\t\tend\n"
		 "\t\tswitch $word\n"
		 "\t\t\tcase %s\n"
		 "\t\t\t\tset value yes\n"
		 "\t\t\tcase '-*'\n"
		 "\t\t\tcase '*'\n"
		 "\t\t\t\techo $word\n"
		 "\t\t\t\treturn\n"
		 "\t\tend\n"
		 "\tend\n"
		 "end\n"
		 "# Whether it is none yet, or one of these.\n"
		 "function _%s_in\n"
		 "\tset -l command (_%s_command)\n"
		 "\ttest -z \"$command\"; or contains -- $command $argv\n"
		 "end\n"
		 "complete -c %s -f\n",
		 name.data, valued.data, name.data, name.data, program->name);
	for (size_t i = 0; (c = command_at(program, i)); i++) {
		buf_addf(out, "complete -c %s -n 'test -z \"$(_%s_command)\"' -a %s",
			 program->name, name.data, c->name);
		add_fish_summary(out, c->summary);
	}
	buf_addf(out, "complete -c %s -n 'test \"$(_%s_command)\" = help' -a '",
		 program->name, name.data);
	add_commands(out, program);
	buf_addf(out,
		 "'\ncomplete -c %s -n 'test \"$(_%s_command)\" = completion' -a '" SHELLS
		 "'\n",
		 program->name, name.data);
	for (size_t i = 0; program->commands[i]; i++) {
		c = program->commands[i];
		if (c->operands && value_of_name(c->operands) == ANY_FILE) {
			buf_addf(out,
				 "complete -c %s -n 'test \"$(_%s_command)\" = %s' -F\n",
				 program->name, name.data, c->name);
		}
	}
	for (const struct cli_option *o = program->options; o->name; o++) {
		add_fish_option(out, program, o);
	}
	for (const struct cli_option *o = cli_table_built_in; o->name; o++) {
		add_fish_option(out, program, o);
	}
	buf_release(&name);
	buf_release(&valued);
}

int cli_complete_print(struct buf *out, const struct cli_program *program,
		       const char *shell, struct err *err)
{
	static const struct {
		const char *name;
		void (*add)(struct buf *out, const struct cli_program *program);
	} shells[] = {{"bash", add_bash}, {"zsh", add_zsh}, {"fish", add_fish}};

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].add(out, program);
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "no completion for '%s'; it is one of: " SHELLS,
		       shell);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <unistd.h>

#include "data/base/arena.h"
#include "data/base/buf.h"
#include "data/base/cli_complete.h"
#include "data/base/cli_help.h"
#include "data/base/cli_near.h"
#include "data/base/cli_variable.h"
#include "data/base/log.h"

#define DESCRIPTORS_MIN 64

/* What an option was given, on the command line or by its variable. The command may follow
 * the options, so they are collected, and set at the end. */
struct given {
	const struct cli_option *option;
	const char *value;    /* NULL: a flag of the command line */
	const char *variable; /* that stands in; NULL: it is of the command line */
};

struct cli {
	const struct cli_program *program;
	void *values;
	struct cli_built_in built_in;
	const struct cli_command *command; /* NULL: none was given */
	bool help_word;                    /* `help` was given as the command */
	struct given *given;
	size_t given_count, given_cap;
	char **operand;
	int operand_count;
	struct arena arena; /* names of variables, values of lists */
};

/* --- what was meant --------------------------------------------------------------- */

static int unknown_command(const struct cli *cli, const char *word, struct err *err)
{
	struct cli_near near = {.word = word, .len = strlen(word)};

	for (size_t i = 0; cli->program->commands[i]; i++) {
		cli_near_consider(&near, cli->program->commands[i]->name);
	}
	cli_near_consider(&near, cli_complete_command.name);
	cli_near_consider(&near, "help");
	return err_set(err, ERR_USAGE, "unknown command '%s'%s%s%s", word,
		       near.name ? "; did you mean '" : "", near.name ? near.name : "",
		       near.name ? "'?" : "");
}

/* `word` without its value and its dashes is what could be meant. */
static int unknown_option(const struct cli *cli, const char *word, struct err *err)
{
	const struct cli_option *const tables[] = {cli->program->options,
						   cli_table_built_in};
	size_t dashes = strspn(word, "-"), len = strcspn(word, "=");
	struct cli_near near = {.word = word + dashes, .len = len - dashes};

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *o = tables[i]; o->name; o++) {
			if (!cli->command || cli_table_use(cli->command, o)) {
				cli_near_consider(&near, o->name);
			}
		}
	}
	return err_set(err, ERR_USAGE, "unknown option '%.*s'%s%s%s", (int)len, word,
		       near.name ? "; did you mean '--" : "", near.name ? near.name : "",
		       near.name ? "'?" : "");
}

/* --- values ------------------------------------------------------------------- */

static void add_given(struct cli *cli, const struct cli_option *option, const char *value,
		      const char *variable)
{
	cli->given =
		xgrow(cli->given, cli->given_count, &cli->given_cap, sizeof(*cli->given));
	cli->given[cli->given_count++] = (struct given){option, value, variable};
}

static int add_to_list(struct cli_list *list, const struct given *given, struct err *err)
{
	const char *name = given->option->name;

	if (list->count == CLI_LIST_MAX && given->variable) {
		return err_set(err, ERR_USAGE, "the variable %s has more than %d lines",
			       given->variable, CLI_LIST_MAX);
	}
	if (list->count == CLI_LIST_MAX) {
		return err_set(err, ERR_USAGE,
			       "option '--%s' is given more than %d times", name,
			       CLI_LIST_MAX);
	}
	list->value[list->count++] = given->value;
	return 0;
}

static int set_flag(bool *to, const struct given *given, struct err *err)
{
	if (!given->value) {
		*to = true;
		return 0;
	}
	return cli_variable_flag(to, given->value)
		       ? 0
		       : err_set(err, ERR_USAGE,
				 "the variable %s is '%s'; it must be 1, yes or true, "
				 "or 0, no or false",
				 given->variable, given->value);
}

static int set_number(long long *to, const struct given *given, struct err *err)
{
	const char *value = given->value;
	long long number = 0;

	assert(value);
	for (const char *p = value; *p || p == value; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *p - '0', &number)) {
			return given->variable
				       ? err_set(err, ERR_USAGE,
						 "the variable %s needs a number, not "
						 "'%s'",
						 given->variable, value)
				       : err_set(err, ERR_USAGE,
						 "option '--%s' needs a number, not '%s'",
						 given->option->name, value);
		}
	}
	*to = number;
	return 0;
}

static int set_given(struct cli *cli, const struct given *given, struct err *err)
{
	const struct cli_option *o = given->option;
	char *values = cli_table_is_built_in(o) ? (char *)&cli->built_in : cli->values;
	void *to = values + o->offset;

	if (given->value && !*given->value) {
		return err_set(err, ERR_USAGE, "option '--%s' must not be empty",
			       o->name);
	}
	switch (cli_table_type(o)) {
	case CLI_FLAG:
		return set_flag(to, given, err);
	case CLI_STRING:
		*(const char **)to = given->value;
		return 0;
	case CLI_NUMBER:
		return set_number(to, given, err);
	case CLI_LIST:
	case CLI_SEVERAL:
		return add_to_list(to, given, err);
	}
	assert(false);
	return 0;
}

/* Whether the command line gives the option, or one that excludes it. */
static bool is_settled(const struct cli *cli, const struct cli_option *option)
{
	for (size_t i = 0; i < cli->given_count; i++) {
		const struct given *g = &cli->given[i];

		if (!g->variable &&
		    (cli_table_same(g->option, option) ||
		     cli_table_exclude(cli->command, g->option, option))) {
			return true;
		}
	}
	return false;
}

/* Adds what the variables of the options in a table say. */
static void add_variables(struct cli *cli, const struct cli_option *table)
{
	for (const struct cli_option *o = table; o->name; o++) {
		const char *name = cli_variable_name(o, &cli->arena);
		const char *value = cli_variable_value(o, name), *line;

		if (!value || !cli_table_use(cli->command, o) || is_settled(cli, o)) {
			continue;
		}
		if (!cli_table_is_list(o)) {
			add_given(cli, o, value, name);
			continue;
		}
		while ((line = cli_variable_line(&value, &cli->arena))) {
			add_given(cli, o, line, name);
		}
	}
}

/* Refuses one option with two values: which of them is meant, is not known. */
static int check_given(const struct cli *cli, const struct given *given, struct err *err)
{
	const struct cli_option *o = given->option;

	if (!cli_table_use(cli->command, o)) {
		return err_set(err, ERR_USAGE, "'%s' takes no option '--%s'",
			       cli->command->name, o->name);
	}
	if (!cli_table_takes_value(o) || cli_table_is_list(o)) {
		return 0;
	}
	for (const struct given *g = cli->given; g < given; g++) {
		/* Two names of one option have one offset. */
		if (cli_table_same(g->option, o) && strcmp(g->value, given->value) != 0) {
			return given->variable
				       ? err_set(err, ERR_USAGE,
						 "%s='%s' and %s='%s' contradict each "
						 "other",
						 g->variable, g->value, given->variable,
						 given->value)
				       : err_set(err, ERR_USAGE,
						 "'--%s %s' and '--%s %s' contradict "
						 "each other",
						 g->option->name, g->value, o->name,
						 given->value);
		}
	}
	return 0;
}

/* Checks that the command has the options that it needs. */
static int check_needed(const struct cli *cli, struct err *err)
{
	for (const struct cli_option *o = cli->program->options; o->name; o++) {
		bool given = cli_table_use(cli->command, o) != CLI_NEEDS;

		for (size_t i = 0; i < cli->given_count && !given; i++) {
			given = cli_table_same(cli->given[i].option, o);
		}
		if (!given) {
			struct arena arena = {0};
			const char *variable = cli_variable_name(o, &arena);

			err_set(err, ERR_USAGE,
				"'%s' needs option '--%s %s' or environment variable %s",
				cli->command->name, o->name, o->argument, variable);
			arena_release(&arena);
			return ERR_USAGE;
		}
	}
	return 0;
}

/* --- the command line --------------------------------------------------------- */

/*
 * getopt_long(3) is not used: it takes the beginning of a name for the option, so a new
 * option could change what an old script does.
 */

/* The option with the name of `len` bytes, or (if `len` is 0) the letter; or NULL. */
static const struct cli_option *find_option(const struct cli *cli, const char *name,
					    size_t len, char letter)
{
	const struct cli_option *const tables[] = {cli->program->options,
						   cli_table_built_in};

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *o = tables[i]; o->name; o++) {
			if (len ? strlen(o->name) == len &&
					    memcmp(o->name, name, len) == 0
				: o->letter && o->letter == letter) {
				return o;
			}
		}
	}
	return NULL;
}

/* One of `value` and `next`, the word behind the option, is the value of an option that
 * takes one; either may be NULL. *used: `next` is. */
static int take_option(struct cli *cli, const struct cli_option *option,
		       const char *value, const char *next, bool *used, struct err *err)
{
	if (!cli_table_takes_value(option) && value) {
		return err_set(err, ERR_USAGE, "option '--%s' takes no value",
			       option->name);
	}
	if (cli_table_takes_value(option) && !value) {
		value = next;
		*used = true;
		if (!next) {
			return err_set(err, ERR_USAGE, "option '--%s' needs a value: %s",
				       option->name, option->argument);
		}
	}
	add_given(cli, option, value, NULL);
	return 0;
}

/* --name, --name=value */
static int take_long(struct cli *cli, const char *word, const char *next, bool *used,
		     struct err *err)
{
	size_t len = strcspn(word + 2, "=");
	const char *value = word[2 + len] ? word + 2 + len + 1 : NULL;
	const struct cli_option *option = len ? find_option(cli, word + 2, len, 0) : NULL;

	return option ? take_option(cli, option, value, next, used, err)
		      : unknown_option(cli, word, err);
}

/* -v, -vv, -vo VALUE, -voVALUE */
static int take_letters(struct cli *cli, const char *word, const char *next, bool *used,
			struct err *err)
{
	int rc = 0;

	for (const char *at = word + 1; *at && !rc; at++) {
		const struct cli_option *option = find_option(cli, NULL, 0, *at);
		bool takes = option && cli_table_takes_value(option);

		if (!option && at == word + 1) {
			return unknown_option(cli, word, err);
		}
		if (!option) {
			return err_set(err, ERR_USAGE, "unknown option '-%c' in '%s'",
				       *at, word);
		}
		rc = take_option(cli, option, takes && at[1] ? at + 1 : NULL, next, used,
				 err);
		if (takes) {
			break;
		}
	}
	return rc;
}

static int take_operand(struct cli *cli, char *operand, struct err *err)
{
	const struct cli_command *const *commands = cli->program->commands;

	if (cli->command) {
		cli->operand[cli->operand_count++] = operand;
		return 0;
	}
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, operand) == 0) {
			cli->command = commands[i];
			return 0;
		}
	}
	if (strcmp(operand, cli_complete_command.name) == 0) {
		cli->command = &cli_complete_command;
		return 0;
	}
	if (strcmp(operand, "help") == 0) {
		cli->built_in.help = cli->help_word = true;
		return 0;
	}
	return unknown_command(cli, operand, err);
}

static int parse(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool options_end = false;
	int rc = 0;

	cli->operand = xzalloc(((size_t)argc + 1) * sizeof(*cli->operand));
	for (int i = 1; i < argc && !rc; i++) {
		char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool used = false;

		if (options_end || word[0] != '-' || !word[1]) {
			rc = take_operand(cli, word, err);
		} else if (strcmp(word, "--") == 0) {
			options_end = true;
		} else if (word[1] == '-') {
			rc = take_long(cli, word, next, &used, err);
		} else {
			rc = take_letters(cli, word, next, &used, err);
		}
		i += used;
	}
	return rc;
}

/* Checks the number of operands. */
static int check_operands(const struct cli *cli, struct err *err)
{
	const char *takes = cli->command->operands;
	int count = takes ? 1 : 0;

	for (const char *at = takes; at && (at = strchr(at, ' ')); at++) {
		count++;
	}
	if (cli->operand_count == count || (takes && strstr(takes, "..."))) {
		return 0;
	}
	return takes ? err_set(err, ERR_USAGE, "'%s' takes %d operand%s: %s",
			       cli->command->name, count, count == 1 ? "" : "s", takes)
		     : err_set(err, ERR_USAGE, "'%s' takes no operand: '%s'",
			       cli->command->name, cli->operand[0]);
}

/* Of two options of one name, the one that the command takes. */
static const struct cli_option *choose(const struct cli *cli,
				       const struct cli_option *option)
{
	const struct cli_option *o = cli->program->options;

	while (o->name && !cli_table_use(cli->command, option) &&
	       (strcmp(o->name, option->name) != 0 || !cli_table_use(cli->command, o))) {
		o++;
	}
	return o->name && !cli_table_use(cli->command, option) ? o : option;
}

/* Sets the options of the command. Those of every command are set already. */
static int apply(struct cli *cli, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < cli->given_count; i++) {
		cli->given[i].option = choose(cli, cli->given[i].option);
	}
	add_variables(cli, cli->program->options);
	for (size_t i = 0; i < cli->given_count && !rc; i++) {
		rc = check_given(cli, &cli->given[i], err);
	}
	rc = rc ? rc : check_operands(cli, err);
	for (size_t i = 0; i < cli->given_count && !rc; i++) {
		if (!cli_table_is_built_in(cli->given[i].option)) {
			rc = set_given(cli, &cli->given[i], err);
		}
	}
	return rc ? rc : check_needed(cli, err);
}

/* Appends which variables gave the options and the values that a message speaks of. */
static void add_origins(struct buf *out, const struct cli *cli, const char *msg)
{
	struct buf part = {0};

	for (size_t i = 0; i < cli->given_count; i++) {
		const struct given *g = &cli->given[i];
		const char *at;
		bool named;

		if (!g->variable || strstr(out->data, g->variable)) {
			continue;
		}
		buf_clear(&part);
		buf_addf(&part, "--%s", g->option->name);
		at = strstr(msg, part.data);
		named = at && !strchr("-abcdefghijklmnopqrstuvwxyz", at[part.len]);
		buf_clear(&part);
		buf_addf(&part, "'%s'", g->value);
		if (named || strstr(msg, part.data)) {
			buf_addf(out, "; --%s is from the variable %s", g->option->name,
				 g->variable);
		}
	}
	buf_release(&part);
}

/* Sets the options of every command, and sets up the log as they say. */
static int begin(struct cli *cli, struct err *err)
{
	const char *log;
	int rc = 0;

	add_variables(cli, cli_table_built_in);
	for (size_t i = 0; i < cli->given_count && !rc; i++) {
		if (cli_table_is_built_in(cli->given[i].option)) {
			rc = set_given(cli, &cli->given[i], err);
		}
	}
	log = cli->built_in.log;
	if (!rc && log && strcmp(log, "text") != 0 && strcmp(log, "json") != 0) {
		rc = err_set(err, ERR_USAGE,
			     "option '--log' is 'text' or 'json', not '%s'", log);
	}
	log_init(cli->program->name, cli->built_in.verbose ? LOG_DEBUG : LOG_INFO);
	log_set_json(log && strcmp(log, "json") == 0);
	return rc;
}

static void log_failure(const struct cli *cli, int rc, const struct err *err)
{
	struct buf msg = {0};

	buf_addstr(&msg, err->msg);
	add_origins(&msg, cli, err->msg);
	if (rc == ERR_USAGE) {
		log_error("%s (try '%s%s%s --help')", msg.data, cli->program->name,
			  cli->command ? " " : "",
			  cli->command ? cli->command->name : "");
	} else if (*err->msg) {
		log_error("%s", msg.data);
	}
	buf_release(&msg);
}

/*
 * Without a free descriptor, libgit2 reports an existing file as missing, and an object
 * in it as a damaged repository. So raise the limit as far as the system allows, and
 * refuse to start with fewer descriptors than DESCRIPTORS_MIN.
 */
static int get_descriptors(struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		return err_sys(err, "cannot read the limit of open files");
	}
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur < DESCRIPTORS_MIN) {
		return err_set(
			err, ERR_FAIL,
			"too many open files: the limit is %llu, and %d are needed; "
			"raise it (ulimit -n, LimitNOFILE=)",
			(unsigned long long)limit.rlim_cur, DESCRIPTORS_MIN);
	}
	return 0;
}

/*
 * A file that is opened while a standard descriptor is closed gets its number, and what is
 * printed is written into that file: the result of a check once replaced the first bytes of
 * the index that it had checked. So a closed one is opened for reading: to write to it
 * still fails.
 */
static int hold_descriptors(struct err *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) {
			return err_sys(err, "cannot open '/dev/null'");
		}
	}
	return 0;
}

static int print_completion(const struct cli *cli, struct err *err)
{
	struct buf out = {0};
	int rc = cli_complete_print(&out, cli->program, cli->operand[0], err);

	if (!rc) {
		fwrite(out.data, 1, out.len, stdout);
	}
	buf_release(&out);
	return rc;
}

static int run_command(struct cli *cli, struct err *err)
{
	int rc;

	cli_variable_warn(cli->program, cli->command);
	rc = apply(cli, err);
	rc = rc ? rc : get_descriptors(err);
	if (!rc && cli->command == &cli_complete_command) {
		return print_completion(cli, err);
	}
	return rc ? rc : cli->command->run(cli->values, cli->operand, err);
}

int cli_main(const struct cli_program *program, void *values, int argc, char **argv)
{
	struct cli cli = {.program = program, .values = values};
	struct err err = {0};
	int rc, begun;

	rc = hold_descriptors(&err);
	log_init(program->name, LOG_INFO);
	/* Libraries and other programs make files for us, too, so their modes are decided
	 * here for all. umask(2) holds for all threads: there is one thread yet. */
	umask(umask(S_IRWXO | S_IRWXG) | S_IWOTH);
	/* With SIGXFSZ ignored, a limit on file sizes (ulimit -f) makes write fail with
	 * EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	rc = rc ? rc : parse(&cli, argc, argv, &err);
	/* A command line that is refused is refused in the format that it asks for. Help is
	 * given whatever the variables are. */
	begun = begin(&cli, rc ? NULL : &err);
	rc = rc || cli.built_in.help || cli.built_in.version ? rc : begun;
	if (rc) {
		goto out;
	}
	if (cli.help_word && cli.operand_count) {
		rc = err_set(&err, ERR_USAGE, "'help' explains one command");
		goto out;
	}
	if (cli.built_in.help && cli.command) {
		cli_help_command(stdout, program, cli.command);
	} else if (cli.built_in.help) {
		cli_help_program(stdout, program);
	} else if (cli.built_in.version) {
		printf("%s %s\n", program->name, program->version);
	} else if (!cli.command) {
		cli_help_program(stderr, program);
		rc = 2;
	} else {
		rc = run_command(&cli, &err);
	}
	/* A result that was not written completely is a failure too. */
	if (rc >= 0 && (fflush(stdout) == EOF || ferror(stdout))) {
		rc = err_sys(&err, "cannot write to standard output");
	}
out:
	if (rc < 0) {
		log_failure(&cli, rc, &err);
	}
	free(cli.given);
	free(cli.operand);
	arena_release(&cli.arena);
	return rc < 0 ? err_exit_status(rc) : rc;
}

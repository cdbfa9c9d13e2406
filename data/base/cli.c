/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli.h"

#include <assert.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/resource.h>

#include "data/base/buf.h"
#include "data/base/log.h"

#define DESCRIPTORS_MIN 64

#define WIDTH 88 /* columns of what --help prints */

/* What getopt_long returns for a long option: one of these, or LONG_FIRST plus its
 * place in the table. For a short option it returns the letter, which is smaller. */
enum { LONG_HELP = 256, LONG_VERSION, LONG_FIRST };

/* An option on the command line. The command may follow it, so options are collected,
 * and applied at the end. */
struct given {
	const struct cli_option *option;
	const char *value;
};

struct cli {
	const struct cli_program *program;
	void *values;
	const struct cli_command *command; /* NULL: none was given */
	bool help, version;
	struct given *given;
	size_t given_count;
	char **operand;
	int operand_count;
};

static bool takes_value(const struct cli_option *option)
{
	return option->type == CLI_STRING || option->type == CLI_NUMBER ||
	       option->type == CLI_LIST;
}

/* Whether a command accepts or requires an option. NO is 0, so the result works as a
 * bool. */
enum use { NO, TAKES, NEEDS };

static enum use use_of(const struct cli_command *command, const struct cli_option *option)
{
	size_t len = strlen(option->name);

	for (const char *at = command->options; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (strncmp(at, option->name, len) == 0 && strchr("! ", at[len])) {
			return at[len] == '!' ? NEEDS : TAKES;
		}
		at += word;
	}
	return NO;
}

/* --- --help ------------------------------------------------------------------- */

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
static enum use shown_use(const struct cli_program *program,
			  const struct cli_command *command,
			  const struct cli_option *option)
{
	enum use use = command ? use_of(command, option) : NEEDS;

	for (size_t i = 0; !command && program->commands[i]; i++) {
		enum use one = use_of(program->commands[i], option);

		use = one < use ? one : use;
	}
	return use;
}

/* Prints the options of the command (NULL: those of all commands), and the built-in
 * ones. */
static void print_options(FILE *to, const struct cli_program *program,
			  const struct cli_command *command)
{
	struct buf text = {0};
	int width = (int)strlen("-h, --help");

	for (const struct cli_option *o = program->options; o->name; o++) {
		buf_clear(&text);
		add_option_name(&text, o);
		if (shown_use(program, command, o) && (int)text.len > width) {
			width = (int)text.len;
		}
	}
	for (const struct cli_option *o = program->options; o->name; o++) {
		enum use use = shown_use(program, command, o);
		size_t name_end;

		if (!use) {
			continue;
		}
		buf_clear(&text);
		add_option_name(&text, o);
		buf_add(&text, "", 1);
		name_end = text.len;
		buf_addstr(&text, o->summary);
		if (use == NEEDS && o->environment) {
			buf_addf(&text, " (needed; or $%s)", o->environment);
		} else if (use == NEEDS) {
			buf_addstr(&text, " (needed)");
		} else if (o->environment) {
			buf_addf(&text, " (or $%s)", o->environment);
		}
		print_entry(to, text.data, width, text.data + name_end);
	}
	print_entry(to, "-h, --help", width, "print this and end");
	print_entry(to, "    --version", width, "print the version and end");
	buf_release(&text);
}

static void print_program_help(FILE *to, const struct cli_program *program)
{
	const struct cli_command *const *c;
	int width = 0;

	fprintf(to, "usage: %s COMMAND [OPTION]...\n\n", program->name);
	print_wrapped(to, program->summary, 0, 0);
	fputs("\ncommands:\n", to);
	for (c = program->commands; *c; c++) {
		width = (int)strlen((*c)->name) > width ? (int)strlen((*c)->name) : width;
	}
	for (c = program->commands; *c; c++) {
		print_entry(to, (*c)->name, width, (*c)->summary);
	}
	fputs("\noptions of every command:\n", to);
	print_options(to, program, NULL);
	fprintf(to, "\n'%s COMMAND --help' explains a command and lists its options.\n",
		program->name);
}

static void print_command_help(FILE *to, const struct cli *cli)
{
	struct buf usage = {0};

	buf_addf(&usage, "usage: %s %s", cli->program->name, cli->command->name);
	for (const struct cli_option *o = cli->program->options; o->name; o++) {
		if (use_of(cli->command, o) == NEEDS) {
			buf_addf(&usage, " --%s %s", o->name, o->argument);
		}
	}
	buf_addstr(&usage, " [OPTION]...");
	if (cli->command->operands) {
		buf_addf(&usage, " %s", cli->command->operands);
	}
	print_wrapped(to, usage.data, 7, 0);
	fputc('\n', to);
	print_wrapped(to, cli->command->help ? cli->command->help : cli->command->summary,
		      0, 0);
	fputs("\noptions:\n", to);
	print_options(to, cli->program, cli->command);
	buf_release(&usage);
}

/* --- the command line --------------------------------------------------------- */

/* The tables of getopt_long. */
static struct option *make_long_options(struct buf *letters,
					const struct cli_program *program)
{
	const struct cli_option *options = program->options;
	struct option *table;
	size_t count = 0;

	while (options[count].name) {
		count++;
	}
	table = xzalloc((count + 3) * sizeof(*table));
	/* '-' makes getopt_long return operands in their place, even with
	 * POSIXLY_CORRECT; ':' tells a missing value apart from an unknown option. */
	buf_addstr(letters, "-:h");
	for (size_t i = 0; i < count; i++) {
		bool value = takes_value(&options[i]);

		table[i] = (struct option){.name = options[i].name,
					   .has_arg = value ? required_argument
							    : no_argument,
					   .val = LONG_FIRST + (int)i};
		if (options[i].letter) {
			buf_addf(letters, "%c%s", options[i].letter, value ? ":" : "");
		}
	}
	table[count] = (struct option){.name = "help", .val = LONG_HELP};
	table[count + 1] = (struct option){.name = "version", .val = LONG_VERSION};
	return table;
}

static const struct cli_option *option_of(const struct cli *cli, int value)
{
	const struct cli_option *options = cli->program->options;

	if (value >= LONG_FIRST) {
		return &options[value - LONG_FIRST];
	}
	for (; options->name; options++) {
		if (options->letter && options->letter == value) {
			return options;
		}
	}
	return NULL;
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
	return err_set(err, ERR_USAGE, "unknown command '%s'", operand);
}

/* An option that getopt_long rejected: `found` is ':' or '?'. */
static int bad_option(const struct cli *cli, int found, const char *argument,
		      struct err *err)
{
	const struct cli_option *option = option_of(cli, optopt);

	if (found == ':') {
		return err_set(err, ERR_USAGE, "option '--%s' needs a value: %s",
			       option->name, option->argument);
	}
	if (option || optopt == LONG_HELP || optopt == LONG_VERSION) {
		return err_set(err, ERR_USAGE, "option '%.*s' takes no value",
			       (int)strcspn(argument, "="), argument);
	}
	if (optopt) {
		return err_set(err, ERR_USAGE, "unknown option '-%c'", optopt);
	}
	return err_set(err, ERR_USAGE, "unknown option '%.*s'",
		       (int)strcspn(argument, "="), argument);
}

static int take_option(struct cli *cli, int found, char **argv, struct err *err)
{
	switch (found) {
	case 1:
		return take_operand(cli, optarg, err);
	case 'h':
	case LONG_HELP:
		cli->help = true;
		return 0;
	case LONG_VERSION:
		cli->version = true;
		return 0;
	case ':':
	case '?':
		return bad_option(cli, found, argv[optind - 1], err);
	default:
		cli->given[cli->given_count++] =
			(struct given){option_of(cli, found), optarg};
		return 0;
	}
}

static int parse(struct cli *cli, int argc, char **argv, struct err *err)
{
	struct buf letters = {0};
	struct option *table = make_long_options(&letters, cli->program);
	size_t most = 1; /* at most one option a byte: -vvv */
	int found, rc = 0;

	for (int i = 0; i < argc; i++) {
		most += strlen(argv[i]);
	}
	cli->given = xreallocarray(NULL, most, sizeof(*cli->given));
	cli->operand = xzalloc(((size_t)argc + 1) * sizeof(*cli->operand));
	opterr = 0;
	optind = 0; /* glibc: start over */
	while (!rc &&
	       (found = getopt_long(argc, argv, letters.data, table, NULL)) != -1) {
		rc = take_option(cli, found, argv, err);
	}
	while (!rc && optind < argc) {
		rc = take_operand(cli, argv[optind++], err);
	}
	free(table);
	buf_release(&letters);
	return rc;
}

/* --- values ------------------------------------------------------------------- */

static int add_to_list(const struct cli_option *option, struct cli_list *list,
		       const char *value, struct err *err)
{
	if (list->count == CLI_LIST_MAX) {
		return err_set(err, ERR_USAGE,
			       "option '--%s' is given more than %d times", option->name,
			       CLI_LIST_MAX);
	}
	list->value[list->count++] = value;
	return 0;
}

static int set_value(const struct cli_option *option, void *values, const char *value,
		     struct err *err)
{
	void *to = (char *)values + option->offset;
	long long number = 0;

	switch (option->type) {
	case CLI_FLAG:
		*(bool *)to = true;
		return 0;
	case CLI_COUNT:
		++*(int *)to;
		return 0;
	case CLI_STRING:
		*(const char **)to = value;
		return 0;
	case CLI_NUMBER:
		for (const char *p = value; *p || p == value; p++) {
			if (*p < '0' || *p > '9' ||
			    __builtin_mul_overflow(number, 10, &number) ||
			    __builtin_add_overflow(number, *p - '0', &number)) {
				return err_set(err, ERR_USAGE,
					       "option '--%s' needs a number, not '%s'",
					       option->name, value);
			}
		}
		*(long long *)to = number;
		return 0;
	case CLI_LIST:
		return add_to_list(option, to, value, err);
	}
	assert(false);
	return 0;
}

/* Sets option `o` from the command line, or else from its environment variable. */
static int set_option(const struct cli *cli, const struct cli_option *o, struct err *err)
{
	bool needed = use_of(cli->command, o) == NEEDS;
	const char *value = NULL;
	bool given = false;
	int rc = 0;

	for (size_t i = 0; i < cli->given_count && !rc; i++) {
		if (cli->given[i].option == o) {
			given = true;
			value = cli->given[i].value;
			rc = set_value(o, cli->values, value, err);
		}
	}
	if (rc) {
		return rc;
	}
	if (!given && o->environment) {
		assert(takes_value(o));
		value = getenv(o->environment);
		/* An empty variable counts as unset. */
		if (value && *value) {
			given = true;
			rc = set_value(o, cli->values, value, err);
		}
	}
	if (needed && !given) {
		return err_set(err, ERR_USAGE, "'%s' needs option '--%s %s'%s%s",
			       cli->command->name, o->name, o->argument,
			       o->environment ? " or environment variable " : "",
			       o->environment ? o->environment : "");
	}
	if (needed && value && !*value) {
		return err_set(err, ERR_USAGE, "option '--%s' must not be empty",
			       o->name);
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

static int apply(const struct cli *cli, struct err *err)
{
	int rc;

	for (size_t i = 0; i < cli->given_count; i++) {
		if (!use_of(cli->command, cli->given[i].option)) {
			return err_set(err, ERR_USAGE, "'%s' takes no option '--%s'",
				       cli->command->name, cli->given[i].option->name);
		}
	}
	rc = check_operands(cli, err);
	for (const struct cli_option *o = cli->program->options; o->name && !rc; o++) {
		if (use_of(cli->command, o)) {
			rc = set_option(cli, o, err);
		}
	}
	return rc;
}

static void log_failure(const struct cli *cli, int rc, const struct err *err)
{
	if (rc == ERR_USAGE) {
		log_error("%s (try '%s%s%s --help')", err->msg, cli->program->name,
			  cli->command ? " " : "",
			  cli->command ? cli->command->name : "");
	} else if (*err->msg) {
		log_error("%s", err->msg);
	}
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

int cli_main(const struct cli_program *program, void *values, int argc, char **argv)
{
	struct cli cli = {.program = program, .values = values};
	struct err err = {0};
	int rc;

	log_init(program->name, LOG_INFO);
	/* Libraries and other programs make files for us, too, so their modes are decided
	 * here for all. umask(2) holds for all threads: there is one thread yet. */
	umask(umask(S_IRWXO | S_IRWXG) | S_IWOTH);
	/* With SIGXFSZ ignored, a limit on file sizes (ulimit -f) makes write fail with
	 * EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	rc = parse(&cli, argc, argv, &err);
	if (rc) {
		goto out;
	}
	if (cli.help && cli.command) {
		print_command_help(stdout, &cli);
	} else if (cli.help) {
		print_program_help(stdout, program);
	} else if (cli.version) {
		printf("%s %s\n", program->name, program->version);
	} else if (!cli.command) {
		print_program_help(stderr, program);
		rc = 2;
	} else {
		rc = apply(&cli, &err);
		rc = rc ? rc : get_descriptors(&err);
		rc = rc ? rc : cli.command->run(cli.values, cli.operand, &err);
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
	return rc < 0 ? err_exit_status(rc) : rc;
}

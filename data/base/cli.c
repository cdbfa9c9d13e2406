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

#include "data/base/buf.h"
#include "data/base/log.h"

#define DESCRIPTORS_MIN 64

#define WIDTH 88 /* columns of what --help prints */

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
	bool verbose, help, version;
	const char *log; /* NULL: text */
	bool help_word;  /* `help` was given as the command */
	struct given *given;
	size_t given_count;
	char **operand;
	int operand_count;
};

/* The options of every command. Their values are in struct cli. */
static const struct cli_option built_in[] = {
	{"log", 0, CLI_STRING, offsetof(struct cli, log), "FORMAT", "ALBUMEN_LOG",
	 "how to log on stderr: text (the default) or json"},
	{"verbose", 'v', CLI_FLAG, offsetof(struct cli, verbose), NULL, NULL,
	 "log more on stderr"},
	{"help", 'h', CLI_FLAG, offsetof(struct cli, help), NULL, NULL,
	 "print this and end"},
	{"version", 0, CLI_FLAG, offsetof(struct cli, version), NULL, NULL,
	 "print the version and end"},
	{0},
};

static bool is_built_in(const struct cli_option *option)
{
	return option >= built_in &&
	       option < built_in + sizeof(built_in) / sizeof(*built_in);
}

static bool takes_value(const struct cli_option *option)
{
	return option->type == CLI_STRING || option->type == CLI_NUMBER ||
	       option->type == CLI_LIST || option->type == CLI_SEVERAL;
}

/* Whether a command accepts or requires an option. NO is 0, so the result works as a
 * bool. */
enum use { NO, TAKES, NEEDS };

static enum use use_of(const struct cli_command *command, const struct cli_option *option)
{
	size_t len = strlen(option->name);

	if (is_built_in(option)) {
		return TAKES;
	}
	for (const char *at = command->options; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (strncmp(at, option->name, len) == 0 && strchr("! +", at[len]) &&
		    (at[len] == '+') == (option->type == CLI_SEVERAL)) {
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

static void print_option(FILE *to, const struct cli_option *o, enum use use, int width)
{
	struct buf text = {0};
	size_t name_end;

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
	buf_release(&text);
}

/* Prints the options of the command (NULL: those of all commands), and the built-in
 * ones. */
static void print_options(FILE *to, const struct cli_program *program,
			  const struct cli_command *command)
{
	const struct cli_option *const tables[] = {program->options, built_in};
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
			enum use use = shown_use(program, command, o);

			if (use) {
				print_option(to, o, use, width);
			}
		}
	}
	buf_release(&text);
}

static void print_program_help(FILE *to, const struct cli_program *program)
{
	const struct cli_command *const *c;
	int width = (int)strlen("help");

	fprintf(to, "usage: %s COMMAND [OPTION]...\n\n", program->name);
	print_wrapped(to, program->summary, 0, 0);
	fputs("\ncommands:\n", to);
	for (c = program->commands; *c; c++) {
		width = (int)strlen((*c)->name) > width ? (int)strlen((*c)->name) : width;
	}
	for (c = program->commands; *c; c++) {
		print_entry(to, (*c)->name, width, (*c)->summary);
	}
	print_entry(to, "help", width, "explain a command: help COMMAND");
	fputs("\noptions of every command:\n", to);
	print_options(to, program, NULL);
	fprintf(to, "\n'%s help COMMAND' explains a command and lists its options.\n",
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

/* --- what was meant --------------------------------------------------------------- */

#define WORD_MAX 40 /* bytes of a word that could be meant as a name */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, removed, replaced or swapped with the next one to make
 * `name` of the `len` bytes of `word`: the optimal string alignment distance. */
static unsigned distance(const char *word, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	/* Of the words' beginnings: the last two rows of the table, and the present one. */
	unsigned row[3][WORD_MAX + 1];
	unsigned *before = row[0], *above = row[1], *here = row[2];

	for (size_t j = 0; j <= name_len; j++) {
		above[j] = (unsigned)j;
	}
	for (size_t i = 1; i <= len; i++) {
		unsigned *free = before;

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= name_len; j++) {
			here[j] = least(least(above[j], here[j - 1]) + 1,
					above[j - 1] + (word[i - 1] != name[j - 1]));
			if (i > 1 && j > 1 && word[i - 1] == name[j - 2] &&
			    word[i - 2] == name[j - 1]) {
				here[j] = least(here[j], before[j - 2] + 1);
			}
		}
		before = above;
		above = here;
		here = free;
	}
	return above[name_len];
}

/* The name that comes nearest to a word. */
struct nearest {
	const char *word;
	size_t len;
	const char *name; /* NULL: none is near */
	unsigned distance;
};

static void consider(struct nearest *nearest, const char *name)
{
	size_t len = strlen(name);
	unsigned d;

	if (!nearest->len || nearest->len > WORD_MAX || len > WORD_MAX) {
		return;
	}
	/* Programs that take the beginning of a name for the whole have taught it. */
	d = strncmp(name, nearest->word, nearest->len) == 0
		    ? 1
		    : distance(nearest->word, nearest->len, name);
	if (d <= (len < 6 ? 1 : 2) && (!nearest->name || d < nearest->distance)) {
		nearest->name = name;
		nearest->distance = d;
	}
}

static int unknown_command(const struct cli *cli, const char *word, struct err *err)
{
	struct nearest nearest = {.word = word, .len = strlen(word)};

	for (size_t i = 0; cli->program->commands[i]; i++) {
		consider(&nearest, cli->program->commands[i]->name);
	}
	consider(&nearest, "help");
	return err_set(err, ERR_USAGE, "unknown command '%s'%s%s%s", word,
		       nearest.name ? "; did you mean '" : "",
		       nearest.name ? nearest.name : "", nearest.name ? "'?" : "");
}

/* `word` without its value and its dashes is what could be meant. */
static int unknown_option(const struct cli *cli, const char *word, struct err *err)
{
	const struct cli_option *const tables[] = {cli->program->options, built_in};
	size_t dashes = strspn(word, "-"), len = strcspn(word, "=");
	struct nearest nearest = {.word = word + dashes, .len = len - dashes};

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *o = tables[i]; o->name; o++) {
			if (!cli->command || use_of(cli->command, o)) {
				consider(&nearest, o->name);
			}
		}
	}
	return err_set(err, ERR_USAGE, "unknown option '%.*s'%s%s%s", (int)len, word,
		       nearest.name ? "; did you mean '--" : "",
		       nearest.name ? nearest.name : "", nearest.name ? "'?" : "");
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
	const struct cli_option *const tables[] = {cli->program->options, built_in};

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
	if (!takes_value(option) && value) {
		return err_set(err, ERR_USAGE, "option '--%s' takes no value",
			       option->name);
	}
	if (takes_value(option) && !value) {
		value = next;
		*used = true;
		if (!next) {
			return err_set(err, ERR_USAGE, "option '--%s' needs a value: %s",
				       option->name, option->argument);
		}
	}
	cli->given[cli->given_count++] = (struct given){option, value};
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
		bool takes = option && takes_value(option);

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
	if (strcmp(operand, "help") == 0) {
		cli->help = cli->help_word = true;
		return 0;
	}
	return unknown_command(cli, operand, err);
}

static int parse(struct cli *cli, int argc, char **argv, struct err *err)
{
	size_t most = 1; /* at most one option a byte: -vvv */
	bool options_end = false;
	int rc = 0;

	for (int i = 0; i < argc; i++) {
		most += strlen(argv[i]);
	}
	cli->given = xreallocarray(NULL, most, sizeof(*cli->given));
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
	case CLI_SEVERAL:
		return add_to_list(option, to, value, err);
	}
	assert(false);
	return 0;
}

/* Sets option `o` from the command line, or else from its environment variable. */
static int set_option(const struct cli *cli, const struct cli_option *o, void *values,
		      struct err *err)
{
	bool needed = cli->command && use_of(cli->command, o) == NEEDS;
	const char *value = NULL;
	bool given = false;
	int rc = 0;

	for (size_t i = 0; i < cli->given_count && !rc; i++) {
		if (cli->given[i].option == o) {
			given = true;
			value = cli->given[i].value;
			rc = value && !*value
				     ? err_set(err, ERR_USAGE,
					       "option '--%s' must not be empty", o->name)
				     : set_value(o, values, value, err);
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
			rc = set_value(o, values, value, err);
		}
	}
	if (needed && !given) {
		return err_set(err, ERR_USAGE, "'%s' needs option '--%s %s'%s%s",
			       cli->command->name, o->name, o->argument,
			       o->environment ? " or environment variable " : "",
			       o->environment ? o->environment : "");
	}
	return rc;
}

/* Refuses one option with two values: which of them is meant, is not known. */
static int check_given(const struct cli *cli, const struct given *given, struct err *err)
{
	const struct cli_option *o = given->option;

	if (!use_of(cli->command, o)) {
		return err_set(err, ERR_USAGE, "'%s' takes no option '--%s'",
			       cli->command->name, o->name);
	}
	if (!takes_value(o) || o->type == CLI_LIST || o->type == CLI_SEVERAL) {
		return 0;
	}
	for (const struct given *g = cli->given; g < given; g++) {
		/* Two names of one option have one offset. */
		if (is_built_in(g->option) == is_built_in(o) &&
		    g->option->offset == o->offset &&
		    strcmp(g->value, given->value) != 0) {
			return err_set(err, ERR_USAGE,
				       "'--%s %s' and '--%s %s' contradict each other",
				       g->option->name, g->value, o->name, given->value);
		}
	}
	return 0;
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

	while (o->name && !use_of(cli->command, option) &&
	       (strcmp(o->name, option->name) != 0 || !use_of(cli->command, o))) {
		o++;
	}
	return o->name && !use_of(cli->command, option) ? o : option;
}

static int apply(const struct cli *cli, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < cli->given_count && !rc; i++) {
		cli->given[i].option = choose(cli, cli->given[i].option);
		rc = check_given(cli, &cli->given[i], err);
	}
	rc = rc ? rc : check_operands(cli, err);
	for (const struct cli_option *o = cli->program->options; o->name && !rc; o++) {
		if (use_of(cli->command, o)) {
			rc = set_option(cli, o, cli->values, err);
		}
	}
	return rc;
}

/* Sets the built-in options, and sets up the log as they say. */
static int begin(struct cli *cli, struct err *err)
{
	int rc = 0;

	for (const struct cli_option *o = built_in; o->name && !rc; o++) {
		rc = set_option(cli, o, cli, err);
	}
	if (!rc && cli->log && strcmp(cli->log, "text") != 0 &&
	    strcmp(cli->log, "json") != 0) {
		rc = err_set(err, ERR_USAGE,
			     "option '--log' is 'text' or 'json', not '%s'", cli->log);
	}
	log_init(cli->program->name, cli->verbose ? LOG_DEBUG : LOG_INFO);
	log_set_json(cli->log && strcmp(cli->log, "json") == 0);
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
	/* A command line that is refused is refused in the format that it asks for. */
	begun = begin(&cli, rc ? NULL : &err);
	rc = rc ? rc : begun;
	if (rc) {
		goto out;
	}
	if (cli.help_word && cli.operand_count) {
		rc = err_set(&err, ERR_USAGE, "'help' explains one command");
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

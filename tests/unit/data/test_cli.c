/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/base/cli.h"
#include "data/base/file.h"
#include "data/base/log.h"

/* What the program below was asked for. */
static struct values {
	const char *ran;
	int argc;
	const char *data, *out;
	bool json;
	long long limit;
	struct cli_list drop;
} got;

static int rc_of_run;

static int count(char **operand)
{
	int n = 0;

	while (operand[n]) {
		n++;
	}
	return n;
}

static int run_scan(const void *values, char **operand, struct err *err)
{
	(void)err;
	assert_ptr_equal(values, &got);
	log_debug("details");
	got.ran = "scan";
	got.argc = count(operand);
	return rc_of_run;
}

static int run_show(const void *values, char **operand, struct err *err)
{
	(void)values;
	log_debug("details");
	got.ran = "show";
	got.argc = count(operand);
	if (operand[0] && strcmp(operand[0], "locked") == 0) {
		return err_set(err, ERR_LOCKED, "it is locked");
	}
	if (operand[0] && strcmp(operand[0], "option") == 0) {
		return err_set(err, ERR_FAIL, "--out is bad, not --outer");
	}
	if (operand[0] && strcmp(operand[0], "value") == 0) {
		return err_set(err, ERR_FAIL, "cannot open '%s'", got.out);
	}
	printf("result\n");
	return 0;
}

static const struct cli_command scan = {.name = "scan",
					.run = run_scan,
					.options = "data! limit drop accept",
					.summary = "bring the index up to the folder"};
static const struct cli_command show = {.name = "show",
					.run = run_show,
					.options = "out output limit json",
					.either = "out|json output|json",
					.operands = "REQUEST...",
					.summary = "print what was answered",
					.help = "Prints the body that a request was "
						"answered with. This paragraph is long "
						"enough to "
						"be broken into more than one line of "
						"output.\n\nAnd a second paragraph."};
static const struct cli_command two = {.name = "two",
				       .run = run_show,
				       .options = "limit drop+",
				       .operands = "A B",
				       .summary = "take two"};
static const struct cli_command *const commands[] = {&scan, &show, &two, NULL};

#define AT(member) offsetof(struct values, member)

static const struct cli_option options[] = {
	{"data", 0, CLI_STRING, AT(data), "DIR", NULL, "the metadata folder"},
	{"out", 'o', CLI_STRING, AT(out), "FILE", NULL,
	 "where to write the result, which is explained at such a length that the text "
	 "of it "
	 "must be broken"},
	{"limit", 0, CLI_NUMBER, AT(limit), "N", NULL, "at most N of them"},
	{"json", 0, CLI_FLAG, AT(json), NULL, NULL, "JSON instead of text"},
	{"output", 0, CLI_STRING, AT(out), "FILE", NULL, "another name for --out"},
	{"drop", 0, CLI_LIST, AT(drop), "PATH", NULL, "leave this out"},
	{"drop", 0, CLI_SEVERAL, AT(drop), "PATH", NULL, "erase this"},
	{"accept", 0, CLI_LIST | CLI_LINE_ONLY, AT(drop), "WHAT", NULL, "accept this"},
	{0}};

static const struct cli_program program = {"albumen-test", "1.2.3",
					   "A program for tests.", commands, options};

/* What the last run wrote. */
struct output {
	struct buf out, err;
	char *words; /* of its command line, which values borrow */
};

static int redirect(int fd, FILE *to)
{
	int saved = dup(fd);

	assert_true(saved >= 0);
	assert_true(dup2(fileno(to), fd) >= 0);
	return saved;
}

static void restore(struct buf *text, int fd, int saved, FILE *file)
{
	struct err err = {0};

	assert_true(dup2(saved, fd) >= 0);
	close(saved);
	rewind(file);
	buf_clear(text);
	assert_int_equal(file_read_fd(text, fileno(file), 1 << 20, "output", &err), 0);
	fclose(file);
}

/* Runs the program with the words of `line` and returns its exit status. */
static int run(struct output *output, const char *line)
{
	char *save = NULL;
	char *argv[32] = {(char *)(uintptr_t) "albumen-test"};
	int argc = 1, status, saved_out, saved_err;
	FILE *out = tmpfile(), *err = tmpfile();

	free(output->words);
	output->words = xstrdup(line);
	for (char *w = strtok_r(output->words, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		argv[argc++] = strcmp(w, "EMPTY") == 0 ? w + 5 : w;
	}
	memset(&got, 0, sizeof(got));
	assert_non_null(out);
	assert_non_null(err);
	fflush(stdout);
	saved_out = redirect(STDOUT_FILENO, out);
	saved_err = redirect(STDERR_FILENO, err);
	status = cli_main(&program, &got, argc, argv);
	fflush(stdout);
	restore(&output->out, STDOUT_FILENO, saved_out, out);
	restore(&output->err, STDERR_FILENO, saved_err, err);
	return status;
}

static bool logs_details(const struct output *output)
{
	return strcmp(output->err.len ? output->err.data : "",
		      "albumen-test: debug: details\n") == 0;
}

static const char *const variables[] = {
	"ALBUMEN_DATA",    "ALBUMEN_LIMIT", "ALBUMEN_JSON",   "ALBUMEN_OUT",
	"ALBUMEN_OUTPUT",  "ALBUMEN_DROP",  "ALBUMEN_ACCEPT", "ALBUMEN_VERBOSE",
	"ALBUMEN_VERSION", "ALBUMEN_DORP",  "ALBUMEN_drop",   "ALBUMIN_LIMIT",
	"ALBUMEN_THREADS", "ALBUMEN_XYZ"};

static int setup(void **state)
{
	*state = xzalloc(sizeof(struct output));
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		unsetenv(variables[i]);
	}
	unsetenv("POSIXLY_CORRECT");
	rc_of_run = 0;
	return 0;
}

static int teardown(void **state)
{
	struct output *output = *state;

	buf_release(&output->out);
	buf_release(&output->err);
	free(output->words);
	free(output);
	return 0;
}

static void options_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"scan --data d -v --limit 5", "--data d -v --limit 5 scan",
		"--data=d scan -v --limit=5", "-v --limit 5 scan --data d",
		"scan --limit 5 --limit 5 -v --data d --verbose --data=d"};
	(void)state;
	for (int posix = 0; posix < 2; posix++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
			assert_int_equal(run(*state, lines[i]), 0);
			assert_string_equal(got.ran, "scan");
			assert_string_equal(got.data, "d");
			assert_int_equal(got.limit, 5);
			assert_true(logs_details(*state));
			assert_int_equal(got.argc, 0);
		}
		setenv("POSIXLY_CORRECT", "1", 1);
	}
}

static void operands_and_short_options_are_taken(void **state)
{
	struct output *output = *state;

	assert_int_equal(run(output, "show -vvo f a --json b -v -- --c -d"), 0);
	assert_string_equal(got.ran, "show");
	assert_true(logs_details(output));
	assert_true(got.json);
	assert_string_equal(got.out, "f");
	assert_int_equal(got.argc, 4);
	assert_string_equal(output->out.data, "result\n");
	assert_int_equal(run(output, "-- show x"), 0);
	assert_int_equal(got.argc, 1);
	assert_int_equal(run(output, "show - -of"), 0);
	assert_int_equal(got.argc, 1);
	assert_string_equal(got.out, "f");
}

static void log_level_is_info_without_v(void **state)
{
	struct output *output = *state;

	assert_int_equal(run(output, "show -v"), 0);
	assert_true(logs_details(output));
	assert_int_equal(run(output, "show"), 0);
	assert_int_equal(output->err.len, 0);
}

static void two_names_are_one_option(void **state)
{
	struct output *output = *state;

	assert_int_equal(run(output, "show --output f"), 0);
	assert_string_equal(got.out, "f");
	assert_int_equal(run(output, "show --out f --output f -o f"), 0);
	assert_int_equal(run(output, "show --out f --output g"), 2);
	assert_string_equal(output->err.data,
			    "albumen-test: error: '--out f' and '--output g' contradict "
			    "each other (try 'albumen-test show --help')\n");
}

static void the_environment_stands_in(void **state)
{
	struct output *output = *state;

	setenv("ALBUMEN_DATA", "from-env", 1);
	setenv("ALBUMEN_LIMIT", "7", 1);
	assert_int_equal(run(output, "scan"), 0);
	assert_string_equal(got.data, "from-env");
	assert_int_equal(got.limit, 7);
	assert_int_equal(run(output, "scan --data line --limit 8"), 0);
	assert_string_equal(got.data, "line");
	assert_int_equal(got.limit, 8);
	/* A command that does not take the option does not look. */
	assert_int_equal(run(output, "show"), 0);
	assert_null(got.data);
	setenv("ALBUMEN_LIMIT", "many", 1);
	assert_int_equal(run(output, "scan"), 2);
	assert_string_equal(output->err.data,
			    "albumen-test: error: the variable ALBUMEN_LIMIT needs a "
			    "number, not 'many' (try 'albumen-test scan --help')\n");
	assert_int_equal(run(output, "scan --limit 1"), 0);
	assert_int_equal(run(output, "scan --help"), 0);
	setenv("ALBUMEN_LIMIT", "", 1);
	assert_int_equal(run(output, "scan"), 0);
	assert_int_equal(got.limit, 0);
	setenv("ALBUMEN_DATA", "", 1);
	assert_int_equal(run(output, "scan"), 2);
}

static void a_flag_is_set_by_a_word(void **state)
{
	static const char *const on[] = {"1", "yes", "true", "True", "YES"},
				 *const off[] = {"0", "no", "false", ""};
	struct output *output = *state;

	for (size_t i = 0; i < 5; i++) {
		setenv("ALBUMEN_JSON", on[i], 1);
		setenv("ALBUMEN_VERBOSE", on[i], 1);
		assert_int_equal(run(output, "show"), 0);
		assert_true(got.json);
		assert_true(logs_details(output));
	}
	for (size_t i = 0; i < 4; i++) {
		setenv("ALBUMEN_JSON", off[i], 1);
		setenv("ALBUMEN_VERBOSE", off[i], 1);
		assert_int_equal(run(output, "show"), 0);
		assert_false(got.json);
		assert_int_equal(output->err.len, 0);
		assert_int_equal(run(output, "show -v --json"), 0);
		assert_true(got.json);
		assert_true(logs_details(output));
	}
	setenv("ALBUMEN_JSON", "on", 1);
	assert_int_equal(run(output, "show"), 2);
	assert_string_equal(
		output->err.data,
		"albumen-test: error: the variable ALBUMEN_JSON is 'on'; it must "
		"be 1, yes or true, or 0, no or false (try 'albumen-test show "
		"--help')\n");
	setenv("ALBUMEN_VERBOSE", "2", 1);
	assert_int_equal(run(output, "two a b"), 2);
	assert_int_equal(run(output, "two a b -v"), 0);
	/* That one prints the version is for one run. */
	setenv("ALBUMEN_VERBOSE", "", 1);
	setenv("ALBUMEN_VERSION", "1", 1);
	assert_int_equal(run(output, "two a b"), 0);
	assert_int_equal(output->err.len, 0);
	assert_string_equal(output->out.data, "result\n");
}

static void a_list_has_one_value_a_line(void **state)
{
	struct output *output = *state;
	struct buf lines = {0};

	setenv("ALBUMEN_DROP", "\n  infos\r\n\texifs.a b \n \n", 1);
	assert_int_equal(run(output, "scan --data d"), 0);
	assert_int_equal(got.drop.count, 2);
	/* The command line's list is all of it. */
	assert_int_equal(run(output, "scan --data d --drop one"), 0);
	assert_int_equal(got.drop.count, 1);
	assert_string_equal(got.drop.value[0], "one");
	for (int i = 0; i < CLI_LIST_MAX; i++) {
		buf_addstr(&lines, "x\n");
	}
	setenv("ALBUMEN_DROP", lines.data, 1);
	assert_int_equal(run(output, "scan --data d"), 0);
	assert_int_equal(got.drop.count, CLI_LIST_MAX);
	buf_addstr(&lines, "x");
	setenv("ALBUMEN_DROP", lines.data, 1);
	assert_int_equal(run(output, "scan --data d"), 2);
	assert_string_equal(
		output->err.data,
		"albumen-test: error: the variable ALBUMEN_DROP has more than "
		"64 lines (try 'albumen-test scan --help')\n");
	buf_release(&lines);
}

static void the_command_line_alone_gives_some(void **state)
{
	struct output *output = *state;

	setenv("ALBUMEN_ACCEPT", "all", 1);
	assert_int_equal(run(output, "scan --data d"), 0);
	assert_int_equal(got.drop.count, 0);
	assert_string_equal(output->err.data,
			    "albumen-test: warning: the variable ALBUMEN_ACCEPT is not "
			    "used: 'scan' takes --accept from the command line only\n");
	assert_int_equal(run(output, "show"), 0);
	assert_int_equal(output->err.len, 0);
	setenv("ALBUMEN_DROP", "x", 1);
	assert_int_equal(run(output, "two a b"), 0);
	assert_int_equal(got.drop.count, 0);
	assert_string_equal(output->err.data,
			    "albumen-test: warning: the variable ALBUMEN_DROP is not "
			    "used: 'two' takes --drop from the command line only\n");
	assert_int_equal(run(output, "two a b --drop y"), 0);
	assert_int_equal(got.drop.count, 1);
}

static void a_mistyped_variable_is_warned_of(void **state)
{
	static const char *const meant[][2] = {{"ALBUMEN_DORP", "ALBUMEN_DROP"},
					       {"ALBUMEN_drop", "ALBUMEN_DROP"},
					       {"ALBUMIN_LIMIT", "ALBUMEN_LIMIT"}};
	struct output *output = *state;

	for (size_t i = 0; i < 3; i++) {
		char want[200];

		setenv(meant[i][0], "x", 1);
		snprintf(want, sizeof(want),
			 "albumen-test: warning: the variable %s is not used; did you "
			 "mean %s?\n",
			 meant[i][0], meant[i][1]);
		/* So it is by commands that do not take the option. */
		assert_int_equal(run(output, "show"), 0);
		assert_string_equal(output->err.data, want);
		assert_int_equal(run(output, "show --help"), 0);
		assert_int_equal(output->err.len, 0);
		setenv(meant[i][0], "", 1);
		assert_int_equal(run(output, "show"), 0);
		assert_int_equal(output->err.len, 0);
	}
	setenv("ALBUMEN_THREADS", "0", 1);
	setenv("ALBUMEN_XYZ", "0", 1);
	setenv("ALBUMEN_DATA", "d", 1);
	assert_int_equal(run(output, "show"), 0);
	assert_int_equal(output->err.len, 0);
}

static void the_command_line_keeps_out_what_it_excludes(void **state)
{
	struct output *output = *state;

	setenv("ALBUMEN_JSON", "1", 1);
	assert_int_equal(run(output, "show --out f"), 0);
	assert_false(got.json);
	setenv("ALBUMEN_OUT", "from-env", 1);
	assert_int_equal(run(output, "show --output f"), 0);
	assert_string_equal(got.out, "f");
	assert_int_equal(run(output, "show --json"), 0);
	assert_null(got.out);
	setenv("ALBUMEN_OUTPUT", "from-env", 1);
	assert_int_equal(run(output, "show"), 0);
	assert_true(got.json);
	setenv("ALBUMEN_OUTPUT", "other", 1);
	assert_int_equal(run(output, "show"), 2);
	assert_string_equal(
		output->err.data,
		"albumen-test: error: ALBUMEN_OUT='from-env' and "
		"ALBUMEN_OUTPUT='other' contradict each other (try 'albumen-test "
		"show --help')\n");
}

static void a_message_names_the_variable(void **state)
{
	struct output *output = *state;

	setenv("ALBUMEN_OUT", "there", 1);
	assert_int_equal(run(output, "show option"), 1);
	assert_string_equal(
		output->err.data,
		"albumen-test: error: --out is bad, not --outer; --out is from "
		"the variable ALBUMEN_OUT\n");
	assert_int_equal(run(output, "show value"), 1);
	assert_string_equal(output->err.data, "albumen-test: error: cannot open 'there'; "
					      "--out is from the variable ALBUMEN_OUT\n");
	assert_int_equal(run(output, "show locked"), 75);
	assert_string_equal(output->err.data, "albumen-test: error: it is locked\n");
	assert_int_equal(run(output, "show value --out there"), 1);
	assert_string_equal(output->err.data,
			    "albumen-test: error: cannot open 'there'\n");
}

static void usage_errors_say_what_and_hint_at_help(void **state)
{
	static const char *const wrong[][2] = {
		{"scna",
		 "unknown command 'scna'; did you mean 'scan'? (try 'albumen-test "
		 "--help')"},
		{"sc", "unknown command 'sc'; did you mean 'scan'? (try 'albumen-test "
		       "--help')"},
		{"hlep",
		 "unknown command 'hlep'; did you mean 'help'? (try 'albumen-test "
		 "--help')"},
		{"help shwo", "unknown command 'shwo'; did you mean 'show'? (try "
			      "'albumen-test --help')"},
		{"help show two",
		 "'help' explains one command (try 'albumen-test show --help')"},
		{"EMPTY", "unknown command '' (try 'albumen-test --help')"},
		{"scanning", "unknown command 'scanning' (try 'albumen-test --help')"},
		{"SCAN", "unknown command 'SCAN' (try 'albumen-test --help')"},
		/* The beginning of an option is none. */
		{"scan --dat d", "unknown option '--dat'; did you mean '--data'? (try "
				 "'albumen-test scan --help')"},
		{"scan --d=d", "unknown option '--d'; did you mean '--data'? (try "
			       "'albumen-test scan --help')"},
		{"scan --adta=d", "unknown option '--adta'; did you mean '--data'? (try "
				  "'albumen-test scan --help')"},
		{"scan -data d", "unknown option '-data'; did you mean '--data'? (try "
				 "'albumen-test scan --help')"},
		{"scan --verbos", "unknown option '--verbos'; did you mean '--verbose'? "
				  "(try 'albumen-test scan --help')"},
		/* Only what the command takes is meant. */
		{"two --jsno a b",
		 "unknown option '--jsno' (try 'albumen-test two --help')"},
		{"--jsno two a b", "unknown option '--jsno'; did you mean '--json'? (try "
				   "'albumen-test --help')"},
		{"scan --=d", "unknown option '--' (try 'albumen-test scan --help')"},
		{"scan --xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		 "unknown option "
		 "'--xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' "
		 "(try 'albumen-test scan --help')"},
		{"scan --data d --data e", "'--data d' and '--data e' contradict each "
					   "other (try 'albumen-test scan --help')"},
		{"show --out EMPTY", "option '--out' must not be empty (try "
				     "'albumen-test show --help')"},
		{"scan", "'scan' needs option '--data DIR' or environment variable "
			 "ALBUMEN_DATA (try 'albumen-test scan --help')"},
		{"scan --data d --json",
		 "'scan' takes no option '--json' (try 'albumen-test scan --help')"},
		{"scan --data d --bogus=1",
		 "unknown option '--bogus' (try 'albumen-test scan --help')"},
		{"--bogus scan", "unknown option '--bogus' (try 'albumen-test --help')"},
		{"scan -x", "unknown option '-x' (try 'albumen-test scan --help')"},
		{"show -vx",
		 "unknown option '-x' in '-vx' (try 'albumen-test show --help')"},
		{"scan --data", "option '--data' needs a value: DIR "
				"(try 'albumen-test scan --help')"},
		{"show -o", "option '--out' needs a value: FILE "
			    "(try 'albumen-test show --help')"},
		{"show --json=yes",
		 "option '--json' takes no value (try 'albumen-test show --help')"},
		{"show --help=yes",
		 "option '--help' takes no value (try 'albumen-test show --help')"},
		{"scan --data EMPTY", "option '--data' must not be empty "
				      "(try 'albumen-test scan --help')"},
		{"scan --data d more", "'scan' takes no operand: 'more' "
				       "(try 'albumen-test scan --help')"},
		{"two a", "'two' takes 2 operands: A B (try 'albumen-test two --help')"},
		{"two a b c",
		 "'two' takes 2 operands: A B (try 'albumen-test two --help')"},
		{"show --limit -1", "option '--limit' needs a number, not '-1' "
				    "(try 'albumen-test show --help')"},
		{"show --limit 5x", "option '--limit' needs a number, not '5x' "
				    "(try 'albumen-test show --help')"},
		{"show --limit EMPTY", "option '--limit' must not be empty "
				       "(try 'albumen-test show --help')"},
		{"show --limit 9223372036854775808",
		 "option '--limit' needs a number, not '9223372036854775808' "
		 "(try 'albumen-test show --help')"},
	};
	struct output *output = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char want[300];

		snprintf(want, sizeof(want), "albumen-test: error: %s\n", wrong[i][1]);
		assert_int_equal(run(output, wrong[i][0]), 2);
		assert_string_equal(output->err.data, want);
		assert_int_equal(output->out.len, 0);
		assert_null(got.ran);
	}
	assert_int_equal(run(output, "show --limit 9223372036854775807"), 0);
	assert_int_equal(got.limit, INT64_MAX);
}

/* Asserts that no line of `text` is wider than 90 columns or ends with a space. */
static void check_tidy(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		assert_true(len <= 90);
		assert_false(len && text[len - 1] == ' ');
		assert_int_equal(text[len], '\n');
		text += len + 1;
	}
}

static void help_of_a_command_lists_its_options(void **state)
{
	struct output *output = *state;
	static const char want[] =
		"usage: albumen-test show [OPTION]... REQUEST...\n"
		"\n"
		"Prints the body that a request was answered with. This paragraph is "
		"long enough"
		" to be\n"
		"broken into more than one line of output.\n"
		"\n"
		"And a second paragraph.\n"
		"\n"
		"options:\n"
		"  -o, --out FILE     where to write the result, which is explained at "
		"such a "
		"length that\n"
		"                     the text of it must be broken\n"
		"      --limit N      at most N of them\n"
		"      --json         JSON instead of text\n"
		"      --output FILE  another name for --out\n"
		"      --log FORMAT   how to log on stderr: text (the default) or json\n"
		"  -v, --verbose      log more on stderr\n"
		"  -h, --help         print this and end\n"
		"      --version      print the version and end\n"
		"\n"
		"An option that is not given is taken from the environment: "
		"ALBUMEN_INDEX=DIR for\n"
		"--index, ALBUMEN_DRY_RUN=1 for --dry-run.\n";

	assert_int_equal(run(output, "show --help"), 0);
	assert_string_equal(output->out.data, want);
	assert_int_equal(run(output, "-h show --json --limit nonsense"), 0);
	assert_string_equal(output->out.data, want);
	assert_int_equal(output->err.len, 0);
	assert_null(got.ran);
	check_tidy(want);
	assert_int_equal(run(output, "help show"), 0);
	assert_string_equal(output->out.data, want);
	assert_int_equal(run(output, "show two --help"), 0); /* an operand */
	assert_int_equal(run(output, "scan -h"), 0);
	assert_non_null(strstr(output->out.data, "usage: albumen-test scan --data DIR "));
	assert_non_null(strstr(output->out.data,
			       "--data DIR     the metadata folder (needed)\n"));
	assert_null(strstr(output->out.data, "--json"));
	check_tidy(output->out.data);
}

static void help_of_the_program_lists_its_commands(void **state)
{
	struct output *output = *state;
	struct buf help = {0};

	assert_int_equal(run(output, "--help"), 0);
	assert_int_equal(output->err.len, 0);
	check_tidy(output->out.data);
	assert_non_null(
		strstr(output->out.data, "usage: albumen-test COMMAND [OPTION]...\n"));
	assert_non_null(
		strstr(output->out.data, "  show        print what was answered\n"));
	assert_non_null(strstr(output->out.data, "--limit N"));
	assert_null(strstr(output->out.data, "--json"));
	buf_addstr(&help, output->out.data);
	assert_non_null(
		strstr(help.data, "  help        explain a command: help COMMAND\n"));
	assert_int_equal(run(output, "help"), 0);
	assert_string_equal(output->out.data, help.data);
	assert_int_equal(run(output, "help help"), 0);
	assert_string_equal(output->out.data, help.data);
	/* Without a command: the same, as an error. */
	assert_int_equal(run(output, ""), 2);
	assert_int_equal(output->out.len, 0);
	assert_string_equal(output->err.data, help.data);
	assert_int_equal(run(output, "-v"), 2);
	assert_string_equal(output->err.data, help.data);
	buf_release(&help);
}

static void version_is_printed(void **state)
{
	struct output *output = *state;

	assert_int_equal(run(output, "--version"), 0);
	assert_string_equal(output->out.data, "albumen-test 1.2.3\n");
	assert_int_equal(run(output, "scan --version"), 0);
	assert_string_equal(output->out.data, "albumen-test 1.2.3\n");
	assert_null(got.ran);
}

static void the_exit_status_is_what_the_command_came_to(void **state)
{
	struct output *output = *state;

	rc_of_run = 3;
	assert_int_equal(run(output, "scan --data d"), 3);
	assert_int_equal(output->err.len, 0);
	assert_int_equal(run(output, "show locked"), 75);
	assert_string_equal(output->err.data, "albumen-test: error: it is locked\n");
}

static void a_result_that_cannot_be_written_is_a_failure(void **state)
{
	struct output *output = *state;
	char *argv[] = {(char *)(uintptr_t) "albumen-test", (char *)(uintptr_t) "show",
			NULL};
	FILE *full = fopen("/dev/full", "w");
	FILE *err = tmpfile();
	int saved_out, saved_err, status;

	assert_non_null(full);
	assert_non_null(err);
	fflush(stdout);
	saved_out = redirect(STDOUT_FILENO, full);
	saved_err = redirect(STDERR_FILENO, err);
	status = cli_main(&program, &got, 2, argv);
	assert_true(dup2(saved_out, STDOUT_FILENO) >= 0);
	close(saved_out);
	clearerr(stdout);
	restore(&output->err, STDERR_FILENO, saved_err, err);
	fclose(full);
	assert_int_equal(status, 75);
	assert_non_null(strstr(output->err.data, "cannot write to standard output"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(options_stand_anywhere),
		TEST(operands_and_short_options_are_taken),
		TEST(log_level_is_info_without_v),
		TEST(two_names_are_one_option),
		TEST(the_environment_stands_in),
		TEST(a_flag_is_set_by_a_word),
		TEST(a_list_has_one_value_a_line),
		TEST(the_command_line_alone_gives_some),
		TEST(a_mistyped_variable_is_warned_of),
		TEST(the_command_line_keeps_out_what_it_excludes),
		TEST(a_message_names_the_variable),
		TEST(usage_errors_say_what_and_hint_at_help),
		TEST(help_of_a_command_lists_its_options),
		TEST(help_of_the_program_lists_its_commands),
		TEST(version_is_printed),
		TEST(the_exit_status_is_what_the_command_came_to),
		TEST(a_result_that_cannot_be_written_is_a_failure),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

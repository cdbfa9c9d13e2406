/* SPDX-License-Identifier: GPL-2.0-or-later */

/* albumen-indexer: commands, options, wiring, exit status. */

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "data/base/cli.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/stop.h"
#include "data/index/index.h"
#include "indexer/live.h"
#include "indexer/scan.h"
#include "indexer/status.h"

#ifndef ALBUMEN_VERSION
#define ALBUMEN_VERSION "0.1.0"
#endif

#define EXIT_REJECTED 3 /* done, but some input was rejected */

/* What the command line asks for. */
struct options {
	const char *data, *index;
	bool json, accept_withdrawal, allow_secrets;
	long long ready_fd; /* -1: none */
	int verbose;
};

/* The metadata folder, open. The index is written while the folder is read, so it
 * must not lie in it. */
static int open_data(int *fd, const struct options *opt, struct err *err)
{
	*fd = open(opt->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		return err_sys(err, "cannot open metadata folder '%s'", opt->data);
	}
	if (file_is_inside(opt->index, opt->data)) {
		return err_set(
			err, ERR_FAIL,
			"index '%s' lies in the metadata folder '%s', where each of "
			"its changes would be one of the folder's; put it elsewhere",
			opt->index, opt->data);
	}
	return 0;
}

static void close_data(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static void start_log(const struct options *opt)
{
	log_init("albumen-indexer", opt->verbose ? LOG_DEBUG : LOG_INFO);
}

static int tick(void *payload, struct err *err)
{
	return stop_check(payload, err);
}

static int run_scan(const void *values, char **operand, struct err *err)
{
	const struct options *opt = values;
	struct scan_counts counts = {0};
	struct scan_options options = {.accept_withdrawal = opt->accept_withdrawal,
				       .allow_secrets = opt->allow_secrets,
				       .tick = tick};
	struct index *index = NULL;
	struct stop stop = {.fd = -1};
	uint64_t rejected = 0;
	int fd, rc;

	(void)operand;
	start_log(opt);
	rc = open_data(&fd, opt, err);
	if (!rc) {
		rc = stop_open(&stop, err);
	}
	if (!rc) {
		rc = index_open(&index, opt->index, INDEX_WRITE | INDEX_CREATE, err);
	}
	if (!rc) {
		options.payload = &stop;
		rc = scan_run(&counts, index, fd, &options, err);
	}
	if (!rc) {
		rc = status_scan(stdout, index, &counts, opt->json, &rejected, err);
	}
	index_close(index);
	stop_close(&stop);
	close_data(fd);
	return !rc && (rejected || counts.unreadable) ? EXIT_REJECTED : rc;
}

static int run_watch(const void *values, char **operand, struct err *err)
{
	const struct options *opt = values;
	struct live_options options = {.accept_withdrawal = opt->accept_withdrawal,
				       .allow_secrets = opt->allow_secrets,
				       .ready_fd = (int)opt->ready_fd};
	struct index *index = NULL;
	struct live *live = NULL;
	struct stop stop = {.fd = -1};
	int fd, rc;

	(void)operand;
	start_log(opt);
	rc = open_data(&fd, opt, err);
	if (!rc) {
		rc = stop_open(&stop, err);
	}
	if (!rc) {
		rc = live_open(&live, fd, opt->data, &stop, err);
	}
	if (!rc) {
		rc = index_open(&index, opt->index, INDEX_WRITE | INDEX_CREATE, err);
	}
	if (!rc) {
		rc = live_run(live, index, &options, err);
	}
	index_close(index);
	live_close(live);
	stop_close(&stop);
	close_data(fd);
	return rc;
}

static int run_status(const void *values, char **operand, struct err *err)
{
	const struct options *opt = values;
	struct index *index = NULL;
	int rc;

	(void)operand;
	start_log(opt);
	rc = index_open(&index, opt->index, 0, err);
	if (!rc) {
		rc = status_print(stdout, index, opt->json, err);
	}
	index_close(index);
	return rc;
}

static int run_check(const void *values, char **operand, struct err *err)
{
	const struct options *opt = values;
	struct index *index = NULL;
	uint64_t differences = 0;
	int rc;

	(void)operand;
	start_log(opt);
	rc = index_open(&index, opt->index, 0, err);
	if (!rc) {
		rc = status_check(stdout, index, opt->json, &differences, err);
	}
	index_close(index);
	return !rc && differences ? 1 : rc;
}

static const struct cli_command scan = {
	.name = "scan",
	.run = run_scan,
	.options = "data! index! accept-withdrawal allow-secrets json verbose",
	.summary = "bring the index up to the folder, once",
	.help = "Reads the files that changed since the last scan and withdraws "
		"what those said that are gone. Ends with status 3 where some "
		"input was rejected: `status` lists it."};

static const struct cli_command watch = {
	.name = "watch",
	.run = run_watch,
	.options = "data! index! accept-withdrawal allow-secrets ready-fd verbose",
	.summary = "scan, then keep up with the folder",
	.help = "Runs in the foreground until SIGTERM or SIGINT. Tells systemd "
		"when the first scan is done."};

static const struct cli_command status = {
	.name = "status",
	.run = run_status,
	.options = "index! json verbose",
	.summary = "counts, sequence, rejected files with reasons",
	.help = "Rejects are listed as PATH:LINE:COLUMN: REASON."};

static const struct cli_command check = {
	.name = "check",
	.run = run_check,
	.options = "index! json verbose",
	.summary = "recompute every derived table and compare",
	.help = "Prints each difference and ends with status 1 if there is "
		"one."};

#define AT(member) offsetof(struct options, member)

static const struct cli_option options[] = {
	{"data", 0, CLI_STRING, AT(data), "DIR", "ALBUMEN_DATA",
	 "the metadata folder; it is only read"},
	{"index", 0, CLI_STRING, AT(index), "DIR", "ALBUMEN_INDEX",
	 "the index, made if absent by scan and watch"},
	{"accept-withdrawal", 0, CLI_FLAG, AT(accept_withdrawal), NULL, NULL,
	 "go on though most of the known files are gone"},
	{"allow-secrets", 0, CLI_FLAG, AT(allow_secrets), NULL, NULL,
	 "take records that hold tokens, private keys or Authorization values"},
	{"ready-fd", 0, CLI_NUMBER, AT(ready_fd), "N", NULL,
	 "write a line to descriptor N after the first scan"},
	{"json", 0, CLI_FLAG, AT(json), NULL, NULL, "report as JSON"},
	{"verbose", 'v', CLI_COUNT, AT(verbose), NULL, NULL, "say more on stderr"},
	{0},
};

int main(int argc, char **argv)
{
	static const struct cli_command *const commands[] = {&scan, &watch, &status,
							     &check, NULL};
	static const struct cli_program program = {
		.name = "albumen-indexer",
		.version = ALBUMEN_VERSION,
		.summary = "a folder of image metadata as an index",
		.commands = commands,
		.options = options,
	};
	struct options values = {.ready_fd = -1};

	return cli_main(&program, &values, argc, argv);
}

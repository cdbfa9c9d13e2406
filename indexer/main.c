/* SPDX-License-Identifier: GPL-2.0-or-later */

/* albumen-indexer: commands, options, wiring, exit status. */

#include <fcntl.h>
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

static struct {
	const char *data, *index;
	bool json, accept_withdrawal, allow_secrets;
	long long ready_fd;
	int verbose;
} opt = {.ready_fd = -1};

enum { SCAN, WATCH, STATUS, CHECK };
#define ON(command) (1u << (command))

/* The metadata folder, open. The index is written while the folder is read, so it
 * must not lie in it. */
static int open_data(int *fd, struct err *err)
{
	*fd = open(opt.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		return err_sys(err, "cannot open metadata folder '%s'", opt.data);
	}
	if (file_is_inside(opt.index, opt.data)) {
		return err_set(
			err, ERR_FAIL,
			"index '%s' lies in the metadata folder '%s', where each of "
			"its changes would be one of the folder's; put it elsewhere",
			opt.index, opt.data);
	}
	return 0;
}

static void close_data(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static void start_log(void)
{
	log_init("albumen-indexer", opt.verbose ? LOG_DEBUG : LOG_INFO);
}

static int tick(void *payload, struct err *err)
{
	return stop_check(payload, err);
}

static int run_scan(int argc, char **argv, struct err *err)
{
	struct scan_counts counts = {0};
	struct scan_options options = {.accept_withdrawal = opt.accept_withdrawal,
				       .allow_secrets = opt.allow_secrets,
				       .tick = tick};
	struct index *index = NULL;
	struct stop stop = {.fd = -1};
	uint64_t rejected = 0;
	int fd, rc;

	(void)argc;
	(void)argv;
	start_log();
	rc = open_data(&fd, err);
	if (!rc) {
		rc = stop_open(&stop, err);
	}
	if (!rc) {
		rc = index_open(&index, opt.index, INDEX_WRITE | INDEX_CREATE, err);
	}
	if (!rc) {
		options.payload = &stop;
		rc = scan_run(&counts, index, fd, &options, err);
	}
	if (!rc) {
		rc = status_scan(stdout, index, &counts, opt.json, &rejected, err);
	}
	index_close(index);
	stop_close(&stop);
	close_data(fd);
	return !rc && (rejected || counts.unreadable) ? EXIT_REJECTED : rc;
}

static int run_watch(int argc, char **argv, struct err *err)
{
	struct live_options options = {.accept_withdrawal = opt.accept_withdrawal,
				       .allow_secrets = opt.allow_secrets,
				       .ready_fd = (int)opt.ready_fd};
	struct index *index = NULL;
	struct live *live = NULL;
	struct stop stop = {.fd = -1};
	int fd, rc;

	(void)argc;
	(void)argv;
	start_log();
	rc = open_data(&fd, err);
	if (!rc) {
		rc = stop_open(&stop, err);
	}
	if (!rc) {
		rc = live_open(&live, fd, opt.data, &stop, err);
	}
	if (!rc) {
		rc = index_open(&index, opt.index, INDEX_WRITE | INDEX_CREATE, err);
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

static int run_status(int argc, char **argv, struct err *err)
{
	struct index *index = NULL;
	int rc;

	(void)argc;
	(void)argv;
	start_log();
	rc = index_open(&index, opt.index, 0, err);
	if (!rc) {
		rc = status_print(stdout, index, opt.json, err);
	}
	index_close(index);
	return rc;
}

static int run_check(int argc, char **argv, struct err *err)
{
	struct index *index = NULL;
	uint64_t differences = 0;
	int rc;

	(void)argc;
	(void)argv;
	start_log();
	rc = index_open(&index, opt.index, 0, err);
	if (!rc) {
		rc = status_check(stdout, index, opt.json, &differences, err);
	}
	index_close(index);
	return !rc && differences ? 1 : rc;
}

static const struct cli_command commands[] = {
	[SCAN] =
		{.name = "scan",
		 .run = run_scan,
		 .summary = "bring the index up to the folder, once",
		 .help = "Reads the files that changed since the last scan and withdraws "
			 "what those said that are gone. Ends with status 3 where some "
			 "input was rejected: `status` lists it."},
	[WATCH] =
		{.name = "watch",
		 .run = run_watch,
		 .summary = "scan, then keep up with the folder",
		 .help = "Runs in the foreground until SIGTERM or SIGINT. Tells systemd "
			 "when the first scan is done."},
	[STATUS] = {.name = "status",
		    .run = run_status,
		    .summary = "counts, sequence, rejected files with reasons",
		    .help = "Rejects are listed as PATH:LINE:COLUMN: REASON."},
	[CHECK] = {.name = "check",
		   .run = run_check,
		   .summary = "recompute every derived table and compare",
		   .help = "Prints each difference and ends with status 1 if there is "
			   "one."},
	{0},
};

static const struct cli_option options[] = {
	{.name = "data",
	 .type = CLI_STRING,
	 .value = &opt.data,
	 .argument = "DIR",
	 .environment = "ALBUMEN_DATA",
	 .summary = "the metadata folder; it is only read",
	 .commands = ON(SCAN) | ON(WATCH),
	 .required = ON(SCAN) | ON(WATCH)},
	{.name = "index",
	 .type = CLI_STRING,
	 .value = &opt.index,
	 .argument = "DIR",
	 .environment = "ALBUMEN_INDEX",
	 .summary = "the index, made if absent by scan and watch",
	 .commands = ON(SCAN) | ON(WATCH) | ON(STATUS) | ON(CHECK),
	 .required = ON(SCAN) | ON(WATCH) | ON(STATUS) | ON(CHECK)},
	{.name = "accept-withdrawal",
	 .type = CLI_FLAG,
	 .value = &opt.accept_withdrawal,
	 .summary = "go on though most of the known files are gone",
	 .commands = ON(SCAN) | ON(WATCH)},
	{.name = "allow-secrets",
	 .type = CLI_FLAG,
	 .value = &opt.allow_secrets,
	 .summary = "take records that hold tokens, private keys or Authorization values",
	 .commands = ON(SCAN) | ON(WATCH)},
	{.name = "ready-fd",
	 .type = CLI_NUMBER,
	 .value = &opt.ready_fd,
	 .argument = "N",
	 .summary = "write a line to descriptor N after the first scan",
	 .commands = ON(WATCH)},
	{.name = "json",
	 .type = CLI_FLAG,
	 .value = &opt.json,
	 .summary = "report as JSON",
	 .commands = ON(SCAN) | ON(STATUS) | ON(CHECK)},
	{.name = "verbose",
	 .letter = 'v',
	 .type = CLI_COUNT,
	 .value = &opt.verbose,
	 .summary = "say more on stderr",
	 .commands = ON(SCAN) | ON(WATCH) | ON(STATUS) | ON(CHECK)},
	{0},
};

int main(int argc, char **argv)
{
	static const struct cli_program program = {
		.name = "albumen-indexer",
		.version = ALBUMEN_VERSION,
		.summary = "a folder of image metadata as an index",
		.commands = commands,
		.options = options,
	};

	log_init("albumen-indexer", LOG_INFO);
	return cli_main(&program, argc, argv);
}

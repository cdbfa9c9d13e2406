/* SPDX-License-Identifier: GPL-2.0-or-later */

/* albumen-indexer: commands, options, wiring, exit status. */

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "data/base/cli.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/ready.h"
#include "data/base/stop.h"
#include "data/index/index.h"
#include "indexer/indexer_metrics.h"
#include "indexer/root.h"
#include "indexer/watch.h"
#include "indexer/scan.h"
#include "indexer/status.h"

#define EXIT_REJECTED 3 /* done, but some input was rejected */

/* What the command line asks for. */
struct options {
	const char *data, *index, *metrics;
	bool json, accept_withdrawal, allow_secrets;
	const char *fail_on;
	long long ready_fd; /* -1: none */
};

/* Opens the metadata folder; waits for it if there is none and `wait` is set. The index must
 * not lie in it: every commit would raise events there. */
static int open_data(int *fd, const struct options *opt, bool wait, struct stop *stop,
		     struct err *err)
{
	int rc = 0;

	if (wait) {
		rc = root_await(fd, opt->data, stop, err);
	} else {
		*fd = open(opt->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*fd < 0) {
			rc = err_sys(err, "cannot open metadata folder '%s'", opt->data);
		}
	}
	if (rc) {
		return rc;
	}
	if (file_is_inside(opt->index, opt->data)) {
		return err_set(
			err, ERR_FAIL,
			"index '%s' lies in the metadata folder '%s', so each of its "
			"commits would change the folder; put it elsewhere",
			opt->index, opt->data);
	}
	return 0;
}

static int check_stop(void *payload, struct err *err)
{
	return stop_check(payload, err);
}

/* Scans once and prints the result. Returns EXIT_REJECTED if some input was rejected. */
static int scan_once(struct index *index, int fd, struct stop *stop,
		     const struct options *opt, struct warn *warn, struct err *err)
{
	struct scan_options options = {.apply = {.index = index,
						 .rootfd = fd,
						 .allow_secrets = opt->allow_secrets,
						 .warn = warn,
						 .tick = check_stop,
						 .payload = stop},
				       .accept_withdrawal = opt->accept_withdrawal,
				       .withdraw = true};
	struct scan_counts counts;
	uint64_t rejected = 0;
	bool failing = false;
	int rc = scan_run(&counts, &options, err);

	rc = rc ? rc : status_report(index, &failing, err);
	rc = rc ? rc : status_scan(index, &counts, opt->json, &rejected, err);
	return !rc && (rejected || counts.unreadable) ? EXIT_REJECTED : rc;
}

struct reporting {
	struct index *index;
	bool failing; /* of status_report */
	struct indexer_metrics metrics;
};

/* See struct watch_options. */
static int report(void *payload, struct err *err)
{
	struct reporting *reporting = payload;
	int rc = status_report(reporting->index, &reporting->failing, err);

	return rc ? rc
		  : indexer_metrics_renew(&reporting->metrics, reporting->index, err);
}

static int check_metrics(const struct options *opt, struct err *err)
{
	return opt->metrics
		       ? indexer_metrics_check(opt->metrics, opt->data, opt->index, err)
		       : 0;
}

/* An index of an earlier version is made again, but not from a folder without metadata files:
 * its disk may not be mounted. */
static int open_index(struct index **index, int fd, const struct options *opt,
		      struct err *err)
{
	unsigned flags = INDEX_WRITE | INDEX_CREATE;
	int rc = index_open(index, opt->index, flags, err);

	if (rc == ERR_NOTFOUND && root_is_filled(fd)) {
		log_warning("index '%s' was made by an earlier version: it is made again "
			    "from '%s'",
			    opt->index, opt->data);
		rc = index_open(index, opt->index, flags | INDEX_RENEW, err);
	}
	return rc;
}

/* Opens what `scan` and `watch` need, runs one of them, and closes it all. */
static int run_writer(const struct options *opt, bool watch, struct err *err)
{
	struct warn warn = {0};
	struct reporting reporting = {.metrics = {.path = opt->metrics}};
	struct watch_options options = {.accept_withdrawal = opt->accept_withdrawal,
					.allow_secrets = opt->allow_secrets,
					.warn = &warn,
					.ready_fd = (int)opt->ready_fd,
					.report = report,
					.payload = &reporting};
	struct index *index = NULL;
	struct watch *watcher = NULL;
	struct stop stop = {.fd = -1};
	int fd = -1, rc;

	rc = ready_check(opt->ready_fd, err);
	rc = rc ? rc : check_metrics(opt, err);
	rc = rc ? rc : stop_open(&stop, err);
	rc = rc ? rc : open_data(&fd, opt, watch, &stop, err);
	if (!rc && watch) {
		rc = watch_open(&watcher, fd, opt->data, &stop, err);
	}
	rc = rc ? rc : open_index(&index, fd, opt, err);
	if (!rc) {
		reporting.index = index;
		rc = watch ? watch_run(watcher, index, &options, err)
			   : scan_once(index, fd, &stop, opt, &warn, err);
	}
	if (watch && rc == ERR_STOPPED) {
		log_info("stopped by a signal"); /* while it waited for the folder */
		rc = 0;
	}
	warn_end(&warn);
	index_close(index);
	watch_close(watcher);
	stop_close(&stop);
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

/* The index cannot be opened, for the reason in *err. Prints what its writer has reported, if that
 * is all that this user may read; else the reason stays. */
static int print_reported(const struct options *opt, struct fail_on *fail_on, int rc,
			  struct err *err)
{
	struct err why;

	if (opt->metrics || !index_is_locked_away(opt->index) ||
	    status_print_reported(opt->index, opt->json, fail_on, &why) < 0) {
		return rc;
	}
	*err = (struct err){0};
	return 0;
}

static int run_scan(const void *options, char **operand, struct err *err)
{
	(void)operand;
	return run_writer(options, false, err);
}

static int run_watch(const void *options, char **operand, struct err *err)
{
	(void)operand;
	return run_writer(options, true, err);
}

static int run_status(const void *options, char **operand, struct err *err)
{
	const struct options *opt = options;
	struct index *index = NULL;
	struct fail_on fail_on;
	/* A bare `status` only reports: what is rejected is no failure of it. */
	int rc = fail_on_read(&fail_on, opt->fail_on ? opt->fail_on : "none", err);

	(void)operand;
	rc = rc ? rc : check_metrics(opt, err);
	if (!rc) {
		rc = index_open(&index, opt->index, 0, err);
		rc = rc ? print_reported(opt, &fail_on, rc, err)
			: status_print(index, opt->json, &fail_on, err);
	}
	if (!rc && opt->metrics) {
		rc = indexer_metrics_write(index, opt->metrics, err);
	}
	index_close(index);
	rc = !rc && fail_on.fails ? 1 : rc;
	fail_on_release(&fail_on);
	return rc;
}

static int run_check(const void *options, char **operand, struct err *err)
{
	const struct options *opt = options;
	struct index *index = NULL;
	uint64_t differences = 0;
	int rc = index_open(&index, opt->index, 0, err);

	(void)operand;
	rc = rc ? rc : status_check(index, opt->json, &differences, err);
	index_close(index);
	return !rc && differences ? 1 : rc;
}

static const struct cli_command scan = {
	.name = "scan",
	.run = run_scan,
	.options = "data! index! accept-withdrawal allow-secrets json",
	.summary = "bring the index up to the folder, once",
	.help = "Reads the files that changed since the last scan, and withdraws the "
		"claims of files that are gone. Ends with status 3 if some input was "
		"rejected: `status` lists it."};

static const struct cli_command watch = {
	.name = "watch",
	.run = run_watch,
	.options = "data! index! accept-withdrawal allow-secrets metrics ready-fd",
	.summary = "scan, then keep up with the folder",
	.help = "Runs in the foreground until SIGTERM or SIGINT. Notifies systemd "
		"when the first scan is done."};

static const struct cli_command status = {
	.name = "status",
	.run = run_status,
	.options = "index! fail-on json metrics",
	.summary = "counts, sequence, rejected files with reasons",
	.help = "Rejects are listed as PATH:LINE:COLUMN: REASON."};

static const struct cli_command check = {
	.name = "check",
	.run = run_check,
	.options = "index! json",
	.summary = "recompute every derived table and compare",
	.help = "Prints each difference and ends with status 1 if there is "
		"one."};

#define AT(member) offsetof(struct options, member)

static const struct cli_option options[] = {
	{"data", 0, CLI_STRING, AT(data), "DIR", NULL,
	 "the metadata folder, which is only read"},
	{"index", 0, CLI_STRING, AT(index), "DIR", NULL,
	 "the index; scan and watch create it"},
	{"accept-withdrawal", 0, CLI_FLAG | CLI_LINE_ONLY, AT(accept_withdrawal), NULL,
	 NULL, "withdraw the claims of missing files, even of most of the known files"},
	{"allow-secrets", 0, CLI_FLAG, AT(allow_secrets), NULL, NULL,
	 "accept records that hold secrets: tokens, keys, passwords"},
	{"metrics", 0, CLI_STRING, AT(metrics), "FILE", NULL,
	 "write metrics for Prometheus to FILE; watch renews them"},
	{"fail-on", 0, CLI_STRING, AT(fail_on), "LIST", NULL,
	 "exit with status 1 for these, as in rejects,failed (default: none)"},
	{"ready-fd", 0, CLI_NUMBER, AT(ready_fd), "N", NULL,
	 "write a line to descriptor N after the first scan"},
	{"json", 0, CLI_FLAG, AT(json), NULL, NULL, "report as JSON"},
	{0},
};

int main(int argc, char **argv)
{
	static const struct cli_command *const commands[] = {&scan, &watch, &status,
							     &check, NULL};
	static const struct cli_program program = {
		.name = "albumen-indexer",
		.version = ALBUMEN_VERSION,
		.summary = "index a folder of image metadata",
		.commands = commands,
		.options = options,
	};
	struct options values = {.ready_fd = -1};

	return cli_main(&program, &values, argc, argv);
}

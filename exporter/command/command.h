/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COMMAND_COMMAND_H
#define EXPORTER_COMMAND_COMMAND_H

#include <stdbool.h>

#include "data/base/cli.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/snapshot.h"

/*
 * command - what was asked for on the command line, and the commands that live in
 * files of their own (main.c has the table of them, and the first five).
 */

struct command_options {
	const char *index, *repo, *site; /* folders */
	const char *rev, *listen;
	const char *at, *from, *to;               /* WHEN: exporter/lookback/when.h */
	const char *album, *image, *tag;          /* ids */
	const char *format, *older_than;          /* audit */
	const char *sign, *signers;               /* files */
	const char *label, *reason;               /* snapshot */
	struct cli_list drop;                     /* member paths */
	struct cli_list accept;                   /* exporter/export/accept.h */
	long long ready_fd, round_gps, fail_over; /* -1: not given */
	long long wait;                           /* seconds, for another writer */
	bool collections, audit_page, json, check, repair;
	int verbose;
};
/* As main.c's table filled it in. Only main.c and command_*.c look at it. */
extern struct command_options command_opt;

/* Opens the repository for writing, and waits for another writer as long as was asked
 * for. `stop` may be NULL. */
int command_open_writer(struct snapshot_repo **out, unsigned flags, const char *who,
			struct stop *stop, struct err *err);

struct site_result;

/* What every command does first: the index, the repository and the site lie beside each
 * other, never inside. */
int command_begin(struct err *err);
/* Of the options, as site.h has them. */
unsigned command_site_flags(void);
void command_print_site(const struct site_result *site);

/* Each runs one command to its end: data/base/cli.h tells what comes in and out. */
int command_publish(int argc, char **argv, struct err *err);
int command_audit(int argc, char **argv, struct err *err);
int command_log(int argc, char **argv, struct err *err);
int command_show(int argc, char **argv, struct err *err);
int command_diff(int argc, char **argv, struct err *err);
int command_snapshot(int argc, char **argv, struct err *err);
int command_verify(int argc, char **argv, struct err *err);
int command_bundle(int argc, char **argv, struct err *err);

#endif

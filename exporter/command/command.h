/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COMMAND_COMMAND_H
#define EXPORTER_COMMAND_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/cli.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/export/export.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place_new.h"
#include "exporter/site/site.h"

/*
 * command - the commands of albumen-exporter. command_NAME.c holds one command: its
 * help, the options it takes, its wiring and its printing. command.c holds what they
 * share: the table of options, and the steps that several commands begin with.
 */

/* The values of the options; main.c sets the defaults. */
struct command_options {
	const char *index, *repo; /* folders */
	const char *site;         /* the name of a place (place.h) */
	struct place_settings place;
	const char *listen;
	/* edge: exporter/edge/edge.h */
	const char *edge_for, *server_name, *tls_certificate, *tls_key;
	const char *libraries, *tokens;
	const char *metrics;                 /* a file */
	const char *at, *from, *to, *before; /* WHEN: exporter/lookback/when.h */
	const char *album, *image, *tag;     /* ids */
	/* erase */
	struct cli_list erase_album, erase_image, erase_tag, erase_tag_image,
		erase_member;
	const char *format, *older_than; /* audit */
	const char *count_from, *sort;
	const char *name;                         /* of the library */
	const char *sign, *signers;               /* files */
	const char *label, *reason;               /* snapshot */
	const char *bundle;                       /* verify: a file */
	const char *fail_on;                      /* status: data/format/fail_on.h */
	struct cli_list drop;                     /* member paths */
	struct cli_list accept;                   /* exporter/export/accept.h */
	long long ready_fd, round_gps, fail_over; /* -1: not given */
	long long top;                            /* -1: all */
	long long wait;                           /* seconds, for another writer */
	long long max_age;                        /* edge: seconds, of health.json */
	bool collections, audit_page, images, json, check, repair, dry_run;
};
extern const struct cli_option command_option_table[];

extern const struct cli_command command_export, command_follow, command_publish,
	command_edge, command_maintain, command_audit, command_log, command_show,
	command_receipt, command_diff, command_prune, command_snapshot, command_erase,
	command_verify, command_bundle, command_status;

/* Makes the place of --site; NULL without. */
int command_site(struct place **site, const struct command_options *opt, struct err *err);
/* The same, and checks that the index, the repository and the site do not lie
 * inside each other. */
int command_begin(struct place **site, const struct command_options *opt,
		  struct err *err);

/* Opens the repository for writing. Waits for another writer as long as --wait says.
 * `stop` may be NULL. */
int command_open_writer(struct snapshot_repo **out, const struct command_options *opt,
			unsigned flags, const char *name, struct stop *stop,
			struct err *err);
/* Opens the repository for reading and finds the snapshot --at; `instant` as in
 * when_resolve. The caller releases *info and closes *repo, also after a failure. */
int command_open_reader(struct snapshot_repo **repo, struct snapshot_info *info,
			int64_t *instant, const struct command_options *opt,
			struct err *err);

/* What `export` and `follow` have in common: the job that the options ask for, and what it
 * points to. The caller sets its repository and its index, and ends it also after a failure. */
struct command_job {
	struct export_job job;
	struct redact *redact;
	struct accept accept;
	char key[SIGN_KEY];
	struct stop stop;
};
int command_begin_job(struct command_job *job, const struct command_options *opt,
		      struct err *err);
/* Before a repository is made for it, a site is refused that needs one. */
int command_check_site(struct command_job *job, const struct command_options *opt,
		       struct err *err);
/* Closes the repository and the index, too, if the caller has put them in. */
void command_end_job(struct command_job *job);

/* The `enum site_flags` that the options ask for. */
unsigned command_site_flags(const struct command_options *opt);
/* Appends the members of a JSON report that say which snapshot it is about. */
void command_add_snapshot(struct buf *out, const struct snapshot_info *info);
/* Appends the member `oversize`: the paths of what a snapshot lacks, in their plain form. */
void command_json_oversize(struct buf *out, const struct oversize *oversize);
/* Appends what became of --site: a member, which is null without a site, or a line. `site`
 * is NULL if nothing was published. */
void command_add_site(struct buf *out, const struct command_options *opt,
		      const struct site_result *site);
/* Appends "1 file" or "2 files". */
void command_add_count(struct buf *out, uint64_t count, const char *noun);
/* Prints a report, and frees it. cli_main checks whether it was written. */
void command_print(struct buf *out);
/* Prints a line of many, and empties it. */
int command_print_line(struct buf *line, struct err *err);

#endif

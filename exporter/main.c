/* SPDX-License-Identifier: GPL-2.0-or-later */

/* albumen-exporter: commands, options, wiring, exit status. */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/cli.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/stop.h"
#include "data/index/index.h"
#include "data/format/json.h"
#include "exporter/export/accept.h"
#include "exporter/command/command.h"
#include "exporter/export/export.h"
#include "exporter/export/follow.h"
#include "exporter/git/maintain.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/edge.h"
#include "exporter/site/site.h"

struct command_options command_opt = {
	.format = "table", .ready_fd = -1, .round_gps = -1, .fail_over = -1, .wait = 60};

enum {
	EXPORT,
	FOLLOW,
	PUBLISH,
	EDGE,
	MAINTAIN,
	AUDIT,
	LOG,
	SHOW,
	DIFF,
	SNAPSHOT,
	VERIFY,
	BUNDLE
};
#define ON(command) (1u << (command))
/* These work on any clone, without anything else. */
#define READERS (ON(AUDIT) | ON(LOG) | ON(SHOW) | ON(DIFF) | ON(VERIFY) | ON(BUNDLE))

/* What every command does first: the index, the repository and the site lie
 * beside each other, never inside. */
int command_begin(struct err *err)
{
	const char *places[] = {command_opt.index, command_opt.repo, command_opt.site};
	const char *names[] = {"index", "repository", "site"};

	log_init("albumen-exporter", command_opt.verbose ? LOG_DEBUG : LOG_INFO);
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 3; j++) {
			if (i != j && places[i] && places[j] &&
			    file_is_inside(places[i], places[j])) {
				return err_set(err, ERR_USAGE,
					       "the %s '%s' lies in the %s '%s'; each "
					       "needs a folder of its own",
					       names[i], places[i], names[j], places[j]);
			}
		}
	}
	return 0;
}

int command_open_writer(struct snapshot_repo **out, unsigned flags, const char *who,
			struct stop *stop, struct err *err)
{
	struct snapshot_wait wait = {.stop = stop};

	wait.seconds = command_opt.wait > UINT_MAX / 1000 ? UINT_MAX / 1000
							  : (unsigned)command_opt.wait;
	return snapshot_open_wait(out, command_opt.repo, SNAPSHOT_WRITE | flags, who,
				  &wait, err);
}

static void print_export(const struct export_result *result)
{
	const struct snapshot_delta *d = &result->delta;
	const char *commit = result->info.commit.hex;

	if (command_opt.json) {
		printf("{\"snapshot\":\"%s\",\"tree\":\"%s\",\"made\":%s,\"full\":%s,"
		       "\"rendered\":%" PRIu64 ",\"added\":%" PRIu64
		       ",\"changed\":%" PRIu64 ",\"removed\":%" PRIu64,
		       commit, result->info.tree.hex, result->made ? "true" : "false",
		       result->full ? "true" : "false", result->rendered, d->added,
		       d->changed, d->removed);
		command_print_site(&result->site);
		puts("}");
		return;
	}
	if (result->made) {
		printf("snapshot %s: %" PRIu64 " added, %" PRIu64 " changed, %" PRIu64
		       " removed\n",
		       commit, d->added, d->changed, d->removed);
	} else {
		printf("snapshot %s: nothing changed\n", commit);
	}
	command_print_site(&result->site);
}

/* The same for those that make snapshots, which may leave something out. */
static int begin_export(struct redact **redact, struct accept *accept, struct err *err)
{
	int rc = command_begin(err);

	if (!rc) {
		rc = accept_read(accept, command_opt.accept.value,
				 command_opt.accept.count, err);
	}
	return rc ? rc
		  : redact_new(redact, command_opt.drop.value, command_opt.drop.count,
			       command_opt.round_gps, err);
}

static int run_export(int argc, char **argv, struct err *err)
{
	struct export_job job = {.site = command_opt.site,
				 .site_flags = command_site_flags(),
				 .sign = command_opt.sign};
	struct export_result result = {0};
	struct redact *redact = NULL;
	struct stop stop = {.fd = -1};
	struct accept accept = {0};
	int rc = begin_export(&redact, &accept, err);

	(void)argc;
	(void)argv;
	job.redact = redact;
	job.accept = &accept;
	job.stop = &stop;
	if (!rc) {
		rc = stop_open(&stop, err);
	}
	if (!rc) {
		rc = index_open(&job.index, command_opt.index, 0, err);
	}
	if (!rc) {
		rc = command_open_writer(&job.repo, SNAPSHOT_CREATE,
					 "albumen-exporter export", &stop, err);
	}
	if (!rc) {
		rc = export_run(&job, &result, err);
	}
	if (!rc) {
		print_export(&result);
		rc = maintain_when_due(job.repo, false, err);
	}
	if (!rc && result.site.damaged) {
		rc = 1; /* the log has told */
	}
	export_result_release(&result);
	snapshot_close(job.repo);
	index_close(job.index);
	stop_close(&stop);
	redact_free(redact);
	return rc;
}

static int run_follow(int argc, char **argv, struct err *err)
{
	struct export_job job = {.site = command_opt.site,
				 .site_flags = command_site_flags(),
				 .sign = command_opt.sign};
	struct redact *redact = NULL;
	struct stop stop = {.fd = -1};
	struct follow_wait wait = {0};
	struct accept accept = {0};
	int rc = begin_export(&redact, &accept, err);

	(void)argc;
	(void)argv;
	job.redact = redact;
	job.accept = &accept;
	job.stop = &stop;
	if (!rc) {
		rc = stop_open(&stop, err);
	}
	if (!rc) {
		do {
			rc = snapshot_open(&job.repo, command_opt.repo,
					   SNAPSHOT_WRITE | SNAPSHOT_CREATE,
					   "albumen-exporter follow", err);
			rc = follow_wait(&wait, rc, &stop, err);
		} while (rc > 0);
	}
	if (!rc) {
		rc = follow_run(&job, command_opt.index, (int)command_opt.ready_fd, err);
	}
	snapshot_close(job.repo);
	stop_close(&stop);
	redact_free(redact);
	return rc == ERR_STOPPED ? 0 : rc;
}

static int run_edge(int argc, char **argv, struct err *err)
{
	(void)argc;
	(void)argv;
	return edge_print(stdout, command_opt.site, command_opt.listen, err);
}

static void print_maintain(const struct maintain_result *result)
{
	if (command_opt.json) {
		printf("{\"done\":%s,\"objects\":%" PRIu64
		       ",\"before\":{\"packs\":%" PRIu64 ",\"bytes\":%" PRIu64
		       "},\"after\":{\"packs\":%" PRIu64 ",\"bytes\":%" PRIu64 "}}\n",
		       result->done ? "true" : "false", result->objects,
		       result->packs_before, result->bytes_before, result->packs,
		       result->bytes);
	} else if (result->done) {
		printf("%" PRIu64 " objects packed anew\n"
		       "before: %" PRIu64 " packs, %" PRIu64 " bytes\n"
		       "now: %" PRIu64 " packs, %" PRIu64 " bytes\n",
		       result->objects, result->packs_before, result->bytes_before,
		       result->packs, result->bytes);
	} else {
		printf("nothing to do\n");
	}
}

/* A signal ends it on the spot, which is harmless: what it has begun is swept when
 * the repository is next opened for writing. */
static int run_maintain(int argc, char **argv, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct maintain_result result;
	int rc = command_open_writer(&repo, 0, "albumen-exporter maintain", NULL, err);

	(void)argc;
	(void)argv;
	if (!rc) {
		rc = maintain_compact(repo, &result, err);
	}
	if (!rc) {
		print_maintain(&result);
	}
	snapshot_close(repo);
	return rc;
}

static const struct cli_command commands[] = {
	[EXPORT] = {.name = "export",
		    .run = run_export,
		    .summary = "snapshot what changed, then bring the site to it",
		    .help = "Renders the responses that changed since the last snapshot "
			    "and commits them to the repository, which is made if "
			    "absent. Where nothing changed, nothing is written."},
	[FOLLOW] = {.name = "follow",
		    .run = run_follow,
		    .summary = "export now and whenever the index changes",
		    .help = "Runs in the foreground until SIGTERM or SIGINT."},
	[PUBLISH] =
		{.name = "publish",
		 .run = command_publish,
		 .summary = "bring a site to any snapshot",
		 .help = "Writes only the files that differ between the snapshot that "
			 "the folder is at and the one asked for. What other hands "
			 "changed is found by --check (exit status 1: something "
			 "differs) and brought back by --repair."},
	[EDGE] = {.name = "edge",
		  .run = run_edge,
		  .summary = "print an nginx configuration that serves a site",
		  .help = "Run it with: nginx -p RUNDIR -c FILE -g 'daemon off;'. All "
			  "that nginx writes then lies under RUNDIR."},
	[MAINTAIN] =
		{.name = "maintain",
		 .run = run_maintain,
		 .summary = "make the repository as small as it gets",
		 .help = "Packs anew, with deltas, what has come since the last time. "
			 "No snapshot is lost, readers may be at work, and it may be "
			 "killed. Keeping the number of packs down is done by export "
			 "and follow."},
	[AUDIT] = {.name = "audit",
		   .run = command_audit,
		   .summary = "what is untagged, since when, and who tagged",
		   .help = "Counts a snapshot's images by album and tag. Exit status 1 "
			   "says that --fail-over or --older-than found something."},
	[LOG] = {.name = "log",
		 .run = command_log,
		 .summary = "when did something change, and how",
		 .help = "Lists snapshots, the newest first: all, or those in which an "
			 "album, an image or a tag changed."},
	[SHOW] = {.name = "show",
		  .run = command_show,
		  .operands = "REQUEST",
		  .summary = "print the body that a request was answered with",
		  .help = "REQUEST is the API's own address, with its query: "
			  "'/api/v1/tag_images?image_ids[]=ID'. Exit status 1: there was "
			  "no such response."},
	[DIFF] = {.name = "diff",
		  .run = command_diff,
		  .operands = "A B",
		  .summary = "what changed between two snapshots",
		  .help = "Tells what turns the snapshot A into the snapshot B. With "
			  "--json a line for each change, which applied to A give B."},
	[SNAPSHOT] = {.name = "snapshot",
		      .run = command_snapshot,
		      .summary = "put a label on a snapshot",
		      .help = "Makes an annotated git tag, with the reason as its "
			      "message. It is never moved, and maintenance keeps it."},
	[VERIFY] = {.name = "verify",
		    .run = command_verify,
		    .summary = "check that nobody changed the snapshots",
		    .help = "Checks every object, signature and body of a repository or "
			    "of a clone, and that they agree with each other. Exit "
			    "status 1: they do not, and each failure has a line."},
	[BUNDLE] = {.name = "bundle",
		    .run = command_bundle,
		    .operands = "OUT",
		    .summary = "write one file that an auditor takes away",
		    .help = "A tar archive: the snapshots as a git bundle, the signers' "
			    "keys, a script that verifies them, and a report."},
	{0},
};

static const struct cli_option options[] = {
	{.name = "index",
	 .type = CLI_STRING,
	 .value = &command_opt.index,
	 .argument = "DIR",
	 .environment = "ALBUMEN_INDEX",
	 .summary = "the index that albumen-indexer keeps",
	 .commands = ON(EXPORT) | ON(FOLLOW),
	 .required = ON(EXPORT) | ON(FOLLOW)},
	{.name = "repo",
	 .type = CLI_STRING,
	 .value = &command_opt.repo,
	 .argument = "DIR",
	 .environment = "ALBUMEN_REPO",
	 .summary = "the git repository of snapshots",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH) | ON(MAINTAIN) | READERS |
		     ON(SNAPSHOT),
	 .required = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH) | ON(MAINTAIN) | READERS |
		     ON(SNAPSHOT)},
	{.name = "site",
	 .type = CLI_STRING,
	 .value = &command_opt.site,
	 .argument = "DIR",
	 .environment = "ALBUMEN_SITE",
	 .summary = "the folder that a web server serves",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH) | ON(EDGE),
	 .required = ON(PUBLISH) | ON(EDGE)},
	{.name = "rev",
	 .type = CLI_STRING,
	 .value = &command_opt.rev,
	 .argument = "REV",
	 .summary = "another name of --at",
	 .commands = ON(PUBLISH)},
	{.name = "check",
	 .type = CLI_FLAG,
	 .value = &command_opt.check,
	 .summary = "list the files of the site that are not as in its snapshot",
	 .commands = ON(PUBLISH)},
	{.name = "repair",
	 .type = CLI_FLAG,
	 .value = &command_opt.repair,
	 .summary = "as --check, and bring the site to the snapshot",
	 .commands = ON(PUBLISH)},
	{.name = "collections",
	 .type = CLI_FLAG,
	 .value = &command_opt.collections,
	 .summary = "also write api/v1/tag_images.json, all tag images in one file",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH)},
	{.name = "listen",
	 .type = CLI_STRING,
	 .value = &command_opt.listen,
	 .argument = "ADDR:PORT",
	 .summary = "where nginx shall listen; a port alone is on 127.0.0.1",
	 .commands = ON(EDGE),
	 .required = ON(EDGE)},
	{.name = "ready-fd",
	 .type = CLI_NUMBER,
	 .value = &command_opt.ready_fd,
	 .argument = "N",
	 .summary = "write a line to descriptor N after the first export",
	 .commands = ON(FOLLOW)},
	{.name = "json",
	 .type = CLI_FLAG,
	 .value = &command_opt.json,
	 .summary = "report as JSON",
	 .commands = ON(EXPORT) | ON(PUBLISH) | ON(MAINTAIN) | ON(LOG) | ON(DIFF) |
		     ON(SNAPSHOT) | ON(VERIFY)},
	{.name = "at",
	 .type = CLI_STRING,
	 .value = &command_opt.at,
	 .argument = "WHEN",
	 .summary = "the snapshot of that time: a date, '2 days ago', a tag, an id",
	 .commands = ON(PUBLISH) | ON(AUDIT) | ON(LOG) | ON(SHOW) | ON(SNAPSHOT)},
	{.name = "album",
	 .type = CLI_STRING,
	 .value = &command_opt.album,
	 .argument = "ID",
	 .summary = "this album alone",
	 .commands = ON(AUDIT) | ON(LOG) | ON(DIFF)},
	{.name = "image",
	 .type = CLI_STRING,
	 .value = &command_opt.image,
	 .argument = "ID",
	 .summary = "this image alone",
	 .commands = ON(LOG)},
	{.name = "tag",
	 .type = CLI_STRING,
	 .value = &command_opt.tag,
	 .argument = "ID",
	 .summary = "this tag alone",
	 .commands = ON(LOG)},
	{.name = "format",
	 .type = CLI_STRING,
	 .value = &command_opt.format,
	 .argument = "FORMAT",
	 .summary = "table, json, csv or html (table)",
	 .commands = ON(AUDIT)},
	{.name = "fail-over",
	 .type = CLI_NUMBER,
	 .value = &command_opt.fail_over,
	 .argument = "N",
	 .summary = "exit with status 1 if more than N images are untagged",
	 .commands = ON(AUDIT)},
	{.name = "older-than",
	 .type = CLI_STRING,
	 .value = &command_opt.older_than,
	 .argument = "AGE",
	 .summary = "exit with status 1 if one has been for longer: 12h, 30d, 8w",
	 .commands = ON(AUDIT)},
	{.name = "from",
	 .type = CLI_STRING,
	 .value = &command_opt.from,
	 .argument = "WHEN",
	 .summary = "begin with this snapshot (the first)",
	 .commands = ON(VERIFY) | ON(BUNDLE)},
	{.name = "to",
	 .type = CLI_STRING,
	 .value = &command_opt.to,
	 .argument = "WHEN",
	 .summary = "end with this snapshot (the last)",
	 .commands = ON(VERIFY) | ON(BUNDLE)},
	{.name = "sign",
	 .type = CLI_STRING,
	 .value = &command_opt.sign,
	 .argument = "KEY",
	 .summary = "sign with this OpenSSH key: a private one, or a public one whose "
		    "other half an agent holds",
	 .environment = "ALBUMEN_SIGN",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(SNAPSHOT)},
	{.name = "signers",
	 .type = CLI_STRING,
	 .value = &command_opt.signers,
	 .argument = "FILE",
	 .environment = "ALBUMEN_SIGNERS",
	 .summary = "who may sign: an allowed-signers file (ssh-keygen(1))",
	 .commands = ON(VERIFY) | ON(BUNDLE)},
	{.name = "label",
	 .type = CLI_STRING,
	 .value = &command_opt.label,
	 .argument = "NAME",
	 .summary = "the label",
	 .commands = ON(SNAPSHOT),
	 .required = ON(SNAPSHOT)},
	{.name = "reason",
	 .type = CLI_STRING,
	 .value = &command_opt.reason,
	 .argument = "TEXT",
	 .summary = "why it is kept",
	 .commands = ON(SNAPSHOT),
	 .required = ON(SNAPSHOT)},
	{.name = "audit-page",
	 .type = CLI_FLAG,
	 .value = &command_opt.audit_page,
	 .summary = "also write audit/, a page for people, into the site",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH)},
	{.name = "drop",
	 .type = CLI_LIST,
	 .value = &command_opt.drop,
	 .argument = "MEMBER.PATH",
	 .summary = "leave this member out of every response (may be repeated)",
	 .commands = ON(EXPORT) | ON(FOLLOW)},
	{.name = "round-gps",
	 .type = CLI_NUMBER,
	 .value = &command_opt.round_gps,
	 .argument = "N",
	 .summary = "round places on earth to N decimals in every response",
	 .commands = ON(EXPORT) | ON(FOLLOW)},
	{.name = "accept",
	 .type = CLI_LIST,
	 .value = &command_opt.accept,
	 .argument = "WHAT",
	 .summary = "take this, which is refused otherwise, as meant, once: history "
		    "(may be repeated)",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH)},
	{.name = "wait",
	 .type = CLI_NUMBER,
	 .value = &command_opt.wait,
	 .argument = "SECONDS",
	 .summary = "wait so long for another writer of the repository (60)",
	 .commands = ON(EXPORT) | ON(MAINTAIN) | ON(SNAPSHOT)},
	{.name = "verbose",
	 .letter = 'v',
	 .type = CLI_COUNT,
	 .value = &command_opt.verbose,
	 .summary = "say more on stderr",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH)},
	{0},
};

int main(int argc, char **argv)
{
	static const struct cli_program program = {
		.name = "albumen-exporter",
		.version = ALBUMEN_VERSION,
		.summary = "git snapshots and static sites of an image API",
		.commands = commands,
		.options = options,
	};

	log_init("albumen-exporter", LOG_INFO);
	return cli_main(&program, argc, argv);
}

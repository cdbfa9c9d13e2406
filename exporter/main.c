/* SPDX-License-Identifier: GPL-2.0-or-later */

/* albumen-exporter: commands, options, wiring, exit status. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/cli.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/stop.h"
#include "data/index.h"
#include "data/json.h"
#include "exporter/edge.h"
#include "exporter/export.h"
#include "exporter/follow.h"
#include "exporter/maintain.h"
#include "exporter/site.h"
#include "exporter/snapshot.h"

static struct {
	const char *index, *repo, *site, *rev, *listen;
	bool collections, json;
	long long ready_fd;
	int verbose;
} opt = {.rev = "HEAD", .ready_fd = -1};

enum { EXPORT, FOLLOW, PUBLISH, EDGE, MAINTAIN };
#define ON(command) (1u << (command))

static unsigned site_flags(void)
{
	return opt.collections ? SITE_COLLECTIONS : 0;
}

/* What every command does first: the index, the repository and the site lie
 * beside each other, never inside. */
static int begin_command(struct err *err)
{
	const char *places[] = {opt.index, opt.repo, opt.site};
	const char *names[] = {"index", "repository", "site"};

	log_init("albumen-exporter", opt.verbose ? LOG_DEBUG : LOG_INFO);
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

static void print_site(const struct site_result *site)
{
	if (!opt.site) {
		return;
	}
	if (opt.json) {
		printf(",\"site\":{\"written\":%" PRIu64 ",\"removed\":%" PRIu64 "}",
		       site->written, site->removed);
	} else if (site->touched) {
		printf("site: %" PRIu64 " files written, %" PRIu64 " removed\n",
		       site->written, site->removed);
	} else {
		printf("site: nothing to do\n");
	}
}

static void print_export(const struct export_result *result)
{
	const struct snapshot_delta *d = &result->delta;
	const char *commit = result->info.commit.hex;

	if (opt.json) {
		printf("{\"snapshot\":\"%s\",\"tree\":\"%s\",\"made\":%s,\"full\":%s,"
		       "\"rendered\":%" PRIu64 ",\"added\":%" PRIu64
		       ",\"changed\":%" PRIu64 ",\"removed\":%" PRIu64,
		       commit, result->info.tree.hex, result->made ? "true" : "false",
		       result->full ? "true" : "false", result->rendered, d->added,
		       d->changed, d->removed);
		print_site(&result->site);
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
	print_site(&result->site);
}

static int run_export(int argc, char **argv, struct err *err)
{
	struct export_job job = {.site = opt.site, .site_flags = site_flags()};
	struct export_result result = {0};
	struct stop stop;
	int rc = begin_command(err);

	(void)argc;
	(void)argv;
	if (rc || (rc = stop_open(&stop, err)) < 0) {
		return rc;
	}
	job.stop = &stop;
	rc = index_open(&job.index, opt.index, 0, err);
	if (!rc) {
		rc = snapshot_open(&job.repo, opt.repo, SNAPSHOT_WRITE | SNAPSHOT_CREATE,
				   "albumen-exporter export", err);
	}
	if (!rc) {
		rc = export_run(&job, &result, err);
	}
	if (!rc) {
		print_export(&result);
		rc = maintain_when_due(job.repo, false, err);
	}
	export_result_release(&result);
	snapshot_close(job.repo);
	index_close(job.index);
	stop_close(&stop);
	return rc;
}

static int run_follow(int argc, char **argv, struct err *err)
{
	struct export_job job = {.site = opt.site, .site_flags = site_flags()};
	struct stop stop;
	int rc = begin_command(err);

	(void)argc;
	(void)argv;
	if (rc || (rc = stop_open(&stop, err)) < 0) {
		return rc;
	}
	job.stop = &stop;
	rc = snapshot_open(&job.repo, opt.repo, SNAPSHOT_WRITE | SNAPSHOT_CREATE,
			   "albumen-exporter follow", err);
	if (!rc) {
		rc = follow_run(&job, opt.index, (int)opt.ready_fd, err);
	}
	snapshot_close(job.repo);
	stop_close(&stop);
	return rc;
}

static int run_publish(int argc, char **argv, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct site_result site = {0};
	int rc = begin_command(err);

	(void)argc;
	(void)argv;
	if (!rc) {
		rc = snapshot_open(&repo, opt.repo, 0, "albumen-exporter publish", err);
	}
	if (!rc) {
		rc = snapshot_resolve(repo, opt.rev, &info, err);
	}
	if (!rc) {
		rc = site_publish(opt.site, repo, &info, site_flags(), &site, err);
	}
	if (!rc) {
		if (opt.json) {
			printf("{\"snapshot\":\"%s\",\"tree\":\"%s\"", info.commit.hex,
			       info.tree.hex);
			print_site(&site);
			puts("}");
		} else {
			printf("snapshot %s\n", info.commit.hex);
			print_site(&site);
		}
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

static int run_edge(int argc, char **argv, struct err *err)
{
	(void)argc;
	(void)argv;
	return edge_print(stdout, opt.site, opt.listen, err);
}

static void print_maintain(const struct maintain_result *result)
{
	if (opt.json) {
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
	int rc = snapshot_open(&repo, opt.repo, SNAPSHOT_WRITE,
			       "albumen-exporter maintain", err);

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
		 .run = run_publish,
		 .summary = "bring a site to any snapshot",
		 .help = "Writes only the files that differ between the snapshot that "
			 "the folder is at and the one asked for."},
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
	{0},
};

static const struct cli_option options[] = {
	{.name = "index",
	 .type = CLI_STRING,
	 .value = &opt.index,
	 .argument = "DIR",
	 .environment = "ALBUMEN_INDEX",
	 .summary = "the index that albumen-indexer keeps",
	 .commands = ON(EXPORT) | ON(FOLLOW),
	 .required = ON(EXPORT) | ON(FOLLOW)},
	{.name = "repo",
	 .type = CLI_STRING,
	 .value = &opt.repo,
	 .argument = "DIR",
	 .environment = "ALBUMEN_REPO",
	 .summary = "the git repository of snapshots",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH) | ON(MAINTAIN),
	 .required = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH) | ON(MAINTAIN)},
	{.name = "site",
	 .type = CLI_STRING,
	 .value = &opt.site,
	 .argument = "DIR",
	 .environment = "ALBUMEN_SITE",
	 .summary = "the folder that a web server serves",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH) | ON(EDGE),
	 .required = ON(PUBLISH) | ON(EDGE)},
	{.name = "rev",
	 .type = CLI_STRING,
	 .value = &opt.rev,
	 .argument = "REV",
	 .summary = "the snapshot, as git names it: HEAD~1, a tag, an id (HEAD)",
	 .commands = ON(PUBLISH)},
	{.name = "collections",
	 .type = CLI_FLAG,
	 .value = &opt.collections,
	 .summary = "also write api/v1/tag_images.json, all tag images in one file",
	 .commands = ON(EXPORT) | ON(FOLLOW) | ON(PUBLISH)},
	{.name = "listen",
	 .type = CLI_STRING,
	 .value = &opt.listen,
	 .argument = "ADDR:PORT",
	 .summary = "where nginx shall listen; a port alone is on 127.0.0.1",
	 .commands = ON(EDGE),
	 .required = ON(EDGE)},
	{.name = "ready-fd",
	 .type = CLI_NUMBER,
	 .value = &opt.ready_fd,
	 .argument = "N",
	 .summary = "write a line to descriptor N after the first export",
	 .commands = ON(FOLLOW)},
	{.name = "json",
	 .type = CLI_FLAG,
	 .value = &opt.json,
	 .summary = "report as JSON",
	 .commands = ON(EXPORT) | ON(PUBLISH) | ON(MAINTAIN)},
	{.name = "verbose",
	 .letter = 'v',
	 .type = CLI_COUNT,
	 .value = &opt.verbose,
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

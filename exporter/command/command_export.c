/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "data/base/plain.h"
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/git/maintain.h"
#include "exporter/git/repo_folder.h"
#include "exporter/snapshot/response.h"

/* Adds the responses that are too large for a snapshot. */
static void add_oversize(struct buf *out, const struct oversize *oversize, bool json)
{
	const char *path;
	size_t at = 0;

	if (json) {
		command_json_oversize(out, oversize);
		return;
	}
	while ((path = oversize_next(oversize, &at))) {
		buf_addf(out, "larger than %zu MiB, so not in the snapshot: ",
			 RESPONSE_MAX >> 20);
		plain_addstr(out, path);
		buf_addch(out, '\n');
	}
}

/* Appends whose key signs from now on; for people, if it is another. */
static void add_key(struct buf *out, const struct command_job *job,
		    const struct export_result *result, bool json)
{
	const char *before = result->other_key;

	if (json) {
		json_print_string(out, "key", *job->key ? job->key : NULL);
		json_print_string(out, "key_before", *before ? before : NULL);
	} else if (*before) {
		buf_addf(out, "key: now %s, before %s\n", job->key, before);
	}
}

/* What each rule of --drop and --round-gps matched. */
static void add_matched(struct buf *out, const struct command_options *opt,
			const struct redact *redact, const struct redact_matched *matched)
{
	int decimals = redact ? redact_decimals(redact) : -1;
	const char *path;

	if (opt->json) {
		json_print_open(out, "drop", '[');
	}
	for (size_t i = 0; redact && (path = redact_path(redact, i)); i++) {
		if (opt->json) {
			json_print_open(out, NULL, '{');
			json_print_string(out, "path", path);
			json_print_number(out, "matched", matched->path[i]);
			buf_addch(out, '}');
		} else {
			buf_addstr(out, "--drop ");
			plain_addstr(out, path);
			buf_addf(out, ": %" PRIu64 " matched\n", matched->path[i]);
		}
	}
	if (opt->json) {
		buf_addch(out, ']');
	}
	if (decimals < 0 && opt->json) {
		json_print_raw(out, "round_gps", NULL);
	} else if (opt->json) {
		json_print_open(out, "round_gps", '{');
		json_print_number(out, "decimals", (uint64_t)decimals);
		json_print_number(out, "matched", matched->places);
		buf_addch(out, '}');
	} else if (decimals >= 0) {
		buf_addf(out, "--round-gps %d: %" PRIu64 " matched\n", decimals,
			 matched->places);
	}
}

/* Of a dry run: the last snapshot, if there is one, and the tree that the next one would
 * have. */
static void add_dry_run(struct buf *out, const struct export_result *result)
{
	const struct snapshot_id *last = &result->info.commit;

	json_print_string(out, "commit", *last->hex ? last->hex : NULL);
	json_print_string(out, "tree",
			  result->made ? result->tree.hex : result->info.tree.hex);
}

static void report(const struct command_options *opt, const struct command_job *job,
		   const struct export_result *result)
{
	const struct snapshot_delta *d = &result->delta;
	struct buf out = {0};

	if (opt->json) {
		json_print_document(&out);
		if (opt->dry_run) {
			add_dry_run(&out, result);
		} else {
			command_add_snapshot(&out, &result->info);
		}
		json_print_bool(&out, "dry_run", opt->dry_run);
		json_print_bool(&out, "made", result->made);
		json_print_bool(&out, "full", result->full);
		json_print_number(&out, "rendered", result->rendered);
		json_print_number(&out, "added", d->added);
		json_print_number(&out, "changed", d->changed);
		json_print_number(&out, "removed", d->removed);
	} else if (result->made) {
		buf_addstr(&out, opt->dry_run ? "a snapshot would be made" : "snapshot ");
		buf_addf(&out,
			 "%s: %" PRIu64 " added, %" PRIu64 " changed, %" PRIu64
			 " removed\n",
			 opt->dry_run ? "" : result->info.commit.hex, d->added,
			 d->changed, d->removed);
	} else {
		buf_addf(&out, "snapshot %s: nothing changed\n", result->info.commit.hex);
	}
	add_key(&out, job, result, opt->json);
	if (opt->json || (job->redact && result->rendered)) {
		add_matched(&out, opt, job->redact, &result->matched);
	}
	add_oversize(&out, &result->oversize, opt->json);
	if (opt->dry_run && result->made && opt->site && !opt->json) {
		buf_addstr(&out, "site: how many files would be written is known when "
				 "the snapshot is made\n");
	}
	command_add_site(&out, opt, opt->dry_run && result->made ? NULL : &result->site);
	buf_addstr(&out, opt->json ? "}\n" : "");
	command_print(&out);
}

/* Before a repository is made, paths are refused that match nothing. */
static int probe(const struct command_job *job, const struct command_options *opt,
		 struct err *err)
{
	struct export_job dry = job->job;
	struct export_result result = {0};
	enum repo_folder_kind folder;
	int rc = repo_folder_look(&folder, opt->repo, err);

	if (!rc && folder != REPO_FOLDER_REPO &&
	    !(job->accept.given & 1u << ACCEPT_REDACTION)) {
		dry.dry_run = dry.probe = true;
		dry.site = NULL;
		dry.accept = NULL;
		rc = export_run(&dry, &result, err);
		export_result_release(&result);
	}
	return rc;
}

/* Opens the repository; in a dry run for reading, if there is one. */
static int open_repo(struct command_job *job, const struct command_options *opt,
		     struct err *err)
{
	int rc = job->redact && !opt->dry_run ? probe(job, opt, err) : 0;

	if (rc) {
		return rc;
	}
	if (!opt->dry_run) {
		return command_open_writer(&job->job.repo, opt, SNAPSHOT_CREATE,
					   "albumen-exporter export", &job->stop, err);
	}
	rc = snapshot_open(&job->job.repo, opt->repo, SNAPSHOT_LOOK,
			   "albumen-exporter export", err);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct export_result result = {0};
	struct command_job job;
	int rc = command_begin_job(&job, opt, err);

	(void)operand;
	rc = rc ? rc : command_check_site(&job, opt, err);
	rc = rc ? rc : index_open(&job.job.index, opt->index, 0, err);
	rc = rc ? rc : open_repo(&job, opt, err);
	rc = rc ? rc : export_run(&job.job, &result, err);
	if (!rc) {
		report(opt, &job, &result);
	}
	if (!rc && !opt->dry_run) {
		rc = maintain_when_due(job.job.repo, false, err);
	}
	if (rc < 0 && rc != ERR_STOPPED && job.job.repo &&
	    snapshot_writable(job.job.repo)) {
		snapshot_note_failure(job.job.repo, err->msg);
	}
	if (!rc && result.site.damaged) {
		rc = 1; /* the log says what is damaged */
	}
	if (!rc && result.oversize.count) {
		rc = 3;
	}
	export_result_release(&result);
	command_end_job(&job);
	return rc;
}

const struct cli_command command_export = {
	.name = "export",
	.run = run,
	.options = "index! repo! site endpoint-url region single-publisher collections "
		   "json sign audit-page drop round-gps "
		   "name accept dry-run wait",
	.summary = "snapshot what changed, then bring the site to it",
	.help = "Renders the responses that changed since the last snapshot and commits "
		"them to the repository, which is created if it does not exist. If "
		"nothing changed, nothing is written. Exit status 3: it is done, but "
		"responses "
		"that are larger than 256 MiB are left out, and named."};

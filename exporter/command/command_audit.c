/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/base/log.h"
#include "exporter/audit/audit_collect.h"
#include "exporter/audit/audit_print.h"
#include "exporter/command/command.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/page/page.h"

/* --format, --fail-over and --older-than, understood. */
struct question {
	enum { TABLE, JSON, CSV, HTML, FORMATS } format;
	int64_t older_than_s; /* -1: not asked for */
};

static int read_question(struct question *question, const struct command_options *opt,
			 struct err *err)
{
	static const char *const name[FORMATS] = {
		[TABLE] = "table", [JSON] = "json", [CSV] = "csv", [HTML] = "html"};

	*question = (struct question){.format = FORMATS, .older_than_s = -1};
	for (int i = 0; i < FORMATS; i++) {
		if (strcmp(opt->format, name[i]) == 0) {
			question->format = i;
		}
	}
	if (question->format == FORMATS) {
		return err_set(err, ERR_USAGE,
			       "--format is '%s'; it must be table, json, csv or html",
			       opt->format);
	}
	return opt->older_than ? when_age(opt->older_than, &question->older_than_s, err)
			       : 0;
}

static int print(const struct question *question, struct snapshot_repo *repo,
		 const struct audit *audit, const char *album, struct err *err)
{
	switch (question->format) {
	case JSON:
		return audit_print_json(stdout, audit, err);
	case CSV:
		return audit_print_csv(stdout, audit, err);
	case HTML:
		return page_print(stdout, repo, audit, err);
	default:
		return audit_print_table(stdout, audit, album, err);
	}
}

/* --- findings --- */

static bool too_many(const struct audit *audit, long long fail_over)
{
	const struct audit_album *most = audit->album; /* the first has most */

	if (fail_over < 0 || audit->all.untagged <= (uint64_t)fail_over) {
		return false;
	}
	log_error("untagged images: %" PRIu64 ", which is over the %lld of --fail-over; "
		  "%" PRIu64 " of them in album '%s'",
		  audit->all.untagged, fail_over, most->counts.untagged, most->id);
	return true;
}

/* What is the oldest of them, and how many there are. */
struct old {
	uint64_t count, unknown;
	const struct audit_image *image; /* that has been so for longest */
	const struct audit_album *album;
};

static void look_at_image(struct old *old, const struct audit *audit,
			  const struct audit_album *album,
			  const struct audit_image *image, int64_t older_than_s)
{
	const struct audit_since *since = image->since ? image->since : audit->horizon;

	if (audit->as_of_s - since->time_s > older_than_s) {
		old->count++;
		if (!old->image ||
		    (image->since &&
		     (!old->image->since || since->time_s < old->image->since->time_s))) {
			old->image = image;
			old->album = album;
		}
	} else if (!image->since) {
		old->unknown++;
	}
}

static bool too_old(const struct audit *audit, const char *older_than,
		    int64_t older_than_s)
{
	struct old old = {0};
	char time[WHEN_TEXT] = "";

	for (size_t i = 0; older_than_s >= 0 && i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			look_at_image(&old, audit, album, &album->image[j], older_than_s);
		}
	}
	if (old.image) {
		bool known = old.image->since;

		when_format(time, (known ? old.image->since : audit->horizon)->time_s);
		log_error("images untagged for longer than %s: %" PRIu64 ", the longest "
			  "being '%s' in album '%s', since %s%s",
			  older_than, old.count, old.image->id, old.album->id, time,
			  known ? "" : " at least");
	}
	if (old.unknown) {
		when_format(time, audit->horizon->time_s);
		log_error("images untagged since nobody knows when: %" PRIu64
			  "; the history of this clone begins at %s, and "
			  "`git fetch --unshallow` completes it",
			  old.unknown, time);
	}
	return old.image || old.unknown;
}

/* Both are checked, so that both are logged. */
static int judge(const struct command_options *opt, const struct question *question,
		 const struct audit *audit)
{
	bool many = too_many(audit, opt->fail_over);
	bool old = too_old(audit, opt->older_than, question->older_than_s);

	return many || old ? 1 : 0;
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct audit *audit = NULL;
	struct question question;
	int64_t as_of_s;
	int rc = read_question(&question, opt, err);

	(void)operand;
	if (!rc) {
		rc = command_open_reader(&repo, &info, &as_of_s, opt, err);
	}
	if (!rc) {
		rc = audit_collect(&audit, repo, &info, as_of_s, opt->album,
				   question.format == HTML ? AUDIT_THUMBNAILS : 0, err);
	}
	if (!rc) {
		rc = print(&question, repo, audit, opt->album, err);
	}
	if (!rc) {
		rc = judge(opt, &question, audit);
	}
	audit_free(audit);
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_audit = {
	.name = "audit",
	.run = run,
	.options = "repo! at album format fail-over older-than",
	.summary = "what is untagged, since when, and who tagged",
	.help = "Counts a snapshot's images by album and tag. Exit status 1 means that "
		"--fail-over or --older-than found something."};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "data/base/plain.h"
#include "data/format/age.h"
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/export/exporter_metrics.h"
#include "exporter/export/standing.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

/* Of the last snapshot. */
static const struct {
	const char *name, *trailer;
} counts[] = {
	{"images", MESSAGE_IMAGES},         {"untagged", MESSAGE_UNTAGGED},
	{"albums", MESSAGE_ALBUMS},         {"tags", MESSAGE_TAGS},
	{"tag_images", MESSAGE_TAG_IMAGES},
};
#define COUNTS (sizeof(counts) / sizeof(*counts))

static uint64_t count_of(const struct standing *s, size_t i)
{
	return s->info.message
		       ? message_count(s->info.message, counts[i].trailer, UINT64_MAX)
		       : UINT64_MAX;
}

static int64_t age_of(int64_t then_s, int64_t now_s)
{
	return then_s < now_s ? now_s - then_s : 0;
}

/* A time, or null if it is none. */
static void add_time(struct buf *out, const char *name, int64_t time_s, bool known)
{
	char text[WHEN_TEXT];

	when_format(text, time_s);
	json_print_string(out, name, known ? text : NULL);
}

/* --- JSON ------------------------------------------------------------------------------ */

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static void json_signature(struct buf *out, const struct standing *s)
{
	static const char *const verdicts[] = {[SIGN_GOOD] = "good",
					       [SIGN_NONE] = "none",
					       [SIGN_UNKNOWN] = "unknown",
					       [SIGN_BAD] = "bad"};
	struct buf principal = {0};

	if (!*s->info.commit.hex) {
		json_print_raw(out, "signature", NULL);
		return;
	}
	plain_addstr(&principal, s->principal);
	json_print_open(out, "signature", '{');
	json_print_string(out, "verdict", verdicts[s->signature]);
	json_print_string(out, "key", or_null(s->key));
	json_print_string(out, "signer", principal.len ? principal.data : NULL);
	buf_addch(out, '}');
	buf_release(&principal);
}

static void json_index(struct buf *out, const struct standing_index *index)
{
	if (index->source == STANDING_NONE) {
		json_print_raw(out, "index", NULL);
		return;
	}
	json_print_open(out, "index", '{');
	json_print_string(out, "index", index->uuid);
	add_time(out, "as_of", index->as_of_s, true);
	json_print_number(out, "sequence", index->sequence);
	json_print_maybe(out, "exported", index->exported, index->continues);
	json_print_maybe(
		out, "ahead",
		index->sequence > index->exported ? index->sequence - index->exported : 0,
		index->continues);
	json_print_number(out, "lag_s", (uint64_t)index->lag_s);
	json_print_number(out, "rejected_files", index->rejected_files);
	json_print_number(out, "rejects", index->rejects);
	buf_addch(out, '}');
}

static void json_site(struct buf *out, const struct standing_site *site, bool given)
{
	if (!given) {
		json_print_raw(out, "site", NULL);
		return;
	}
	json_print_open(out, "site", '{');
	json_print_string(out, "commit", or_null(site->commit.hex));
	json_print_maybe(out, "number", site->number, site->number);
	json_print_bool(out, "current", site->current);
	json_print_bool(out, "unfinished", site->unfinished);
	json_print_number(out, "lag_s", (uint64_t)site->lag_s);
	buf_addch(out, '}');
}

static void add_json(struct buf *out, const struct standing *s,
		     const struct standing_job *job)
{
	bool has = *s->info.commit.hex;

	json_print_document(out);
	json_print_string(out, "commit", or_null(s->info.commit.hex));
	json_print_string(out, "tree", or_null(s->info.tree.hex));
	json_print_maybe(out, "number", s->number, s->number);
	add_time(out, "time", s->info.time_s, has);
	add_time(out, "as_of", job->now_s, true);
	json_print_maybe(out, "age_s", (uint64_t)age_of(s->info.time_s, job->now_s), has);
	json_print_string(out, "library", s->library.len ? s->library.data : NULL);
	for (size_t i = 0; i < COUNTS; i++) {
		uint64_t count = count_of(s, i);

		json_print_maybe(out, counts[i].name, count, count != UINT64_MAX);
	}
	json_signature(out, s);
	command_json_oversize(out, &s->oversize);
	json_index(out, &s->index);
	json_site(out, &s->site, job->site);
	fail_on_print(out, &s->fail_on, true);
	buf_addstr(out, "}\n");
}

/* --- text ------------------------------------------------------------------------------ */

static void begin_row(struct buf *out, const char *name)
{
	buf_addf(out, "%-16s", name);
}

static void add_ago(struct buf *out, int64_t then_s, int64_t now_s)
{
	char time[WHEN_TEXT];

	when_format(time, then_s);
	buf_addf(out, "%s, ", time);
	age_add(out, age_of(then_s, now_s));
	buf_addstr(out, " ago");
}

static void text_signature(struct buf *out, const struct standing *s, bool checked)
{
	begin_row(out, "signed");
	if (s->signature == SIGN_NONE) {
		buf_addstr(out, "no");
	} else if (s->signature == SIGN_GOOD) {
		buf_addstr(out, "by ");
		plain_addstr(out, s->principal);
		buf_addf(out, ", key %s", s->key);
	} else {
		buf_addf(out, "key %s, %s", *s->key ? s->key : "unknown",
			 !checked                   ? "not checked (--signers)"
			 : s->signature == SIGN_BAD ? "but not valid"
						    : "which is not one of --signers");
	}
	buf_addch(out, '\n');
}

static void text_snapshot(struct buf *out, const struct standing *s,
			  const struct standing_job *job)
{
	const char *path;
	size_t at = 0;

	begin_row(out, "snapshot");
	if (!*s->info.commit.hex) {
		buf_addstr(out, "none yet\n");
		return;
	}
	buf_addf(out, "%s\n", s->info.commit.hex);
	if (s->number) {
		begin_row(out, "number");
		buf_addf(out, "%" PRIu64 "\n", s->number);
	}
	begin_row(out, "made");
	add_ago(out, s->info.time_s, job->now_s);
	buf_addch(out, '\n');
	if (s->library.len) {
		begin_row(out, "library");
		plain_addstr(out, s->library.data);
		buf_addch(out, '\n');
	}
	for (size_t i = 0; i < COUNTS; i++) {
		uint64_t count = count_of(s, i);

		if (count != UINT64_MAX) {
			begin_row(out, counts[i].name);
			buf_addf(out, "%" PRIu64 "\n", count);
		}
	}
	text_signature(out, s, job->signers);
	while ((path = oversize_next(&s->oversize, &at))) {
		begin_row(out, "oversize");
		plain_addstr(out, path);
		buf_addch(out, '\n');
	}
}

static void text_index(struct buf *out, const struct standing *s,
		       const struct standing_job *job)
{
	const struct standing_index *index = &s->index;

	begin_row(out, "index");
	if (index->source == STANDING_NONE) {
		buf_addstr(out, job->index ? "cannot be read\n" : "not given\n");
		return;
	}
	buf_addf(out, "%s, sequence %" PRIu64, index->uuid, index->sequence);
	if (!index->continues) {
		buf_addstr(out, ": not that of the snapshot, or restored; the next "
				"export renders everything");
	} else if (index->sequence <= index->exported) {
		buf_addstr(out, ": all of it is in the snapshot");
	} else {
		buf_addf(out, ": %" PRIu64 " ahead of the snapshot, for ",
			 index->sequence - index->exported);
		age_add(out, index->lag_s);
	}
	if (index->source == STANDING_REPORT) {
		buf_addstr(out, "\n                as reported ");
		add_ago(out, index->as_of_s, job->now_s);
	}
	buf_addch(out, '\n');
}

static void text_site(struct buf *out, const struct standing *s,
		      const struct standing_job *job)
{
	const struct standing_site *site = &s->site;

	if (!job->site) {
		return;
	}
	begin_row(out, "site");
	if (site->current) {
		buf_addstr(out, "at the snapshot");
	} else if (*site->commit.hex) {
		buf_addf(out, "at snapshot %s", site->commit.hex);
		if (site->number) {
			buf_addf(out, " (number %" PRIu64 ")", site->number);
		}
	} else {
		buf_addstr(out, "at no snapshot");
	}
	buf_addstr(out, site->unfinished ? "; a publication has not finished\n" : "\n");
}

/* --- metrics --------------------------------------------------------------------------- */

/* Writes the file of --metrics, if it is given. */
static int write_metrics(struct exporter_metrics *metrics, const struct standing *s,
			 struct err *err)
{
	const struct standing_index *index = &s->index;
	char uuid[INDEX_UUID];
	uint64_t epoch;

	if (!metrics->path) {
		return 0;
	}
	if (*s->info.commit.hex) {
		metrics->snapshot_s = s->info.time_s;
		message_exported(s->info.message, uuid, &epoch, &metrics->sequence);
		metrics->oversize = s->oversize.count;
	}
	metrics->has_lag = index->source != STANDING_NONE;
	metrics->lag = index->sequence;
	if (index->continues) {
		metrics->sequence = index->exported;
		metrics->lag = index->sequence > index->exported
				       ? index->sequence - index->exported
				       : 0;
	}
	return exporter_metrics_write(metrics, err);
}

/* --------------------------------------------------------------------------------------- */

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct standing_job job = {.index = opt->index, .signers = opt->signers};
	struct exporter_metrics metrics = {
		.path = opt->metrics, .repo = opt->repo, .index = opt->index};
	struct standing standing = {0};
	struct buf out = {0};
	int rc = fail_on_read(&standing.fail_on, opt->fail_on, err);

	(void)operand;
	rc = rc ? rc : command_site(&job.site, opt, err);
	metrics.site = job.site;
	rc = rc || !opt->metrics ? rc : exporter_metrics_check(&metrics, err);
	rc = rc ? rc : when_now(&job.now_s, err);
	rc = rc ? rc : snapshot_open(&job.repo, opt->repo, 0, "albumen-exporter", err);
	rc = rc ? rc : standing_read(&standing, &job, err);
	if (!rc) {
		if (opt->json) {
			add_json(&out, &standing, &job);
		} else {
			text_snapshot(&out, &standing, &job);
			text_index(&out, &standing, &job);
			text_site(&out, &standing, &job);
			fail_on_print(&out, &standing.fail_on, false);
		}
		command_print(&out);
		rc = write_metrics(&metrics, &standing, err);
	}
	if (!rc) {
		rc = standing.fail_on.fails ? 1 : 0;
	}
	standing_release(&standing);
	snapshot_close(job.repo);
	place_free(job.site);
	return rc;
}

const struct cli_command command_status = {
	.name = "status",
	.run = run,
	.options = "repo! index site endpoint-url region signers fail-on json metrics",
	.summary = "the last snapshot, how far behind it is, who signed it",
	.help = "Prints the last snapshot and its age; with --index how far the index is "
		"ahead of it, with --site whether the site is at it, with --signers "
		"whether one of them signed it. Exit status 1: something is wrong that "
		"--fail-on names."};

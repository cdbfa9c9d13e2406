/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/plain.h"
#include "data/format/json_print.h"
#include "data/format/stamp.h"
#include "data/index/check.h"
#include "data/index/facts.h"
#include "data/index/query.h"
#include "indexer/reject.h"

#define GROUPS 32      /* kinds of rejects that are told apart */
#define GROUP_LINES 10 /* of each kind, for people: */
#define FILE_LINES 3   /* of each file, so that others are seen, too */

/* The rejects of one kind (indexer/reject.h). */
struct group {
	uint32_t kind;
	struct buf reason; /* of the first one, without advice */
	struct buf path;   /* of the last one */
	struct buf lines;  /* the first ones, for people */
	uint64_t rejects, files;
	uint64_t in_file; /* rejects in the last file */
	unsigned shown;
};

struct report {
	bool json;
	bool kept;  /* the text is not printed, but kept whole */
	bool plain; /* paths are in their plain form already */
	struct facts facts;
	struct index_txn *txn;
	struct buf text; /* not printed yet */
	struct group group[GROUPS];
	size_t groups;
	struct buf more; /* lines about rejects that were not kept */
};

static int report_begin(struct report *report, struct index *index, bool json,
			struct err *err)
{
	int rc;

	*report = (struct report){.json = json};
	rc = index_begin(&report->txn, index, false, err);
	if (!rc) {
		facts_read(&report->facts, report->txn);
	}
	return rc;
}

/* Prints all but the last byte, which json_print looks at. */
static void report_print(struct report *report)
{
	struct buf *text = &report->text;

	if (text->len > 1 && !report->kept) {
		fwrite(text->data, 1, text->len - 1, stdout);
		text->data[0] = text->data[text->len - 1];
		buf_setlen(text, 1);
	}
}

/* Prints the rest. A full disk under standard output is an error. */
static int report_end(struct report *report, int rc, struct err *err)
{
	rc = index_end(&report->txn, rc, err);
	report_print(report);
	fwrite(report->text.data, 1, report->text.len, stdout);
	buf_release(&report->text);
	if (!rc && (fflush(stdout) != 0 || ferror(stdout))) {
		rc = err_sys(err, "cannot write the result");
	}
	return rc;
}

static void add_count(struct buf *text, const char *before, uint64_t n, const char *noun)
{
	buf_addf(text, "%s%" PRIu64 " %s%s", before, n, noun, n == 1 ? "" : "s");
}

/* The group of this reason; the last one takes all kinds for which there is no room. */
static struct group *group_of(struct report *report, const char *reason)
{
	uint32_t kind = reject_kind(reason);
	struct group *group = report->group;

	for (; group < report->group + report->groups; group++) {
		if (group->kind == kind) {
			return group;
		}
	}
	if (report->groups == GROUPS) {
		return &report->group[GROUPS - 1];
	}
	report->groups++;
	group->kind = kind;
	buf_add(&group->reason, reason, strcspn(reason, ";"));
	return group;
}

static void add_json_reject(struct buf *text, const struct buf *path, uint64_t line,
			    uint64_t column, const char *reason, uint64_t more)
{
	json_print_open(text, NULL, '{');
	json_print_bytes(text, "path", path->data, path->len);
	json_print_number(text, "line", line);
	json_print_number(text, "column", column);
	json_print_string(text, "reason", reason);
	json_print_number(text, "more", more);
	buf_addch(text, '}');
}

/* Prints the reject as JSON; for people, keeps the first of each kind. */
static int add_reject(const char *path, size_t path_len, uint64_t line, uint64_t column,
		      const char *reason, uint64_t more, void *payload)
{
	struct report *report = payload;
	struct group *group = group_of(report, reason);
	struct buf plain = {0};

	if (report->plain) {
		buf_add(&plain, path, path_len);
	} else {
		plain_add(&plain, path, path_len);
	}
	if (!group->path.len || group->path.len != plain.len ||
	    memcmp(group->path.data, plain.data, plain.len) != 0) {
		group->files++;
		group->in_file = 0;
		buf_clear(&group->path);
		buf_add(&group->path, plain.data, plain.len);
	}
	group->rejects++;
	if (report->json) {
		add_json_reject(&report->text, &plain, line, column, reason, more);
	} else if (++group->in_file <= FILE_LINES && group->shown < GROUP_LINES) {
		struct buf safe = {0};

		group->shown++;
		plain_add(&safe, reason, strlen(reason));
		reject_add(&group->lines, plain.data, plain.len, line, column, safe.data);
		buf_addch(&group->lines, '\n');
		buf_release(&safe);
	}
	if (more && !report->json) {
		buf_addf(&report->more, "%s: and %" PRIu64 " more\n", plain.data, more);
	}
	buf_release(&plain);
	report_print(report);
	return 0;
}

static void add_groups(struct report *report)
{
	struct buf *text = &report->text;

	if (!report->json && report->groups) {
		buf_addstr(
			text,
			"rejected (albumen(7), METADATA FILES, says what is taken):\n");
	}
	for (size_t i = 0; i < report->groups; i++) {
		struct group *group = &report->group[i];

		if (report->json) {
			json_print_open(text, NULL, '{');
			json_print_bytes(text, "reason", group->reason.data,
					 group->reason.len);
			json_print_number(text, "rejects", group->rejects);
			json_print_number(text, "files", group->files);
			buf_addch(text, '}');
		} else {
			buf_add(text, group->lines.data, group->lines.len);
			if (group->rejects > group->shown) {
				buf_addf(text, "... %" PRIu64 " like %s", group->rejects,
					 i + 1 == GROUPS ? "these" : "this");
				add_count(text, " in ", group->files, "file");
				buf_addstr(text, "; --json lists them all\n");
			}
		}
		buf_release(&group->reason);
		buf_release(&group->path);
		buf_release(&group->lines);
		report_print(report);
	}
	if (!report->json && report->groups) {
		buf_add(text, report->more.data, report->more.len);
	}
	buf_release(&report->more);
}

/* Appends the facts, the rejects that `list` gives, and what is wrong. */
static int add_status(struct report *report, bool complete,
		      int (*list)(struct report *report, void *payload, struct err *err),
		      void *payload, const char *dir, struct fail_on *fail_on,
		      struct err *err)
{
	struct buf *text = &report->text;
	int rc;

	facts_print(text, &report->facts, report->json);
	if (!report->json && report->facts.health.walked_s &&
	    !report->facts.counts.files) {
		buf_addstr(text, SCAN_NOTHING "\n");
	}
	if (report->json) {
		json_print_bool(text, "complete", complete);
		json_print_open(text, "rejected", '[');
	}
	rc = list(report, payload, err);
	if (report->json) {
		buf_addch(text, ']');
		json_print_open(text, "rejected_kinds", '[');
	}
	add_groups(report);
	buf_addstr(text, report->json ? "]" : "");
	facts_judge(&report->facts, dir, "", fail_on);
	if (report->json || fail_on->what) {
		fail_on_print(text, fail_on, report->json);
	}
	buf_addstr(text, report->json ? "}\n" : "");
	return rc;
}

static int list_all(struct report *report, void *payload, struct err *err)
{
	(void)payload;
	return query_rejects(report->txn, add_reject, report, err);
}

int status_print(struct index *index, bool json, struct fail_on *fail_on, struct err *err)
{
	struct report report;
	int rc = report_begin(&report, index, json, err);

	if (rc) {
		return rc;
	}
	if (!report.facts.built) {
		log_warning(
			"the first scan into index '%s' has not ended, so it counts no "
			"record yet; scan again if none runs",
			index_dir(index));
	}
	rc = add_status(&report, true, list_all, NULL, index_dir(index), fail_on, err);
	return report_end(&report, rc, err);
}

/* --- INDEX_STATUS_FILE ----------------------------------------------------------------- */

/* So many rejects are in it, so that its cost does not grow with them. */
#define REPORTED_REJECTS 100

static int list_some(struct report *report, void *payload, struct err *err)
{
	(void)payload;
	return report->facts.counts.rejects
		       ? query_some_rejects(report->txn, REPORTED_REJECTS, add_reject,
					    report, err)
		       : 0;
}

int status_report(struct index *index, bool *failing, struct err *err)
{
	struct report report;
	struct err why;
	struct fail_on none = {0};
	struct buf path = {0};
	int rc = report_begin(&report, index, true, err);

	if (rc) {
		return rc;
	}
	report.kept = true;
	rc = add_status(&report, report.facts.counts.rejects <= REPORTED_REJECTS,
			list_some, NULL, index_dir(index), &none, err);
	rc = index_end(&report.txn, rc, err);
	buf_addf(&path, "%s/" INDEX_STATUS_FILE, index_dir(index));
	if (!rc) {
		int renewed =
			file_swap(path.data, report.text.data, report.text.len, &why);

		if (renewed && !*failing) {
			log_warning("%s; the report is tried again at the next change",
				    why.msg);
		} else if (!renewed && *failing) {
			log_info("the report is written again");
		}
		*failing = renewed;
	}
	fail_on_release(&none);
	buf_release(&report.text);
	buf_release(&path);
	return rc;
}

static int list_reported(struct report *report, void *payload, struct err *err)
{
	(void)err;
	return facts_report_rejects(payload, add_reject, report);
}

int status_print_reported(const char *dir, bool json, struct fail_on *fail_on,
			  struct err *err)
{
	struct report report = {.json = json, .plain = true};
	struct facts_report reported;
	int rc = facts_report_read(&reported, dir, err);

	if (!rc) {
		char time[STAMP_TEXT];

		stamp_format(time, reported.facts.as_of_s);
		log_warning("index '%s' cannot be read without write access to its lock "
			    "file, so this is what its writer reported at %s",
			    dir, time);
		report.facts = reported.facts;
		rc = add_status(&report, reported.complete, list_reported, &reported, dir,
				fail_on, err);
		rc = report_end(&report, rc, err);
	}
	facts_report_release(&reported);
	return rc;
}

/* --- the other commands ---------------------------------------------------------------- */

static void print_difference(const char *difference, void *payload)
{
	struct report *report = payload;
	struct buf plain = {0};

	plain_add(&plain, difference, strlen(difference));
	if (report->json) {
		json_print_bytes(&report->text, NULL, plain.data, plain.len);
	} else {
		buf_addf(&report->text, "%s\n", plain.data);
	}
	buf_release(&plain);
	report_print(report);
}

int status_check(struct index *index, bool json, uint64_t *differences, struct err *err)
{
	struct report report;
	int rc = report_begin(&report, index, json, err);

	*differences = 0;
	if (rc) {
		return rc;
	}
	if (!report.facts.built) {
		rc = err_set(
			err, ERR_LOCKED,
			"the first scan into index '%s' has not ended; check it after "
			"the scan, or scan again if none runs",
			index_dir(index));
		return index_end(&report.txn, rc, err);
	}
	if (json) {
		json_print_document(&report.text);
		json_print_open(&report.text, "differing", '[');
	}
	rc = check_index(report.txn, print_difference, &report, differences, err);
	if (json) {
		buf_addch(&report.text, ']');
		json_print_number(&report.text, "differences", *differences);
		json_print_number(&report.text, "claims", report.facts.counts.claims);
		buf_addstr(&report.text, "}\n");
	} else if (!rc && *differences) {
		add_count(&report.text, "", *differences, "difference");
		buf_addstr(&report.text, "; delete the index and scan again\n");
	} else if (!rc) {
		add_count(&report.text, "ok: all tables agree with ",
			  report.facts.counts.claims, "claim");
		buf_addch(&report.text, '\n');
	}
	return report_end(&report, rc, err);
}

int status_scan(struct index *index, const struct scan_counts *scan, bool json,
		uint64_t *rejected, struct err *err)
{
	struct report report;
	struct buf *text = &report.text;
	const struct index_counts *c = &report.facts.counts;
	int rc = report_begin(&report, index, json, err);

	if (rc) {
		return rc;
	}
	*rejected = c->rejected_files;
	if (json) {
		json_print_document(text);
		json_print_number(text, "sequence", report.facts.sequence);
		json_print_number(text, "files", scan->files);
		json_print_number(text, "unchanged", scan->unchanged);
		json_print_number(text, "read", scan->applied.read);
		json_print_number(text, "gone", scan->applied.withdrawn);
		json_print_number(text, "records", scan->applied.records);
		json_print_number(text, "bytes", scan->applied.bytes);
		json_print_number(text, "unreadable", scan->unreadable);
		json_print_number(text, "rejected_files", c->rejected_files);
		json_print_number(text, "rejects", c->rejects);
		buf_addstr(text, "}\n");
	} else {
		add_count(text, "", scan->files, "file");
		buf_addf(text,
			 ": %" PRIu64 " read, %" PRIu64 " unchanged, %" PRIu64 " gone",
			 scan->applied.read, scan->unchanged, scan->applied.withdrawn);
		add_count(text, "; ", c->images, "image");
		add_count(text, ", ", c->tags, "tag");
		add_count(text, ", ", c->tag_images, "tag image");
		buf_addch(text, '\n');
	}
	if (!json && scan->unreadable) {
		buf_addf(text, "%" PRIu64 " %s could not be read: the log says which\n",
			 scan->unreadable,
			 scan->unreadable == 1 ? "folder or file" : "folders or files");
	}
	if (!json && c->rejected_files) {
		add_count(text, "", c->rejected_files, "file");
		add_count(text, " with ", c->rejects, "reject");
		buf_addstr(text, ": see `albumen-indexer status`\n");
	}
	return report_end(&report, rc, err);
}

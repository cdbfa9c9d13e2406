/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/base/buf.h"
#include "data/base/log.h"
#include "data/base/plain.h"
#include "data/format/json_print.h"
#include "data/format/stamp.h"
#include "data/index/check.h"
#include "data/index/gate.h"
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
	uint64_t sequence;
	struct index_counts counts;
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
		report->sequence = index_sequence(report->txn);
		index_counts(report->txn, &report->counts);
	}
	return rc;
}

/* Prints all but the last byte, which json_print looks at. */
static void report_print(struct report *report)
{
	struct buf *text = &report->text;

	if (text->len > 1) {
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

	plain_add(&plain, path, path_len);
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

static void add_numbers(struct report *report, const struct index_health *health)
{
	const struct index_counts *c = &report->counts;
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{"sequence", report->sequence},
		{"files", c->files},
		{"rejected_files", c->rejected_files},
		{"rejects", c->rejects},
		{"images", c->images},
		{"tags", c->tags},
		{"tag_images", c->tag_images},
		{"live_tag_images", c->live_tag_images},
		{"albums", c->albums},
		{"untagged", c->untagged},
		{"claims", c->claims},
		{"overflows", health->overflows},
		{"rescans", health->rescans},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (report->json) {
			json_print_number(&report->text, rows[i].name, rows[i].n);
		} else {
			buf_addf(&report->text, "%-16s%" PRIu64 "\n", rows[i].name,
				 rows[i].n);
		}
	}
}

static void add_time(struct buf *text)
{
	char now[STAMP_TEXT];

	stamp_format(now, (int64_t)time(NULL));
	json_print_string(text, "as_of", now);
}

static void add_health(struct report *report, const struct index_health *health)
{
	bool secrets = gate_takes_secrets(report->txn);
	struct buf *text = &report->text;
	int64_t walked_s = health->walked_s;
	char walked[STAMP_TEXT] = "never";

	if (walked_s) {
		stamp_format(walked, walked_s);
	}
	if (report->json) {
		json_print_bool(text, "built", index_is_built(report->txn));
		json_print_bool(text, "allow_secrets", secrets);
		json_print_bool(text, "out_of_step", health->reconcile);
		json_print_string(text, "walked", walked_s ? walked : NULL);
	} else {
		buf_addf(text, "%-16s%s\n%-16s%s\n%s", "secrets",
			 secrets ? "accepted" : "rejected", "walked", walked,
			 health->reconcile ? "not in step with the folder: events were "
					     "lost, or files are missing without an "
					     "event that says why\n"
					   : "");
		if (walked_s && !report->counts.files) {
			buf_addstr(text, SCAN_NOTHING "\n");
		}
	}
}

static void add_problems(struct report *report, const char *dir,
			 const struct index_health *health, struct fail_on *fail_on)
{
	const struct index_counts *c = &report->counts;

	if (c->rejects) {
		fail_on_add(fail_on, FAIL_ON_REJECTS,
			    "%" PRIu64 " record%s of %" PRIu64 " file%s %s rejected",
			    c->rejects, c->rejects == 1 ? "" : "s", c->rejected_files,
			    c->rejected_files == 1 ? "" : "s",
			    c->rejects == 1 ? "is" : "are");
	}
	if (!index_is_built(report->txn)) {
		fail_on_add(fail_on, FAIL_ON_FAILED,
			    "the first scan into index '%s' has not ended; scan again if "
			    "none runs",
			    dir);
	}
	if (health->reconcile) {
		fail_on_add(fail_on, FAIL_ON_FAILED,
			    "index '%s' is not in step with the folder; a scan mends it, "
			    "or says which files are missing",
			    dir);
	}
	if (report->json || fail_on->what) {
		fail_on_print(&report->text, fail_on, report->json);
	}
}

int status_print(struct index *index, bool json, struct fail_on *fail_on, struct err *err)
{
	struct report report;
	struct index_health health;
	int rc = report_begin(&report, index, json, err);

	if (rc) {
		return rc;
	}
	if (!index_is_built(report.txn)) {
		log_warning(
			"the first scan into index '%s' has not ended, so it counts no "
			"record yet; scan again if none runs",
			index_dir(index));
	}
	index_health(report.txn, &health);
	if (json) {
		json_print_document(&report.text);
		add_time(&report.text);
		json_print_string(&report.text, "index", index_uuid(report.txn));
	} else {
		buf_addf(&report.text, "%-16s%s\n", "index", index_uuid(report.txn));
	}
	add_numbers(&report, &health);
	add_health(&report, &health);
	if (json) {
		json_print_open(&report.text, "rejected", '[');
	}
	rc = query_rejects(report.txn, add_reject, &report, err);
	if (json) {
		buf_addch(&report.text, ']');
		json_print_open(&report.text, "rejected_kinds", '[');
	}
	add_groups(&report);
	buf_addstr(&report.text, json ? "]" : "");
	add_problems(&report, index_dir(index), &health, fail_on);
	buf_addstr(&report.text, json ? "}\n" : "");
	return report_end(&report, rc, err);
}

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
	if (!index_is_built(report.txn)) {
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
		json_print_number(&report.text, "claims", report.counts.claims);
		buf_addstr(&report.text, "}\n");
	} else if (!rc && *differences) {
		add_count(&report.text, "", *differences, "difference");
		buf_addstr(&report.text, "; delete the index and scan again\n");
	} else if (!rc) {
		add_count(&report.text, "ok: all tables agree with ",
			  report.counts.claims, "claim");
		buf_addch(&report.text, '\n');
	}
	return report_end(&report, rc, err);
}

int status_scan(struct index *index, const struct scan_counts *scan, bool json,
		uint64_t *rejected, struct err *err)
{
	struct report report;
	struct buf *text = &report.text;
	const struct index_counts *c = &report.counts;
	int rc = report_begin(&report, index, json, err);

	if (rc) {
		return rc;
	}
	*rejected = c->rejected_files;
	if (json) {
		json_print_document(text);
		json_print_number(text, "sequence", report.sequence);
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

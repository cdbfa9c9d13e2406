/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/status.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "data/base/buf.h"
#include "data/index/check.h"
#include "data/index/gate.h"
#include "data/format/json.h"
#include "data/index/query.h"

struct list {
	FILE *out;
	bool json;
	uint64_t count;
	struct buf text; /* scratch */
};

static void print_quoted(FILE *out, const char *bytes, size_t len)
{
	struct buf text = {0};

	json_quote(&text, bytes, len);
	fwrite(text.data, 1, text.len, out);
	buf_release(&text);
}

static int print_reject(const char *path, size_t path_len, uint64_t line, uint64_t column,
			const char *reason, uint64_t more, void *payload)
{
	struct list *list = payload;
	FILE *out = list->out;

	buf_clear(&list->text);
	json_plain(&list->text, path, path_len);
	if (list->json) {
		fputs(list->count ? ",{\"path\":" : "{\"path\":", out);
		print_quoted(out, list->text.data, list->text.len);
		fprintf(out,
			",\"line\":%" PRIu64 ",\"column\":%" PRIu64 ",\"reason\":", line,
			column);
		print_quoted(out, reason, strlen(reason));
		if (more) {
			fprintf(out, ",\"more\":%" PRIu64, more);
		}
		fputc('}', out);
	} else {
		if (line) {
			buf_addf(&list->text, ":%" PRIu64 ":%" PRIu64, line, column);
		}
		buf_addstr(&list->text, ": ");
		json_plain(&list->text, reason, strlen(reason));
		fprintf(out, "%s\n", list->text.data);
		if (more) {
			buf_clear(&list->text);
			json_plain(&list->text, path, path_len);
			fprintf(out, "%s: and %" PRIu64 " more\n", list->text.data, more);
		}
	}
	list->count++;
	return 0;
}

static void print_time(FILE *out, int64_t unix_s)
{
	char text[32] = "never";
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (unix_s && gmtime_r(&t, &tm)) {
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	fputs(text, out);
}

static void print_numbers(FILE *out, struct index_txn *txn, bool json)
{
	struct index_health health;
	struct index_counts c;

	index_counts(txn, &c);
	index_health(txn, &health);
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{"sequence", index_sequence(txn)},
		{"files", c.files},
		{"rejected_files", c.rejected_files},
		{"rejects", c.rejects},
		{"images", c.images},
		{"tags", c.tags},
		{"tag_images", c.tag_images},
		{"live_tag_images", c.live_tag_images},
		{"albums", c.albums},
		{"untagged", c.untagged},
		{"claims", c.claims},
		{"overflows", health.overflows},
		{"rescans", health.rescans},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (json) {
			fprintf(out, ",\"%s\":%" PRIu64, rows[i].name, rows[i].n);
		} else {
			fprintf(out, "%-16s%" PRIu64 "\n", rows[i].name, rows[i].n);
		}
	}
	if (json) {
		fprintf(out, ",\"allow_secrets\":%s,\"reconcile\":%s,\"walked\":",
			gate_takes_secrets(txn) ? "true" : "false",
			health.reconcile ? "true" : "false");
		if (health.walked_s) {
			fputc('"', out);
			print_time(out, health.walked_s);
			fputc('"', out);
		} else {
			fputs("null", out);
		}
	} else {
		fprintf(out, "%-16s%s\n", "secrets",
			gate_takes_secrets(txn) ? "taken" : "rejected");
		fprintf(out, "%-16s", "walked");
		print_time(out, health.walked_s);
		fputs(health.reconcile ? "\nnot in step with the folder: events were "
					 "lost, or files "
					 "are gone that nobody removed\n"
				       : "\n",
		      out);
	}
}

/* Output counts as work: a full disk must not look like success. */
static int end_output(FILE *out, struct err *err)
{
	if (fflush(out) != 0 || ferror(out)) {
		return err_sys(err, "cannot write the result");
	}
	return 0;
}

int status_print(FILE *out, struct index *index, bool json, struct err *err)
{
	struct list list = {.out = out, .json = json};
	struct index_txn *txn = NULL;
	int rc = index_begin(&txn, index, false, err);

	if (rc) {
		return rc;
	}
	if (json) {
		fprintf(out, "{\"index\":\"%s\"", index_uuid(txn));
	} else {
		fprintf(out, "%-16s%s\n", "index", index_uuid(txn));
	}
	print_numbers(out, txn, json);
	if (json) {
		fputs(",\"rejected\":[", out);
	}
	rc = query_rejects(txn, print_reject, &list, err);
	if (json) {
		fputs("]}\n", out);
	}
	rc = index_end(&txn, rc, err);
	buf_release(&list.text);
	return rc ? rc : end_output(out, err);
}

static void print_difference(const char *difference, void *payload)
{
	struct list *list = payload;

	buf_clear(&list->text);
	json_plain(&list->text, difference, strlen(difference));
	if (list->json) {
		fputs(list->count ? "," : "", list->out);
		print_quoted(list->out, list->text.data, list->text.len);
	} else {
		fprintf(list->out, "%s\n", list->text.data);
	}
	list->count++;
}

int status_check(FILE *out, struct index *index, bool json, uint64_t *differences,
		 struct err *err)
{
	struct list list = {.out = out, .json = json};
	struct index_txn *txn = NULL;
	struct index_counts counts;
	int rc = index_begin(&txn, index, false, err);

	*differences = 0;
	if (rc) {
		return rc;
	}
	index_counts(txn, &counts);
	if (json) {
		fputs("{\"differing\":[", out);
	}
	rc = check_index(txn, print_difference, &list, differences, err);
	if (json) {
		fprintf(out, "],\"differences\":%" PRIu64 ",\"claims\":%" PRIu64 "}\n",
			*differences, counts.claims);
	} else if (!rc && *differences) {
		fprintf(out, "%" PRIu64 " differences; delete the index and scan again\n",
			*differences);
	} else if (!rc) {
		fprintf(out, "ok: all tables agree with %" PRIu64 " claims\n",
			counts.claims);
	}
	index_abort(&txn);
	buf_release(&list.text);
	return rc ? rc : end_output(out, err);
}

int status_scan(FILE *out, struct index *index, const struct scan_counts *counts,
		bool json, uint64_t *rejected, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_counts c;
	int rc = index_begin(&txn, index, false, err);

	if (rc) {
		return rc;
	}
	index_counts(txn, &c);
	*rejected = c.rejected_files;
	if (json) {
		fprintf(out,
			"{\"sequence\":%" PRIu64 ",\"files\":%" PRIu64
			",\"unchanged\":%" PRIu64 ",\"read\":%" PRIu64
			",\"forgotten\":%" PRIu64 ",\"records\":%" PRIu64
			",\"bytes\":%" PRIu64 ",\"unreadable_folders\":%" PRIu64
			",\"rejected_files\":%" PRIu64 ",\"rejects\":%" PRIu64 "}\n",
			index_sequence(txn), counts->files, counts->unchanged,
			counts->taken.read, counts->taken.forgotten,
			counts->taken.records, counts->taken.bytes, counts->unreadable,
			c.rejected_files, c.rejects);
	} else {
		fprintf(out,
			"%" PRIu64 " files: %" PRIu64 " read, %" PRIu64
			" unchanged, %" PRIu64 " gone; %" PRIu64 " images, %" PRIu64
			" tags, %" PRIu64 " tag images\n",
			counts->files, counts->taken.read, counts->unchanged,
			counts->taken.forgotten, c.images, c.tags, c.tag_images);
		if (c.rejected_files) {
			fprintf(out,
				"%" PRIu64 " files with %" PRIu64
				" rejects: see `albumen-indexer status`\n",
				c.rejected_files, c.rejects);
		}
	}
	rc = index_end(&txn, rc, err);
	return rc ? rc : end_output(out, err);
}

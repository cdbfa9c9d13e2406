/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/base/file.h"
#include "data/format/json.h"
#include "data/format/json_print.h"
#include "data/format/stamp.h"
#include "data/index/gate.h"

#define REPORT_MAX (4U << 20)

#define AT(member) offsetof(struct facts, member)

static const struct {
	const char *name;
	size_t at;
} numbers[] =
	{
		{"sequence", AT(sequence)},
		{"files", AT(counts.files)},
		{"rejected_files", AT(counts.rejected_files)},
		{"rejects", AT(counts.rejects)},
		{"images", AT(counts.images)},
		{"tags", AT(counts.tags)},
		{"tag_images", AT(counts.tag_images)},
		{"live_tag_images", AT(counts.live_tag_images)},
		{"albums", AT(counts.albums)},
		{"untagged", AT(counts.untagged)},
		{"claims", AT(counts.claims)},
		{"overflows", AT(health.overflows)},
		{"rescans", AT(health.rescans)},
},
  flags[] = {
	  {"built", AT(built)},
	  {"allow_secrets", AT(allow_secrets)},
	  {"out_of_step", AT(health.reconcile)},
};
#define NUMBERS (sizeof(numbers) / sizeof(*numbers))
#define FLAGS (sizeof(flags) / sizeof(*flags))

static void *at(const struct facts *facts, size_t offset)
{
	return (char *)(uintptr_t)facts + offset;
}

void facts_read(struct facts *out, struct index_txn *txn)
{
	*out = (struct facts){.as_of_s = (int64_t)time(NULL),
			      .sequence = index_sequence(txn),
			      .built = index_is_built(txn),
			      .allow_secrets = gate_takes_secrets(txn)};
	snprintf(out->index, sizeof(out->index), "%s", index_uuid(txn));
	index_counts(txn, &out->counts);
	index_health(txn, &out->health);
}

static void print_json(struct buf *out, const struct facts *facts)
{
	char text[STAMP_TEXT];

	json_print_document(out);
	stamp_format(text, facts->as_of_s);
	json_print_string(out, "as_of", text);
	json_print_string(out, "index", facts->index);
	for (size_t i = 0; i < NUMBERS; i++) {
		json_print_number(out, numbers[i].name,
				  *(uint64_t *)at(facts, numbers[i].at));
	}
	for (size_t i = 0; i < FLAGS; i++) {
		json_print_bool(out, flags[i].name, *(bool *)at(facts, flags[i].at));
	}
	stamp_format(text, facts->health.walked_s);
	json_print_string(out, "walked", facts->health.walked_s ? text : NULL);
}

void facts_print(struct buf *out, const struct facts *facts, bool json)
{
	char walked[STAMP_TEXT] = "never";

	if (json) {
		print_json(out, facts);
		return;
	}
	buf_addf(out, "%-16s%s\n", "index", facts->index);
	for (size_t i = 0; i < NUMBERS; i++) {
		buf_addf(out, "%-16s%" PRIu64 "\n", numbers[i].name,
			 *(uint64_t *)at(facts, numbers[i].at));
	}
	if (facts->health.walked_s) {
		stamp_format(walked, facts->health.walked_s);
	}
	buf_addf(out, "%-16s%s\n%-16s%s\n%s", "secrets",
		 facts->allow_secrets ? "accepted" : "rejected", "walked", walked,
		 facts->health.reconcile
			 ? "not in step with the folder: events were lost, or files are "
			   "missing without an event that says why\n"
			 : "");
}

void facts_judge(const struct facts *facts, const char *dir, const char *advice,
		 struct fail_on *fail_on)
{
	const struct index_counts *c = &facts->counts;

	if (c->rejects) {
		fail_on_add(fail_on, FAIL_ON_REJECTS,
			    "%" PRIu64 " record%s of %" PRIu64 " file%s %s rejected%s",
			    c->rejects, c->rejects == 1 ? "" : "s", c->rejected_files,
			    c->rejected_files == 1 ? "" : "s",
			    c->rejects == 1 ? "is" : "are", advice);
	}
	if (!facts->built) {
		fail_on_add(fail_on, FAIL_ON_FAILED,
			    "the first scan into index '%s' has not ended; scan again if "
			    "none runs",
			    dir);
	}
	if (facts->health.reconcile) {
		fail_on_add(fail_on, FAIL_ON_FAILED,
			    "index '%s' is not in step with the folder; a scan mends it, "
			    "or says which files are missing",
			    dir);
	}
}

/* --- what the writer has reported ----------------------------------------------------- */

/* A value in the canonical text; NULL: there is none. */
static const char *find(const struct json_object *object, const char *canon,
			const char *name, size_t *len)
{
	const struct json_member *member;
	char key[32];

	snprintf(key, sizeof(key), "\"%s\"", name);
	member = json_find(object, canon, key);
	*len = member ? member->value.len : 0;
	return member ? canon + member->value.off : NULL;
}

/* Appends a string; nothing if it is none. */
static void find_string(struct buf *out, const struct json_object *object,
			const char *canon, const char *name)
{
	size_t len;
	const char *value = find(object, canon, name, &len);

	if (value && *value == '"') {
		json_string(out, value, len);
	}
}

/* A number that is none of those which are printed, as -1 or 1e3, is not taken for another. */
static bool find_number(uint64_t *out, const struct json_object *object,
			const char *canon, const char *name)
{
	size_t len;
	const char *value = find(object, canon, name, &len);
	char *end = NULL;

	errno = 0;
	*out = value ? strtoull(value, &end, 10) : 0;
	return value && *value >= '0' && *value <= '9' && end == value + len && !errno;
}

static bool find_time(int64_t *out, const struct json_object *object, const char *canon,
		      const char *name)
{
	struct buf text = {0};
	struct stamp stamp;
	bool good;

	find_string(&text, object, canon, name);
	good = text.len && stamp_read(&stamp, text.data, text.len) == 0;
	*out = good ? stamp_unix_s(&stamp) : 0;
	buf_release(&text);
	return good;
}

static bool parse(struct facts_report *out, const struct json_object *object)
{
	const char *canon = out->canon.data, *value;
	struct facts *facts = &out->facts;
	struct buf index = {0};
	uint64_t version;
	/* A later version may give another meaning to what has the same name. */
	bool good = find_number(&version, object, canon, "version") &&
		    version == JSON_PRINT_VERSION &&
		    find_time(&facts->as_of_s, object, canon, "as_of");
	size_t len;

	find_time(&facts->health.walked_s, object, canon, "walked");
	find_string(&index, object, canon, "index");
	good = good && index.len == sizeof(facts->index) - 1;
	if (good) {
		memcpy(facts->index, index.data, sizeof(facts->index));
	}
	buf_release(&index);
	for (size_t i = 0; good && i < NUMBERS; i++) {
		good = find_number(at(facts, numbers[i].at), object, canon,
				   numbers[i].name);
	}
	for (size_t i = 0; good && i < FLAGS; i++) {
		value = find(object, canon, flags[i].name, &len);
		good = value;
		*(bool *)at(facts, flags[i].at) = value && *value == 't';
	}
	value = find(object, canon, "complete", &len);
	out->complete = value && *value == 't';
	value = find(object, canon, "rejected", &len);
	good = good && value && *value == '[';
	if (good) {
		out->rejected = (size_t)(value - canon);
		out->rejected_len = len;
	}
	return good;
}

int facts_report_read(struct facts_report *out, const char *dir, struct err *err)
{
	struct buf path = {0}, text = {0};
	struct json_object object = {0};
	struct json_value value;
	int rc;

	*out = (struct facts_report){0};
	buf_addf(&path, "%s/" INDEX_STATUS_FILE, dir);
	rc = file_read(&text, path.data, REPORT_MAX, err);
	if (!rc) {
		bool good = json_read(&out->canon, &value, text.data ? text.data : "",
				      text.len) == 0 &&
			    out->canon.len && *out->canon.data == '{';

		if (good) {
			json_members(&object, out->canon.data, out->canon.len);
			good = parse(out, &object);
		}
		rc = good ? 0
			  : err_set(err, ERR_INPUT, "'%s' is no report of an index",
				    path.data);
	}
	json_object_release(&object);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

static int call(const char *canon, size_t len, query_reject_fn *each, void *payload)
{
	struct json_object object = {0};
	struct buf path = {0}, reason = {0};
	uint64_t line, column, more;
	int rc;

	if (*canon != '{') {
		return 0;
	}
	json_members(&object, canon, len);
	find_string(&path, &object, canon, "path");
	find_string(&reason, &object, canon, "reason");
	find_number(&line, &object, canon, "line");
	find_number(&column, &object, canon, "column");
	find_number(&more, &object, canon, "more");
	rc = each(path.len ? path.data : "", path.len, line, column,
		  reason.len ? reason.data : "", more, payload);
	buf_release(&path);
	buf_release(&reason);
	json_object_release(&object);
	return rc;
}

int facts_report_rejects(const struct facts_report *report, query_reject_fn *each,
			 void *payload)
{
	const char *canon = report->canon.data + report->rejected;
	struct json_object array = {0};
	int rc = 0;

	json_elements(&array, canon, report->rejected_len);
	for (size_t i = 0; !rc && i < array.count; i++) {
		rc = call(canon + array.member[i].value.off, array.member[i].value.len,
			  each, payload);
	}
	json_object_release(&array);
	return rc;
}

void facts_report_release(struct facts_report *report)
{
	buf_release(&report->canon);
	*report = (struct facts_report){0};
}

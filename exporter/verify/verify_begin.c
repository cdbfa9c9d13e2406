/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_begin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/git/shallow.h"

struct begin {
	struct verify_store *store;
	struct verify_report *report;
	struct shallow shallow;
	struct buf body; /* scratch */
};

/* Whether the commit has a parent, so that it must stand in the file. */
static bool has_parent(struct begin *begin, const uint8_t id[OBJECT_ID])
{
	struct verify_commit commit;
	const char *message;
	int rc = verify_commit_read(&commit, &message, &begin->body, begin->store, id);

	return !rc && commit.parents > 0;
}

static bool is_signed(struct begin *begin, const uint8_t id[OBJECT_ID])
{
	struct verify_commit commit;
	const char *message;
	int rc = verify_commit_read(&commit, &message, &begin->body, begin->store, id);

	return !rc && commit.is_signed;
}

/* --- the snapshots that it declares, sorted by their ids --- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(((const struct declared_snapshot *)a)->id,
		      ((const struct declared_snapshot *)b)->id, OBJECT_ID);
}

static void collect(struct declared_list *out, const struct declared_pruned *pruned)
{
	declared_list_add(out, pruned->first.number, pruned->first.id);
	for (size_t i = 0; i < pruned->held.count; i++) {
		declared_list_add(out, pruned->held.at[i].number, pruned->held.at[i].id);
	}
	qsort(out->at, out->count, sizeof(*out->at), compare_ids);
}

/* Compares the file with what the label declares. With a `name`, reports what differs. */
static bool compare(struct begin *begin, const struct declared_pruned *pruned,
		    const char *name)
{
	struct declared_list want = {0};
	char hex[OBJECT_HEX + 1];
	bool same = true;

	collect(&want, pruned);
	for (size_t i = 0; i < begin->shallow.count && (same || name); i++) {
		const uint8_t *id = begin->shallow.id + i * OBJECT_ID;
		struct declared_snapshot key = {0};

		memcpy(key.id, id, OBJECT_ID);
		if (bsearch(&key, want.at, want.count, sizeof(key), compare_ids)) {
			continue;
		}
		same = false;
		object_hex(hex, id);
		if (name) {
			verify_report_fail(
				begin->report, SHALLOW_FILE,
				"the history is cut off at the commit %s, which the "
				"label %s does not declare; remove that line, or clone "
				"the repository again",
				hex, name);
		}
	}
	for (size_t i = 0; i < want.count && (same || name); i++) {
		if (shallow_has(&begin->shallow, want.at[i].id) ||
		    !has_parent(begin, want.at[i].id)) {
			continue;
		}
		same = false;
		object_hex(hex, want.at[i].id);
		if (name) {
			verify_report_fail(
				begin->report, SHALLOW_FILE,
				"the label %s declares that the history is cut off at "
				"snapshot %" PRIu64 ", %s, which is not in the file; "
				"clone the repository again, with all its labels",
				name, want.at[i].number, hex);
		}
	}
	free(want.at);
	return same;
}

/* --- the label --- */

/* Why a label that declares the file does not count. NULL: it does. */
static const char *find_fault(struct begin *begin, const struct verify_label *label)
{
	if (!label->is_good) {
		return "is not valid";
	}
	if (!label->tag.is_signed && is_signed(begin, label->pruned.first.id)) {
		return "is not signed, and the snapshots are";
	}
	return NULL;
}

/* No label fits: says what is wrong with the one that comes closest. */
static void report(struct begin *begin, const struct verify_labels *labels)
{
	const struct verify_label *near = NULL;
	char hex[OBJECT_HEX + 1];

	/* The last one by name is the newest. */
	for (size_t i = 0; i < labels->count; i++) {
		const struct verify_label *label = &labels->label[i];

		if (label->kind == VERIFY_LABEL_PRUNED && label->is_read &&
		    shallow_has(&begin->shallow, label->tag.tree)) {
			near = label;
		}
	}
	if (near && find_fault(begin, near)) {
		verify_report_fail(
			begin->report, SHALLOW_FILE,
			"the history is cut off, and the label %s that declares it %s; "
			"clone the repository again from where it comes from",
			near->name, find_fault(begin, near));
		return;
	}
	if (near) {
		compare(begin, &near->pruned, near->name);
		return;
	}
	object_hex(hex, begin->shallow.id);
	verify_report_fail(
		begin->report, SHALLOW_FILE,
		"the clone is shallow: its history is cut off at the commit %s%s, and no "
		"label " DECLARED_PRUNED
		" declares that; clone the whole repository, without --depth",
		hex, begin->shallow.count > 1 ? " and at others" : "");
}

const struct verify_label *verify_begin(const struct verify_labels *labels,
					const char *git_dir, struct verify_store *store,
					struct verify_report *to)
{
	struct begin begin = {.store = store, .report = to};
	const struct verify_label *found = NULL;
	struct err err;

	if (shallow_read(&begin.shallow, git_dir, &err)) {
		verify_report_fail(to, SHALLOW_FILE, "%s", err.msg);
	}
	for (size_t i = 0; begin.shallow.count && !found && i < labels->count; i++) {
		const struct verify_label *label = &labels->label[i];

		if (label->kind == VERIFY_LABEL_PRUNED && !find_fault(&begin, label) &&
		    compare(&begin, &label->pruned, NULL)) {
			found = label;
		}
	}
	if (begin.shallow.count && !found) {
		report(&begin, labels);
	}
	shallow_release(&begin.shallow);
	buf_release(&begin.body);
	return found;
}

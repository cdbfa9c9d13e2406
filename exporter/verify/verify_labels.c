/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/evidence/sign.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

#define TAGS "refs/tags/"
#define DIGITS_MIN 7 /* git shows no fewer of an id */

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* --- one label --- */

static void fail(struct verify_report *report, const struct verify_label *label,
		 const char *problem)
{
	verify_report_fail(report, label->ref->name, "%s", problem);
}

/* A failure of a label that has been read is one of the snapshot that it is on. */
static void at_snapshot(struct verify_report *report, const struct verify_label *label)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, label->tag.tree);
	verify_report_at(report, hex, label->number ? label->number : label->tag.number);
}

static const char *read_pruned(struct verify_label *label, const char *message)
{
	const char *problem = declared_pruned_read(&label->pruned, message);

	if (problem) {
		return problem;
	}
	if (memcmp(label->pruned.first.id, label->tag.tree, OBJECT_ID) != 0 ||
	    label->pruned.first.number != label->tag.number) {
		return "it is not on the snapshot that it declares to be the first";
	}
	return NULL;
}

static const char *read_erased(struct verify_label *label, const char *message)
{
	const char *problem = declared_erased_read(&label->erased, message);

	if (problem) {
		return problem;
	}
	if (memcmp(label->erased.new_tip, label->tag.tree, OBJECT_ID) != 0) {
		return "it is not on the snapshot that it declares to be the new last "
		       "one";
	}
	if (label->erased.from > label->tag.number) {
		return "the first snapshot that it declares to be written anew comes "
		       "after "
		       "the last one";
	}
	return NULL;
}

/* The number of the snapshot that it is on, if the label, made by another program, does not say
 * it. */
static uint64_t number_of(const struct verify_label *label, struct verify_store *store)
{
	struct verify_commit commit;
	const char *message;
	struct buf body = {0};

	verify_commit_read(&commit, &message, &body, store, label->tag.tree);
	buf_release(&body);
	return commit.number;
}

/* What a message declares, besides what every label says. */
static const char *read_message(struct verify_label *label, const char *message)
{
	uint8_t was[OBJECT_ID];
	int rc = declared_was(was, message);

	label->tag.number = message_count(message, MESSAGE_NUMBER, 0);
	label->is_anew = rc == 0;
	if (rc && rc != ERR_NOTFOUND) {
		return "its trailer " DECLARED_WAS " is no id, or not the last one";
	}
	switch (label->kind) {
	case VERIFY_LABEL_PRUNED:
		return read_pruned(label, message);
	case VERIFY_LABEL_ERASED:
		return read_erased(label, message);
	case VERIFY_LABEL_PEOPLE:
		break;
	}
	return NULL;
}

/* Parses the body, but not what stands in the signature behind it. */
static const char *parse(struct verify_label *label, const struct buf *body)
{
	struct buf payload = {0}, signature = {0};
	struct verify_commit ignored;
	const char *message;
	const char *problem =
		verify_commit_parse(&label->tag, &message, OBJECT_TAG, body);

	if (!problem) {
		sign_split(&payload, &signature, OBJECT_TAG, body->data, body->len);
		problem = verify_commit_parse(&ignored, &message, OBJECT_TAG, &payload);
	}
	label->is_read = !problem;
	problem = problem ? problem : read_message(label, message);
	buf_release(&payload);
	buf_release(&signature);
	return problem;
}

static void read_label(struct verify_label *label, struct verify_store *store,
		       struct verify_report *report, struct buf *body)
{
	enum object_type type;
	const char *problem;
	int rc = verify_store_read(body, &type, store, label->ref->id);

	if (rc) {
		fail(report, label,
		     rc == ERR_NOTFOUND ? "the label's object is missing"
					: "the label's object is damaged");
		return;
	}
	if (type != OBJECT_TAG) {
		fail(report, label,
		     "not a label: the tag has no object of its own, so anybody can move "
		     "it unseen");
		return;
	}
	problem = parse(label, body);
	if (problem && label->is_read) {
		at_snapshot(report, label);
	}
	if (problem) {
		verify_report_fail(report, label->ref->name, "the label is damaged: %s",
				   problem);
	}
	label->is_sound = !problem;
}

/* See labels->first. */
static void note_first(struct verify_labels *labels, const struct verify_label *label)
{
	uint64_t first = label->pruned.first.number;

	if (label->kind == VERIFY_LABEL_PRUNED && label->is_sound &&
	    first > labels->first) {
		labels->first = first;
	}
}

/* --- signatures --- */

/* Of erasures the newest first, as an older label may have been written anew by a later
 * erasure; then the others. */
static int compare_order(const void *a, const void *b)
{
	const struct verify_label *left = *(struct verify_label *const *)a;
	const struct verify_label *right = *(struct verify_label *const *)b;
	bool one = left->kind == VERIFY_LABEL_ERASED;
	bool other = right->kind == VERIFY_LABEL_ERASED;

	if (one != other) {
		return other - one;
	}
	if (one && left->tag.time_s != right->tag.time_s) {
		return left->tag.time_s < right->tag.time_s ? 1 : -1;
	}
	return strcmp(left->name, right->name);
}

static bool lists(const struct declared_list *list, uint64_t number)
{
	size_t from = 0, to = list->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (list->at[middle].number < number) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from < list->count && list->at[from].number == number;
}

/* Whether the label declares that the snapshot of this number was written anew. If main's tip
 * was not, none of main was, only what is held. */
static bool covers(const struct verify_label *label, uint64_t number)
{
	const struct declared_erased *erased = &label->erased;
	bool main = memcmp(erased->old_tip, erased->new_tip, OBJECT_ID) != 0;

	return (main && number >= erased->from && number <= label->tag.number) ||
	       lists(&erased->held, number);
}

const struct verify_label *verify_labels_erasure(const struct verify_labels *labels,
						 uint64_t number)
{
	const struct verify_label *last = NULL;

	for (size_t i = 0; labels->erased && i < labels->count; i++) {
		const struct verify_label *label = &labels->label[i];

		if (label->kind == VERIFY_LABEL_ERASED && label->is_good &&
		    covers(label, number) &&
		    (!last || label->tag.time_s > last->tag.time_s)) {
			last = label;
		}
	}
	return last;
}

/* A label is written anew if its own snapshot is, or one that it declares as held. */
static const struct verify_label *erasure_of(const struct verify_labels *labels,
					     const struct verify_label *label,
					     uint64_t number)
{
	const struct declared_list *held = label->kind == VERIFY_LABEL_PRUNED
						   ? &label->pruned.held
						   : &label->erased.held;
	const struct verify_label *erasure = verify_labels_erasure(labels, number);

	for (size_t i = 0; !erasure && i < held->count; i++) {
		erasure = verify_labels_erasure(labels, held->at[i].number);
	}
	return erasure;
}

/* As of which time the key of a label must have been allowed: 0 for that of the label. */
static int64_t find_time(const struct verify_labels *labels, struct verify_label *label,
			 struct verify_store *store, struct verify_report *report)
{
	const struct verify_label *erasure;
	uint64_t number;

	if (!label->is_anew) {
		return 0;
	}
	number = label->tag.number ? label->tag.number : number_of(label, store);
	erasure = erasure_of(labels, label, number);
	if (!erasure && number >= labels->first) {
		fail(report, label,
		     "it says that an erasure wrote it anew, but no "
		     "label " DECLARED_ERASED " declares that");
		label->is_sound = false;
	}
	/* One that is newer was made after the erasure, whatever it says. */
	return erasure && erasure->tag.time_s > label->tag.time_s ? erasure->tag.time_s
								  : 0;
}

static void set_signer(struct verify_label *label, const struct sign_result *result,
		       const struct buf *body)
{
	char key[SIGN_KEY];

	if (*result->key) {
		label->key = xstrdup(result->key);
	} else if (sign_signer(key, OBJECT_TAG, body->data, body->len) == 0 && *key) {
		label->key = xstrdup(key);
	}
	label->principal = *result->principal ? xstrdup(result->principal) : NULL;
}

static int check_signature(struct verify_labels *labels, struct verify_label *label,
			   struct verify_store *store, struct verify_sign *sign,
			   struct verify_report *report, struct buf *body,
			   struct err *err)
{
	struct sign_result result;
	enum object_type type;
	int64_t as_of_s;
	int rc;

	at_snapshot(report, label);
	verify_store_read(body, &type, store, label->ref->id);
	as_of_s = find_time(labels, label, store, report);
	rc = verify_sign_now(&result, sign, OBJECT_TAG, body, as_of_s, label->ref->name,
			     err);
	if (!rc) {
		set_signer(label, &result, body);
		label->is_good = label->is_sound && (result.verdict == SIGN_GOOD ||
						     !verify_sign_has_signers(sign));
		labels->erased += label->is_good && label->kind == VERIFY_LABEL_ERASED;
	}
	return rc;
}

static int check_signatures(struct verify_labels *labels, struct verify_store *store,
			    struct verify_sign *sign, struct verify_report *report,
			    struct buf *body, struct err *err)
{
	struct verify_label **order =
		xreallocarray(NULL, labels->count + 1, sizeof(struct verify_label *));
	int rc = 0;

	for (size_t i = 0; i < labels->count; i++) {
		order[i] = &labels->label[i];
	}
	qsort(order, labels->count, sizeof(struct verify_label *), compare_order);
	for (size_t i = 0; !rc && i < labels->count && !verify_report_is_full(report);
	     i++) {
		if (order[i]->is_read) {
			rc = check_signature(labels, order[i], store, sign, report, body,
					     err);
		}
	}
	free(order);
	return rc;
}

/* --- all --- */

static void add(struct verify_labels *labels, const struct verify_ref *ref)
{
	struct verify_label *label;

	labels->label =
		xgrow(labels->label, labels->count, &labels->cap, sizeof(*labels->label));
	label = &labels->label[labels->count++];
	*label = (struct verify_label){.ref = ref, .name = ref->name + strlen(TAGS)};
	if (begins_with(label->name, DECLARED_PRUNED)) {
		label->kind = VERIFY_LABEL_PRUNED;
	} else if (begins_with(label->name, DECLARED_ERASED)) {
		label->kind = VERIFY_LABEL_ERASED;
	}
}

int verify_labels_read(struct verify_labels *labels, const struct verify_refs *refs,
		       struct verify_store *store, struct verify_sign *sign,
		       struct verify_report *report, struct err *err)
{
	struct buf body = {0};
	int rc;

	*labels = (struct verify_labels){0};
	for (size_t i = 0; i < refs->count && !verify_report_is_full(report); i++) {
		if (begins_with(refs->ref[i].name, TAGS)) {
			add(labels, &refs->ref[i]);
			read_label(&labels->label[labels->count - 1], store, report,
				   &body);
			note_first(labels, &labels->label[labels->count - 1]);
			verify_report_at(report, NULL, 0);
		}
	}
	rc = check_signatures(labels, store, sign, report, &body, err);
	verify_report_at(report, NULL, 0);
	buf_release(&body);
	return rc;
}

void verify_labels_release(struct verify_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		free(labels->label[i].principal);
		free(labels->label[i].key);
		declared_pruned_release(&labels->label[i].pruned);
		declared_erased_release(&labels->label[i].erased);
	}
	free(labels->label);
	*labels = (struct verify_labels){0};
}

/* --- and their snapshots --- */

/* Whether the tag's own name is that of its reference. */
static bool has_name(const struct buf *body, const char *name)
{
	const char *line = strstr(body->data, "\ntag ");
	size_t len = strlen(name);

	return line && strncmp(line + 5, name, len) == 0 && line[5 + len] == '\n';
}

/* Whether the name is the beginning of the id of another snapshot: git takes the label then. (A
 * few digits, as of a year, may become that by chance.) */
static bool hides_snapshot(const struct verify_label *label,
			   const struct verify_line *line)
{
	char hex[OBJECT_HEX + 1] = "0000000000000000000000000000000000000000";
	size_t len = strlen(label->name);
	uint8_t first[OBJECT_ID];

	if (len < DIGITS_MIN || len > OBJECT_HEX) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		char c = label->name[i];

		hex[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
	}
	for (size_t i = 0; object_unhex(first, hex) && i < line->count; i++) {
		const uint8_t *id = line->commit[i].id;

		if (memcmp(id, first, len / 2) == 0 &&
		    (len % 2 == 0 || id[len / 2] >> 4 == first[len / 2] >> 4) &&
		    memcmp(id, label->tag.tree, OBJECT_ID) != 0) {
			return true;
		}
	}
	return false;
}

/* A label that decides how others are judged is signed where they are. */
static void check_declaring(const struct verify_label *label,
			    const struct verify_commit *commit, struct verify_sign *sign,
			    struct verify_report *report)
{
	char before[WHEN_TEXT], is[WHEN_TEXT];

	if (label->kind == VERIFY_LABEL_PEOPLE) {
		return;
	}
	if (commit->is_signed && !label->tag.is_signed &&
	    !verify_sign_has_signers(sign)) {
		fail(report, label, "it is not signed, but its snapshot is");
	}
	if (label->kind == VERIFY_LABEL_PRUNED && label->is_good &&
	    commit->time_s > label->pruned.before_s) {
		when_format(before, label->pruned.before_s);
		when_format(is, commit->time_s);
		verify_report_fail(
			report, label->ref->name,
			"the label declares that the first snapshot is that of "
			"%s; it is of %s",
			before, is);
	}
}

static void check_target(struct verify_label *label, const struct verify_line *line,
			 struct verify_store *store, struct verify_sign *sign,
			 struct verify_report *report, struct buf *body)
{
	size_t at = verify_line_find(line, label->tag.tree);
	const struct verify_commit *commit;
	struct verify_commit ignored;
	enum object_type type;
	const char *message;

	if (at == line->count) {
		fail(report, label,
		     "the label is of a commit that is not on main's line");
		return;
	}
	commit = &line->commit[at];
	label->number = commit->number;
	at_snapshot(report, label);
	if (verify_store_read(body, &type, store, label->ref->id) ||
	    verify_commit_parse(&ignored, &message, OBJECT_TAG, body)) {
		return; /* it was read before; a disk may fail */
	}
	if (label->ref->has_peeled &&
	    memcmp(label->ref->peeled, label->tag.tree, OBJECT_ID) != 0) {
		fail(report, label,
		     "packed-refs says that the label is of another commit");
	}
	if (!has_name(body, label->name)) {
		fail(report, label, "the label's object has another name");
	}
	if (label->tag.number && label->tag.number != commit->number) {
		verify_report_fail(report, label->ref->name,
				   "the label says that it is of snapshot %" PRIu64,
				   label->tag.number);
	}
	if (label->tag.time_s < commit->time_s) {
		fail(report, label, "the label is older than its snapshot");
	}
	if (hides_snapshot(label, line)) {
		fail(report, label,
		     "the label's name is the beginning of another snapshot's id");
	}
	check_declaring(label, commit, sign, report);
	verify_sign_digest(sign, message, commit->tree, label->tag.is_signed,
			   label->ref->name);
}

void verify_labels_check(struct verify_labels *labels, const struct verify_line *line,
			 struct verify_store *store, struct verify_sign *sign,
			 struct verify_report *report)
{
	struct buf body = {0};

	for (size_t i = 0; i < labels->count && !verify_report_is_full(report); i++) {
		if (labels->label[i].is_read) {
			at_snapshot(report, &labels->label[i]);
			check_target(&labels->label[i], line, store, sign, report, &body);
		}
	}
	verify_report_at(report, NULL, 0);
	buf_release(&body);
}

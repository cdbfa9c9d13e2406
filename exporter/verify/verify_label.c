/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_label.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/snapshot/message.h"

#define TAGS "refs/tags/"

/* Whether the tag's own name is that of its reference. */
static bool has_name(const struct buf *body, const char *name)
{
	const char *line = strstr(body->data, "\ntag ");
	size_t len = strlen(name);

	return line && strncmp(line + 5, name, len) == 0 && line[5 + len] == '\n';
}

/* What the tag says of the snapshot. */
static int check_target(struct verify_labels *labels, const struct verify_ref *ref,
			const struct verify_commit *tag, const char *message,
			const struct buf *body, struct err *err)
{
	size_t at = verify_line_find(labels->line, tag->tree);
	const struct verify_commit *commit;
	uint64_t said = message_count(message, MESSAGE_NUMBER, 0);
	char hex[OBJECT_HEX + 1];

	object_hex(hex, tag->tree);
	verify_report_at(labels->report, hex, 0);
	if (at == labels->line->count) {
		verify_report_fail(labels->report, ref->name,
				   "the label is of a commit that is not on main's line");
		return 0;
	}
	labels->count++;
	commit = &labels->line->commit[at];
	verify_report_at(labels->report, hex, commit->number);
	if (ref->has_peeled && memcmp(ref->peeled, tag->tree, OBJECT_ID) != 0) {
		verify_report_fail(
			labels->report, ref->name,
			"packed-refs says that the label is of another commit");
	}
	if (!has_name(body, ref->name + strlen(TAGS))) {
		verify_report_fail(labels->report, ref->name,
				   "the label has another name within");
	}
	if (said && said != commit->number) {
		verify_report_fail(labels->report, ref->name,
				   "the label says that it is of snapshot %" PRIu64,
				   said);
	}
	if (tag->time_s < commit->time_s) {
		verify_report_fail(labels->report, ref->name,
				   "the label is older than its snapshot");
	}
	verify_sign_digest(labels->sign, message, commit->tree, tag->is_signed,
			   ref->name);
	return verify_sign_now(labels->sign, OBJECT_TAG, body, ref->name, err);
}

static int check_label(struct verify_labels *labels, const struct verify_ref *ref,
		       struct buf *body, struct err *err)
{
	struct verify_commit tag;
	enum object_type type;
	const char *message, *problem;
	int rc = verify_store_read(body, &type, labels->store, ref->id);

	verify_report_at(labels->report, NULL, 0);
	if (rc) {
		verify_report_fail(labels->report, ref->name, "the label's object is %s",
				   rc == ERR_NOTFOUND ? "missing" : "damaged");
		return 0;
	}
	if (type != OBJECT_TAG) {
		verify_report_fail(labels->report, ref->name,
				   "not a label: a tag without an object of its own, "
				   "which anybody can move unseen");
		return 0;
	}
	problem = verify_commit_parse(&tag, &message, OBJECT_TAG, body);
	if (problem) {
		verify_report_fail(labels->report, ref->name, "the label is damaged: %s",
				   problem);
		return 0;
	}
	return check_target(labels, ref, &tag, message, body, err);
}

int verify_labels_check(struct verify_labels *labels, const struct verify_refs *refs,
			struct err *err)
{
	struct buf body = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < refs->count; i++) {
		if (strncmp(refs->ref[i].name, TAGS, strlen(TAGS)) == 0) {
			rc = check_label(labels, &refs->ref[i], &body, err);
		}
	}
	verify_report_at(labels->report, NULL, 0);
	buf_release(&body);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/bundle_begin.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "exporter/evidence/declared.h"
#include "exporter/evidence/label.h"
#include "exporter/evidence/sign.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/git/history.h"
#include "exporter/git/repo.h"
#include "exporter/git/shallow.h"
#include "exporter/lookback/labels.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

#define TAGS "refs/tags/"

struct find {
	struct bundle_begin *out;
	struct snapshot_repo *repo;
	const struct bundle_range *range;
	struct shallow shallow; /* the repository's */
	struct labels labels;
	struct declared_pruned
		pruned;           /* what the repository's own beginning is, if any */
	uint8_t first[OBJECT_ID]; /* of the bundle */
	bool cut;                 /* it has a parent */
};

/* --- the first snapshot --- */

/* Walks from `to` back to `from`, or to where the history begins. */
static int find_first(struct find *f, struct err *err)
{
	const struct snapshot_info *from = f->range->from, *to = f->range->to;
	struct history *history = history_new(f->repo);
	struct history_step step = {0};
	uint8_t stop[OBJECT_ID] = {0}, last[OBJECT_ID];
	int rc;

	if (from) {
		object_unhex(stop, from->commit.hex);
	}
	object_unhex(last, to->commit.hex);
	history_start(history, last);
	do {
		rc = history_next(history, &step, err);
	} while (!rc && (!from || memcmp(step.commit, stop, OBJECT_ID) != 0) &&
		 !(rc = stop_check(f->range->stop, err)));
	if (rc == ERR_NOTFOUND && from) {
		rc = err_set(err, ERR_USAGE,
			     "snapshot %s is not before %s: --from must come before --to",
			     from->commit.hex, to->commit.hex);
	} else if (rc == ERR_NOTFOUND) {
		rc = 0;
	}
	memcpy(f->first, step.commit, OBJECT_ID);
	f->cut = from ? *from->parent.hex != '\0' : history_is_cut(history);
	history_free(history);
	return rc;
}

/* --- labels --- */

/* Appends the message of the label, without its signature. False: it is no label. */
static bool read_message(struct buf *message, struct find *f, const char *name,
			 struct err *err)
{
	struct buf ref = {0}, body = {0}, payload = {0}, signature = {0};
	char hex[OBJECT_HEX + 1];
	uint8_t id[OBJECT_ID];
	const char *at;
	bool good;

	buf_addf(&ref, TAGS "%s", name);
	good = repo_ref(hex, f->repo, ref.data, err) == 0 && object_unhex(id, hex) &&
	       repo_object(f->repo, &body, id, OBJECT_TAG, err) == 0;
	if (good) {
		sign_split(&payload, &signature, OBJECT_TAG, body.data, body.len);
		buf_addstr(&payload, "");
		at = strstr(payload.data, "\n\n");
		buf_addstr(message, at ? at + 2 : "");
	}
	buf_release(&ref);
	buf_release(&body);
	buf_release(&payload);
	buf_release(&signature);
	return good;
}

static bool has_parent(struct find *f, const uint8_t id[OBJECT_ID])
{
	struct snapshot_info info = {0};
	char hex[OBJECT_HEX + 1];
	struct err err;
	bool has;

	object_hex(hex, id);
	has = snapshot_resolve(f->repo, hex, &info, &err) || *info.parent.hex;
	snapshot_info_release(&info);
	return has;
}

/* Whether the file `shallow` is what the label declares, as verify_begin compares them. */
static bool is_declared(struct find *f, const struct declared_pruned *pruned)
{
	const struct declared_list *held = &pruned->held;
	size_t there = shallow_has(&f->shallow, pruned->first.id);

	for (size_t i = 0; i < held->count; i++) {
		if (shallow_has(&f->shallow, held->at[i].id)) {
			there++;
		} else if (has_parent(f, held->at[i].id)) {
			return false;
		}
	}
	return there == f->shallow.count &&
	       memcmp(pruned->first.id, f->first, OBJECT_ID) == 0;
}

/* Finds the label of the repository that declares its beginning, if the bundle begins there. */
static void find_own(struct find *f)
{
	struct labels *labels = &f->labels;
	struct buf message = {0};
	struct err err;

	for (size_t i = 0; i < labels->owns && !f->out->label.len; i++) {
		const char *name = labels->own[i].name;

		buf_clear(&message);
		if (strncmp(name, DECLARED_PRUNED, strlen(DECLARED_PRUNED)) != 0 ||
		    !read_message(&message, f, name, &err)) {
			continue;
		}
		if (!declared_pruned_read(&f->pruned, message.data) &&
		    is_declared(f, &f->pruned)) {
			buf_addstr(&f->out->label, name);
		} else {
			declared_pruned_release(&f->pruned);
		}
	}
	buf_release(&message);
}

static void add_labels(struct buf *out, const struct labels_entry *entry, size_t count)
{
	for (size_t i = 0; entry && i < count; i++) {
		if (repo_tag_is_valid(entry[i].name)) {
			buf_addf(out, TAGS "%s\n", entry[i].name);
		}
	}
}

/* If a label declares the repository's beginning, the bundle has all that belongs to it. */
static void keep_own(struct find *f)
{
	struct shallow shallow = {0};

	find_own(f);
	if (!f->out->label.len) {
		return;
	}
	/* Commits without a parent, too, so that file and label can be compared as they are. */
	shallow_add(&shallow, f->pruned.first.id);
	for (size_t i = 0; i < f->pruned.held.count; i++) {
		const uint8_t *id = f->pruned.held.at[i].id;
		const struct labels_entry *entry;
		size_t count = 0;

		shallow_add(&shallow, id);
		entry = labels_of(&f->labels, id, &count);
		add_labels(&f->out->held, entry, count);
		entry = labels_own(&f->labels, id, &count);
		add_labels(&f->out->held, entry, count);
	}
	shallow_format(&f->out->shallow, &shallow);
	shallow_release(&shallow);
}

/* --- a label for the bundle --- */

static void name_label(struct buf *name, int64_t time_s)
{
	char text[sizeof("20261124T072711Z")];
	time_t at = time_s;
	struct tm tm = {0};

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	buf_addf(name, DECLARED_PRUNED "%s", text);
}

static int refuse_unsigned(struct find *f, uint64_t number, struct err *err)
{
	char key[SIGN_KEY];
	struct err unread;

	if (f->range->key ||
	    sign_commit_key(key, f->repo, &f->range->from->commit, &unread)) {
		return 0;
	}
	return err_set(err, ERR_REFUSED,
		       "snapshot %" PRIu64 " is signed, so the label in the bundle that "
		       "declares that its history begins there must be signed, too: name "
		       "the key with --sign KEY",
		       number);
}

static int make_label(struct find *f, struct err *err)
{
	const struct snapshot_info *from = f->range->from;
	struct declared_pruned pruned = {.before_s = from->time_s};
	struct buf reason = {0}, trailers = {0};
	struct label label = {.snapshot = from, .key = f->range->key};
	char time[WHEN_TEXT];
	int64_t now;
	int rc = when_now(&now, err);

	pruned.first.number = message_count(from->message, MESSAGE_NUMBER, 0);
	memcpy(pruned.first.id, f->first, OBJECT_ID);
	if (!rc && !pruned.first.number) {
		rc = err_set(
			err, ERR_REFUSED,
			"snapshot %s does not say its number, so no bundle can begin "
			"with it",
			from->commit.hex);
	}
	rc = rc ? rc : refuse_unsigned(f, pruned.first.number, err);
	if (rc) {
		return rc;
	}
	label.time_s = now < from->time_s ? from->time_s : now;
	name_label(&f->out->label, label.time_s);
	when_format(time, from->time_s);
	buf_addf(&reason,
		 "This bundle begins with snapshot %" PRIu64
		 ", of %s. Earlier ones were left out.",
		 pruned.first.number, time);
	declared_pruned_write(&trailers, &pruned);
	label.name = f->out->label.data;
	label.reason = reason.data;
	label.trailers = trailers.data;
	rc = label_write(&f->out->tag, f->repo, &label, err);
	buf_addf(&f->out->shallow, "%s\n", from->commit.hex);
	buf_release(&reason);
	buf_release(&trailers);
	return rc;
}

/* --- erasures --- */

/* The label of an erasure is on the last snapshot that this wrote anew. verify wants it for
 * every one of them. */
static int check_erasure(struct find *f, const char *name, const char *message,
			 struct err *err)
{
	uint64_t to = message_count(f->range->to->message, MESSAGE_NUMBER, 0);
	uint64_t last = message_count(message, MESSAGE_NUMBER, 0);
	struct declared_erased erased;
	bool reaches;
	int rc = 0;

	if (!declared_erased_read(&erased, message)) {
		f->out->erased = true;
		reaches = erased.from <= to || (erased.held.count && f->out->held.len);
		if (to < last && reaches) {
			rc = err_set(
				err, ERR_REFUSED,
				"an erasure wrote snapshots up to number %" PRIu64
				" anew, and the label %s that declares it is on that "
				"one: a bundle of any of them must reach it, as with "
				"--to %s",
				last, name, name);
		}
	}
	declared_erased_release(&erased);
	return rc;
}

static int check_erasures(struct find *f, struct err *err)
{
	struct buf message = {0};
	struct err unread;
	int rc = 0;

	for (size_t i = 0; !rc && i < f->labels.owns; i++) {
		const char *name = f->labels.own[i].name;

		buf_clear(&message);
		if (strncmp(name, DECLARED_ERASED, strlen(DECLARED_ERASED)) == 0 &&
		    read_message(&message, f, name, &unread)) {
			rc = check_erasure(f, name, message.data, err);
		}
	}
	buf_release(&message);
	return rc;
}

/* --- all --- */

/* Only `from` makes a bundle begin where no label of the repository declares that. */
static int declare(struct find *f, struct err *err)
{
	char hex[OBJECT_HEX + 1];

	if (!f->cut || f->out->label.len) {
		return 0;
	}
	if (f->range->from) {
		return make_label(f, err);
	}
	object_hex(hex, f->first);
	return err_set(
		err, ERR_REFUSED,
		"the history of '%s' is cut off before the commit %s, and no "
		"label " DECLARED_PRUNED
		" declares that, so a bundle of it could not be verified; clone the "
		"whole repository, or let the bundle declare it: --from %s",
		snapshot_path(f->repo), hex, hex);
}

int bundle_begin_find(struct bundle_begin *out, struct snapshot_repo *repo,
		      const struct bundle_range *range, struct err *err)
{
	struct find f = {.out = out, .repo = repo, .range = range};
	int rc = find_first(&f, err);

	rc = rc ? rc : shallow_read(&f.shallow, snapshot_path(repo), err);
	rc = rc ? rc : labels_read(&f.labels, repo, err);
	/* --from may name the first one of a history that begins late, which shows no parent. */
	f.cut = f.cut || (!rc && shallow_has(&f.shallow, f.first));
	if (!rc && f.cut) {
		keep_own(&f);
	}
	rc = rc ? rc : check_erasures(&f, err);
	rc = rc ? rc : declare(&f, err);
	if (!rc && f.cut) {
		shallow_add(&f.shallow, f.first);
		shallow_format(&out->all_shallow, &f.shallow);
	}
	declared_pruned_release(&f.pruned);
	labels_release(&f.labels);
	shallow_release(&f.shallow);
	return rc;
}

void bundle_begin_release(struct bundle_begin *begin)
{
	buf_release(&begin->shallow);
	buf_release(&begin->all_shallow);
	buf_release(&begin->label);
	buf_release(&begin->tag);
	buf_release(&begin->held);
}

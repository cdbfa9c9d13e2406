/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/beginning.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/stamp.h"
#include "exporter/git/history.h"
#include "exporter/snapshot/message.h"

/* So many are named in a message. */
#define NAMED 10

/* Finds the first snapshot. Marks the labels that are on main. */
static int walk_main(struct beginning *out, struct history *history, bool *on_main,
		     struct err *err)
{
	struct history_step step;
	int rc;

	while ((rc = history_next(history, &step, err)) == 0) {
		size_t count;
		const struct labels_entry *label =
			labels_of(&out->labels, step.commit, &count);

		for (size_t i = 0; i < count; i++) {
			on_main[label + i - out->labels.entry] = true;
		}
		memcpy(out->first, step.commit, OBJECT_ID);
		out->number = message_count(step.message, MESSAGE_NUMBER, 0);
		out->time_s = step.time_s;
	}
	out->late = history_is_cut(history);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Adds the snapshot if no other one comes before it. */
static int add_held(struct beginning *out, struct history *history, size_t n,
		    struct err *err)
{
	struct beginning_held held = {.label = &out->labels.entry[n]};
	struct history_step step;
	int rc;

	history_start(history, held.label->commit);
	rc = history_next(history, &step, err);
	if (rc || step.has_parent) {
		return rc; /* of another branch */
	}
	labels_of(&out->labels, step.commit, &held.labels);
	held.number = message_count(step.message, MESSAGE_NUMBER, 0);
	held.time_s = step.time_s;
	out->held[out->count++] = held;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct beginning_held *left = a, *right = b;

	if (left->time_s != right->time_s) {
		return left->time_s > right->time_s ? -1 : 1;
	}
	return left->number > right->number ? -1 : left->number < right->number;
}

static int list_held(struct beginning *out, struct history *history, const bool *on_main,
		     struct err *err)
{
	const struct labels_entry *label = out->labels.entry;
	int rc = 0;

	out->held = xreallocarray(NULL, out->labels.count + 1, sizeof(*out->held));
	for (size_t i = 0; !rc && i < out->labels.count; i++) {
		if (!on_main[i] && (!i || memcmp(label[i].commit, label[i - 1].commit,
						 OBJECT_ID) != 0)) {
			rc = add_held(out, history, i, err);
		}
	}
	qsort(out->held, out->count, sizeof(*out->held), compare);
	return rc;
}

int beginning_read(struct beginning *out, struct snapshot_repo *repo, struct err *err)
{
	struct history *history = history_new(repo);
	struct snapshot_info tip = {0};
	uint8_t id[OBJECT_ID];
	bool *on_main = NULL;
	int rc = snapshot_head(repo, &tip, err);
	bool none = rc == ERR_NOTFOUND;

	*out = (struct beginning){0};
	rc = rc ? rc : labels_read(&out->labels, repo, err);
	if (!rc) {
		on_main = xzalloc(out->labels.count + 1);
		object_unhex(id, tip.commit.hex);
		history_start(history, id);
		rc = walk_main(out, history, on_main, err);
	}
	if (!rc && out->late) {
		rc = list_held(out, history, on_main, err);
	}
	if (rc) {
		beginning_release(out);
	}
	free(on_main);
	history_free(history);
	snapshot_info_release(&tip);
	return none ? 0 : rc;
}

void beginning_release(struct beginning *beginning)
{
	labels_release(&beginning->labels);
	free(beginning->held);
	*beginning = (struct beginning){0};
}

static void add_snapshot(struct buf *out, uint64_t number, int64_t time_s)
{
	char time[STAMP_TEXT];

	stamp_format(time, time_s);
	buf_addstr(out, "snapshot ");
	if (number) {
		buf_addf(out, "%" PRIu64 ", ", number);
	}
	buf_addf(out, "of %s", time);
}

void beginning_explain(struct buf *out, const struct beginning *beginning)
{
	if (!beginning->late) {
		return;
	}
	buf_addstr(out, "history begins with ");
	add_snapshot(out, beginning->number, beginning->time_s);
	for (size_t i = 0; i < beginning->count && i < NAMED; i++) {
		const struct beginning_held *held = &beginning->held[i];

		buf_addf(out, "%s'%s' (", i ? ", " : "; held: ", held->label->name);
		add_snapshot(out, held->number, held->time_s);
		buf_addch(out, ')');
	}
	if (beginning->count > NAMED) {
		buf_addf(out, " and %zu more", beginning->count - NAMED);
	}
}

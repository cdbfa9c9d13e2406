/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/page/page_history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json_print.h"
#include "exporter/git/commit.h"
#include "exporter/git/history.h"
#include "exporter/git/shallow.h"
#include "exporter/snapshot/message.h"

/* A walk from a snapshot back to the first, with the number of each snapshot. */
struct line {
	struct history *history;
	struct history_step step;
	uint64_t number; /* of the step; 0: past the end */
};

static int line_next(struct line *line, struct err *err)
{
	int rc = history_next(line->history, &line->step, err);

	if (rc) {
		line->number = 0;
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	line->number--;
	return 0;
}

static int line_start(struct line *line, struct snapshot_repo *repo,
		      const struct snapshot_info *info, struct err *err)
{
	/* message_number returns the number after that of a parent, and needs only its id. */
	struct snapshot_info parent = {.commit = info->parent};
	uint8_t commit[OBJECT_ID];
	int rc = 0;

	line->number = message_count(info->message, MESSAGE_NUMBER, 0);
	if (!line->number) {
		rc = message_number(&line->number, repo, &parent, err);
	}
	if (rc) {
		return rc;
	}
	if (!object_unhex(commit, info->commit.hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of an object",
			       info->commit.hex);
	}
	line->history = history_new(repo);
	history_start(line->history, commit);
	line->number++;
	return line_next(line, err);
}

static bool says(const char *message, const char *trailer, const char *value)
{
	struct buf text = {0};
	bool is = commit_trailer(message, trailer, &text) == 0 &&
		  strcmp(text.data, value) == 0;

	buf_release(&text);
	return is;
}

/* A message may be a stranger's, and as long as a commit may be. */
#define ACCEPTED_MAX 16

static void add_accepted(struct buf *out, const char *message)
{
	struct commit_trailers trailers = commit_trailers(message);
	struct buf value = {0};
	int n = 0;

	while (n < ACCEPTED_MAX &&
	       commit_trailers_next(&trailers, MESSAGE_ACCEPTED, &value)) {
		if (!n++) {
			json_print_open(out, "accepted", '[');
		}
		page_add_text(out, NULL, value.data, value.len);
	}
	buf_addstr(out, n ? "]" : "");
	buf_release(&value);
}

/* Appends the incidents of a snapshot to out->incidents, and returns their offset there. */
static size_t add_incidents(struct page_history *out, const char *message)
{
	static const struct {
		const char *name, *trailer;
	} count[] = {
		{"lost", MESSAGE_OVERFLOWS},
		{"rescans", MESSAGE_RESCANS},
		{"rejects", MESSAGE_REJECTS},
		{"clock_behind", MESSAGE_CLOCK_BEHIND},
	};
	struct buf *text = &out->incidents;
	size_t at, empty;

	if (!text->len) {
		buf_addch(text, '\0'); /* no offset is 0 */
	}
	at = text->len;
	buf_addch(text, '{');
	empty = text->len;
	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++) {
		uint64_t n = message_count(message, count[i].trailer, 0);

		if (n) {
			json_print_number(text, count[i].name, n);
		}
	}
	if (says(message, MESSAGE_IN_STEP, "no")) {
		json_print_bool(text, "out_of_step", true);
	}
	if (says(message, MESSAGE_RESTORED, "yes")) {
		json_print_bool(text, "restored", true);
	}
	add_accepted(text, message);
	if (text->len == empty) {
		buf_setlen(text, at);
		return 0;
	}
	buf_add(text, "}", sizeof("}"));
	return at;
}

static void add_row(struct page_history *out, const struct history_step *step)
{
	struct page_row *row;

	out->row = xgrow(out->row, out->count, &out->cap, sizeof(*out->row));
	row = &out->row[out->count++];
	object_hex(row->commit, step->commit);
	row->time_s = step->time_s;
	row->images = message_count(step->message, MESSAGE_IMAGES, PAGE_UNKNOWN);
	row->untagged = message_count(step->message, MESSAGE_UNTAGGED, PAGE_UNKNOWN);
	row->incidents = add_incidents(out, step->message);
}

/* Walks both lines back to where they meet; snapshots that only `to` has become rows. */
static int find_common(struct page_history *out, struct line *to, struct line *base,
		       struct err *err)
{
	int rc = 0;

	while (!rc && to->number && base->number) {
		bool step_to = to->number >= base->number;
		bool step_base = base->number >= to->number;

		if (step_to && step_base &&
		    memcmp(to->step.commit, base->step.commit, OBJECT_ID) == 0) {
			out->kept = to->number;
			break;
		}
		if (step_to) {
			add_row(out, &to->step);
			rc = line_next(to, err);
		}
		if (!rc && step_base) {
			rc = line_next(base, err);
		}
	}
	return rc;
}

/*
 * A walk back to the beginning would cost as much as the history is long; but of the commits at
 * which git ends it, the others are held and older. Where that is not so (a held one of another
 * branch) the number is one that no page has as its first, which costs that walk.
 */
int page_history_beginning(uint64_t *first, struct snapshot_repo *repo, struct err *err)
{
	struct shallow shallow = {0};
	int rc = shallow_read(&shallow, snapshot_path(repo), err);
	bool known = !rc;

	*first = shallow.count ? 0 : 1;
	for (size_t i = 0; known && i < shallow.count; i++) {
		struct snapshot_info info = {0};
		char hex[OBJECT_HEX + 1];
		struct err why;
		uint64_t n;

		object_hex(hex, shallow.id + i * OBJECT_ID);
		known = snapshot_resolve(repo, hex, &info, &why) == 0;
		n = known ? message_count(info.message, MESSAGE_NUMBER, 0) : 0;
		*first = n > *first ? n : *first;
		snapshot_info_release(&info);
	}
	*first = known ? *first : 0;
	shallow_release(&shallow);
	return rc;
}

int page_history_read(struct page_history *out, struct snapshot_repo *repo,
		      const struct snapshot_info *to, const struct snapshot_info *base,
		      uint64_t base_first, struct err *err)
{
	struct line to_line = {0}, base_line = {0};
	int rc = line_start(&to_line, repo, to, err);

	*out = (struct page_history){.last = to_line.number};
	if (!rc && base) {
		rc = line_start(&base_line, repo, base, err);
		out->base_last = base_line.number;
	}
	if (!rc && base) {
		rc = find_common(out, &to_line, &base_line, err);
	}
	if (!rc && out->kept) {
		uint64_t first;

		rc = page_history_beginning(&first, repo, err);
		out->kept = first && first == base_first ? out->kept : 0;
	}
	while (!rc && to_line.number > out->kept / PAGE_CHUNK * PAGE_CHUNK) {
		add_row(out, &to_line.step);
		rc = line_next(&to_line, err);
	}
	history_free(to_line.history);
	history_free(base_line.history);
	return rc;
}

void page_history_release(struct page_history *history)
{
	free(history->row);
	buf_release(&history->incidents);
	*history = (struct page_history){0};
}

uint64_t page_history_first(const struct page_history *history)
{
	return history->count ? history->last + 1 - history->count : 0;
}

static void print_count(struct buf *out, uint64_t n)
{
	if (n == PAGE_UNKNOWN) {
		json_print_raw(out, NULL, NULL);
	} else {
		json_print_number(out, NULL, n);
	}
}

void page_history_add(struct buf *out, const struct page_history *history, uint64_t first,
		      uint64_t last)
{
	for (uint64_t n = first; n <= last; n++) {
		const struct page_row *row;

		assert(history->last - n < history->count);
		row = &history->row[history->last - n];
		buf_addf(out, "%s\n[%" PRIu64 ",%" PRId64, n > first ? "," : "", n,
			 row->time_s);
		print_count(out, row->images);
		print_count(out, row->untagged);
		json_print_string(out, NULL, row->commit);
		if (row->incidents) {
			json_print_raw(out, NULL,
				       history->incidents.data + row->incidents);
		}
		buf_addch(out, ']');
	}
}

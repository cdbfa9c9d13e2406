/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/lookback/compare.h"

/* An event as a line for people. */

#define VALUE_MAX 80 /* bytes shown of a value */

/* Appends UTF-8 so that nothing in it reaches a terminal as a control character. */
static void add_plain(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < 0x20 || c == 0x7f) {
			buf_addf(out, "\\u%04x", c);
		} else if (c == 0xc2 && i + 1 < len &&
			   (unsigned char)bytes[i + 1] < 0xa0) {
			buf_addf(out, "\\u%04x", (unsigned char)bytes[++i]);
		} else {
			buf_addch(out, bytes[i]);
		}
	}
}

/* An id as it is; in quotes if it has what could be taken for the line's own words. */
static void add_id(struct buf *out, const struct body_text *id)
{
	struct buf quoted = {0};

	if (id->len && !memchr(id->data, ' ', id->len) &&
	    !memchr(id->data, '"', id->len) && !memchr(id->data, '\\', id->len)) {
		add_plain(out, id->data, id->len);
	} else {
		json_quote(&quoted, id->data, id->len);
		add_plain(out, quoted.data, quoted.len);
		buf_release(&quoted);
	}
}

static void add_words(struct buf *out, const char *words, const struct body_text *id)
{
	buf_addstr(out, words);
	add_id(out, id);
}

static void add_value(struct buf *out, const struct body_text *value)
{
	size_t len = value->len;

	if (!value->data) {
		buf_addstr(out, "(absent)");
		return;
	}
	if (len > VALUE_MAX) {
		len = VALUE_MAX;
		while ((value->data[len] & 0xc0) == 0x80) {
			len--;
		}
	}
	add_plain(out, value->data, len);
	buf_addstr(out, len < value->len ? "..." : "");
}

struct members {
	struct buf *out;
	bool any;
};

static void add_member(const struct compare_member *member, void *payload)
{
	struct members *members = payload;
	struct body_text name = {member->name.data + 1, member->name.len - 2};

	buf_addstr(members->out, members->any ? ", " : ": ");
	members->any = true;
	add_id(members->out, &name);
	buf_addch(members->out, ' ');
	add_value(members->out, &member->before);
	buf_addstr(members->out, " -> ");
	add_value(members->out, &member->after);
}

static void add_members(struct buf *out, const struct compare_event *event)
{
	struct members members = {.out = out};

	compare_members(event, add_member, &members);
	if (!members.any) {
		buf_addstr(out, ": the order of its members");
	}
}

static void add_label(const struct compare_member *member, void *payload)
{
	struct buf *out = payload;

	if (member->name.len == strlen("\"label\"") &&
	    memcmp(member->name.data, "\"label\"", member->name.len) == 0) {
		buf_addstr(out, " ");
		add_value(out, member->after.data ? &member->after : &member->before);
	}
}

static void print_tag(struct buf *out, const struct compare_event *event)
{
	static const char *const verb[] = {
		[COMPARE_TAG_APPEARED] = " appeared",
		[COMPARE_TAG_DISAPPEARED] = " disappeared",
		[COMPARE_TAG_RENAMED] = " renamed",
		[COMPARE_TAG_CHANGED] = " changed",
	};

	add_words(out, "tag ", &event->tag);
	if (event->before.data && event->after.data) {
		buf_addstr(out, verb[event->kind]);
		add_members(out, event);
	} else {
		compare_members(event, add_label, out);
		buf_addstr(out, verb[event->kind]);
	}
}

void compare_print(struct buf *out, const struct compare_event *event)
{
	switch (event->kind) {
	case COMPARE_TAG_APPEARED:
	case COMPARE_TAG_DISAPPEARED:
	case COMPARE_TAG_RENAMED:
	case COMPARE_TAG_CHANGED:
		print_tag(out, event);
		return;
	case COMPARE_IMAGE_APPEARED:
		add_words(out, "image ", &event->image);
		add_words(out, " appeared in album ", &event->album);
		return;
	case COMPARE_IMAGE_DISAPPEARED:
		add_words(out, "image ", &event->image);
		add_words(out, " disappeared from album ", &event->album);
		return;
	case COMPARE_IMAGE_CHANGED:
		add_words(out, "image ", &event->image);
		add_words(out, " in album ", &event->album);
		add_members(out, event);
		return;
	case COMPARE_TAGGED:
	case COMPARE_UNTAGGED:
		add_words(out, "image ", &event->image);
		add_words(out,
			  event->kind == COMPARE_TAGGED ? " tagged with "
							: " no longer tagged with ",
			  &event->tag);
		add_words(out, " by tag image ", &event->tag_image);
		return;
	case COMPARE_TAG_IMAGE_CHANGED:
		add_words(out, "image ", &event->image);
		add_words(out, " tag image ", &event->tag_image);
		add_members(out, event);
		return;
	}
}

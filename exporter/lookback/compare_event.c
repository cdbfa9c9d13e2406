/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/compare_event.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/format/json.h"
#include "data/format/json_print.h"
#include "data/format/stamp.h"
#include "exporter/body/words.h"

#define VALUE_MAX 80 /* bytes of a value in a line for people */

const char *compare_kind_name(enum compare_kind kind)
{
	static const char *const name[COMPARE_KINDS] = {
		[COMPARE_TAG_APPEARED] = "tag_appeared",
		[COMPARE_TAG_DISAPPEARED] = "tag_disappeared",
		[COMPARE_TAG_RENAMED] = "tag_renamed",
		[COMPARE_TAG_CHANGED] = "tag_changed",
		[COMPARE_IMAGE_APPEARED] = "image_appeared",
		[COMPARE_IMAGE_DISAPPEARED] = "image_disappeared",
		[COMPARE_IMAGE_CHANGED] = "image_changed",
		[COMPARE_TAGGED] = "tagged",
		[COMPARE_UNTAGGED] = "untagged",
		[COMPARE_TAG_IMAGE_CHANGED] = "tag_image_changed",
	};

	return name[kind];
}

/* --- members that differ --- */

/* The members of a record on both sides. */
struct members {
	struct body_object before, after;
};

static void members_open(struct members *members, const struct compare_event *event)
{
	*members = (struct members){0};
	body_object(&members->before, &event->before);
	body_object(&members->after, &event->after);
}

static void members_release(struct members *members)
{
	body_object_release(&members->before);
	body_object_release(&members->after);
}

struct member {
	struct body_text key; /* canonical: with its quotes */
	struct body_text before, after;
};

static struct body_text span(const struct body_object *object,
			     const struct json_span *span)
{
	return (struct body_text){object->text.data + span->off, span->len};
}

static struct body_text value_of(const struct body_object *object,
				 const struct body_text *key)
{
	for (size_t i = 0; i < object->members.count; i++) {
		const struct json_member *m = &object->members.member[i];
		const struct body_text name = span(object, &m->key);

		if (body_text_equal(&name, key)) {
			return span(object, &m->value);
		}
	}
	return (struct body_text){0};
}

/* From *at on, the next member that differs. False: there is none. */
static bool members_next(const struct members *members, size_t *at, struct member *out)
{
	const struct json_object *before = &members->before.members;
	const struct json_object *after = &members->after.members;

	for (; *at < before->count + after->count; ++*at) {
		bool first = *at < before->count;
		const struct json_span *key =
			first ? &before->member[*at].key
			      : &after->member[*at - before->count].key;

		out->key = span(first ? &members->before : &members->after, key);
		out->before = value_of(&members->before, &out->key);
		out->after = value_of(&members->after, &out->key);
		if (first ? !out->after.data ||
				    !body_text_equal(&out->before, &out->after)
			  : !out->before.data) {
			++*at;
			return true;
		}
	}
	return false;
}

bool compare_member_differs(const struct compare_event *event, const char *name)
{
	struct members members;
	struct body_text before, after;

	members_open(&members, event);
	before = body_member(&members.before, name);
	after = body_member(&members.after, name);
	members_release(&members);
	return !before.data != !after.data || !body_text_equal(&before, &after);
}

/* --- JSON --- */

static void write_text(struct buf *out, const char *name, const struct body_text *json)
{
	if (json->data) {
		json_print_name(out, name);
		buf_add(out, json->data, json->len);
	}
}

static void write_id(struct buf *out, const char *name, const struct body_text *id)
{
	if (id->data) {
		json_print_bytes(out, name, id->data, id->len);
	}
}

static void write_members(struct buf *out, const struct members *members)
{
	struct member member;
	size_t at = 0;

	json_print_open(out, "members", '[');
	while (members_next(members, &at, &member)) {
		json_print_open(out, NULL, '{');
		write_text(out, "member", &member.key);
		write_text(out, "before", &member.before);
		write_text(out, "after", &member.after);
		buf_addch(out, '}');
	}
	buf_addch(out, ']');
}

/* A tag's label; absent if it has none, or if the event is about something else. */
static struct body_text label_of(const struct compare_event *event,
				 const struct members *members)
{
	switch (event->kind) {
	case COMPARE_TAG_APPEARED:
		return body_member(&members->after, "label");
	case COMPARE_TAG_DISAPPEARED:
		return body_member(&members->before, "label");
	default:
		return (struct body_text){0};
	}
}

void compare_write(struct buf *out, const struct compare_event *event)
{
	struct members members;
	struct body_text label;

	members_open(&members, event);
	label = label_of(event, &members);
	json_print_string(out, "change", compare_kind_name(event->kind));
	write_id(out, "image", &event->image);
	write_id(out, "album", &event->album);
	write_id(out, "tag_image", &event->tag_image);
	write_id(out, "tag", &event->tag);
	write_text(out, "label", &label);
	if (event->before.data && event->after.data) {
		write_members(out, &members);
	}
	write_text(out, "record", event->after.data ? &event->after : &event->before);
	members_release(&members);
}

/* --- lines for people --- */

/* Whether an id or a name of a member can stand in a line as it is: nothing in it needs
 * an escape, and it cannot be mistaken for words of the line. */
static bool is_bare(const char *text, size_t len)
{
	return len && !memchr(text, ' ', len) && !memchr(text, '"', len) &&
	       !memchr(text, '\\', len) && plain_is(text, len);
}

/* Appends words, then an id: as JSON if it is not bare. */
static void print_id(struct buf *out, const char *words, const struct body_text *id)
{
	struct buf quoted = {0};

	buf_addstr(out, words);
	if (is_bare(id->data, id->len)) {
		buf_add(out, id->data, id->len);
	} else {
		json_quote(&quoted, id->data, id->len);
		plain_add_json(out, quoted.data, quoted.len);
		buf_release(&quoted);
	}
}

/* The same for the name of a member, which is canonical. */
static void print_name(struct buf *out, const char *words, const struct body_text *key)
{
	buf_addstr(out, words);
	if (is_bare(key->data + 1, key->len - 2)) {
		buf_add(out, key->data + 1, key->len - 2);
	} else {
		plain_add_json(out, key->data, key->len);
	}
}

static void print_value(struct buf *out, const struct body_text *value)
{
	size_t len = value->len;

	if (!value->data) {
		buf_addstr(out, "(absent)");
		return;
	}
	len = len > VALUE_MAX ? plain_cut(value->data, VALUE_MAX) : len;
	plain_add_json(out, value->data, len);
	buf_addstr(out, len < value->len ? "..." : "");
}

static void print_members(struct buf *out, const struct members *members)
{
	struct member member;
	const char *words = ": ";
	size_t at = 0;

	while (members_next(members, &at, &member)) {
		assert(member.key.data);
		print_name(out, words, &member.key);
		buf_addch(out, ' ');
		print_value(out, &member.before);
		buf_addstr(out, " -> ");
		print_value(out, &member.after);
		words = ", ";
	}
	if (*words == ':') {
		buf_addstr(out, ": the order of its members");
	}
}

/* Appends what something is called. */
static void print_words(struct buf *out, const struct buf *words)
{
	if (words->len) {
		buf_addch(out, ' ');
		words_quote(out, words->data, words->len, WORDS_MAX);
	}
}

static void print_title(struct buf *out, const struct body_object *image)
{
	const struct body_text title = words_title(image);
	struct buf words = {0};

	words_text(&words, &title);
	print_words(out, &words);
	buf_release(&words);
}

static void print_label(struct buf *out, const struct body_object *tag,
			const char *language)
{
	const struct body_text label = body_member(tag, "label");
	const struct body_text name = body_member(tag, "name");
	struct buf words = {0};

	words_tag(&words, &label, &name, language);
	print_words(out, &words);
	buf_release(&words);
}

/* Who made a tag image, and when. */
static void print_made(struct buf *out, const struct body_object *tag_image)
{
	const struct body_text user = body_string(tag_image, "user");
	const struct body_text time = body_string(tag_image, "created_at");
	struct buf words = {0};
	struct stamp stamp;

	words_text(&words, &user);
	if (words.len) {
		print_id(out, ", made by ", &(struct body_text){words.data, words.len});
	}
	if (time.data && stamp_read(&stamp, time.data + 1, time.len - 2) == 0) {
		buf_addstr(out, words.len ? " at " : ", made at ");
		buf_add(out, time.data + 1, time.len - 2);
	}
	buf_release(&words);
}

static void print_tag(struct buf *out, const struct compare_event *event,
		      const struct members *members, const char *language)
{
	static const char *const verb[] = {
		[COMPARE_TAG_APPEARED] = " appeared",
		[COMPARE_TAG_DISAPPEARED] = " disappeared",
		[COMPARE_TAG_RENAMED] = " renamed",
		[COMPARE_TAG_CHANGED] = " changed",
	};

	print_id(out, "tag ", &event->tag);
	print_label(out, event->after.data ? &members->after : &members->before,
		    language);
	buf_addstr(out, verb[event->kind]);
	if (event->before.data && event->after.data) {
		print_members(out, members);
	}
}

static void print_image(struct buf *out, const struct compare_event *event,
			const struct members *members)
{
	static const char *const verb[] = {
		[COMPARE_IMAGE_APPEARED] = " appeared in album ",
		[COMPARE_IMAGE_DISAPPEARED] = " disappeared from album ",
		[COMPARE_IMAGE_CHANGED] = " in album ",
	};

	print_id(out, "image ", &event->image);
	print_title(out, event->after.data ? &members->after : &members->before);
	print_id(out, verb[event->kind], &event->album);
	if (event->kind == COMPARE_IMAGE_CHANGED) {
		print_members(out, members);
	}
}

static void print_tag_image(struct buf *out, const struct compare_event *event,
			    const struct members *members, const char *language)
{
	struct body_object shown = {0}, image = {0}, tag = {0};
	struct body_text text;

	body_object(&shown, &event->shown);
	text = body_member(&shown, "image");
	body_object(&image, &text);
	text = body_member(&shown, "tag");
	body_object(&tag, &text);

	print_id(out, "image ", &event->image);
	print_title(out, &image);
	if (event->kind == COMPARE_TAG_IMAGE_CHANGED) {
		print_id(out, " tag image ", &event->tag_image);
		print_id(out, " of tag ", &event->tag);
		print_label(out, &tag, language);
	} else {
		print_id(out,
			 event->kind == COMPARE_TAGGED ? " tagged with "
						       : " no longer tagged with ",
			 &event->tag);
		print_label(out, &tag, language);
		print_id(out, " by tag image ", &event->tag_image);
	}
	print_made(out, &shown);
	if (event->kind == COMPARE_TAG_IMAGE_CHANGED) {
		print_members(out, members);
	}
	body_object_release(&shown);
	body_object_release(&image);
	body_object_release(&tag);
}

void compare_print(struct buf *out, const struct compare_event *event,
		   const char *language)
{
	struct members members;

	members_open(&members, event);
	if (event->tag_image.data) {
		print_tag_image(out, event, &members, language);
	} else if (event->image.data) {
		print_image(out, event, &members);
	} else {
		print_tag(out, event, &members, language);
	}
	members_release(&members);
}

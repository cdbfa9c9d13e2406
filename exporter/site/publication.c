/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/publication.h"

#include <string.h>

#include "data/format/json_print.h"
#include "data/format/stamp.h"
#include "exporter/body/body.h"

#define VERSION 1
/* A store that rounds its times up, or whose Last-Modified is of another server than its
 * Date, may be off by so much. */
#define ROUNDING_S 5

/* --- reading --- */

/* Copies a string without escapes; false: it is longer than `most`, or has one. */
static bool read_text(struct buf *out, const struct body_text *text, size_t most)
{
	if (!text->data || text->len < 2 || *text->data != '"' || text->len - 2 > most ||
	    memchr(text->data, '\\', text->len)) {
		return false;
	}
	buf_add(out, text->data + 1, text->len - 2);
	return true;
}

static bool is_null(const struct body_text *text)
{
	return text->data && text->len == 4 && memcmp(text->data, "null", 4) == 0;
}

static bool read_holder(struct publication *out, const struct body_object *object)
{
	struct body_text holder = body_member(object, "holder");
	struct body_text expires = body_member(object, "expires");
	struct buf text = {0};
	struct stamp stamp;
	bool good = true;

	if (!is_null(&holder)) {
		good = read_text(&text, &holder, UUID_LEN) &&
		       uuid_is(text.data, text.len);
		if (good) {
			memcpy(out->holder, text.data, UUID_LEN + 1);
		}
		buf_clear(&text);
	}
	if (read_text(&text, &expires, 64) &&
	    stamp_read(&stamp, text.data, text.len) == 0) {
		out->expires_s = stamp_unix_s(&stamp);
	} else {
		good = good && !*out->holder;
	}
	buf_release(&text);
	return good;
}

static bool read_pending(struct publication *out, const struct body_object *object)
{
	struct body_text pending = body_member(object, "pending");
	struct json_object array = {0};
	bool good = pending.data && *pending.data == '[';

	if (good) {
		json_elements(&array, pending.data, pending.len);
	}
	for (size_t i = 0; good && i < array.count; i++) {
		struct json_span span = array.member[i].value;
		struct body_text text = {pending.data + span.off, span.len};

		/* What is not a commit means a state that is not known. */
		good = read_text(&out->pending, &text, 64);
		buf_addch(&out->pending, '\n');
	}
	json_object_release(&array);
	return good;
}

int publication_read(struct publication *out, const char *text, size_t len,
		     const char *name, struct err *err)
{
	struct buf canon = {0};
	struct body_object object = {0};
	struct json_value value;
	bool good, later = false;

	*out = (struct publication){0};
	good = json_read(&canon, &value, text, len) == 0 &&
	       body_object(&object, &(struct body_text){canon.data, canon.len});
	if (good) {
		struct body_text v = body_member(&object, "v");
		struct body_text conditional = body_member(&object, "conditional");

		good = v.len == 1 && *v.data == '0' + VERSION;
		later = !good && v.len && *v.data > '0' && *v.data <= '9';
		out->conditional = conditional.data && *conditional.data == 't';
		good = good && read_holder(out, &object) && read_pending(out, &object);
	}
	body_object_release(&object);
	buf_release(&canon);
	if (good) {
		return 0;
	}
	publication_release(out);
	return later ? err_set(err, ERR_FORMAT,
			       "'%s' was written by a later version of "
			       "albumen-exporter; publish with that one",
			       name)
		     : err_set(err, ERR_INPUT, "'%s' is not what albumen-exporter writes",
			       name);
}

void publication_unreadable(struct publication *out, int64_t modified_s)
{
	*out = (struct publication){.holder = "somebody",
				    .expires_s = modified_s + PUBLICATION_LEASE_S};
	buf_addstr(&out->pending, "unknown\n");
}

void publication_release(struct publication *publication)
{
	buf_release(&publication->pending);
	*publication = (struct publication){0};
}

/* --- writing --- */

void publication_write(struct buf *out, const struct publication *publication)
{
	const char *line = publication->pending.data;
	char expires[STAMP_TEXT];

	stamp_format(expires, publication->expires_s);
	json_print_open(out, NULL, '{');
	json_print_number(out, "v", VERSION);
	json_print_string(out, "holder",
			  *publication->holder ? publication->holder : NULL);
	json_print_string(out, "expires", expires);
	json_print_open(out, "pending", '[');
	while (line && *line) {
		size_t len = strcspn(line, "\n");

		json_print_bytes(out, NULL, line, len);
		line += len + (line[len] == '\n');
	}
	buf_addch(out, ']');
	if (publication->conditional) {
		json_print_bool(out, "conditional", true);
	}
	buf_addstr(out, "}\n");
}

/* --- whose turn it is --- */

int64_t publication_free_s(const struct publication *publication, int64_t modified_s)
{
	int64_t end_s = publication->expires_s;

	if (modified_s && end_s > modified_s + PUBLICATION_LEASE_S + ROUNDING_S) {
		end_s = modified_s + PUBLICATION_LEASE_S + ROUNDING_S;
	}
	return end_s + PUBLICATION_SLACK_S;
}

enum publication_turn publication_turn(const struct publication *publication,
				       const char *me, int64_t modified_s, int64_t now_s)
{
	if (!*publication->holder) {
		return PUBLICATION_FREE;
	}
	if (strcmp(publication->holder, me) == 0) {
		return PUBLICATION_MINE;
	}
	return now_s > publication_free_s(publication, modified_s) ? PUBLICATION_EXPIRED
								   : PUBLICATION_LIVE;
}

void publication_take(struct publication *publication, const char *me, int64_t now_s)
{
	memcpy(publication->holder, me, UUID_LEN + 1);
	publication->expires_s = now_s + PUBLICATION_LEASE_S;
}

void publication_give_back(struct publication *publication)
{
	*publication->holder = '\0';
}

int64_t publication_clock_latest(const struct publication_clock *clock, int64_t now_ms)
{
	/* The Date left out up to a second, and the time since then is rounded up. */
	return clock->date_s + 1 + (now_ms - clock->sent_ms + 999) / 1000;
}

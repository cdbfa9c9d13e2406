/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/page/page_albums.h"

/* Every image of a million is counted when a page is first made, so nothing more is
 * looked at than what separates elements. Any bytes will do; a number comes out. */
uint64_t page_images_count(const struct buf *body)
{
	const char *text = body->data;
	uint64_t commas = 0;
	size_t depth = 0;

	if (body->len <= 2) {
		return 0;
	}
	for (size_t i = 0; i < body->len; i++) {
		char c = text[i];

		if (c == '"') {
			while (++i < body->len && text[i] != '"') {
				i += text[i] == '\\';
			}
		} else if (c == '[' || c == '{') {
			depth++;
		} else if (c == ']' || c == '}') {
			depth--;
		} else if (c == ',' && depth == 1) {
			commas++;
		}
	}
	return commas + 1;
}

/* Appends the member's text if it is a string; else null. */
static bool add_string(struct buf *out, const char *object,
		       const struct json_member *member)
{
	const char *text = member ? object + member->value.off : "null";
	bool is_string = *text == '"';

	if (is_string) {
		buf_add(out, text, member->value.len);
	} else {
		buf_addstr(out, "null");
	}
	return is_string;
}

struct scratch {
	struct json_object images, image, thumbnails;
};

static bool add_image(struct buf *out, const char *text, size_t len, struct scratch *s)
{
	const struct json_member *id, *thumbnails, *mini = NULL;
	const char *inner = text;

	if (*text != '{') {
		return false;
	}
	json_members(&s->image, text, len);
	/* What an image's id is: data/format/record.h. */
	id = json_find(&s->image, text, "\"id\"");
	if (!id || text[id->value.off] != '"') {
		id = json_find(&s->image, text, "\"public_id\"");
	}
	thumbnails = json_find(&s->image, text, "\"thumbnails\"");
	if (thumbnails && text[thumbnails->value.off] == '{') {
		inner = text + thumbnails->value.off;
		json_members(&s->thumbnails, inner, thumbnails->value.len);
		mini = json_find(&s->thumbnails, inner, "\"mini\"");
	}
	buf_addch(out, '[');
	if (!add_string(out, text, id)) {
		return false;
	}
	buf_addch(out, ',');
	add_string(out, text, json_find(&s->image, text, "\"created_at\""));
	buf_addch(out, ',');
	add_string(out, inner, mini);
	buf_addch(out, ']');
	return true;
}

int page_images_add(struct buf *out, const struct buf *body)
{
	struct scratch s = {0};
	struct buf canon = {0};
	struct json_value value;
	bool good = json_read(&canon, &value, body->data, body->len) == 0 &&
		    value.end == body->len && canon.len && canon.data[0] == '[';

	if (good) {
		json_elements(&s.images, canon.data, canon.len);
	}
	buf_addch(out, '[');
	for (size_t i = 0; good && i < s.images.count; i++) {
		buf_addstr(out, i ? ",\n" : "\n");
		good = add_image(out, canon.data + s.images.member[i].value.off,
				 s.images.member[i].value.len, &s);
	}
	buf_addch(out, ']');
	json_object_release(&s.images);
	json_object_release(&s.image);
	json_object_release(&s.thumbnails);
	buf_release(&canon);
	return good ? 0 : -1;
}

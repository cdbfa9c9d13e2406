/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/body/body.h"
#include "data/format/json_print.h"
#include "exporter/page/page_albums.h"

/* A first page counts the images of every album, a million of them. So this looks only at
 * what separates elements. Given other bytes than a canonical array, it returns some
 * number. */
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

/* Appends a text of canonical JSON, or null if it is absent. */
static void print_text(struct buf *out, struct body_text text)
{
	json_print_name(out, NULL);
	buf_add(out, text.data ? text.data : "null", text.data ? text.len : 4);
}

int page_images_add(struct buf *out, const char *path, const struct buf *bytes,
		    struct err *err)
{
	struct body body = {.bytes = *bytes};
	struct body_object thumbnails = {0};
	bool good = body_parse(&body, QUERY_UNTAGGED);

	buf_addch(out, '[');
	for (size_t i = 0; good && i < body.count; i++) {
		struct body_text id, mini, member;

		good = body_record(&body, i, &id);
		if (!good) {
			break;
		}
		member = body_member(&body.record, "thumbnails");
		mini = body_object(&thumbnails, &member)
			       ? body_string(&thumbnails, "mini")
			       : (struct body_text){0};
		buf_addstr(out, i ? ",\n" : "\n");
		json_print_open(out, NULL, '[');
		json_print_bytes(out, NULL, id.data, id.len);
		print_text(out, body_string(&body.record, "created_at"));
		print_text(out, mini);
		buf_addch(out, ']');
	}
	buf_addch(out, ']');
	body_object_release(&thumbnails);
	body.bytes = (struct buf){0}; /* it was the caller's */
	body_release(&body);
	return good ? 0 : body_fault(path, body.problem, err);
}

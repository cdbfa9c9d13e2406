/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/body/body.h"
#include "data/format/json_print.h"
#include "exporter/body/words.h"
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

/* Appends the row of the record that the body has read. */
static void add_row(struct buf *out, const struct body *body, const struct body_text *id,
		    struct body_object *thumbnails)
{
	const struct body_object *record = &body->record;
	const struct body_text created = body_string(record, "created_at");
	const struct body_text member = body_member(record, "thumbnails");
	bool has_thumbnails = body_object(thumbnails, &member);

	buf_addstr(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
	json_print_open(out, NULL, '[');
	json_print_bytes(out, NULL, id->data, id->len);
	page_add_created(out, created.data, created.len);
	print_text(out, words_title(record));
	print_text(out, has_thumbnails ? body_string(thumbnails, "mini")
				       : (struct body_text){0});
	buf_addch(out, ']');
}

int page_images_add(struct buf *head, struct buf *rest, int64_t *oldest, size_t split,
		    const char *path, const struct buf *bytes, struct err *err)
{
	struct body body = {.bytes = *bytes};
	struct body_object thumbnails = {0};
	bool good = body_parse(&body, QUERY_UNTAGGED);

	*oldest = PAGE_NO_TIME;
	buf_addch(head, '[');
	for (size_t i = 0; good && i < body.count; i++) {
		struct body_text id, created;

		good = body_record(&body, i, &id);
		if (!good) {
			break;
		}
		if (i == 0) {
			created = body_string(&body.record, "created_at");
			*oldest = page_created_s(created.data, created.len);
		}
		if (i == split) {
			buf_addch(rest, '[');
		}
		add_row(i < split ? head : rest, &body, &id, &thumbnails);
	}
	buf_addch(head, ']');
	if (good && body.count > split) {
		buf_addch(rest, ']');
	}
	body_object_release(&thumbnails);
	body.bytes = (struct buf){0}; /* it was the caller's */
	body_release(&body);
	return good ? 0 : body_fault(path, body.problem, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "data/format/name.h"
#include "exporter/lookback/compare_inner.h"
#include "exporter/snapshot/response.h"

/*
 * Files of a snapshot. A clone comes from elsewhere: whatever is in it, a body is
 * taken apart only after it was found to be canonical text.
 */

int compare_bad(struct compare *c, enum query_response row, const struct body_text *id)
{
	buf_clear(&c->path);
	response_snapshot_path(&c->path, response_of(row), id->data, id->len);
	return err_set(c->err, ERR_INPUT,
		       "'%s' in the snapshot is not as albumen writes it", c->path.data);
}

/* Whether `body` is the canonical text of a value that begins with `first`. */
static bool is_canonical(struct compare *c, const struct buf *body, char first)
{
	struct json_value value;

	buf_clear(&c->canon);
	return body->len >= 2 && body->data[0] == first &&
	       json_read(&c->canon, &value, body->data, body->len) == 0 &&
	       c->canon.len == body->len &&
	       memcmp(c->canon.data, body->data, body->len) == 0;
}

static int read_blob(struct compare *c, struct buf *out, const uint8_t *blob)
{
	buf_clear(out);
	return history_blob(c->history, out, blob, c->err);
}

bool compare_is_none(const uint8_t *blob)
{
	static const uint8_t none[OBJECT_ID];

	return !blob || memcmp(blob, none, OBJECT_ID) == 0;
}

int compare_body_read(struct compare *c, struct compare_body *body, const uint8_t *blob,
		      enum query_response row, const struct body_text *id)
{
	int rc;

	body->elements.count = 0;
	if (compare_is_none(blob) || memcmp(blob, c->empty, OBJECT_ID) == 0) {
		return 0;
	}
	rc = read_blob(c, &body->text, blob);
	if (rc) {
		return rc;
	}
	if (!is_canonical(c, &body->text, '[')) {
		return compare_bad(c, row, id);
	}
	json_elements(&body->elements, body->text.data, body->text.len);
	for (size_t i = 0; i < body->elements.count; i++) {
		if (*compare_element(body, i).data != '{') {
			return compare_bad(c, row, id);
		}
	}
	return 0;
}

struct body_text compare_element(const struct compare_body *body, size_t i)
{
	const struct json_span *span = &body->elements.member[i].value;

	return (struct body_text){body->text.data + span->off, span->len};
}

void compare_body_release(struct compare_body *body)
{
	buf_release(&body->text);
	json_object_release(&body->elements);
}

static int compare_texts(const struct body_text *a, const struct body_text *b)
{
	if (a->len != b->len) {
		return a->len < b->len ? -1 : 1;
	}
	return memcmp(a->data, b->data, a->len);
}

static int compare_elements(const void *left, const void *right, void *text)
{
	const struct json_span *a = &((const struct json_member *)left)->value;
	const struct json_span *b = &((const struct json_member *)right)->value;
	const char *bytes = text;
	const struct body_text a_text = {bytes + a->off, a->len};
	const struct body_text b_text = {bytes + b->off, b->len};

	return compare_texts(&a_text, &b_text);
}

/* Leaves the elements from `begin` to `end` alone, in the order of their texts. */
static void cut(struct compare_body *body, size_t begin, size_t end)
{
	struct json_object *list = &body->elements;

	list->count = end - begin;
	if (list->count) {
		memmove(list->member, list->member + begin,
			list->count * sizeof(*list->member));
		qsort_r(list->member, list->count, sizeof(*list->member),
			compare_elements, body->text.data);
	}
}

/* Two sorted lists lose what they have in common. */
static void drop_common(struct compare_body *a, struct compare_body *b)
{
	size_t i = 0, j = 0, a_kept = 0, b_kept = 0;

	while (i < a->elements.count && j < b->elements.count) {
		struct body_text a_text = compare_element(a, i);
		struct body_text b_text = compare_element(b, j);
		int order = compare_texts(&a_text, &b_text);

		if (order < 0) {
			a->elements.member[a_kept++] = a->elements.member[i++];
		} else if (order > 0) {
			b->elements.member[b_kept++] = b->elements.member[j++];
		} else {
			i++;
			j++;
		}
	}
	while (i < a->elements.count) {
		a->elements.member[a_kept++] = a->elements.member[i++];
	}
	while (j < b->elements.count) {
		b->elements.member[b_kept++] = b->elements.member[j++];
	}
	a->elements.count = a_kept;
	b->elements.count = b_kept;
}

static bool same_element(const struct compare_body *a, size_t i,
			 const struct compare_body *b, size_t j)
{
	struct body_text a_text = compare_element(a, i);
	struct body_text b_text = compare_element(b, j);

	return compare_texts(&a_text, &b_text) == 0;
}

void compare_body_differ(struct compare_body *before, struct compare_body *after)
{
	size_t begin = 0, a_end = before->elements.count, b_end = after->elements.count;

	while (begin < a_end && begin < b_end &&
	       same_element(before, begin, after, begin)) {
		begin++;
	}
	while (a_end > begin && b_end > begin &&
	       same_element(before, a_end - 1, after, b_end - 1)) {
		a_end--;
		b_end--;
	}
	cut(before, begin, a_end);
	cut(after, begin, b_end);
	drop_common(before, after);
}

int compare_embedded(struct compare *c, struct body_text *out,
		     const struct body_text *text, const char *key)
{
	const struct json_member *m;

	json_members(&c->inner, text->data, text->len);
	m = json_find(&c->inner, text->data, key);
	if (!m || text->data[m->value.off] != '{') {
		return ERR_INPUT;
	}
	*out = (struct body_text){text->data + m->value.off, m->value.len};
	return 0;
}

int compare_record_id(struct compare *c, struct body_text *id,
		      const struct body_text *text)
{
	static const char *const keys[] = {"\"id\"", "\"public_id\""};

	json_members(&c->inner, text->data, text->len);
	for (size_t i = 0; i < 2; i++) {
		const struct json_member *m = json_find(&c->inner, text->data, keys[i]);

		if (m && text->data[m->value.off] == '"') {
			buf_clear(&c->string);
			if (json_string(&c->string, text->data + m->value.off,
					m->value.len) < 0 ||
			    c->string.len == 0) {
				return ERR_INPUT;
			}
			*id = (struct body_text){c->string.data, c->string.len};
			return 0;
		}
	}
	return ERR_INPUT;
}

int compare_album_read(struct compare *c, struct buf *album, const uint8_t *blob,
		       const struct body_text *image)
{
	struct buf *body = &c->body[0].text;
	int rc = read_blob(c, body, blob);

	if (rc) {
		return rc;
	}
	buf_clear(album);
	if (!is_canonical(c, body, '"') ||
	    json_string(album, body->data, body->len) < 0 || album->len == 0) {
		return compare_bad(c, QUERY_ALBUM_OF, image);
	}
	return 0;
}

/* The text of the tag in its file: a span of c->body[0].text. */
static int read_tag(struct compare *c, struct body_text *text, const uint8_t *blob,
		    const struct body_text *id)
{
	struct buf *body = &c->body[0].text;
	struct body_text all;
	int rc = read_blob(c, body, blob);

	if (rc) {
		return rc;
	}
	all = (struct body_text){body->data, body->len};
	if (!is_canonical(c, body, '{') ||
	    compare_embedded(c, text, &all, "\"tag\"") != 0) {
		return compare_bad(c, QUERY_TAG, id);
	}
	return 0;
}

int compare_tag_add(struct compare *c, const uint8_t *old_blob, const uint8_t *new_blob,
		    const struct body_text *id)
{
	const uint8_t *const blob[] = {old_blob, new_blob};
	const struct body_text none = {0};
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		struct body_text text;

		if (!compare_is_none(blob[side])) {
			rc = read_tag(c, &text, blob[side], id);
			if (!rc) {
				compare_list_add(&c->tags, side == 1, id, &none, &text);
			}
		}
	}
	return rc;
}

enum query_response compare_path(struct buf *id, const char *path)
{
	struct layout_text name;
	const struct response *row = response_parse(path, &name);

	buf_clear(id);
	return row && name_to_id(id, name.at, name.len) == 0 ? row->kind
							     : (enum query_response)0;
}

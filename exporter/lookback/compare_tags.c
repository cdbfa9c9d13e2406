/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "exporter/lookback/compare_inner.h"

/*
 * Tag images. The file of an image changes also when the image or a tag in it does,
 * so its elements are compared in the form that has neither (compare.h).
 *
 * There may be a million such files: they are noted by their blobs, and read one
 * image at a time when it is their turn.
 */

void compare_pair_add(struct compare *c, const struct body_text *image,
		      const uint8_t *old_blob, const uint8_t *new_blob)
{
	const uint8_t *const blob[] = {old_blob, new_blob};
	struct compare_pair pair = {.id = c->ids.len, .id_len = image->len};
	bool any = false;

	for (int side = 0; side < 2; side++) {
		if (!compare_is_none(blob[side]) &&
		    memcmp(blob[side], c->empty, OBJECT_ID) != 0) {
			memcpy(pair.blob[side], blob[side], OBJECT_ID);
			any = true;
		}
	}
	if (!any) {
		return;
	}
	if (c->pair_count == c->pair_cap) {
		c->pair_cap += c->pair_cap / 2 + 64;
		c->pair = xreallocarray(c->pair, c->pair_cap, sizeof(*c->pair));
	}
	c->pair[c->pair_count++] = pair;
	buf_add(&c->ids, image->data, image->len);
	buf_addch(&c->ids, '\0');
}

static int compare_pairs(const void *left, const void *right, void *ids)
{
	const struct compare_pair *a = left, *b = right;
	const char *bytes = ((const struct buf *)ids)->data;
	size_t len = a->id_len < b->id_len ? a->id_len : b->id_len;
	int order = memcmp(bytes + a->id, bytes + b->id, len);

	return order ? order : (a->id_len > b->id_len) - (a->id_len < b->id_len);
}

static struct body_text pair_image(const struct compare *c,
				   const struct compare_pair *pair)
{
	return (struct body_text){c->ids.data + pair->id, pair->id_len};
}

/* Reads both sides into c->body and cuts them to what differs. */
static int pair_read(struct compare *c, const struct compare_pair *pair)
{
	struct body_text image = pair_image(c, pair);
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		rc = compare_body_read(c, &c->body[side], pair->blob[side],
				       QUERY_TAG_IMAGES, &image);
	}
	if (!rc) {
		compare_body_differ(&c->body[0], &c->body[1]);
	}
	return rc;
}

/* A member of a tag image that holds an object, as what stands for it. */
static int add_reference(struct compare *c, struct buf *out, const char *key, bool plain,
			 const struct body_text *object)
{
	struct body_text id;

	if (*object->data != '{' || compare_record_id(c, &id, object) != 0) {
		return ERR_INPUT;
	}
	buf_addf(out, plain ? "\"%s\":" : "\"%s_id\":", key);
	json_quote(out, id.data, id.len);
	return 0;
}

/* Appends the own text of the tag image `text` to *out. */
static int own_text(struct compare *c, struct buf *out, const struct body_text *text)
{
	static const char *const key[] = {"image", "tag"};
	static const char *const quoted[] = {"\"image\"", "\"tag\""};
	const struct json_member *slot[2];
	bool plain;

	json_members(&c->object, text->data, text->len);
	plain = json_find(&c->object, text->data, "\"image_id\"") ||
		json_find(&c->object, text->data, "\"tag_id\"");
	for (int i = 0; i < 2; i++) {
		slot[i] = json_find(&c->object, text->data, quoted[i]);
		if (!slot[i]) {
			return ERR_INPUT;
		}
	}
	buf_addch(out, '{');
	for (size_t i = 0; i < c->object.count; i++) {
		const struct json_member *m = &c->object.member[i];
		int which = m == slot[0] ? 0 : m == slot[1] ? 1 : -1;

		buf_addstr(out, i ? "," : "");
		if (which < 0) {
			buf_add(out, text->data + m->key.off,
				m->value.off + m->value.len - m->key.off);
		} else {
			struct body_text value = {text->data + m->value.off,
						  m->value.len};

			if (add_reference(c, out, key[which], plain, &value) != 0) {
				return ERR_INPUT;
			}
		}
	}
	buf_addch(out, '}');
	return 0;
}

/* The tag that the tag image `text` shows: its id, in c->string. */
static int tag_of(struct compare *c, struct body_text *id, const struct body_text *text)
{
	struct body_text tag;

	return compare_embedded(c, &tag, text, "\"tag\"") != 0 ||
			       compare_record_id(c, id, &tag) != 0
		       ? ERR_INPUT
		       : 0;
}

/* Notes the elements that differ: id, own text, and the tag where a list has the
 * album. */
static int pair_list(struct compare *c, struct compare_list *list,
		     const struct compare_pair *pair)
{
	struct body_text image = pair_image(c, pair);
	struct buf own = {0}, tag = {0};
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		for (size_t i = 0; !rc && i < c->body[side].elements.count; i++) {
			struct body_text text = compare_element(&c->body[side], i);
			struct body_text id;

			buf_clear(&own);
			buf_clear(&tag);
			rc = own_text(c, &own, &text);
			if (!rc && (rc = tag_of(c, &id, &text)) == 0) {
				buf_add(&tag, id.data, id.len);
				rc = compare_record_id(c, &id, &text);
			}
			if (!rc) {
				compare_list_add(list, side == 1, &id,
						 &(struct body_text){tag.data, tag.len},
						 &(struct body_text){own.data, own.len});
			}
		}
	}
	buf_release(&own);
	buf_release(&tag);
	return rc ? compare_bad(c, QUERY_TAG_IMAGES, &image) : 0;
}

static int pair_report(struct compare *c, const struct compare_list *list,
		       const struct compare_pair *pair)
{
	const struct compare_record *before, *after, *any;
	size_t at = 0;
	int rc = 0;

	while (!rc && (any = compare_list_next(list, &at, &before, &after))) {
		struct compare_event event = {
			.kind = !before  ? COMPARE_TAGGED
				: !after ? COMPARE_UNTAGGED
					 : COMPARE_TAG_IMAGE_CHANGED,
			.image = pair_image(c, pair),
			.tag_image = compare_list_text(list, any->id, any->id_len),
			.tag = compare_list_text(list, any->album, any->album_len),
		};

		if (before) {
			event.before =
				compare_list_text(list, before->text, before->text_len);
		}
		if (after) {
			event.after =
				compare_list_text(list, after->text, after->text_len);
		}
		rc = c->each(&event, c->payload);
	}
	return rc;
}

int compare_pairs_report(struct compare *c)
{
	struct compare_list list = {0};
	int rc = 0;

	if (c->pair_count) {
		qsort_r(c->pair, c->pair_count, sizeof(*c->pair), compare_pairs, &c->ids);
	}
	for (size_t i = 0; !rc && i < c->pair_count; i++) {
		rc = pair_read(c, &c->pair[i]);
		list.count = 0;
		buf_clear(&list.pool);
		if (!rc && (rc = pair_list(c, &list, &c->pair[i])) == 0) {
			compare_list_sort(&list);
			rc = pair_report(c, &list, &c->pair[i]);
		}
	}
	compare_list_release(&list);
	return rc;
}

int compare_pairs_tags(struct compare *c, struct compare_list *tags)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < c->pair_count; i++) {
		rc = pair_read(c, &c->pair[i]);
		for (int side = 0; !rc && side < 2; side++) {
			for (size_t j = 0; !rc && j < c->body[side].elements.count; j++) {
				struct body_text text =
					compare_element(&c->body[side], j);
				struct body_text image = pair_image(c, &c->pair[i]);
				struct body_text id;

				if (tag_of(c, &id, &text) != 0) {
					rc = compare_bad(c, QUERY_TAG_IMAGES, &image);
				} else {
					compare_list_add(tags, true, &id,
							 &(struct body_text){0},
							 &(struct body_text){0});
				}
			}
		}
	}
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/compare.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/lookback/compare_inner.h"

/*
 * Trees say which files differ, in the order of their shards; events come by id. So
 * what differs is noted first: the texts of tags and images on the sides that have
 * them, and the blobs of tag images. An image that moves leaves one album's file and
 * enters another's: only when all are noted is it known what became of it.
 */

int compare_note_album(struct compare *c, const uint8_t *old_blob,
		       const uint8_t *new_blob, const struct body_text *album)
{
	const uint8_t *const blob[] = {old_blob, new_blob};
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		rc = compare_body_read(c, &c->body[side], blob[side], QUERY_IMAGES,
				       album);
	}
	if (rc) {
		return rc;
	}
	compare_body_differ(&c->body[0], &c->body[1]);
	for (int side = 0; side < 2; side++) {
		for (size_t i = 0; i < c->body[side].elements.count; i++) {
			struct body_text text = compare_element(&c->body[side], i);
			struct body_text id;

			if (compare_record_id(c, &id, &text) != 0) {
				return compare_bad(c, QUERY_IMAGES, album);
			}
			compare_list_add(&c->images, side == 1, &id, album, &text);
		}
	}
	return 0;
}

int compare_note(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		 void *payload)
{
	struct compare *c = payload;
	enum query_response row = compare_path(&c->id, path);
	struct body_text id = {c->id.data, c->id.len};

	switch (row) {
	case QUERY_IMAGES:
		return compare_note_album(c, old_blob, new_blob, &id);
	case QUERY_TAG:
		return compare_tag_add(c, old_blob, new_blob, &id);
	case QUERY_TAG_IMAGES:
		compare_pair_add(c, &id, old_blob, new_blob);
		return 0;
	default:
		return 0;
	}
}

/* A tag is renamed if people see another name of it. */
static void see_name(const struct compare_member *member, void *payload)
{
	bool *renamed = payload;
	const char *name = member->name.data;
	size_t len = member->name.len;

	if ((len == strlen("\"name\"") && memcmp(name, "\"name\"", len) == 0) ||
	    (len == strlen("\"label\"") && memcmp(name, "\"label\"", len) == 0)) {
		*renamed = true;
	}
}

static enum compare_kind kind_of(const struct compare_event *event, bool tags)
{
	bool renamed = false;

	if (!event->before.data) {
		return tags ? COMPARE_TAG_APPEARED : COMPARE_IMAGE_APPEARED;
	}
	if (!event->after.data) {
		return tags ? COMPARE_TAG_DISAPPEARED : COMPARE_IMAGE_DISAPPEARED;
	}
	if (!tags) {
		return COMPARE_IMAGE_CHANGED;
	}
	compare_members(event, see_name, &renamed);
	return renamed ? COMPARE_TAG_RENAMED : COMPARE_TAG_CHANGED;
}

/* Reports what is noted in a list: tags, or images. */
static int report(struct compare *c, struct compare_list *list, bool tags)
{
	const struct compare_record *before, *after, *any;
	size_t at = 0;
	int rc = 0;

	compare_list_sort(list);
	while (!rc && (any = compare_list_next(list, &at, &before, &after))) {
		struct body_text id = compare_list_text(list, any->id, any->id_len);
		struct compare_event event = {0};

		if (before) {
			event.before =
				compare_list_text(list, before->text, before->text_len);
		}
		if (after) {
			event.after =
				compare_list_text(list, after->text, after->text_len);
		}
		if (tags) {
			event.tag = id;
		} else {
			event.image = id;
			event.album = compare_list_text(list, any->album, any->album_len);
		}
		event.kind = kind_of(&event, tags);
		rc = c->each(&event, c->payload);
	}
	return rc;
}

int compare_trees(struct history *history, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], const struct compare_scope *scope,
		  compare_event_fn *each, void *payload, struct err *err)
{
	struct compare c = {
		.history = history,
		.tree = {from, to},
		.each = each,
		.payload = payload,
		.err = err,
	};
	int rc;

	object_hash(c.empty, OBJECT_BLOB, "[]", 2);
	if (scope && (scope->album || scope->image || scope->tag)) {
		rc = compare_scope_note(&c, scope);
	} else {
		rc = tree_diff(history_trees(history), from, to, compare_note, &c, err);
	}
	if (!rc) {
		rc = report(&c, &c.tags, true);
	}
	if (!rc) {
		rc = report(&c, &c.images, false);
	}
	if (!rc) {
		rc = compare_pairs_report(&c);
	}
	compare_list_release(&c.tags);
	compare_list_release(&c.images);
	free(c.pair);
	for (int side = 0; side < 2; side++) {
		compare_body_release(&c.body[side]);
	}
	json_object_release(&c.object);
	json_object_release(&c.inner);
	buf_release(&c.ids);
	buf_release(&c.id);
	buf_release(&c.canon);
	buf_release(&c.string);
	buf_release(&c.path);
	return rc;
}

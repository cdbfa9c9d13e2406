/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/collection/collection.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/stamp.h"
#include "exporter/git/pack/object.h"
#include "exporter/snapshot/response.h"

/*
 * The bodies of a million images do not fit in memory, their order does: each tag
 * image is noted by what it is sorted by and by where it stands. Then the bodies
 * are read a second time, in the order of the answer. An image's tag images are
 * often made together, so the last body is kept for the next element.
 */

#define CHUNK (256u << 10)

struct element {
	struct stamp created;
	uint32_t id;       /* offset in collection::ids */
	uint32_t blob;     /* number of the body in collection::blobs */
	uint32_t off, len; /* the element in its body */
};

struct collection {
	struct snapshot_repo *repo;
	struct err *err;
	struct element *element;
	size_t count, cap;
	struct buf ids;   /* each with a NUL behind it: ids have none inside */
	struct buf blobs; /* OBJECT_ID bytes each */
	char empty[SNAPSHOT_HEX + 1]; /* the blob of `[]`, once it has been seen */
	struct json_object array, object;
	struct buf path, body, canon;
};

static int bad_body(struct collection *all, const char *path)
{
	return err_set(all->err, ERR_INPUT,
		       "'%s' in the snapshot is no array of tag images as albumen writes "
		       "them",
		       path);
}

/* Notes the element at `text` of the last body. */
static int add_element(struct collection *all, struct json_span span, const char *path)
{
	const char *text = all->body.data + span.off;
	const struct json_member *id, *created;
	struct element *element;

	if (*text != '{') {
		return bad_body(all, path);
	}
	json_members(&all->object, text, span.len);
	id = json_find(&all->object, text, "\"id\"");
	created = json_find(&all->object, text, "\"created_at\"");
	if (all->count == all->cap) {
		all->cap += all->cap / 2 + 1024;
		all->element =
			xreallocarray(all->element, all->cap, sizeof(*all->element));
	}
	element = &all->element[all->count++];
	*element = (struct element){
		.id = (uint32_t)all->ids.len,
		.blob = (uint32_t)(all->blobs.len / OBJECT_ID - 1),
		.off = (uint32_t)span.off,
		.len = (uint32_t)span.len,
	};
	if (!id || text[id->value.off] != '"' ||
	    json_string(&all->ids, text + id->value.off, id->value.len) < 0) {
		return bad_body(all, path);
	}
	buf_addch(&all->ids, '\0');
	if (all->ids.len > UINT32_MAX || all->count > UINT32_MAX) {
		return err_set(all->err, ERR_FAIL, "too many tag images for one file");
	}
	/* `null` counts as absent (CONTRACT.md, section 2). */
	if (created && text[created->value.off] == '"' &&
	    stamp_read(&element->created, text + created->value.off + 1,
		       created->value.len - 2) < 0) {
		return bad_body(all, path);
	}
	return 0;
}

/* Whether the last body is the canonical text of an array, and nothing else. */
static bool is_canonical_array(struct collection *all)
{
	struct json_value value;

	buf_clear(&all->canon);
	return all->body.len >= 2 && all->body.len <= UINT32_MAX &&
	       all->body.data[0] == '[' &&
	       json_read(&all->canon, &value, all->body.data, all->body.len) == 0 &&
	       all->canon.len == all->body.len &&
	       memcmp(all->canon.data, all->body.data, all->body.len) == 0;
}

static int add_body(const struct snapshot_change *change, void *payload)
{
	struct collection *all = payload;
	const struct response *row;
	uint8_t blob[OBJECT_ID];
	int rc;

	buf_clear(&all->path);
	row = response_from_snapshot(&all->path, change->path);
	if (!row || row->kind != QUERY_TAG_IMAGES ||
	    strcmp(change->new_blob.hex, all->empty) == 0) {
		return 0;
	}
	buf_clear(&all->body);
	rc = snapshot_read_blob(all->repo, &change->new_blob, &all->body, all->err);
	if (rc) {
		return rc;
	}
	if (!is_canonical_array(all)) {
		return bad_body(all, change->path);
	}
	if (all->body.len == 2) {
		memcpy(all->empty, change->new_blob.hex, sizeof(all->empty));
		return 0;
	}
	object_unhex(blob, change->new_blob.hex);
	buf_add(&all->blobs, blob, sizeof(blob));
	json_elements(&all->array, all->body.data, all->body.len);
	for (size_t i = 0; !rc && i < all->array.count; i++) {
		rc = add_element(all, all->array.member[i].value, change->path);
	}
	return rc;
}

static int compare(const void *left, const void *right, void *payload)
{
	const struct collection *all = payload;
	const struct element *a = left, *b = right;
	int order = stamp_compare(&a->created, &b->created);

	if (!order) {
		order = strcmp(all->ids.data + a->id, all->ids.data + b->id);
	}
	if (!order) {
		order = a->blob < b->blob ? -1 : a->blob > b->blob;
	}
	return order ? order : (a->off < b->off ? -1 : a->off > b->off);
}

static int give_elements(struct collection *all, collection_sink *sink, void *payload)
{
	struct buf out = {0};
	uint32_t last = UINT32_MAX;
	int rc = 0;

	buf_addch(&out, '[');
	for (size_t i = 0; i < all->count; i++) {
		const struct element *element = &all->element[i];
		struct snapshot_id blob;

		if (element->blob != last) {
			object_hex(blob.hex, (const uint8_t *)all->blobs.data +
						     (size_t)element->blob * OBJECT_ID);
			buf_clear(&all->body);
			rc = snapshot_read_blob(all->repo, &blob, &all->body, all->err);
			if (rc) {
				break;
			}
			last = element->blob;
		}
		if (i) {
			buf_addch(&out, ',');
		}
		buf_add(&out, all->body.data + element->off, element->len);
		if (out.len >= CHUNK) {
			sink(out.data, out.len, payload);
			buf_clear(&out);
		}
	}
	buf_addch(&out, ']');
	sink(out.data, out.len, payload);
	buf_release(&out);
	return rc;
}

int collection_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		    collection_sink *sink, void *payload, struct err *err)
{
	struct collection all = {.repo = repo, .err = err};
	int rc = snapshot_diff(repo, NULL, tree, add_body, &all, err);

	if (!rc && all.count) {
		qsort_r(all.element, all.count, sizeof(*all.element), compare, &all);
	}
	if (!rc) {
		rc = give_elements(&all, sink, payload);
	}
	free(all.element);
	buf_release(&all.ids);
	buf_release(&all.blobs);
	json_object_release(&all.array);
	json_object_release(&all.object);
	buf_release(&all.path);
	buf_release(&all.body);
	buf_release(&all.canon);
	return rc;
}

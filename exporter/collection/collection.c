/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/collection/collection.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/stamp.h"
#include "exporter/body/body.h"
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
	struct buf path;
	struct body body;
};

/* Notes the record `n` of the last body. */
static int add_element(struct collection *all, size_t n, const char *path)
{
	struct body *body = &all->body;
	struct body_text text = body_element(body, n), id, created;
	struct element *element;

	if (!body_record(body, n, &id)) {
		return body_fault(path, body->problem, all->err);
	}
	if (all->count == all->cap) {
		all->cap += all->cap / 2 + 1024;
		all->element =
			xreallocarray(all->element, all->cap, sizeof(*all->element));
	}
	element = &all->element[all->count++];
	*element = (struct element){
		.id = (uint32_t)all->ids.len,
		.blob = (uint32_t)(all->blobs.len / OBJECT_ID - 1),
		.off = (uint32_t)(text.data - body->bytes.data),
		.len = (uint32_t)text.len,
	};
	buf_add(&all->ids, id.data, id.len);
	buf_addch(&all->ids, '\0');
	if (all->ids.len > UINT32_MAX || all->count > UINT32_MAX) {
		return err_set(all->err, ERR_FAIL, "too many tag images for one file");
	}
	/* `null` counts as absent (albumen(7)). */
	created = body_string(&body->record, "created_at");
	if (created.data &&
	    stamp_read(&element->created, created.data + 1, created.len - 2) < 0) {
		return body_fault(path, "created_at is not a date-time", all->err);
	}
	return 0;
}

static int add_body(const struct snapshot_change *change, void *payload)
{
	struct collection *all = payload;
	struct body *body = &all->body;
	const struct response *row;
	uint8_t blob[OBJECT_ID];
	int rc;

	buf_clear(&all->path);
	row = response_from_snapshot(&all->path, change->path);
	object_unhex(blob, change->new_blob.hex);
	if (!row || row->kind != QUERY_TAG_IMAGES || body_is_empty(blob)) {
		return 0;
	}
	buf_clear(&body->bytes);
	rc = snapshot_read_blob(all->repo, &change->new_blob, &body->bytes, all->err);
	if (rc) {
		return rc;
	}
	if (!body_parse(body, QUERY_TAG_IMAGES)) {
		return body_fault(change->path, body->problem, all->err);
	}
	if (body->bytes.len > UINT32_MAX) {
		return err_set(all->err, ERR_FAIL, "'%s' is too large", change->path);
	}
	buf_add(&all->blobs, blob, sizeof(blob));
	for (size_t i = 0; !rc && i < body->count; i++) {
		rc = add_element(all, i, change->path);
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
			buf_clear(&all->body.bytes);
			rc = snapshot_read_blob(all->repo, &blob, &all->body.bytes,
						all->err);
			if (rc) {
				break;
			}
			last = element->blob;
		}
		if (i) {
			buf_addch(&out, ',');
		}
		buf_add(&out, all->body.bytes.data + element->off, element->len);
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
	buf_release(&all.path);
	body_release(&all.body);
	return rc;
}

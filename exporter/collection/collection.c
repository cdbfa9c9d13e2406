/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/collection/collection.h"

#include <stdbool.h>
#include <string.h>

#include "data/format/stamp.h"
#include "exporter/body/body.h"
#include "exporter/collection/sort.h"

#define CHUNK (256u << 10)

struct collection {
	struct snapshot_repo *repo;
	const struct response *row;
	struct err *err;
	struct sort *sort;
	char empty[SNAPSHOT_HEX + 1]; /* the blob of `[]`, once it has been seen */
	struct body body;
	struct buf key;
};

/* Adds the record that the body has open. */
static int add_record(struct collection *all, const struct body_text *id,
		      const char *path)
{
	const struct body_object *record = &all->body.record;
	struct body_text created = body_string(record, "created_at");
	struct stamp stamp = {0}; /* `null` counts as absent (albumen(7)) */

	if (created.data && stamp_read(&stamp, created.data + 1, created.len - 2) < 0) {
		return body_fault(path, "created_at is not a date-time", all->err);
	}
	buf_clear(&all->key);
	buf_add(&all->key, stamp.bytes, sizeof(stamp.bytes));
	buf_add(&all->key, id->data, id->len);
	sort_add(all->sort, all->key.data, all->key.len, record->text.data,
		 record->text.len);
	return 0;
}

/* Adds the tag images of an image. */
static int add_tag_images(struct collection *all, const char *path)
{
	struct body_text id;
	int rc = 0;

	for (size_t i = 0; !rc && i < all->body.count; i++) {
		rc = body_record(&all->body, i, &id)
			     ? add_record(all, &id, path)
			     : body_fault(path, all->body.problem, all->err);
	}
	return rc;
}

static int add_tag(struct collection *all, const char *path)
{
	struct body_text id;
	uint64_t tag_images;

	return body_tag(&all->body, &tag_images) && body_id(&all->body.record, &id)
		       ? add_record(all, &id, path)
		       : body_fault(path, all->body.problem, all->err);
}

static int add_file(const struct snapshot_change *change, void *payload)
{
	struct collection *all = payload;
	struct body *body = &all->body;
	struct layout_text name;
	const struct response *file = response_parse(change->path, &name);
	int rc;

	if (!file || !(all->row->stale_by & 1u << file->kind) ||
	    strcmp(change->new_blob.hex, all->empty) == 0) {
		return 0;
	}
	buf_clear(&body->bytes);
	rc = snapshot_read_blob(all->repo, &change->new_blob, &body->bytes, all->err);
	if (rc) {
		return rc;
	}
	if (!body_parse(body, file->kind)) {
		return body_fault(change->path, body->problem, all->err);
	}
	if (file->kind == QUERY_TAG_IMAGES && !body->count) {
		memcpy(all->empty, change->new_blob.hex, sizeof(all->empty));
	}
	return file->kind == QUERY_TAG ? add_tag(all, change->path)
				       : add_tag_images(all, change->path);
}

static int give_files(struct collection *all, const struct collection_sink *sink)
{
	struct record_id id = {0};
	struct sort_item item;
	struct buf out = {0};
	int rc = sink->begin(&id, sink->payload, all->err);

	buf_addch(&out, '[');
	for (bool first = true; !rc && (rc = sort_next(all->sort, &item, all->err)) == 0;
	     first = false) {
		if (!first) {
			buf_addch(&out, ',');
		}
		buf_add(&out, item.text, item.len);
		if (out.len >= CHUNK) {
			rc = sink->write(out.data, out.len, sink->payload, all->err);
			buf_clear(&out);
		}
	}
	if (rc == ERR_NOTFOUND) {
		buf_addch(&out, ']');
		rc = sink->write(out.data, out.len, sink->payload, all->err);
	}
	if (!rc) {
		rc = sink->end(sink->payload, all->err);
	}
	buf_release(&out);
	return rc;
}

int collection_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		    const struct response *row, const char *folder,
		    const struct collection_sink *sink, struct err *err)
{
	struct collection all = {
		.repo = repo,
		.row = row,
		.err = err,
		.sort = sort_new(folder),
	};
	int rc = snapshot_diff(repo, NULL, tree, add_file, &all, err);

	if (!rc) {
		rc = give_files(&all, sink);
	}
	sort_free(all.sort);
	body_release(&all.body);
	buf_release(&all.key);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/collection/collection.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/record.h"
#include "data/format/stamp.h"
#include "exporter/body/body.h"
#include "exporter/collection/sort.h"

#define CHUNK (256u << 10)

/* How many tag images of each tag were added. Used only if some are oversize. */
struct tally {
	struct buf ids; /* each with a NUL behind it */
	struct {
		size_t id; /* offset in ids */
		uint64_t count;
	} * tag;
	size_t tags, cap;
	struct hash table;
};

/* The count of the tag, from 0 on; borrowed until the next call. */
static uint64_t *tally_of(struct tally *tally, const struct body_text *id)
{
	uint32_t hash = hash_bytes(id->data, id->len, 0), n;
	size_t at = 0;

	while ((n = hash_next(&tally->table, hash, &at))) {
		const char *known = tally->ids.data + tally->tag[n - 1].id;

		if (strlen(known) == id->len && memcmp(known, id->data, id->len) == 0) {
			break;
		}
	}
	if (!n) {
		tally->tag =
			xgrow(tally->tag, tally->tags, &tally->cap, sizeof(*tally->tag));
		tally->tag[tally->tags].id = tally->ids.len;
		tally->tag[tally->tags++].count = 0;
		buf_add(&tally->ids, id->data, id->len);
		buf_addch(&tally->ids, '\0');
		n = (uint32_t)tally->tags;
		hash_add(&tally->table, hash, n);
	}
	return &tally->tag[n - 1].count;
}

static void tally_release(struct tally *tally)
{
	buf_release(&tally->ids);
	free(tally->tag);
	hash_release(&tally->table);
}

struct collection {
	struct snapshot_repo *repo;
	unsigned rows;  /* a set of 1 << place in the table: those that are wanted */
	unsigned kinds; /* a set of 1 << kind: files that they are made of */
	const struct response *row; /* what is added is for this one */
	struct err *err;
	struct sort *sort;
	unsigned oversize; /* a set of 1 << kind: kinds of which files are missing */
	struct tally tally;
	char empty[SNAPSHOT_HEX + 1]; /* the blob of `[]`, once it has been seen */
	struct body body;
	struct body_object tag; /* of a tag image */
	struct buf key;
};

/*
 * The key of an item is its row's place in the table, as a byte, and what the records are
 * ordered by: created_at and id. Where the row has a file for each tag, the tag's id and a
 * NUL (no id has one) stand between; and each tag adds an item that ends there, and has no
 * text: it comes first, and begins the file, which is `[]` if no more follow. Its text is
 * INCOMPLETE if the tag has more tag images than the files do: the tag's own file says how
 * many, and comes after all of them in a tree.
 */
#define INCOMPLETE "?"

static void begin_key(struct collection *all)
{
	buf_clear(&all->key);
	buf_addch(&all->key, (char)(all->row - response_table));
}

static int add_tag_to_key(struct collection *all, const struct body_text *tag,
			  const char *path)
{
	/* A file gets the id's name, and the repository may come from anywhere. */
	if (record_id_fault(tag->data, tag->len)) {
		return body_fault(path, "a tag's id is not one", all->err);
	}
	buf_add(&all->key, tag->data, tag->len);
	buf_addch(&all->key, '\0');
	return 0;
}

/* Adds the tag of the tag image that the body has open. */
static int add_own_tag_to_key(struct collection *all, const char *path)
{
	struct body_text tag = body_member(&all->body.record, "tag"), id;

	if (!body_object(&all->tag, &tag) || !body_id(&all->tag, &id)) {
		return body_fault(path, "a tag image without a tag", all->err);
	}
	if (all->oversize) {
		(*tally_of(&all->tally, &id))++;
	}
	return add_tag_to_key(all, &id, path);
}

/*
 * So far all rows are made of tags (add_tag) and of tag images (add_tag_images): a row that
 * is stale_by another kind of file needs another branch in add_file.
 */

/* Adds the record that the body has open. */
static int add_record(struct collection *all, const struct body_text *id,
		      const char *path)
{
	const struct body_object *record = &all->body.record;
	struct body_text created = body_string(record, "created_at");
	struct stamp stamp = {0}; /* `null` counts as absent (albumen(7)) */
	int rc = 0;

	if (created.data && stamp_read(&stamp, created.data + 1, created.len - 2) < 0) {
		return body_fault(path, "created_at is not a date-time", all->err);
	}
	begin_key(all);
	if (response_is_many(all->row)) {
		rc = add_own_tag_to_key(all, path);
	}
	if (!rc) {
		buf_add(&all->key, stamp.bytes, sizeof(stamp.bytes));
		buf_add(&all->key, id->data, id->len);
		sort_add(all->sort, all->key.data, all->key.len, record->text.data,
			 record->text.len);
	}
	return rc;
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
	int rc;

	if (!body_tag(&all->body, &tag_images)) {
		return body_fault(path, all->body.problem, all->err);
	}
	if (!body_id(&all->body.record, &id)) {
		return body_fault(path, "a tag without an id", all->err);
	}
	if (!response_is_many(all->row)) {
		return add_record(all, &id, path);
	}
	begin_key(all);
	rc = add_tag_to_key(all, &id, path);
	if (!rc) {
		bool whole = !all->oversize || *tally_of(&all->tally, &id) >= tag_images;
		const char *text = whole ? "" : INCOMPLETE;

		sort_add(all->sort, all->key.data, all->key.len, text, strlen(text));
	}
	return rc;
}

static int add_file(const struct snapshot_change *change, void *payload)
{
	struct collection *all = payload;
	struct body *body = &all->body;
	struct layout_text name;
	const struct response *file = response_parse(change->path, &name);
	int rc;

	if (!file || !(all->kinds & 1u << file->kind) ||
	    strcmp(change->new_blob.hex, all->empty) == 0) {
		return 0;
	}
	buf_empty(&body->bytes);
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
	for (size_t i = 0; !rc && i < response_count; i++) {
		all->row = &response_table[i];
		if (all->rows & 1u << i && all->row->stale_by & 1u << file->kind) {
			rc = file->kind == QUERY_TAG ? add_tag(all, change->path)
						     : add_tag_images(all, change->path);
		}
	}
	return rc;
}

/* The file that is being given. */
struct file {
	struct collection *all;
	const struct collection_sink *sink;
	const struct response *row;
	struct record_id id; /* of the tag, where each has a file */
	bool begun, filled;
	bool whole;
	struct buf out;
};

static int end_file(struct file *file)
{
	const struct collection_sink *sink = file->sink;
	int rc;

	if (!file->begun || !file->whole) {
		return 0;
	}
	file->begun = false;
	buf_addch(&file->out, ']');
	rc = sink->write(file->out.data, file->out.len, sink->payload, file->all->err);
	return rc ? rc : sink->end(sink->payload, file->all->err);
}

static int begin_file(struct file *file, const char *id, size_t len, bool whole)
{
	int rc = end_file(file);

	file->begun = true;
	file->filled = false;
	file->whole = whole;
	file->id = (struct record_id){.len = (unsigned char)len};
	memcpy(file->id.bytes, id, len);
	buf_clear(&file->out);
	buf_addch(&file->out, '[');
	return rc ? rc
		  : file->sink->begin(file->row, &file->id, whole, file->sink->payload,
				      file->all->err);
}

static int give_item(struct file *file, const struct sort_item *item)
{
	const char *id = item->key + 1;
	size_t id_len = response_is_many(file->row) ? strlen(id) : 0;
	int rc = 0;

	/* Where the row has a file for each tag, the first item of a tag begins it. */
	if (!file->begun || id_len != file->id.len ||
	    memcmp(id, file->id.bytes, id_len) != 0) {
		return begin_file(file, id, id_len, !item->len);
	}
	if (!file->whole) {
		return 0;
	}
	if (file->filled) {
		buf_addch(&file->out, ',');
	}
	file->filled = true;
	buf_add(&file->out, item->text, item->len);
	if (file->out.len >= CHUNK) {
		rc = file->sink->write(file->out.data, file->out.len, file->sink->payload,
				       file->all->err);
		buf_clear(&file->out);
	}
	return rc;
}

/* Moves on to the next item of all rows. */
static int next_item(struct file *file, struct sort_item *item, bool *more)
{
	int rc = sort_next(file->all->sort, item, file->all->err);

	*more = !rc;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Gives the files of one row. If there are *more, *item is the next item. */
static int give_row(struct file *file, struct sort_item *item, bool *more)
{
	size_t place = (size_t)(file->row - response_table);
	/* The only file is there even if nothing is in it. */
	bool whole = !(file->all->oversize & file->row->stale_by);
	int rc = response_is_many(file->row) ? 0 : begin_file(file, "", 0, whole);

	while (!rc && *more && (unsigned char)*item->key == place) {
		rc = give_item(file, item);
		rc = rc ? rc : next_item(file, item, more);
	}
	return rc ? rc : end_file(file);
}

static int give_rows(struct collection *all, const struct collection_sink *sink)
{
	struct file file = {.all = all, .sink = sink};
	struct sort_item item;
	bool more;
	int rc = next_item(&file, &item, &more);

	for (size_t i = 0; !rc && i < response_count; i++) {
		file.row = &response_table[i];
		if (all->rows & 1u << i) {
			rc = give_row(&file, &item, &more);
		}
	}
	buf_release(&file.out);
	return rc;
}

int collection_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		    const struct oversize *oversize, const char *folder,
		    const struct collection_sink *sink, struct err *err)
{
	struct collection all = {.repo = repo, .err = err};
	struct layout_text name;
	const char *path;
	size_t at = 0;
	int rc;

	while (oversize && (path = oversize_next(oversize, &at))) {
		const struct response *row = response_parse(path, &name);

		all.oversize |= row ? 1u << row->kind : 0;
	}

	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];

		if (row->collected && sink->wants(row, sink->payload)) {
			all.rows |= 1u << i;
			all.kinds |= row->stale_by;
		}
	}
	if (!all.rows) {
		return 0;
	}
	all.sort = sort_new(folder);
	rc = snapshot_diff(repo, response_walk_fault, NULL, tree, NULL, add_file, &all,
			   err);
	rc = rc ? rc : give_rows(&all, sink);
	sort_free(all.sort);
	tally_release(&all.tally);
	body_release(&all.body);
	body_object_release(&all.tag);
	buf_release(&all.key);
	return rc;
}

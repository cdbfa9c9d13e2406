/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_tree.h"

#include <stdbool.h>
#include <string.h>

#include "data/base/hex.h"
#include "data/format/name.h"
#include "data/format/record.h"
#include "exporter/git/tree/tree.h"
#include "exporter/snapshot/response.h"

struct walk {
	struct verify_store *store;
	struct verify_report *report;
	verify_tree_fn *each;
	void *payload;
	struct buf path; /* of the folder, with a slash at its end; then of an entry */
	struct buf id, own_path;
	bool tags; /* of the root only the folder of the tags is walked, or only the rest */
};

/* One tree of the two: its entries that belong, one after the other. */
struct side {
	struct buf body;
	struct tree_cursor cursor;
	struct tree_entry entry;
	bool there;                 /* there is an entry */
	const struct response *row; /* NULL: the entry is a folder */
	bool tell;                  /* what is wrong is reported */
};

/* --- one entry --- */

/* Whether the path is a row's, and walk->id is an id then. */
static bool is_file(struct walk *walk, const struct response **row)
{
	struct layout_text name;

	buf_clear(&walk->id);
	*row = response_parse(walk->path.data, &name);
	return *row && name_to_id(&walk->id, name.at, name.len) == 0 &&
	       !record_id_fault(walk->id.data, walk->id.len);
}

/* Whether the entry belongs where the walk is. *row is NULL if it is a folder. */
static bool find_row(const struct response **row, struct walk *walk,
		     const struct tree_entry *entry)
{
	const char *mode = entry->is_tree ? "40000" : "100644";
	size_t base = walk->path.len;
	bool belongs;

	*row = NULL;
	if (entry->mode_len != strlen(mode) ||
	    memcmp(entry->mode, mode, entry->mode_len) != 0) {
		return false;
	}
	buf_add(&walk->path, entry->name, entry->name_len);
	belongs =
		entry->is_tree ? response_is_folder(walk->path.data) : is_file(walk, row);
	buf_setlen(&walk->path, base);
	return belongs;
}

/* Tells what is wrong with the entry `name` of the folder that the walk is in. */
static void fail_entry(struct walk *walk, const char *name, const char *problem)
{
	size_t base = walk->path.len;

	buf_addstr(&walk->path, name);
	verify_report_fail(walk->report, walk->path.data, "%s", problem);
	buf_setlen(&walk->path, base);
}

/* Goes on to the next entry that belongs. */
static void side_next(struct side *side, struct walk *walk)
{
	struct tree_entry before = side->entry;

	side->there = false;
	while (!side->there && tree_next(&side->cursor, &side->entry)) {
		const struct tree_entry *entry = &side->entry;

		if (before.name &&
		    (tree_compare(before.name, before.name_len, before.is_tree,
				  entry->name, entry->name_len, entry->is_tree) >= 0 ||
		     strcmp(before.name, entry->name) == 0)) {
			side->cursor.at = side->cursor.end;
			if (side->tell) {
				fail_entry(walk, entry->name,
					   "the entry is out of order, or stands twice");
			}
			return;
		}
		side->there = find_row(&side->row, walk, entry);
		if (!side->there && side->tell) {
			fail_entry(walk, entry->name,
				   "the entry does not belong into a snapshot");
		}
		before = *entry;
	}
	if (!side->there && side->cursor.broken && side->tell) {
		verify_report_fail(walk->report, walk->path.len ? walk->path.data : "",
				   "the tree is no tree");
	}
}

static void side_start(struct side *side, struct walk *walk, const uint8_t *id)
{
	char hex[OBJECT_HEX + 1];
	enum object_type type;
	int rc;

	if (!id) {
		return;
	}
	rc = verify_store_read(&side->body, &type, walk->store, id);
	if (side->tell && (rc || type != OBJECT_TREE)) {
		object_hex(hex, id);
		verify_report_fail(walk->report, walk->path.len ? walk->path.data : "",
				   "tree %s is %s", hex,
				   rc == ERR_NOTFOUND ? "missing"
				   : rc               ? "damaged"
						      : "no tree");
	}
	if (rc || type != OBJECT_TREE) {
		return;
	}
	if (side->tell && !side->body.len && walk->path.len) {
		verify_report_fail(walk->report, walk->path.data,
				   "a folder without files");
	}
	side->cursor = (struct tree_cursor){.at = side->body.data,
					    .end = side->body.data + side->body.len};
	side_next(side, walk);
}

/* --- two trees --- */

static void walk_folder(struct walk *walk, const uint8_t *from, const uint8_t *to);

/* A file that differs; its path is the walk's. */
static void give_file(struct walk *walk, const struct response *row, const uint8_t *from,
		      const uint8_t *to)
{
	struct verify_tree_change change = {
		.kind = row->kind, .old_blob = from, .new_blob = to};

	is_file(walk, &row);
	if (to && !from) {
		buf_clear(&walk->own_path);
		response_snapshot_path(&walk->own_path, row, walk->id.data, walk->id.len);
		if (strcmp(walk->own_path.data, walk->path.data) != 0) {
			verify_report_fail(walk->report, walk->path.data,
					   "the file lies in the wrong shard");
		}
	}
	change.path = walk->path.data;
	change.id = walk->id.data;
	change.id_len = walk->id.len;
	walk->each(&change, walk->payload);
}

/* An entry that differs. */
static void walk_entry(struct walk *walk, const struct side *side, const uint8_t *from,
		       const uint8_t *to)
{
	const struct tree_entry *entry = &side->entry;
	size_t base = walk->path.len;

	if (!base && layout_is_folder(response_of(QUERY_TAG)->path, LAYOUT_SNAPSHOT,
				      entry->name) != walk->tags) {
		return;
	}
	buf_add(&walk->path, entry->name, entry->name_len);
	if (side->row) {
		give_file(walk, side->row, from, to);
	} else {
		buf_addch(&walk->path, '/');
		walk_folder(walk, from, to);
	}
	buf_setlen(&walk->path, base);
}

static void walk_folder(struct walk *walk, const uint8_t *from, const uint8_t *to)
{
	struct side old = {0}, new = {0};

	/* The root is walked twice, and what is wrong with it reported once. */
	new.tell = walk->path.len || walk->tags;
	side_start(&old, walk, from);
	side_start(&new, walk, to);
	while (old.there || new.there) {
		int order = !old.there ? 1
			    : !new.there
				    ? -1
				    : tree_compare(old.entry.name, old.entry.name_len,
						   old.entry.is_tree, new.entry.name,
						   new.entry.name_len, new.entry.is_tree);

		if (order || memcmp(old.entry.id, new.entry.id, OBJECT_ID) != 0) {
			walk_entry(walk, order <= 0 ? &old : &new,
				   order <= 0 ? old.entry.id : NULL,
				   order >= 0 ? new.entry.id : NULL);
		}
		if (order <= 0) {
			side_next(&old, walk);
		}
		if (order >= 0) {
			side_next(&new, walk);
		}
	}
	buf_release(&old.body);
	buf_release(&new.body);
}

void verify_tree_walk(struct verify_store *store, struct verify_report *report,
		      const uint8_t *from, const uint8_t to[OBJECT_ID],
		      verify_tree_fn *each, void *payload)
{
	struct walk walk = {
		.store = store, .report = report, .each = each, .payload = payload};

	if (from && memcmp(from, to, OBJECT_ID) == 0) {
		return;
	}
	walk.tags = true;
	walk_folder(&walk, from, to);
	walk.tags = false;
	walk_folder(&walk, from, to);
	buf_release(&walk.path);
	buf_release(&walk.id);
	buf_release(&walk.own_path);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_tree.h"

#include <stdbool.h>
#include <string.h>

#include "data/format/name.h"
#include "exporter/git/tree/tree.h"
#include "exporter/snapshot/response.h"

struct walk {
	struct verify_store *store;
	struct verify_report *report;
	verify_tree_fn *each;
	void *payload;
	struct buf path; /* of the folder, with a '/' at its end; "" for the root */
	struct buf id;   /* that the file found last is about */
	bool tags;       /* of the root only the tags' folder is walked, or all others */
};

/* One of the two trees of a folder: its entries that belong, one after the other. */
struct side {
	struct buf body;
	struct tree_cursor cursor;
	struct tree_entry entry;
	bool ended;
	bool report; /* what is wrong */
};

/* --- one entry --- */

/* What is wrong with an entry of the folder; NULL: nothing. */
static const char *find_fault(struct walk *walk, const struct tree_entry *entry)
{
	const char *mode = entry->is_tree ? "40000" : "100644";
	size_t base = walk->path.len;
	const char *fault;

	if (entry->mode_len != strlen(mode) ||
	    memcmp(entry->mode, mode, entry->mode_len) != 0 ||
	    memchr(entry->name, '/', entry->name_len)) {
		return "does not belong in a snapshot";
	}
	buf_add(&walk->path, entry->name, entry->name_len);
	fault = response_fault(walk->path.data, entry->is_tree);
	buf_setlen(&walk->path, base);
	return fault;
}

/* Reports what is wrong with an entry of the folder ("": with the folder). */
static void fail(struct walk *walk, const char *name, const char *problem)
{
	size_t base = walk->path.len;

	buf_addstr(&walk->path, name);
	verify_report_fail(walk->report, walk->path.data, "%s %s",
			   *name ? "the entry" : "the folder", problem);
	buf_setlen(&walk->path, base);
}

static int compare(const struct tree_entry *a, const struct tree_entry *b)
{
	return tree_compare(a->name, a->name_len, a->is_tree, b->name, b->name_len,
			    b->is_tree);
}

/* Goes on to the next entry that belongs. */
static void side_next(struct side *side, struct walk *walk)
{
	struct tree_entry before = side->entry;
	const char *fault;

	while (!verify_report_is_full(walk->report) &&
	       tree_next(&side->cursor, &side->entry)) {
		const struct tree_entry *entry = &side->entry;

		if (before.name && (compare(&before, entry) >= 0 ||
				    strcmp(before.name, entry->name) == 0)) {
			side->ended = true;
			if (side->report) {
				fail(walk, entry->name,
				     "is out of order, or stands twice");
			}
			return;
		}
		fault = find_fault(walk, entry);
		if (!fault) {
			return;
		}
		if (side->report) {
			fail(walk, entry->name, fault);
		}
		before = *entry;
	}
	side->ended = true;
	if (side->cursor.broken && side->report) {
		fail(walk, "", "has a damaged tree");
	}
}

static void side_start(struct side *side, struct walk *walk, const uint8_t *id)
{
	char hex[OBJECT_HEX + 1];
	enum object_type type;
	int rc;

	side->ended = true;
	if (!id) {
		return;
	}
	rc = verify_store_read(&side->body, &type, walk->store, id);
	if (rc || type != OBJECT_TREE) {
		object_hex(hex, id);
		if (side->report) {
			verify_report_fail(walk->report, walk->path.data, "tree %s is %s",
					   hex,
					   rc == ERR_NOTFOUND ? "missing"
					   : rc               ? "damaged"
							      : "no tree");
		}
		return;
	}
	if (side->report && !side->body.len && walk->path.len) {
		fail(walk, "", "is empty");
	}
	side->ended = false;
	side->cursor = (struct tree_cursor){.at = side->body.data,
					    .end = side->body.data + side->body.len};
	side_next(side, walk);
}

/* --- two trees --- */

/* Whether the entry of the root is the folder that tags lie in. */
static bool is_tags(const struct tree_entry *entry)
{
	const char *path = response_of(QUERY_TAG)->path;

	return strncmp(path, entry->name, entry->name_len) == 0 &&
	       path[entry->name_len] == '/';
}

/* A file that differs. */
static void walk_file(struct walk *walk, const uint8_t *from, const uint8_t *to)
{
	struct verify_tree_change change = {
		.path = walk->path.data, .old_blob = from, .new_blob = to};
	struct layout_text name;

	/* find_fault has found no fault with either. */
	change.kind = response_parse(walk->path.data, &name)->kind;
	buf_clear(&walk->id);
	name_to_id(&walk->id, name.at, name.len);
	change.id = walk->id.data;
	change.id_len = walk->id.len;
	walk->each(&change, walk->payload);
}

static void walk_folder(struct walk *walk, const uint8_t *from, const uint8_t *to);

/* An entry that differs. */
static void walk_entry(struct walk *walk, const struct tree_entry *entry,
		       const uint8_t *from, const uint8_t *to)
{
	size_t base = walk->path.len;

	if (!base && is_tags(entry) != walk->tags) {
		return;
	}
	buf_add(&walk->path, entry->name, entry->name_len);
	if (entry->is_tree) {
		buf_addch(&walk->path, '/');
		walk_folder(walk, from, to);
	} else {
		walk_file(walk, from, to);
	}
	buf_setlen(&walk->path, base);
}

static void walk_folder(struct walk *walk, const uint8_t *from, const uint8_t *to)
{
	struct side old = {0}, new = {0};

	/* The root is walked twice, and reported once. */
	new.report = walk->path.len || walk->tags;
	side_start(&old, walk, from);
	side_start(&new, walk, to);
	while (!old.ended || !new.ended) {
		int order = old.ended   ? 1
			    : new.ended ? -1
					: compare(&old.entry, &new.entry);

		if (order || memcmp(old.entry.id, new.entry.id, OBJECT_ID) != 0) {
			walk_entry(walk, order <= 0 ? &old.entry : &new.entry,
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
	buf_addstr(&walk.path, "");
	walk.tags = true;
	walk_folder(&walk, from, to);
	walk.tags = false;
	walk_folder(&walk, from, to);
	buf_release(&walk.path);
	buf_release(&walk.id);
}

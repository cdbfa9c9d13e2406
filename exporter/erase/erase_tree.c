/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_tree.h"

#include <string.h>

/* The three trees, by these numbers. */
enum { BEFORE, NOW, NEW_BEFORE, SIDES };

struct make {
	const struct edits *edits;
	const struct tree_store *store;
	struct erase_tree_counts *counts;
	struct buf path; /* of the folder, with a slash behind it, or "" */
};

/* The edits of a folder: [from, to), which agree before `off`. */
struct span {
	size_t from, to, off;
};

struct side {
	struct buf body;
	struct tree_cursor cursor;
	struct tree_entry entry;
	bool has;
};

static bool same(const uint8_t *a, const uint8_t *b)
{
	return a == b || (a && b && memcmp(a, b, OBJECT_ID) == 0);
}

static int make_tree(struct make *make, struct span span, const uint8_t *const id[SIDES],
		     unsigned depth, uint8_t made[OBJECT_ID], bool *empty,
		     struct err *err);

/* What comes next in a folder: of the three trees and the edits, the first name. */
struct next {
	const char *name;
	size_t len;
	bool is_tree;
	const struct tree_entry *entry[SIDES]; /* NULL: it is not in that tree */
	struct span edits;                     /* below it, or of it */
};

/* Takes the name if it comes before all others so far, or is the same. */
static bool take(struct next *next, const char *name, size_t len, bool is_tree)
{
	int order = next->name ? tree_compare(name, len, is_tree, next->name, next->len,
					      next->is_tree)
			       : -1;

	if (order < 0) {
		*next = (struct next){.name = name, .len = len, .is_tree = is_tree};
	}
	return order <= 0;
}

static void take_edits(struct next *next, const struct make *make, struct span *span)
{
	const char *name = edits_path(make->edits, span->from) + span->off;
	size_t len = strcspn(name, "/");
	bool is_tree = name[len] == '/';
	size_t to = span->from + 1;

	if (!take(next, name, len, is_tree)) {
		return;
	}
	while (is_tree && to < span->to &&
	       strncmp(edits_path(make->edits, to) + span->off, name, len + 1) == 0) {
		to++;
	}
	next->edits = (struct span){span->from, to, span->off + len + 1};
}

static bool find_next(struct next *next, const struct make *make, struct side *side,
		      struct span *span)
{
	*next = (struct next){0};
	for (unsigned i = 0; i < SIDES; i++) {
		const struct tree_entry *e = &side[i].entry;

		if (side[i].has && take(next, e->name, e->name_len, e->is_tree)) {
			next->entry[i] = e;
		}
	}
	if (span->from < span->to) {
		take_edits(next, make, span);
	}
	return next->name != NULL;
}

static void pass(const struct next *next, struct side *side, struct span *span)
{
	if (next->edits.to) {
		span->from = next->edits.to;
	}
	for (unsigned i = 0; i < SIDES; i++) {
		if (next->entry[i]) {
			side[i].has = tree_next_sorted(&side[i].cursor, &side[i].entry);
		}
	}
}

static void count(struct tree_delta *delta, const uint8_t *from, const uint8_t *to)
{
	delta->added += !from && to;
	delta->removed += from && !to;
	delta->changed += from && to && !same(from, to);
}

static bool is_answer(const struct make *make, const struct next *next)
{
	return strncmp(make->path.data, "api/", 4) == 0 && next->len > 5 &&
	       memcmp(next->name + next->len - 5, ".json", 5) == 0;
}

static void append(struct buf *out, const char *mode, size_t mode_len,
		   const struct next *next, const uint8_t *id)
{
	buf_add(out, mode, mode_len);
	buf_addch(out, ' ');
	buf_add(out, next->name, next->len);
	buf_addch(out, '\0');
	buf_add(out, id, OBJECT_ID);
}

static void make_file(struct make *make, const struct next *next,
		      const uint8_t *const id[SIDES], struct buf *out)
{
	const struct tree_entry *from =
		next->entry[same(id[NOW], id[BEFORE]) ? NEW_BEFORE : NOW];
	const uint8_t *new = from ? from->id : NULL;
	bool edited = next->edits.to != 0;

	if (edited) {
		uint32_t object = make->edits->edit[next->edits.from].object;

		new = object == EDITS_REMOVE
			      ? NULL
			      : make->store->object(object, make->store->payload);
	}
	count(&make->counts->was, id[BEFORE], id[NOW]);
	count(&make->counts->is, id[NEW_BEFORE], new);
	if (!same(new, id[NOW]) &&
	    !(same(id[BEFORE], id[NOW]) && same(id[NEW_BEFORE], new))) {
		make->counts->answers += is_answer(make, next);
	}
	if (new) {
		append(out, edited ? "100644" : from->mode, edited ? 6 : from->mode_len,
		       next, new);
	}
}

static int make_folder(struct make *make, const struct next *next,
		       const uint8_t *const id[SIDES], unsigned depth, struct buf *out,
		       struct err *err)
{
	size_t base = make->path.len;
	uint8_t made[OBJECT_ID];
	bool empty;
	int rc;

	buf_add(&make->path, next->name, next->len);
	buf_addch(&make->path, '/');
	rc = make_tree(make, next->edits, id, depth + 1, made, &empty, err);
	buf_setlen(&make->path, base);
	if (!rc && !empty) {
		append(out, "40000", 5, next, made);
	}
	return rc;
}

static int merge(struct make *make, struct span span, struct side *side, unsigned depth,
		 struct buf *out, struct err *err)
{
	struct next next;
	int rc = 0;

	while (!rc && find_next(&next, make, side, &span)) {
		const uint8_t *id[SIDES];

		for (unsigned i = 0; i < SIDES; i++) {
			id[i] = next.entry[i] ? next.entry[i]->id : NULL;
		}
		if (next.is_tree) {
			rc = make_folder(make, &next, id, depth, out, err);
		} else {
			make_file(make, &next, id, out);
		}
		pass(&next, side, &span);
	}
	return rc;
}

static int make_tree(struct make *make, struct span span, const uint8_t *const id[SIDES],
		     unsigned depth, uint8_t made[OBJECT_ID], bool *empty,
		     struct err *err)
{
	bool kept = same(id[NOW], id[BEFORE]);
	const uint8_t *whole = id[kept ? NEW_BEFORE : NOW];
	struct side side[SIDES] = {0};
	struct buf out = {0};
	int rc = 0;

	*empty = false;
	if (span.from == span.to && (kept || same(id[NEW_BEFORE], id[BEFORE]))) {
		*empty = !whole;
		if (whole) {
			memcpy(made, whole, OBJECT_ID);
		}
		return 0;
	}
	if (depth == EDITS_DEPTH_MAX) {
		return err_set(err, ERR_FAIL, "the tree is deeper than %d folders",
			       EDITS_DEPTH_MAX);
	}
	buf_addstr(&out, "");
	for (unsigned i = 0; !rc && i < SIDES; i++) {
		if (id[i]) {
			rc = tree_read(&side[i].body, &side[i].cursor, make->store, id[i],
				       err);
			if (!rc) {
				side[i].has =
					tree_next_sorted(&side[i].cursor, &side[i].entry);
			}
		}
	}
	rc = rc ? rc : merge(make, span, side, depth, &out, err);
	for (unsigned i = 0; i < SIDES; i++) {
		rc = rc || !id[i] ? rc : tree_end(&side[i].cursor, id[i], err);
		buf_release(&side[i].body);
	}
	*empty = !out.len && depth;
	if (!rc && !*empty) {
		make->store->write(made, out.data, out.len, make->store->payload);
	}
	buf_release(&out);
	return rc;
}

int erase_tree_make(uint8_t made[OBJECT_ID], const struct erase_tree *trees,
		    const struct edits *edits, const struct tree_store *store,
		    struct erase_tree_counts *counts, struct err *err)
{
	const uint8_t *id[SIDES] = {trees->before, trees->now, trees->new_before};
	struct make make = {.edits = edits, .store = store, .counts = counts};
	bool empty;
	int rc;

	buf_addstr(&make.path, "");
	rc = make_tree(&make, (struct span){.to = edits->count}, id, 0, made, &empty,
		       err);
	buf_release(&make.path);
	return rc;
}

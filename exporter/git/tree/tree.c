/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/tree/tree.h"

#include <string.h>

bool tree_next(struct tree_cursor *cursor, struct tree_entry *entry)
{
	size_t left = (size_t)(cursor->end - cursor->at);
	const char *space, *nul;

	if (left == 0 || cursor->broken) {
		return false;
	}
	space = memchr(cursor->at, ' ', left);
	nul = space ? memchr(space, '\0', left - (size_t)(space - cursor->at)) : NULL;
	if (!nul || cursor->end - nul <= OBJECT_ID || nul == space + 1) {
		cursor->broken = true;
		return false;
	}
	entry->mode = cursor->at;
	entry->mode_len = (size_t)(space - cursor->at);
	entry->name = space + 1;
	entry->name_len = (size_t)(nul - entry->name);
	entry->id = (const uint8_t *)nul + 1;
	/* Some old versions of git wrote a leading zero. */
	entry->is_tree = (entry->mode_len == 5 && memcmp(entry->mode, "40000", 5) == 0) ||
			 (entry->mode_len == 6 && memcmp(entry->mode, "040000", 6) == 0);
	cursor->at = nul + 1 + OBJECT_ID;
	return true;
}

bool tree_next_sorted(struct tree_cursor *cursor, struct tree_entry *entry)
{
	struct tree_entry before = *entry;
	bool has = tree_next(cursor, entry);

	if (has && before.name &&
	    tree_compare(before.name, before.name_len, before.is_tree, entry->name,
			 entry->name_len, entry->is_tree) >= 0) {
		cursor->broken = true;
		has = false;
	}
	return has;
}

int tree_compare(const char *a, size_t a_len, bool a_is_tree, const char *b, size_t b_len,
		 bool b_is_tree)
{
	size_t common = a_len < b_len ? a_len : b_len;
	int order = memcmp(a, b, common);
	unsigned char a_next, b_next;

	if (order) {
		return order;
	}
	a_next = a_len > common ? (unsigned char)a[common] : a_is_tree ? '/' : '\0';
	b_next = b_len > common ? (unsigned char)b[common] : b_is_tree ? '/' : '\0';
	return a_next - b_next;
}

int tree_read(struct buf *body, struct tree_cursor *cursor,
	      const struct tree_store *store, const uint8_t id[OBJECT_ID],
	      struct err *err)
{
	int rc;

	buf_clear(body);
	rc = store->read(body, id, store->payload, err);
	*cursor = (struct tree_cursor){.at = body->data, .end = body->data};
	if (!rc) {
		cursor->end += body->len;
	}
	return rc;
}

int tree_end(const struct tree_cursor *cursor, const uint8_t id[OBJECT_ID],
	     struct err *err)
{
	char hex[OBJECT_HEX + 1];

	if (!cursor->broken) {
		return 0;
	}
	object_hex(hex, id);
	return err_set(err, ERR_FAIL, "tree %s is damaged", hex);
}

int tree_find(uint8_t blob[OBJECT_ID], const struct tree_store *store,
	      const uint8_t root[OBJECT_ID], const char *path, struct err *err)
{
	struct buf body = {0};
	uint8_t tree[OBJECT_ID];
	int rc;

	memcpy(tree, root, OBJECT_ID);
	for (;;) {
		size_t len = strcspn(path, "/");
		bool want_tree = path[len] == '/';
		struct tree_cursor cursor;
		struct tree_entry entry;
		bool found = false;

		rc = tree_read(&body, &cursor, store, tree, err);
		while (!rc && !found && tree_next(&cursor, &entry)) {
			found = entry.is_tree == want_tree && entry.name_len == len &&
				memcmp(entry.name, path, len) == 0;
		}
		if (!rc && !found) {
			rc = tree_end(&cursor, tree, err);
			rc = rc ? rc : ERR_NOTFOUND;
		}
		if (rc) {
			break;
		}
		if (!want_tree) {
			memcpy(blob, entry.id, OBJECT_ID);
			break;
		}
		memcpy(tree, entry.id, OBJECT_ID);
		path += len + 1;
	}
	buf_release(&body);
	return rc;
}

struct diff {
	const struct tree_store *store;
	tree_fault_fn *fault;
	const struct tree_paths *only; /* NULL: everything */
	struct buf path;
	unsigned depth;
	tree_diff_fn *each;
	void *payload;
};

static int diff_trees(struct diff *diff, const uint8_t *from, const uint8_t *to,
		      struct err *err);

/* Whether the file diff->path, or the folder if it ends in a slash, is asked for. */
static bool is_wanted(const struct diff *diff)
{
	const char *path = diff->path.data;
	size_t len = diff->path.len;
	size_t low = 0, high;

	if (!diff->only) {
		return true;
	}
	high = diff->only->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(diff->only->path[mid], path) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	if (low < diff->only->count) {
		const char *next = diff->only->path[low];

		/* The path itself, or a folder on the way to it. */
		if (strncmp(next, path, len) == 0 &&
		    (!next[len] || path[len - 1] == '/')) {
			return true;
		}
	}
	if (low > 0) {
		const char *folder = diff->only->path[low - 1];
		size_t folder_len = strlen(folder);

		return folder[folder_len - 1] == '/' &&
		       strncmp(path, folder, folder_len) == 0;
	}
	return false;
}

static int refuse(const struct diff *diff, const char *fault, struct err *err)
{
	return err_set(err, ERR_INPUT, "the snapshot is damaged: '%.256s' %s",
		       diff->path.data, fault);
}

/* What is wrong with the entry, whose path is diff->path; or NULL. */
static const char *find_fault(const struct diff *diff, const struct tree_entry *entry)
{
	return diff->fault ? diff->fault(diff->path.data, entry->is_tree) : NULL;
}

/* Compares the entry `any` of one side or both; an id is NULL on the side without it. */
static int diff_entry(struct diff *diff, const struct tree_entry *any, const uint8_t *old,
		      const uint8_t *new, struct err *err)
{
	size_t base = diff->path.len;
	const char *fault;
	int rc = 0;

	buf_add(&diff->path, any->name, any->name_len);
	fault = find_fault(diff, any);
	if (any->is_tree) {
		buf_addch(&diff->path, '/');
	}
	if (is_wanted(diff)) {
		rc = fault ? refuse(diff, fault, err)
		     : any->is_tree
			     ? diff_trees(diff, old, new, err)
			     : diff->each(diff->path.data, old, new, diff->payload);
	}
	buf_setlen(&diff->path, base);
	return rc;
}

/* One side of a comparison. */
struct side {
	const uint8_t *id;
	struct buf body;
	struct tree_cursor cursor;
	struct tree_entry entry;
	bool has; /* entry is the next one */
};

static int side_start(struct side *side, struct diff *diff, struct err *err)
{
	int rc = 0;

	if (side->id) {
		rc = tree_read(&side->body, &side->cursor, diff->store, side->id, err);
		if (!rc && !side->body.len && diff->fault && diff->path.len) {
			rc = refuse(diff, "is an empty folder", err);
		}
		if (!rc) {
			side->has = tree_next_sorted(&side->cursor, &side->entry);
		}
	}
	return rc;
}

static int diff_sides(struct diff *diff, struct side *old, struct side *new,
		      struct err *err)
{
	int rc = 0;

	while (!rc && (old->has || new->has)) {
		int order =
			!old->has ? 1
			: !new->has
				? -1
				: tree_compare(old->entry.name, old->entry.name_len,
					       old->entry.is_tree, new->entry.name,
					       new->entry.name_len, new->entry.is_tree);

		if (order != 0 || memcmp(old->entry.id, new->entry.id, OBJECT_ID) != 0) {
			rc = diff_entry(diff, order <= 0 ? &old->entry : &new->entry,
					order <= 0 ? old->entry.id : NULL,
					order >= 0 ? new->entry.id : NULL, err);
		}
		if (order <= 0) {
			old->has = tree_next_sorted(&old->cursor, &old->entry);
		}
		if (order >= 0) {
			new->has = tree_next_sorted(&new->cursor, &new->entry);
		}
	}
	return rc;
}

static int diff_trees(struct diff *diff, const uint8_t *from, const uint8_t *to,
		      struct err *err)
{
	struct side old = {.id = from}, new = {.id = to};
	int rc;

	if (++diff->depth > EDITS_DEPTH_MAX) {
		diff->depth--;
		return err_set(err, ERR_FAIL, "the tree is deeper than %d folders",
			       EDITS_DEPTH_MAX);
	}
	rc = side_start(&old, diff, err);
	rc = rc ? rc : side_start(&new, diff, err);
	if (!rc) {
		rc = diff_sides(diff, &old, &new, err);
	}
	rc = rc ? rc : tree_end(&old.cursor, from, err);
	if (!rc) {
		rc = tree_end(&new.cursor, to, err);
	}
	buf_release(&old.body);
	buf_release(&new.body);
	diff->depth--;
	return rc;
}

int tree_diff_paths(const struct tree_store *store, tree_fault_fn *fault,
		    const uint8_t *from, const uint8_t *to,
		    const struct tree_paths *paths, tree_diff_fn *each, void *payload,
		    struct err *err)
{
	struct diff diff = {.store = store,
			    .fault = fault,
			    .only = paths,
			    .each = each,
			    .payload = payload};
	int rc = 0;

	if (!from || !to || memcmp(from, to, OBJECT_ID) != 0) {
		rc = diff_trees(&diff, from, to, err);
	}
	buf_release(&diff.path);
	return rc;
}

int tree_diff(const struct tree_store *store, tree_fault_fn *fault, const uint8_t *from,
	      const uint8_t *to, tree_diff_fn *each, void *payload, struct err *err)
{
	return tree_diff_paths(store, fault, from, to, NULL, each, payload, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/tree/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hash.h"

/*
 * Edits and entries of a tree are sorted in the same way. So a tree is merged with the edits
 * below it in one pass, which builds the tree of a name when it comes to that name: from the
 * leaves up, each tree once, without sorting or looking up. An entry that no edit names is
 * copied.
 */

/* The tree being made at one depth; it is reused for the next tree there. */
struct level {
	struct buf old, made;
	/* Offsets in `made` of the names of files that a later folder may have as well:
	 * between file `x` and folder `x` there are only names that begin with `x`. */
	struct buf files;
};

/* A tree that is removed as a whole. */
struct counted {
	uint8_t id[OBJECT_ID];
	uint64_t files; /* in it, and below; of a bomb, modulo 2^64 */
};

struct merge {
	const struct tree_store *store;
	const struct edits *edits;
	bool fresh;
	struct tree_delta *delta;
	struct counted *counted;
	size_t counted_cap;
	struct hash counts; /* of numbers in `counted`, less 1 */
	struct level level[EDITS_DEPTH_MAX + 1];
	struct buf path; /* of what is removed */
	bool foreign;    /* the old tree has what is not in trees of ours */
};

/* Edits [from, to), which agree on the bytes before `off`. */
struct span {
	size_t from, to, off;
};

/* The next name among the edits of a tree, and the edits below it. */
struct target {
	const char *name;
	size_t len;
	bool is_tree;
	struct span span;
};

static int build(struct merge *merge, size_t depth, struct span span, const uint8_t *old,
		 uint8_t *made, bool *empty, struct err *err);

/* The name that the edits at span->from begin with. */
static void next_target(struct target *target, const struct merge *merge,
			const struct span *span)
{
	const char *name = edits_path(merge->edits, span->from) + span->off;
	size_t len = strcspn(name, "/");

	target->name = name;
	target->len = len;
	target->is_tree = name[len] == '/';
	target->span = (struct span){span->from, span->from + 1, span->off + len + 1};
	while (target->is_tree && target->span.to < span->to &&
	       strncmp(edits_path(merge->edits, target->span.to) + span->off, name,
		       len + 1) == 0) {
		target->span.to++;
	}
}

static void count_removed(struct merge *merge, const char *path)
{
	merge->delta->removed++;
	if (merge->store->removed) {
		merge->store->removed(path, merge->store->payload);
	}
}

/* The number of a tree among those that were counted; 0: it was not. */
static uint32_t find_counted(const struct merge *merge, const uint8_t id[OBJECT_ID],
			     uint32_t hash)
{
	size_t at = 0;
	uint32_t n;

	do {
		n = hash_next(&merge->counts, hash, &at);
	} while (n && memcmp(merge->counted[n - 1].id, id, OBJECT_ID) != 0);
	return n;
}

/* Counts the files of a tree that is removed as a whole: each tree once, wherever it
 * stands, as the old tree may be anybody's. */
static int count_files(uint64_t *files, struct merge *merge, const uint8_t id[OBJECT_ID],
		       unsigned depth, struct err *err)
{
	uint32_t hash = hash_bytes(id, OBJECT_ID, 0);
	uint32_t n = find_counted(merge, id, hash);
	struct tree_cursor cursor;
	struct tree_entry entry;
	struct counted counted = {.files = 0};
	struct buf body = {0};
	int rc;

	if (n) {
		*files += merge->counted[n - 1].files;
		return 0;
	}
	if (depth == EDITS_DEPTH_MAX) {
		return err_set(err, ERR_FAIL, "the tree is deeper than %d folders",
			       EDITS_DEPTH_MAX);
	}
	rc = tree_read(&body, &cursor, merge->store, id, err);
	while (!rc && tree_next(&cursor, &entry)) {
		if (entry.is_tree) {
			rc = count_files(&counted.files, merge, entry.id, depth + 1, err);
		} else {
			counted.files++;
		}
	}
	rc = rc ? rc : tree_end(&cursor, id, err);
	buf_release(&body);
	memcpy(counted.id, id, OBJECT_ID);
	merge->counted = xgrow(merge->counted, merge->counts.count, &merge->counted_cap,
			       sizeof(*merge->counted));
	merge->counted[merge->counts.count] = counted;
	hash_add(&merge->counts, hash, (uint32_t)merge->counts.count + 1);
	*files += counted.files;
	return rc;
}

/* Whether the old tree is known not to be one of ours, now that merge->path is removed. */
static bool is_foreign(struct merge *merge, bool is_tree)
{
	merge->foreign |= !merge->store->fault ||
			  merge->store->fault(merge->path.data, is_tree) != NULL;
	return merge->foreign;
}

/* Drops an entry of the old tree, all of it, whose path begins with merge->path. Once the
 * old tree is known not to be one of ours, files are counted, but not named. */
static int drop(struct merge *merge, const struct tree_entry *entry, unsigned depth,
		struct err *err)
{
	size_t base = merge->path.len;
	struct tree_cursor cursor;
	struct tree_entry inner;
	struct buf body = {0};
	int rc = 0;

	buf_add(&merge->path, entry->name, entry->name_len);
	if (!is_foreign(merge, entry->is_tree) && !entry->is_tree) {
		count_removed(merge, merge->path.data);
	} else if (!entry->is_tree) {
		merge->delta->removed++;
	} else if (merge->foreign || depth == EDITS_DEPTH_MAX) {
		rc = count_files(&merge->delta->removed, merge, entry->id, depth, err);
	} else {
		buf_addch(&merge->path, '/');
		rc = tree_read(&body, &cursor, merge->store, entry->id, err);
		while (!rc && tree_next(&cursor, &inner)) {
			rc = drop(merge, &inner, depth + 1, err);
		}
		rc = rc ? rc : tree_end(&cursor, entry->id, err);
	}
	buf_setlen(&merge->path, base);
	buf_release(&body);
	return rc;
}

/* Drops an entry of the folder that the edits of `span` lie in. */
static int drop_entry(struct merge *merge, const struct span *span,
		      const struct tree_entry *entry, struct err *err)
{
	buf_clear(&merge->path);
	if (span->off) {
		buf_add(&merge->path, edits_path(merge->edits, span->from), span->off);
	}
	return drop(merge, entry, 0, err);
}

static int append(struct level *level, const char *mode, size_t mode_len,
		  const char *name, size_t name_len, const uint8_t *id, bool is_tree,
		  struct err *err)
{
	while (level->files.len) {
		uint32_t at = be32_get(level->files.data + level->files.len - 4);
		const char *file = level->made.data + at;
		size_t len = strlen(file);

		if (len <= name_len && memcmp(file, name, len) == 0) {
			if (len == name_len) {
				return err_set(err, ERR_INPUT,
					       "'%s' would be both a file and a folder",
					       file);
			}
			break;
		}
		buf_setlen(&level->files, level->files.len - 4);
	}
	buf_add(&level->made, mode, mode_len);
	buf_addch(&level->made, ' ');
	if (!is_tree) {
		buf_addu32(&level->files, (uint32_t)level->made.len);
	}
	buf_add(&level->made, name, name_len);
	buf_addch(&level->made, '\0');
	buf_add(&level->made, id, OBJECT_ID);
	return 0;
}

static int copy_entry(struct level *level, const struct tree_entry *entry,
		      struct err *err)
{
	return append(level, entry->mode, entry->mode_len, entry->name, entry->name_len,
		      entry->id, entry->is_tree, err);
}

static int merge_file(struct merge *merge, struct level *level,
		      const struct target *target, const struct tree_entry *old,
		      struct err *err)
{
	uint32_t object = merge->edits->edit[target->span.from].object;
	const uint8_t *id;

	if (object == EDITS_REMOVE) {
		if (old) {
			count_removed(merge, edits_path(merge->edits, target->span.from));
		}
		return 0;
	}
	id = merge->store->object(object, merge->store->payload);
	if (!old) {
		merge->delta->added++;
	} else if (memcmp(old->id, id, OBJECT_ID) != 0) {
		merge->delta->changed++;
	}
	return append(level, "100644", 6, target->name, target->len, id, false, err);
}

/* Merges the edits of one name; `old` is the entry of that name and kind, or NULL. */
static int merge_target(struct merge *merge, size_t depth, const struct target *target,
			const struct tree_entry *old, struct err *err)
{
	struct level *level = &merge->level[depth];
	uint8_t made[OBJECT_ID];
	bool empty;
	int rc;

	if (!target->is_tree) {
		return merge_file(merge, level, target, old, err);
	}
	rc = build(merge, depth + 1, target->span, old ? old->id : NULL, made, &empty,
		   err);
	if (rc || empty) {
		return rc;
	}
	return append(level, "40000", 5, target->name, target->len, made, true, err);
}

/* Makes the bytes of one tree in its level. */
static int merge_tree(struct merge *merge, size_t depth, struct span span,
		      struct tree_cursor *cursor, struct err *err)
{
	struct level *level = &merge->level[depth];
	struct tree_entry entry;
	struct target target;
	const struct span folder = span;
	bool has_entry = tree_next(cursor, &entry);
	bool has_target = span.from < span.to;
	int rc = 0;

	if (has_target) {
		next_target(&target, merge, &span);
	}
	while (!rc && (has_entry || has_target)) {
		int order = !has_entry    ? 1
			    : !has_target ? -1
					  : tree_compare(entry.name, entry.name_len,
							 entry.is_tree, target.name,
							 target.len, target.is_tree);

		if (order >= 0) {
			rc = merge_target(merge, depth, &target,
					  order == 0 ? &entry : NULL, err);
			span.from = target.span.to;
			has_target = span.from < span.to;
			if (has_target) {
				next_target(&target, merge, &span);
			}
		} else if (merge->fresh) {
			rc = drop_entry(merge, &folder, &entry, err);
		} else {
			rc = copy_entry(level, &entry, err);
		}
		if (order <= 0) {
			has_entry = tree_next(cursor, &entry);
		}
	}
	return rc;
}

/* Makes the tree `made` of the tree `old` (or NULL) and the edits below it. */
static int build(struct merge *merge, size_t depth, struct span span, const uint8_t *old,
		 uint8_t *made, bool *empty, struct err *err)
{
	struct level *level = &merge->level[depth];
	struct tree_cursor cursor = {0};
	int rc = 0;

	assert(depth <= EDITS_DEPTH_MAX);
	buf_clear(&level->old);
	buf_clear(&level->made);
	buf_clear(&level->files);
	if (old) {
		rc = tree_read(&level->old, &cursor, merge->store, old, err);
	}
	rc = rc ? rc : merge_tree(merge, depth, span, &cursor, err);
	if (!rc && old) {
		rc = tree_end(&cursor, old, err);
	}
	if (rc) {
		return rc;
	}
	*empty = level->made.len == 0;
	if (old && level->made.len == level->old.len &&
	    (*empty || memcmp(level->made.data, level->old.data, level->old.len) == 0)) {
		memcpy(made, old, OBJECT_ID);
	} else if (!*empty || depth == 0) {
		merge->store->write(made, level->made.data, level->made.len,
				    merge->store->payload);
	}
	return 0;
}

int tree_merge(uint8_t root[OBJECT_ID], const struct tree_store *store,
	       const uint8_t *old, const struct edits *edits, bool fresh,
	       struct tree_delta *delta, struct err *err)
{
	struct merge *merge = xzalloc(sizeof(*merge));
	struct span all = {0, edits->count, 0};
	bool empty;
	int rc;

	*delta = (struct tree_delta){0};
	merge->store = store;
	merge->edits = edits;
	merge->fresh = fresh;
	merge->delta = delta;
	rc = build(merge, 0, all, old, root, &empty, err);
	for (size_t i = 0; i <= EDITS_DEPTH_MAX; i++) {
		buf_release(&merge->level[i].old);
		buf_release(&merge->level[i].made);
		buf_release(&merge->level[i].files);
	}
	buf_release(&merge->path);
	hash_release(&merge->counts);
	free(merge->counted);
	free(merge);
	return rc;
}

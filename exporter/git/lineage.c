/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/hash.h"
#include "exporter/git/commit.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/tree/tree.h"

struct step {
	uint8_t id[OBJECT_ID], tree[OBJECT_ID], parent[OBJECT_ID];
	bool has_parent;
	int64_t time_s;
	uint32_t from;       /* the parent among the steps, from 1; 0: it is not there */
	uint32_t generation; /* from 1: how many of its ancestors are there, and itself */
};

struct walk {
	struct snapshot_repo *repo;
	struct step *step;
	size_t count;
	struct hash table; /* of numbers from 1 */
	lineage_fn *each;
	void *payload;
	struct buf path;
};

/* --- the order of time --- */

/*
 * Small objects of a stranger may name a large one any number of times as what was there
 * before. So that is read only if it is not large beside the object that names it: a commit
 * up to this size, a tree with so many times the bytes more.
 */
#define OLD_BYTES ((size_t)64 << 10)
#define OLD_TIMES 16

static bool is_small(struct snapshot_repo *repo, const uint8_t *old, size_t most)
{
	enum object_type type;
	size_t size;

	return objects_head(&size, &type, repo->objects, old, NULL) == 0 && size <= most;
}

/* False: it is missing, or damaged. */
static bool read_step(struct step *step, struct snapshot_repo *repo, const uint8_t *id)
{
	struct buf body = {0};
	struct commit commit;
	bool good = repo_object(repo, &body, id, OBJECT_COMMIT, NULL) == 0 &&
		    commit_parse(&commit, &body);

	*step = (struct step){0};
	if (good) {
		memcpy(step->id, id, OBJECT_ID);
		memcpy(step->tree, commit.tree, OBJECT_ID);
		memcpy(step->parent, commit.parent, OBJECT_ID);
		step->has_parent = commit.has_parent;
		step->time_s = commit.time_s;
	}
	buf_release(&body);
	return good;
}

static uint32_t find(const struct walk *walk, const uint8_t *id)
{
	uint32_t hash = hash_bytes(id, OBJECT_ID, 0), n;
	size_t at = 0;

	do {
		n = hash_next(&walk->table, hash, &at);
	} while (n && memcmp(walk->step[n - 1].id, id, OBJECT_ID) != 0);
	return n;
}

/* Goes back to an ancestor whose generation is known, then the same way again. */
static void number(struct walk *walk, struct step *step)
{
	uint32_t count = 0, n;

	for (n = (uint32_t)(step - walk->step) + 1; n && !walk->step[n - 1].generation;
	     n = walk->step[n - 1].from) {
		count++;
	}
	count += n ? walk->step[n - 1].generation : 0;
	for (n = (uint32_t)(step - walk->step) + 1; n && !walk->step[n - 1].generation;
	     n = walk->step[n - 1].from) {
		walk->step[n - 1].generation = count--;
	}
}

/* Snapshots of one second follow each other by their generation. */
static int compare_steps(const void *a, const void *b)
{
	const struct step *left = a, *right = b;

	if (left->time_s != right->time_s) {
		return left->time_s < right->time_s ? -1 : 1;
	}
	if (left->generation != right->generation) {
		return left->generation < right->generation ? -1 : 1;
	}
	return memcmp(left->id, right->id, OBJECT_ID);
}

static void read_steps(struct walk *walk, const uint8_t *ids, size_t count)
{
	walk->step = xreallocarray(NULL, count + 1, sizeof(*walk->step));
	for (size_t i = 0; i < count; i++) {
		const uint8_t *id = ids + i * OBJECT_ID;

		if (!find(walk, id) &&
		    read_step(&walk->step[walk->count], walk->repo, id)) {
			hash_add(&walk->table, hash_bytes(id, OBJECT_ID, 0),
				 (uint32_t)++walk->count);
		}
	}
	for (size_t i = 0; i < walk->count; i++) {
		walk->step[i].from =
			walk->step[i].has_parent ? find(walk, walk->step[i].parent) : 0;
	}
	for (size_t i = 0; i < walk->count; i++) {
		number(walk, &walk->step[i]);
	}
	if (walk->count) {
		qsort(walk->step, walk->count, sizeof(*walk->step), compare_steps);
	}
}

/* --- what changed --- */

/* Deeper than any tree of ours. */
#define DEPTH_MAX 64

static bool tell(const struct walk *walk, const uint8_t *old, const uint8_t *new)
{
	uint32_t path = hash_bytes(walk->path.data, walk->path.len, 0);

	return walk->each(old, new, path ? path : 1, walk->payload);
}

static void compare_trees(struct walk *walk, const uint8_t *old, const uint8_t *new,
			  unsigned depth);

/* Both trees have an entry of this name. */
static void compare_entries(struct walk *walk, const struct tree_entry *old,
			    const struct tree_entry *new, unsigned depth)
{
	size_t len = walk->path.len;

	if (memcmp(old->id, new->id, OBJECT_ID) == 0) {
		return;
	}
	buf_addf(&walk->path, "/%s", new->name);
	if (tell(walk, old->id, new->id) && new->is_tree && depth < DEPTH_MAX) {
		compare_trees(walk, old->id, new->id, depth + 1);
	}
	buf_setlen(&walk->path, len);
}

/* Reads two versions of a folder. False: one is missing, or damaged, or `old` too large. */
static bool read_trees(struct buf *old_body, struct buf *new_body,
		       const struct walk *walk, const uint8_t *old, const uint8_t *new)
{
	return repo_tree(new_body, new, walk->repo, NULL) == 0 &&
	       is_small(walk->repo, old, OLD_BYTES + new_body->len * OLD_TIMES) &&
	       repo_tree(old_body, old, walk->repo, NULL) == 0;
}

static void compare_trees(struct walk *walk, const uint8_t *old, const uint8_t *new,
			  unsigned depth)
{
	struct buf old_body = {0}, new_body = {0};
	struct tree_cursor old_at, new_at;
	struct tree_entry a, b;
	bool has_a = false, has_b = false;

	if (read_trees(&old_body, &new_body, walk, old, new)) {
		old_at = (struct tree_cursor){old_body.data, old_body.data + old_body.len,
					      false};
		new_at = (struct tree_cursor){new_body.data, new_body.data + new_body.len,
					      false};
		has_a = tree_next(&old_at, &a);
		has_b = tree_next(&new_at, &b);
	}
	while (has_a && has_b) {
		int order = tree_compare(a.name, a.name_len, a.is_tree, b.name,
					 b.name_len, b.is_tree);

		if (order == 0) {
			compare_entries(walk, &a, &b, depth);
		}
		has_a = order <= 0 ? tree_next(&old_at, &a) : has_a;
		has_b = order >= 0 ? tree_next(&new_at, &b) : has_b;
	}
	buf_release(&old_body);
	buf_release(&new_body);
}

static void compare_step(struct walk *walk, const struct step *step)
{
	struct step parent;

	buf_clear(&walk->path);
	if (step->has_parent && is_small(walk->repo, step->parent, OLD_BYTES) &&
	    read_step(&parent, walk->repo, step->parent) &&
	    memcmp(parent.tree, step->tree, OBJECT_ID) != 0 &&
	    tell(walk, parent.tree, step->tree)) {
		compare_trees(walk, parent.tree, step->tree, 0);
	}
}

void lineage_walk(struct snapshot_repo *repo, const uint8_t *ids, size_t count,
		  lineage_fn *each, void *payload)
{
	struct walk walk = {.repo = repo, .each = each, .payload = payload};

	read_steps(&walk, ids, count);
	buf_addstr(&walk.path, "");
	for (size_t i = 0; i < walk.count; i++) {
		compare_step(&walk, &walk.step[i]);
	}
	buf_release(&walk.path);
	hash_release(&walk.table);
	free(walk.step);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/compact.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/commit.h"
#include "exporter/git/lineage.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/packmerge.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/snapshot.h"
#include "exporter/git/tree/tree.h"

/*
 * The objects are those in the indexes of the old packs, whether something refers to them
 * or not. The versions of a path become deltas of each other (packmerge.h), without a search.
 * For the others libgit2 seeks deltas among similar files. The order in which they are packed,
 * and the names given with them, decide how good those are. So the snapshots are walked from
 * the latest back, and the objects that no snapshot leads to come last. libgit2 holds what it
 * packs in memory, so objects are packed in batches.
 *
 * libgit2 makes its packs in a folder of their own. Their indexes are read: each object must
 * be in one of them, with the id that its content has. Then all packs are merged into new
 * ones, in which objects stand as in the packs of libgit2.
 */

#define BATCH_OBJECTS 250000
/*
 * The largest object that deltas are sought for: between different files they cost most and
 * save least where the files are large. 100,000 images (97.8 s and 147.0 MB without a limit)
 * take 60.6 s and 147.8 MB up to 16 KiB, 44.0 s and 154.8 MB up to 8 KiB, 37.5 s and
 * 162.5 MB up to 4 KiB.
 */
#define DELTA_BYTES_MAX ((size_t)8 << 10)
/* Depth of folders that are walked; ours have eight. */
#define DEPTH_MAX 64

enum state { UNSEEN, ADDED, PACKED };

struct compaction {
	struct snapshot_repo *repo;
	struct buf dir;   /* objects/pack */
	struct buf stage; /* the folder of new packs */
	uint8_t *id;      /* OBJECT_ID bytes each, sorted, each once */
	uint8_t *state;
	size_t count;
	struct repo_packer *packer; /* NULL: no batch begun */
	size_t batched;
	/* Ids of the snapshots and of their trees, from the latest back. */
	struct buf commits, trees;
	struct packmerge *merge;
	struct log_progress progress;
};

/* --- which objects there are --- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_ID);
}

/* Sorts the ids and removes duplicates: an object may be in several packs. */
static void sort_ids(struct compaction *c)
{
	size_t count = 0;

	qsort(c->id, c->count, OBJECT_ID, compare_ids);
	for (size_t i = 0; i < c->count; i++) {
		const uint8_t *id = c->id + i * OBJECT_ID;

		if (!count || memcmp(id - OBJECT_ID, id, OBJECT_ID) != 0) {
			memmove(c->id + count++ * OBJECT_ID, id, OBJECT_ID);
		}
	}
	c->count = count;
	c->state = xzalloc(count + 1);
}

static int list_objects(struct compaction *c, const struct packset *set, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < set->count; i++) {
		struct packindex index;

		if (!set->pack[i].chosen) {
			continue;
		}
		rc = packindex_open(&index, c->dir.data, set->pack[i].name, err);
		if (!rc && index.count) {
			c->id = xreallocarray(c->id, c->count + index.count, OBJECT_ID);
			memcpy(c->id + c->count * OBJECT_ID, packindex_id(&index, 0),
			       (size_t)index.count * OBJECT_ID);
			c->count += index.count;
		}
		packindex_close(&index);
	}
	if (!rc) {
		sort_ids(c);
	}
	return rc;
}

/* The state of an object; NULL: it is not to be packed. */
static uint8_t *find(const struct compaction *c, const uint8_t id[OBJECT_ID])
{
	const uint8_t *at =
		c->count ? bsearch(id, c->id, c->count, OBJECT_ID, compare_ids) : NULL;

	return at ? c->state + (size_t)(at - c->id) / OBJECT_ID : NULL;
}

/* --- into packs --- */

static int write_batch(struct compaction *c, struct err *err)
{
	int rc = 0;

	if (c->packer) {
		rc = repo_packer_write(c->packer, c->stage.data, err);
		repo_packer_free(c->packer);
		c->packer = NULL;
		log_progress_step(&c->progress, c->batched);
		c->batched = 0;
	}
	return rc;
}

/* Adds an object unless it was added before (*added: false). `path` is where it is; NULL:
 * nowhere. */
static int add(struct compaction *c, const uint8_t id[OBJECT_ID], const char *path,
	       bool *added, struct err *err)
{
	uint8_t *state = find(c, id);
	int rc = 0;

	*added = state && *state == UNSEEN;
	if (!*added) {
		return 0;
	}
	if (packmerge_is_later(c->merge, id)) {
		*state = PACKED; /* packmerge does it */
		return 0;
	}
	*state = ADDED;
	if (!c->packer) {
		rc = repo_packer_open(&c->packer, c->repo, DELTA_BYTES_MAX, err);
	}
	rc = rc ? rc : repo_packer_add(c->packer, id, path, err);
	c->batched++;
	if (!rc && c->batched == BATCH_OBJECTS) {
		rc = write_batch(c, err);
	}
	return rc;
}

/* A tree that is not to be packed is not walked. If objects below it are to be packed after
 * all, they come last. */
static int walk_tree(struct compaction *c, const uint8_t id[OBJECT_ID], struct buf *path,
		     unsigned depth, struct err *err)
{
	struct tree_store store = {.read = repo_tree, .payload = c->repo};
	struct tree_cursor cursor;
	struct tree_entry entry;
	struct buf body = {0};
	size_t base = path->len;
	bool added;
	int rc = add(c, id, path->data, &added, err);

	if (rc || !added || depth == DEPTH_MAX) {
		return rc;
	}
	rc = tree_read(&body, &cursor, &store, id, err);
	while (!rc && tree_next(&cursor, &entry)) {
		buf_setlen(path, base);
		buf_addf(path, "%s%s", base ? "/" : "", entry.name);
		rc = entry.is_tree ? walk_tree(c, entry.id, path, depth + 1, err)
				   : add(c, entry.id, path->data, &added, err);
	}
	rc = rc ? rc : tree_end(&cursor, id, err);
	buf_setlen(path, base);
	buf_release(&body);
	return rc;
}

/* Lists the commits from the branch's tip back, as long as they are to be packed. */
static int list_snapshots(struct compaction *c, struct err *err)
{
	struct snapshot_info head = {0};
	struct buf body = {0};
	uint8_t id[OBJECT_ID];
	int rc = snapshot_head(c->repo, &head, err);

	if (rc == ERR_NOTFOUND) {
		return 0;
	}
	object_unhex(id, head.commit.hex);
	snapshot_info_release(&head);
	while (!rc && find(c, id)) {
		struct commit commit;

		buf_clear(&body);
		rc = repo_object(c->repo, &body, id, OBJECT_COMMIT, err);
		if (rc || !commit_parse(&commit, &body)) {
			break;
		}
		buf_add(&c->commits, id, OBJECT_ID);
		buf_add(&c->trees, commit.tree, OBJECT_ID);
		if (!commit.has_parent) {
			break;
		}
		memcpy(id, commit.parent, OBJECT_ID);
	}
	buf_release(&body);
	return rc;
}

/* Walks the snapshots from the latest back. */
static int walk_snapshots(struct compaction *c, struct err *err)
{
	struct buf path = {0};
	bool added;
	int rc = 0;

	buf_addstr(&path, "");
	for (size_t at = 0; !rc && at < c->commits.len; at += OBJECT_ID) {
		rc = add(c, (const uint8_t *)c->commits.data + at, NULL, &added, err);
		rc = rc ? rc
			: walk_tree(c, (const uint8_t *)c->trees.data + at, &path, 0,
				    err);
	}
	buf_release(&path);
	return rc;
}

static int add_all(struct compaction *c, struct err *err)
{
	int rc = walk_snapshots(c, err);
	bool added;

	for (size_t i = 0; !rc && i < c->count; i++) {
		rc = add(c, c->id + i * OBJECT_ID, NULL, &added, err);
	}
	return rc ? rc : write_batch(c, err);
}

/* --- into the repository --- */

/* Every object must be in a new pack. */
static int check_staged(struct compaction *c, const struct packset *staged,
			struct err *err)
{
	char hex[OBJECT_HEX + 1];
	int rc = 0;

	for (size_t i = 0; !rc && i < staged->count; i++) {
		struct packindex index;

		rc = packindex_open(&index, c->stage.data, staged->pack[i].name, err);
		for (uint32_t n = 0; !rc && n < index.count; n++) {
			uint8_t *state = find(c, packindex_id(&index, n));

			if (state) {
				*state = PACKED;
			}
		}
		packindex_close(&index);
	}
	assert(c->state); /* list_objects set it; the analyser does not know */
	for (size_t i = 0; !rc && i < c->count; i++) {
		if (c->state[i] != PACKED) {
			object_hex(hex, c->id + i * OBJECT_ID);
			rc = err_set(err, ERR_FAIL, "object %s in '%s' is damaged", hex,
				     c->dir.data);
		}
	}
	return rc;
}

/* Finds out which objects are versions of one path. */
static int find_versions(struct compaction *c, const struct packset *set, struct err *err)
{
	int rc;

	packmerge_new(&c->merge, c->dir.data, c->repo->objects);
	rc = packmerge_add(c->merge, c->dir.data, set, PACKMERGE_FOUND, err);
	rc = rc ? rc : list_snapshots(c, err);
	if (!rc) {
		lineage_walk(c->repo, (const uint8_t *)c->commits.data,
			     c->commits.len / OBJECT_ID, packmerge_replace, c->merge);
	}
	return rc;
}

/* Adds the packs of libgit2, after a check, to those of which packs are made. */
static int take_staged(struct compaction *c, struct err *err)
{
	struct packset staged = {0};
	int rc = packset_read(&staged, c->stage.data, err);

	rc = rc ? rc : check_staged(c, &staged, err);
	for (size_t i = 0; i < staged.count; i++) {
		staged.pack[i].chosen = true;
	}
	rc = rc ? rc
		: packmerge_add(c->merge, c->stage.data, &staged, PACKMERGE_MADE, err);
	packset_release(&staged);
	free(c->id);
	free(c->state);
	c->id = c->state = NULL;
	return rc;
}

int compact_make(struct packmerge **out, struct buf *names, uint64_t *objects,
		 struct snapshot_repo *repo, const struct packset *set, struct err *err)
{
	struct compaction c = {.repo = repo};
	int rc;

	buf_addf(&c.dir, "%s/objects/pack", repo->path);
	buf_addf(&c.stage, "%s/" REPO_FOLDER_STAGE, repo->path);
	rc = list_objects(&c, set, err);
	if (!rc && mkdir(c.stage.data, 0777) < 0) {
		rc = err_sys(err, "cannot make folder '%s'", c.stage.data);
	}
	rc = rc ? rc : find_versions(&c, set, err);
	log_progress_start(&c.progress, "packing", c.count);
	rc = rc ? rc : add_all(&c, err);
	rc = rc ? rc : take_staged(&c, err);
	rc = rc ? rc : packmerge_make(c.merge, objects, names, err);
	log_progress_end(&c.progress);
	assert(rc || *objects == c.count);
	*out = c.merge;
	repo_packer_free(c.packer);
	buf_release(&c.dir);
	buf_release(&c.stage);
	buf_release(&c.commits);
	buf_release(&c.trees);
	free(c.id);
	free(c.state);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/maintain_inner.h"
#include "exporter/git/repo.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/tree/tree.h"
#include "exporter/git/pack/packindex.h"

/*
 * What is to be packed stands in the indexes of the old packs; nothing is left out,
 * whether something refers to it or not. In what order it is packed, and with
 * what names beside it, decides how good the deltas are: so the snapshots are
 * walked from the latest back, and what no snapshot leads to comes last. Objects
 * are packed by the batch, as libgit2 holds a batch in memory.
 *
 * The new packs are made in a folder of their own, as libgit2 gives an index its
 * name before its pack is there. They are looked into before they replace
 * anything: each object must be in one of them, with the id that its content has.
 */

#define BATCH_OBJECTS 250000
/*
 * The largest object that deltas are sought for. They pay between versions of a
 * file; between files they cost most and save least where files are large. So where
 * no versions are to be expected, in the latest snapshot, large files are left out:
 * 100,000 images (97.8 s and 147.0 MB without a limit) take 60.6 s and 147.8 MB up to
 * 16 KiB, 44.0 s and 154.8 MB up to 8 KiB, 37.5 s and 162.5 MB up to 4 KiB.
 */
#define DELTA_BYTES_VERSIONS ((size_t)1 << 20)
#define DELTA_BYTES_FILES ((size_t)8 << 10)
/* Folders within folders, that are walked; ours have eight. */
#define DEPTH_MAX 64

enum state { UNSEEN, ADDED, PACKED };

struct compaction {
	struct snapshot_repo *repo;
	const char *dir;
	struct buf stage;
	uint8_t *id; /* OBJECT_ID bytes each, sorted, each once */
	uint8_t *state;
	size_t count;
	struct repo_packer *packer; /* NULL: no batch begun */
	size_t batched;
	size_t added;     /* before this batch */
	bool one, latest; /* one snapshot is to be packed; the latest is being walked */
	struct log_progress progress;
};

/* --- which objects there are --- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_ID);
}

/* Sorts the ids and drops those that were in several packs. */
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
		rc = packindex_open(&index, c->dir, set->pack[i].name, err);
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

/* The state of an object; NULL: it is none of those to be packed. */
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
		c->added += c->batched;
		c->batched = 0;
	}
	return rc;
}

/* Begins a batch. The latest snapshot's are full, but for its last. */
static int begin_batch(struct compaction *c, struct err *err)
{
	bool files = c->latest && (c->one || c->count - c->added > BATCH_OBJECTS);

	return repo_packer_open(&c->packer, c->repo,
				files ? DELTA_BYTES_FILES : DELTA_BYTES_VERSIONS, err);
}

/* Adds an object that is at `path` (NULL: nowhere). *added: it was not yet. */
static int add(struct compaction *c, const uint8_t id[OBJECT_ID], const char *path,
	       bool *added, struct err *err)
{
	uint8_t *state = find(c, id);
	int rc = 0;

	*added = state && *state == UNSEEN;
	if (!*added) {
		return 0;
	}
	*state = ADDED;
	if (!c->packer) {
		rc = begin_batch(c, err);
	}
	if (!rc) {
		rc = repo_packer_add(c->packer, id, path, err);
	}
	c->batched++;
	if (!rc && c->batched == BATCH_OBJECTS) {
		rc = write_batch(c, err);
	}
	return rc;
}

/* A tree that is not to be packed leads to nothing that is; were it otherwise, that
 * would be packed at the end. */
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
	if (!rc) {
		rc = tree_end(&cursor, id, err);
	}
	buf_setlen(path, base);
	buf_release(&body);
	return rc;
}

/* From the branch's tip back, as long as snapshots are to be packed. */
static int walk_snapshots(struct compaction *c, struct err *err)
{
	struct snapshot_info info = {0};
	struct buf path = {0};
	int rc = snapshot_head(c->repo, &info, err);

	if (rc == ERR_NOTFOUND) {
		return 0;
	}
	buf_addstr(&path, "");
	c->latest = true;
	while (!rc) {
		struct snapshot_id parent = info.parent;
		uint8_t commit[OBJECT_ID], tree[OBJECT_ID];
		bool added = false;

		object_unhex(commit, info.commit.hex);
		object_unhex(tree, info.tree.hex);
		snapshot_info_release(&info);
		if (c->latest) {
			uint8_t before[OBJECT_ID];

			c->one = !object_unhex(before, parent.hex) || !find(c, before);
		}
		rc = add(c, commit, NULL, &added, err);
		if (!rc) {
			rc = walk_tree(c, tree, &path, 0, err);
		}
		c->latest = false;
		if (rc || !added || !object_unhex(commit, parent.hex) ||
		    !find(c, commit)) {
			break;
		}
		rc = snapshot_resolve(c->repo, parent.hex, &info, err);
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
	assert(c->state);
	for (size_t i = 0; !rc && i < c->count; i++) {
		if (c->state[i] != PACKED) {
			object_hex(hex, c->id + i * OBJECT_ID);
			rc = err_set(err, ERR_FAIL, "object %s in '%s' is damaged", hex,
				     c->dir);
		}
	}
	return rc;
}

/* git looks for indexes, so the pack comes first. */
static int install(const struct compaction *c, const char *name, struct err *err)
{
	static const char *const suffix[] = {"pack", "idx"};
	struct buf from = {0}, to = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < 2; i++) {
		buf_clear(&from);
		buf_clear(&to);
		buf_addf(&from, "%s/%s.%s", c->stage.data, name, suffix[i]);
		buf_addf(&to, "%s/%s.%s", c->dir, name, suffix[i]);
		if (rename(from.data, to.data) < 0) {
			rc = err_sys(err, "cannot rename '%s' to '%s'", from.data,
				     to.data);
		}
	}
	buf_release(&from);
	buf_release(&to);
	return rc;
}

static int install_all(struct compaction *c, const struct packset *set, struct buf *names,
		       struct err *err)
{
	struct packset staged = {0};
	int rc = packset_read(&staged, c->stage.data, err);

	if (!rc) {
		rc = check_staged(c, &staged, err);
	}
	for (size_t i = 0; !rc && i < staged.count; i++) {
		buf_addf(names, "%s\n", staged.pack[i].name);
	}
	if (!rc) {
		rc = maintain_note(c->repo, set, names->data, err);
	}
	for (size_t i = 0; !rc && i < staged.count; i++) {
		rc = install(c, staged.pack[i].name, err);
	}
	if (!rc) {
		rc = file_sync_dir(c->dir, err);
	}
	packset_release(&staged);
	return rc;
}

int maintain_pack(struct buf *names, uint64_t *objects, struct snapshot_repo *repo,
		  const char *dir, const struct packset *set, struct err *err)
{
	struct compaction c = {.repo = repo, .dir = dir};
	int rc;

	buf_addf(&c.stage, "%s/%s", snapshot_path(repo), REPO_FOLDER_STAGE);
	rc = list_objects(&c, set, err);
	if (!rc && mkdir(c.stage.data, 0777) < 0) {
		rc = err_sys(err, "cannot make folder '%s'", c.stage.data);
	}
	log_progress_start(&c.progress, "packing", c.count);
	if (!rc) {
		rc = add_all(&c, err);
	}
	log_progress_end(&c.progress);
	if (!rc) {
		rc = install_all(&c, set, names, err);
	}
	*objects = c.count;
	repo_packer_free(c.packer);
	/* What a failure leaves there need not wait for the next snapshot_open. */
	repo_folder_unstage(snapshot_path(repo), NULL);
	buf_release(&c.stage);
	free(c.id);
	free(c.state);
	return rc;
}

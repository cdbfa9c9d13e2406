/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "exporter/audit/audit_inner.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/*
 * Since when: history is walked back from the audited snapshot, each snapshot's tree
 * compared with that of the one before. No body is read, as an untagged image is
 * one whose tag images are the blob `[]`. An image that has no answer yet is
 * untagged in every snapshot passed so far; so the first difference that is met at
 * its path, where there was something else before or nothing, is the answer.
 *
 * For few images their paths are followed; for the many of a whole snapshot all
 * differences below api/v1/tag_images are looked at. Either way what does not differ
 * is not read.
 */

struct search {
	struct audit *audit;
	struct history *history;
	struct audit_image **image; /* those looked for, by id */
	size_t count, left;
	bool few;
	struct pathset paths; /* few: of their tag images */
	struct history_step step;
	struct audit_since *since; /* this step's, once something is since it */
	struct buf id;
	struct err *err;
	/* Not few: api/v1/tag_images of the last step's parent. */
	uint8_t root[OBJECT_ID];
	bool has_root;
};

static int compare_images(const void *a, const void *b)
{
	const struct audit_image *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static void collect_images(struct search *search)
{
	struct audit *audit = search->audit;
	const struct response *row = response_of(QUERY_TAG_IMAGES);
	struct buf path = {0};

	search->count = audit->all.untagged;
	search->image = xreallocarray(NULL, search->count + 1, sizeof(*search->image));
	search->left = 0;
	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			search->image[search->left++] = &album->image[j];
		}
	}
	qsort(search->image, search->count, sizeof(struct audit_image *), compare_images);
	for (size_t i = 0; search->few && i < search->count; i++) {
		const char *id = search->image[i]->id;

		buf_clear(&path);
		response_snapshot_path(&path, row, id, strlen(id));
		pathset_add(&search->paths, path.data);
	}
	buf_release(&path);
}

/* What this step has to say as an answer. */
static const struct audit_since *answer(struct search *search)
{
	if (!search->since) {
		search->since =
			arena_alloc(&search->audit->arena, sizeof(*search->since));
		object_hex(search->since->commit, search->step.commit);
		search->since->time_s = search->step.time_s;
	}
	return search->since;
}

static int see_change(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		      void *payload)
{
	struct search *search = payload;
	struct audit_image key, *wanted = &key, **found;

	(void)old_blob;
	buf_clear(&search->id);
	if (!audit_path_id(&search->id, path, ".json")) {
		return 0;
	}
	key.id = search->id.data;
	found = bsearch(&wanted, search->image, search->count,
			sizeof(struct audit_image *), compare_images);
	if (!found || (*found)->since) {
		return 0;
	}
	if (!body_is_empty(new_blob)) {
		return err_set(search->err, ERR_INPUT,
			       "image '%s' is listed as untagged, but has tag images; "
			       "`albumen-exporter verify` checks all of a repository",
			       key.id);
	}
	(*found)->since = answer(search);
	search->left--;
	return 0;
}

/* The images' folder in a snapshot's tree. *has: there is one. */
static int find_root(struct search *search, uint8_t root[OBJECT_ID], bool *has,
		     const uint8_t tree[OBJECT_ID])
{
	int rc = audit_find_tree(root, history_trees(search->history), tree,
				 "api/v1/tag_images", search->err);

	*has = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int compare_with_parent(struct search *search)
{
	const struct tree_store *trees = history_trees(search->history);
	const struct history_step *step = &search->step;
	uint8_t now[OBJECT_ID];
	bool has_now = search->has_root;
	int rc;

	if (search->few) {
		return pathset_diff(&search->paths, trees, step->parent_tree, step->tree,
				    see_change, search, search->err);
	}
	memcpy(now, search->root, OBJECT_ID);
	rc = find_root(search, search->root, &search->has_root, step->parent_tree);
	if (!rc && has_now) {
		rc = tree_diff(trees, search->has_root ? search->root : NULL, now,
			       see_change, search, search->err);
	}
	return rc;
}

/* Whatever has no answer yet. */
static void answer_all(struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		if (!search->image[i]->since) {
			search->image[i]->since = answer(search);
			search->left--;
		}
	}
}

static int walk(struct search *search)
{
	const struct history_step *step = &search->step;
	int rc = 0;

	while (!rc && search->left) {
		search->since = NULL;
		rc = history_next(search->history, &search->step, search->err);
		if (rc == ERR_NOTFOUND) {
			/* A clone without the rest: what is known is how long at least. */
			return 0;
		}
		if (!rc && step->has_parent) {
			rc = compare_with_parent(search);
		} else if (!rc && history_is_cut(search->history)) {
			search->audit->horizon = answer(search);
		} else if (!rc) {
			answer_all(search);
		}
	}
	return rc;
}

int audit_since_find(struct audit *audit, struct history *history,
		     const uint8_t commit[OBJECT_ID], const uint8_t tree[OBJECT_ID],
		     bool few, struct err *err)
{
	struct search search = {
		.audit = audit, .history = history, .few = few, .err = err};
	int rc = 0;

	collect_images(&search);
	if (!few) {
		rc = find_root(&search, search.root, &search.has_root, tree);
	}
	if (!rc) {
		history_start(history, commit);
		rc = walk(&search);
	}
	pathset_release(&search.paths);
	buf_release(&search.id);
	free(search.image);
	return rc;
}

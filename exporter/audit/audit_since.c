/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_since.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/body/body.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/*
 * History is walked back from the audited snapshot; each snapshot's tree is compared
 * with that of the one before. No body is read, as an untagged image is one whose tag
 * images are the blob `[]`. An image that has no answer yet is untagged in every
 * snapshot passed so far; so the first difference at its path, where there was another
 * file before or none, is the answer.
 *
 * For few images their paths are compared; for those of a whole snapshot, everything
 * in the folder of tag images. Either way what does not differ is not read.
 */

struct search {
	struct audit *audit;
	struct history *history;
	struct audit_image **image; /* those looked for, by id */
	size_t count, left;
	struct pathset paths;
	struct history_step step;
	struct audit_since *since; /* of this step, once it is an answer */
	struct buf id;
	struct err *err;
};

static int compare_images(const void *a, const void *b)
{
	const struct audit_image *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static void list_images(struct search *search)
{
	struct audit *audit = search->audit;

	search->image =
		xreallocarray(NULL, audit->all.untagged + 1, sizeof(*search->image));
	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			search->image[search->count++] = &album->image[j];
		}
	}
	search->left = search->count;
	qsort(search->image, search->count, sizeof(struct audit_image *), compare_images);
}

static void list_paths(struct search *search, bool few)
{
	if (!few) {
		body_add_folder(&search->paths, QUERY_TAG_IMAGES);
		return;
	}
	for (size_t i = 0; i < search->count; i++) {
		const char *id = search->image[i]->id;

		body_add_path(&search->paths, QUERY_TAG_IMAGES,
			      &(struct body_text){id, strlen(id)});
	}
}

/* This step as an answer. */
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

static int visit_change(const char *path, const uint8_t *old_blob,
			const uint8_t *new_blob, void *payload)
{
	struct search *search = payload;
	struct audit_image key, *wanted = &key, **found;

	(void)old_blob;
	if (body_path(&search->id, path) != QUERY_TAG_IMAGES) {
		return 0;
	}
	key.id = search->id.data;
	found = bsearch(&wanted, search->image, search->count,
			sizeof(struct audit_image *), compare_images);
	if (!found || (*found)->since) {
		return 0;
	}
	if (!body_is_empty(new_blob)) {
		return body_fault(path, "the image is listed as untagged", search->err);
	}
	(*found)->since = answer(search);
	search->left--;
	return 0;
}

static void answer_all(struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		if (!search->image[i]->since) {
			search->image[i]->since = answer(search);
		}
	}
	search->left = 0;
}

static int walk(struct search *search)
{
	const struct history_step *step = &search->step;
	int rc = 0;

	while (!rc && search->left) {
		search->since = NULL;
		rc = history_next(search->history, &search->step, search->err);
		if (rc == ERR_NOTFOUND) {
			return 0; /* a shallow clone: its horizon is known */
		}
		if (!rc && step->has_parent) {
			rc = pathset_diff(&search->paths, history_trees(search->history),
					  response_walk_fault, step->parent_tree,
					  step->tree, visit_change, search, search->err);
		} else if (!rc && history_is_cut(search->history)) {
			search->audit->horizon = answer(search);
		} else if (!rc) {
			answer_all(search);
		}
	}
	return rc;
}

int audit_since_find(struct audit *audit, struct history *history,
		     const uint8_t commit[OBJECT_ID], bool few, struct err *err)
{
	struct search search = {.audit = audit, .history = history, .err = err};
	int rc;

	list_images(&search);
	list_paths(&search, few);
	history_start(history, commit);
	rc = walk(&search);
	pathset_release(&search.paths);
	buf_release(&search.id);
	free(search.image);
	return rc;
}

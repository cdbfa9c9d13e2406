/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_since.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/body/body.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"

/*
 * History is walked back from the audited snapshot; each snapshot's tree is compared
 * with that of the one before. No body is read, as an untagged image is one whose tag
 * images are the blob `[]`. An image that has no answer yet is untagged in every
 * snapshot passed so far; so the first difference at its path, where there was another
 * file before or none, is the answer.
 *
 * If there was none, the image came with that snapshot, and another question may be open:
 * whether it was there at an earlier time. The next difference at its path says so. The walk
 * ends when no question is open, at the latest at the first snapshot.
 *
 * For few images their paths are compared; for those of a whole snapshot, everything
 * in the folder of tag images. Either way what does not differ is not read.
 */

enum state {
	UNTAGGED, /* in every snapshot passed so far */
	CAME,     /* it has its `since`; was it there before? */
	DONE,
};

struct search {
	struct audit *audit;
	struct history *history;
	struct audit_image **image; /* those looked for, by id */
	uint8_t *state;             /* enum state of each */
	size_t count, left;         /* left: not DONE */
	bool was;                   /* as in audit_since_find */
	struct pathset paths;
	struct history_step step;
	struct audit_since *since; /* of this step, once it is an answer */
	/* What the snapshot before this step lacks, once it has been asked. */
	struct oversize oversize;
	bool oversize_read;
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
	search->state = xreallocarray(NULL, search->count + 1, 1);
	memset(search->state, UNTAGGED, search->count);
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

/* Whether the snapshot before this step has the file, or lacks it as it is too large: then
 * the image was tagged. */
static bool was_there(struct search *search, const char *path, const uint8_t *old_blob)
{
	if (old_blob) {
		return true;
	}
	if (!search->oversize_read) {
		oversize_clear(&search->oversize);
		oversize_read(&search->oversize, search->step.parent_message);
		search->oversize_read = true;
	}
	return search->oversize.count && oversize_has(&search->oversize, path);
}

/* Whether it matters if the image, which has its `since`, was there before. */
static bool is_asked(const struct search *search, const struct audit_image *image)
{
	return search->was ||
	       (!search->audit->count_observed && !stamp_is_absent(&image->created) &&
		stamp_unix_s(&image->created) < image->since->time_s);
}

static void end_search(struct search *search, size_t n)
{
	search->state[n] = DONE;
	search->left--;
}

/* The image is untagged or absent in this step, and is not DONE. */
static void look_back(struct search *search, size_t n, const char *path,
		      const uint8_t *old_blob)
{
	struct audit_image *image = search->image[n];
	bool there = was_there(search, path, old_blob);
	bool untagged = body_is_empty(old_blob);
	uint8_t *was;

	if (search->state[n] == UNTAGGED) {
		image->since = answer(search);
		image->first = !there;
		search->state[n] = CAME;
	} else if (there) {
		image->first = false;
	}
	if (old_blob && !untagged) {
		image->was = was = arena_alloc(&search->audit->arena, OBJECT_ID);
		memcpy(was, old_blob, OBJECT_ID);
	}
	if ((there && !(untagged && search->was)) || !is_asked(search, image)) {
		end_search(search, n);
	}
}

static int visit_change(const char *path, const uint8_t *old_blob,
			const uint8_t *new_blob, void *payload)
{
	struct search *search = payload;
	struct audit_image key, *wanted = &key, **found;
	size_t n;

	if (body_path(&search->id, path) != QUERY_TAG_IMAGES) {
		return 0;
	}
	key.id = search->id.data;
	found = bsearch(&wanted, search->image, search->count,
			sizeof(struct audit_image *), compare_images);
	n = found ? (size_t)(found - search->image) : 0;
	if (!found || search->state[n] == DONE) {
		return 0;
	}
	if (search->state[n] == UNTAGGED && !body_is_empty(new_blob)) {
		return body_fault(path, "the image is listed as untagged", search->err);
	}
	look_back(search, n, path, old_blob);
	return 0;
}

/* There is no snapshot before this step, or (cut) the history begins late with it. */
static void end_all(struct search *search, bool cut)
{
	for (size_t i = 0; i < search->count; i++) {
		if (search->state[i] == UNTAGGED) {
			search->image[i]->since = answer(search);
			search->image[i]->earlier = cut;
			search->image[i]->first = !cut;
			search->audit->has_earlier |= cut;
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
		search->oversize_read = false;
		rc = history_next(search->history, &search->step, search->err);
		if (!rc && step->has_parent) {
			rc = pathset_diff(&search->paths, history_trees(search->history),
					  response_walk_fault, step->parent_tree,
					  step->tree, visit_change, search, search->err);
		} else if (!rc) {
			end_all(search, history_is_cut(search->history));
		}
	}
	return rc;
}

/* Decides which instant counts. The creation does only if no snapshot says otherwise: the first
 * that holds the image has it untagged, as all later ones have. */
static void count_from(const struct audit *audit, struct audit_image *image)
{
	int64_t created_s;

	image->from_s = image->since->time_s;
	if (audit->count_observed || !image->first || stamp_is_absent(&image->created)) {
		return;
	}
	created_s = stamp_unix_s(&image->created);
	if (created_s < image->from_s) { /* a later one contradicts what was observed */
		image->from_s = created_s;
		image->from_created = true;
	}
}

int audit_since_find(struct audit *audit, struct history *history,
		     const uint8_t commit[OBJECT_ID], bool few, bool was, struct err *err)
{
	struct search search = {
		.audit = audit, .history = history, .was = was, .err = err};
	int rc;

	list_images(&search);
	list_paths(&search, few);
	history_start(history, commit);
	rc = walk(&search);
	for (size_t i = 0; !rc && i < search.count; i++) {
		count_from(audit, search.image[i]);
	}
	oversize_release(&search.oversize);
	pathset_release(&search.paths);
	buf_release(&search.id);
	free(search.image);
	free(search.state);
	return rc;
}

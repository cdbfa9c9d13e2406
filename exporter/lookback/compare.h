/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_COMPARE_H
#define EXPORTER_LOOKBACK_COMPARE_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/lookback/compare_event.h"
#include "exporter/snapshot/oversize.h"

/*
 * compare - what happened between two snapshots, as events about images, tags and
 * tag images. Applied to all records of the first snapshot, the events give all
 * records of the second.
 *
 *	struct compare_scope scope = {.album = "885999a5"};
 *	compare_trees(history, step.parent_tree, step.tree, &scope, each, payload, err);
 *
 * The records of a snapshot are
 *	images		their texts, as the albums' images.json have them
 *	tags		their texts, as audit/tags has them
 *	tag images	the live ones: their texts, in which `"image":{...}` is written
 *			as `"image_id":"ID"` and `"tag":{...}` as `"tag_id":"ID"`. If
 *			the text has a member `image_id` or `tag_id` already, they are
 *			written as `"image":"ID"` and `"tag":"ID"` instead, so that a
 *			reader can always tell what replaces an object.
 * Everything else in a snapshot follows from these.
 *
 * Order: events about tags by the tag's id, then about images by the image's id, then
 * about tag images by image and tag image; ids by their bytes.
 *
 * Cost: only files that differ between the trees are read. Memory: the texts of the
 * images that differ, and one body of each side.
 */

/* At most one of album, image and tag; all NULL: everything. */
struct compare_scope {
	/* Images that are in the album on either side, their tag images and the tags
	 * that these show. */
	const char *album;
	/* The paths of the album's images.json and of the tag images of every image in
	 * it afterwards, if the caller has them. NULL: its images.json is read. */
	struct pathset *album_paths;
	const char *image; /* this image, its tag images and the tags that these show */
	const char *tag;   /* this tag alone */
	/* What each of the snapshots lacks as it is too large; NULL: nothing. A file that one
	 * of them lacks for that reason gives no events: that is logged, and counted. */
	const struct oversize *lacks[2];
	uint64_t *skipped; /* NULL: not counted */
};

/* A non-zero return ends the comparison and is returned. */
typedef int compare_event_fn(const struct compare_event *event, void *payload);

/*
 * Compares two snapshots by their trees; `from` is NULL for nothing at all. Objects
 * are read through `history`, which may be in the middle of a walk: comparing the steps
 * of that walk saves reading trees twice.
 *
 * With a scope (NULL: everything) only paths within it are looked at: of an album its
 * images.json and the tag images of its images; of an image its tag images or, if it is
 * untagged, its album's list of untagged images. What is the same on both sides is not
 * read. An id that neither side has gives no events.
 * ERR_INPUT: a file of a snapshot is not what albumen writes.
 */
int compare_trees(struct history *history, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], const struct compare_scope *scope,
		  compare_event_fn *each, void *payload, struct err *err);

#endif

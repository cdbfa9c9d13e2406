/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_COMPARE_H
#define EXPORTER_LOOKBACK_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/body/body.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/object.h"

/*
 * compare - what happened between two snapshots, as events about images, tags and
 * tag images. Whoever has all of one snapshot's records and applies the events has
 * all of the other's.
 *
 *	struct compare_scope scope = {.album = "885999a5"};
 *	compare_trees(history, step.parent_tree, step.tree, &scope, each, payload, err);
 *
 * The records of a snapshot are
 *	images		their texts, as the albums' images.json have them
 *	tags		their texts, as audit/tags has them
 *	tag images	the live ones: their texts, in which `"image":{...}` stands as
 *			`"image_id":"ID"` and `"tag":{...}` as `"tag_id":"ID"`. Where
 *			that text has a member `image_id` or `tag_id` already, they stand
 *			as `"image":"ID"` and `"tag":"ID"` instead: so what stands for an
 *			object is never in doubt.
 * All else in a snapshot follows from these.
 *
 * Order: events about tags by the tag's id, then about images by the image's, then
 * about tag images by image and tag image; ids by their bytes.
 *
 * Cost: what differs between the trees is read, and no more. Memory: the texts of
 * the images that differ, and one body of each side.
 */

enum compare_kind {
	COMPARE_TAG_APPEARED,
	COMPARE_TAG_DISAPPEARED,
	COMPARE_TAG_RENAMED, /* its label or its name differ */
	COMPARE_TAG_CHANGED, /* other members do */
	COMPARE_IMAGE_APPEARED,
	COMPARE_IMAGE_DISAPPEARED,
	COMPARE_IMAGE_CHANGED, /* moves between albums too */
	COMPARE_TAGGED,        /* a tag image appeared */
	COMPARE_UNTAGGED,
	COMPARE_TAG_IMAGE_CHANGED, /* on the same image */
};

/* Everything in it is borrowed until the callback returns. */
struct compare_event {
	enum compare_kind kind;
	/* Ids, as UTF-8. image: image and tag image events; album: image events, the
	 * one it lies in afterwards (or lay in, if it is gone); tag: tag and tag image
	 * events; tag_image: those alone. tag is the one afterwards, too. */
	struct body_text image, album, tag, tag_image;
	/* The record's canonical text in the form described above. */
	struct body_text before, after;
};

/* "image_appeared": the value of "change" in the event's JSON. */
const char *compare_kind_name(enum compare_kind kind);

/*
 * Appends the event as one JSON object, canonical, without a newline. Its members,
 * in this order, those that the event has:
 *	"change", "image", "album", "tag_image", "tag"	strings
 *	"label"		tag_appeared, tag_disappeared: the tag's
 *	"members"	...changed, tag_renamed: [{"member":NAME,"before":V,"after":V}...],
 *			the record's own members that differ, in the order of the record
 *			before and then of the one after; a side that has none is left out
 *	"record"	the text after; of what is gone, the text before
 */
void compare_write(struct buf *out, const struct compare_event *event);

/* Appends the event as a line for people, without the newline. Long values are cut;
 * control characters are escaped, whatever the snapshot holds. */
void compare_print(struct buf *out, const struct compare_event *event);

/* A member of a record that differs between the sides of an event. */
struct compare_member {
	struct body_text name;          /* canonical: with its quotes */
	struct body_text before, after; /* canonical values; NULL: not there */
};
/* Calls `each` for the members that differ, in the order of compare_write. None
 * differs where only their order does. Spans are not NUL-terminated. */
typedef void compare_member_fn(const struct compare_member *member, void *payload);
void compare_members(const struct compare_event *event, compare_member_fn *each,
		     void *payload);

/* At most one of them; all NULL: everything. */
struct compare_scope {
	/* Images that lie in the album on either side, their tag images and the tags
	 * that these show. */
	const char *album;
	const char *image; /* this image likewise; also where it lies elsewhere */
	const char *tag;   /* events about this tag itself */
};

/* A non-zero return ends the comparison and is returned. */
typedef int compare_event_fn(const struct compare_event *event, void *payload);

/*
 * Compares two snapshots by their trees; `from` is NULL for nothing at all. Objects
 * are read by way of `history`, which may be in the midst of a walk: whoever compares
 * the steps of one saves reading trees twice.
 *
 * With a scope (NULL: everything) only paths that have to do with it are looked at,
 * and what is the same on both sides is not read: a comparison in a scope costs a few
 * tree objects where nothing in it changed. An id that no side has gives no events.
 * ERR_INPUT: a file of a snapshot is not what albumen writes.
 */
int compare_trees(struct history *history, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], const struct compare_scope *scope,
		  compare_event_fn *each, void *payload, struct err *err);

#endif

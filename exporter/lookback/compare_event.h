/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_COMPARE_EVENT_H
#define EXPORTER_LOOKBACK_COMPARE_EVENT_H

#include "data/base/buf.h"
#include "exporter/body/body.h"

/*
 * compare_event - one difference between two snapshots (compare.h), and how it is
 * printed.
 */

enum compare_kind {
	COMPARE_TAG_APPEARED,
	COMPARE_TAG_DISAPPEARED,
	COMPARE_TAG_RENAMED, /* its label or its name differs */
	COMPARE_TAG_CHANGED, /* only other members differ */
	COMPARE_IMAGE_APPEARED,
	COMPARE_IMAGE_DISAPPEARED,
	COMPARE_IMAGE_CHANGED, /* also where it moved to another album */
	COMPARE_TAGGED,        /* a tag image appeared */
	COMPARE_UNTAGGED,      /* a tag image disappeared */
	COMPARE_TAG_IMAGE_CHANGED,
};
#define COMPARE_KINDS (COMPARE_TAG_IMAGE_CHANGED + 1)

/* Everything in it is borrowed until the callback returns. */
struct compare_event {
	enum compare_kind kind;
	/* Ids, as UTF-8; absent where the event has none.
	 *	image		of image and tag image events
	 *	album		of image events: the album afterwards, or before if the
	 *			image is gone
	 *	tag		of tag and tag image events: the tag afterwards likewise
	 *	tag_image	of tag image events */
	struct body_text image, album, tag, tag_image;
	/* The record on either side (compare.h says in which form); absent where it
	 * appeared or disappeared. */
	struct body_text before, after;
	/* Of tag image events: the tag image afterwards, or before if it is gone, as the
	 * response shows it, with its image and its tag. */
	struct body_text shown;
};

/* "image_appeared": the value of "change" in the event's JSON. */
const char *compare_kind_name(enum compare_kind kind);

/* Whether the member `name` is written differently on the two sides. */
bool compare_member_differs(const struct compare_event *event, const char *name);

/*
 * Appends the members of the event's JSON object, canonical; the caller opens and closes
 * it. They are, in this order, those that an event of its kind has:
 *	"change", "image", "album", "tag_image", "tag"	strings
 *	"label"		tag_appeared, tag_disappeared: the tag's
 *	"members"	...changed, tag_renamed: [{"member":NAME,"before":V,"after":V}...],
 *			the record's own members that differ, first those of the record
 *			before in its order, then those that only the record after has;
 *			a side without the member is left out. Empty if only the order of
 *			the members differs
 *	"record"	the record after; if it is gone, the record before
 */
void compare_write(struct buf *out, const struct compare_event *event);

/*
 * Appends the event as a line for people, without the newline. Values are JSON, cut if they
 * are long, and so are ids and names of members that have a space, a quote, a backslash or
 * a character that plain.h escapes. Behind an id stands, in quotes, what the image or the tag
 * is called (words.h) afterwards, or before if it is gone; and behind a tag image who made it
 * and when, as far as it says so:
 *
 *	image i1 "Quay 3" tagged with t1 "Crane" by tag image k1, made by ann at 2026-01-01T12:00:00Z
 *
 * A removal has no such words: what a snapshot lacks does not say who removed it.
 */
void compare_print(struct buf *out, const struct compare_event *event,
		   const char *language);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_TREE_H
#define EXPORTER_VERIFY_VERIFY_TREE_H

#include <stdint.h>

#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_tree - the trees of two snapshots after each other: what the newer one has
 * that the older one has not is checked against the layout of a snapshot
 * (CONTRACT.md, section 5), and every file that differs is told. Equal folders are
 * not read.
 *
 * What is not as it should be is a failure and does not exist for the caller: a
 * folder that cannot be read is empty, an entry that does not belong is not told.
 * As that depends on nothing but the objects, the same holds when the folder is the
 * older side, so that what is told adds up.
 */

enum verify_tree_kind {
	VERIFY_TREE_IMAGES,     /* albums/xx/yy/N/images.json */
	VERIFY_TREE_UNTAGGED,   /* albums/xx/yy/N/images/untag.json */
	VERIFY_TREE_TAG_IMAGES, /* tag_images/xx/yy/N.json */
	VERIFY_TREE_ALBUM_OF,   /* tag_images/xx/yy/N.album */
	VERIFY_TREE_TAG,        /* audit/tags/xx/yy/N.json */
};

struct verify_tree_change {
	enum verify_tree_kind kind;
	const char *path; /* these are borrowed until the callback returns */
	const char *id;   /* that N stands for: a good one, NUL-terminated */
	size_t id_len;
	const uint8_t *old_blob, *new_blob; /* NULL: there is none */
};
typedef void verify_tree_fn(const struct verify_tree_change *change, void *payload);

/* Tells tags first, then albums, then images. `from` may be NULL: nothing. */
void verify_tree_walk(struct verify_store *store, struct verify_report *report,
		      const uint8_t *from, const uint8_t to[OBJECT_ID],
		      verify_tree_fn *each, void *payload);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_MESSAGE_H
#define EXPORTER_ERASE_ERASE_MESSAGE_H

#include "data/base/buf.h"
#include "exporter/erase/erase_records.h"
#include "exporter/erase/erase_tree.h"

/*
 * erase_message - the message of a snapshot, or of a label, that is written anew. All of it
 * stays but what the erasure changes:
 *
 *	the subject		counts the files that the snapshot changes now
 *	Albumen-Images, -Untagged, -Albums, -Tags, -Tag-Images
 *	Albumen-Oversize	goes if the image that it names is erased
 *	Albumen-Drop		is added to the last snapshot, for a member
 *	Albumen-Tree-SHA256	if it was there
 *	Albumen-Was		comes last
 */
struct erase_message {
	const uint8_t *was;                /* the id that the object had */
	const char *sha256;                /* of the new tree, in hex; NULL: not known */
	const struct erase_counts *counts; /* NULL: of a label, which has none */
	const struct erase_tree_counts *files; /* NULL: the subject stays */
	const struct erase_ids *images;        /* that are erased; NULL: none */
	/* Members to be declared as left out, and what was matched; NULL: none. */
	const struct redact *members;
	const struct redact_matched *matched;
};

void erase_message_write(struct buf *out, const char *message,
			 const struct erase_message *changes);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_RECORDS_H
#define EXPORTER_ERASE_ERASE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/erase/erase_ids.h"
#include "exporter/erase/erase_store.h"
#include "exporter/git/tree/edits.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/redact.h"

/*
 * erase_records - what the files of a snapshot would be without some records, step by step
 * from one snapshot to the next.
 *
 * Erased are images, tag images, tags, and members of all records (redact.h). For each snapshot:
 *
 *	tag images of an erased image		go, and so does its `.album`
 *	tag images of any other image		are left out if they are erased, or their tag is
 *	images.json of an album			without erased images; gone if none is left
 *	untag.json of an album			the same; an image that has lost its last tag
 *						image comes in at its place
 *	a tag					goes if it is erased; its count is that of the
 *						tag images that are left
 *
 * Everything that stays keeps its bytes. Of images, albums and tags that are concerned it is
 * remembered how, so that a step only looks at what the snapshot changed. If only images are
 * erased, that is the files of these images, the lists of the albums that they are in, and
 * their tags. Otherwise it is every file that changed: each version of a file is read once.
 */

/* What is erased. The sets have ids as UTF-8. */
struct erase_what {
	struct erase_ids images, tag_images, tags;
	const struct redact *members; /* NULL: none */
};

/* By how much the counts of a snapshot change. */
struct erase_counts {
	int64_t images, untagged, albums, tags, tag_images;
};

struct erase_records;

/* `what` and `store` are borrowed. Images may be added to `what` until the first step. */
struct erase_records *erase_records_new(const struct erase_what *what,
					struct erase_store *store);
/* NULL is allowed. */
void erase_records_free(struct erase_records *records);

/*
 * One step: what the tree `now` would be, if that of the snapshot before it is `before`. NULL
 * begins anew. `lacks`: what the snapshot `now` does not have as it is too large.
 * ERR_INPUT: a file is not what albumen writes. ERR_REFUSED: it cannot be told, because a list
 * of an album is too large for the snapshot.
 */
int erase_records_step(struct erase_records *records, const uint8_t *before,
		       const uint8_t now[OBJECT_ID], const struct oversize *lacks,
		       struct err *err);

/* Of the last step: sorted edits for erase_tree.h, and their objects; the counts; the members
 * that were left out in it. */
const struct edits *erase_records_edits(const struct erase_records *records);
const uint8_t *erase_records_object(const struct erase_records *records, uint32_t object);
const struct erase_counts *erase_records_counts(const struct erase_records *records);
const struct redact_matched *erase_records_matched(const struct erase_records *records);

/* Which of what is erased was found in any step: by the numbers of the sets. */
bool erase_records_found_image(const struct erase_records *records, uint32_t number);
bool erase_records_found_tag_image(const struct erase_records *records, uint32_t number);
bool erase_records_found_tag(const struct erase_records *records, uint32_t number);
bool erase_records_found_member(const struct erase_records *records, size_t path);

#endif

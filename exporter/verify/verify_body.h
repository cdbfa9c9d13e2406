/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_BODY_H
#define EXPORTER_VERIFY_VERIFY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/format/record.h"

/*
 * verify_body - what the files of a snapshot say, by themselves: whether a body is
 * canonical, has the right shape, and is sorted. Pure: no I/O.
 *
 * A body that is not sound has, in addition to the failures that are told, only the
 * records that are good: none at all where it is not canonical. That depends on
 * its bytes alone (and on what `told` is about not at all).
 */

#define VERIFY_BODY_DIGEST 16

/* Stands for a record's text: the beginning of its SHA-256. */
struct verify_body_digest {
	uint8_t bytes[VERIFY_BODY_DIGEST];
};
void verify_body_digest(struct verify_body_digest *out, const void *text, size_t len);

/* Reads bodies; reuse one to save allocations. Zeroed is ready for use. */
struct verify_body {
	/* Called for each failure; NULL: none is told. */
	void (*told)(const char *problem, void *payload);
	void *payload;
	/* scratch */
	struct buf canon;
	struct json_object elements, members;
	struct record_reader reader;
};
void verify_body_release(struct verify_body *body);

/*
 * An array of records of one kind, RECORD_IMAGE or RECORD_TAG_IMAGE with an embedded
 * image and tag, sorted by (created_at, id). Each is told with the text of the array
 * and all that the reader found in it.
 */
typedef void verify_body_fn(const char *text, const struct record *record, void *payload);
void verify_body_records(struct verify_body *body, const struct buf *text,
			 enum record_kind kind, verify_body_fn *each, void *payload);

/* {"tag":{...},"tag_images":COUNT}: false if it is not. *id: the tag's. */
bool verify_body_tag(struct verify_body *body, const struct buf *text,
		     struct record_id *id, struct verify_body_digest *digest,
		     uint64_t *count);

#endif

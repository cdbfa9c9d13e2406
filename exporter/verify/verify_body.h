/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_BODY_H
#define EXPORTER_VERIFY_VERIFY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/format/record.h"
#include "exporter/body/body.h"
#include "exporter/verify/verify_report.h"

/*
 * verify_body - checks the files of a snapshot one by one: that a body is canonical,
 * has the right form, and is sorted (exporter/body reads them and trusts them more).
 *
 * A faulty body has only its good records, and none if it is not canonical. Which they
 * are depends on its bytes alone, so what is added for one snapshot can be subtracted
 * for the next one.
 */

#define VERIFY_BODY_DIGEST 16

/* Stands for a record's text: the beginning of its SHA-256. */
struct verify_body_digest {
	uint8_t bytes[VERIFY_BODY_DIGEST];
};
void verify_body_digest(struct verify_body_digest *out, const void *text, size_t len);

/* Reads the body that the caller puts into body.bytes. Zeroed is ready for use; reuse
 * it to save allocations. */
struct verify_body {
	struct body body;
	struct verify_report *report; /* of failures, at `path`; NULL: none is reported */
	const char *path;
	/* Private. */
	struct record_reader reader;
};
void verify_body_release(struct verify_body *body);

/* Reads an array of records, which are sorted by (created_at, id): QUERY_IMAGES, or
 * QUERY_TAG_IMAGES, where each has its image and tag embedded. Calls `each` with the
 * text of each record and what the record reader found in it. */
typedef void verify_body_fn(const char *text, const struct record *record, void *payload);
void verify_body_records(struct verify_body *body, enum query_response kind,
			 verify_body_fn *each, void *payload);

/* Reads {"tag":{...},"tag_images":COUNT}: false if it is not that. *id, *digest: of the
 * tag. */
bool verify_body_tag(struct verify_body *body, struct record_id *id,
		     struct verify_body_digest *digest, uint64_t *count);

#endif

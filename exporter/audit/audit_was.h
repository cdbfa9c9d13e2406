/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_WAS_H
#define EXPORTER_AUDIT_AUDIT_WAS_H

#include "data/base/err.h"
#include "exporter/audit/audit.h"
#include "exporter/body/body.h"
#include "exporter/git/snapshot.h"

/*
 * audit_was - which tag an untagged image lost, and who had given it. That is read from
 * audit_image::was when it is asked for, as it would take much memory for many images.
 *
 *	struct audit_was *was = audit_was_new(repo);
 *	struct audit_was_tag tag;
 *	rc = audit_was_read(&tag, was, image, err);
 *	if (!rc && tag.id.data) { ... }
 *	audit_was_free(was);
 */

struct audit_was;

/* The repository is borrowed. */
struct audit_was *audit_was_new(struct snapshot_repo *repo);
/* NULL is allowed. */
void audit_was_free(struct audit_was *was);

/* Of the last tag image; borrowed until the next call. */
struct audit_was_tag {
	struct body_text id;          /* of the tag, UTF-8; absent: nothing is known */
	struct body_text label, name; /* of the tag, as it was then: JSON, or absent */
	struct body_text created_at;  /* of the tag image: JSON, or absent */
	struct body_text by;          /* its `user`: JSON, or absent */
};

/* Reads the image's last tag image by (created_at, id). If none of several says when it was
 * made, it is not known which one is the last. ERR_INPUT: they are not what albumen writes. */
int audit_was_read(struct audit_was_tag *out, struct audit_was *was,
		   const struct audit_image *image, struct err *err);

#endif

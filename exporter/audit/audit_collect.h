/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_COLLECT_H
#define EXPORTER_AUDIT_AUDIT_COLLECT_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"
#include "exporter/git/snapshot.h"

/*
 * audit_collect - makes an audit of one snapshot. It reads the repository alone, so a
 * clone will do.
 *
 *	struct audit *audit = NULL;
 *	audit_collect(&audit, repo, &info, as_of_s, NULL, 0, err);
 *	... audit->all, audit->album[0 .. audit->album_count - 1] ...
 *	audit_free(audit);
 */

enum audit_flags {
	AUDIT_THUMBNAILS = 1 << 0, /* also read the addresses of thumbnails */
	/* Count from what was observed alone (audit_image::from_s), not from creation. */
	AUDIT_OBSERVED = 1 << 1,
	AUDIT_WAS = 1 << 2, /* look for audit_image::was in all of the history */
};

/*
 * Audits the snapshot `info`, or one album of it: ERR_NOTFOUND if the snapshot has no
 * album of that id. ERR_INPUT: the snapshot contradicts itself, or an older albumen
 * made it, which did not write what an audit needs.
 *
 * Costs: the tag images of the audited images are read, once; history is read back to
 * the snapshot that answers the last question, and only what differs from one snapshot
 * to the next. The questions: the `since` of each image; for AUDIT_WAS, and without
 * AUDIT_OBSERVED for those created before their `since`, also whether the image was in an
 * earlier snapshot. An image that was not takes the walk back to the first one.
 */
int audit_collect(struct audit **out, struct snapshot_repo *repo,
		  const struct snapshot_info *info, int64_t as_of_s, const char *album,
		  unsigned flags, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_SITE_H
#define EXPORTER_SITE_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * site - a folder as the projection of one snapshot (CONTRACT.md, sections 5 and
 * 8). Each file by temporary file and rename; snapshot.json last.
 *
 * What a site is at: snapshot.json names the commit that every file is at.
 * SITE/.albumen/ is the site's own (a web server must not serve it): `lock`, the
 * writer's lock; `tmp/`, files on their way; `pending`, the commits that an
 * interrupted publication may have left files of, or "done". (site.c tells the
 * whole story.)
 */

struct site_result {
	uint64_t written, removed; /* files */
	bool touched;              /* false: the site was there already */
};

enum site_flags {
	/* Also write api/v1/tag_images.json, the collection of all live tag images;
	 * without it that file is removed. Costs the whole data. */
	SITE_COLLECTIONS = 1 << 0,
	/* Also have the audit page (page_site.h); without it that is removed. The
	 * first time costs the whole data. */
	SITE_AUDIT_PAGE = 1 << 1,
};

/*
 * Brings the folder `path` (made if absent) to the snapshot `to`. A folder whose
 * state is not known is compared file by file: what is not of the snapshot
 * below api/v1/tag_images and api/v1/albums goes, all else stays.
 * ERR_LOCKED: another process publishes there.
 */
int site_publish(const char *path, struct snapshot_repo *repo,
		 const struct snapshot_info *to, unsigned flags,
		 struct site_result *result, struct err *err);

#endif

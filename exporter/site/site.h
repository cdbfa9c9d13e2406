/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_SITE_H
#define EXPORTER_SITE_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

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
	/* A folder, or another part of the site that costs nothing to look for, had gone, as
	 * the log tells. site_check finds, and mends, all of it. */
	bool damaged;
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

/* What a look at every file found. */
struct site_check {
	place_found_fn *found; /* told of each file that is not as in the snapshot */
	void *payload;
	uint64_t missing, changed, extra; /* files */
	bool unfinished;                  /* a publication to this site did not end */
	bool mended;
};

/*
 * Compares every file of the folder `path` with the snapshot `to`; with `mend`, then
 * brings it to that where anything differs. The collection and the audit page are part
 * of it where the site says that it has them, or `flags` ask for them. Without `mend`
 * nothing is changed. ERR_NOTFOUND: no such folder. ERR_LOCKED: as above.
 */
int site_check(const char *path, struct snapshot_repo *repo,
	       const struct snapshot_info *to, unsigned flags, bool mend,
	       struct site_check *check, struct err *err);

#endif

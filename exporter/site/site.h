/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_SITE_H
#define EXPORTER_SITE_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * site - the files of one snapshot, in a place (place.h), for a web server (albumen(7)).
 *
 * snapshot.json names the commit that every file is at; it is written last. SITE/.albumen
 * belongs to us, and a web server must not serve it: each kind of place keeps there who publishes,
 * and which commits an interrupted publish may have left files of.
 *
 * The order of writes and fsyncs of a publish is explained at the top of site.c, what a store
 * does in its place at the top of place_store.c.
 */

struct site_result {
	uint64_t written, removed; /* files */
	uint64_t bytes;            /* of the files that were written */
	uint64_t requests;         /* about how many that took; 0: it is a folder */
	bool touched;              /* false: the site was at the snapshot already */
	/* Files were missing that the site must have had, as the log says. Only those that
	 * cost nothing to look for: site_check finds all. */
	bool damaged;
};

enum site_flags {
	/* The site also has the collected responses (response.h). Without this flag they
	 * are removed. The cost grows with the data. */
	SITE_COLLECTIONS = 1 << 0,
	/* The site also has the audit page (page_site.h). Without this flag it is removed.
	 * The cost of the first time grows with the data. */
	SITE_AUDIT_PAGE = 1 << 1,
	/* Whosever the folder is (foreign.h). Without this flag the caller has checked that,
	 * and it is checked once more with the lock. */
	SITE_FOREIGN = 1 << 2,
	/* Only finds out what would be done, and changes nothing; without the lock. */
	SITE_DRY_RUN = 1 << 3,
};

/*
 * Brings the site at `place` (made if it is missing) to the snapshot `to`. `key` is for the audit
 * page: the fingerprint of the key that the snapshot is signed with, or NULL. If the state of the
 * site is not known, every file is compared: files of albums and images that the snapshot
 * does not have are removed, all others stay. ERR_LOCKED: another process publishes there.
 * ERR_REFUSED: another repository has published there meanwhile.
 */
int site_publish(struct place *place, struct snapshot_repo *repo,
		 const struct snapshot_info *to, const char *key, unsigned flags,
		 struct site_result *result, struct err *err);

/* What comparing every file found. */
struct site_check {
	place_found_fn *found; /* called for each file that differs */
	void *payload;
	uint64_t missing, changed, extra; /* files */
	bool unfinished;                  /* a publish of this site did not finish */
	bool repaired;
};

/*
 * Compares every file of the site with the snapshot `to`. With `repair`, the site
 * is then brought to the snapshot if anything differs; without it, nothing is changed.
 * Collected responses and the audit page are compared if snapshot.json says that the site
 * has them, or `flags` ask for them. ERR_LOCKED: another process publishes there.
 */
int site_check(struct place *place, struct snapshot_repo *repo,
	       const struct snapshot_info *to, const char *key, unsigned flags,
	       bool repair, struct site_check *check, struct err *err);

#endif

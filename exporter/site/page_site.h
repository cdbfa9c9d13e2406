/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PAGE_SITE_H
#define EXPORTER_SITE_PAGE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/page/page.h"
#include "exporter/site/place.h"

/*
 * page_site - the audit page of a site:
 *
 *	audit/index.html		the page, the same in every site
 *	audit/data/summary.js		the snapshot, its counts, and which other files exist
 *	audit/data/albums/XX.js		the albums in the snapshot's folder XX, with counts, and
 *					when the oldest untagged image of each was created
 *	audit/data/untagged/N.js	the first PAGE_HEAD untagged images of an album, if it has
 *					any
 *	audit/data/untagged/N.rest.js	its other untagged images, if there are more (no N has
 *					a dot)
 *	audit/data/history/K.js		PAGE_CHUNK snapshots: how many images were untagged
 *	audit/data/labels.js		the labels of all snapshots
 *
 * All of it follows from the snapshot and those before it; but labels are those that there
 * were when the snapshot was published. A file of data calls one function of data.js with
 * arrays: scripts are all that a page opened from a disk may load. Texts in them are canonical
 * JSON.
 *
 * The page lists the untagged images of all albums by the time of their creation. No file has
 * that list: one changed image would rewrite it. The browser merges the albums' lists (data.js,
 * Merge), whose beginnings it knows from albums/XX.js. To show the first n images it loads
 * n + 8 files untagged/N.js at most, of PAGE_HEAD images at most, also where there are a million
 * images, and it asks for them in steps of 200.
 *
 *	page_site_open(&page, &job, err);
 *	page_site_change(page, path, body, err);	(each file of an album that changed)
 *	page_site_write(page, &removed, err);
 *	page_site_close(page);
 *
 * One changed image costs four files: of its album (its two, if it has more than PAGE_HEAD
 * untagged images), of the folder XX of its album, the last of history, and the summary.
 * A publish that writes any of it also reads all labels.
 */

struct page_site;

/* *is: the page of a site that is at the snapshot `at` shows no history from before its
 * beginning. It does after `prune`, which changes what is before a snapshot, and not the
 * snapshot. */
int page_site_is_current(bool *is, struct place *place, struct snapshot_repo *repo,
			 const struct snapshot_info *at, struct err *err);

/* Puts a file of the site, now or later. */
typedef int page_site_put_fn(const char *path, const char *body, size_t len,
			     void *payload, struct err *err);

struct page_site_job {
	struct snapshot_repo *repo;
	const struct snapshot_info *to;
	/* The commit that the page in the site is at: then page_site_change is called with
	 * what changed since. "": not known, so everything is written. */
	struct snapshot_id base;
	/* page_site_change is called with every file of the snapshot. Otherwise, without a
	 * base, page_site_write reads them. */
	bool every_file;
	struct place *place;
	/* The snapshot's signature; it is never verified. */
	struct page_signature signature;
	/* The place only looks (place_set_look): labels that are there are not compared, as
	 * some may have been made since. */
	bool looks;
	page_site_put_fn *put;
	void *payload;
};

/* The mark of this program's page, in hex: a digest of what it shows and how its data are
 * written. A page with another mark has to be written anew. */
#define PAGE_SITE_MARK 16
int page_site_mark(char mark[PAGE_SITE_MARK + 1], struct err *err);

int page_site_open(struct page_site **out, const struct page_site_job *job,
		   struct err *err);
/* NULL is allowed. */
void page_site_close(struct page_site *page);

/* Records that a file of the snapshot changed (`body` NULL: was removed), and puts the
 * untagged images of its album. Ignores files that are not about an album. Touches the
 * place only through `put`. */
int page_site_change(struct page_site *page, const char *path, const struct buf *body,
		     struct err *err);

/* Writes all the rest, and removes files that the page no longer has. */
int page_site_write(struct page_site *page, uint64_t *removed, struct err *err);

/* Removes the page from a site. Other files in audit/ stay. */
int page_site_remove(struct place *place, uint64_t *removed, struct err *err);

#endif

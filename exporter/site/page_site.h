/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PAGE_SITE_H
#define EXPORTER_SITE_PAGE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * page_site - the audit page of a site:
 *
 *	audit/index.html		the page, the same in every site
 *	audit/data/summary.js		the snapshot, its counts, and what else there is
 *	audit/data/albums/XX.js		the albums in the snapshot's folder XX, with counts
 *	audit/data/untagged/N.js	the untagged images of an album that has any
 *	audit/data/history/K.js		PAGE_CHUNK snapshots: how many were untagged
 *
 * All of it follows from the snapshot and those before it. A file of data is one
 * call of a function of data.js with arrays, because a page that was opened from a
 * disk may load scripts and nothing else. Text in them is canonical JSON.
 *
 *	page_site_open(&page, &job, err);
 *	page_site_change(page, path, body, err);	(album files that changed)
 *	page_site_write(page, &removed, err);
 *	page_site_close(page);
 *
 * One changed image costs the file of its album, that of the album's folder XX, the
 * last of history, and the summary.
 */

struct page_site;

/* Puts a file of the site now or later. */
typedef int page_site_put_fn(const char *path, const char *body, size_t len,
			     void *payload, struct err *err);

struct page_site_job {
	struct snapshot_repo *repo;
	const struct snapshot_info *to;
	/* The snapshot whose page the site has, whole; then page_site_change is told
	 * what differs. "": no such thing is known, and everything is written. */
	struct snapshot_id base;
	/* page_site_change is told of every file of the snapshot. Else, without a
	 * base, they are read when the page is written. */
	bool told_all;
	struct place *place;
	const char *site; /* path of the place */
	page_site_put_fn *put;
	void *payload;
};

/* The mark of this program's page, in hex: what it shows and how its data are
 * written. A site with another one has to be written anew. */
#define PAGE_SITE_MARK 16
int page_site_mark(char mark[PAGE_SITE_MARK + 1], struct err *err);

int page_site_open(struct page_site **out, const struct page_site_job *job,
		   struct err *err);
/* NULL is allowed. */
void page_site_close(struct page_site *page);

/* Takes notice of a file of the snapshot, or, with a `body` of NULL, of one that is
 * gone, and puts the images of its album. Other paths than those of albums' images
 * are ignored. Does not touch the place but by way of `put`. */
int page_site_change(struct page_site *page, const char *path, const struct buf *body,
		     struct err *err);

/* Writes all the rest, and removes what is no more. */
int page_site_write(struct page_site *page, uint64_t *removed, struct err *err);

/* Removes the page from a site. What else lies in audit/ stays. */
int page_site_remove(struct place *place, uint64_t *removed, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_PAGE_PAGE_H
#define EXPORTER_PAGE_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/audit/audit.h"
#include "exporter/git/snapshot.h"

/*
 * page - the audit page: one HTML file with its style and script inside, made of
 * page/page.html, page.css and four scripts, which come with the program (beside.h).
 *
 * It has two forms. With its data inside it is a report that may be mailed around;
 * without, it loads what it needs from data/ beside it (page_site.h). The data are
 * the same in both: rows of arrays, which page/data.js explains at its top.
 */

#define PAGE_UNKNOWN UINT64_MAX /* a count that the data do not say */

enum page_form {
	PAGE_REPORT, /* data inside; it may load nothing but thumbnails, when asked */
	PAGE_SITE,   /* scripts of its own folder, too */
};

struct page {
	struct buf text;
	size_t data_at; /* where a report's data go */
};

/* Reads the page. ERR_NOTFOUND: the program's files are not there. */
int page_read(struct page *out, enum page_form form, struct err *err);
void page_release(struct page *page);

/* Writes the report of an audit that was made with AUDIT_THUMBNAILS, and the history
 * up to its snapshot, to `out`. */
int page_print(FILE *out, struct snapshot_repo *repo, const struct audit *audit,
	       struct err *err);

#endif

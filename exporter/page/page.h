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
 * page - the audit page: one HTML file that contains its style and its script. It is made
 * of exporter/page/page.html, page.css and four scripts, which are found at run time
 * (data/base/beside.h).
 *
 * It has two forms. A report contains its data, and can be sent as one file. The page of a
 * site loads its data from data/ beside it (page_site.h). The data are the same in both:
 * rows, which data.js explains at its top.
 */

#define PAGE_UNKNOWN UINT64_MAX /* a count that is not known */
/* A count that the snapshot does not say, as the list is too large for it: null. */
#define PAGE_TOO_LARGE (UINT64_MAX - 1)

enum page_form {
	PAGE_REPORT, /* may load only thumbnails, when the user asks for them */
	PAGE_SITE,   /* may also load scripts of its own folder */
};

struct page {
	struct buf text;
	size_t data_at; /* where the data of a report go: an offset in the text */
};

/* Makes the page. ERR_NOTFOUND: our files are not installed. */
int page_read(struct page *out, enum page_form form, struct err *err);
void page_release(struct page *page);

/* Writes the report of an audit to `out`, with the history up to its snapshot. The audit
 * must have been made with AUDIT_THUMBNAILS. */
int page_print(FILE *out, struct snapshot_repo *repo, const struct audit *audit,
	       struct err *err);

#endif

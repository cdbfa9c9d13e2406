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
 * of exporter/page/page.html, page.css and the scripts beside them, which are found at run time
 * (data/base/beside.h).
 *
 * It has two forms. A report contains its data, and can be sent as one file. The page of a
 * site loads its data from data/ beside it (page_site.h). The data are the same in both:
 * rows, which data.js explains at its top.
 */

#define PAGE_UNKNOWN UINT64_MAX /* a count that is not known */
/* A count that the snapshot does not say, as the list is too large for it: null. */
#define PAGE_TOO_LARGE (UINT64_MAX - 1)
#define PAGE_NO_TIME INT64_MIN /* a time that is not known */

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

/* By whom a snapshot was signed, as its page says. */
struct page_signature {
	/* The fingerprint ("SHA256:..."); "": it cannot be read. NULL: there is no signature. */
	const char *key;
	/* Whose key that is, if the signature has just been verified; else NULL. */
	const char *principal;
};

/* Writes the report of an audit of the snapshot `info` to `out`, with the history up to it.
 * The audit must have been made with AUDIT_THUMBNAILS. Memory: 24 bytes for each untagged
 * image besides the audit. */
int page_print(FILE *out, struct snapshot_repo *repo, const struct snapshot_info *info,
	       const struct audit *audit, const struct page_signature *signature,
	       struct err *err);

/* --- data that both forms have, as JSON --- */

/* Adds the members `name` (of the library, MESSAGE_NAME), `key` and `principal` to an object.
 * Each is absent if there is none. */
void page_add_origin(struct buf *out, const char *message,
		     const struct page_signature *signature);
/* Appends the labels of all snapshots as an array with a line for each: [NAME,COMMIT]; of
 * albumen's own, what happened to the history stands behind (labels.h): [NAME,COMMIT,TEXT].
 * Reads one object or two for each label. */
int page_add_labels(struct buf *out, struct snapshot_repo *repo, struct err *err);
/* The Unix seconds of a created_at (canonical JSON, or `len` 0), or PAGE_NO_TIME. */
int64_t page_created_s(const char *created_at, size_t len);
/* Appends an element: these seconds; or the created_at itself if it is not an instant; or
 * null. */
void page_add_created(struct buf *out, const char *created_at, size_t len);
/* Adds a text that a commit or a tag holds, and need not be UTF-8. */
void page_add_text(struct buf *out, const char *name, const char *text, size_t len);

#endif

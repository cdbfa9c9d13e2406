/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_XML_H
#define EXPORTER_S3_S3_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * s3_xml - the two documents that are read of an S3 server: an error, and a page of a listing.
 *
 * libexpat parses them. A document type, and so every entity of its own, ends the parsing, and so
 * do more than S3_XML_DEPTH elements within each other. Memory is at most some times the
 * document, which the caller bounds.
 */

#define S3_XML_DEPTH 16

/* Texts that are longer are cut. "" is what the document does not say. */
struct s3_xml_error {
	char code[64];     /* "NoSuchKey" */
	char message[256]; /* for people */
	char region[64];   /* in which the bucket lies */
};

/* Reads as much as can be read: what sends an error may as well send no XML at all. */
void s3_xml_error(struct s3_xml_error *out, const char *xml, size_t len);

struct s3_xml_entry {
	size_t key, etag; /* offsets of strings in `text` */
	uint64_t size;
};

/* Zeroed is empty. */
struct s3_xml_page {
	struct buf text;
	struct s3_xml_entry *entry;
	size_t count, cap;
	size_t token; /* where the next page begins: an offset; 0: this is the last one */
	bool truncated; /* the document says that this is not the last one */
	bool escaped;   /* the keys are as in a URL */
};

/* Reads a ListBucketResult. Keys are unescaped, and ETags without quotes, in the result.
 * ERR_FAIL: it is none, or a key has a NUL. */
int s3_xml_page(struct s3_xml_page *out, const char *xml, size_t len, struct err *err);
void s3_xml_release(struct s3_xml_page *page);

#endif

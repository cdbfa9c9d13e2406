/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_ROWS_H
#define EXPORTER_VERIFY_VERIFY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_body.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"
#include "exporter/verify/verify_table.h"

/*
 * verify_rows - what verify_state.h knows of a snapshot: a row for each image, album and tag,
 * by its id. verify_apply.c brings them to the next snapshot, verify_agree.c compares them.
 *
 * A response that is too large for a snapshot has no file. Its row has a flag instead, from
 * the trailers. Then it is not known which tags the image has, so that the counts of tags are
 * lower bounds; or which images the album has, so that their .album files say it.
 */

struct verify_rows_image {
	struct verify_body_digest text;  /* in the album's list */
	struct verify_body_digest shown; /* in its tag images */
	uint32_t album;                  /* that lists it; 0: none */
	uint32_t named;                  /* the album that its .album names; 0: none */
	uint32_t tag_images;
	uint32_t lists; /* how often it stands in a list */
	bool has_json : 1, has_album : 1, untagged : 1, mixed : 1;
	bool oversize : 1; /* its tag images are */
};

struct verify_rows_album {
	uint8_t list[OBJECT_ID], old_list[OBJECT_ID], untagged[OBJECT_ID];
	bool has_list : 1, had_list : 1, has_untagged : 1;
	bool relisted : 1; /* the list is another one; old_list is what it was */
	bool oversize : 1, oversize_untagged : 1; /* the lists are */
	bool reflagged : 1;                       /* one of these has changed */
};

struct verify_rows_tag {
	struct verify_body_digest text;
	uint64_t said;    /* tag images, according to its file */
	uint64_t counted; /* and according to theirs */
	bool known;
};

/* As the trailers of a snapshot count. */
struct verify_rows_counts {
	uint64_t images, untagged, albums, tags, tag_images;
};

struct verify_rows {
	struct verify_store *store;
	struct verify_report *report;
	struct verify_table images, albums, tags; /* by id */
	/* By the blob that .album files hold. An album has the same number in both. */
	struct verify_table album_blobs;
	struct verify_table
		shown; /* (tag, text) pairs in tag images; a row counts them */
	struct verify_rows_counts counts;          /* of files */
	uint64_t oversize_images, oversize_albums; /* rows with such a flag */
	uint64_t said; /* tag images, according to the files of all tags */
	/* Scratch. */
	struct verify_body body;
	struct buf path, untagged;
};

/* Both are borrowed. */
void verify_rows_init(struct verify_rows *rows, struct verify_store *store,
		      struct verify_report *report);
void verify_rows_release(struct verify_rows *rows);

/* The number of the album with that id. */
uint32_t verify_rows_add_album(struct verify_rows *rows, const char *id, size_t len);
/* How many tag images show this text of the tag. */
uint64_t *verify_rows_count_shown(struct verify_rows *rows, uint32_t tag,
				  const struct verify_body_digest *text);
bool verify_rows_equal(const struct verify_body_digest *a,
		       const struct verify_body_digest *b);
/* Whether a record's id is that of a row. */
bool verify_rows_is(const struct record_id *id, const struct verify_table *table,
		    uint32_t number);

/* The path of a row's file; borrowed until the next one. */
const char *verify_rows_path(struct verify_rows *rows, enum query_response kind,
			     uint32_t number);
/* Reports a failure of a row's file. */
void verify_rows_fail(struct verify_rows *rows, enum query_response kind, uint32_t number,
		      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Reports that the blob at `path` cannot be read; `rc` as of verify_store_read, 0: it is of
 * another type. */
void verify_rows_fail_blob(struct verify_rows *rows, const uint8_t *id, const char *path,
			   int rc);

/* Checks that a blob whose id says all about it is there. */
void verify_rows_look(struct verify_rows *rows, const uint8_t *id, const char *path);
/* Reads a file into rows->body. Failures of it are reported, unless path is NULL. */
bool verify_rows_read(struct verify_rows *rows, const uint8_t *id, const char *path);

#endif

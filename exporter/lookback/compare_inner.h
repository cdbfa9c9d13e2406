/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_COMPARE_INNER_H
#define EXPORTER_LOOKBACK_COMPARE_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/format/json.h"
#include "data/index/query.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/object.h"
#include "exporter/lookback/compare.h"

/*
 * compare, from the inside: what compare.c (everything, and the order of events),
 * compare_scope.c (one album, image or tag), compare_tags.c (tag images),
 * compare_body.c (files of a snapshot) and compare_list.c (records that wait for
 * their turn) are to each other. For these alone.
 */

/* --- compare_list.c --- */

/* A record on one side; offsets into the list's pool. */
struct compare_record {
	size_t id, id_len;
	size_t album, album_len;
	size_t text, text_len;
	bool after;
};
/* Zeroed is empty. */
struct compare_list {
	struct compare_record *record;
	size_t count, cap;
	struct buf pool;
};
void compare_list_add(struct compare_list *list, bool after, const struct body_text *id,
		      const struct body_text *album, const struct body_text *text);
/* By id; of one id, the side before first. */
void compare_list_sort(struct compare_list *list);
/* Borrowed until something is added. */
struct body_text compare_list_text(const struct compare_list *list, size_t off,
				   size_t len);
/* Of a sorted list: the next pair of one id that differs, from *at on; one of the two
 * may be NULL. Returns the one after, else the one before; NULL at the end. */
const struct compare_record *compare_list_next(const struct compare_list *list,
					       size_t *at,
					       const struct compare_record **before,
					       const struct compare_record **after);
void compare_list_release(struct compare_list *list);

/* Blobs are told by their ids. Where none is, a pointer is NULL or to zeros. */
bool compare_is_none(const uint8_t *blob);

/* An image with its tag images on both sides. */
struct compare_pair {
	size_t id, id_len; /* in compare::ids */
	uint8_t blob[2][OBJECT_ID];
};

/* A file that holds an array: its text and its elements (spans of it). */
struct compare_body {
	struct buf text;
	struct json_object elements;
};

/* One comparison. */
struct compare {
	struct history *history;
	const uint8_t *tree[2]; /* before (NULL: nothing) and after */
	compare_event_fn *each;
	void *payload;
	struct err *err;
	uint8_t empty[OBJECT_ID]; /* the blob of `[]` */
	struct compare_list tags, images;
	struct compare_pair *pair;
	size_t pair_count, pair_cap;
	struct buf ids; /* of pairs */
	/* scratch */
	struct compare_body body[2];
	struct json_object object, inner;
	struct buf id, canon, string, path;
};

/* --- compare.c --- */

/* A tree_diff_fn: notes what differs in a file. The payload is the compare. */
int compare_note(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		 void *payload);
/* The same of the images.json of an album. */
int compare_note_album(struct compare *c, const uint8_t *old_blob,
		       const uint8_t *new_blob, const struct body_text *album);

/* --- compare_body.c --- */

/* Reads the array that is the file. No blob has no elements. `row` and `id` are for
 * the message. */
int compare_body_read(struct compare *c, struct compare_body *body, const uint8_t *blob,
		      enum query_response row, const struct body_text *id);
/* Cuts the elements of both to those that the other does not have. */
void compare_body_differ(struct compare_body *before, struct compare_body *after);
struct body_text compare_element(const struct compare_body *body, size_t i);
void compare_body_release(struct compare_body *body);

/* The id of the record `text` into *id (borrowed until the next call that uses
 * c->string). */
int compare_record_id(struct compare *c, struct body_text *id,
		      const struct body_text *text);
/* The object of the member `key` ("\"tag\"") of an object. */
int compare_embedded(struct compare *c, struct body_text *out,
		     const struct body_text *text, const char *key);
/* ERR_INPUT with a message that names the file. */
int compare_bad(struct compare *c, enum query_response row, const struct body_text *id);
/* The string that the file N.album of an image holds, into *album. */
int compare_album_read(struct compare *c, struct buf *album, const uint8_t *blob,
		       const struct body_text *image);
/* Notes both sides of a tag's file in c->tags. */
int compare_tag_add(struct compare *c, const uint8_t *old_blob, const uint8_t *new_blob,
		    const struct body_text *id);

/* What a path of a snapshot names: its row of response_table, or 0; and the id,
 * appended to *id, which is emptied first. */
enum query_response compare_path(struct buf *id, const char *path);

/* --- compare_tags.c --- */

/* Notes that the tag images of the image may differ; nothing if there are none. */
void compare_pair_add(struct compare *c, const struct body_text *image,
		      const uint8_t *old_blob, const uint8_t *new_blob);
/* Reads all pairs, by image, and reports what differs. */
int compare_pairs_report(struct compare *c);
/* Adds the tags that differing tag images of the pairs show to *tags (ids alone). */
int compare_pairs_tags(struct compare *c, struct compare_list *tags);

/* --- compare_scope.c --- */

/* Notes what differs in the scope. */
int compare_scope_note(struct compare *c, const struct compare_scope *scope);

#endif

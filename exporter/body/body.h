/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_BODY_BODY_H
#define EXPORTER_BODY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/format/json.h"
#include "data/index/query.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/tree/pathset.h"

/*
 * body - reads the files of a snapshot: what query_body() once wrote. By kind of response
 * (data/index/feed.h) they hold
 *	QUERY_TAG_IMAGES	an array of tag images, image and tag embedded
 *	QUERY_IMAGES, QUERY_UNTAGGED	an array of images
 *	QUERY_TAG		{"tag":{...},"tag_images":COUNT}
 *	QUERY_ALBUM_OF		a string, the id of an album
 *
 * The repository may come from anywhere. So a body is first checked to be canonical
 * JSON of the right type; only then are members looked up in it (data/format/json.h).
 *
 *	struct body body = {0};
 *	struct body_text id;
 *
 *	rc = body_read(&body, history, blob, QUERY_IMAGES, &album, err);
 *	for (size_t i = 0; !rc && i < body.count; i++) {
 *		rc = body_record(&body, i, &id) ? 0 : body_fail(&body, err);
 *		...
 *	}
 *	body_release(&body);
 *
 * Texts are spans: nothing is copied but ids that are written with an escape.
 */

/* Borrowed bytes, with no NUL behind them. data is NULL: there is no text. */
struct body_text {
	const char *data;
	size_t len;
};

bool body_text_equal(const struct body_text *a, const struct body_text *b);

/* A JSON object in canonical text, and its members. Zeroed is ready for use. */
struct body_object {
	struct body_text text; /* borrowed */
	struct json_object members;
	struct buf id; /* scratch of body_id */
};

/* Lists the members of `text`. False: it is absent, or not an object. */
bool body_object(struct body_object *object, const struct body_text *text);
/* The canonical text of a member, found by its name without quotes; absent if there is
 * none, or (body_string) if it is not a string. */
struct body_text body_member(const struct body_object *object, const char *name);
struct body_text body_string(const struct body_object *object, const char *name);
/* The id of a record, as UTF-8: its "id" if that is a string, else its "public_id"
 * (albumen(7)). Borrowed until the object is opened anew. False: it has none. */
bool body_id(struct body_object *object, struct body_text *id);
void body_object_release(struct body_object *object);

/* What a path of a snapshot names: its kind, and the id, which replaces what is in *id.
 * 0: no file of the response table. */
enum query_response body_path(struct buf *id, const char *path);

/* The blob of the file about `id` in a tree, which may be NULL: nothing. ERR_NOTFOUND
 * (no message), with a blob of zeros: there is none. */
int body_find(uint8_t blob[OBJECT_ID], struct history *history, const uint8_t *tree,
	      enum query_response kind, const struct body_text *id, struct err *err);

/* Adds the path of the file about `id`, or of the folder that has all files of the kind. */
void body_add_path(struct pathset *paths, enum query_response kind,
		   const struct body_text *id);
void body_add_folder(struct pathset *paths, enum query_response kind);

/* Reads one body after the other; reuse it to save allocations. Zeroed is ready. */
struct body {
	struct buf bytes;    /* the file */
	const char *problem; /* why the body or a part of it is not good: static, or in
			      * `reason` */
	size_t count;        /* of the records in an array */
	/* The record opened last. */
	struct body_object record;
	/* Private. */
	enum query_response kind;
	struct buf about; /* the id that the file is about */
	uint32_t *begin;  /* of each element, in bytes */
	size_t cap;
	struct buf canon;
	char reason[160];
};

/* Reads the file `blob` of a kind about `id`. ERR_INPUT: it is not what albumen
 * writes. */
int body_read(struct body *body, struct history *history, const uint8_t blob[OBJECT_ID],
	      enum query_response kind, const struct body_text *id, struct err *err);
/* body_find() and body_read(). */
int body_load(struct body *body, struct history *history, const uint8_t *tree,
	      enum query_response kind, const struct body_text *id, struct err *err);
/* Frees what a large body takes, when nothing of it is used any more. */
void body_empty_bytes(struct body *body);
/* Checks what the caller has put into body->bytes. False: body->problem. */
bool body_parse(struct body *body, enum query_response kind);

/* The canonical text of the record `n` of an array, whatever it is. */
struct body_text body_element(const struct body *body, size_t n);
/* Opens the record `n` as body->record. False (body->problem): not a record with an
 * id. */
bool body_record(struct body *body, size_t n, struct body_text *id);
/* Adds the paths of the tag images of every image in an array of images. ERR_INPUT. */
int body_add_images(struct body *body, struct pathset *paths, struct err *err);
/* QUERY_TAG: the tag, which is opened as body->record, and the count of its live tag
 * images. False: body->problem. */
bool body_tag(struct body *body, uint64_t *tag_images);
/* QUERY_ALBUM_OF: the album's id, borrowed until the next body_read. False:
 * body->problem. */
bool body_album(struct body *body, struct body_text *id);

/* ERR_INPUT: the body read last has body->problem. */
int body_fail(const struct body *body, struct err *err);
/* ERR_INPUT: the file `path` of a snapshot has a problem. */
int body_fault(const char *path, const char *problem, struct err *err);

void body_release(struct body *body);

/* The blob `[]`: the tag images of an image that is untagged. */
extern const uint8_t body_empty[OBJECT_ID];
/* False for NULL. */
bool body_is_empty(const uint8_t *blob);

#endif

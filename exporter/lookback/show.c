/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/show.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "exporter/body/body.h"
#include "exporter/collection/collection.h"
#include "exporter/git/history.h"
#include "exporter/snapshot/oversize.h"

/* A snapshot, and what it does not have. */
struct source {
	struct history *history;
	uint8_t tree[OBJECT_ID];
	struct oversize oversize;
};

static int too_large(const char *path, struct err *err)
{
	return err_set(
		err, ERR_LARGE,
		"the response is larger than %zu MiB, so the snapshot lacks it: '%s'",
		RESPONSE_MAX >> 20, path);
}

/* Finds the file of one response. ERR_NOTFOUND (no message). */
static int find_response(uint8_t blob[OBJECT_ID], struct source *source,
			 const struct response *row, const struct record_id *id,
			 struct err *err)
{
	const struct body_text about = {id->bytes, id->len};
	struct buf path = {0};
	int rc = body_find(blob, source->history, source->tree, row->kind, &about, err);

	if (rc == ERR_NOTFOUND) {
		response_snapshot_path(&path, row, id->bytes, id->len);
		rc = oversize_has(&source->oversize, path.data)
			     ? too_large(path.data, err)
			     : rc;
		buf_release(&path);
	}
	return rc;
}

/* Hands the body over. ERR_NOTFOUND (no message). */
static int show_one(struct source *source, const struct request *request, show_sink *sink,
		    void *payload, struct err *err)
{
	struct buf body = {0};
	uint8_t blob[OBJECT_ID];
	int rc = find_response(blob, source, request->row, &request->id[0], err);

	rc = rc ? rc : history_blob(source->history, &body, blob, err);
	if (!rc) {
		sink(body.data, body.len, payload);
	}
	buf_release(&body);
	return rc;
}

/* Hands over the arrays of several ids, joined; an unknown id has none. All are found before
 * the first is read, and one is held at a time. */
static int show_join(struct source *source, const struct request *request,
		     show_sink *sink, void *payload, struct err *err)
{
	uint8_t(*blob)[OBJECT_ID] = xzalloc((request->count + 1) * sizeof(*blob));
	struct buf body = {0};
	bool any = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < request->count; i++) {
		rc = find_response(blob[i], source, request->row, &request->id[i], err);
		if (rc == ERR_NOTFOUND) {
			memcpy(blob[i], body_empty, OBJECT_ID);
			rc = 0;
		}
	}
	if (!rc) {
		sink("[", 1, payload);
	}
	for (size_t i = 0; !rc && i < request->count; i++) {
		if (body_is_empty(blob[i])) {
			continue;
		}
		buf_empty(&body);
		rc = history_blob(source->history, &body, blob[i], err);
		if (!rc && body.len > 2) {
			sink(",", any, payload);
			sink(body.data + 1, body.len - 2, payload);
			any = true;
		}
	}
	if (!rc) {
		sink("]", 1, payload);
	}
	buf_release(&body);
	free(blob);
	return rc;
}

/* --- responses that are collected --- */

struct collected {
	const struct request *request;
	show_sink *sink;
	void *payload;
	bool wanted; /* the current file is the one that is asked for */
	bool found;
};

static bool wants_collected(const struct response *row, void *payload)
{
	const struct collected *file = payload;

	return row == file->request->row;
}

static int begin_collected(const struct response *row, const struct record_id *id,
			   bool whole, void *payload, struct err *err)
{
	struct collected *file = payload;
	const struct request *request = file->request;

	file->wanted = !request->count ||
		       (id->len == request->id[0].len &&
			memcmp(id->bytes, request->id[0].bytes, id->len) == 0);
	file->found |= file->wanted;
	return whole || !file->wanted
		       ? 0
		       : err_set(err, ERR_LARGE,
				 "'%s' would lack tag images: those of an image are "
				 "larger "
				 "than %zu MiB, so the snapshot lacks them",
				 row->request, RESPONSE_MAX >> 20);
}

static int write_collected(const void *bytes, size_t len, void *payload, struct err *err)
{
	struct collected *file = payload;

	(void)err;
	if (file->wanted) {
		file->sink(bytes, len, file->payload);
	}
	return 0;
}

static int end_collected(void *payload, struct err *err)
{
	(void)payload;
	(void)err;
	return 0;
}

int show_body(struct snapshot_repo *repo, const struct snapshot_info *info,
	      const struct request *request, show_sink *sink, void *payload,
	      struct err *err)
{
	struct collected file = {.request = request, .sink = sink, .payload = payload};
	const struct collection_sink files = {wants_collected, begin_collected,
					      write_collected, end_collected, &file};
	struct source source = {0};
	int rc;

	if (!object_unhex(source.tree, info->tree.hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of a tree",
			       info->tree.hex);
	}
	oversize_read(&source.oversize, info->message);
	source.history = history_new(repo);
	if (request->row->collected) {
		rc = collection_read(repo, &info->tree, &source.oversize,
				     file_temp_folder(), &files, err);
		rc = rc || file.found ? rc : ERR_NOTFOUND;
	} else {
		rc = (request->row->parameter ? show_join : show_one)(&source, request,
								      sink, payload, err);
	}
	history_free(source.history);
	oversize_release(&source.oversize);
	return rc;
}

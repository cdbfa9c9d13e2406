/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/show.h"

#include <string.h>

#include "data/base/file.h"
#include "exporter/body/body.h"
#include "exporter/collection/collection.h"
#include "exporter/git/history.h"

/* Appends the file of one response. ERR_NOTFOUND (no message). */
static int read_response(struct buf *body, struct history *history,
			 const uint8_t tree[OBJECT_ID], const struct response *row,
			 const struct record_id *id, struct err *err)
{
	const struct body_text about = {id->bytes, id->len};
	uint8_t blob[OBJECT_ID];
	int rc = body_find(blob, history, tree, row->kind, &about, err);

	return rc ? rc : history_blob(history, body, blob, err);
}

/* Joins the arrays of several ids; an unknown id has none. */
static int join(struct buf *body, struct history *history, const uint8_t tree[OBJECT_ID],
		const struct request *request, struct err *err)
{
	struct buf one = {0};
	int rc = 0;

	buf_addch(body, '[');
	for (size_t i = 0; !rc && i < request->count; i++) {
		buf_clear(&one);
		rc = read_response(&one, history, tree, request->row, &request->id[i],
				   err);
		if (rc == ERR_NOTFOUND) {
			rc = 0;
		} else if (!rc && one.len > 2) {
			if (body->len > 1) {
				buf_addch(body, ',');
			}
			buf_add(body, one.data + 1, one.len - 2);
		}
	}
	buf_addch(body, ']');
	buf_release(&one);
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
			   void *payload, struct err *err)
{
	struct collected *file = payload;
	const struct request *request = file->request;

	(void)row;
	(void)err;
	file->wanted = !request->count ||
		       (id->len == request->id[0].len &&
			memcmp(id->bytes, request->id[0].bytes, id->len) == 0);
	file->found |= file->wanted;
	return 0;
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

int show_body(struct snapshot_repo *repo, const struct snapshot_id *tree,
	      const struct request *request, show_sink *sink, void *payload,
	      struct err *err)
{
	struct collected file = {.request = request, .sink = sink, .payload = payload};
	const struct collection_sink files = {wants_collected, begin_collected,
					      write_collected, end_collected, &file};
	struct history *history;
	struct buf body = {0};
	uint8_t root[OBJECT_ID];
	int rc;

	if (request->row->collected) {
		rc = collection_read(repo, tree, file_temp_folder(), &files, err);
		return rc || file.found ? rc : ERR_NOTFOUND;
	}
	if (!object_unhex(root, tree->hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of a tree",
			       tree->hex);
	}
	history = history_new(repo);
	rc = request->row->parameter ? join(&body, history, root, request, err)
				     : read_response(&body, history, root, request->row,
						     &request->id[0], err);
	if (!rc) {
		sink(body.data, body.len, payload);
	}
	buf_release(&body);
	history_free(history);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_rows.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/snapshot/response.h"

void verify_rows_init(struct verify_rows *rows, struct verify_store *store,
		      struct verify_report *report)
{
	*rows = (struct verify_rows){.store = store, .report = report};
	rows->images.row_bytes = sizeof(struct verify_rows_image);
	rows->albums.row_bytes = sizeof(struct verify_rows_album);
	rows->tags.row_bytes = sizeof(struct verify_rows_tag);
	rows->shown.row_bytes = sizeof(uint64_t);
}

void verify_rows_release(struct verify_rows *rows)
{
	verify_table_release(&rows->images);
	verify_table_release(&rows->albums);
	verify_table_release(&rows->tags);
	verify_table_release(&rows->album_blobs);
	verify_table_release(&rows->shown);
	verify_body_release(&rows->body);
	buf_release(&rows->path);
	buf_release(&rows->untagged);
}

uint32_t verify_rows_add_album(struct verify_rows *rows, const char *id, size_t len)
{
	uint32_t number = verify_table_add(&rows->albums, id, len);
	struct buf text = {0};
	uint8_t blob[OBJECT_ID];

	if (number > rows->album_blobs.count) {
		json_quote(&text, id, len);
		object_hash(blob, OBJECT_BLOB, text.data, text.len);
		buf_release(&text);
		number = verify_table_add(&rows->album_blobs, blob, sizeof(blob));
		assert(number == rows->albums.count);
	}
	return number;
}

uint64_t *verify_rows_count_shown(struct verify_rows *rows, uint32_t tag,
				  const struct verify_body_digest *text)
{
	char key[sizeof(tag) + sizeof(text->bytes)];

	memcpy(key, &tag, sizeof(tag));
	memcpy(key + sizeof(tag), text->bytes, sizeof(text->bytes));
	return verify_table_row(&rows->shown,
				verify_table_add(&rows->shown, key, sizeof(key)));
}

bool verify_rows_equal(const struct verify_body_digest *a,
		       const struct verify_body_digest *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool verify_rows_is(const struct record_id *id, const struct verify_table *table,
		    uint32_t number)
{
	size_t len;
	const char *bytes = verify_table_id(table, number, &len);

	return id->len == len && memcmp(id->bytes, bytes, len) == 0;
}

const char *verify_rows_path(struct verify_rows *rows, enum query_response kind,
			     uint32_t number)
{
	const struct verify_table *table =
		kind == QUERY_TAG                                    ? &rows->tags
		: kind == QUERY_TAG_IMAGES || kind == QUERY_ALBUM_OF ? &rows->images
								     : &rows->albums;
	size_t len;
	const char *id = verify_table_id(table, number, &len);

	buf_clear(&rows->path);
	response_snapshot_path(&rows->path, response_of(kind), id, len);
	return rows->path.data;
}

void verify_rows_fail(struct verify_rows *rows, enum query_response kind, uint32_t number,
		      const char *fmt, ...)
{
	char problem[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(problem, sizeof(problem), fmt, ap);
	va_end(ap);
	verify_report_fail(rows->report, verify_rows_path(rows, kind, number), "%s",
			   problem);
}

void verify_rows_fail_blob(struct verify_rows *rows, const uint8_t *id, const char *path,
			   int rc)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, id);
	verify_report_fail(rows->report, path, "object %s is %s", hex,
			   rc == ERR_NOTFOUND ? "missing"
			   : rc               ? "damaged"
					      : "no file");
}

void verify_rows_look(struct verify_rows *rows, const uint8_t *id, const char *path)
{
	int rc = verify_store_look(rows->store, id);

	if (rc) {
		verify_rows_fail_blob(rows, id, path, rc);
	}
}

bool verify_rows_read(struct verify_rows *rows, const uint8_t *id, const char *path)
{
	enum object_type type;
	int rc = verify_store_read(&rows->body.body.bytes, &type, rows->store, id);

	rows->body.report = path ? rows->report : NULL;
	rows->body.path = path;
	if (!rc && type == OBJECT_BLOB) {
		return true;
	}
	if (path) {
		verify_rows_fail_blob(rows, id, path, rc);
	}
	return false;
}

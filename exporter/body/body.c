/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/body/body.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/name.h"
#include "data/format/record.h"
#include "exporter/snapshot/response.h"

const uint8_t body_empty[OBJECT_ID] = {0x06, 0x37, 0xa0, 0x88, 0xa0, 0x1e, 0x8d,
				       0xda, 0xb3, 0xbf, 0x3f, 0xa9, 0x8d, 0xbe,
				       0x80, 0x4c, 0xbd, 0xe1, 0xa0, 0xdc};

bool body_is_empty(const uint8_t *blob)
{
	return blob && memcmp(blob, body_empty, OBJECT_ID) == 0;
}

bool body_text_equal(const struct body_text *a, const struct body_text *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

/* --- objects --- */

static struct body_text span(const struct body_text *text, const struct json_span *span)
{
	return (struct body_text){text->data + span->off, span->len};
}

/* A member takes at least five bytes ("":1,) of a record, which has at most RECORD_SIZE_MAX. */
#define MEMBERS_MAX (RECORD_SIZE_MAX / 5 + 1)
/* The shortest record of an array, with its comma: {"id":"A"}, */
#define RECORD_LEAST 11
/* A list that was longer once is freed: 8 MiB. */
#define KEPT_RECORDS ((size_t)1 << 21)

bool body_object(struct body_object *object, const struct body_text *text)
{
	object->text = *text;
	object->members.count = 0;
	object->members.most = MEMBERS_MAX;
	if (!text->data || *text->data != '{') {
		return false;
	}
	json_members(&object->members, text->data, text->len);
	return object->members.count < MEMBERS_MAX;
}

struct body_text body_member(const struct body_object *object, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < object->members.count; i++) {
		const struct json_member *m = &object->members.member[i];

		if (m->key.len == len + 2 &&
		    memcmp(object->text.data + m->key.off + 1, name, len) == 0) {
			return span(&object->text, &m->value);
		}
	}
	return (struct body_text){0};
}

struct body_text body_string(const struct body_object *object, const char *name)
{
	struct body_text text = body_member(object, name);

	return text.data && *text.data == '"' ? text : (struct body_text){0};
}

/* The value of a string that is an id. `scratch` holds it if it has escapes. */
static bool read_id(struct buf *scratch, struct body_text *id, struct body_text text)
{
	if (!text.data || text.len <= 2) {
		return false;
	}
	if (!memchr(text.data, '\\', text.len)) {
		*id = (struct body_text){text.data + 1, text.len - 2};
		return true;
	}
	buf_clear(scratch);
	if (json_string(scratch, text.data, text.len) < 0) {
		return false;
	}
	*id = (struct body_text){scratch->data, scratch->len};
	return true;
}

bool body_id(struct body_object *object, struct body_text *id)
{
	return read_id(&object->id, id, body_string(object, "id")) ||
	       read_id(&object->id, id, body_string(object, "public_id"));
}

void body_object_release(struct body_object *object)
{
	json_object_release(&object->members);
	buf_release(&object->id);
}

/* --- bodies --- */

enum query_response body_path(struct buf *id, const char *path)
{
	struct layout_text name;
	const struct response *row = response_parse(path, &name);

	buf_clear(id);
	return row && name_to_id(id, name.at, name.len) == 0 ? row->kind
							     : (enum query_response)0;
}

int body_find(uint8_t blob[OBJECT_ID], struct history *history, const uint8_t *tree,
	      enum query_response kind, const struct body_text *id, struct err *err)
{
	struct buf path = {0};
	int rc = ERR_NOTFOUND;

	memset(blob, 0, OBJECT_ID);
	if (tree) {
		response_snapshot_path(&path, response_of(kind), id->data, id->len);
		rc = tree_find(blob, history_trees(history), tree, path.data, err);
	}
	buf_release(&path);
	return rc;
}

void body_add_path(struct pathset *paths, enum query_response kind,
		   const struct body_text *id)
{
	struct buf path = {0};

	response_snapshot_path(&path, response_of(kind), id->data, id->len);
	pathset_add(paths, path.data);
	buf_release(&path);
}

void body_add_folder(struct pathset *paths, enum query_response kind)
{
	struct buf path = {0};

	response_site_root(&path, response_of(kind));
	buf_addch(&path, '/');
	pathset_add(paths, path.data);
	buf_release(&path);
}

static bool fail(struct body *body, const char *problem)
{
	body->problem = problem;
	return false;
}

/* The length of the value that begins at `at`, which must be in canonical text. 0: it is not. */
static size_t read_canonical(struct body *body, size_t at)
{
	const char *text = body->bytes.data + at;
	struct json_value value;

	buf_empty(&body->canon);
	if (json_read(&body->canon, &value, text, body->bytes.len - at) < 0) {
		snprintf(body->reason, sizeof(body->reason), "not JSON: %s at byte %zu",
			 value.reason, at + value.failed_at);
		return fail(body, body->reason);
	}
	if (value.unusable) {
		snprintf(body->reason, sizeof(body->reason), "%s at byte %zu",
			 value.unusable, at + value.unusable_at);
		return fail(body, body->reason);
	}
	return value.begin == 0 && body->canon.len == value.end &&
			       memcmp(body->canon.data, text, value.end) == 0
		       ? value.end
		       : fail(body, "not in canonical text");
}

static bool read_value(struct body *body, char type, const char *problem)
{
	size_t len = read_canonical(body, 0);

	return len && ((len == body->bytes.len) || fail(body, "not in canonical text")) &&
	       (*body->bytes.data == type || fail(body, problem));
}

static void add_record(struct body *body, size_t at)
{
	body->begin = xgrow(body->begin, body->count, &body->cap, sizeof(*body->begin));
	body->begin[body->count++] = (uint32_t)at;
}

/* Checks the array element by element, so that no second text of all of it is made, and notes
 * where they begin. That takes less memory than the array. */
static bool read_array(struct body *body)
{
	const struct buf *bytes = &body->bytes;
	size_t most = bytes->len / RECORD_LEAST + 1;
	size_t at = 1, len;

	if (body->cap > KEPT_RECORDS) {
		free(body->begin);
		body->begin = NULL;
		body->cap = 0;
	}
	if (*bytes->data != '[' || bytes->len > UINT32_MAX) {
		return read_value(body, '[', "not an array") &&
		       fail(body, "larger than any body");
	}
	if (bytes->data[at] == ']') {
		return bytes->len == 2 || fail(body, "not in canonical text");
	}
	for (char mark = '['; mark != ']'; at++) {
		if (body->count == most) {
			return fail(body, "it has too many elements to be records");
		}
		len = json_skip_space(bytes->data, bytes->len, at) == at
			      ? read_canonical(body, at)
			      : fail(body, "not in canonical text");
		if (!len) {
			return false;
		}
		add_record(body, at);
		at += len;
		mark = at < bytes->len ? bytes->data[at] : '\0';
		if (mark != ',' && mark != ']') {
			snprintf(body->reason, sizeof(body->reason),
				 "not JSON: expected ',' or ']' at byte %zu", at);
			return fail(body, body->reason);
		}
	}
	return at == bytes->len || fail(body, "not in canonical text");
}

bool body_parse(struct body *body, enum query_response kind)
{
	bool good = false;

	body->kind = kind;
	body->problem = NULL;
	body->count = 0;
	buf_addstr(&body->bytes, "");
	switch (kind) {
	case QUERY_ALBUM_OF:
		good = read_value(body, '"', "not a string");
		break;
	case QUERY_TAG:
		good = read_value(body, '{', "not an object");
		break;
	case QUERY_TAG_IMAGES:
	case QUERY_IMAGES:
	case QUERY_UNTAGGED:
		good = read_array(body);
		break;
	}
	buf_empty(&body->canon);
	if (!good) {
		body->count = 0;
	}
	return good;
}

void body_empty_bytes(struct body *body)
{
	buf_empty(&body->bytes);
	body->count = 0;
}

int body_read(struct body *body, struct history *history, const uint8_t blob[OBJECT_ID],
	      enum query_response kind, const struct body_text *id, struct err *err)
{
	int rc;

	buf_clear(&body->about);
	buf_add(&body->about, id->data, id->len);
	buf_empty(&body->bytes);
	rc = history_blob(history, &body->bytes, blob, err);
	if (!rc && !body_parse(body, kind)) {
		rc = body_fail(body, err);
	}
	return rc;
}

int body_load(struct body *body, struct history *history, const uint8_t *tree,
	      enum query_response kind, const struct body_text *id, struct err *err)
{
	uint8_t blob[OBJECT_ID];
	int rc = body_find(blob, history, tree, kind, id, err);

	return rc ? rc : body_read(body, history, blob, kind, id, err);
}

struct body_text body_element(const struct body *body, size_t n)
{
	size_t begin = body->begin[n];
	/* A comma or the bracket follows. */
	size_t next = n + 1 < body->count ? body->begin[n + 1] : body->bytes.len;

	return (struct body_text){body->bytes.data + begin, next - 1 - begin};
}

bool body_record(struct body *body, size_t n, struct body_text *id)
{
	const struct body_text text = body_element(body, n);

	if (body_object(&body->record, &text) && body_id(&body->record, id)) {
		return true;
	}
	snprintf(body->reason, sizeof(body->reason), "record %zu has no id", n + 1);
	return fail(body, body->reason);
}

int body_add_images(struct body *body, struct pathset *paths, struct err *err)
{
	struct body_text id;

	for (size_t i = 0; i < body->count; i++) {
		if (!body_record(body, i, &id)) {
			return body_fail(body, err);
		}
		body_add_path(paths, QUERY_TAG_IMAGES, &id);
	}
	return 0;
}

/* A count as it is written: no sign, no needless zero. */
static bool read_count(uint64_t *out, const struct body_text *text)
{
	char digits[20] = "";

	if (!text->len || text->len >= sizeof(digits) ||
	    (text->len > 1 && *text->data == '0')) {
		return false;
	}
	memcpy(digits, text->data, text->len);
	*out = strtoull(digits, NULL, 10);
	return strspn(digits, "0123456789") == text->len;
}

bool body_tag(struct body *body, uint64_t *tag_images)
{
	const struct body_text all = {body->bytes.data, body->bytes.len};
	struct body_object *record = &body->record;
	struct body_text tag, count;

	body_object(record, &all);
	tag = body_member(record, "tag");
	count = body_member(record, "tag_images");
	if (record->members.count == 2 && tag.data && tag.data < count.data &&
	    read_count(tag_images, &count) && body_object(record, &tag)) {
		return true;
	}
	return fail(body, "not {\"tag\":{...},\"tag_images\":COUNT}");
}

bool body_album(struct body *body, struct body_text *id)
{
	const struct body_text all = {body->bytes.data, body->bytes.len};

	return read_id(&body->record.id, id, all) || fail(body, "not an id");
}

int body_fault(const char *path, const char *problem, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "'%s' in the snapshot is not as albumen writes it: %s; "
		       "`albumen-exporter verify` checks the whole repository",
		       path, problem);
}

int body_fail(const struct body *body, struct err *err)
{
	struct buf path = {0};
	int rc;

	response_snapshot_path(&path, response_of(body->kind), body->about.data,
			       body->about.len);
	rc = body_fault(path.data, body->problem, err);
	buf_release(&path);
	return rc;
}

void body_release(struct body *body)
{
	buf_release(&body->bytes);
	buf_release(&body->about);
	buf_release(&body->canon);
	free(body->begin);
	body_object_release(&body->record);
}

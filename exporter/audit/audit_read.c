/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "exporter/audit/audit_inner.h"

/*
 * The repository is somebody's clone, and a body in it may be anything. So each is
 * read like input from outside before its members are looked for: data/format/json.h
 * finds those only in text that is known to be good.
 */

void audit_reader_release(struct audit_reader *reader)
{
	buf_release(&reader->body);
	buf_release(&reader->canon);
	buf_release(&reader->text);
	json_object_release(&reader->list);
	json_object_release(&reader->object);
	json_object_release(&reader->inner);
}

static int strange(struct err *err, const char *what, const char *why)
{
	return err_set(err, ERR_INPUT,
		       "'%s' %s; `albumen-exporter verify` checks all of a repository",
		       what, why);
}

int audit_read_open(struct audit_reader *reader, struct history *history,
		    const uint8_t blob[OBJECT_ID], const char *what, struct err *err)
{
	struct json_value value;
	const struct buf *body = &reader->body;
	int rc;

	buf_clear(&reader->body);
	buf_clear(&reader->canon);
	rc = history_blob(history, &reader->body, blob, err);
	if (rc) {
		return rc;
	}
	if (json_read(&reader->canon, &value, body->data, body->len) < 0 ||
	    value.unusable || value.begin != 0 || value.end != body->len ||
	    reader->canon.len != body->len || reader->canon.data[0] != '[') {
		return strange(err, what, "is not an array in canonical JSON");
	}
	json_elements(&reader->list, reader->canon.data, reader->canon.len);
	return 0;
}

/* --- members --- */

/* The member `key` of an object of the body; at NULL: absent. */
static struct audit_text member(const struct json_object *object, const char *canon,
				const char *key)
{
	const struct json_member *m = json_find(object, canon, key);

	return m ? (struct audit_text){canon + m->value.off, m->value.len}
		 : (struct audit_text){NULL, 0};
}

/* The same if it is a string. */
static struct audit_text string_member(const struct json_object *object,
				       const char *canon, const char *key)
{
	struct audit_text text = member(object, canon, key);

	return text.at && *text.at == '"' ? text : (struct audit_text){NULL, 0};
}

/* Appends the value of a string and a NUL. False: it is none, or not an id. */
static bool add_id(struct buf *out, struct audit_text text)
{
	if (!text.at || text.len <= 2 || json_string(out, text.at, text.len) < 0) {
		return false;
	}
	buf_addch(out, '\0');
	return true;
}

/* Lists the members of element `n`; its first byte, or NULL: it is no object. */
static const char *open_element(struct audit_reader *reader, size_t n)
{
	const struct json_span *span = &reader->list.member[n].value;
	const char *canon = reader->canon.data + span->off;

	if (*canon != '{') {
		return NULL;
	}
	json_members(&reader->object, canon, span->len);
	return canon;
}

/* Lists the members of the member `key`; its first byte, or NULL: it is no object. */
static const char *open_inner(struct audit_reader *reader, const char *canon,
			      const char *key)
{
	struct audit_text inner = member(&reader->object, canon, key);

	if (!inner.at || *inner.at != '{') {
		return NULL;
	}
	json_members(&reader->inner, inner.at, inner.len);
	return inner.at;
}

static const char *keep(struct audit_store *store, struct audit_text text)
{
	return text.at ? audit_keep_text(store, text.at, text.len) : NULL;
}

int audit_read_image(struct audit_reader *reader, size_t n, struct audit_store *store,
		     unsigned flags, struct audit_image *out, const char *what,
		     struct err *err)
{
	const char *canon = open_element(reader, n);
	const struct json_object *object = &reader->object;

	*out = (struct audit_image){0};
	buf_clear(&reader->text);
	/* CONTRACT.md, section 2: `id` if it is a string, else `public_id`. */
	if (!canon ||
	    (!add_id(&reader->text, string_member(object, canon, "\"id\"")) &&
	     !add_id(&reader->text, string_member(object, canon, "\"public_id\"")))) {
		return strange(err, what, "holds something that is not an image");
	}
	out->id = audit_keep_text(store, reader->text.data, reader->text.len - 1);
	out->created_at = keep(store, string_member(object, canon, "\"created_at\""));
	if (flags & AUDIT_THUMBNAILS) {
		const char *inner = open_inner(reader, canon, "\"thumbnails\"");

		if (inner) {
			out->thumbnail = keep(
				store, string_member(&reader->inner, inner, "\"mini\""));
		}
	}
	return 0;
}

static struct stamp read_stamp(struct audit_text text)
{
	struct stamp stamp = {{0}};

	if (text.at && stamp_read(&stamp, text.at + 1, text.len - 2) < 0) {
		stamp = (struct stamp){{0}};
	}
	return stamp;
}

struct stamp audit_read_stamp(const char *created_at)
{
	return read_stamp(
		(struct audit_text){created_at, created_at ? strlen(created_at) : 0});
}

int audit_read_tagging(struct audit_reader *reader, size_t n, struct audit_tagging *out,
		       const char *what, struct err *err)
{
	const char *canon = open_element(reader, n);
	const char *tag = canon ? open_inner(reader, canon, "\"tag\"") : NULL;
	struct audit_text id, tag_id;
	size_t tag_at;

	if (!tag) {
		return strange(err, what, "holds something that is not a tag image");
	}
	id = string_member(&reader->object, canon, "\"id\"");
	tag_id = string_member(&reader->inner, tag, "\"id\"");
	buf_clear(&reader->text);
	if (!add_id(&reader->text, id)) {
		return strange(err, what, "holds a tag image without an id");
	}
	tag_at = reader->text.len;
	if (!add_id(&reader->text, tag_id)) {
		return strange(err, what, "shows a tag without an id");
	}
	*out = (struct audit_tagging){
		.id = reader->text.data,
		.tag = reader->text.data + tag_at,
		.created_at = string_member(&reader->object, canon, "\"created_at\""),
		.user = string_member(&reader->object, canon, "\"user\""),
		.name = string_member(&reader->inner, tag, "\"name\""),
		.label = string_member(&reader->inner, tag, "\"label\""),
	};
	out->created = read_stamp(out->created_at);
	return 0;
}

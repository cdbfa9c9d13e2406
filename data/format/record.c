/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/record.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/base/utf8.h"
#include "data/format/name.h"

/* The members that decide what a record is. */
enum member {
	ID,
	IMAGE,
	TAG,
	IMAGE_ID,
	TAG_ID,
	PUBLIC_ID,
	ALBUM_ID,
	NAME,
	LABEL,
	CREATED_AT,
	UPDATED_AT,
	MEMBERS
};

static const char *const member_keys[MEMBERS] = {
	[ID] = "\"id\"",
	[IMAGE] = "\"image\"",
	[TAG] = "\"tag\"",
	[IMAGE_ID] = "\"image_id\"",
	[TAG_ID] = "\"tag_id\"",
	[PUBLIC_ID] = "\"public_id\"",
	[ALBUM_ID] = "\"album_id\"",
	[NAME] = "\"name\"",
	[LABEL] = "\"label\"",
	[CREATED_AT] = "\"created_at\"",
	[UPDATED_AT] = "\"updated_at\"",
};

/* The object that is read: the record, or an object embedded in it. */
struct scope {
	struct record_reader *reader;
	const char *canon;  /* its first byte */
	size_t base;        /* its offset in the argument of record_read */
	const char *prefix; /* of reasons: "", "image: ", "tag: " */
	const struct json_object *object;
	const struct json_member *known[MEMBERS]; /* NULL: the object does not have it */
};

__attribute__((format(printf, 3, 4))) static int reject(const struct scope *scope,
							size_t at, const char *fmt, ...)
{
	struct record_reader *reader = scope->reader;
	int used = snprintf(reader->reason, sizeof(reader->reason), "%s", scope->prefix);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reader->reason + used, sizeof(reader->reason) - (size_t)used, fmt, ap);
	va_end(ap);
	reader->failed_at = scope->base + at;
	return -1;
}

static int reject_member(const struct scope *scope, enum member which, const char *why)
{
	const char *key = member_keys[which];

	return reject(scope, scope->known[which]->key.off, "'%.*s' %s",
		      (int)strlen(key) - 2, key + 1, why);
}

/* The first byte of a member's value shows its type; 0: there is no such member. */
static char type_of(const struct scope *scope, enum member which)
{
	const struct json_member *m = scope->known[which];

	return m ? scope->canon[m->value.off] : '\0';
}

static bool is_string(const struct scope *scope, enum member which)
{
	return type_of(scope, which) == '"';
}

/* Rejects a duplicate: the member whose key is at `at`. Long names are cut, but not
 * within a character. */
static int reject_twice(const struct scope *scope, size_t at)
{
	const struct json_member *m = scope->object->member;
	const char *name = scope->canon + at;
	size_t len, most = 80;

	while (m->key.off != at) {
		m++;
	}
	len = m->key.len;
	if (len > most) {
		len = most;
		while ((name[len] & 0xc0) == 0x80) {
			len--;
		}
	}
	return reject(scope, at, "member %.*s%s occurs twice", (int)len, name,
		      len < m->key.len ? "..." : "");
}

/* Which of the known members has the key; MEMBERS: none. */
static enum member member_of(const struct scope *scope, const struct json_span *key)
{
	/* By length; no three are equally long. */
	static const enum member by_length[][2] = {
		[4] = {ID, ID},
		[5] = {TAG, TAG},
		[6] = {NAME, NAME},
		[7] = {IMAGE, LABEL},
		[8] = {TAG_ID, TAG_ID},
		[10] = {IMAGE_ID, ALBUM_ID},
		[11] = {PUBLIC_ID, PUBLIC_ID},
		[12] = {CREATED_AT, UPDATED_AT},
	};

	for (size_t i = 0; i < 2 && key->len < sizeof(by_length) / sizeof(*by_length);
	     i++) {
		enum member which = by_length[key->len][i];

		if (strlen(member_keys[which]) == key->len &&
		    memcmp(scope->canon + key->off, member_keys[which], key->len) == 0) {
			return which;
		}
	}
	return MEMBERS;
}

/* A member takes at least five bytes: "":1, so a record of RECORD_SIZE_MAX has fewer. A file of
 * a repository may be larger. */
#define MEMBERS_MAX (RECORD_SIZE_MAX / 5 + 1)

/* Opens the object at `span` of `canon`: lists its members in the object `number` of
 * the reader, and finds the known ones. */
static int scope_open(struct scope *scope, struct record_reader *reader, size_t number,
		      const char *prefix, const char *canon, struct json_span span)
{
	struct json_object *object = &reader->object[number];
	size_t again;

	*scope = (struct scope){.reader = reader,
				.canon = canon + span.off,
				.base = span.off,
				.prefix = prefix,
				.object = object};
	object->most = MEMBERS_MAX;
	json_members(object, scope->canon, span.len);
	if (object->count == MEMBERS_MAX) {
		return reject(scope, 0, "too many members");
	}
	again = json_duplicate(object, scope->canon);
	if (again != (size_t)-1) {
		return reject_twice(scope, again);
	}
	for (size_t i = 0; i < object->count; i++) {
		enum member which = member_of(scope, &object->member[i].key);

		if (which != MEMBERS) {
			scope->known[which] = &object->member[i];
		}
	}
	return 0;
}

/* What an object must have to be of a kind: `image` and `tag` as objects, the others as
 * strings. The first match of these, in albumen(7)'s order, decides. */
static const struct shape {
	enum record_kind kind;
	enum member need[3];
	size_t count;
	const char *needs;
} shapes[] = {
	{RECORD_TAG_IMAGE,
	 {ID, IMAGE_ID, TAG_ID},
	 3,
	 "a tag image needs strings 'id', 'image_id' and 'tag_id'"},
	{RECORD_TAG_IMAGE,
	 {ID, IMAGE, TAG},
	 3,
	 "a tag image needs a string 'id' and objects 'image' and 'tag'"},
	{RECORD_IMAGE,
	 {PUBLIC_ID, ALBUM_ID},
	 2,
	 "an image needs strings 'public_id' and 'album_id'"},
	{RECORD_TAG,
	 {ID, NAME, LABEL},
	 3,
	 "a tag needs strings 'id', 'name' and 'label'"},
};

#define SHAPES (sizeof(shapes) / sizeof(*shapes))

/* Names of members in a reason, and bytes of each. */
#define NAMES_MAX 6
#define NAME_LENGTH 40

static bool must_be_object(enum member which)
{
	return which == IMAGE || which == TAG;
}

/* The first member that the object lacks for the shape; MEMBERS: none. */
static enum member lacking(const struct scope *scope, const struct shape *shape)
{
	for (size_t i = 0; i < shape->count; i++) {
		if (type_of(scope, shape->need[i]) !=
		    (must_be_object(shape->need[i]) ? '{' : '"')) {
			return shape->need[i];
		}
	}
	return MEMBERS;
}

/* Whether the object has one of the last two members, which no other shape has. */
static bool hints_at(const struct scope *scope, const struct shape *shape)
{
	return scope->known[shape->need[shape->count - 2]] ||
	       scope->known[shape->need[shape->count - 1]];
}

/* What to do about it: what a record of the shape needs, and what is there. Names are a
 * stranger's: few of them, and their beginnings. Whoever prints the reason escapes it. */
static void add_advice(const struct scope *scope, const struct shape *shape)
{
	const struct json_object *object = scope->object;
	char *reason = scope->reader->reason;
	size_t used = strlen(reason);
	struct buf text = {0};

	buf_addf(&text, "; %s; this object %s", shape->needs,
		 object->count ? "has" : "is empty");
	for (size_t i = 0; i < object->count && i < NAMES_MAX; i++) {
		struct json_span key = object->member[i].key;
		struct buf name = {0};
		size_t len;

		if (json_string(&name, scope->canon + key.off, key.len) < 0) {
			buf_add(&name, scope->canon + key.off + 1, key.len - 2);
		}
		len = name.len > NAME_LENGTH ? plain_cut(name.data, NAME_LENGTH)
					     : name.len;
		buf_addf(&text, "%s '%.*s%s'", i ? "," : "", (int)len,
			 name.len ? name.data : "", len < name.len ? "..." : "");
		buf_release(&name);
	}
	if (object->count > NAMES_MAX) {
		buf_addstr(&text, ", ...");
	}
	snprintf(reason + used, sizeof(scope->reader->reason) - used, "%s", text.data);
	buf_release(&text);
}

/* Rejects an object, naming the member that it lacks for the shape that it hints at: an
 * image before the others, as an image of the live API may name all sorts of things. */
static int reject_shape(const struct scope *scope)
{
	static const char none[] = "not an image, a tag or a tag image";
	static const int order[SHAPES] = {2, 0, 1, 3};
	enum member lacks;
	const char *key;
	int len;
	size_t i = 0;

	while (i < SHAPES && !hints_at(scope, &shapes[order[i]])) {
		i++;
	}
	if (i == SHAPES) {
		reject(scope, 0, "%s", none);
		add_advice(scope, &shapes[strcmp(scope->prefix, "tag: ") == 0 ? 3 : 2]);
		return -1;
	}
	lacks = lacking(scope, &shapes[order[i]]);
	key = member_keys[lacks];
	len = (int)strlen(key) - 2;
	if (!scope->known[lacks]) {
		reject(scope, 0, "%s (no '%.*s')", none, len, key + 1);
	} else {
		reject(scope, scope->known[lacks]->key.off, "%s ('%.*s' is not %s)", none,
		       len, key + 1, must_be_object(lacks) ? "an object" : "a string");
	}
	add_advice(scope, &shapes[order[i]]);
	return -1;
}

/* The kind of the object, or -1. */
static int recognise(const struct scope *scope)
{
	size_t i = 0;

	while (i < SHAPES && lacking(scope, &shapes[i]) != MEMBERS) {
		i++;
	}
	if (i == SHAPES) {
		return reject_shape(scope);
	}
	for (enum member which = IMAGE; i == 0 && which <= TAG; which++) {
		if (scope->known[which]) {
			return reject_member(
				scope, which,
				"is not allowed beside 'image_id' and 'tag_id'");
		}
	}
	return (int)shapes[i].kind;
}

/* Reads a string member into the reader's scratch buffer; -1: it contains U+0000. */
static int read_string(const struct scope *scope, enum member which)
{
	const struct json_member *m = scope->known[which];

	assert(m);
	buf_clear(&scope->reader->string);
	return json_string(&scope->reader->string, scope->canon + m->value.off,
			   m->value.len);
}

static int read_id(struct record_id *out, const struct scope *scope, enum member which)
{
	const struct buf *string = &scope->reader->string;
	const char *fault = "has control characters";

	if (read_string(scope, which) == 0) {
		fault = record_id_fault(string->data, string->len);
	}
	if (fault) {
		return reject_member(scope, which, fault);
	}
	out->len = (unsigned char)string->len;
	memcpy(out->bytes, string->data, string->len);
	out->bytes[string->len] = '\0';
	return 0;
}

static int read_stamp(struct stamp *out, const struct scope *scope, enum member which)
{
	const struct buf *string = &scope->reader->string;
	char type = type_of(scope, which);

	*out = (struct stamp){0};
	if (!type || type == 'n') {
		return 0;
	}
	if (type != '"' || read_string(scope, which) < 0 ||
	    stamp_read(out, string->data, string->len) < 0) {
		return reject_member(scope, which,
				     "is not an RFC 3339 instant, as in "
				     "2019-04-08T19:38:44.311+02:00");
	}
	return 0;
}

/* Reads what records of all kinds have: id and stamps. */
static int read_common(struct record *out, const struct scope *scope,
		       enum record_kind kind, size_t len)
{
	bool by_public_id = kind == RECORD_IMAGE && !is_string(scope, ID);
	struct stamp updated;

	/* Clears all but the bytes of the ids, which are many. */
	out->kind = kind;
	out->text = (struct json_span){scope->base, len};
	out->album.len = 0;
	out->image.len = 0;
	out->tag.len = 0;
	out->image_slot = (struct record_slot){0};
	out->tag_slot = (struct record_slot){0};
	out->embedded = false;
	if (read_id(&out->id, scope, by_public_id ? PUBLIC_ID : ID) < 0 ||
	    read_stamp(&out->created, scope, CREATED_AT) < 0 ||
	    read_stamp(&updated, scope, UPDATED_AT) < 0) {
		return -1;
	}
	out->stamp = stamp_is_absent(&updated) ? out->created : updated;
	return kind == RECORD_IMAGE ? read_id(&out->album, scope, ALBUM_ID) : 0;
}

static void set_slot(struct record_slot *slot, const struct scope *scope,
		     enum member which)
{
	const struct json_member *m = scope->known[which];

	assert(m);
	slot->member.off = m->key.off;
	slot->member.len = m->value.off + m->value.len - m->key.off;
	slot->value = m->value;
}

/* Reads the image or the tag that is embedded in the tag image of `outer`. */
static int read_embedded(struct record *out, const struct scope *outer, enum member which)
{
	const struct json_span *value = &outer->known[which]->value;
	enum record_kind want = which == IMAGE ? RECORD_IMAGE : RECORD_TAG;
	struct scope scope;
	int kind;

	if (scope_open(&scope, outer->reader, which == IMAGE ? 1 : 2,
		       which == IMAGE ? "image: " : "tag: ", outer->canon, *value) < 0) {
		return -1;
	}
	kind = recognise(&scope);
	if (kind < 0) {
		return -1;
	}
	if (kind != (int)want) {
		return reject(&scope, 0, "the object is of kind '%s', not '%s'",
			      record_kind_name((enum record_kind)kind),
			      record_kind_name(want));
	}
	return read_common(out, &scope, want, value->len);
}

static int read_tag_image(struct record_reader *reader, const struct scope *scope)
{
	struct record *record = &reader->record[0];

	if (is_string(scope, IMAGE_ID) && is_string(scope, TAG_ID)) {
		set_slot(&record->image_slot, scope, IMAGE_ID);
		set_slot(&record->tag_slot, scope, TAG_ID);
		return read_id(&record->image, scope, IMAGE_ID) < 0 ||
				       read_id(&record->tag, scope, TAG_ID) < 0
			       ? -1
			       : 0;
	}
	set_slot(&record->image_slot, scope, IMAGE);
	set_slot(&record->tag_slot, scope, TAG);
	if (read_embedded(&reader->record[1], scope, IMAGE) < 0 ||
	    read_embedded(&reader->record[2], scope, TAG) < 0) {
		return -1;
	}
	record->image = reader->record[1].id;
	record->tag = reader->record[2].id;
	record->embedded = true;
	reader->count = 3;
	return 0;
}

int record_read(struct record_reader *reader, const char *canon, size_t len)
{
	struct scope scope = {.reader = reader, .prefix = ""};
	int kind;

	reader->count = 0;
	reader->reason[0] = '\0';
	reader->failed_at = 0;
	if (!len || canon[0] != '{') {
		return reject(&scope, 0, "not an object");
	}
	if (scope_open(&scope, reader, 0, "", canon, (struct json_span){0, len}) < 0) {
		return -1;
	}
	kind = recognise(&scope);
	if (kind < 0 ||
	    read_common(&reader->record[0], &scope, (enum record_kind)kind, len) < 0) {
		return -1;
	}
	reader->count = 1;
	if (kind == RECORD_TAG_IMAGE && read_tag_image(reader, &scope) < 0) {
		reader->count = 0;
		return -1;
	}
	return 0;
}

void record_reader_release(struct record_reader *reader)
{
	if (reader) {
		for (size_t i = 0; i < sizeof(reader->object) / sizeof(*reader->object);
		     i++) {
			json_object_release(&reader->object[i]);
		}
		buf_release(&reader->string);
		reader->count = 0;
	}
}

static void copy_id(struct record_id *out, const struct record_id *id)
{
	out->len = id->len;
	memcpy(out->bytes, id->bytes, id->len);
	out->bytes[id->len] = '\0';
}

void record_copy(struct record *out, const struct record *record)
{
	memcpy(out, record, offsetof(struct record, id));
	copy_id(&out->id, &record->id);
	copy_id(&out->album, &record->album);
	copy_id(&out->image, &record->image);
	copy_id(&out->tag, &record->tag);
}

const char *record_id_fault(const char *id, size_t len)
{
	if (!len) {
		return "is empty";
	}
	if (len > RECORD_ID_MAX) {
		return "is longer than 200 bytes";
	}
	if (name_length(id, len) == len) {
		return NULL; /* nearly always: letters, digits, _ and - */
	}
	if (!json_is_utf8(id, len)) {
		return "is not UTF-8";
	}
	for (size_t i = 0; i < len; i++) {
		if (utf8_is_control(id + i)) {
			return "has control characters";
		}
	}
	if (name_length(id, len) > RECORD_NAME_MAX) {
		return "is longer than 240 bytes as a file name";
	}
	return NULL;
}

const char *record_kind_name(enum record_kind kind)
{
	switch (kind) {
	case RECORD_IMAGE:
		return "image";
	case RECORD_TAG:
		return "tag";
	case RECORD_TAG_IMAGE:
		return "tag image";
	}
	return "record";
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/name.h"
#include "data/format/record.h"

/*
 * Any bytes, as a metadata file: json_read, members, strings, record_read.
 *
 *	clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_record.c
 *	fuzz_record CORPUS data/samples
 *
 * The samples are seed enough: CORPUS (an empty folder under build/) collects what
 * is found, and data/samples is only read. What must hold, for whatever bytes:
 *
 * - a text that is refused says where and why, and leaves the output as it was;
 * - canonical text reads again to itself, and so does each member's value;
 * - a string that is read and quoted again is the canonical string it was;
 * - spans lie within bounds, in order, and point at what they should;
 * - each canonical byte leads back to a place in the source;
 * - an id that is taken makes a file name that leads back to it.
 */

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

/* Canonical text is its own canonical text. */
static void check_again(const char *canon, size_t len, size_t depth)
{
	struct json_value value;
	struct buf again = {0};

	must(json_read(&again, &value, canon, len) == 0);
	must(!value.unusable && value.begin == 0 && value.end == len);
	must(value.depth == depth || depth == SIZE_MAX);
	must(again.len == len && memcmp(again.data, canon, len) == 0);
	buf_release(&again);
}

static void check_string(const char *canon, size_t len)
{
	struct buf string = {0}, quoted = {0};

	must(len >= 2 && canon[0] == '"' && canon[len - 1] == '"');
	if (json_string(&string, canon, len) == 0) {
		must(json_is_utf8(string.data, string.len));
		must(!memchr(string.data, '\0', string.len));
		json_quote(&quoted, string.data, string.len);
		must(quoted.len == len && memcmp(quoted.data, canon, len) == 0);
	} else {
		must(memmem(canon, len, "\\u0000", 6) != NULL);
		must(string.len == 0);
	}
	buf_release(&string);
	buf_release(&quoted);
}

static void check_id(const struct record_id *id)
{
	struct buf name = {0}, back = {0};

	must(!record_id_fault(id->bytes, id->len));
	must(id->bytes[id->len] == '\0');
	name_add(&name, id->bytes, id->len);
	must(name.len <= RECORD_NAME_MAX && !strchr(name.data, '/') && *name.data != '.');
	must(name_to_id(&back, name.data, name.len) == 0);
	must(back.len == id->len && memcmp(back.data, id->bytes, id->len) == 0);
	buf_release(&name);
	buf_release(&back);
}

static void check_slot(const char *canon, size_t len, const struct record_slot *slot,
		       char first)
{
	must(slot->member.off < len && slot->member.len <= len - slot->member.off);
	must(slot->value.off + slot->value.len == slot->member.off + slot->member.len);
	must(slot->value.off > slot->member.off);
	must(canon[slot->member.off] == '"' && canon[slot->value.off - 1] == ':');
	must(canon[slot->value.off] == first);
}

static void check_record(const char *canon, size_t len)
{
	struct record_reader reader = {0};

	if (record_read(&reader, canon, len) < 0) {
		must(reader.reason[0] && reader.failed_at < len && reader.count == 0);
		must(json_is_utf8(reader.reason, strlen(reader.reason)));
	} else {
		const struct record *r = reader.record;

		must(reader.count == (r->embedded ? 3 : 1));
		for (size_t i = 0; i < reader.count; i++) {
			must(r[i].text.off < len && r[i].text.len <= len - r[i].text.off);
			must(canon[r[i].text.off] == '{');
			check_id(&r[i].id);
		}
		if (r->kind == RECORD_TAG_IMAGE) {
			check_slot(canon, len, &r->image_slot, r->embedded ? '{' : '"');
			check_slot(canon, len, &r->tag_slot, r->embedded ? '{' : '"');
			check_id(&r->image);
			check_id(&r->tag);
		}
	}
	record_reader_release(&reader);
}

/* Members or elements fill the text between the brackets, one after another. */
static void check_list(const char *canon, size_t len)
{
	struct json_object list = {0};
	size_t at = 1, duplicate = SIZE_MAX;

	if (canon[0] == '{') {
		json_members(&list, canon, len);
		duplicate = json_duplicate(&list, canon);
	} else {
		json_elements(&list, canon, len);
	}
	for (size_t i = 0; i < list.count; i++) {
		const struct json_member *m = &list.member[i];

		if (canon[0] == '{') {
			must(m->key.off == at && m->key.len >= 2);
			at += m->key.len;
			must(at < len && canon[at] == ':');
			at++;
			check_string(canon + m->key.off, m->key.len);
		}
		must(m->value.off == at && m->value.len > 0);
		at += m->value.len;
		must(at < len &&
		     canon[at] == (i + 1 < list.count ? ',' : canon[len - 1]));
		at++;
		check_again(canon + m->value.off, m->value.len, SIZE_MAX);
		if (canon[m->value.off] == '"') {
			check_string(canon + m->value.off, m->value.len);
		}
		check_record(canon + m->value.off, m->value.len);
	}
	must(list.count ? at == len : len == 2);
	must(duplicate == SIZE_MAX || (duplicate > 1 && duplicate < len));
	json_object_release(&list);
}

static void check_canonical(const char *canon, size_t len, size_t depth)
{
	check_again(canon, len, depth);
	if (canon[0] == '{' || canon[0] == '[') {
		check_list(canon, len);
	}
	if (canon[0] == '"') {
		check_string(canon, len);
	}
	check_record(canon, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json_value value;
	struct buf canon = {0};

	buf_addstr(&canon, "+");
	if (json_read(&canon, &value, text, size) < 0) {
		must(value.reason && value.failed_at <= size && canon.len == 1);
	} else if (value.unusable) {
		must(canon.len == 1 && value.unusable_at < value.end);
	} else {
		size_t before = value.begin;

		must(value.begin < value.end && value.end <= size);
		must(value.begin == json_skip_space(text, size, 0));
		check_canonical(canon.data + 1, canon.len - 1, value.depth);
		for (size_t off = 0; off + 1 < canon.len; off += 1 + canon.len / 16) {
			size_t source = json_source_offset(text, size, off);

			must(source >= before && source < value.end);
			before = source;
		}
	}
	must(canon.data[0] == '+');
	buf_release(&canon);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/file.h"
#include "data/format/record.h"

struct fixture {
	struct record_reader reader;
	struct buf canon;
};

static int setup(void **state)
{
	*state = xzalloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	record_reader_release(&f->reader);
	buf_release(&f->canon);
	free(f);
	return 0;
}

static int read_text(struct fixture *f, const char *text)
{
	struct json_value value;

	buf_clear(&f->canon);
	if (json_read(&f->canon, &value, text, strlen(text)) < 0 || value.unusable) {
		fail_msg("bad test: %s", text);
	}
	return record_read(&f->reader, f->canon.data, f->canon.len);
}

/* Reads a text that must be a record. */
static const struct record *read_good(struct fixture *f, const char *text)
{
	if (read_text(f, text) < 0) {
		fail_msg("%s: %s", text, f->reader.reason);
	}
	return f->reader.record;
}

/* Reads a text that must be rejected; `at` is the text at the fault. */
static void check_reject(struct fixture *f, const char *text, const char *reason,
			 const char *at)
{
	if (read_text(f, text) == 0) {
		fail_msg("taken as a record: %s", text);
	}
	assert_string_equal(f->reader.reason, reason);
	assert_int_equal(f->reader.count, 0);
	assert_memory_equal(f->canon.data + f->reader.failed_at, at, strlen(at));
}

static void check_id(const struct record_id *id, const char *want)
{
	assert_int_equal(id->len, strlen(want));
	assert_string_equal(id->bytes, want);
}

static void check_text(const struct fixture *f, const struct json_span *span,
		       const char *want)
{
	assert_int_equal(span->len, strlen(want));
	assert_memory_equal(f->canon.data + span->off, want, span->len);
}

static void an_image_has_an_album_and_an_id(void **state)
{
	struct fixture *f = *state;
	const struct record *r;

	r = read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\",\"x\":[{}]}");
	assert_int_equal(f->reader.count, 1);
	assert_int_equal(r->kind, RECORD_IMAGE);
	check_id(&r->id, "p");
	check_id(&r->album, "a");
	assert_int_equal(r->image.len, 0);
	assert_true(stamp_is_absent(&r->created));
	assert_int_equal(r->text.off, 0);
	assert_int_equal(r->text.len, f->canon.len);
	r = read_good(f, "{\"id\":\"i\",\"public_id\":\"p\",\"album_id\":\"a\"}");
	check_id(&r->id, "i");
	r = read_good(f, "{\"id\":7,\"public_id\":\"p\",\"album_id\":\"a\"}");
	check_id(&r->id, "p");
	r = read_good(f,
		      "{\"id\":null,\"public_id\":\"\\u0061\\/\",\"album_id\":\"\\\"\"}");
	check_id(&r->id, "a/");
	check_id(&r->album, "\"");
	/* Only the id must be a good one. */
	r = read_good(f, "{\"id\":\"i\",\"public_id\":\"\",\"album_id\":\"a\"}");
	check_id(&r->id, "i");
}

static void a_tag_has_an_id_a_name_and_a_label(void **state)
{
	struct fixture *f = *state;
	const struct record *r;

	r = read_good(f, "{\"id\":\"t\",\"name\":\"\",\"label\":\"\\u0000\"}");
	assert_int_equal(r->kind, RECORD_TAG);
	assert_int_equal(f->reader.count, 1);
	check_id(&r->id, "t");
	assert_int_equal(r->album.len, 0);
}

static void the_first_shape_that_fits_counts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_good(f, "{\"id\":\"i\",\"name\":\"n\",\"label\":\"l\","
				      "\"public_id\":\"p\",\"album_id\":\"a\"}")
				 ->kind,
			 RECORD_IMAGE);
	assert_int_equal(read_good(f, "{\"id\":\"i\",\"name\":\"n\",\"label\":\"l\","
				      "\"public_id\":\"p\",\"album_id\":\"a\","
				      "\"image_id\":\"x\",\"tag_id\":\"y\"}")
				 ->kind,
			 RECORD_TAG_IMAGE);
	/* Half a shape is none. */
	assert_int_equal(read_good(f, "{\"id\":\"i\",\"name\":\"n\",\"label\":\"l\","
				      "\"image\":{},\"tag_id\":\"y\",\"album_id\":\"a\"}")
				 ->kind,
			 RECORD_TAG);
	assert_int_equal(read_good(f, "{\"id\":1,\"public_id\":\"p\",\"album_id\":\"a\","
				      "\"image_id\":\"x\",\"tag_id\":\"y\"}")
				 ->kind,
			 RECORD_IMAGE);
	assert_int_equal(read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\","
				      "\"image\":{},\"tag\":{}}")
				 ->kind,
			 RECORD_IMAGE);
}

static void a_flat_tag_image_names_its_image_and_tag(void **state)
{
	struct fixture *f = *state;
	const struct record *r;

	r = read_good(f, "{\"tag_id\":\"t\",\"id\":\"ti\",\"image_id\" : \"i\"}");
	assert_int_equal(f->reader.count, 1);
	assert_int_equal(r->kind, RECORD_TAG_IMAGE);
	assert_false(r->embedded);
	check_id(&r->id, "ti");
	check_id(&r->image, "i");
	check_id(&r->tag, "t");
	check_text(f, &r->image_slot.member, "\"image_id\":\"i\"");
	check_text(f, &r->image_slot.value, "\"i\"");
	check_text(f, &r->tag_slot.member, "\"tag_id\":\"t\"");
	check_text(f, &r->tag_slot.value, "\"t\"");
}

#define IMAGE "{\"album_id\":\"a\",\"public_id\":\"p\"}"
#define TAG "{\"id\":\"t\",\"name\":\"n\",\"label\":\"l\"}"

static void an_embedding_tag_image_states_three_records(void **state)
{
	struct fixture *f = *state;
	const struct record *r;

	r = read_good(f, "{\"tag\":" TAG ",\"image_id\":\"other\",\"image\":" IMAGE
			 ",\"id\":\"ti\"}");
	assert_int_equal(f->reader.count, 3);
	assert_true(r->embedded);
	assert_int_equal(r[0].kind, RECORD_TAG_IMAGE);
	assert_int_equal(r[1].kind, RECORD_IMAGE);
	assert_int_equal(r[2].kind, RECORD_TAG);
	check_id(&r[0].id, "ti");
	check_id(&r[0].image, "p");
	check_id(&r[0].tag, "t");
	check_id(&r[1].album, "a");
	check_text(f, &r[1].text, IMAGE);
	check_text(f, &r[2].text, TAG);
	check_text(f, &r->image_slot.member, "\"image\":" IMAGE);
	check_text(f, &r->image_slot.value, IMAGE);
	check_text(f, &r->tag_slot.member, "\"tag\":" TAG);
	/* A reader that is used again keeps nothing of it. */
	r = read_good(f, TAG);
	assert_int_equal(f->reader.count, 1);
	assert_int_equal(r->image.len, 0);
	assert_false(r->embedded);
}

static void both_ways_to_join_at_once_are_rejected(void **state)
{
	struct fixture *f = *state;

	check_reject(f, "{\"id\":\"x\",\"image_id\":\"i\",\"tag_id\":\"t\",\"tag\":null}",
		     "'tag' is not allowed beside 'image_id' and 'tag_id'", "\"tag\":");
	check_reject(
		f,
		"{\"image\":" IMAGE ",\"id\":\"x\",\"image_id\":\"i\",\"tag_id\":\"t\","
		"\"tag\":" TAG "}",
		"'image' is not allowed beside 'image_id' and 'tag_id'", "\"image\":");
	check_reject(f,
		     "{\"public_id\":\"p\",\"album_id\":\"a\",\"id\":\"x\","
		     "\"image_id\":\"i\",\"tag_id\":\"t\",\"image\":5}",
		     "'image' is not allowed beside 'image_id' and 'tag_id'",
		     "\"image\":");
}

#define IMAGE_NEEDS "an image needs strings 'public_id' and 'album_id'; this object "
#define IDS_NEED                                                                         \
	"a tag image needs strings 'id', 'image_id' and 'tag_id'; this object has "
#define PARTS_NEED                                                                       \
	"a tag image needs a string 'id' and objects 'image' and 'tag'; this object "    \
	"has "
#define TAG_NEEDS "a tag needs strings 'id', 'name' and 'label'; this object has "

static void a_bad_embedded_record_rejects_the_whole(void **state)
{
	struct fixture *f = *state;

	check_reject(f, "{\"id\":\"x\",\"image\":{\"public_id\":\"p\"},\"tag\":" TAG "}",
		     "image: not an image, a tag or a tag image (no 'album_id'); an "
		     "image needs "
		     "strings 'public_id' and 'album_id'; this object has 'public_id'",
		     "{\"public_id\"");
	check_reject(f, "{\"id\":\"x\",\"image\":" IMAGE ",\"tag\":{\"id\":\"t\"}}",
		     "tag: not an image, a tag or a tag image; " TAG_NEEDS "'id'",
		     "{\"id\":\"t\"");
	check_reject(f, "{\"id\":\"x\",\"image\":" TAG ",\"tag\":" TAG "}",
		     "image: the object is of kind 'tag', not 'image'", "{\"id\":\"t\"");
	check_reject(f, "{\"id\":\"x\",\"image\":" IMAGE ",\"tag\":" IMAGE "}",
		     "tag: the object is of kind 'image', not 'tag'", "{\"album_id\"");
	check_reject(f,
		     "{\"id\":\"x\",\"tag\":" TAG
		     ",\"image\":{\"id\":\"z\",\"image_id\":\"i\","
		     "\"tag_id\":\"t\",\"public_id\":\"p\",\"album_id\":\"a\"}}",
		     "image: the object is of kind 'tag image', not 'image'",
		     "{\"id\":\"z\"");
	check_reject(f,
		     "{\"id\":\"x\",\"image\":{\"public_id\":\"p\",\"album_id\":\"\"},"
		     "\"tag\":" TAG "}",
		     "image: 'album_id' is empty", "\"album_id\"");
	check_reject(f,
		     "{\"id\":\"x\",\"image\":" IMAGE
		     ",\"tag\":{\"id\":\"t\",\"name\":\"n\","
		     "\"label\":\"l\",\"updated_at\":0}}",
		     "tag: 'updated_at' is not an RFC 3339 instant, as in "
		     "2019-04-08T19:38:44.311+02:00",
		     "\"updated_at\"");
}

static void a_member_that_occurs_twice_rejects(void **state)
{
	struct fixture *f = *state;

	check_reject(f, "{\"public_id\":\"p\",\"album_id\":\"a\",\"x\":1,\"\\u0078\":2}",
		     "member \"x\" occurs twice", "\"x\":2");
	check_reject(f,
		     "{\"id\":\"x\",\"image\":{\"public_id\":\"p\",\"album_id\":\"a\","
		     "\"q&\":1,\"q\\u0026\":1},\"tag\":" TAG "}",
		     "image: member \"q\\u0026\" occurs twice", "\"q\\u0026\":1}");
	check_reject(f,
		     "{\"id\":\"x\",\"image\":" IMAGE
		     ",\"tag\":{\"id\":\"t\",\"name\":\"n\","
		     "\"name\":\"m\",\"label\":\"l\"}}",
		     "tag: member \"name\" occurs twice", "\"name\":\"m\"");
	/* Deeper ones, and other spellings, are carried. */
	read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\",\"A\":1,\"a\":1,"
		     "\"infos\":{\"x\":1,\"x\":2},\"l\":[{\"y\":1,\"y\":1}]}");
}

static void a_long_member_name_is_cut_in_the_reason(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};

	/* Characters of two bytes: no half of one may be left. */
	buf_addstr(&text, "{\"");
	for (int twice = 0; twice < 2; twice++) {
		for (int i = 0; i < 500; i++) {
			buf_addstr(&text, "\xc3\xa9");
		}
		buf_addstr(&text, twice ? "\":2}" : "\":1,\"");
	}
	assert_int_equal(read_text(f, text.data), -1);
	assert_non_null(strstr(f->reader.reason, "... occurs twice"));
	assert_true(json_is_utf8(f->reader.reason, strlen(f->reader.reason)));
	buf_release(&text);
}

static void stamps_are_instants_or_absent(void **state)
{
	static const char *const bad[] = {"\"2019-04-08\"",
					  "\"\"",
					  "1554745124",
					  "false",
					  "{}",
					  "[]",
					  "\"2019-04-08T19:38:44\\u0000Z\""};
	struct fixture *f = *state;
	const struct record *r;
	struct stamp older;

	r = read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\","
			 "\"created_at\":\"2019-04-08T19:38:44.311+02:00\"}");
	assert_false(stamp_is_absent(&r->created));
	assert_memory_equal(&r->created, &r->stamp, sizeof(r->stamp));
	older = r->created;
	r = read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\","
			 "\"updated_at\":\"2019-04-08T17:38:45Z\","
			 "\"created_at\":\"2019-04-08T19:38:44.311+02:00\"}");
	assert_memory_equal(&r->created, &older, sizeof(older));
	assert_true(stamp_compare(&r->stamp, &older) > 0);
	r = read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\",\"updated_at\":null,"
			 "\"created_at\":\"2019-04-08T19:38:44.311+02:00\"}");
	assert_memory_equal(&r->stamp, &older, sizeof(older));
	r = read_good(f, "{\"public_id\":\"p\",\"album_id\":\"a\",\"created_at\":null,"
			 "\"updated_at\":\"2019-04-08T19:38:44.311+02:00\"}");
	assert_true(stamp_is_absent(&r->created));
	assert_memory_equal(&r->stamp, &older, sizeof(older));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[160];

		snprintf(text, sizeof(text),
			 "{\"public_id\":\"p\",\"album_id\":\"a\",\"created_at\":%s}",
			 bad[i]);
		check_reject(f, text,
			     "'created_at' is not an RFC 3339 instant, as in "
			     "2019-04-08T19:38:44.311+02:00",
			     "\"created_at\"");
	}
}

static void bad_ids_are_rejected(void **state)
{
	struct fixture *f = *state;

	check_reject(f, "{\"id\":\"\",\"name\":\"n\",\"label\":\"l\"}", "'id' is empty",
		     "\"id\":");
	check_reject(f, "{\"id\":\"a\\u0000b\",\"name\":\"n\",\"label\":\"l\"}",
		     "'id' has control characters", "\"id\":");
	check_reject(f, "{\"public_id\":\"\",\"album_id\":\"a\"}", "'public_id' is empty",
		     "\"public_id\":");
	check_reject(f, "{\"public_id\":\"p\",\"album_id\":\"\\n\"}",
		     "'album_id' has control characters", "\"album_id\":");
	check_reject(f, "{\"id\":\"x\",\"image_id\":\"\",\"tag_id\":\"t\"}",
		     "'image_id' is empty", "\"image_id\":");
	check_reject(f, "{\"id\":\"x\",\"image_id\":\"i\",\"tag_id\":\"\\u0085\"}",
		     "'tag_id' has control characters", "\"tag_id\":");
}

static void an_object_of_no_shape_is_told_what_it_lacks(void **state)
{
	struct fixture *f = *state;

	check_reject(f, "[]", "not an object", "[]");
	check_reject(f, "\"x\"", "not an object", "\"x\"");
	check_reject(f, "{}",
		     "not an image, a tag or a tag image; " IMAGE_NEEDS "is empty", "{}");
	check_reject(f, "{\"public_id\":\"p\"}",
		     "not an image, a tag or a tag image (no 'album_id'); " IMAGE_NEEDS
		     "has 'public_id'",
		     "{");
	check_reject(f, "{\"public_id\":\"p\",\"album_id\":null}",
		     "not an image, a tag or a tag image ('album_id' is not a "
		     "string); " IMAGE_NEEDS "has 'public_id', 'album_id'",
		     "\"album_id\"");
	check_reject(f, "{\"name\":\"n\",\"label\":\"l\"}",
		     "not an image, a tag or a tag image (no 'id'); " TAG_NEEDS
		     "'name', 'label'",
		     "{");
	check_reject(
		f, "{\"id\":1,\"image_id\":\"i\",\"tag_id\":\"t\"}",
		"not an image, a tag or a tag image ('id' is not a string); " IDS_NEED
		"'id', 'image_id', 'tag_id'",
		"\"id\"");
	check_reject(f, "{\"id\":\"x\",\"image\":{}}",
		     "not an image, a tag or a tag image (no 'tag'); " PARTS_NEED
		     "'id', 'image'",
		     "{");
	check_reject(
		f, "{\"id\":\"x\",\"image\":{},\"tag\":[]}",
		"not an image, a tag or a tag image ('tag' is not an object); " PARTS_NEED
		"'id', 'image', 'tag'",
		"\"tag\"");
	/* Members of several shapes hint at an image first; ids are looked at first. */
	check_reject(f, "{\"image_id\":\"i\",\"album_id\":\"a\"}",
		     "not an image, a tag or a tag image (no 'public_id'); " IMAGE_NEEDS
		     "has 'image_id', 'album_id'",
		     "{");
	check_reject(f, "{\"image_id\":\"i\"}",
		     "not an image, a tag or a tag image (no 'id'); " IDS_NEED
		     "'image_id'",
		     "{");
	check_reject(f, "{\"label\":\"l\"}",
		     "not an image, a tag or a tag image (no 'id'); " TAG_NEEDS "'label'",
		     "{");
	/* Names are cut, between two characters, and so is their list. */
	check_reject(f,
		     "{\"a\\nb & c\":1,\"\":2,\"c\\u0000\":3,"
		     "\"123456789012345678901234567890123456789\u00e9\":4,\"e\":5,\"f\":"
		     "6,\"g\":7}",
		     "not an image, a tag or a tag image; " IMAGE_NEEDS
		     "has 'a\nb & c', '', 'c\\u0000', "
		     "'123456789012345678901234567890123456789...', 'e', 'f', ...",
		     "{");
}

static void ids_have_limits(void **state)
{
	char id[256];

	(void)state;
	memset(id, 'a', sizeof(id));
	assert_null(record_id_fault(id, 1));
	assert_null(record_id_fault(id, 200));
	assert_string_equal(record_id_fault(id, 201), "is longer than 200 bytes");
	assert_string_equal(record_id_fault(id, 0), "is empty");
	memset(id, '/', sizeof(id));
	assert_null(record_id_fault(id, 80));
	assert_string_equal(record_id_fault(id, 81),
			    "is longer than 240 bytes as a file name");
	assert_null(record_id_fault("..", 2));
	assert_null(record_id_fault("\xc2\xa0\xed\x9f\xbf", 5));
	assert_string_equal(record_id_fault("a\xff", 2), "is not UTF-8");
	assert_string_equal(record_id_fault("a\xc2", 2), "is not UTF-8");
	assert_string_equal(record_id_fault("\0", 1), "has control characters");
	assert_string_equal(record_id_fault("a\x1f", 2), "has control characters");
	assert_string_equal(record_id_fault("\x7f", 1), "has control characters");
	assert_string_equal(record_id_fault("\xc2\x80", 2), "has control characters");
	assert_string_equal(record_id_fault("\xc2\x9f", 2), "has control characters");
}

/* Reads the elements of a sample: `count` of them, each one record. */
static void read_sample(struct fixture *f, const char *name)
{
	const char *dir = getenv("ALBUMEN_SAMPLES");
	struct json_object array = {0};
	struct buf path = {0}, text = {0};
	struct json_value value;
	struct json_span span;
	struct err err = {0};

	buf_addf(&path, "%s/%s", dir ? dir : "data/samples", name);
	if (file_read(&text, path.data, 1 << 20, &err) < 0) {
		fail_msg("%s", err.msg);
	}
	buf_clear(&f->canon);
	assert_int_equal(json_read(&f->canon, &value, text.data, text.len), 0);
	json_elements(&array, f->canon.data, f->canon.len);
	assert_int_equal(array.count, 1);
	span = array.member[0].value;
	if (record_read(&f->reader, f->canon.data + span.off, span.len) < 0) {
		fail_msg("%s: %s", name, f->reader.reason);
	}
	json_object_release(&array);
	buf_release(&text);
	buf_release(&path);
}

static void the_recorded_bodies_are_records(void **state)
{
	struct fixture *f = *state;
	const struct record *r = f->reader.record;
	struct stamp stamp;

	read_sample(f, "tag-images-of-an-image.json");
	assert_int_equal(f->reader.count, 3);
	check_id(&r[0].id, "195d3c09-4d5a-45c3-a665-226f951ab58c");
	check_id(&r[0].image, "885999a5-58a5-406a-bc8e-2ac5420d60a3");
	check_id(&r[0].tag, "7aab9384-1ed7-45f6-a166-afcde50f8c59");
	check_id(&r[1].album, "00324000004ijWS");
	assert_int_equal(stamp_read(&stamp, "2019-04-08T17:38:44.275Z", 24), 0);
	assert_int_equal(stamp_compare(&stamp, &r[1].stamp), 0);

	read_sample(f, "untagged-images-of-an-album.json");
	assert_int_equal(f->reader.count, 1);
	assert_int_equal(r->kind, RECORD_IMAGE);
	check_id(&r->id, "078fafdc-f05a-44c4-94df-c04244c7cda4");
	check_id(&r->album, "00324000005TXjIAAW");
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(record_kind_name(RECORD_IMAGE), "image");
	assert_string_equal(record_kind_name(RECORD_TAG), "tag");
	assert_string_equal(record_kind_name(RECORD_TAG_IMAGE), "tag image");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_image_has_an_album_and_an_id),
		TEST(a_tag_has_an_id_a_name_and_a_label),
		TEST(the_first_shape_that_fits_counts),
		TEST(a_flat_tag_image_names_its_image_and_tag),
		TEST(an_embedding_tag_image_states_three_records),
		TEST(both_ways_to_join_at_once_are_rejected),
		TEST(a_bad_embedded_record_rejects_the_whole),
		TEST(a_member_that_occurs_twice_rejects),
		TEST(a_long_member_name_is_cut_in_the_reason),
		TEST(stamps_are_instants_or_absent),
		TEST(bad_ids_are_rejected),
		TEST(an_object_of_no_shape_is_told_what_it_lacks),
		cmocka_unit_test(ids_have_limits),
		TEST(the_recorded_bodies_are_records),
		cmocka_unit_test(kinds_have_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

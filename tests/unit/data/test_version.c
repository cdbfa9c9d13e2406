/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/format/json.h"
#include "data/format/record.h"
#include "data/index/ids.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/* Versions in an index of each test, in one transaction that is never committed: record
 * 1 is an image, 2 a tag, 3 a tag image. */

struct versions {
	struct index_fixture *index;
	struct index_txn *txn;
	struct err err;
};

static const char *const ids[] = {"", "i", "t", "j"};

static int setup(void **state)
{
	struct versions *v = xzalloc(sizeof(*v));

	index_fixture_up((void **)&v->index);
	assert_int_equal(index_begin(&v->txn, v->index->index, true, &v->err), 0);
	for (unsigned kind = RECORD_IMAGE; kind <= RECORD_TAG_IMAGE; kind++) {
		struct record_id id = {.len = 1, .bytes = {ids[kind][0]}};

		assert_int_equal(ids_intern(v->txn, kind, &id), kind);
	}
	*state = v;
	return 0;
}

static int teardown(void **state)
{
	struct versions *v = *state;

	index_abort(&v->txn);
	index_fixture_down((void **)&v->index);
	free(v);
	return 0;
}

/* The key of a text; `canon` keeps its canonical form. */
static struct row_version_key key_of(struct record_reader *reader, struct buf *canon,
				     const char *text)
{
	struct row_version_key key = {0};
	struct json_value value;

	assert_int_equal(json_read(canon, &value, text, strlen(text)), 0);
	if (record_read(reader, canon->data, canon->len) < 0) {
		fail_msg("%s", reader->reason);
	}
	key.number = reader->record[0].kind;
	key.stamp = reader->record[0].stamp;
	row_hash(key.hash, canon->data, canon->len);
	return key;
}

/* Makes a version of a text; a tag image with objects embeds the two given versions. */
static struct row_version_key make(struct versions *v, const char *text,
				   enum version_hold hold,
				   const struct row_version_key *image,
				   const struct row_version_key *tag)
{
	struct record_reader reader = {0};
	struct buf canon = {0}, packed = {0}, own = {0};
	struct row_version_key key = key_of(&reader, &canon, text);
	struct row_version facts = {.kind = reader.record[0].kind, .image = 1, .tag = 2};

	if (image) {
		facts.embedded = true;
		facts.image_version = *image;
		facts.tag_version = *tag;
	}
	version_pack(v->txn->codec, &packed, &facts, &reader.record[0], canon.data, &own);
	facts.packed = (const unsigned char *)packed.data;
	facts.packed_len = packed.len;
	version_make(v->txn, &key, hold, &facts);
	record_reader_release(&reader);
	buf_release(&canon);
	buf_release(&packed);
	buf_release(&own);
	return key;
}

static struct row_version_key claim(struct versions *v, const char *text)
{
	return make(v, text, VERSION_CLAIM, NULL, NULL);
}

static bool there(struct versions *v, const struct row_version_key *key)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];
	struct store_value value;

	row_version_key_put(bytes, key);
	return store_get(v->txn->store, TABLE_VERSION, bytes, sizeof(bytes), &value) == 0;
}

static void says(struct versions *v, const struct row_version_key *key, const char *text)
{
	struct buf out = {0};

	assert_int_equal(version_text(v->txn, key, &out, &v->err), 0);
	assert_string_equal(out.data, text);
	buf_release(&out);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Asserts which of two texts wins, with all functions that decide it. */
static void beats(struct versions *v, const char *winner, const char *loser)
{
	struct row_version_key a = claim(v, winner), b = claim(v, loser), best;
	int order = 7;

	assert_int_equal(version_compare_text(v->txn, &a, &b, loser, strlen(loser),
					      &order, &v->err),
			 0);
	assert_int_equal(sign(order), 1);
	assert_int_equal(version_compare_text(v->txn, &b, &a, winner, strlen(winner),
					      &order, &v->err),
			 0);
	assert_int_equal(sign(order), -1);
	assert_int_equal(version_elect(v->txn, a.number, &best, &v->err), 0);
	assert_true(row_version_equal(&best, &a));
	version_release(v->txn, &a, VERSION_CLAIM);
	version_release(v->txn, &b, VERSION_CLAIM);
	assert_int_equal(version_elect(v->txn, a.number, &best, &v->err), ERR_NOTFOUND);
}

static void the_later_stamp_wins_whatever_the_text(void **state)
{
	beats(*state,
	      "{\"id\":\"t\",\"name\":\"a\",\"label\":\"a\","
	      "\"updated_at\":\"2020-01-01T00:00:00.000000001Z\"}",
	      "{\"id\":\"t\",\"name\":\"z\",\"label\":\"z\","
	      "\"updated_at\":\"2020-01-01T00:00:00Z\"}");
	beats(*state,
	      "{\"id\":\"t\",\"name\":\"a\",\"label\":\"a\","
	      "\"created_at\":\"1970-01-01T00:00:00Z\"}",
	      "{\"id\":\"t\",\"name\":\"z\",\"label\":\"z\"}");
}

static void of_equal_stamps_the_greater_text_wins(void **state)
{
	beats(*state, "{\"id\":\"t\",\"name\":\"b\",\"label\":\"l\"}",
	      "{\"id\":\"t\",\"name\":\"a\",\"label\":\"l\"}");
	/* Bytes are compared without a sign. */
	beats(*state, "{\"id\":\"t\",\"name\":\"\xc3\xa9\",\"label\":\"l\"}",
	      "{\"id\":\"t\",\"name\":\"z\",\"label\":\"l\"}");
	/* Hashes do not decide: among ten texts some hash has the opposite order. */
	for (char c = '0'; c < '9'; c++) {
		char less[] = "{\"id\":\"t\",\"name\":\"_\",\"label\":\"l\"}";
		char more[] = "{\"id\":\"t\",\"name\":\"_\",\"label\":\"l\"}";

		*strchr(less, '_') = c;
		*strchr(more, '_') = (char)(c + 1);
		beats(*state, more, less);
	}
}

static void the_greatest_of_many_is_elected_wherever_it_lies(void **state)
{
	struct versions *v = *state;
	struct row_version_key all[10], best;

	for (int i = 0; i < 10; i++) {
		char text[] = "{\"id\":\"t\",\"name\":\"_\",\"label\":\"l\"}";

		*strchr(text, '_') = (char)('0' + (i * 7) % 10);
		all[(i * 7) % 10] = claim(v, text);
	}
	for (int i = 10; i-- > 0;) {
		assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), 0);
		assert_true(row_version_equal(&best, &all[i]));
		version_release(v->txn, &all[i], VERSION_CLAIM);
	}
}

static void a_version_is_equal_to_itself(void **state)
{
	struct versions *v = *state;
	const char *text = "{\"id\":\"t\",\"name\":\"a\",\"label\":\"l\"}";
	struct row_version_key a = claim(v, text);
	int order = 7;

	assert_int_equal(
		version_compare_text(v->txn, &a, &a, text, strlen(text), &order, &v->err),
		0);
	assert_int_equal(order, 0);
}

static void a_version_stays_until_its_last_hold_is_released(void **state)
{
	struct versions *v = *state;
	struct row_version_key a =
		claim(v, "{\"id\":\"t\",\"name\":\"a\",\"label\":\"l\"}");

	assert_int_equal(version_hold(v->txn, &a, VERSION_CLAIM), 0);
	assert_int_equal(version_hold(v->txn, &a, VERSION_PIN), 0);
	assert_int_equal(version_release(v->txn, &a, VERSION_CLAIM), 1);
	assert_int_equal(version_release(v->txn, &a, VERSION_CLAIM), 0);
	assert_true(there(v, &a));
	assert_int_equal(version_release(v->txn, &a, VERSION_PIN), 0);
	assert_false(there(v, &a));
	assert_int_equal(version_hold(v->txn, &a, VERSION_CLAIM), ERR_NOTFOUND);
	assert_false(there(v, &a));
}

static void a_pin_is_no_claim(void **state)
{
	struct versions *v = *state;
	struct row_version_key pinned =
		make(v, "{\"id\":\"t\",\"name\":\"z\",\"label\":\"l\"}", VERSION_PIN,
		     NULL, NULL);
	struct row_version_key best, claimed;

	assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), ERR_NOTFOUND);
	claimed = claim(v, "{\"id\":\"t\",\"name\":\"a\",\"label\":\"l\"}");
	assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), 0);
	assert_true(row_version_equal(&best, &claimed));
	assert_int_equal(version_hold(v->txn, &pinned, VERSION_CLAIM), 0);
	assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), 0);
	assert_true(row_version_equal(&best, &pinned));
	assert_int_equal(version_release(v->txn, &pinned, VERSION_CLAIM), 0);
	assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), 0);
	assert_true(row_version_equal(&best, &claimed));
}

static void versions_of_the_records_beside_it_are_not_elected(void **state)
{
	struct versions *v = *state;
	struct row_version_key best, tag;

	claim(v, "{\"public_id\":\"i\",\"album_id\":\"A\","
		 "\"updated_at\":\"2020-01-01T00:00:00Z\"}");
	claim(v, "{\"id\":\"j\",\"image_id\":\"i\",\"tag_id\":\"t\"}");
	assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), ERR_NOTFOUND);
	tag = claim(v, "{\"id\":\"t\",\"name\":\"a\",\"label\":\"l\"}");
	assert_int_equal(version_elect(v->txn, RECORD_TAG, &best, &v->err), 0);
	assert_true(row_version_equal(&best, &tag));
}

static void embedded_versions_stay_as_long_as_what_embeds_them(void **state)
{
	struct versions *v = *state;
	struct row_version_key image =
		claim(v, "{\"public_id\":\"i\",\"album_id\":\"A\"}");
	struct row_version_key tag =
		claim(v, "{\"id\":\"t\",\"name\":\"a\",\"label\":\"l\"}");
	const char *text = "{\"id\":\"j\",\"image\":{\"public_id\":\"i\",\"album_id\":"
			   "\"A\"},\"x\":1,\"tag\":{\"id\":\"t\",\"name\":\"a\","
			   "\"label\":\"l\"}}";
	struct row_version_key join = make(v, text, VERSION_CLAIM, &image, &tag);

	version_release(v->txn, &image, VERSION_CLAIM);
	version_release(v->txn, &tag, VERSION_CLAIM);
	assert_true(there(v, &image));
	assert_true(there(v, &tag));
	says(v, &join, text);
	version_hold(v->txn, &join, VERSION_CLAIM);
	version_release(v->txn, &join, VERSION_CLAIM);
	assert_true(there(v, &image));
	version_release(v->txn, &join, VERSION_CLAIM);
	assert_false(there(v, &join));
	assert_false(there(v, &image));
	assert_false(there(v, &tag));
}

static void a_text_comes_back_as_it_was_written(void **state)
{
	static const char *const texts[] = {
		"{\"public_id\":\"i\",\"album_id\":\"A\",\"n\":[1,2.50,null]}",
		"{\"id\":\"j\",\"image_id\":\"i\",\"tag_id\":\"t\"}",
		"{\"id\":\"j\",\"tag_id\":\"t\",\"image_id\":\"i\"}",
		"{\"image_id\":\"i\",\"id\":\"j\",\"tag_id\":\"t\"}",
		"{\"tag_id\":\"t\",\"image_id\":\"i\",\"id\":\"j\"}",
		("{\"tag_id\":\"t\",\"x\":{\"image_id\":\"z\"},\"id\":\"j\","
		 "\"image_id\":\"i\",\"y\":\"\xc3\xa9\"}"),
	};
	struct versions *v = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct row_version_key key = claim(v, texts[i]);

		says(v, &key, texts[i]);
	}
}

static void winners_take_the_places_of_the_members(void **state)
{
	struct versions *v = *state;
	struct row_version_key key =
		claim(v, "{\"tag_id\":\"t\",\"id\":\"j\",\"image_id\":\"i\",\"x\":1}");
	struct buf own = {0}, out = {0}, image = {0}, tag = {0};
	struct row_version row;

	buf_addstr(&image, "\"image\":{}");
	buf_addstr(&tag, "\"tag\":[]");
	assert_int_equal(version_get(v->txn, &key, &row, &own, &v->err), 0);
	buf_grow(&out, own.len + image.len + tag.len);
	*version_compose(out.data, &row, own.data, own.len,
			 (struct version_part){image.data, image.len},
			 (struct version_part){tag.data, tag.len}) = '\0';
	assert_string_equal(out.data, "{\"tag\":[],\"id\":\"j\",\"image\":{},\"x\":1}");
	buf_release(&own);
	buf_release(&out);
	buf_release(&image);
	buf_release(&tag);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_later_stamp_wins_whatever_the_text),
		TEST(of_equal_stamps_the_greater_text_wins),
		TEST(the_greatest_of_many_is_elected_wherever_it_lies),
		TEST(a_version_is_equal_to_itself),
		TEST(a_version_stays_until_its_last_hold_is_released),
		TEST(a_pin_is_no_claim),
		TEST(versions_of_the_records_beside_it_are_not_elected),
		TEST(embedded_versions_stay_as_long_as_what_embeds_them),
		TEST(a_text_comes_back_as_it_was_written),
		TEST(winners_take_the_places_of_the_members),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

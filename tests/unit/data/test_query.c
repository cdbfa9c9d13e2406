/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/query.h"
#include "data/index/txn.h"

/* Answers are verified: flips each bit of the key and value of each row that decides an
 * answer, in a transaction that is aborted. Then either all answers are unchanged, or
 * the index is reported as damaged. And large answers, which two threads put together. */

static const enum table deciding[] = {
	TABLE_ID,           TABLE_RECORD,         TABLE_VERSION, TABLE_IMAGE_TAGS,
	TABLE_ALBUM_IMAGES, TABLE_ALBUM_UNTAGGED, TABLE_FEED,
};

/* Appends everything that a full export reads. */
static int read_all(struct index_txn *txn, struct buf *out)
{
	struct query_key key = {0};
	struct err err = {0};
	int rc = 0;

	query_feed_count(txn, 0, UINT64_MAX);
	while (rc == 0 && (rc = query_feed(txn, key.sequence, &key, &err)) == 0) {
		struct record_id id;

		rc = query_id(txn, key.number, &id, &err);
		if (!rc) {
			buf_addf(out, "\n%d %.*s ", key.response, id.len, id.bytes);
			rc = query_body(txn, &key, SIZE_MAX, out, &err);
		}
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (rc == ERR_NOTFOUND) {
		rc = store_status(txn->store, &err);
	}
	if (rc) {
		assert_int_equal(rc, ERR_FORMAT);
		assert_non_null(strstr(err.msg, "rebuild it: rm -r"));
	}
	return rc;
}

struct tally {
	unsigned same, refused, wrong;
};

static void flip(struct index_fixture *f, enum table table, size_t n, size_t bit,
		 const struct buf *want, struct tally *tally)
{
	struct buf key = {0}, value = {0}, got = {0};
	struct index_txn *txn = index_fixture_begin(f, true);
	char *byte;

	assert_true(index_fixture_row(txn, table, n, &key, &value));
	store_delete(txn->store, table, key.data, key.len);
	byte = bit / 8 < key.len ? key.data + bit / 8 : value.data + bit / 8 - key.len;
	*byte = (char)(*byte ^ 1 << bit % 8);
	store_put(txn->store, table, key.data, key.len, value.data ? value.data : "",
		  value.len);
	if (read_all(txn, &got)) {
		tally->refused++;
	} else if (got.len == want->len && memcmp(got.data, want->data, got.len) == 0) {
		tally->same++;
	} else {
		print_error("table %d, row %zu, bit %zu\n", table, n, bit);
		tally->wrong++;
	}
	index_abort(&txn);
	buf_release(&key);
	buf_release(&value);
	buf_release(&got);
}

static void a_flipped_bit_is_seen(void **state)
{
	struct index_fixture *f = *state;
	struct buf key = {0}, value = {0}, want = {0};
	struct index_txn *txn = NULL;
	struct tally tally = {0};

	index_fixture_read(f, "e", CLAIM_REPLACE,
			   "[{\"id\":\"j4\",\"image\":{\"public_id\":\"i4\","
			   "\"album_id\":\"b\"},\"tag\":{\"id\":\"t2\",\"name\":\"n\","
			   "\"label\":\"m\"}}]",
			   0);
	index_fixture_read(f, "i", CLAIM_REPLACE,
			   "[{\"public_id\":\"i1\",\"album_id\":\"a\"},"
			   "{\"public_id\":\"i3\",\"album_id\":\"b\"}]",
			   0);
	index_fixture_read(f, "j", CLAIM_REPLACE,
			   "[{\"id\":\"j1\",\"image_id\":\"i1\",\"tag_id\":\"t2\"},"
			   "{\"id\":\"j3\",\"image_id\":\"i1\",\"tag_id\":\"t3\"}]",
			   0);
	for (size_t t = 0; t < sizeof(deciding) / sizeof(*deciding); t++) {
		for (size_t n = 0;; n++) {
			bool there;

			txn = index_fixture_begin(f, false);
			buf_clear(&want);
			assert_int_equal(read_all(txn, &want), 0);
			there = index_fixture_row(txn, deciding[t], n, &key, &value);
			index_abort(&txn);
			if (!there) {
				break;
			}
			for (size_t bit = 0; bit < 8 * (key.len + value.len); bit++) {
				flip(f, deciding[t], n, bit, &want, &tally);
			}
		}
	}
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.refused > 1000 && tally.same > 100);
	buf_release(&key);
	buf_release(&value);
	buf_release(&want);
}

enum { RECORDS = 3000, TAGS = 3 };

/* The members of the nth record in the order of time that an image and a tag image share:
 * the instant, and a text of a kilobyte. */
static void add_members(struct buf *out, unsigned n)
{
	buf_addf(out, "\"created_at\":\"2020-01-01T00:%02u:%02uZ\",\"x\":\"", n / 60,
		 n % 60);
	for (unsigned i = 0; i < 250; i++) {
		buf_addf(out, "%04x", n * 250 + i);
	}
	buf_addch(out, '"');
}

static void add_image(struct buf *out, unsigned n)
{
	buf_addf(out, "{\"public_id\":\"i%u\",\"album_id\":\"a\",", n);
	add_members(out, n);
	buf_addch(out, '}');
}

/* `members`: for the image and the tag. */
static void add_tag_image(struct buf *out, unsigned n, const char *members)
{
	buf_addf(out, "{\"id\":\"j%u\",", n);
	add_members(out, n);
	buf_addf(out, ",%s}", members);
}

/* An album of 3,000 images, and an image `i` with 3,000 tag images: 3 MB each. `images` and
 * `tag_images` are their answers. */
static void fill_large(struct index_fixture *f, struct buf *images,
		       struct buf *tag_images)
{
	static const char *const stored[TAGS] = {"\"image_id\":\"i\",\"tag_id\":\"t0\"",
						 "\"tag_id\":\"t1\",\"image_id\":\"i\"",
						 "\"image_id\":\"i\",\"tag_id\":\"t2\""};
	static const char *const shown[TAGS] = {
		"\"image\":" IMAGE("i", "b", "") ",\"tag\":" TAG("t0", ""),
		"\"tag\":" TAG("t1", "l") ",\"image\":" IMAGE("i", "b", ""),
		"\"image\":" IMAGE("i", "b", "") ",\"tag\":" TAG("t2", "longer")};
	struct buf file = {0};

	buf_addstr(&file, "[" IMAGE("i", "b", ""));
	buf_addstr(&file, "," TAG("t0", "") "," TAG("t1", "l") "," TAG("t2", "longer"));
	for (unsigned n = RECORDS; n-- > 0;) {
		buf_addch(&file, ',');
		add_image(&file, n);
		buf_addch(&file, ',');
		add_tag_image(&file, n, stored[n % TAGS]);
	}
	buf_addch(&file, ']');
	index_fixture_read(f, "f", CLAIM_REPLACE, file.data, 0);
	for (unsigned n = 0; n < RECORDS; n++) {
		buf_addch(images, n ? ',' : '[');
		add_image(images, n);
		buf_addch(tag_images, n ? ',' : '[');
		add_tag_image(tag_images, n, shown[n % TAGS]);
	}
	buf_addch(images, ']');
	buf_addch(tag_images, ']');
	buf_release(&file);
}

/* The largest answer of this sort. */
static int read_large(struct index_txn *txn, enum query_response response, size_t most,
		      struct buf *out)
{
	struct query_key key = {0};
	struct err err = {0};
	struct buf body = {0};
	int rc = 0;

	buf_clear(out);
	while (!rc && query_feed(txn, key.sequence, &key, &err) == 0) {
		if (key.response == response) {
			buf_clear(&body);
			rc = query_body(txn, &key, most, &body, &err);
			if (body.len > out->len) {
				buf_clear(out);
				buf_add(out, body.data, body.len);
			}
		}
	}
	buf_release(&body);
	return rc;
}

static void a_large_answer_is_whole_and_in_order(void **state)
{
	static const enum query_response asked[] = {QUERY_IMAGES, QUERY_UNTAGGED,
						    QUERY_TAG_IMAGES};
	struct index_fixture *f = *state;
	struct buf images = {0}, tag_images = {0}, got = {0};

	fill_large(f, &images, &tag_images);
	for (size_t i = 0; i < 2 * 3; i++) {
		const struct buf *want = i % 3 == 2 ? &tag_images : &images;
		struct index_txn *txn = index_fixture_begin(f, false);

		setenv("ALBUMEN_THREADS", i < 3 ? "1" : "0", 1);
		assert_int_equal(read_large(txn, asked[i % 3], want->len, &got), 0);
		assert_int_equal(got.len, want->len);
		assert_memory_equal(got.data, want->data, want->len);
		assert_int_equal(read_large(txn, asked[i % 3], want->len - 1, &got),
				 ERR_LARGE);
		index_abort(&txn);
	}
	unsetenv("ALBUMEN_THREADS");
	buf_release(&images);
	buf_release(&tag_images);
	buf_release(&got);
}

/* Whichever thread meets it. */
static void a_damaged_text_in_a_large_answer_is_seen(void **state)
{
	struct index_fixture *f = *state;
	struct buf images = {0}, tag_images = {0}, key = {0}, value = {0}, got = {0};

	fill_large(f, &images, &tag_images);
	for (size_t n = 10; n < RECORDS; n += RECORDS / 7) {
		struct index_txn *txn = index_fixture_begin(f, true);
		int images_rc, tags_rc;

		assert_true(index_fixture_row(txn, TABLE_VERSION, n, &key, &value));
		value.data[value.len - 9] ^= 1; /* near the end of the text */
		store_put(txn->store, TABLE_VERSION, key.data, key.len, value.data,
			  value.len);
		images_rc = read_large(txn, QUERY_IMAGES, SIZE_MAX, &got);
		tags_rc = read_large(txn, QUERY_TAG_IMAGES, SIZE_MAX, &got);
		assert_true(images_rc == ERR_FORMAT || tags_rc == ERR_FORMAT);
		index_abort(&txn);
	}
	buf_release(&images);
	buf_release(&tag_images);
	buf_release(&key);
	buf_release(&value);
	buf_release(&got);
}

static int add_reject(const char *path, size_t len, uint64_t line, uint64_t column,
		      const char *reason, uint64_t more, void *payload)
{
	struct buf *out = payload;

	buf_add(out, path, len);
	buf_addf(out, ":%d:%d:%s:%d ", (int)line, (int)column, reason, (int)more);
	return 0;
}

/* In the order of the files' numbers; those that were mended are none. */
static void some_rejects_are_found_without_a_walk_of_the_files(void **state)
{
	struct index_fixture *f = *state;
	struct buf all = {0}, some = {0};
	struct index_txn *txn;
	struct err err;

	index_fixture_read(f, "z.json", CLAIM_REPLACE, "[]", 2);
	index_fixture_read(f, "fine.json", CLAIM_REPLACE, "[" IMAGE("i", "A", "") "]", 0);
	index_fixture_read(f, "mended.json", CLAIM_REPLACE, "[]", 3);
	index_fixture_read(f, "a.json", CLAIM_REPLACE, "[]", 1);
	index_fixture_read(f, "gone.json", CLAIM_REPLACE, "[]", 1);
	index_fixture_read_clean(f, "mended.json", "[]");
	index_fixture_forget(f, "gone.json");
	index_fixture_check(f);
	txn = index_fixture_begin(f, false);
	assert_int_equal(query_some_rejects(txn, 100, add_reject, &some, &err), 0);
	assert_int_equal(query_rejects(txn, add_reject, &all, &err), 0);
	assert_int_equal(some.len, all.len);
	assert_int_equal(strncmp(some.data, "z.json:", 7), 0);
	assert_int_equal(strncmp(all.data, "a.json:", 7), 0);
	buf_clear(&some);
	assert_int_equal(query_some_rejects(txn, 1, add_reject, &some, &err), 0);
	assert_null(strchr(strchr(some.data, ' ') + 1, ':'));
	buf_clear(&some);
	assert_int_equal(query_some_rejects(txn, 0, add_reject, &some, &err), 0);
	assert_int_equal(some.len, 0);
	index_abort(&txn);
	buf_release(&all);
	buf_release(&some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(some_rejects_are_found_without_a_walk_of_the_files),
		INDEX_TEST(a_flipped_bit_is_seen),
		INDEX_TEST(a_large_answer_is_whole_and_in_order),
		INDEX_TEST(a_damaged_text_in_a_large_answer_is_seen),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/query.h"
#include "data/index/txn.h"

/* Answers are verified: flips each bit of the key and value of each row that decides an
 * answer, in a transaction that is aborted. Then either all answers are unchanged, or
 * the index is reported as damaged. */

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

static void add_long_tag(struct buf *out, size_t n, size_t len)
{
	buf_addf(out, "{\"id\":\"t%zu\",\"name\":\"n\",\"label\":\"", n);
	for (size_t i = 0; i < len; i++) {
		buf_addch(out, (char)('a' + n));
	}
	buf_addstr(out, "\"}");
}

/* The texts of tags are kept for the next tag image, up to 16 MiB of them. */
static void tags_of_more_text_than_is_kept_are_all_there(void **state)
{
	enum { TAGS = 3, TAG_IMAGES = 7, LONG = 9 << 20 };
	static const size_t tag[TAG_IMAGES] = {0, 1, 2, 1, 0, 2, 0};
	struct index_fixture *f = *state;
	struct query_key key = {.response = QUERY_TAG_IMAGES};
	struct buf text = {0}, want = {0}, got = {0};
	struct index_txn *txn;
	struct err err;

	index_fixture_read(f, "i", CLAIM_REPLACE, "[" IMAGE("i", "a", "") "]", 0);
	for (size_t n = 0; n < TAGS; n++) {
		buf_clear(&text);
		buf_addch(&text, '[');
		add_long_tag(&text, n, LONG);
		buf_addch(&text, ']');
		index_fixture_read(f, (char[]){(char)('t' + n), '\0'}, CLAIM_REPLACE,
				   text.data, 0);
	}
	buf_clear(&text);
	for (size_t n = 0; n < TAG_IMAGES; n++) {
		buf_addf(&text,
			 "%c{\"id\":\"j%zu\",\"image_id\":\"i\",\"tag_id\":\"t%zu\"}",
			 n ? ',' : '[', n, tag[n]);
		buf_addf(&want, "%c{\"id\":\"j%zu\",\"image\":%s,\"tag\":", n ? ',' : '[',
			 n, IMAGE("i", "a", ""));
		add_long_tag(&want, tag[n], LONG);
		buf_addch(&want, '}');
	}
	buf_addch(&text, ']');
	buf_addch(&want, ']');
	index_fixture_read(f, "j", CLAIM_REPLACE, text.data, 0);
	txn = index_fixture_begin(f, false);
	while (query_feed(txn, key.sequence, &key, &err) == 0 &&
	       key.response != QUERY_TAG_IMAGES) {
	}
	assert_int_equal(query_body(txn, &key, SIZE_MAX, &got, &err), 0);
	index_abort(&txn);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	buf_release(&text);
	buf_release(&want);
	buf_release(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(a_flipped_bit_is_seen),
		INDEX_TEST(tags_of_more_text_than_is_kept_are_all_there),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

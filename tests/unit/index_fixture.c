/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/build.h"
#include "data/index/check.h"
#include "data/format/json.h"
#include "data/index/ids.h"
#include "data/index/query.h"
#include "data/index/txn.h"
#include "data/format/record.h"

int index_fixture_up(void **state)
{
	struct index_fixture *f = xzalloc(sizeof(*f));
	const char *tmp = getenv("TMPDIR");
	struct err err = {0};

	snprintf(f->dir, sizeof(f->dir), "%s/albumen-index-XXXXXX",
		 tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(index_open(&f->index, f->dir, INDEX_WRITE | INDEX_CREATE, &err),
			 0);
	assert_int_equal(build_end(f->index, &err), 0);
	*state = f;
	return 0;
}

int index_fixture_down(void **state)
{
	struct index_fixture *f = *state;
	char command[128];

	index_close(f->index);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

struct index_txn *index_fixture_begin(struct index_fixture *f, bool write)
{
	struct index_txn *txn = NULL;
	struct err err = {0};

	if (index_begin(&txn, f->index, write, &err) < 0) {
		fail_msg("%s", err.msg);
	}
	return txn;
}

void index_fixture_add(struct claim_reading *reading, const char *records)
{
	struct record_reader reader = {0};
	struct json_object array = {0};
	struct json_value value;
	struct buf canon = {0};

	assert_int_equal(json_read(&canon, &value, records, strlen(records)), 0);
	json_elements(&array, canon.data, canon.len);
	for (size_t i = 0; i < array.count; i++) {
		const char *text = canon.data + array.member[i].value.off;

		if (record_read(&reader, text, array.member[i].value.len) < 0) {
			fail_msg("%s", reader.reason);
		}
		for (size_t n = reader.count; n-- > 1;) {
			claim_add(reading, &reader.record[reader.count - n], text, NULL,
				  NULL, NULL);
		}
		claim_add(reading, &reader.record[0], text, NULL, NULL, NULL);
	}
	record_reader_release(&reader);
	json_object_release(&array);
	buf_release(&canon);
}

int index_fixture_read(struct index_fixture *f, const char *path, enum claim_mode mode,
		       const char *records, int rejects)
{
	struct claim_file file = {.size = 1};
	struct claim_reading *reading = NULL;
	struct index_txn *txn = NULL;
	struct err err = {0};
	int rc;

	txn = index_fixture_begin(f, true);
	assert_int_equal(claim_begin(&reading, txn, path, strlen(path), mode, &err), 0);
	index_fixture_add(reading, records);
	for (int i = 0; i < rejects; i++) {
		claim_reject(reading, 1, (size_t)i + 1, "bad");
	}
	rc = claim_end(&reading, &file, NULL, &err);
	if (index_commit(&txn, &err) < 0) {
		fail_msg("%s", err.msg);
	}
	return rc;
}

void index_fixture_read_clean(struct index_fixture *f, const char *path,
			      const char *records)
{
	assert_int_equal(index_fixture_read(f, path, CLAIM_REPLACE, records, 0), 0);
	index_fixture_check(f);
}

void index_fixture_fill(struct index_fixture *f)
{
	static const char *const files[][2] = {
		{"e", "[{\"id\":\"j4\",\"image\":" IMAGE("i4", "b", "") ",\"tag\":" TAG(
			      "t2", "m") "}]"},
		{"i", "[" IMAGE("i1", "a", "") "," IMAGE("i2", "a", "") "," IMAGE(
			      "i3", "b", "") "]"},
		{"t", "[" TAG("t1", "l") "," TAG("t2", "l") "]"},
		{"j", "[" JOIN("j1", "i1", "t1") "," JOIN("j2", "i2", "t1") "," JOIN(
			      "j3", "i2", "t3") "]"},
		{"empty", "[]"},
		{"gone", "[" IMAGE("gone", "b", "") "]"},
		{"gone", "[]"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		index_fixture_read(f, files[i][0], CLAIM_REPLACE, files[i][1], 0);
	}
	index_fixture_read(f, "bad", CLAIM_REPLACE, "[" IMAGE("i5", "b", "") "]", 2);
	index_fixture_check(f);
}

void index_fixture_forget(struct index_fixture *f, const char *path)
{
	struct index_txn *txn = NULL;
	struct err err = {0};

	txn = index_fixture_begin(f, true);
	assert_int_equal(claim_withdraw_file(txn, path, strlen(path), &err), 0);
	assert_int_equal(index_commit(&txn, &err), 0);
}

static const char *body(struct index_fixture *f, enum query_response response,
			const char *id)
{
	static char text[65536];
	struct query_key key = {.response = response};
	struct record_id record_id = {.len = (unsigned char)strlen(id)};
	struct index_txn *txn = NULL;
	struct buf out = {0};
	struct err err = {0};
	int rc;

	memcpy(record_id.bytes, id, record_id.len);
	txn = index_fixture_begin(f, false);
	key.number = ids_number(
		txn, response == QUERY_TAG_IMAGES ? (unsigned)RECORD_IMAGE : ROW_ALBUM,
		&record_id);
	rc = key.number ? query_body(txn, &key, SIZE_MAX, &out, &err) : ERR_NOTFOUND;
	assert_true(rc == 0 || rc == ERR_NOTFOUND);
	assert_true(out.len < sizeof(text));
	snprintf(text, sizeof(text), "%s", out.data ? out.data : "");
	buf_release(&out);
	index_abort(&txn);
	return rc == 0 ? text : NULL;
}

const char *index_fixture_tags(struct index_fixture *f, const char *image)
{
	return body(f, QUERY_TAG_IMAGES, image);
}

const char *index_fixture_untagged(struct index_fixture *f, const char *album)
{
	return body(f, QUERY_UNTAGGED, album);
}

const char *index_fixture_images(struct index_fixture *f, const char *album)
{
	return body(f, QUERY_IMAGES, album);
}

static void print_difference(const char *difference, void *payload)
{
	(void)payload;
	print_error("check: %s\n", difference);
}

void index_fixture_check(struct index_fixture *f)
{
	struct index_txn *txn = NULL;
	uint64_t differences = 0;
	struct err err = {0};

	txn = index_fixture_begin(f, false);
	assert_int_equal(check_index(txn, print_difference, NULL, &differences, &err), 0);
	assert_int_equal(differences, 0);
	index_abort(&txn);
}

uint64_t index_fixture_fed(struct index_fixture *f, uint64_t after)
{
	struct index_txn *txn = NULL;
	uint64_t n;

	txn = index_fixture_begin(f, false);
	n = query_feed_count(txn, after, UINT64_MAX);
	index_abort(&txn);
	return n;
}

uint64_t index_fixture_sequence(struct index_fixture *f)
{
	struct index_txn *txn = NULL;
	uint64_t n;

	txn = index_fixture_begin(f, false);
	n = index_sequence(txn);
	index_abort(&txn);
	return n;
}

struct index_counts index_fixture_counts(struct index_fixture *f)
{
	struct index_txn *txn = index_fixture_begin(f, false);
	struct index_counts out;

	index_counts(txn, &out);
	index_abort(&txn);
	return out;
}

bool index_fixture_row(struct index_txn *txn, enum table table, size_t n, struct buf *key,
		       struct buf *value)
{
	struct store_cursor *c = store_cursor_open(txn->store, table);
	bool there = store_first(c, NULL, 0) == 0;

	for (size_t i = 0; there && i < n; i++) {
		there = store_next(c) == 0;
	}
	buf_clear(key);
	buf_clear(value);
	if (there) {
		buf_add(key, store_key(c).data, store_key(c).len);
		buf_add(value, store_cursor_value(c).data, store_cursor_value(c).len);
	}
	store_cursor_close(c);
	return there;
}

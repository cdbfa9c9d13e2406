/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/index/build.h"
#include "data/index/check.h"
#include "data/format/json.h"
#include "data/index/ids.h"
#include "data/index/query.h"
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
				  NULL);
		}
		claim_add(reading, &reader.record[0], text, NULL, NULL);
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

	assert_int_equal(index_begin(&txn, f->index, true, &err), 0);
	assert_int_equal(claim_begin(&reading, txn, path, strlen(path), mode, &err), 0);
	index_fixture_add(reading, records);
	for (int i = 0; i < rejects; i++) {
		claim_reject(reading, 1, (size_t)i + 1, "bad");
	}
	rc = claim_end(&reading, &file, &err);
	if (index_commit(&txn, &err) < 0) {
		fail_msg("%s", err.msg);
	}
	return rc;
}

void index_fixture_forget(struct index_fixture *f, const char *path)
{
	struct index_txn *txn = NULL;
	struct err err = {0};

	assert_int_equal(index_begin(&txn, f->index, true, &err), 0);
	assert_int_equal(claim_forget(txn, path, strlen(path), &err), 0);
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
	assert_int_equal(index_begin(&txn, f->index, false, &err), 0);
	key.number = ids_number(
		txn, response == QUERY_TAG_IMAGES ? (unsigned)RECORD_IMAGE : ROW_ALBUM,
		&record_id);
	rc = key.number ? query_body(txn, &key, &out, &err) : ERR_NOTFOUND;
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

	assert_int_equal(index_begin(&txn, f->index, false, &err), 0);
	assert_int_equal(check_index(txn, print_difference, NULL, &differences, &err), 0);
	assert_int_equal(differences, 0);
	index_abort(&txn);
}

uint64_t index_fixture_fed(struct index_fixture *f, uint64_t after)
{
	struct index_txn *txn = NULL;
	struct err err = {0};
	uint64_t n;

	assert_int_equal(index_begin(&txn, f->index, false, &err), 0);
	n = query_feed_count(txn, after, UINT64_MAX);
	index_abort(&txn);
	return n;
}

uint64_t index_fixture_sequence(struct index_fixture *f)
{
	struct index_txn *txn = NULL;
	struct err err = {0};
	uint64_t n;

	assert_int_equal(index_begin(&txn, f->index, false, &err), 0);
	n = index_sequence(txn);
	index_abort(&txn);
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/check.h"
#include "data/index/txn.h"

/*
 * Damage is not hidden: when a row is lost or garbled, a change either fails its
 * transaction or does not need the row. So with the row restored, all tables agree.
 */

static const struct change {
	const char *path, *records; /* NULL: the file is forgotten */
} change[] = {
	{"i", "[{\"public_id\":\"i1\",\"album_id\":\"a\",\"w\":1},"
	      "{\"public_id\":\"i2\",\"album_id\":\"a\"},"
	      "{\"public_id\":\"i3\",\"album_id\":\"b\"}]"},
	{"i", "[{\"public_id\":\"i1\",\"album_id\":\"b\"},"
	      "{\"public_id\":\"i2\",\"album_id\":\"a\"},"
	      "{\"public_id\":\"i3\",\"album_id\":\"b\"}]"},
	{"i", NULL},
	{"t", "[{\"id\":\"t1\",\"name\":\"n\",\"label\":\"new\"},"
	      "{\"id\":\"t2\",\"name\":\"n\",\"label\":\"l\"}]"},
	{"t", NULL},
	{"t3", "[{\"id\":\"t3\",\"name\":\"n\",\"label\":\"l\"}]"},
	{"j", "[{\"id\":\"j1\",\"image_id\":\"i3\",\"tag_id\":\"t2\"},"
	      "{\"id\":\"j2\",\"image_id\":\"i2\",\"tag_id\":\"t1\"}]"},
	{"j", NULL},
	{"e", NULL},
	{"j5", "[{\"id\":\"j5\",\"image_id\":\"i3\",\"tag_id\":\"t1\"}]"},
};

#define CHANGES (sizeof(change) / sizeof(*change))

static const enum table damaged_table[] = {
	TABLE_FILE,         TABLE_CLAIM,          TABLE_RECORD,
	TABLE_VERSION,      TABLE_TAG_IMAGES,     TABLE_IMAGE_TAGS,
	TABLE_ALBUM_IMAGES, TABLE_ALBUM_UNTAGGED, TABLE_FEED,
};

/* A lost version is noticed only by code that reads it, not by an election of another
 * winner. */
static bool is_missed(enum table table)
{
	return table != TABLE_VERSION;
}

static const char *doing; /* shown with a failure */
static unsigned failed, passed, wrong;

static void print_difference(const char *difference, void *payload)
{
	(void)payload;
	print_error("%s: check: %s\n", doing, difference);
}

static int pass(const char *path, size_t len, const struct claim_file *file,
		void *payload)
{
	(void)path, (void)len, (void)file, (void)payload;
	return 0;
}

static void do_change(struct index_txn *txn, const struct change *c)
{
	struct claim_file file = {.size = 1};
	struct claim_reading *reading = NULL;
	struct err err = {0};

	if (!c->records) {
		claim_withdraw_file(txn, c->path, strlen(c->path), &err);
	} else if (claim_begin(&reading, txn, c->path, strlen(c->path), CLAIM_REPLACE,
			       &err) == 0) {
		index_fixture_add(reading, c->records);
		claim_end(&reading, &file, NULL, &err);
	}
}

/* Damages the `n`th row of a table, makes the change, restores the row and checks the
 * index. False: there is no such row. */
static bool try(struct index_fixture *f, enum table table, size_t n, bool lost,
		const struct change *c)
{
	struct index_txn *txn = index_fixture_begin(f, true);
	struct buf key = {0}, value = {0};
	uint64_t differences = 0;
	struct store_value v;
	struct err err = {0};
	char what[128];
	bool there;

	there = index_fixture_row(txn, table, n, &key, &value);
	if (there && (lost ? is_missed(table) : value.len > 0)) {
		snprintf(what, sizeof(what), "table %d, row %zu %s, change %zu", table, n,
			 lost ? "lost" : "garbled", (size_t)(c - change));
		doing = what;
		store_delete(txn->store, table, key.data, key.len);
		if (!lost) {
			store_put(txn->store, table, key.data, key.len, "?", 1);
		}
		do_change(txn, c);
		/* As a scan does that does not find all known files. */
		claim_file_each(txn, "", 0, pass, NULL, NULL);
		if (store_status(txn->store, &err) < 0) {
			assert_int_equal(err.code, ERR_FORMAT);
			failed++;
		} else {
			int rc = store_get(txn->store, table, key.data, key.len, &v);

			if (lost ? rc == ERR_NOTFOUND : rc == 0 && v.len == 1) {
				store_put(txn->store, table, key.data, key.len,
					  value.data, value.len);
			}
			assert_int_equal(check_index(txn, print_difference, NULL,
						     &differences, &err),
					 0);
			passed++;
			wrong += differences > 0;
		}
	}
	index_abort(&txn);
	buf_release(&key);
	buf_release(&value);
	return there;
}

static void damage_sticks(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_fill(f);
	for (size_t t = 0; t < sizeof(damaged_table) / sizeof(*damaged_table); t++) {
		for (size_t c = 0; c < CHANGES; c++) {
			for (size_t n = 0; try(f, damaged_table[t], n, true, &change[c]);
			     n++) {
				try(f, damaged_table[t], n, false, &change[c]);
			}
		}
	}
	assert_true(failed > 100 && passed > 100);
	assert_int_equal(wrong, 0);
	index_fixture_check(f);
}

static void undamaged_changes_agree(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_fill(f);
	for (size_t c = 0; c < CHANGES; c++) {
		if (change[c].records) {
			index_fixture_read(f, change[c].path, CLAIM_REPLACE,
					   change[c].records, 0);
		} else {
			index_fixture_forget(f, change[c].path);
		}
		index_fixture_check(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(damage_sticks),
		INDEX_TEST(undamaged_changes_agree),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

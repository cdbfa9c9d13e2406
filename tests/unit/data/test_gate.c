/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/gate.h"

/* What data/format/secret.h takes for one. */
#define SECRET ",\"authorization\":\"hunter2\""
#define LATER ",\"updated_at\":\"2020-01-01T00:00:00Z\""

static void set(struct index_fixture *f, bool allow)
{
	struct err err = {0};

	if (gate_set(f->index, allow, &err) < 0) {
		fail_msg("%s", err.msg);
	}
	index_fixture_check(f);
}

static bool takes(struct index_fixture *f)
{
	struct index_txn *txn = index_fixture_begin(f, false);
	bool yes;

	yes = gate_takes_secrets(txn);
	index_abort(&txn);
	return yes;
}

static enum gate_change compare(struct index_fixture *f, bool allow)
{
	enum gate_change change;
	struct index_txn *txn = index_fixture_begin(f, false);

	change = gate_compare(txn, allow);
	index_abort(&txn);
	return change;
}

/* Whether the next scan reads the file even if it has not changed. */
static bool is_marked(struct index_fixture *f, const char *path)
{
	struct claim_file file;
	struct index_txn *txn = index_fixture_begin(f, false);

	assert_int_equal(claim_file_get(txn, path, strlen(path), &file), 0);
	index_abort(&txn);
	return file.size == CLAIM_ANEW;
}

static void read_file(struct index_fixture *f, const char *path, const char *records)
{
	assert_int_equal(index_fixture_read(f, path, CLAIM_REPLACE, records, 0), 0);
}

static void a_new_index_takes_no_secrets(void **state)
{
	struct index_fixture *f = *state;

	assert_false(takes(f));
	assert_int_equal(compare(f, false), GATE_SAME);
	assert_int_equal(compare(f, true), GATE_OPENS);
}

static void the_setting_stays(void **state)
{
	struct index_fixture *f = *state;
	struct err err = {0};

	set(f, true);
	assert_true(takes(f));
	assert_int_equal(compare(f, true), GATE_SAME);
	assert_int_equal(compare(f, false), GATE_CLOSES);
	index_close(f->index);
	f->index = NULL;
	assert_int_equal(index_open(&f->index, f->dir, INDEX_WRITE, &err), 0);
	assert_true(takes(f));
	set(f, false);
	assert_false(takes(f));
	assert_int_equal(compare(f, false), GATE_SAME);
}

static void what_must_be_read_follows_the_change(void **state)
{
	const struct claim_file clean = {.size = 1}, bad = {.size = 1, .rejects = 1};

	(void)state;
	assert_false(gate_must_read(GATE_SAME, &clean));
	assert_false(gate_must_read(GATE_SAME, &bad));
	assert_false(gate_must_read(GATE_OPENS, &clean));
	assert_true(gate_must_read(GATE_OPENS, &bad));
	assert_true(gate_must_read(GATE_CLOSES, &clean));
	assert_true(gate_must_read(GATE_CLOSES, &bad));
}

static void opening_marks_just_the_files_with_rejects(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" IMAGE("i", "A", "") "]");
	index_fixture_read(f, "b.json", CLAIM_MERGE, "[" IMAGE("k", "A", "") "]", 1);
	read_file(f, "c.json", "[]");
	set(f, true);
	assert_false(is_marked(f, "a.json"));
	assert_true(is_marked(f, "b.json"));
	assert_false(is_marked(f, "c.json"));
	/* It withdraws nothing. */
	assert_non_null(index_fixture_tags(f, "i"));
	assert_non_null(index_fixture_tags(f, "k"));
}

static void the_same_setting_again_marks_nothing(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read(f, "b.json", CLAIM_MERGE, "[" IMAGE("k", "A", SECRET) "]", 1);
	set(f, false);
	assert_false(is_marked(f, "b.json"));
	assert_non_null(index_fixture_tags(f, "k"));
	set(f, true);
	assert_true(is_marked(f, "b.json"));
	read_file(f, "b.json", "[" IMAGE("k", "A", SECRET) "]");
	assert_false(is_marked(f, "b.json"));
	set(f, true);
	assert_false(is_marked(f, "b.json"));
}

static void closing_withdraws_secrets_and_marks_all_files(void **state)
{
	struct index_fixture *f = *state;
	uint64_t before;

	set(f, true);
	read_file(f, "a.json",
		  "[" IMAGE("i", "A", SECRET) "," IMAGE("k", "A", "") "," IMAGE(
			  "l", "A", SECRET) "," IMAGE("m", "A", SECRET) "]");
	read_file(f, "b.json", "[" IMAGE("n", "B", SECRET) "]");
	read_file(f, "c.json", "[" IMAGE("o", "C", "") "]");
	before = index_fixture_sequence(f);
	set(f, false);
	assert_null(index_fixture_tags(f, "i"));
	assert_null(index_fixture_tags(f, "l"));
	assert_null(index_fixture_tags(f, "m"));
	assert_null(index_fixture_tags(f, "n"));
	assert_null(index_fixture_images(f, "B"));
	assert_string_equal(index_fixture_tags(f, "k"), "[]");
	assert_string_equal(index_fixture_images(f, "A"), "[" IMAGE("k", "A", "") "]");
	assert_string_equal(index_fixture_images(f, "C"), "[" IMAGE("o", "C", "") "]");
	assert_true(is_marked(f, "a.json"));
	assert_true(is_marked(f, "b.json"));
	assert_true(is_marked(f, "c.json"));
	/* The feed has: four images, and the lists of two albums. */
	assert_int_equal(index_fixture_fed(f, before), 8);
}

static void a_claim_without_the_secret_takes_over(void **state)
{
	struct index_fixture *f = *state;

	set(f, true);
	read_file(f, "a.json", "[" IMAGE("i", "A", "") "]");
	read_file(f, "b.json", "[" IMAGE("i", "B", SECRET LATER) "]");
	read_file(f, "c.json", "[" IMAGE("i", "B", SECRET LATER) "]");
	assert_null(index_fixture_images(f, "A"));
	set(f, false);
	assert_string_equal(index_fixture_images(f, "A"), "[" IMAGE("i", "A", "") "]");
	assert_null(index_fixture_images(f, "B"));
}

static void secrets_in_embedded_records_are_withdrawn(void **state)
{
	struct index_fixture *f = *state;

	set(f, true);
	read_file(f, "a.json",
		  "[" EMBED("j", IMAGE("i", "A", SECRET), TAG("t", "L")) "]");
	set(f, false);
	/* The tag image's own text holds it too. */
	assert_null(index_fixture_tags(f, "i"));
	read_file(f, "b.json", "[" IMAGE("i", "A", "") "]");
	index_fixture_check(f);
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
}

/* A marked file withdraws what it does not state, even if some of its records are
 * rejected for secrets, but not if other records are bad. */
static void a_marked_file_replaces_what_it_said(void **state)
{
	struct index_fixture *f = *state;

	for (int bad = 0; bad < 2; bad++) {
		struct claim_reading *reading = NULL;
		struct claim_file file = {.size = 1};
		struct index_txn *txn = NULL;
		struct err err = {0};

		set(f, true);
		read_file(f, "a.json", "[" IMAGE("i", "A", "") "]");
		set(f, false);
		assert_non_null(index_fixture_tags(f, "i"));
		txn = index_fixture_begin(f, true);
		assert_int_equal(
			claim_begin(&reading, txn, "a.json", 6, CLAIM_REPLACE, &err), 0);
		claim_reject_secret(reading, 1, 1, "a secret");
		if (bad) {
			claim_reject(reading, 2, 1, "bad");
		}
		assert_int_equal(claim_end(&reading, &file, NULL, &err), 0);
		assert_int_equal(file.rejects, 1 + bad);
		assert_int_equal(index_commit(&txn, &err), 0);
		index_fixture_check(f);
		assert_int_equal(index_fixture_tags(f, "i") != NULL, bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(a_new_index_takes_no_secrets),
		INDEX_TEST(the_setting_stays),
		INDEX_TEST(what_must_be_read_follows_the_change),
		INDEX_TEST(opening_marks_just_the_files_with_rejects),
		INDEX_TEST(the_same_setting_again_marks_nothing),
		INDEX_TEST(closing_withdraws_secrets_and_marks_all_files),
		INDEX_TEST(a_claim_without_the_secret_takes_over),
		INDEX_TEST(secrets_in_embedded_records_are_withdrawn),
		INDEX_TEST(a_marked_file_replaces_what_it_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/build.h"
#include "data/index/query.h"

#define TITLE(text) ",\"title\":\"" text "\""

static void read_file(struct index_fixture *f, const char *path, const char *records)
{
	assert_int_equal(index_fixture_read(f, path, CLAIM_REPLACE, records, 0), 0);
}

/* `count` images of one album, in one file. */
static void read_many(struct index_fixture *f, const char *path, unsigned count)
{
	struct buf records = {0};

	for (unsigned i = 0; i < count; i++) {
		buf_addf(&records, "%s" IMAGE("%s-%u", "A", ""), i ? "," : "[", path, i);
	}
	buf_addstr(&records, "]");
	read_file(f, path, records.data);
	buf_release(&records);
}

struct seen {
	uint64_t epoch, sequence, floor;
	char uuid[37];
};

static struct seen look(struct index_fixture *f)
{
	struct index_txn *txn = index_fixture_begin(f, false);
	struct seen seen;

	seen.epoch = index_epoch(txn);
	seen.sequence = index_sequence(txn);
	seen.floor = index_feed_floor(txn);
	memcpy(seen.uuid, index_uuid(txn), sizeof(seen.uuid));
	index_abort(&txn);
	return seen;
}

static bool holds(struct index_fixture *f, uint64_t epoch, uint64_t sequence)
{
	struct index_txn *txn = index_fixture_begin(f, false);
	bool yes;

	yes = index_epoch_holds(txn, epoch, sequence);
	index_abort(&txn);
	return yes;
}

static void reopen(struct index_fixture *f)
{
	struct err err = {0};

	index_close(f->index);
	assert_int_equal(index_open(&f->index, f->dir, INDEX_WRITE, &err), 0);
}

/* A shell command, to which the index's folder is $1. */
static void run(const struct index_fixture *f, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "set -- '%s'; %s", f->dir, command);
	assert_int_equal(system(line), 0);
}

/* --- the feed ----------------------------------------------------------------------- */

static void each_response_has_one_entry(void **state)
{
	struct index_fixture *f = *state;
	uint64_t after;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", TITLE("1")) "," IMAGE("k", "A", TITLE("1")) "]");
	/* two images, two lists of the album */
	assert_int_equal(index_fixture_fed(f, 0), 4);
	after = index_fixture_sequence(f);
	read_file(f, "a.json",
		  "[" IMAGE("i", "A", TITLE("2")) "," IMAGE("k", "A", TITLE("1")) "]");
	assert_int_equal(index_fixture_fed(f, 0), 4);
	assert_int_equal(index_fixture_fed(f, after), index_fixture_sequence(f) - after);
}

static void a_second_change_in_a_transaction_adds_nothing(void **state)
{
	struct index_fixture *f = *state;
	struct index_txn *txn = NULL;
	struct err err = {0};
	uint64_t before;

	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("1")) "]");
	before = index_fixture_sequence(f);
	txn = index_fixture_begin(f, true);
	assert_int_equal(claim_withdraw_file(txn, "a.json", 6, &err), 0);
	assert_int_equal(index_commit(&txn, &err), 0);
	/* the tag images of i, and two lists */
	assert_int_equal(index_fixture_sequence(f), before + 3);
	assert_int_equal(index_fixture_fed(f, before), 3);
}

static void entries_of_what_is_gone_are_kept_until_they_are_many(void **state)
{
	struct index_fixture *f = *state;

	read_many(f, "few", 9000);
	read_file(f, "stays", "[" IMAGE("i", "B", "") "]");
	index_fixture_forget(f, "few");
	read_file(f, "stays", "[" IMAGE("i", "B", TITLE("2")) "]");
	assert_int_equal(look(f).floor, 0);
	assert_int_equal(index_fixture_fed(f, 0), 9000 + 2 + 3);
	index_fixture_check(f);
}

static void the_floor_is_that_of_the_last_entry_forgotten(void **state)
{
	struct index_fixture *f = *state;
	uint64_t withdrawn, floor;

	read_many(f, "many", 11000);
	read_file(f, "stays", "[" IMAGE("i", "B", "") "]");
	index_fixture_forget(f, "many");
	withdrawn = index_fixture_sequence(f);
	/* no reader has seen the entries of the transaction that made them */
	assert_int_equal(look(f).floor, 0);
	read_file(f, "stays", "[" IMAGE("i", "B", TITLE("2")) "]");
	floor = look(f).floor;
	assert_int_equal(floor, withdrawn);
	assert_int_equal(index_fixture_fed(f, 0), 3);
	read_many(f, "more", 11000);
	index_fixture_forget(f, "more");
	withdrawn = index_fixture_sequence(f);
	read_file(f, "stays", "[" IMAGE("i", "B", TITLE("3")) "]");
	assert_true(look(f).floor > floor);
	assert_int_equal(look(f).floor, withdrawn);
	index_fixture_check(f);
}

/* It proves to a reader that it has read the whole feed. */
static void the_last_sequence_keeps_its_entry(void **state)
{
	struct index_fixture *f = *state;
	struct index_txn *txn = NULL;
	struct index_health health = {.rescans = 1};
	struct err err = {0};

	read_many(f, "many", 11000);
	read_file(f, "stays", "[" IMAGE("i", "B", "") "]");
	index_fixture_forget(f, "many");
	/* Prunes, and moves nothing. */
	txn = index_fixture_begin(f, true);
	index_set_health(txn, &health);
	assert_int_equal(index_commit(&txn, &err), 0);
	assert_true(look(f).floor > 0);
	assert_true(look(f).floor < look(f).sequence);
	assert_int_equal(index_fixture_fed(f, look(f).sequence - 1), 1);
	index_fixture_check(f);
}

/* --- epochs ------------------------------------------------------------------------- */

static void an_index_that_gave_out_nothing_has_no_epoch(void **state)
{
	struct index_fixture *f = *state;

	assert_int_equal(look(f).epoch, 0);
	assert_false(holds(f, 0, 0));
	reopen(f);
	assert_int_equal(look(f).epoch, 0);
}

static void each_writer_that_changes_something_has_its_epoch(void **state)
{
	struct index_fixture *f = *state;
	struct seen first, second, third;

	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("1")) "]");
	first = look(f);
	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("2")) "]");
	second = look(f);
	assert_true(first.epoch != 0);
	assert_true(first.epoch == second.epoch);
	reopen(f);
	/* nothing was written, so nothing is noted */
	assert_true(look(f).epoch == first.epoch);
	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("3")) "]");
	third = look(f);
	assert_true(third.epoch != first.epoch);
	assert_true(holds(f, first.epoch, first.sequence));
	assert_true(holds(f, first.epoch, second.sequence));
	assert_false(holds(f, first.epoch, second.sequence + 1));
	assert_false(holds(f, first.epoch, third.sequence));
	assert_false(holds(f, third.epoch, second.sequence));
	assert_true(holds(f, third.epoch, second.sequence + 1));
	assert_true(holds(f, third.epoch, third.sequence));
	assert_false(holds(f, third.epoch, third.sequence + 1));
	assert_false(holds(f, first.epoch ^ third.epoch, third.sequence));
	index_fixture_check(f);
}

static void an_aborted_transaction_leaves_no_epoch(void **state)
{
	struct index_fixture *f = *state;
	struct index_txn *txn = NULL;
	struct seen first;
	struct err err = {0};

	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("1")) "]");
	first = look(f);
	reopen(f);
	txn = index_fixture_begin(f, true);
	assert_int_equal(claim_withdraw_file(txn, "a.json", 6, &err), 0);
	index_abort(&txn);
	assert_true(look(f).epoch == first.epoch);
	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("2")) "]");
	assert_true(look(f).epoch != first.epoch);
	assert_true(holds(f, look(f).epoch, first.sequence + 1));
}

static void a_copy_that_went_on_is_another_history(void **state)
{
	struct index_fixture *f = *state;
	struct seen before, original, copy;
	struct err err = {0};

	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("1")) "]");
	before = look(f);
	index_close(f->index);
	run(f, "cp -a $1 $1.copy");
	assert_int_equal(index_open(&f->index, f->dir, INDEX_WRITE, &err), 0);
	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("2")) "]");
	original = look(f);
	index_close(f->index);
	run(f, "rm -rf $1 && mv $1.copy $1");
	assert_int_equal(index_open(&f->index, f->dir, INDEX_WRITE, &err), 0);
	assert_false(holds(f, original.epoch, original.sequence));
	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("3")) "]");
	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("4")) "]");
	copy = look(f);
	assert_string_equal(copy.uuid, original.uuid);
	assert_true(copy.sequence > original.sequence);
	assert_false(holds(f, original.epoch, original.sequence));
	assert_true(holds(f, before.epoch, before.sequence));
}

static void only_the_latest_epochs_are_kept(void **state)
{
	struct index_fixture *f = *state;
	struct seen first, second;
	char records[128];

	read_file(f, "a.json", "[" IMAGE("i", "A", TITLE("0")) "]");
	first = look(f);
	for (unsigned i = 1; i <= INDEX_EPOCHS + 20; i++) {
		reopen(f);
		snprintf(records, sizeof(records), "[" IMAGE("i", "A", TITLE("%u")) "]",
			 i);
		read_file(f, "a.json", records);
		if (i == 20) {
			second = look(f);
		}
	}
	assert_false(holds(f, first.epoch, first.sequence));
	assert_true(holds(f, second.epoch, second.sequence));
	assert_true(holds(f, look(f).epoch, look(f).sequence));
}

/* --- an index that is begun again ------------------------------------------------------ */

static void a_build_begun_again_is_another_index(void **state)
{
	struct index_fixture *f = *state;
	struct seen first;
	struct err err = {0};

	index_close(f->index);
	run(f, "rm -rf $1 && mkdir $1");
	assert_int_equal(index_open(&f->index, f->dir, INDEX_WRITE | INDEX_CREATE, &err),
			 0);
	read_many(f, "a", 2000);
	first = look(f);
	reopen(f);
	assert_string_not_equal(look(f).uuid, first.uuid);
	read_many(f, "b", 2000);
	assert_int_equal(build_end(f->index, &err), 0);
	assert_non_null(index_fixture_tags(f, "b-7"));
	index_fixture_check(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(each_response_has_one_entry),
		INDEX_TEST(a_second_change_in_a_transaction_adds_nothing),
		INDEX_TEST(entries_of_what_is_gone_are_kept_until_they_are_many),
		INDEX_TEST(the_floor_is_that_of_the_last_entry_forgotten),
		INDEX_TEST(the_last_sequence_keeps_its_entry),
		INDEX_TEST(an_index_that_gave_out_nothing_has_no_epoch),
		INDEX_TEST(each_writer_that_changes_something_has_its_epoch),
		INDEX_TEST(an_aborted_transaction_leaves_no_epoch),
		INDEX_TEST(a_copy_that_went_on_is_another_history),
		INDEX_TEST(only_the_latest_epochs_are_kept),
		INDEX_TEST(a_build_begun_again_is_another_index),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

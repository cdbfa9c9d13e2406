/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/export/export.h"
#include "exporter/export/note.h"
#include "exporter/snapshot/message.h"
#include "tests/unit/index_fixture.h"

#define TITLED(id, album, title)                                                         \
	"{\"public_id\":\"" id "\",\"album_id\":\"" album "\",\"title\":\"" title "\"}"

/* Between two slices of an export, `happens` changes the index. */
struct test {
	struct index_fixture *index;
	struct snapshot_repo *repo;
	struct export_job job;
	char path[96];
	void (*happens)(struct test *);
	unsigned slices; /* before the first call */
	unsigned times;  /* calls */
};

static void between(void *payload)
{
	struct test *t = payload;

	if (t->slices) {
		t->slices--;
	} else if (t->times) {
		t->times--;
		t->happens(t);
	}
}

static void open_repo(struct test *t)
{
	struct err err = {0};

	if (snapshot_open(&t->repo, t->path, SNAPSHOT_WRITE | SNAPSHOT_CREATE, "test",
			  &err) < 0) {
		fail_msg("%s", err.msg);
	}
	t->job.repo = t->repo;
}

static int up(void **state)
{
	struct test *t = xzalloc(sizeof(*t));
	void *index = NULL;

	index_fixture_up(&index);
	t->index = index;
	snprintf(t->path, sizeof(t->path), "%s/../%s.git", t->index->dir,
		 strrchr(t->index->dir, '/') + 1);
	t->job = (struct export_job){
		.index = t->index->index, .between = between, .payload = t};
	open_repo(t);
	*state = t;
	return 0;
}

static int down(void **state)
{
	struct test *t = *state;
	void *index = t->index;
	char command[128];

	snapshot_close(t->repo);
	snprintf(command, sizeof(command), "rm -rf '%s'", t->path);
	assert_int_equal(system(command), 0);
	index_fixture_down(&index);
	free(t);
	return 0;
}

static void read_file(struct test *t, const char *path, const char *records)
{
	assert_int_equal(index_fixture_read(t->index, path, CLAIM_REPLACE, records, 0),
			 0);
}

/* `count` images of an album each, in one file. */
static void read_many(struct test *t, const char *path, unsigned count)
{
	struct buf records = {0};

	for (unsigned i = 0; i < count; i++) {
		buf_addf(&records, "%s" TITLED("%s-%u", "A", ""), i ? "," : "[", path, i);
	}
	buf_addstr(&records, "]");
	read_file(t, path, records.data);
	buf_release(&records);
}

/* A plain export. The caller releases *out. */
static void export_it(struct test *t, struct export_result *out)
{
	struct err err = {0};

	if (export_run(&t->job, out, &err) < 0) {
		fail_msg("%s", err.msg);
	}
}

/* The tree of a full export into a new repository. */
static struct snapshot_id clean_tree(struct test *t)
{
	struct export_job job = {.index = t->index->index};
	struct export_result result;
	struct snapshot_id tree;
	struct buf path = {0}, command = {0};
	struct err err = {0};

	buf_addf(&path, "%s.clean", t->path);
	assert_int_equal(snapshot_open(&job.repo, path.data,
				       SNAPSHOT_WRITE | SNAPSHOT_CREATE, "test", &err),
			 0);
	assert_int_equal(export_run(&job, &result, &err), 0);
	tree = result.info.tree;
	export_result_release(&result);
	snapshot_close(job.repo);
	buf_addf(&command, "rm -rf '%s'", path.data);
	assert_int_equal(system(command.data), 0);
	buf_release(&path);
	buf_release(&command);
	return tree;
}

/* Exports, and compares the tree with that of a full export. The caller releases *out. */
static void exports_clean(struct test *t, struct export_result *out)
{
	struct snapshot_id clean;

	export_it(t, out);
	t->times = 0;
	clean = clean_tree(t);
	assert_string_equal(out->info.tree.hex, clean.hex);
}

/* --- the index changes during the export --------------------------------------------- */

static void change_one(struct test *t)
{
	read_file(t, "a", "[" TITLED("i", "A", "2") "," TITLED("j", "B", "1") "]");
}

static void a_change_between_slices_is_in_the_snapshot(void **state)
{
	struct test *t = *state;
	struct export_result result;

	read_file(t, "a", "[" TITLED("i", "A", "1") "," TITLED("j", "A", "1") "]");
	t->job.slice = 1;
	t->happens = change_one;
	t->slices = t->times = 1;
	exports_clean(t, &result);
	assert_int_equal(result.restarts, 0);
	export_result_release(&result);
}

static void withdraw(struct test *t)
{
	index_fixture_forget(t->index, "many");
	/* the next change drops entries from the feed */
	read_file(t, "x", "[" TITLED("x", "X", "") "]");
}

static void what_is_withdrawn_during_a_full_export_is_not_in_the_snapshot(void **state)
{
	struct test *t = *state;
	struct export_result result;

	read_many(t, "many", 11000);
	read_file(t, "a", "[" TITLED("i", "B", "1") "]");
	t->job.slice = 3000;
	t->happens = withdraw;
	t->slices = t->times = 1;
	exports_clean(t, &result);
	assert_int_equal(result.restarts, 1);
	export_result_release(&result);
}

static void what_is_withdrawn_during_a_small_export_is_not_in_the_snapshot(void **state)
{
	struct test *t = *state;
	struct export_result result;

	read_file(t, "a", "[" TITLED("i", "B", "1") "]");
	export_it(t, &result);
	export_result_release(&result);
	read_many(t, "many", 11000);
	t->job.slice = 3000;
	t->happens = withdraw;
	t->slices = t->times = 1;
	exports_clean(t, &result);
	assert_true(result.full);
	export_result_release(&result);
}

/* It does not matter that the feed dropped entries before the export began. */
static void a_floor_that_does_not_move_restarts_nothing(void **state)
{
	struct test *t = *state;
	struct export_result result;

	read_many(t, "many", 11000);
	withdraw(t);
	read_many(t, "few", 10);
	t->job.slice = 1;
	export_it(t, &result);
	assert_true(result.full);
	assert_int_equal(result.restarts, 0);
	export_result_release(&result);
}

static void withdraw_again(struct test *t)
{
	read_many(t, "many", 11000);
	withdraw(t);
	read_file(t, "x", t->times % 2 ? "[]" : "[" TITLED("x", "X", "") "]");
}

static void an_export_ends_though_the_index_keeps_changing(void **state)
{
	struct test *t = *state;
	struct export_result result;

	read_many(t, "few", 20);
	t->job.slice = 1;
	t->happens = withdraw_again;
	t->times = 12;
	export_it(t, &result);
	assert_int_equal(result.restarts, 3);
	export_result_release(&result);
	t->times = 0;
	exports_clean(t, &result);
	export_result_release(&result);
}

/* --- where the next export starts ------------------------------------------------ */

static void an_export_that_made_no_snapshot_is_noted(void **state)
{
	struct test *t = *state;
	struct export_result result;
	struct note note;

	read_file(t, "a", "[" TITLED("i", "A", "1") "]");
	exports_clean(t, &result);
	export_result_release(&result);
	read_file(t, "a", "[" TITLED("i", "A", "2") "]");
	read_file(t, "a", "[" TITLED("i", "A", "1") "]");
	export_it(t, &result);
	assert_false(result.made);
	assert_true(result.rendered > 0);
	note_read(&note, t->repo);
	assert_string_equal(note.made.hex, result.info.commit.hex);
	assert_string_equal(note.ended.commit.hex, result.info.commit.hex);
	export_result_release(&result);
	export_it(t, &result);
	assert_int_equal(result.rendered, 0);
	export_result_release(&result);
}

static void a_note_of_another_redaction_does_not_count(void **state)
{
	static const char *const drop[] = {"exifs"};
	struct test *t = *state;
	struct export_result result;
	struct accept accept = {.given = 1 << ACCEPT_REDACTION};
	struct redact *redact = NULL;
	struct err err = {0};

	read_file(t, "a", "[" TITLED("i", "A", "1") "]");
	exports_clean(t, &result);
	export_result_release(&result);
	assert_int_equal(redact_new(&redact, drop, 1, -1, &err), 0);
	t->job.redact = redact;
	t->job.accept = &accept; /* as it matches nothing */
	export_it(t, &result);
	assert_true(result.full);
	assert_false(result.made);
	export_result_release(&result);
	export_it(t, &result);
	assert_int_equal(result.rendered, 0);
	export_result_release(&result);
	/* without it the snapshot's own trailers still count */
	t->job.redact = NULL;
	export_it(t, &result);
	assert_int_equal(result.rendered, 0);
	export_result_release(&result);
	redact_free(redact);
}

static void the_epoch_is_in_the_snapshot(void **state)
{
	struct test *t = *state;
	struct export_result result;
	struct index_txn *txn = NULL;
	uint64_t epoch = 0, sequence = 0;
	char index[37];
	struct err err = {0};

	read_file(t, "a", "[" TITLED("i", "A", "1") "]");
	export_it(t, &result);
	assert_true(message_exported(result.info.message, index, &epoch, &sequence));
	assert_int_equal(index_begin(&txn, t->index->index, false, &err), 0);
	assert_string_equal(index, index_uuid(txn));
	assert_true(epoch == index_epoch(txn));
	assert_true(sequence == index_sequence(txn));
	index_abort(&txn);
	export_result_release(&result);
}

/* --- the note ----------------------------------------------------------------------- */

static void a_note_is_read_as_it_was_written(void **state)
{
	struct test *t = *state;
	struct note note = {.ended = {.epoch = 0x0123456789abcdef,
				      .sequence = UINT64_MAX,
				      .index = "00000000-1111-4222-8333-444444444444"}};
	struct note back;

	memset(note.made.hex, 'a', SNAPSHOT_HEX);
	note_read(&back, t->repo);
	assert_string_equal(back.made.hex, "");
	note_write(&note, t->repo);
	note_read(&back, t->repo);
	assert_string_equal(back.made.hex, note.made.hex);
	assert_string_equal(back.ended.commit.hex, "");
	memset(note.ended.commit.hex, 'b', SNAPSHOT_HEX);
	note.ended.settings = note_settings("x", 1);
	note_write(&note, t->repo);
	note_read(&back, t->repo);
	assert_memory_equal(&back, &note, sizeof(note));
	/* Of the same length, and shorter. */
	memset(note.made.hex, 'c', SNAPSHOT_HEX);
	note_write(&note, t->repo);
	note_read(&back, t->repo);
	assert_memory_equal(&back, &note, sizeof(note));
	note.ended = (struct note_export){0};
	note_write(&note, t->repo);
	note_read(&back, t->repo);
	assert_memory_equal(&back, &note, sizeof(note));
}

/* As `cp -al` makes it of a repository. */
static void a_copy_of_the_note_by_a_hard_link_stays_as_it_is(void **state)
{
	struct test *t = *state;
	struct note note = {0}, back;
	struct buf path = {0}, copy = {0};

	memset(note.made.hex, 'a', SNAPSHOT_HEX);
	note_write(&note, t->repo);
	buf_addf(&path, "%s/" NOTE_FILE, t->path);
	buf_addf(&copy, "%s.copy", path.data);
	assert_int_equal(link(path.data, copy.data), 0);
	memset(note.made.hex, 'b', SNAPSHOT_HEX);
	note_write(&note, t->repo);
	note_read(&back, t->repo);
	assert_string_equal(back.made.hex, note.made.hex);
	assert_int_equal(rename(copy.data, path.data), 0);
	note_read(&back, t->repo);
	memset(note.made.hex, 'a', SNAPSHOT_HEX);
	assert_string_equal(back.made.hex, note.made.hex);
	buf_release(&path);
	buf_release(&copy);
}

static void a_torn_note_counts_as_lost(void **state)
{
	struct test *t = *state;
	struct note note = {0}, back;
	struct buf path = {0}, text = {0};
	struct err err = {0};

	memset(note.made.hex, 'a', SNAPSHOT_HEX);
	note_write(&note, t->repo);
	buf_addf(&path, "%s/" NOTE_FILE, t->path);
	assert_int_equal(file_read(&text, path.data, 4096, &err), 0);
	for (size_t len = 0; len <= text.len; len += len < text.len - 3 ? 3 : 1) {
		assert_int_equal(file_replace(path.data, text.data, len, &err), 0);
		note_read(&back, t->repo);
		assert_string_equal(back.made.hex, len < text.len ? "" : note.made.hex);
	}
	for (size_t i = 0; i < text.len; i += 3) {
		text.data[i] ^= 1;
		assert_int_equal(file_replace(path.data, text.data, text.len, &err), 0);
		note_read(&back, t->repo);
		assert_string_equal(back.made.hex, "");
		text.data[i] ^= 1;
	}
	buf_release(&path);
	buf_release(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
	const struct CMUnitTest tests[] = {
		TEST(a_change_between_slices_is_in_the_snapshot),
		TEST(what_is_withdrawn_during_a_full_export_is_not_in_the_snapshot),
		TEST(what_is_withdrawn_during_a_small_export_is_not_in_the_snapshot),
		TEST(a_floor_that_does_not_move_restarts_nothing),
		TEST(an_export_ends_though_the_index_keeps_changing),
		TEST(an_export_that_made_no_snapshot_is_noted),
		TEST(a_note_of_another_redaction_does_not_count),
		TEST(the_epoch_is_in_the_snapshot),
		TEST(a_note_is_read_as_it_was_written),
		TEST(a_copy_of_the_note_by_a_hard_link_stays_as_it_is),
		TEST(a_torn_note_counts_as_lost),
	};

	/* The warnings are expected. */
	log_init("test", LOG_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

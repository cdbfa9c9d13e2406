/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exporter/erase/erase_job.h"
#include "exporter/erase/erase_message.h"

#define WAS "Albumen-Was: 0101010101010101010101010101010101010101\n"

static const uint8_t was[OBJECT_ID] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
				       1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static void becomes(const char *message, struct erase_message *changes,
		    const char *expected)
{
	struct buf out = {0};

	changes->was = was;
	erase_message_write(&out, message, changes);
	assert_string_equal(out.data, expected);
	buf_release(&out);
}

static void counts_and_subject_change(void **state)
{
	struct erase_counts counts = {.images = -1, .untagged = 2, .tag_images = -3};
	struct erase_tree_counts files = {.was = {.added = 3, .changed = 1},
					  .is = {.added = 1}};
	struct erase_message changes = {
		.counts = &counts, .files = &files, .sha256 = "ab"};

	(void)state;
	becomes("12 files added, 3 changed\n\nAlbumen-Snapshot: 7\nAlbumen-Images: 10\n"
		"Albumen-Untagged: 4\nAlbumen-Albums: 2\nAlbumen-Tag-Images: 9\n"
		"Albumen-Tree-SHA256: cd\nAlbumen-Was: 22\n",
		&changes,
		"10 files added, 2 changed\n\nAlbumen-Snapshot: 7\nAlbumen-Images: 9\n"
		"Albumen-Untagged: 6\nAlbumen-Albums: 2\nAlbumen-Tag-Images: 6\n"
		"Albumen-Tree-SHA256: ab\n" WAS);
	becomes("2 files added, 1 changed\n\nAlbumen-Images: 1\n", &changes,
		"No file changed\n\nAlbumen-Images: 0\n" WAS);
	becomes("No file changed\n\nAlbumen-Images: 1\n",
		&(struct erase_message){
			.counts = &counts,
			.files = &(struct erase_tree_counts){.is = {.removed = 1}}},
		"1 file removed\n\nAlbumen-Images: 0\n" WAS);
	/* Somebody's own words stay. */
	becomes("12 files\n\nAlbumen-Images: 1\n", &changes,
		"12 files\n\nAlbumen-Images: 0\n" WAS);
}

static void a_label_keeps_its_text(void **state)
{
	(void)state;
	becomes("why\n\nmore\n\nAlbumen-Snapshot: 7\nAlbumen-Images: 3\n",
		&(struct erase_message){0},
		"why\n\nmore\n\nAlbumen-Snapshot: 7\nAlbumen-Images: 3\n" WAS);
	becomes("by somebody\n", &(struct erase_message){0}, "by somebody\n\n" WAS);
	becomes("by\n\nsomebody", &(struct erase_message){0}, "by\n\nsomebody\n\n" WAS);
}

static void a_member_is_declared_in_its_place(void **state)
{
	static const char *const paths[] = {"exifs", "user"};
	struct redact_matched matched = {.path = {5, 6}};
	struct erase_counts counts = {0};
	struct redact *redact;
	struct err err;

	(void)state;
	assert_int_equal(redact_new(&redact, paths, 2, -1, &err), 0);
	becomes("x\n\nAlbumen-Images: 1\nAlbumen-Drop: infos; matched 3\n"
		"Albumen-Round-GPS: 2; matched 1\n",
		&(struct erase_message){
			.counts = &counts, .members = redact, .matched = &matched},
		"x\n\nAlbumen-Images: 1\nAlbumen-Drop: exifs; matched 5\n"
		"Albumen-Drop: infos; matched 3\nAlbumen-Drop: user; matched 6\n"
		"Albumen-Round-GPS: 2; matched 1\n" WAS);
	becomes("x\n\nAlbumen-Images: 1\n",
		&(struct erase_message){
			.counts = &counts, .members = redact, .matched = &matched},
		"x\n\nAlbumen-Images: 1\nAlbumen-Drop: exifs; matched 5\n"
		"Albumen-Drop: user; matched 6\n" WAS);
	redact_free(redact);
}

static void ids_are_found_in_texts(void **state)
{
	struct erase_job job = {0};
	struct body_text id;

	(void)state;
	erase_ids_add(&job.images, &(struct body_text){"a.b-long", 8});
	erase_ids_add(&job.tags, &(struct body_text){"7", 1});
	assert_true(erase_job_names(&id, &job, "of A.B-LONG"));
	assert_int_equal(id.len, 8);
	assert_true(erase_job_names(&id, &job, "xa%2eb-longx"));
	assert_true(erase_job_names(&id, &job, "art. 7"));
	assert_false(erase_job_names(&id, &job, "art. 17, a7"));
	erase_job_release(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_subject_change),
		cmocka_unit_test(a_label_keeps_its_text),
		cmocka_unit_test(a_member_is_declared_in_its_place),
		cmocka_unit_test(ids_are_found_in_texts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

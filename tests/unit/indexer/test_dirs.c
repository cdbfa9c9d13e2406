/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "indexer/dirs.h"

static struct dirs_node *make(struct dirs *dirs, const char *path)
{
	return dirs_make(dirs, path, strlen(path));
}

static struct dirs_node *find(const struct dirs *dirs, const char *path)
{
	return dirs_find(dirs, path, strlen(path));
}

static void assert_path(const struct dirs_node *node, const char *path)
{
	struct buf out = {0};

	dirs_path(node, &out);
	assert_string_equal(out.data, path);
	buf_release(&out);
}

static void count(int wd, void *payload)
{
	*(int *)payload += wd;
}

static void a_folder_that_was_made_is_found(void **state)
{
	struct dirs_node *node;
	struct dirs dirs;

	(void)state;
	dirs_init(&dirs);
	assert_null(find(&dirs, "a"));
	assert_ptr_equal(find(&dirs, ""), dirs.root);
	node = make(&dirs, "a/b/c");
	assert_ptr_equal(find(&dirs, "a/b/c"), node);
	assert_ptr_equal(make(&dirs, "a/b/c"), node);
	assert_ptr_equal(find(&dirs, "a/b"), node->parent);
	assert_null(find(&dirs, "a/b/c/d"));
	assert_null(find(&dirs, "b"));
	assert_path(find(&dirs, "a/b/c"), "a/b/c/");
	assert_path(dirs.root, "");
	assert_int_equal(dirs.node_count, 3);
	dirs_release(&dirs);
}

static void a_dropped_folder_is_gone_with_all_below_it(void **state)
{
	struct dirs dirs;
	int sum = 0;

	(void)state;
	dirs_init(&dirs);
	make(&dirs, "a/z");
	dirs_tie(&dirs, make(&dirs, "a/b"), 1);
	dirs_tie(&dirs, make(&dirs, "a/b/c"), 2);
	dirs_tie(&dirs, make(&dirs, "a/b/d"), 4);
	make(&dirs, "a/b/e");
	dirs_tie(&dirs, make(&dirs, "ab"), 8);
	dirs_wd(&dirs, 4)->ended = true;
	dirs_drop(&dirs, find(&dirs, "a/b"), count, &sum);
	assert_int_equal(sum, 3); /* not the one that has ended */
	assert_null(find(&dirs, "a/b"));
	assert_null(find(&dirs, "a/b/c"));
	assert_non_null(find(&dirs, "a/z"));
	assert_non_null(dirs_wd(&dirs, 2));
	assert_null(dirs_wd(&dirs, 2)->node);
	assert_ptr_equal(dirs_wd(&dirs, 8)->node, find(&dirs, "ab"));
	dirs_release(&dirs);
}

static void an_untied_wd_has_no_folder(void **state)
{
	struct dirs dirs;
	struct dirs_node *a;

	(void)state;
	dirs_init(&dirs);
	a = make(&dirs, "a");
	dirs_tie(&dirs, a, 7);
	assert_ptr_equal(dirs_wd(&dirs, 7)->node, a);
	dirs_untie(&dirs, 7);
	assert_int_equal(a->wd, -1);
	assert_null(dirs_wd(&dirs, 7));
	dirs_untie(&dirs, 7);
	dirs_release(&dirs);
}

static void a_late_end_of_an_old_wd_leaves_the_new_one(void **state)
{
	struct dirs dirs;
	struct dirs_node *a;

	(void)state;
	dirs_init(&dirs);
	a = make(&dirs, "a");
	dirs_tie(&dirs, a, 1);
	dirs_wd(&dirs, 1)->node = NULL;
	a->wd = -1;
	dirs_tie(&dirs, a, 2);
	dirs_untie(&dirs, 1);
	assert_int_equal(a->wd, 2);
	dirs_drop(&dirs, a, NULL, NULL);
	assert_null(dirs_wd(&dirs, 2)->node);
	dirs_release(&dirs);
}

static void a_folder_is_found_by_its_inode_while_it_is_watched(void **state)
{
	struct dirs dirs;
	struct dirs_node *a;

	(void)state;
	dirs_init(&dirs);
	a = make(&dirs, "a");
	a->dev = 1;
	a->ino = 2;
	assert_null(dirs_with_inode(&dirs, 1, 2));
	dirs_tie(&dirs, a, 3);
	assert_ptr_equal(dirs_with_inode(&dirs, 1, 2), a);
	assert_null(dirs_with_inode(&dirs, 2, 2));
	dirs_wd(&dirs, 3)->ended = true;
	assert_null(dirs_with_inode(&dirs, 1, 2));
	dirs_release(&dirs);
}

/* Against a plain table, with many collisions on the way. */
static void random_changes_keep_the_tables_right(void **state)
{
	enum { NAMES = 3000 };
	static bool there[NAMES];
	struct dirs dirs;
	uint32_t seed = 12345;
	int wd = 0;

	(void)state;
	dirs_init(&dirs);
	for (int step = 0; step < 100000; step++) {
		char name[32];
		uint32_t n;
		struct dirs_node *node;

		seed = seed * 1664525 + 1013904223;
		n = (seed >> 8) % NAMES;
		snprintf(name, sizeof(name), "p%u/n%u", n % 7, n);
		node = find(&dirs, name);
		assert_int_equal(node != NULL, there[n]);
		if (node) {
			int old = node->wd;

			assert_ptr_equal(dirs_wd(&dirs, old)->node, node);
			dirs_drop(&dirs, node, NULL, NULL);
			assert_null(dirs_wd(&dirs, old)->node);
			dirs_untie(&dirs, old);
			assert_null(dirs_wd(&dirs, old));
		} else {
			dirs_tie(&dirs, make(&dirs, name), ++wd);
		}
		there[n] = !there[n];
	}
	for (uint32_t n = 0; n < NAMES; n++) {
		char name[32];

		snprintf(name, sizeof(name), "p%u/n%u", n % 7, n);
		assert_int_equal(find(&dirs, name) != NULL, there[n]);
	}
	dirs_release(&dirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_that_was_made_is_found),
		cmocka_unit_test(a_dropped_folder_is_gone_with_all_below_it),
		cmocka_unit_test(an_untied_wd_has_no_folder),
		cmocka_unit_test(a_late_end_of_an_old_wd_leaves_the_new_one),
		cmocka_unit_test(a_folder_is_found_by_its_inode_while_it_is_watched),
		cmocka_unit_test(random_changes_keep_the_tables_right),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

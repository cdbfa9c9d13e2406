/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/collection/sort.h"

#define ITEMS 20000

/* Items with keys of 0 to 7 bytes, many of them equal, and texts of 0 to 400 bytes that
 * begin with their number. */
static void add_items(struct sort *sort, unsigned seed)
{
	char text[400] = "";

	for (unsigned i = 0; i < ITEMS; i++) {
		char key[8];
		size_t key_len = (size_t)rand_r(&seed) % sizeof(key);
		size_t len = 8 + (size_t)rand_r(&seed) % (sizeof(text) - 8);

		for (size_t k = 0; k < key_len; k++) {
			key[k] = (char)(rand_r(&seed) % 3 ? 'a' : 0xff);
		}
		memset(text, 'x', sizeof(text));
		snprintf(text, 8, "%07u", i);
		sort_add(sort, key, key_len, text, len);
	}
}

/* All items come back, in order of keys, and equal ones as they were added. */
static void sorted(struct sort *sort)
{
	struct sort_item item;
	struct err err;
	char last[8];
	size_t last_len = 0;
	unsigned last_number = 0, count = 0;
	int rc;

	while ((rc = sort_next(sort, &item, &err)) == 0) {
		size_t len = item.key_len < last_len ? item.key_len : last_len;
		int order = memcmp(last, item.key, len);
		unsigned number = (unsigned)atoi(item.text);

		if (!order) {
			order = last_len < item.key_len ? -1 : last_len > item.key_len;
		}
		if (count && (order > 0 || (order == 0 && number <= last_number))) {
			fail_msg("item %u comes after item %u", number, last_number);
		}
		assert_in_range(item.len, 8, 400);
		assert_int_equal(item.text[item.len - 1], item.len == 8 ? '\0' : 'x');
		memcpy(last, item.key, item.key_len);
		last_len = item.key_len;
		last_number = number;
		count++;
	}
	assert_int_equal(rc, ERR_NOTFOUND);
	assert_int_equal(count, ITEMS);
	assert_int_equal(sort_next(sort, &item, &err), ERR_NOTFOUND);
}

static void items_come_in_order_whatever_fits_in_memory(void **state)
{
	static const size_t memory[] = {4096, 100000, 1 << 20, 32 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++) {
		struct sort *sort = sort_new(".");

		sort_set_memory(sort, memory[i]);
		add_items(sort, (unsigned)i);
		sorted(sort);
		sort_free(sort);
	}
}

static void item_larger_than_what_is_read_at_once_is_whole(void **state)
{
	struct sort *sort = sort_new(".");
	size_t len = 3 << 20;
	char *text = malloc(len);
	struct sort_item item;
	struct err err;

	(void)state;
	assert_non_null(text);
	sort_set_memory(sort, 1);
	for (int i = 3; i > 0; i--) {
		char key = (char)('0' + i);

		memset(text, key, len);
		sort_add(sort, &key, 1, text, len);
	}
	for (int i = 1; i <= 3; i++) {
		memset(text, '0' + i, len);
		assert_int_equal(sort_next(sort, &item, &err), 0);
		assert_int_equal(item.len, len);
		assert_memory_equal(item.text, text, len);
	}
	assert_int_equal(sort_next(sort, &item, &err), ERR_NOTFOUND);
	sort_free(sort);
	free(text);
}

static void nothing_sorts_to_nothing(void **state)
{
	struct sort *sort = sort_new("no/such/folder");
	struct sort_item item;
	struct err err;

	(void)state;
	assert_int_equal(sort_next(sort, &item, &err), ERR_NOTFOUND);
	sort_free(sort);
	sort_free(NULL);
}

static void failure_to_write_is_returned(void **state)
{
	struct sort *sort = sort_new("no/such/folder");
	struct sort_item item;
	struct err err;

	(void)state;
	sort_set_memory(sort, 4096);
	add_items(sort, 1);
	assert_int_not_equal(sort_next(sort, &item, &err), 0);
	assert_non_null(strstr(err.msg, "no/such/folder"));
	sort_free(sort);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_order_whatever_fits_in_memory),
		cmocka_unit_test(item_larger_than_what_is_read_at_once_is_whole),
		cmocka_unit_test(nothing_sorts_to_nothing),
		cmocka_unit_test(failure_to_write_is_returned),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

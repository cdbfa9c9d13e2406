/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "exporter/site/relay.h"

/* Few files are put at once, many by a thread (where that pays): both are tried. */
#define FEW 10
#define MANY 2000

/* What was put, in order. */
struct put {
	struct buf text;
	size_t count;
	size_t fail_at; /* this one and all after it fail; 0: none */
	size_t failed;
};

static int put(const char *path, const char *body, size_t len, void *payload,
	       struct err *err)
{
	struct put *p = payload;

	if (p->fail_at && p->count + p->failed + 1 >= p->fail_at) {
		p->failed++;
		return err_set(err, ERR_FULL, "%s", path);
	}
	p->count++;
	buf_addf(&p->text, "%s=%zu:", path, len);
	buf_add(&p->text, body, len);
	return 0;
}

/* Passes files with bodies of all kinds of lengths; returns the first failure. What is
 * passed is overwritten at once, as its owner may. */
static int pass(struct relay *relay, size_t count, struct buf *expected, struct err *err)
{
	char path[32], body[300];
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		size_t len = (i * 37) % sizeof(body);

		snprintf(path, sizeof(path), "d%zu/f%zu", i % 7, i);
		for (size_t k = 0; k < len; k++) {
			body[k] = (char)(i + k); /* with NULs */
		}
		buf_addf(expected, "%s=%zu:", path, len);
		buf_add(expected, body, len);
		rc = relay_pass(relay, path, body, len, err);
		memset(path, 'x', sizeof(path));
		memset(body, 'x', sizeof(body));
	}
	return rc;
}

static void all_files_are_put_whole_and_in_order(void **state)
{
	const size_t counts[] = {0, 1, FEW, 255, 256, 257, 258, 320, 321, MANY};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct put p = {0};
		struct buf expected = {0};
		struct err err = {0};
		struct relay *relay = relay_new(put, &p);

		assert_int_equal(pass(relay, counts[i], &expected, &err), 0);
		assert_int_equal(relay_end(&relay, &err), 0);
		assert_null(relay);
		assert_int_equal(p.count, counts[i]);
		assert_int_equal(p.text.len, expected.len);
		if (expected.len) {
			assert_memory_equal(p.text.data, expected.data, expected.len);
		}
		buf_release(&p.text);
		buf_release(&expected);
	}
}

static void large_bodies_are_put_whole(void **state)
{
	struct put p = {0};
	struct buf body = {0}, expected = {0};
	struct err err = {0};
	struct relay *relay = relay_new(put, &p);

	(void)state;
	for (int i = 0; i < 300; i++) {
		assert_int_equal(relay_pass(relay, "s", "x", 1, &err), 0);
		buf_addstr(&expected, "s=1:x");
	}
	for (int i = 0; i < 12; i++) {
		buf_clear(&body);
		for (int k = 0; k < 100000 + 90000 * i; k++) {
			buf_addch(&body, (char)(k + i));
		}
		assert_int_equal(relay_pass(relay, "l", body.data, body.len, &err), 0);
		buf_addf(&expected, "l=%zu:", body.len);
		buf_add(&expected, body.data, body.len);
	}
	assert_int_equal(relay_end(&relay, &err), 0);
	assert_int_equal(p.text.len, expected.len);
	assert_memory_equal(p.text.data, expected.data, expected.len);
	buf_release(&p.text);
	buf_release(&expected);
	buf_release(&body);
}

/* Wherever it fails, it is told, at once or later, and no file after it is put. */
static void a_failure_is_told_and_ends_it(void **state)
{
	const size_t at[] = {1, FEW, 256, 257, 258, 320, 1000, MANY - 1, MANY};

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct put p = {.fail_at = at[i]};
		struct buf expected = {0};
		struct err err = {0};
		struct relay *relay = relay_new(put, &p);
		char name[32];
		int passed, ended;

		passed = pass(relay, MANY, &expected, &err);
		ended = relay_end(&relay, passed ? NULL : &err);
		assert_int_equal(passed ? passed : ended, ERR_FULL);
		snprintf(name, sizeof(name), "d%zu/f%zu", (at[i] - 1) % 7, at[i] - 1);
		assert_string_equal(err.msg, name);
		assert_int_equal(p.count, at[i] - 1);
		assert_int_equal(p.failed, 1);
		assert_memory_equal(p.text.data ? p.text.data : "",
				    expected.data ? expected.data : "", p.text.len);
		buf_release(&p.text);
		buf_release(&expected);
	}
}

static int without_threads(void **state)
{
	(void)state;
	return setenv("ALBUMEN_THREADS", "0", 1);
}

static int with_threads(void **state)
{
	(void)state;
	return unsetenv("ALBUMEN_THREADS");
}

#define TEST(name) cmocka_unit_test(name)
#define ALONE(name)                                                                      \
	{                                                                                \
#name "_without_a_thread", name, without_threads, with_threads, NULL     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_files_are_put_whole_and_in_order),
		TEST(large_bodies_are_put_whole),
		TEST(a_failure_is_told_and_ends_it),
		ALONE(all_files_are_put_whole_and_in_order),
		ALONE(large_bodies_are_put_whole),
		ALONE(a_failure_is_told_and_ends_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

struct sink {
	size_t next, fail_at; /* numbers of files; SIZE_MAX: none */
	bool wrong;
};

/* Checks that files arrive in order, each as it was passed. */
static int put(const char *path, const char *body, size_t len, bool replaces,
	       void *payload, struct err *err)
{
	struct sink *sink = payload;
	char want[32];

	snprintf(want, sizeof(want), "file%zu", sink->next);
	if (strcmp(path, want) != 0 || len != sink->next % 100 ||
	    (len && (body[0] != 'b' || body[len - 1] != 'b')) ||
	    replaces != (sink->next % 3 == 0)) {
		sink->wrong = true;
	}
	if (sink->next == sink->fail_at) {
		return err_set(err, ERR_FULL, "no room for '%s'", path);
	}
	sink->next++;
	return 0;
}

/* Passes `count` files; the first failure is *passed. Returns what relay_end does. */
static int pass(struct sink *sink, size_t count, int *passed, struct err *err)
{
	struct relay *relay = relay_new(put, sink);
	char path[32], body[100];
	int rc;

	memset(body, 'b', sizeof(body));
	*passed = 0;
	for (size_t i = 0; i < count && !*passed; i++) {
		snprintf(path, sizeof(path), "file%zu", i);
		*passed = relay_pass(relay, path, body, i % 100, i % 3 == 0, err);
		memset(path, 'x', sizeof(path) - 1); /* the relay has a copy */
	}
	rc = relay_end(&relay, err);
	assert_null(relay);
	return rc;
}

static void all_files_are_put_in_order(void **state)
{
	static const size_t counts[] = {0, 1, 256, 257, 320, 5000};
	int passed;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct sink sink = {.fail_at = SIZE_MAX};
		struct err err = {0};

		assert_int_equal(pass(&sink, counts[i], &passed, &err), 0);
		assert_int_equal(passed, 0);
		assert_int_equal(sink.next, counts[i]);
		assert_false(sink.wrong);
	}
}

static void nothing_is_put_after_a_failure(void **state)
{
	static const size_t fail_at[] = {3, 256, 300, 4999};
	int passed, ended;

	(void)state;
	for (size_t i = 0; i < sizeof(fail_at) / sizeof(*fail_at); i++) {
		struct sink sink = {.fail_at = fail_at[i]};
		struct err err = {0};
		char want[64];

		ended = pass(&sink, 5000, &passed, &err);
		snprintf(want, sizeof(want), "no room for 'file%zu'", fail_at[i]);
		assert_int_equal(passed ? passed : ended, ERR_FULL);
		assert_string_equal(err.msg, want);
		assert_int_equal(sink.next, fail_at[i]);
	}
}

struct large_sink {
	const char *large; /* the caller's own bytes */
	size_t files, larges;
	bool copied;
};

static int put_large(const char *path, const char *body, size_t len, bool replaces,
		     void *payload, struct err *err)
{
	struct large_sink *sink = payload;

	(void)replaces;
	(void)err;
	assert_int_equal(atoi(path), sink->files);
	if (len > 100) {
		sink->larges++;
		sink->copied |= body != sink->large;
	}
	sink->files++;
	return 0;
}

static void a_large_body_is_put_in_its_turn_and_not_copied(void **state)
{
	size_t len = (size_t)5 << 20;
	char *large = xzalloc(len), path[32];
	struct large_sink sink = {.large = large};
	struct relay *relay = relay_new(put_large, &sink);
	struct err err = {0};

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		bool is_large = i % 67 == 3;

		snprintf(path, sizeof(path), "%u", i);
		assert_int_equal(relay_pass(relay, path, is_large ? large : "small",
					    is_large ? len : 5, false, &err),
				 0);
	}
	assert_int_equal(relay_end(&relay, &err), 0);
	assert_int_equal(sink.files, 2000);
	assert_int_equal(sink.larges, 30);
	assert_false(sink.copied);
	free(large);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_files_are_put_in_order),
		cmocka_unit_test(nothing_is_put_after_a_failure),
		cmocka_unit_test(a_large_body_is_put_in_its_turn_and_not_copied),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

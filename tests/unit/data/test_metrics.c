/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/file.h"
#include "data/base/metrics.h"

static const char *const nowhere[METRICS_APART];

/* The folder of a test, which is its working directory. */
static int setup(void **state)
{
	struct buf folder = {0};

	buf_addf(&folder, "%s/albumen-test-XXXXXX", file_temp_folder());
	*state = folder.data;
	return mkdtemp(folder.data) ? chdir(folder.data) : -1;
}

static int teardown(void **state)
{
	int rc = unlink("x.prom") | chdir("/") | rmdir(*state);

	free(*state);
	return rc;
}

static void write_file(const char *text)
{
	struct err err;

	assert_int_equal(file_replace("x.prom", text, strlen(text), &err), 0);
}

static void metrics_have_help_type_and_labels(void **state)
{
	static const char want[] =
		"# albumen-test wrote this: albumen(7), METRICS, explains it.\n"
		"# HELP albumen_build_info 1, and the version of the program.\n"
		"# TYPE albumen_build_info gauge\n"
		"albumen_build_info{index=\"a\",version=\"" ALBUMEN_VERSION "\"} 1\n"
		"# HELP albumen_images Images.\n"
		"# TYPE albumen_images gauge\n"
		"albumen_images{index=\"a\"} 18446744073709551615\n"
		"# HELP albumen_rescans_total Walks.\n"
		"# TYPE albumen_rescans_total counter\n"
		"albumen_rescans_total{index=\"a\"} 0\n"
		"# HELP albumen_took_seconds Time.\n"
		"# TYPE albumen_took_seconds gauge\n"
		"albumen_took_seconds{index=\"a\"} 61.007\n";
	struct metrics m = {0};
	struct buf text = {0};
	struct stat st;
	struct err err;

	(void)state;
	umask(077);
	metrics_begin(&m, "albumen-test");
	metrics_label(&m, "index", "a");
	metrics_version(&m);
	metrics_gauge(&m, "images", "Images.", UINT64_MAX);
	metrics_counter(&m, "rescans_total", "Walks.", 0);
	metrics_gauge_ms(&m, "took_seconds", "Time.", 61007);
	assert_int_equal(metrics_write(&m, "x.prom", &err), 0);
	umask(022);
	assert_int_equal(file_read(&text, "x.prom", 4096, &err), 0);
	assert_string_equal(text.data, want);
	assert_int_equal(stat("x.prom", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(metrics_check("x.prom", "albumen-test", nowhere, &err), 0);
	buf_release(&text);
}

static void a_hostile_label_stays_in_its_quotes(void **state)
{
	struct metrics m = {0};

	(void)state;
	write_file("");
	metrics_begin(&m, "albumen-test");
	metrics_label(&m, "repo", "a\"} 1\n\\\xff");
	metrics_label(&m, "site", "b");
	assert_string_equal(m.labels.data,
			    "repo=\"a\\\"} 1\\\\x0a\\\\\\\\\\\\xff\",site=\"b\"");
	buf_release(&m.text);
	buf_release(&m.labels);
}

static void refused(const char *path, const char *reason)
{
	struct err err = {0};

	assert_int_equal(metrics_check(path, "albumen-test", nowhere, &err), ERR_FAIL);
	assert_non_null(strstr(err.msg, reason));
}

static void what_is_no_file_of_metrics_is_never_replaced(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(metrics_check("x.prom", "albumen-test", nowhere, &err), 0);
	refused("no/x.prom", "'no': No such file");
	assert_int_equal(mkfifo("y.prom", 0600), 0);
	refused("y.prom", "not a regular file");
	assert_int_equal(unlink("y.prom"), 0);
	write_file("");
	assert_int_equal(metrics_check("x.prom", "albumen-test", nowhere, &err), 0);
	write_file("root:x:0:0\n");
	refused("x.prom", "not a file of metrics that albumen-test wrote");
	write_file("# albumen-other wrote this: albumen(7), METRICS, explains it.\n");
	refused("x.prom", "not a file of metrics that albumen-test wrote");
	assert_int_equal(symlink("x.prom", "y.prom"), 0);
	refused("y.prom", "not a regular file");
	assert_int_equal(unlink("y.prom"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metrics_have_help_type_and_labels, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_hostile_label_stays_in_its_quotes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_no_file_of_metrics_is_never_replaced, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

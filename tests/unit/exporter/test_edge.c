/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "exporter/edge/edge.h"
#include "exporter/edge/edge_kind.h"

static void addresses_become_nginx_addresses(void **state)
{
	static const char *const good[][2] = {
		{"8080", "127.0.0.1:8080"},
		{"127.0.0.1:80", "127.0.0.1:80"},
		{"0.0.0.0:65535", "0.0.0.0:65535"},
		{"[::1]:8080", "[::1]:8080"},
		{"[::]:1", "[::]:1"},
		{"[::ffff:127.0.0.1]:08080", "[::ffff:127.0.0.1]:8080"},
	};
	struct buf out = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		buf_clear(&out);
		assert_int_equal(edge_listen(&out, good[i][0], &err), 0);
		assert_string_equal(out.data, good[i][1]);
	}
	buf_release(&out);
}

static void other_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"65536",
		"x",
		"80x",
		"-1",
		"127.0.0.1",
		"127.0.0.1:",
		":80",
		"::1:80",
		"[::1]",
		"[]:80",
		"[::1:80",
		"1.2.3:80",
		"host:80",
		"a;b:80",
		"[::1;]:80",
		" 80",
		"1.2.3.4: 80",
		"[1.2.3.4]:80",
		"999999999999999999999",
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = {0};

		if (edge_listen(&out, bad[i], &err) != ERR_USAGE) {
			fail_msg("'%s' was taken", bad[i]);
		}
		assert_non_null(strstr(err.msg, bad[i]));
	}
	assert_int_equal(out.len, 0);
	buf_release(&out);
}

static void paths_are_one_word_of_a_configuration(void **state)
{
	struct buf out = {0};
	struct err err;

	(void)state;
	assert_int_equal(edge_quote(&out, "/a b/{;}#'\"\\\xc3\xa9", "nginx", "$", &err),
			 0);
	assert_string_equal(out.data, "\"/a b/{;}#'\\\"\\\\\xc3\xa9\"");
	assert_int_equal(edge_quote(&out, "/a$b", "nginx", "$", &err), ERR_USAGE);
	assert_int_equal(edge_quote(&out, "/a\nb", "nginx", "$", &err), ERR_USAGE);
	buf_release(&out);
}

static void missing_site_is_an_error(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(edge_print(stdout,
				    &(struct edge_request){.site = "/nonexistent/site",
							   .listen = "8080",
							   .max_age_s = 180},
				    &err),
			 ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "/nonexistent/site"));
}

static void options_fit_the_kind(void **state)
{
	static const struct {
		struct edge_request request;
		const char *says;
	} bad[] = {
		{{.kind = "lighttpd"}, "'lighttpd'"},
		{{.kind = NULL}, "--for nginx needs --listen"},
		{{.kind = "nginx", .listen = "80", .server_name = "a"}, "--server-name"},
		{{.kind = "nginx", .listen = "80", .key = "k"},
		 "--tls-key has no meaning"},
		{{.kind = "nginx-server"}, "--for nginx-server needs --server-name"},
		{{.kind = "nginx-server", .server_name = "a", .key = "k"}, "together"},
		{{.kind = "apache", .listen = "80"}, "--for apache needs --server-name"},
		{{.kind = "nginx-server", .server_name = "a;b"}, "'a;b'"},
		{{.kind = "nginx-server", .server_name = "a."}, "'a.'"},
		{{.kind = "nginx-server", .server_name = "-a.b"}, "'-a.b'"},
		{{.kind = "nginx-server", .server_name = "a..b"}, "'a..b'"},
		{{.kind = "nginx-server", .server_name = "a b"}, "'a b'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct edge_request request = bad[i].request;
		struct err err = {0};

		request.site = "/";
		request.max_age_s = 180;
		assert_int_equal(edge_print(stdout, &request, &err), ERR_USAGE);
		if (!strstr(err.msg, bad[i].says)) {
			fail_msg("'%s' does not say: %s", err.msg, bad[i].says);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_become_nginx_addresses),
		cmocka_unit_test(other_addresses_are_refused),
		cmocka_unit_test(paths_are_one_word_of_a_configuration),
		cmocka_unit_test(missing_site_is_an_error),
		cmocka_unit_test(options_fit_the_kind),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

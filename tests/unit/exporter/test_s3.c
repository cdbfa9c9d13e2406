/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/folder_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "data/base/clock.h"
#include "exporter/s3/s3.h"
#include "exporter/s3/s3_job.h"

/*
 * The client. If ALBUMEN_TEST_S3 is an empty place of a server (s3://BUCKET/PREFIX), and the usual
 * variables say where and with which key, what needs one runs: tests/system/s3.t does that. Else
 * what needs none.
 */

struct fixture {
	struct s3 *s3;
	struct s3_place place;
	struct s3_answer answer;
	struct err err;
};

#define JSON "application/json; charset=utf-8"

static int setup(void **state)
{
	static int count;
	const char *url = getenv("ALBUMEN_TEST_S3");
	struct fixture *f;
	struct buf own = {0};

	/* Each test has a prefix of its own; a blank and a plus are in it. */
	buf_addf(&own, "%s/t %d+", url, count++);
	f = xzalloc(sizeof(*f));
	*state = f;
	if (s3_url_parse(&f->place, own.data, &f->err) ||
	    s3_open(&f->s3, &f->place, &(struct s3_settings){0}, &f->err)) {
		print_error("%s\n", f->err.msg);
		return -1;
	}
	buf_release(&own);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	s3_answer_release(&f->answer);
	s3_close(f->s3);
	s3_url_release(&f->place);
	free(f);
	return 0;
}

static struct s3_object object_of(const char *key, const char *body)
{
	return (struct s3_object){
		.key = key, .type = JSON, .body = body, .len = strlen(body)};
}

static void write_key(struct fixture *f, const char *key, const char *body)
{
	struct s3_object object = object_of(key, body);

	assert_int_equal(s3_put(f->s3, &object, &f->err), 0);
}

static void holds(struct fixture *f, const char *key, const char *body)
{
	assert_int_equal(s3_get(f->s3, key, 4096, &f->answer, &f->err), 0);
	assert_int_equal(f->answer.body.len, strlen(body));
	assert_memory_equal(f->answer.body.data, body, strlen(body));
}

/* --- with a server --------------------------------------------------------------------- */

/* as they sort */
static const char *const odd_keys[] = {
	"%2E%2E.json",
	"..json",
	".albumen/x",
	"a%2Fb.json",
	"a=b&c.json",
	"plus+.json",
	"q?mark#hash.json",
	"semi;colon@:$,.json",
	"tilde~!*'()",
	"with space.json",
	"\303\251\346\227\245.json",
};

struct seen {
	size_t count, wrong;
};

static int see_odd(const char *key, const char *etag, uint64_t size, void *payload,
		   struct err *err)
{
	struct seen *seen = payload;

	(void)err;
	seen->wrong += seen->count == sizeof(odd_keys) / sizeof(*odd_keys) ||
		       strcmp(key, odd_keys[seen->count]) != 0 || strlen(etag) != 32 ||
		       size != strlen(key);
	seen->count++;
	return 0;
}

static void keys_of_every_kind_come_back(void **state)
{
	struct fixture *f = *state;
	size_t count = sizeof(odd_keys) / sizeof(*odd_keys);
	struct seen seen = {0};

	for (size_t i = 0; i < count; i++) {
		write_key(f, odd_keys[i], odd_keys[i]);
	}
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	for (size_t i = 0; i < count; i++) {
		holds(f, odd_keys[i], odd_keys[i]);
	}
	assert_int_equal(s3_list(f->s3, "", see_odd, &seen, &f->err), 0);
	assert_int_equal(seen.count, count);
	assert_int_equal(seen.wrong, 0);
}

static void what_does_not_exist_is_not_found_and_the_clock_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(s3_get(f->s3, "none", 4096, &f->answer, &f->err), ERR_NOTFOUND);
	assert_true(f->answer.date_s > 1600000000);
	assert_int_equal(f->answer.body.len, 0);
	write_key(f, "some", "12345");
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	assert_int_equal(s3_get(f->s3, "some", 4, &f->answer, &f->err), ERR_LARGE);
	assert_int_equal(s3_get(f->s3, "some", 5, &f->answer, &f->err), 0);
	assert_string_equal(f->answer.etag, "827ccb0eea8a706c4c34a16891f84e7b");
	assert_true(f->answer.modified_s > 1600000000);
}

struct pages {
	char last[64];
	int count;
};

static int see_page(const char *key, const char *etag, uint64_t size, void *payload,
		    struct err *err)
{
	struct pages *pages = payload;

	(void)etag;
	(void)size;
	assert_true(strcmp(key, pages->last) > 0);
	snprintf(pages->last, sizeof(pages->last), "%s", key);
	return ++pages->count == 1500 ? err_set(err, ERR_INPUT, "enough") : 0;
}

static void listings_have_many_pages_and_a_prefix(void **state)
{
	struct fixture *f = *state;
	struct pages pages = {0};
	char key[32];

	write_key(f, "other", "x");
	for (int i = 0; i < 1100; i++) {
		snprintf(key, sizeof(key), "many/%04d", i);
		write_key(f, key, key);
	}
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	assert_int_equal(s3_list(f->s3, "many/", see_page, &pages, &f->err), 0);
	assert_int_equal(pages.count, 1100);
	for (int i = 0; i < 1100; i++) {
		snprintf(key, sizeof(key), "many/%04d", i);
		assert_int_equal(s3_delete(f->s3, key, &f->err), 0);
	}
	assert_int_equal(s3_delete(f->s3, "never was", &f->err), 0);
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	pages = (struct pages){.count = 1499};
	assert_int_equal(s3_list(f->s3, "", see_page, &pages, &f->err), ERR_INPUT);
	assert_string_equal(pages.last, "other");
}

static void a_condition_holds_or_nothing_is_written(void **state)
{
	struct fixture *f = *state;
	struct s3_object one = object_of("k", "one"), two = object_of("k", "two"),
			 three = object_of("k", "three");
	char first[S3_ETAG];

	/* absent */
	assert_int_equal(s3_put_if(f->s3, &one, "0123", &f->answer, &f->err),
			 ERR_CHANGED);
	assert_int_equal(s3_put_if(f->s3, &one, NULL, &f->answer, &f->err), 0);
	assert_string_equal(f->answer.etag, "f97c5d29941bfb1b2fdab0874906ab82");
	assert_int_equal(s3_put_if(f->s3, &two, NULL, &f->answer, &f->err), ERR_CHANGED);
	assert_int_equal(f->answer.status, 0);
	holds(f, "k", "one");
	/* there; the ETag may be that of the answer that is filled */
	memcpy(first, f->answer.etag, sizeof(first));
	assert_int_equal(s3_put_if(f->s3, &two, f->answer.etag, &f->answer, &f->err), 0);
	assert_int_equal(s3_put_if(f->s3, &three, f->answer.etag, &f->answer, &f->err),
			 0);
	assert_int_equal(s3_put_if(f->s3, &two, first, &f->answer, &f->err), ERR_CHANGED);
	holds(f, "k", "three");
	/* What is there already counts as written. */
	assert_int_equal(s3_put_if(f->s3, &three, first, &f->answer, &f->err), 0);
}

static void a_server_that_honours_conditions_passes_the_probe(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(s3_probe(f->s3, ".albumen/probe", &f->err), 0);
	assert_int_equal(s3_probe(f->s3, ".albumen/probe", &f->err), 0);
}

/* Adds one to the number in the key, `times` times, against others that do the same. */
static int count_up(const struct s3_place *place, int who, int times)
{
	struct s3_answer answer = {0};
	struct err err = {0};
	struct s3 *s3;
	char body[64];

	if (s3_open(&s3, place, &(struct s3_settings){0}, &err)) {
		return 1;
	}
	while (times) {
		int rc = s3_get(s3, "count", sizeof(body), &answer, &err);
		struct s3_object object;

		if (rc) {
			break;
		}
		snprintf(body, sizeof(body), "%d by %d, %d to go",
			 atoi(answer.body.data) + 1, who, times);
		object = object_of("count", body);
		rc = s3_put_if(s3, &object, answer.etag, &answer, &err);
		if (rc && rc != ERR_CHANGED) {
			break;
		}
		times -= !rc;
	}
	if (times) {
		print_error("%s\n", err.msg);
	}
	s3_answer_release(&answer);
	s3_close(s3);
	return times > 0;
}

static void of_writers_that_race_one_wins_each_time(void **state)
{
	struct fixture *f = *state;
	struct s3_object zero = object_of("count", "0");
	enum { WRITERS = 4, TIMES = 15 };
	pid_t pid[WRITERS];

	assert_int_equal(s3_put_if(f->s3, &zero, NULL, &f->answer, &f->err), 0);
	for (int i = 0; i < WRITERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			_exit(count_up(&f->place, i, TIMES));
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(s3_get(f->s3, "count", 64, &f->answer, &f->err), 0);
	/* After a fault, what was written and is overwritten already cannot be told from what
	 * was not written. */
	if (getenv("ALBUMEN_TEST_S3_FAULTS")) {
		assert_true(atoi(f->answer.body.data) >= WRITERS * TIMES);
	} else {
		assert_int_equal(atoi(f->answer.body.data), WRITERS * TIMES);
	}
}

static void large_bodies_and_files_are_sent_alone(void **state)
{
	struct fixture *f = *state;
	size_t len = S3_COPIED + 1;
	char *body = xmalloc(len);
	FILE *file = tmpfile();
	struct s3_object object = {.key = "large", .type = JSON, .body = body};

	assert_non_null(file);
	memset(body, 'x', len);
	object.len = len;
	write_key(f, "small", "small");
	assert_int_equal(s3_put(f->s3, &object, &f->err), 0);
	/* It is there without an s3_drain, and so is what was sent before. */
	assert_int_equal(s3_get(f->s3, "large", len, &f->answer, &f->err), 0);
	assert_int_equal(f->answer.body.len, len);
	assert_memory_equal(f->answer.body.data, body, len);
	holds(f, "small", "small");

	assert_int_equal(fwrite(body, 1, 1000, file), 1000);
	assert_int_equal(fflush(file), 0);
	object = (struct s3_object){
		.key = "file", .type = JSON, .len = 999, .fd = fileno(file)};
	assert_int_equal(s3_put(f->s3, &object, &f->err), 0);
	assert_int_equal(s3_get(f->s3, "file", len, &f->answer, &f->err), 0);
	assert_int_equal(f->answer.body.len, 999);
	object.len = 0;
	assert_int_equal(s3_put(f->s3, &object, &f->err), 0);
	assert_int_equal(s3_get(f->s3, "file", len, &f->answer, &f->err), 0);
	assert_int_equal(f->answer.body.len, 0);
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	fclose(file);
	free(body);
}

/* A lease, as a tick renews it. */
struct lease {
	struct fixture *f;
	int ticks, renewed, fail_at;
	char etag[S3_ETAG];
};

static int renew(void *payload, struct err *err)
{
	struct lease *lease = payload;
	struct s3_answer answer = {0};
	struct s3_object object;
	char body[32];
	int rc;

	if (++lease->ticks == lease->fail_at) {
		return err_set(err, ERR_STOPPED, "stopped by the tick");
	}
	if (lease->ticks % 10) {
		return 0;
	}
	snprintf(body, sizeof(body), "%d", ++lease->renewed);
	object = object_of("lease", body);
	rc = s3_put_if(lease->f->s3, &object, *lease->etag ? lease->etag : NULL, &answer,
		       err);
	memcpy(lease->etag, answer.etag, sizeof(lease->etag));
	s3_answer_release(&answer);
	return rc;
}

static void a_tick_renews_a_lease_while_others_are_under_way(void **state)
{
	struct fixture *f = *state;
	struct lease lease = {.f = f};
	char key[32], body[32];

	s3_set_tick(f->s3, renew, &lease);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		write_key(f, key, key);
	}
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	assert_true(lease.renewed > 1);
	snprintf(body, sizeof(body), "%d", lease.renewed);
	s3_set_tick(f->s3, NULL, NULL);
	holds(f, "lease", body);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		holds(f, key, key);
	}
}

static void a_tick_that_fails_ends_everything(void **state)
{
	struct fixture *f = *state;
	struct lease lease = {.f = f, .fail_at = 5};
	struct s3_object object = object_of("k", "x");
	int rc = 0;

	s3_set_tick(f->s3, renew, &lease);
	for (int i = 0; i < 20 && !rc; i++) {
		rc = s3_put(f->s3, &object, &f->err);
	}
	rc = s3_drain(f->s3, &f->err);
	assert_int_equal(rc, ERR_STOPPED);
	assert_string_equal(f->err.msg, "stopped by the tick");
	lease.fail_at = 1;
	lease.ticks = 0;
	assert_int_equal(s3_get(f->s3, "k", 10, &f->answer, &f->err), ERR_STOPPED);
	/* The next time it does not fail, and all goes on. (Another key: what was cut may yet
	 * be carried out.) */
	write_key(f, "next", "again");
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	holds(f, "next", "again");
}

static void nothing_is_sent_after_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct s3_object object = object_of("late", "x");

	s3_set_deadline(f->s3, clock_boot_ms());
	assert_int_equal(s3_put(f->s3, &object, &f->err), ERR_LOCKED);
	assert_int_equal(s3_drain(f->s3, &f->err), ERR_LOCKED);
	assert_int_equal(s3_put_if(f->s3, &object, NULL, &f->answer, &f->err),
			 ERR_LOCKED);
	s3_set_deadline(f->s3, INT64_MAX);
	assert_int_equal(s3_drain(f->s3, &f->err), 0);
	assert_int_equal(s3_get(f->s3, "late", 10, &f->answer, &f->err), ERR_NOTFOUND);
}

static void what_is_denied_is_said_until_the_drain(void **state)
{
	struct fixture *f = *state;
	struct s3_object object = object_of("k", "x");
	char *secret = xstrdup(getenv("AWS_SECRET_ACCESS_KEY"));
	struct s3 *s3;
	int rc = 0;

	setenv("AWS_SECRET_ACCESS_KEY", "wrong-s3cret", 1);
	assert_int_equal(s3_open(&s3, &f->place, &(struct s3_settings){0}, &f->err), 0);
	setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
	free(secret);
	for (int i = 0; i < 100 && !rc; i++) {
		rc = s3_put(s3, &object, &f->err);
	}
	assert_int_equal(rc, ERR_DENIED);
	assert_int_equal(s3_delete(s3, "k", &f->err), ERR_DENIED);
	assert_int_equal(s3_drain(s3, &f->err), ERR_DENIED);
	assert_non_null(strstr(f->err.msg, "secret"));
	assert_null(strstr(f->err.msg, "s3cret"));
	assert_int_equal(s3_drain(s3, &f->err), 0);
	s3_close(s3);
}

/* --- without one ----------------------------------------------------------------------- */

static struct s3 *open_nowhere(const char *endpoint)
{
	static char bucket[] = "bucket", prefix[] = "prefix";
	struct s3_place place = {bucket, prefix};
	struct err err;
	struct s3 *s3;

	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
	unsetenv("AWS_PROFILE");
	setenv("no_proxy", "*", 1);
	if (s3_open(&s3, &place, &(struct s3_settings){.endpoint_url = endpoint}, &err)) {
		print_error("%s\n", err.msg);
		fail();
	}
	return s3;
}

static void where_nobody_answers_is_unreachable_after_all_tries(void **state)
{
	struct s3 *s3 = open_nowhere("http://127.0.0.1:1");
	struct s3_object object = object_of("k", "x");
	struct s3_answer answer = {0};
	struct err err;

	(void)state;
	assert_int_equal(s3_put(s3, &object, &err), 0);
	assert_int_equal(s3_get(s3, "k", 10, &answer, &err), ERR_UNREACHABLE);
	assert_non_null(strstr(err.msg, "(tried 6 times)"));
	assert_non_null(
		strstr(err.msg, "'s3://bucket/prefix/k' at http://127.0.0.1:1: "));
	assert_int_equal(s3_drain(s3, &err), ERR_UNREACHABLE);
	s3_answer_release(&answer);
	s3_close(s3);
}

static void what_a_store_cannot_take_is_refused_at_once(void **state)
{
	struct s3 *s3 = open_nowhere("http://127.0.0.1:1");
	struct buf key = {0};
	struct s3_object object = object_of("k", "x");
	struct s3_answer answer = {0};
	struct err err;

	(void)state;
	object.len = S3_PUT_MAX + 1;
	object.body = NULL;
	assert_int_equal(s3_put(s3, &object, &err), ERR_INPUT);
	while (key.len < S3_KEY_MAX - strlen("prefix/") + 1) {
		buf_addch(&key, 'k');
	}
	assert_int_equal(s3_get(s3, key.data, 10, &answer, &err), ERR_INPUT);
	assert_int_equal(s3_delete(s3, key.data, &err), ERR_INPUT);
	buf_release(&key);
	s3_close(s3);
}

static void a_broken_connection_does_not_end_the_process(void **state)
{
	struct sigaction pipe;
	struct s3 *s3;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	s3 = open_nowhere("http://127.0.0.1:1");
	assert_int_equal(sigaction(SIGPIPE, NULL, &pipe), 0);
	assert_true(pipe.sa_handler == SIG_IGN);
	s3_close(s3);
}

static void pauses_grow_and_a_server_may_ask_for_longer_ones(void **state)
{
	(void)state;
	for (int tries = 1; tries <= S3_TRIES; tries++) {
		int64_t pause = s3_job_pause_ms(tries, 0), most = 100 << (tries - 1);

		assert_in_range(pause, most / 2, most);
	}
	assert_in_range(s3_job_pause_ms(100, 0), 2500, 5000);
	assert_int_equal(s3_job_pause_ms(1, 7), 7000);
	assert_int_equal(s3_job_pause_ms(1, INT64_MAX), 20000);
	assert_in_range(s3_job_pause_ms(1, INT64_MIN), 50, 100);
}

static void closing_cuts_what_is_under_way(void **state)
{
	struct s3 *s3 = open_nowhere("http://127.0.0.1:1");
	struct s3_object object = object_of("k", "x");
	struct err err;

	(void)state;
	for (int i = 0; i < S3_PARALLEL; i++) {
		assert_int_equal(s3_put(s3, &object, &err), 0);
	}
	s3_close(s3);
	s3_close(NULL);
}

/* A port on which nobody reads; *fd is the listening socket. */
static int listen_somewhere(int *fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(*fd, 1), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

static void await_readable(int fd)
{
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 60000), 1);
}

static void the_kernel_sends_nothing_of_a_process_that_was_killed(void **state)
{
	size_t len = 16 << 20;
	char *body = xmalloc(len);
	struct buf endpoint = {0};
	int listening, fd, status;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	(void)state;
	memset(body, 'x', len);
	buf_addf(&endpoint, "http://127.0.0.1:%d", listen_somewhere(&listening));
	pid = fork();
	if (pid == 0) {
		struct s3_object object = {.key = "k", .type = JSON, .body = body};
		struct s3 *s3 = open_nowhere(endpoint.data);
		struct err err;

		object.len = len;
		s3_put(s3, &object, &err);
		s3_drain(s3, &err);
		_exit(0);
	}
	await_readable(listening);
	fd = accept(listening, NULL, NULL);
	assert_true(fd >= 0);
	await_readable(fd);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while ((n = read(fd, body, len)) > 0) {
		got += (size_t)n;
	}
	assert_int_equal(n, -1);
	assert_int_equal(errno, ECONNRESET);
	assert_true(got < len);
	close(fd);
	close(listening);
	buf_release(&endpoint);
	free(body);
}

static void no_connection_is_left_to_a_program_that_is_started(void **state)
{
	struct s3_object object = object_of("k", "x");
	struct sockaddr_in peer;
	struct buf endpoint = {0};
	int listening, found = 0;
	struct s3 *s3;
	struct err err;

	(void)state;
	buf_addf(&endpoint, "http://127.0.0.1:%d", listen_somewhere(&listening));
	s3 = open_nowhere(endpoint.data);
	assert_int_equal(s3_put(s3, &object, &err), 0);
	await_readable(listening);
	for (int fd = 0; fd < 256; fd++) {
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    peer.sin_family == AF_INET) {
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			found++;
		}
	}
	assert_int_equal(found, 1);
	s3_close(s3);
	close(listening);
	buf_release(&endpoint);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest served[] = {
		SERVED(keys_of_every_kind_come_back),
		SERVED(what_does_not_exist_is_not_found_and_the_clock_is_told),
		SERVED(listings_have_many_pages_and_a_prefix),
		SERVED(a_condition_holds_or_nothing_is_written),
		SERVED(a_server_that_honours_conditions_passes_the_probe),
		SERVED(of_writers_that_race_one_wins_each_time),
		SERVED(large_bodies_and_files_are_sent_alone),
		SERVED(a_tick_renews_a_lease_while_others_are_under_way),
		SERVED(a_tick_that_fails_ends_everything),
		SERVED(nothing_is_sent_after_the_deadline),
		SERVED(what_is_denied_is_said_until_the_drain),
	};
	const struct CMUnitTest alone[] = {
		/* The first one: libcurl is loaded once. */
		cmocka_unit_test(a_broken_connection_does_not_end_the_process),
		cmocka_unit_test(where_nobody_answers_is_unreachable_after_all_tries),
		cmocka_unit_test(what_a_store_cannot_take_is_refused_at_once),
		cmocka_unit_test(the_kernel_sends_nothing_of_a_process_that_was_killed),
		cmocka_unit_test(no_connection_is_left_to_a_program_that_is_started),
		cmocka_unit_test(pauses_grow_and_a_server_may_ask_for_longer_ones),
		cmocka_unit_test(closing_cuts_what_is_under_way),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return getenv("ALBUMEN_TEST_S3") ? cmocka_run_group_tests(served, NULL, NULL)
					 : cmocka_run_group_tests(alone, NULL, NULL);
}

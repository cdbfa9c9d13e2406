/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/git_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "exporter/git/pack/pack.h"
#include "exporter/git/pack/packfile.h"

#define PACKS "r.git/objects/pack"

static struct err err;

static int setup(void **state)
{
	git_fixture_setup(state);
	git_fixture_says("git init -q --bare -b main r.git", "");
	err = (struct err){0};
	return 0;
}

static int finish(struct pack *pack)
{
	struct buf names = {0};
	int rc = pack_seal(pack, &names, &err);

	buf_release(&names);
	return rc ? rc : pack_install(pack, &err);
}

/* Bodies of many sizes, made from their numbers. Some numbers give equal bodies, also of
 * neighbours. */
static void make_body(struct buf *body, unsigned n)
{
	unsigned seed = n % 50 == 49 ? n - 7 : n % 50 == 31 || n % 50 == 24 ? n - 1 : n;
	uint32_t random = seed * 2654435761u + 1;
	size_t len = seed % 1000 == 13 ? (2u << 20) : random % 5000;

	buf_clear(body);
	buf_addf(body, "body %u", seed);
	while (body->len < len) {
		random = random * 1664525 + 1013904223;
		buf_addf(body, "%s%x", seed % 2 ? "{\"tag\":" : "", random >> 20);
	}
}

static void assert_packed(const char *count)
{
	git_fixture_says("git -C r.git count-objects -v | sed -n 's/in-pack: //p'",
			 count);
}

static void assert_id(const struct pack *pack, uint32_t number, const char *hex)
{
	char actual[OBJECT_HEX + 1];

	object_hex(actual, pack_id(pack, number));
	assert_string_equal(actual, hex);
}

static void git_reads_what_was_added(void **state)
{
	struct pack *pack;
	struct buf large = {0};
	char hex[OBJECT_HEX + 1];
	uint32_t hello, empty, big;

	(void)state;
	for (unsigned i = 0; i < 3000000; i++) {
		buf_addch(&large, (char)('a' + i * i % 23));
	}
	pack_open(&pack, PACKS, 0, NULL, NULL);
	hello = pack_add(pack, OBJECT_BLOB, "hello\n", 6);
	empty = pack_add(pack, OBJECT_BLOB, "", 0);
	big = pack_add(pack, OBJECT_BLOB, large.data, large.len);
	assert_int_equal(pack_wait(pack, &err), 0);
	assert_id(pack, hello, "ce013625030ba8dba906f756967f9e9ca394464a");
	assert_id(pack, empty, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
	assert_int_equal(finish(pack), 0);
	assert_packed("3");

	git_fixture_says("git -C r.git cat-file blob ce013625", "hello");
	git_fixture_says("git -C r.git cat-file -s e69de29b", "0");
	git_fixture_says("git verify-pack r.git/objects/pack/*.idx", "");
	git_fixture_says("git -C r.git fsck --strict --no-dangling --no-progress 2>&1 | "
			 "grep -v '^notice: '; true",
			 "");
	object_hex(hex, pack_id(pack, big));
	buf_clear(&large);
	buf_addf(&large, "git -C r.git cat-file blob %s | wc -c", hex);
	git_fixture_says(large.data, "3000000");
	pack_close(pack);
	buf_release(&large);
}

static void sealed_packs_have_no_name_yet(void **state)
{
	struct buf names = {0};
	struct pack *pack;

	(void)state;
	pack_open(&pack, PACKS, 0, NULL, NULL);
	pack_add(pack, OBJECT_BLOB, "x", 1);
	assert_int_equal(pack_seal(pack, &names, &err), 0);
	assert_int_equal(git_fixture_count(PACKS, "tmp_"), 2);
	assert_int_equal(git_fixture_count(PACKS, ""), 2);
	assert_int_equal(pack_install(pack, &err), 0);
	assert_int_equal(names.len, strlen("pack-\n") + OBJECT_HEX);
	buf_setlen(&names, names.len - 1);
	assert_int_equal(git_fixture_count(PACKS, names.data), 2);
	assert_int_equal(git_fixture_count(PACKS, ""), 2);
	pack_close(pack);
	buf_release(&names);
}

static void packs_are_read_only(void **state)
{
	struct pack *pack;

	(void)state;
	pack_open(&pack, PACKS, 0, NULL, NULL);
	pack_add(pack, OBJECT_BLOB, "x", 1);
	assert_int_equal(finish(pack), 0);
	pack_close(pack);
	git_fixture_says("stat -c %a " PACKS "/*", "444\n444");
}

/* The names of the packs that `count` bodies make. A pack is named after its bytes. */
static void make_packs(struct buf *names, const char *dir, unsigned threads,
		       unsigned count)
{
	struct buf body = {0}, line = {0};
	uint8_t id[OBJECT_ID];
	struct pack *pack;

	assert_int_equal(mkdir(dir, 0777), 0);
	pack_open(&pack, dir, threads, NULL, NULL);
	for (unsigned n = 0; n < count; n++) {
		make_body(&body, n);
		if (n % 10 == 3) {
			pack_add_id(pack, id, OBJECT_BLOB, body.data, body.len);
		} else {
			pack_add(pack, OBJECT_BLOB, body.data, body.len);
		}
		if (n % 1000 == 500) {
			assert_int_equal(pack_wait(pack, &err), 0);
		}
	}
	assert_int_equal(finish(pack), 0);
	pack_close(pack);
	buf_addf(&line, "cd %s && sha1sum *", dir);
	assert_int_equal(git_fixture_run(names, line.data), 0);
	buf_release(&body);
	buf_release(&line);
}

static void threads_do_not_change_a_byte(void **state)
{
	struct buf serial = {0}, threaded = {0};

	(void)state;
	make_packs(&serial, "serial", 0, 3000);
	make_packs(&threaded, "one", 1, 3000);
	assert_string_equal(serial.data, threaded.data);
	make_packs(&threaded, "three", 3, 3000);
	assert_string_equal(serial.data, threaded.data);
	git_fixture_says("git verify-pack three/*.idx", "");
	buf_release(&serial);
	buf_release(&threaded);
}

static bool is_a_known_large_one(const uint8_t id[OBJECT_ID], void *payload)
{
	return memcmp(id, payload, OBJECT_ID) == 0;
}

static void large_body(struct buf *body, char letter, unsigned len)
{
	buf_clear(body);
	for (unsigned n = 0; n < len; n++) {
		buf_addch(body, (char)(letter + n * n % 5));
	}
}

/* Large bodies, which may be hashed on a thread: new ones, equal ones, others of the same
 * length, and one that the repository has. */
static void make_large(struct buf *names, const char *dir, unsigned threads)
{
	static const struct {
		char letter;
		unsigned len;
	} bodies[] = {{'a', 2000000}, {'a', 2000000}, {'b', 2000000},
		      {'c', 1500000}, {'a', 2000000}, {'d', 1400000},
		      {'k', 1200000}, {'e', 1300000}, {'f', 1200000}};
	struct buf body = {0}, line = {0};
	uint8_t known[OBJECT_ID], id[OBJECT_ID];
	struct pack *pack;

	assert_int_equal(mkdir(dir, 0777), 0);
	large_body(&body, 'k', 1200000);
	object_hash(known, OBJECT_BLOB, body.data, body.len);
	pack_open(&pack, dir, threads, is_a_known_large_one, known);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		uint32_t number;

		large_body(&body, bodies[i].letter, bodies[i].len);
		object_hash(id, OBJECT_BLOB, body.data, body.len);
		number = pack_add(pack, OBJECT_BLOB, body.data, body.len);
		assert_memory_equal(pack_id(pack, number), id, OBJECT_ID);
	}
	assert_int_equal(finish(pack), 0);
	pack_close(pack);
	buf_addf(&line,
		 "cd %s && sha1sum * && git verify-pack -v *.idx | grep -c ' blob '",
		 dir);
	assert_int_equal(git_fixture_run(names, line.data), 0);
	buf_release(&body);
	buf_release(&line);
}

static void large_bodies_are_written_once_with_and_without_threads(void **state)
{
	struct buf serial = {0}, threaded = {0};

	(void)state;
	make_large(&serial, "serial", 0);
	make_large(&threaded, "threaded", 1);
	assert_string_equal(serial.data, threaded.data);
	assert_non_null(strstr(serial.data, "\n6"));
	buf_release(&serial);
	buf_release(&threaded);
}

static void closing_at_once_ends_the_threads(void **state)
{
	struct buf body = {0};
	struct pack *pack;

	(void)state;
	pack_open(&pack, PACKS, 2, NULL, NULL);
	for (unsigned n = 0; n < 1000; n++) {
		make_body(&body, n);
		pack_add(pack, OBJECT_BLOB, body.data, body.len);
	}
	pack_close(pack);
	assert_int_equal(git_fixture_count(PACKS, ""), 0);
	buf_release(&body);
}

static void a_body_added_twice_is_written_once(void **state)
{
	uint8_t id[OBJECT_ID];
	struct pack *pack;
	uint32_t first, second;

	(void)state;
	pack_open(&pack, PACKS, 0, NULL, NULL);
	first = pack_add(pack, OBJECT_BLOB, "x", 1);
	second = pack_add(pack, OBJECT_BLOB, "x", 1);
	pack_add_id(pack, id, OBJECT_BLOB, "x", 1);
	assert_int_equal(pack_wait(pack, &err), 0);
	assert_memory_equal(pack_id(pack, first), pack_id(pack, second), OBJECT_ID);
	assert_memory_equal(pack_id(pack, first), id, OBJECT_ID);
	assert_int_equal(finish(pack), 0);
	assert_packed("1");
	pack_close(pack);
}

static bool all_but_a(const uint8_t id[OBJECT_ID], void *payload)
{
	uint8_t a[OBJECT_ID];

	++*(int *)payload;
	object_hash(a, OBJECT_BLOB, "a", 1);
	return memcmp(id, a, OBJECT_ID) != 0;
}

static void an_object_of_the_repository_is_not_written(void **state)
{
	struct pack *pack;
	uint32_t b;
	int asked = 0;

	(void)state;
	pack_open(&pack, PACKS, 0, all_but_a, &asked);
	pack_add(pack, OBJECT_BLOB, "a", 1);
	b = pack_add(pack, OBJECT_BLOB, "b", 1);
	pack_add(pack, OBJECT_BLOB, "b", 1);
	assert_int_equal(finish(pack), 0);
	assert_packed("1");
	assert_int_equal(asked, 2);
	assert_id(pack, b, "63d8dbd40c23542e740659a7168a0ce3138ea748");
	pack_close(pack);
}

static void nothing_new_makes_no_file(void **state)
{
	struct pack *pack;

	(void)state;
	pack_open(&pack, PACKS, 1, NULL, NULL);
	assert_int_equal(finish(pack), 0);
	pack_close(pack);
	pack_close(NULL);
	assert_int_equal(git_fixture_count(PACKS, ""), 0);
}

static void an_unfinished_pack_leaves_nothing(void **state)
{
	struct buf body = {0};
	struct pack *pack;

	(void)state;
	for (unsigned i = 0; i < 2000000; i++) {
		buf_addf(&body, "%u", i);
	}
	pack_open(&pack, PACKS, 0, NULL, NULL);
	pack_add(pack, OBJECT_BLOB, body.data, body.len);
	assert_int_equal(git_fixture_count(PACKS, PACKFILE_TEMP_PACK), 1);
	assert_int_equal(git_fixture_count(PACKS, ""), 1);
	pack_close(pack);
	assert_int_equal(git_fixture_count(PACKS, ""), 0);
	buf_release(&body);
}

static void a_failure_sticks_and_is_reported(void **state)
{
	struct err later = {0};
	struct pack *pack;

	(void)state;
	pack_open(&pack, "no/such/folder", 0, NULL, NULL);
	pack_add(pack, OBJECT_BLOB, "a", 1);
	assert_int_equal(finish(pack), ERR_FAIL);
	assert_non_null(strstr(err.msg, "no/such/folder"));
	assert_int_equal(pack_check(pack, &later), ERR_FAIL);
	assert_string_equal(later.msg, err.msg);
	pack_close(pack);
}

static void a_full_disk_is_reported_and_leaves_nothing(void **state)
{
	struct rlimit limit, small;
	struct buf body = {0};
	struct pack *pack;
	uint32_t random = 1;
	unsigned n;

	(void)state;
	/* With a limit on the size of files, writes fail as on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 1 << 20;
	pack_open(&pack, PACKS, 1, NULL, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (n = 0; n < 2000 && pack_check(pack, &err) == 0; n++) {
		buf_clear(&body);
		for (unsigned i = 0; i < 1000; i++) {
			random = random * 1664525 + 1013904223;
			buf_addu32(&body, random);
		}
		pack_add(pack, OBJECT_BLOB, body.data, body.len);
	}
	assert_true(n < 2000);
	assert_true(finish(pack) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	pack_close(pack);
	assert_int_equal(git_fixture_count(PACKS, ""), 0);
	buf_release(&body);
}

static void many_objects_go_into_several_packs(void **state)
{
	struct pack *pack;

	(void)state;
	pack_open(&pack, PACKS, 1, NULL, NULL);
	for (uint32_t n = 0; n <= PACKFILE_COUNT_MAX; n++) {
		pack_add(pack, OBJECT_BLOB, &n, sizeof(n));
	}
	assert_int_equal(finish(pack), 0);
	pack_close(pack);
	assert_int_equal(git_fixture_count(PACKS, "pack-"), 4);
	git_fixture_says("git -C r.git count-objects -v | grep '^in-pack'",
			 "in-pack: 500001");
	git_fixture_says("git verify-pack r.git/objects/pack/*.idx", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, git_fixture_teardown)
		TEST(git_reads_what_was_added),
		TEST(sealed_packs_have_no_name_yet),
		TEST(packs_are_read_only),
		TEST(threads_do_not_change_a_byte),
		TEST(large_bodies_are_written_once_with_and_without_threads),
		TEST(closing_at_once_ends_the_threads),
		TEST(a_body_added_twice_is_written_once),
		TEST(an_object_of_the_repository_is_not_written),
		TEST(nothing_new_makes_no_file),
		TEST(an_unfinished_pack_leaves_nothing),
		TEST(a_failure_sticks_and_is_reported),
		TEST(a_full_disk_is_reported_and_leaves_nothing),
		TEST(many_objects_go_into_several_packs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

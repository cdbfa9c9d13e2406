/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include "data/base/file.h"
#include "exporter/evidence/label.h"

#define COMMIT_S 1700000000 /* of site_fixture.h */

static const struct file files[] = {{TAGS, "i", "[]"}, {0}};

static struct snapshot_repo *repo;
static struct snapshot_info info;

static int setup(void **state)
{
	git_fixture_setup(state);
	repo = open_repo("repo");
	info = commit_with(repo, files, NULL, "snapshot\n\nAlbumen-Snapshot: 7\n");
	return 0;
}

static int teardown(void **state)
{
	snapshot_info_release(&info);
	snapshot_close(repo);
	return git_fixture_teardown(state);
}

static int make_at(const char *name, const char *reason, int64_t time_s)
{
	struct label label = {
		.name = name, .reason = reason, .snapshot = &info, .time_s = time_s};
	struct snapshot_id tag;

	return label_make(&tag, repo, &label, &why);
}

static int make(const char *name)
{
	return make_at(name, "why", COMMIT_S);
}

static bool git_accepts(const char *name)
{
	struct buf line = {0}, out = {0};
	int status;

	buf_addf(&line, "git check-ref-format 'refs/tags/%s'", name);
	status = git_fixture_run(&out, line.data);
	buf_release(&line);
	buf_release(&out);
	return status == 0;
}

static void names_that_git_accepts_are_accepted(void **state)
{
	static const char *const names[] = {
		"a",     "v1.0", "2026/q1", "a-b", "a@b",  "a{b",      "\xc3\xa9",
		"a.lok", "@a",   "x/y/z",   "a]",  "lock", "a.lock.b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_true(git_accepts(names[i]));
		succeed(make(names[i]));
	}
}

static void names_that_git_refuses_are_refused(void **state)
{
	static const char *const names[] = {
		"",     "a b",  "a~",     "a^b",      "a:b",      "a?",
		"a*",   "a[b",  "a\\b",   "a\x7f",    "a\nb",     "a\x01",
		"a..b", "a@{b", ".a",     "a/.b",     "a.",       "/a",
		"a/",   "a//b", "a.lock", "a.lock/b", "a/b.lock",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_false(git_accepts(names[i]));
		assert_int_equal(make(names[i]), ERR_USAGE);
	}
	git_fixture_says("git -C repo for-each-ref refs/tags", "");
}

static void names_that_mean_something_else_to_at_are_refused(void **state)
{
	(void)state;
	assert_int_equal(make("-a"), ERR_USAGE);
	assert_int_equal(make("HEAD"), ERR_USAGE);
	assert_int_equal(make("@"), ERR_USAGE);
	assert_int_equal(make("2026-11-28"), ERR_USAGE);
	assert_int_equal(make("\xff"), ERR_USAGE);
	/* git takes these, and shows them to people. */
	assert_int_equal(make("a\xc2\x9b"), ERR_USAGE);
	assert_int_equal(make("v\xe2\x80\xae"
			      "1"),
			 ERR_USAGE);
	assert_int_equal(make("v1\xe2\x80\x8b"), ERR_USAGE);
	assert_int_equal(make("heads/x"), ERR_USAGE);
	assert_int_equal(make("refs/heads/main"), ERR_USAGE);
	assert_int_equal(make("tags/v1"), ERR_USAGE);
	assert_int_equal(make("0123456789abcdef0123456789abcdef01234567"), ERR_USAGE);
	assert_int_equal(make("pruned/x"), ERR_USAGE);
	assert_int_equal(make("erased/x"), ERR_USAGE);
	succeed(make("HEADS"));
	succeed(make("release-2026-11-28"));
}

/* git prefers a tag to a branch, and to the beginning of a commit's id. */
static void names_that_mean_a_snapshot_are_refused(void **state)
{
	char id[8] = {0};

	(void)state;
	assert_int_equal(make("main"), ERR_REFUSED);
	assert_non_null(strstr(why.msg, "'main' already means snapshot"));
	memcpy(id, info.commit.hex, 7);
	assert_int_equal(make(id), ERR_REFUSED);
	succeed(make("main-1"));
	git_fixture_says("git -C repo rev-parse main 2>&1", info.commit.hex);
}

static void a_name_has_two_hundred_bytes_at_most(void **state)
{
	char name[202];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[201] = '\0';
	assert_int_equal(make(name), ERR_USAGE);
	name[200] = '\0';
	succeed(make(name));
}

static void a_label_is_never_moved(void **state)
{
	struct snapshot_id tag;
	struct label label = {
		.name = "v1", .reason = "why", .snapshot = &info, .time_s = COMMIT_S};

	(void)state;
	succeed(label_make(&tag, repo, &label, &why));
	assert_int_equal(make_at("v1", "other", COMMIT_S + 1), ERR_REFUSED);
	git_fixture_says("git -C repo rev-parse refs/tags/v1", tag.hex);
}

static void labels_that_would_be_folders_of_each_other_are_refused(void **state)
{
	(void)state;
	succeed(make("a/b"));
	assert_int_equal(make("a"), ERR_REFUSED);
	assert_int_equal(make("a/b/c"), ERR_REFUSED);
	succeed(make("a/bc"));
	succeed(make("a/c"));
	succeed(make("ab"));
}

static void a_reason_is_plain_text(void **state)
{
	(void)state;
	assert_int_equal(make_at("v1", "", COMMIT_S), ERR_USAGE);
	assert_int_equal(make_at("v1", " \n\t\n", COMMIT_S), ERR_USAGE);
	assert_int_equal(make_at("v1", "a\x1b[1m", COMMIT_S), ERR_USAGE);
	assert_int_equal(make_at("v1", "a\rb", COMMIT_S), ERR_USAGE);
	assert_int_equal(make_at("v1", "a\x7f", COMMIT_S), ERR_USAGE);
	assert_int_equal(make_at("v1", "a\xc2\x9b", COMMIT_S), ERR_USAGE);
	assert_int_equal(make_at("v1", "\xff", COMMIT_S), ERR_USAGE);
	/* These would begin the tag's signature. */
	assert_int_equal(make_at("v1", "-----BEGIN SSH SIGNATURE-----", COMMIT_S),
			 ERR_USAGE);
	assert_int_equal(make_at("v1", "a\n-----BEGIN PGP SIGNATURE-----\n", COMMIT_S),
			 ERR_USAGE);
	git_fixture_says("git -C repo for-each-ref refs/tags", "");
	succeed(make_at("v1", "a -----BEGIN x\n\tb \xc3\xa9\n", COMMIT_S));
}

static void a_reason_has_64_KiB_at_most(void **state)
{
	struct buf reason = {0};

	(void)state;
	for (int i = 0; i < 65536; i++) {
		buf_addch(&reason, 'r');
	}
	buf_addch(&reason, 'r');
	assert_int_equal(make_at("v1", reason.data, COMMIT_S), ERR_USAGE);
	reason.data[65536] = '\n'; /* does not count */
	succeed(make_at("v1", reason.data, COMMIT_S));
	buf_release(&reason);
}

static void the_tag_says_the_reason_and_the_number_of_the_snapshot(void **state)
{
	(void)state;
	succeed(make_at("v1", "why\n\nat length \n\n", COMMIT_S));
	git_fixture_says("git -C repo cat-file tag v1 | sed '1,/^$/d'",
			 "why\n\nat length\n\nAlbumen-Snapshot: 7");
	git_fixture_says("git -C repo cat-file tag v1 | sed -n 's/^type //p; s/^tag //p'",
			 "commit\nv1");
	git_fixture_says("git -C repo rev-parse v1^{commit}", info.commit.hex);
	git_fixture_says("git -C repo fsck --strict --no-dangling", "");
}

static void a_label_is_not_older_than_its_snapshot(void **state)
{
	(void)state;
	succeed(make_at("early", "why", COMMIT_S - 1));
	succeed(make_at("same", "why", COMMIT_S));
	succeed(make_at("late", "why", COMMIT_S + 1));
	git_fixture_says("git -C repo for-each-ref --format='%(refname:short) "
			 "%(taggerdate:unix)' refs/tags",
			 "early 1700000000\nlate 1700000001\nsame 1700000000");
}

#undef TEST
static void labels_of_albumens_own_have_their_trailers_first(void **state)
{
	struct label label = {.name = "pruned/20231115T000000Z",
			      .reason = "The past is gone.",
			      .trailers = "Albumen-First: 7 x\nAlbumen-Held: 3 y\n",
			      .snapshot = &info,
			      .time_s = COMMIT_S + 5};
	struct snapshot_id tag;
	struct buf body = {0};

	(void)state;
	succeed(label_make(&tag, repo, &label, &why));
	git_fixture_says("git -C repo cat-file tag pruned/20231115T000000Z | sed 1,5d",
			 "The past is gone.\n\nAlbumen-First: 7 x\n"
			 "Albumen-Held: 3 y\nAlbumen-Snapshot: 7");
	assert_int_equal(label_make(&tag, repo, &label, &why), ERR_REFUSED);
	/* The body alone, for a reference that is made in another way. */
	succeed(label_write(&body, repo, &label, &why));
	succeed(file_replace("body", body.data, body.len, &why));
	git_fixture_says("git -C repo cat-file tag pruned/20231115T000000Z | cmp - body",
			 "");
	git_fixture_says("git -C repo fsck --strict --no-progress", "");
	buf_release(&body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_that_git_accepts_are_accepted),
		TEST(names_that_git_refuses_are_refused),
		TEST(names_that_mean_something_else_to_at_are_refused),
		TEST(names_that_mean_a_snapshot_are_refused),
		TEST(a_name_has_two_hundred_bytes_at_most),
		TEST(a_label_is_never_moved),
		TEST(labels_that_would_be_folders_of_each_other_are_refused),
		TEST(a_reason_is_plain_text),
		TEST(a_reason_has_64_KiB_at_most),
		TEST(the_tag_says_the_reason_and_the_number_of_the_snapshot),
		TEST(a_label_is_not_older_than_its_snapshot),
		TEST(labels_of_albumens_own_have_their_trailers_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

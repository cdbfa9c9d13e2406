/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"
#include "exporter/git/snapshot_edit.h"

#include <signal.h>

/* --- the next snapshot --- */

static void the_tree_is_that_of_git_fast_import(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	struct buf path = {0}, body = {0};
	FILE *stream = fopen("stream", "w");
	bool same;

	(void)state;
	assert_non_null(stream);
	fprintf(stream, "commit refs/heads/main\ncommitter A <a@example.org> 1 +0000\n"
			"data 0\n");
	assert_int_equal(snapshot_edit_begin(&edit, repo, true, &err), 0);
	for (unsigned n = 0; n < 3000; n++) {
		unsigned mixed = n * 2654435761u;

		buf_clear(&path);
		buf_clear(&body);
		buf_addf(&path, "api/v1/tag_images/%02x/%02x/%x%s", mixed >> 28,
			 mixed >> 20 & 0xff, mixed, n % 3 ? ".json" : "/images.json");
		for (unsigned i = 0; i <= mixed % 100; i++) {
			buf_addf(&body, "{\"id\":%u},", mixed * i);
		}
		assert_int_equal(snapshot_put(edit, path.data, body.data, body.len, &err),
				 0);
		fprintf(stream, "M 100644 inline %s\ndata %zu\n%s\n", path.data, body.len,
			body.data);
	}
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err), 0);
	assert_int_equal(snapshot_edit_commit(&edit, "all", FIRST_S, &info, &err), 0);
	assert_int_equal(delta.added, 3000);
	snapshot_fixture_sound();
	git_fixture_says("git init -q --bare theirs.git && "
			 "git -C theirs.git fast-import --quiet <stream",
			 "");
	git_fixture_says("git -C theirs.git rev-parse main^{tree}", tree.hex);
	snapshot_info_release(&info);
	snapshot_close(repo);
	buf_release(&path);
	buf_release(&body);
}

#define LIST_FILES "find . -type f ! -name before | sort | xargs sha1sum "

/* The tree and the counts of three changes. */
static void build_three(struct snapshot_edit *edit, struct snapshot_id *tree,
			struct snapshot_delta *delta)
{
	bool same;

	assert_int_equal(snapshot_put(edit, "a/x", "3", 1, &err), 0);
	assert_int_equal(snapshot_put(edit, "c/z", "3", 1, &err), 0);
	snapshot_remove(edit, "b/y");
	assert_int_equal(snapshot_edit_build(edit, tree, &same, delta, &err), 0);
	assert_false(same);
}

static void a_dry_edit_has_the_same_tree_and_writes_nothing(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta dry, real;
	struct snapshot_id dry_tree, tree;

	(void)state;
	for (int has_tip = 0; has_tip < 2; has_tip++) {
		git_fixture_says(LIST_FILES ">before", "");
		assert_int_equal(snapshot_edit_begin_dry(&edit, has_tip ? repo : NULL,
							 false, &err),
				 0);
		build_three(edit, &dry_tree, &dry);
		git_fixture_says(LIST_FILES "| diff before -", "");
		snapshot_edit_drop(&edit);
		assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
		build_three(edit, &tree, &real);
		assert_string_equal(dry_tree.hex, tree.hex);
		assert_memory_equal(&dry, &real, sizeof(dry));
		snapshot_edit_drop(&edit);
		snapshot_fixture_commit(repo, false, FIRST_S, &info, NULL,
					CHANGES("a/x=1", "b/y=2"));
		snapshot_info_release(&info);
	}
	snapshot_close(repo);
}

static void only_what_changed_is_written(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info first = {0}, second = {0};
	struct snapshot_delta delta;

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, &first, NULL,
				CHANGES("a/1/x=1", "a/2/y=2", "b/z=3", "b/w=4"));
	snapshot_fixture_commit(
		repo, false, FIRST_S + 1, &second, &delta,
		CHANGES("a/1/x=5", "a/1/n=6", "b/w", "b/z=3", "never/was"));
	assert_int_equal(delta.added, 1);
	assert_int_equal(delta.changed, 1);
	assert_int_equal(delta.removed, 1);
	assert_string_equal(second.parent.hex, first.commit.hex);
	/* Two bodies, the trees root, a, a/1 and b, and the commit. */
	git_fixture_says("git -C r.git count-objects -v | grep -e in-pack -e packs",
			 "in-pack: 17\npacks: 2");
	git_fixture_says("git -C r.git diff --name-status main~1 main",
			 "A\ta/1/n\nM\ta/1/x\nD\tb/w");
	/* A file that gets an earlier content back costs no body. */
	snapshot_fixture_commit(repo, false, FIRST_S + 2, NULL, NULL, CHANGES("a/1/x=1"));
	git_fixture_says("git -C r.git count-objects -v | grep in-pack", "in-pack: 21");
	snapshot_fixture_sound();
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void an_equal_tree_is_recognised(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_delta delta;
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_id tree;
	bool same;

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, &info, NULL,
				CHANGES("a/x=1", "b=2"));
	for (int fresh = 0; fresh < 2; fresh++) {
		assert_int_equal(snapshot_edit_begin(&edit, repo, fresh, &err), 0);
		snapshot_fixture_apply(edit, CHANGES("a/x=9", "b=2", "c", "a/x=1"));
		assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err),
				 0);
		assert_true(same);
		assert_string_equal(tree.hex, info.tree.hex);
		assert_int_equal(delta.added + delta.changed + delta.removed, 0);
		snapshot_edit_drop(&edit);
		assert_null(edit);
	}
	snapshot_edit_drop(&edit);
	git_fixture_says(
		"git -C r.git rev-list --count main; ls r.git/objects/pack | wc -l",
		"1\n2");
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void fresh_keeps_only_what_is_put(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_delta delta;

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL,
				CHANGES("a/x=1", "a/y=2", "b/c/d=3"));
	snapshot_fixture_commit(repo, true, FIRST_S, NULL, &delta,
				CHANGES("a/x=4", "e=5"));
	assert_int_equal(delta.added, 1);
	assert_int_equal(delta.changed, 1);
	assert_int_equal(delta.removed, 2);
	git_fixture_says("git -C r.git ls-tree -r --name-only main", "a/x\ne");
	snapshot_fixture_commit(repo, true, FIRST_S, NULL, &delta,
				(const char *const[]){NULL});
	assert_int_equal(delta.removed, 2);
	git_fixture_says("git -C r.git rev-parse main^{tree}",
			 "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
	snapshot_fixture_sound();
	snapshot_close(repo);
}

static void time_never_runs_backwards(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};

	(void)state;
	snapshot_fixture_commit(repo, false, -5, &info, NULL, CHANGES("a=1"));
	assert_int_equal(info.time_s, 0);
	snapshot_info_release(&info);
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	snapshot_fixture_commit(repo, false, FIRST_S - 100, &info, NULL, CHANGES("a=3"));
	assert_int_equal(info.time_s, FIRST_S);
	snapshot_info_release(&info);
	git_fixture_says("git -C r.git log --format=%ct", "1700000000\n1700000000\n0");
	snapshot_fixture_sound();
	snapshot_close(repo);
}

static void a_branch_that_another_program_moved_is_not_overwritten(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	bool same;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
		snapshot_fixture_apply(edit, CHANGES("a=1"));
		assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err),
				 0);
		git_fixture_says("cd r.git && git update-ref refs/heads/main "
				 "$(git commit-tree -m theirs $(git mktree </dev/null))",
				 "");
		assert_int_equal(
			snapshot_edit_commit(&edit, "mine", FIRST_S, &info, &err),
			ERR_CHANGED);
		assert_null(edit);
		assert_null(info.message);
		git_fixture_says("git -C r.git log --format=%s main", "theirs");
		/* The next attempt builds on what the other program did. */
		snapshot_fixture_commit(repo, false, FIRST_S, &info, NULL,
					CHANGES("a=1"));
		git_fixture_says("git -C r.git log --format=%s main", "subject\ntheirs");
		snapshot_info_release(&info);
	}
	snapshot_fixture_sound();
	snapshot_close(repo);
}

static void a_snapshot_is_made_again_where_the_branch_was_set_back(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info first = {0}, again = {0};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_fixture_commit(repo, false, FIRST_S, &first, NULL, CHANGES("a=2"));
	git_fixture_says("git -C r.git update-ref refs/heads/main main~1", "");
	snapshot_fixture_commit(repo, false, FIRST_S, &again, NULL, CHANGES("a=2"));
	assert_string_equal(first.commit.hex, again.commit.hex);
	git_fixture_says("git -C r.git count-objects -v | grep packs", "packs: 2");
	snapshot_fixture_sound();
	snapshot_info_release(&first);
	snapshot_info_release(&again);
	snapshot_close(repo);
}

static void a_bad_path_is_refused(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_edit *edit;

	(void)state;
	assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
	assert_int_equal(snapshot_put(edit, "a/../b", "x", 1, &err), ERR_INPUT);
	assert_int_equal(snapshot_put(edit, "a/b", "x", 1, &err), 0);
	snapshot_edit_drop(&edit);
	assert_int_equal(git_fixture_count("r.git/objects/pack", ""), 0);
	snapshot_close(repo);
}

/* A commit of 2,000 files. */
static void commit_many(struct snapshot_id *id, const char *path)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	struct buf name = {0}, body = {0};
	bool same;

	assert_int_equal(snapshot_open(&repo, path, SNAPSHOT_WRITE | SNAPSHOT_CREATE,
				       "test", &err),
			 0);
	assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
	for (unsigned n = 0; n < 2000; n++) {
		buf_clear(&name);
		buf_clear(&body);
		buf_addf(&name, "%u/%u.json", n * 7919 % 97, n);
		for (unsigned i = 0; i < n % 211; i++) {
			buf_addf(&body, "\"%x\",", n * i);
		}
		snapshot_put(edit, name.data, body.data, body.len, &err);
	}
	assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err), 0);
	assert_int_equal(snapshot_edit_commit(&edit, "m", FIRST_S, &info, &err), 0);
	*id = info.commit;
	snapshot_info_release(&info);
	snapshot_close(repo);
	buf_release(&name);
	buf_release(&body);
}

static void threads_do_not_change_a_snapshot(void **state)
{
	struct snapshot_id serial, threaded;

	(void)state;
	setenv("ALBUMEN_THREADS", "0", 1);
	commit_many(&serial, "serial");
	unsetenv("ALBUMEN_THREADS");
	commit_many(&threaded, "threaded");
	assert_string_equal(serial.hex, threaded.hex);
	git_fixture_says("diff -r serial/objects threaded/objects && "
			 "git -C threaded fsck --strict --no-progress",
			 "");
}

/* --- long runs --- */

static void hundreds_of_snapshots_keep_few_files_open(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct buf body = {0};
	char line[64];
	int open_files;

	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		snprintf(line, sizeof(line), "%u/%u/x=%u", n % 3, n % 7, n);
		snapshot_fixture_commit(repo, false, FIRST_S + n, NULL, NULL,
					CHANGES(line));
	}
	open_files = git_fixture_count("/proc/self/fd", "");
	assert_true(open_files < 160);
	for (unsigned n = 0; n < 300; n++) {
		snprintf(line, sizeof(line), "main~%u", 299 - n);
		assert_int_equal(snapshot_resolve(repo, line, &info, &err), 0);
		snprintf(line, sizeof(line), "%u/%u/x", n % 3, n % 7);
		buf_clear(&body);
		assert_int_equal(snapshot_read(repo, &info.tree, line, &body, &err), 0);
		snprintf(line, sizeof(line), "%u", n);
		assert_string_equal(body.data, line);
		snapshot_info_release(&info);
	}
	assert_true(git_fixture_count("/proc/self/fd", "") < 160);
	snapshot_fixture_sound();
	buf_release(&body);
	snapshot_close(repo);
}

static void a_kill_between_packs_and_branch_leaves_nothing(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info first = {0}, second = {0};
	struct buf line = {0};

	(void)state;
	/* As after a kill before the branch moved: there is a note, and the tip has not moved. */
	snapshot_fixture_commit(repo, false, FIRST_S, &first, NULL, CHANGES("a=1"));
	git_fixture_says("ls r.git/objects/pack >before", "");
	snapshot_fixture_commit(repo, false, FIRST_S, &second, NULL, CHANGES("a=2"));
	snapshot_close(repo);
	buf_addf(&line,
		 "cd r.git && git update-ref refs/heads/main %s && { echo ref "
		 "refs/heads/main %s %s; "
		 "ls objects/pack | grep idx | grep -vf ../before | cut -d. -f1; echo "
		 "end; } "
		 ">albumen-exporter.packs",
		 first.commit.hex, first.commit.hex, second.commit.hex);
	git_fixture_says(line.data, "");
	snapshot_close(snapshot_fixture_open());
	git_fixture_says(
		"ls r.git/objects/pack | diff before -; ls r.git/*.packs 2>&- ; true",
		"");
	snapshot_fixture_sound();
	buf_release(&line);
	snapshot_info_release(&first);
	snapshot_info_release(&second);
}

static void a_kill_after_the_branch_moved_loses_nothing(void **state)
{
	static const char *const note[] = {
		/* The tip has moved, or is somewhere else; the note has no reference, is cut
		 * short, is empty, is of another version. */
		"{ echo ref refs/heads/main - $(git rev-parse main); ls objects/pack | "
		"grep idx | cut -d. -f1; echo end; }",
		"{ echo ref refs/heads/main - $(git rev-parse main^{tree}); "
		"ls objects/pack | grep idx | cut -d. -f1; echo end; }",
		"{ ls objects/pack | grep idx | cut -d. -f1; echo end; }",
		"{ echo ref refs/heads/main $(git rev-parse main) $(git rev-parse main); "
		"ls objects/pack | grep idx | cut -d. -f1; }",
		"true",
		"{ echo tip; ls objects/pack | grep idx | cut -d. -f1; echo end; }",
		NULL};
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct buf line = {0};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	for (size_t i = 0; note[i]; i++) {
		buf_clear(&line);
		buf_addf(&line, "cd r.git && %s >albumen-exporter.packs", note[i]);
		git_fixture_says(line.data, "");
		snapshot_close(snapshot_fixture_open());
		git_fixture_says("git -C r.git show main:a; ls r.git/*.packs 2>&- ; true",
				 "1");
		snapshot_fixture_sound();
	}
	buf_release(&line);
}

/* A pack without an index is removed only if a note names it. */
static void an_unfinished_pack_is_removed_if_it_is_ours(void **state)
{
	static const char ours[] = "pack-0123456789012345678901234567890123456789";
	static const char theirs[] = "pack-9876543210987654321098765432109876543210";
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct buf line = {0};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	buf_addf(&line,
		 "cd r.git && touch objects/pack/%s.pack objects/pack/%s.pack && "
		 "printf '%s\\n../x\\nend\\n' >albumen-exporter.packs",
		 ours, theirs, ours);
	git_fixture_says(line.data, "");
	snapshot_close(snapshot_fixture_open());
	buf_clear(&line);
	buf_addf(&line, "%s.pack", theirs);
	git_fixture_says("ls r.git/objects/pack | grep 0123; true", "");
	git_fixture_says("ls r.git/objects/pack | grep 9876", line.data);
	buf_release(&line);
}

/* Makes snapshots without end, and writes a byte after each. */
static void run_writer(int fd)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	char line[64];

	for (unsigned n = 0;; n++) {
		snprintf(line, sizeof(line), "%u/x=%d.%u", n % 5, getpid(), n);
		snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES(line));
		if (write(fd, "", 1) != 1) {
			_exit(1);
		}
	}
}

static void a_kill_needs_no_repair(void **state)
{
	unsigned said = 0;
	struct buf count = {0};

	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		char bytes[64];
		int pipes[2];
		pid_t child;

		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (child == 0) {
			close(pipes[0]);
			run_writer(pipes[1]);
		}
		close(pipes[1]);
		/* At some point after that many snapshots. */
		for (unsigned n = 0; n <= round; n++) {
			assert_int_equal(read(pipes[0], bytes, 1), 1);
			said++;
		}
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		for (ssize_t n; (n = read(pipes[0], bytes, sizeof(bytes))) > 0;) {
			said += (unsigned)n;
		}
		close(pipes[0]);
	}
	snapshot_close(snapshot_fixture_open());
	snapshot_fixture_sound();
	git_fixture_run(&count, "git -C r.git rev-list --count main");
	/* Each snapshot that was announced is there; one more a round may be. */
	assert_in_range(strtoul(count.data, NULL, 10), said, said + 12);
	git_fixture_says("find r.git -name '*tmp_*' -o -name '*.lock' ! -name albumen-*",
			 "");
	buf_release(&count);
}

#ifdef __SANITIZE_THREAD__
/* libgit2 locks its packs in no fixed order, but only one thread uses it. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void)
{
	return "deadlock:libgit2.so\n";
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(the_tree_is_that_of_git_fast_import),
		TEST(a_dry_edit_has_the_same_tree_and_writes_nothing),
		TEST(only_what_changed_is_written),
		TEST(an_equal_tree_is_recognised),
		TEST(fresh_keeps_only_what_is_put),
		TEST(time_never_runs_backwards),
		TEST(a_branch_that_another_program_moved_is_not_overwritten),
		TEST(a_snapshot_is_made_again_where_the_branch_was_set_back),
		TEST(a_bad_path_is_refused),
		TEST(threads_do_not_change_a_snapshot),
		TEST(hundreds_of_snapshots_keep_few_files_open),
		TEST(a_kill_between_packs_and_branch_leaves_nothing),
		TEST(a_kill_after_the_branch_moved_loses_nothing),
		TEST(an_unfinished_pack_is_removed_if_it_is_ours),
		TEST(a_kill_needs_no_repair),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

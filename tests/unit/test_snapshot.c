/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/git_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "exporter/snapshot.h"

#define FIRST_S 1700000000

static struct err err;

static int setup(void **state)
{
	err = (struct err){0};
	return git_fixture_setup(state);
}

static struct snapshot_repo *open_writer(void)
{
	struct snapshot_repo *repo = NULL;
	int rc = snapshot_open(&repo, "r.git", SNAPSHOT_WRITE | SNAPSHOT_CREATE, "test",
			       &err);

	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
	return repo;
}

/* "PATH=BODY" puts, "PATH" removes; NULL ends. */
static void apply(struct snapshot_edit *edit, const char *const *change)
{
	for (; *change; change++) {
		const char *equals = strchr(*change, '=');

		if (equals) {
			char *path = xmemdup0(*change, (size_t)(equals - *change));

			assert_int_equal(snapshot_put(edit, path, equals + 1,
						      strlen(equals + 1), &err),
					 0);
			free(path);
		} else {
			snapshot_remove(edit, *change);
		}
	}
}

/* One snapshot; the message is "subject". */
static void commit(struct snapshot_repo *repo, bool fresh, int64_t time_s,
		   struct snapshot_info *info, struct snapshot_delta *delta,
		   const char *const *change)
{
	struct snapshot_info ignored_info = {0};
	struct snapshot_delta ignored_delta;
	struct snapshot_edit *edit;
	struct snapshot_id tree;
	bool same;

	assert_int_equal(snapshot_edit_begin(&edit, repo, fresh, &err), 0);
	apply(edit, change);
	assert_int_equal(snapshot_edit_build(edit, &tree, &same,
					     delta ? delta : &ignored_delta, &err),
			 0);
	assert_int_equal(snapshot_edit_commit(&edit, "subject", time_s,
					      info ? info : &ignored_info, &err),
			 0);
	assert_null(edit);
	snapshot_info_release(&ignored_info);
}

#define CHANGES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_sound(void)
{
	git_fixture_says("git -C r.git fsck --strict --no-progress", "");
}

/* --- making a repository --- */

static void the_first_snapshot_is_what_git_expects(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info info = {0};
	struct snapshot_delta delta;

	(void)state;
	assert_int_equal(snapshot_head(repo, &info, &err), ERR_NOTFOUND);
	assert_int_equal(err.code, 0);
	commit(repo, true, FIRST_S, &info, &delta,
	       CHANGES("a/b.json=[1]", "c=", "a/x=[1]"));
	assert_int_equal(delta.added, 3);
	assert_string_equal(info.parent.hex, "");
	assert_string_equal(info.message, "subject");
	assert_int_equal(info.time_s, FIRST_S);
	assert_sound();
	git_fixture_says("git -C r.git log --format='%an <%ae> %ai|%cn <%ce> %ci|%B' "
			 "--name-status",
			 "albumen-exporter <albumen@localhost> 2023-11-14 22:13:20 +0000|"
			 "albumen-exporter <albumen@localhost> 2023-11-14 22:13:20 +0000|"
			 "subject\n\n\nA\ta/b.json\nA\ta/x\nA\tc");
	git_fixture_says("git -C r.git symbolic-ref HEAD", "refs/heads/main");
	git_fixture_says("git -C r.git rev-parse --is-bare-repository", "true");
	git_fixture_says("git -C r.git config gc.auto", "0");
	git_fixture_says("git clone -q r.git clone && cd clone && ls -R && cat a/b.json",
			 ".:\na\nc\n\n./a:\nb.json\nx\n[1]");
	git_fixture_says("git -C r.git count-objects -v | grep -v size",
			 "count: 0\nin-pack: 5\npacks: 1\nprune-packable: 0\ngarbage: 0");
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void the_tree_is_that_of_git_fast_import(void **state)
{
	struct snapshot_repo *repo = open_writer();
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
	assert_sound();
	git_fixture_says("git init -q --bare theirs.git && "
			 "git -C theirs.git fast-import --quiet <stream",
			 "");
	git_fixture_says("git -C theirs.git rev-parse main^{tree}", tree.hex);
	snapshot_info_release(&info);
	snapshot_close(repo);
	buf_release(&path);
	buf_release(&body);
}

static void opening_again_changes_nothing(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct buf before = {0}, after = {0};

	(void)state;
	commit(repo, true, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_run(&before, "find r.git -type f ! -name '*.lock' | sort | "
				 "xargs ls -l --full-time");
	snapshot_close(open_writer());
	git_fixture_run(&after, "find r.git -type f ! -name '*.lock' | sort | "
				"xargs ls -l --full-time");
	assert_string_equal(before.data, after.data);
	buf_release(&before);
	buf_release(&after);
}

static void a_killed_creation_is_completed(void **state)
{
	/* What may be missing when the maker of a repository was killed. */
	static const char *const missing[] = {"*",
					      "HEAD",
					      "HEAD config",
					      "config",
					      "refs HEAD",
					      "objects HEAD",
					      "HEAD refs/tags",
					      "description HEAD hooks info",
					      NULL};
	struct buf line = {0};

	(void)state;
	for (size_t i = 0; missing[i]; i++) {
		struct snapshot_repo *repo = open_writer();

		snapshot_close(repo);
		buf_clear(&line);
		buf_addf(&line, "cd r.git && rm -r %s && touch %s", missing[i],
			 "albumen-exporter.lock config.lock HEAD.lock");
		git_fixture_says(line.data, "");
		repo = open_writer();
		commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
		snapshot_close(repo);
		assert_sound();
		git_fixture_says("git -C r.git show main:a && rm -r r.git", "1");
	}
	buf_release(&line);
}

static void other_folders_are_refused(void **state)
{
	struct snapshot_repo *repo = NULL;
	const unsigned make = SNAPSHOT_WRITE | SNAPSHOT_CREATE;

	(void)state;
	git_fixture_says("mkdir full empty && touch full/x file && git init -q work && "
			 "git init -q --bare -b other other.git",
			 "");
	assert_int_equal(snapshot_open(&repo, "full", make, "test", &err), ERR_REFUSED);
	assert_null(repo);
	assert_int_equal(snapshot_open(&repo, "work", make, "test", &err), ERR_REFUSED);
	git_fixture_says("ls -A full work", "full:\nx\n\nwork:\n.git");
	assert_int_equal(snapshot_open(&repo, "work/.git", make, "test", &err),
			 ERR_REFUSED);
	assert_non_null(strstr(err.msg, "bare"));
	assert_int_equal(snapshot_open(&repo, "other.git", make, "test", &err),
			 ERR_REFUSED);
	assert_non_null(strstr(err.msg, "refs/heads/other"));
	assert_int_equal(snapshot_open(&repo, "file", make, "test", &err), ERR_FAIL);
	assert_int_equal(snapshot_open(&repo, "none", 0, "test", &err), ERR_NOTFOUND);
	assert_int_equal(snapshot_open(&repo, "none", SNAPSHOT_WRITE, "test", &err),
			 ERR_NOTFOUND);
	assert_int_equal(snapshot_open(&repo, "full", 0, "test", &err), ERR_NOTFOUND);
	git_fixture_says("ls", "empty\nfile\nfull\nother.git\nwork");
	assert_int_equal(snapshot_open(&repo, "empty", make, "test", &err), 0);
	snapshot_close(repo);
	assert_int_equal(snapshot_open(&repo, "a/b/c", make, "test", &err), 0);
	snapshot_close(repo);
	snapshot_close(NULL);
}

static void the_users_configuration_is_not_read(void **state)
{
	struct snapshot_repo *repo;

	(void)state;
	git_fixture_says("mkdir -p t/hooks && touch t/hooks/update t/strange && "
			 "printf '[init]\\n\\tdefaultBranch = x\\n\\ttemplateDir = t\\n"
			 "[core]\\n\\tbare = false\\n[gc]\\n\\tauto = 7\\n' >.gitconfig",
			 "");
	repo = open_writer();
	commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_says("git -C r.git config --local gc.auto; "
			 "ls r.git/strange r.git/hooks/update 2>/dev/null | wc -l; "
			 "git -C r.git log --format=%an main",
			 "0\n0\nalbumen-exporter");
}

static void a_second_writer_is_told_who_writes(void **state)
{
	struct snapshot_repo *repo = open_writer(), *second = NULL;

	(void)state;
	assert_int_equal(snapshot_open(&second, "r.git", SNAPSHOT_WRITE, "second", &err),
			 ERR_LOCKED);
	assert_non_null(strstr(err.msg, "by test (process "));
	assert_int_equal(snapshot_open(&second, "r.git", 0, "reader", &err), 0);
	snapshot_close(second);
	snapshot_close(repo);
}

static void what_a_kill_left_is_swept(void **state)
{
	struct snapshot_repo *repo = open_writer();

	(void)state;
	commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_says("cd r.git && mkdir -p refs/tags/x logs/refs/heads && "
			 "touch refs/heads/main.lock refs/tags/x/y.lock HEAD.lock "
			 "packed-refs.lock config.lock logs/refs/heads/main.lock "
			 "objects/pack/tmp_pack_albumen_1 objects/pack/tmp_idx_albumen_2 "
			 "objects/pack/pack_git2_3 objects/tmp_object_git2_4 "
			 "objects/pack/tmp_pack_gits_own",
			 "");
	repo = open_writer();
	commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	snapshot_close(repo);
	git_fixture_says("cd r.git && find . -name '*lock' -o -name '*tmp_*' -o "
			 "-name '*git2*' | sort",
			 "./albumen-exporter.lock\n./objects/pack/tmp_pack_gits_own");
	assert_sound();
}

/* --- the next snapshot --- */

static void only_what_changed_is_written(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info first = {0}, second = {0};
	struct snapshot_delta delta;

	(void)state;
	commit(repo, false, FIRST_S, &first, NULL,
	       CHANGES("a/1/x=1", "a/2/y=2", "b/z=3", "b/w=4"));
	commit(repo, false, FIRST_S + 1, &second, &delta,
	       CHANGES("a/1/x=5", "a/1/n=6", "b/w", "b/z=3", "never/was"));
	assert_int_equal(delta.added, 1);
	assert_int_equal(delta.changed, 1);
	assert_int_equal(delta.removed, 1);
	assert_string_equal(second.parent.hex, first.commit.hex);
	/* Two bodies, the trees root, a, a/1 and b, the commit. */
	git_fixture_says("git -C r.git count-objects -v | grep -e in-pack -e packs",
			 "in-pack: 17\npacks: 2");
	git_fixture_says("git -C r.git diff --name-status main~1 main",
			 "A\ta/1/n\nM\ta/1/x\nD\tb/w");
	/* A file that is again as it once was costs no body. */
	commit(repo, false, FIRST_S + 2, NULL, NULL, CHANGES("a/1/x=1"));
	git_fixture_says("git -C r.git count-objects -v | grep in-pack", "in-pack: 21");
	assert_sound();
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void the_same_tree_is_said_to_be_the_same(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_delta delta;
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_id tree;
	bool same;

	(void)state;
	commit(repo, false, FIRST_S, &info, NULL, CHANGES("a/x=1", "b=2"));
	for (int fresh = 0; fresh < 2; fresh++) {
		assert_int_equal(snapshot_edit_begin(&edit, repo, fresh, &err), 0);
		apply(edit, CHANGES("a/x=9", "b=2", "c", "a/x=1"));
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
	struct snapshot_repo *repo = open_writer();
	struct snapshot_delta delta;

	(void)state;
	commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a/x=1", "a/y=2", "b/c/d=3"));
	commit(repo, true, FIRST_S, NULL, &delta, CHANGES("a/x=4", "e=5"));
	assert_int_equal(delta.added, 1);
	assert_int_equal(delta.changed, 1);
	assert_int_equal(delta.removed, 2);
	git_fixture_says("git -C r.git ls-tree -r --name-only main", "a/x\ne");
	commit(repo, true, FIRST_S, NULL, &delta, (const char *const[]){NULL});
	assert_int_equal(delta.removed, 2);
	git_fixture_says("git -C r.git rev-parse main^{tree}",
			 "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
	assert_sound();
	snapshot_close(repo);
}

static void time_never_runs_backwards(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info info = {0};

	(void)state;
	commit(repo, false, -5, &info, NULL, CHANGES("a=1"));
	assert_int_equal(info.time_s, 0);
	snapshot_info_release(&info);
	commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	commit(repo, false, FIRST_S - 100, &info, NULL, CHANGES("a=3"));
	assert_int_equal(info.time_s, FIRST_S);
	snapshot_info_release(&info);
	git_fixture_says("git -C r.git log --format=%ct", "1700000000\n1700000000\n0");
	assert_sound();
	snapshot_close(repo);
}

static void a_branch_that_somebody_moved_is_not_overwritten(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	bool same;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
		apply(edit, CHANGES("a=1"));
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
		/* Done again, it is on top of what they did. */
		commit(repo, false, FIRST_S, &info, NULL, CHANGES("a=1"));
		git_fixture_says("git -C r.git log --format=%s main", "subject\ntheirs");
		snapshot_info_release(&info);
	}
	git_fixture_says("git -C r.git fsck --strict --no-progress --no-dangling", "");
	snapshot_close(repo);
}

static void a_bad_path_is_refused(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_edit *edit;

	(void)state;
	assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
	assert_int_equal(snapshot_put(edit, "a/../b", "x", 1, &err), ERR_INPUT);
	assert_int_equal(snapshot_put(edit, "a/b", "x", 1, &err), 0);
	snapshot_edit_drop(&edit);
	assert_int_equal(git_fixture_count("r.git/objects/pack", ""), 0);
	snapshot_close(repo);
}

/* A commit of 2,000 files, with this many threads. */
static void commit_with_threads(struct snapshot_id *id, const char *path,
				unsigned threads)
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
	snapshot_set_threads(repo, threads);
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
	commit_with_threads(&serial, "serial", 0);
	commit_with_threads(&threaded, "threaded", 2);
	assert_string_equal(serial.hex, threaded.hex);
	git_fixture_says("diff -r serial/objects threaded/objects && "
			 "git -C threaded fsck --strict --no-progress",
			 "");
}

/* --- reading --- */

struct listing {
	struct snapshot_repo *repo;
	struct buf text;
};

static int list_change(const struct snapshot_change *change, void *payload)
{
	struct listing *listing = payload;

	buf_addf(&listing->text, "%s:", change->path);
	if (*change->old_blob.hex) {
		assert_int_equal(snapshot_read_blob(listing->repo, &change->old_blob,
						    &listing->text, &err),
				 0);
	}
	buf_addstr(&listing->text, ">");
	if (*change->new_blob.hex) {
		assert_int_equal(snapshot_read_blob(listing->repo, &change->new_blob,
						    &listing->text, &err),
				 0);
	}
	buf_addstr(&listing->text, " ");
	return 0;
}

static void a_difference_is_told_in_tree_order(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info first = {0}, second = {0};
	struct listing listing = {.repo = repo};
	struct snapshot_id none = {""}, bad = {"xyz"};

	(void)state;
	commit(repo, false, FIRST_S, &first, NULL,
	       CHANGES("a.json=1", "a/b=2", "a/c=3", "d=4"));
	commit(repo, false, FIRST_S, &second, NULL,
	       CHANGES("a.json=9", "a/b", "d", "d/e=5", "a/z=6"));
	assert_int_equal(snapshot_diff(repo, &first.tree, &second.tree, list_change,
				       &listing, &err),
			 0);
	assert_string_equal(listing.text.data, "a.json:1>9 a/b:2> a/z:>6 d:4> d/e:>5 ");
	buf_clear(&listing.text);
	assert_int_equal(
		snapshot_diff(repo, NULL, &first.tree, list_change, &listing, &err), 0);
	assert_string_equal(listing.text.data, "a.json:>1 a/b:>2 a/c:>3 d:>4 ");
	buf_clear(&listing.text);
	assert_int_equal(
		snapshot_diff(repo, &none, &first.tree, list_change, &listing, &err), 0);
	assert_string_equal(listing.text.data, "a.json:>1 a/b:>2 a/c:>3 d:>4 ");
	assert_int_equal(
		snapshot_diff(repo, &bad, &first.tree, list_change, &listing, &err),
		ERR_INPUT);
	memset(bad.hex, 'a', SNAPSHOT_HEX);
	assert_int_equal(
		snapshot_diff(repo, &bad, &first.tree, list_change, &listing, &err),
		ERR_NOTFOUND);
	buf_release(&listing.text);
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void files_are_read_by_path(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info info = {0};
	struct buf body = {0};

	(void)state;
	commit(repo, false, FIRST_S, &info, NULL, CHANGES("a/b/c=body", "d=e"));
	assert_int_equal(snapshot_read(repo, &info.tree, "a/b/c", &body, &err), 0);
	assert_int_equal(snapshot_read(repo, &info.tree, "d", &body, &err), 0);
	assert_string_equal(body.data, "bodye");
	assert_int_equal(snapshot_read(repo, &info.tree, "a/b", &body, &err),
			 ERR_NOTFOUND);
	assert_int_equal(err.code, 0);
	buf_release(&body);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void revisions_are_those_of_git(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info first = {0}, second = {0}, found = {0};
	const char *const revs[] = {"HEAD~1", "main^",          "light",
				    "heavy",  first.commit.hex, NULL};
	const char *const missing[] = {"HEAD~2",
				       "nope",
				       "",
				       "HEAD:a",
				       "^",
				       "main^{tree}",
				       "0000000000000000000000000000000000000000",
				       NULL};

	(void)state;
	commit(repo, false, FIRST_S, &first, NULL, CHANGES("a=1"));
	commit(repo, false, FIRST_S + 9, &second, NULL, CHANGES("a=2"));
	git_fixture_says("cd r.git && git tag light main~1 && git tag -m x heavy main~1",
			 "");
	for (size_t i = 0; revs[i]; i++) {
		assert_int_equal(snapshot_resolve(repo, revs[i], &found, &err), 0);
		assert_string_equal(found.commit.hex, first.commit.hex);
		assert_string_equal(found.tree.hex, first.tree.hex);
		assert_string_equal(found.parent.hex, "");
		assert_int_equal(found.time_s, FIRST_S);
		assert_string_equal(found.message, "subject\n");
		snapshot_info_release(&found);
	}
	assert_int_equal(snapshot_head(repo, &found, &err), 0);
	assert_string_equal(found.commit.hex, second.commit.hex);
	assert_string_equal(found.parent.hex, first.commit.hex);
	snapshot_info_release(&found);
	for (size_t i = 0; missing[i]; i++) {
		assert_int_equal(snapshot_resolve(repo, missing[i], &found, &err),
				 ERR_NOTFOUND);
	}
	assert_int_equal(snapshot_resolve(repo, "nope", &found, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "no snapshot 'nope' in 'r.git'");
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void a_damaged_body_is_noticed(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info info = {0};
	struct buf body = {0};

	(void)state;
	commit(repo, false, FIRST_S, &info, NULL, CHANGES("a=0123456789"));
	snapshot_close(repo);
	/* Short bodies are stored as they are: one digit becomes another, and so
	 * does the checksum behind them (Adler-32, both halves one more). */
	git_fixture_says(
		"cd r.git/objects/pack && chmod u+w *.pack && perl -0pi -e "
		"'s/0123456789(..)(..)/\"0123456788\".pack(\"nn\",unpack(\"n\",$1)-1,"
		"unpack(\"n\",$2)-1)/es' *.pack",
		"");
	repo = open_writer();
	assert_int_equal(snapshot_read(repo, &info.tree, "a", &body, &err), ERR_FAIL);
	assert_non_null(strstr(err.msg, "is damaged"));
	assert_int_equal(body.len, 0);
	snapshot_info_release(&info);
	snapshot_close(repo);
	buf_release(&body);
}

static void trailers_are_in_the_last_paragraph(void **state)
{
	static const char message[] =
		"Albumen-Sequence: 1\n\nAlbumen-Sequence: 2\n\nAlbumen-Index:  a b \n"
		"Albumen-Sequence: 3\nAlbumen-Sequence-Not: 4\nAlbumen-Sequence:5\n\n";
	struct buf value = {0};

	(void)state;
	assert_int_equal(snapshot_trailer(message, "Albumen-Sequence", &value), 0);
	assert_string_equal(value.data, "5");
	assert_int_equal(snapshot_trailer(message, "Albumen-Index", &value), 0);
	assert_string_equal(value.data, "5a b");
	assert_int_equal(snapshot_trailer(message, "Albumen", &value), ERR_NOTFOUND);
	assert_int_equal(snapshot_trailer("Only: subject\n", "Only", &value),
			 ERR_NOTFOUND);
	assert_int_equal(snapshot_trailer("", "Only", &value), ERR_NOTFOUND);
	assert_int_equal(snapshot_trailer("x\n\nKey:\n", "Key", &value), 0);
	assert_string_equal(value.data, "5a b");
	buf_release(&value);
}

/* --- long runs --- */

static void hundreds_of_snapshots_keep_few_files_open(void **state)
{
	struct snapshot_repo *repo = open_writer();
	struct snapshot_info info = {0};
	struct buf body = {0};
	char line[64];
	int open_files;

	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		snprintf(line, sizeof(line), "%u/%u/x=%u", n % 3, n % 7, n);
		commit(repo, false, FIRST_S + n, NULL, NULL, CHANGES(line));
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
	assert_sound();
	buf_release(&body);
	snapshot_close(repo);
}

/* Makes snapshots for ever, and says each with a byte. */
static void run_writer(int fd)
{
	struct snapshot_repo *repo = open_writer();
	char line[64];

	for (unsigned n = 0;; n++) {
		snprintf(line, sizeof(line), "%u/x=%d.%u", n % 5, getpid(), n);
		commit(repo, false, FIRST_S, NULL, NULL, CHANGES(line));
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
		/* Wherever it is after its so manieth snapshot. */
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
	snapshot_close(open_writer());
	assert_sound();
	git_fixture_run(&count, "git -C r.git rev-list --count main");
	/* What was said to be done is there; one more a round may be. */
	assert_in_range(strtoul(count.data, NULL, 10), said, said + 12);
	git_fixture_says("find r.git -name '*tmp_*' -o -name '*.lock' ! -name albumen-*",
			 "");
	buf_release(&count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, git_fixture_teardown)
		TEST(the_first_snapshot_is_what_git_expects),
		TEST(the_tree_is_that_of_git_fast_import),
		TEST(opening_again_changes_nothing),
		TEST(a_killed_creation_is_completed),
		TEST(other_folders_are_refused),
		TEST(the_users_configuration_is_not_read),
		TEST(a_second_writer_is_told_who_writes),
		TEST(what_a_kill_left_is_swept),
		TEST(only_what_changed_is_written),
		TEST(the_same_tree_is_said_to_be_the_same),
		TEST(fresh_keeps_only_what_is_put),
		TEST(time_never_runs_backwards),
		TEST(a_branch_that_somebody_moved_is_not_overwritten),
		TEST(a_bad_path_is_refused),
		TEST(threads_do_not_change_a_snapshot),
		TEST(a_difference_is_told_in_tree_order),
		TEST(files_are_read_by_path),
		TEST(revisions_are_those_of_git),
		TEST(a_damaged_body_is_noticed),
		TEST(trailers_are_in_the_last_paragraph),
		TEST(hundreds_of_snapshots_keep_few_files_open),
		TEST(a_kill_needs_no_repair),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

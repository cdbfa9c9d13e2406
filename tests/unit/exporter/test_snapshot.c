/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporter/git/pack/mapped.h"
#include "exporter/git/commit.h"

/* --- making a repository --- */

static void the_first_snapshot_is_what_git_expects(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct snapshot_delta delta;

	(void)state;
	assert_int_equal(snapshot_head(repo, &info, &err), ERR_NOTFOUND);
	assert_int_equal(err.code, 0);
	snapshot_fixture_commit(repo, true, FIRST_S, &info, &delta,
				CHANGES("a/b.json=[1]", "c=", "a/x=[1]"));
	assert_int_equal(delta.added, 3);
	assert_string_equal(info.parent.hex, "");
	assert_string_equal(info.message, "subject");
	assert_int_equal(info.time_s, FIRST_S);
	snapshot_fixture_sound();
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

static void opening_again_changes_nothing(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct buf before = {0}, after = {0};

	(void)state;
	snapshot_fixture_commit(repo, true, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_run(&before, "find r.git -type f ! -name '*.lock' | sort | "
				 "xargs ls -l --full-time");
	snapshot_close(snapshot_fixture_open());
	git_fixture_run(&after, "find r.git -type f ! -name '*.lock' | sort | "
				"xargs ls -l --full-time");
	assert_string_equal(before.data, after.data);
	buf_release(&before);
	buf_release(&after);
}

static void a_killed_creation_is_completed(void **state)
{
	/* Parts that may be missing after a kill of the writer that made the repository. */
	static const char *const missing[] = {
		"*",         "HEAD",         "HEAD config",    "config",
		"refs HEAD", "objects HEAD", "HEAD refs/tags", "objects/info HEAD",
		NULL};
	struct buf line = {0};

	(void)state;
	for (size_t i = 0; missing[i]; i++) {
		struct snapshot_repo *repo = snapshot_fixture_open();

		snapshot_close(repo);
		buf_clear(&line);
		buf_addf(&line, "cd r.git && rm -r %s && touch %s", missing[i],
			 "albumen-exporter.lock config.lock HEAD.lock");
		git_fixture_says(line.data, "");
		repo = snapshot_fixture_open();
		snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
		snapshot_close(repo);
		snapshot_fixture_sound();
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
	repo = snapshot_fixture_open();
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_says("git -C r.git config --local gc.auto; "
			 "ls r.git/strange r.git/hooks/update 2>/dev/null | wc -l; "
			 "git -C r.git log --format=%an main",
			 "0\n0\nalbumen-exporter");
}

static void a_second_writer_learns_which_one_holds_the_lock(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open(), *second = NULL;

	(void)state;
	assert_int_equal(snapshot_open(&second, "r.git", SNAPSHOT_WRITE, "second", &err),
			 ERR_LOCKED);
	assert_non_null(strstr(err.msg, "by test (process "));
	assert_int_equal(snapshot_open(&second, "r.git", 0, "reader", &err), 0);
	snapshot_close(second);
	snapshot_close(repo);
}

static void leftovers_of_a_kill_are_removed(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_says(
		"cd r.git && mkdir -p refs/tags/x && "
		"for f in refs/heads/main.lock refs/tags/x/y.lock config.lock "
		"objects/pack/pack-1.keep; do ln albumen-exporter.lock $f; done; "
		"touch albumen-exporter.ref albumen-exporter.config.lock .albumen-tmp-1 "
		"objects/pack/tmp_pack_albumen_1 objects/pack/tmp_idx_albumen_2",
		"");
	repo = snapshot_fixture_open();
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	snapshot_close(repo);
	git_fixture_says("cd r.git && find . -name '*lock' -o -name '*tmp*' -o "
			 "-name '*.keep' -o -name '*.ref' | sort",
			 "./albumen-exporter.lock");
	snapshot_fixture_sound();
}

static void files_of_other_programs_stay(void **state)
{
	static const char there[] =
		"./HEAD.lock\n./albumen-exporter.lock\n./config.lock\n"
		"./objects/pack/pack-1.keep\n./objects/pack/pack_git2_3\n"
		"./objects/pack/tmp_pack_gits_own\n./objects/tmp_object_git2_4\n"
		"./packed-refs.lock\n./refs/tags/x/y.lock";
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_close(repo);
	git_fixture_says("cd r.git && mkdir -p refs/tags/x && "
			 "touch refs/tags/x/y.lock HEAD.lock packed-refs.lock "
			 "config.lock objects/pack/pack-1.keep objects/pack/pack_git2_3 "
			 "objects/tmp_object_git2_4 objects/pack/tmp_pack_gits_own",
			 "");
	repo = snapshot_fixture_open();
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	snapshot_close(repo);
	git_fixture_says("cd r.git && find . -name '*lock' -o -name '*tmp_*' -o "
			 "-name '*git2*' -o -name '*.keep' | sort",
			 there);
	snapshot_fixture_sound();
}

static void an_unlocked_repository_is_locked_again(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open(), *other = NULL;
	struct snapshot_wait wait = {.seconds = 0};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_unlock(repo);
	other = snapshot_fixture_open();
	assert_int_equal(snapshot_lock(repo, &wait, &err), ERR_LOCKED);
	assert_int_equal(snapshot_lock(repo, NULL, &err), ERR_LOCKED);
	snapshot_fixture_commit(other, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	snapshot_close(other);
	/* Objects that were only in removed packs must not pass for known. */
	git_fixture_says("cd r.git && git repack -adq && "
			 "git update-ref refs/heads/main main~1 && "
			 "git -c gc.reflogExpire=now repack -adq && "
			 "git prune --expire=now",
			 "");
	assert_int_equal(snapshot_lock(repo, &wait, &err), 0);
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=2"));
	snapshot_fixture_sound();
	git_fixture_says("git -C r.git show main:a", "2");
	snapshot_close(repo);
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

static void differences_come_in_tree_order(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info first = {0}, second = {0};
	struct listing listing = {.repo = repo};
	struct snapshot_id none = {""}, bad = {"xyz"};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, &first, NULL,
				CHANGES("a.json=1", "a/b=2", "a/c=3", "d=4"));
	snapshot_fixture_commit(repo, false, FIRST_S, &second, NULL,
				CHANGES("a.json=9", "a/b", "d", "d/e=5", "a/z=6"));
	assert_int_equal(snapshot_diff(repo, NULL, &first.tree, &second.tree, NULL,
				       list_change, &listing, &err),
			 0);
	assert_string_equal(listing.text.data, "a.json:1>9 a/b:2> a/z:>6 d:4> d/e:>5 ");
	buf_clear(&listing.text);
	assert_int_equal(snapshot_diff(repo, NULL, NULL, &first.tree, NULL, list_change,
				       &listing, &err),
			 0);
	assert_string_equal(listing.text.data, "a.json:>1 a/b:>2 a/c:>3 d:>4 ");
	buf_clear(&listing.text);
	assert_int_equal(snapshot_diff(repo, NULL, &none, &first.tree, NULL, list_change,
				       &listing, &err),
			 0);
	assert_string_equal(listing.text.data, "a.json:>1 a/b:>2 a/c:>3 d:>4 ");
	assert_int_equal(snapshot_diff(repo, NULL, &bad, &first.tree, NULL, list_change,
				       &listing, &err),
			 ERR_INPUT);
	memset(bad.hex, 'a', SNAPSHOT_HEX);
	assert_int_equal(snapshot_diff(repo, NULL, &bad, &first.tree, NULL, list_change,
				       &listing, &err),
			 ERR_FAIL);
	buf_release(&listing.text);
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void files_are_read_by_path(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct buf body = {0};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, &info, NULL,
				CHANGES("a/b/c=body", "d=e"));
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
	struct snapshot_repo *repo = snapshot_fixture_open();
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
	snapshot_fixture_commit(repo, false, FIRST_S, &first, NULL, CHANGES("a=1"));
	snapshot_fixture_commit(repo, false, FIRST_S + 9, &second, NULL, CHANGES("a=2"));
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

static void a_damaged_body_is_detected(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct buf body = {0};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, &info, NULL,
				CHANGES("a=0123456789"));
	snapshot_close(repo);
	/* Short bodies are stored, not deflated: change a digit, and the Adler-32 checksum
	 * behind the body, both halves by one. */
	git_fixture_says(
		"cd r.git/objects/pack && chmod u+w *.pack && perl -0pi -e "
		"'s/0123456789(..)(..)/\"0123456788\".pack(\"nn\",unpack(\"n\",$1)-1,"
		"unpack(\"n\",$2)-1)/es' *.pack",
		"");
	repo = snapshot_fixture_open();
	assert_int_equal(snapshot_read(repo, &info.tree, "a", &body, &err), ERR_FAIL);
	assert_non_null(strstr(err.msg, "is damaged"));
	assert_int_equal(body.len, 0);
	snapshot_info_release(&info);
	snapshot_close(repo);
	buf_release(&body);
}

/* Runs `command`, then reads everything again, in a child process. Returns its status. */
static int read_after(struct snapshot_repo *repo, const struct snapshot_info *info,
		      const char *command)
{
	struct listing listing = {.repo = repo};
	int status;
	pid_t child = fork();

	if (child == 0) {
		int rc;

		dup2(open("said", O_WRONLY | O_CREAT | O_TRUNC, 0666), STDERR_FILENO);
		/* cmocka has its own handler. */
		signal(SIGBUS, SIG_DFL);
		mapped_guard("r.git");
		rc = system(command);
		rc = rc ? rc
			: snapshot_diff(repo, NULL, NULL, &info->tree, NULL, list_change,
					&listing, &err);
		_exit(rc ? 3 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void a_pack_cut_short_in_use_is_reported(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct listing listing = {.repo = repo};

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, &info, NULL,
				CHANGES("a=1", "b=2", "c=3"));
	snapshot_close(repo);
	repo = snapshot_fixture_open();
	listing.repo = repo;
	assert_int_equal(snapshot_diff(repo, NULL, NULL, &info.tree, NULL, list_change,
				       &listing, &err),
			 0);
	/* From here on the packs are mapped. */
	assert_int_equal(read_after(repo, &info, "true"), 0);
	assert_int_equal(read_after(repo, &info,
				    "chmod u+w r.git/objects/pack/*.pack && "
				    "truncate -s 0 r.git/objects/pack/*.pack"),
			 1 << 8);
	git_fixture_says("cat said",
			 "albumen-exporter: error: a pack of 'r.git' was cut short, or "
			 "could not be read, while it was in use; see: git -C 'r.git' "
			 "fsck");
	buf_release(&listing.text);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void trailers_are_in_the_last_paragraph(void **state)
{
	static const char message[] =
		"Albumen-Sequence: 1\n\nAlbumen-Sequence: 2\n\nAlbumen-Index:  a b \n"
		"Albumen-Sequence: 3\nAlbumen-Sequence-Not: 4\nAlbumen-Sequence:5\n\n";
	struct buf value = {0};

	(void)state;
	assert_int_equal(commit_trailer(message, "Albumen-Sequence", &value), 0);
	assert_string_equal(value.data, "5");
	assert_int_equal(commit_trailer(message, "Albumen-Index", &value), 0);
	assert_string_equal(value.data, "5a b");
	assert_int_equal(commit_trailer(message, "Albumen", &value), ERR_NOTFOUND);
	assert_int_equal(commit_trailer("Only: subject\n", "Only", &value), ERR_NOTFOUND);
	assert_int_equal(commit_trailer("", "Only", &value), ERR_NOTFOUND);
	assert_int_equal(commit_trailer("x\n\nKey:\n", "Key", &value), 0);
	assert_string_equal(value.data, "5a b");
	buf_release(&value);
}

static void trailers_of_one_name_come_one_by_one(void **state)
{
	struct commit_trailers at =
		commit_trailers("A: 0\n\nA: 1\nB: 2\nAA: 3\nA:\nA: 4 \n \n");
	struct buf value = {0};

	(void)state;
	assert_true(commit_trailers_next(&at, "A", &value));
	assert_string_equal(value.data, "1");
	assert_true(commit_trailers_next(&at, "A", &value));
	assert_string_equal(value.data, "");
	assert_true(commit_trailers_next(&at, "A", &value));
	assert_string_equal(value.data, "4");
	assert_false(commit_trailers_next(&at, "A", &value));
	assert_false(commit_trailers_next(&at, "A", &value));
	at = commit_trailers("A: 0\n");
	assert_false(commit_trailers_next(&at, "A", &value));
	at = commit_trailers("");
	assert_false(commit_trailers_next(&at, "A", &value));
	buf_release(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(the_first_snapshot_is_what_git_expects),
		TEST(opening_again_changes_nothing),
		TEST(a_killed_creation_is_completed),
		TEST(other_folders_are_refused),
		TEST(the_users_configuration_is_not_read),
		TEST(a_second_writer_learns_which_one_holds_the_lock),
		TEST(leftovers_of_a_kill_are_removed),
		TEST(files_of_other_programs_stay),
		TEST(an_unlocked_repository_is_locked_again),
		TEST(differences_come_in_tree_order),
		TEST(files_are_read_by_path),
		TEST(revisions_are_those_of_git),
		TEST(a_damaged_body_is_detected),
		TEST(a_pack_cut_short_in_use_is_reported),
		TEST(trailers_are_in_the_last_paragraph),
		TEST(trailers_of_one_name_come_one_by_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

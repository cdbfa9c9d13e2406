/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "exporter/git/maintain.h"
#include "exporter/git/snapshot_edit.h"

/*
 * The repository has a few hundred small snapshots, and git checks it after each step. fsck
 * walks `main` back to its root, so it finds a lost object.
 */

#define RECORD "r.git/albumen-exporter.compact"

static void snapshots(struct snapshot_repo *repo, unsigned from, unsigned to)
{
	char a[96], b[96];

	for (unsigned n = from; n < to; n++) {
		snprintf(a, sizeof(a), "%u/%u/x=a body that is %u long enough: %u", n % 5,
			 n % 11, n % 3, n);
		snprintf(b, sizeof(b), "%u/y=%u", n % 7, n);
		snapshot_fixture_commit(repo, false, FIRST_S + n, NULL, NULL,
					CHANGES(a, b));
	}
}

/* Asserts that snapshot `n` of `last + 1` has what was put. */
static void assert_snapshot(struct snapshot_repo *repo, unsigned n, unsigned last)
{
	struct snapshot_info info = {0};
	struct buf body = {0};
	char name[32], want[96];

	snprintf(name, sizeof(name), "main~%u", last - n);
	assert_int_equal(snapshot_resolve(repo, name, &info, &err), 0);
	snprintf(name, sizeof(name), "%u/%u/x", n % 5, n % 11);
	snprintf(want, sizeof(want), "a body that is %u long enough: %u", n % 3, n);
	assert_int_equal(snapshot_read(repo, &info.tree, name, &body, &err), 0);
	assert_string_equal(body.data, want);
	snapshot_info_release(&info);
	buf_release(&body);
}

static void merge(struct snapshot_repo *repo)
{
	assert_int_equal(maintain_when_due(repo, false, &err), 0);
}

static struct maintain_result compact(struct snapshot_repo *repo)
{
	struct maintain_result result;
	int rc = maintain_compact(repo, &result, &err);

	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
	return result;
}

/* The number after `what` in the output of git count-objects. */
static unsigned counted(const char *what)
{
	struct buf line = {0}, out = {0};
	unsigned number;

	buf_addf(&line, "git -C r.git count-objects -v 2>warnings | sed -n 's/^%s: //p'",
		 what);
	assert_int_equal(git_fixture_run(&out, line.data), 0);
	number = (unsigned)strtoul(out.data, NULL, 10);
	buf_release(&line);
	buf_release(&out);
	return number;
}

static void assert_sound(void)
{
	git_fixture_says("git -C r.git fsck --full --strict --no-progress", "");
	assert_int_equal(counted("garbage"), 0);
	assert_int_equal(counted("count"), 0);
}

/* All objects, sorted. */
static void list_objects(const char *file)
{
	struct buf line = {0};

	buf_addf(&line,
		 "git -C r.git cat-file --batch-all-objects --batch-check | sort >%s",
		 file);
	git_fixture_says(line.data, "");
	buf_release(&line);
}

/* --- merging --- */

static void packs_stay_few_and_snapshots_whole(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	unsigned most = 0;

	(void)state;
	for (unsigned n = 0; n < 500; n++) {
		unsigned packs;

		snapshots(repo, n, n + 1);
		merge(repo);
		packs = (unsigned)git_fixture_count("r.git/objects/pack", "") / 2;
		most = packs > most ? packs : most;
	}
	assert_in_range(most, 30, 50);
	assert_sound();
	for (unsigned n = 0; n < 500; n += 7) {
		assert_snapshot(repo, n, 499);
	}
	assert_true(git_fixture_count("/proc/self/fd", "") < 160);
	snapshot_close(repo);
}

static void few_packs_are_left_as_they_are(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshots(repo, 0, 30);
	git_fixture_says("ls r.git/objects/pack >before", "");
	merge(repo);
	git_fixture_says("ls r.git/objects/pack | diff before -", "");
	/* A busy writer allows a few more. */
	snapshots(repo, 30, 45);
	assert_int_equal(maintain_when_due(repo, true, &err), 0);
	assert_int_equal(counted("packs"), 45);
	merge(repo);
	assert_in_range(counted("packs"), 1, 10);
	snapshot_close(repo);
}

static void each_object_is_copied_as_it_is_and_once(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshots(repo, 0, 60);
	list_objects("before");
	/* A kill can leave the same objects in a second pack. */
	git_fixture_says("cd r.git && git rev-list --objects main~20 | cut -c1-40 | git "
			 "pack-objects --window=0 -q objects/pack/pack | wc -l",
			 "1");
	merge(repo);
	list_objects("after");
	git_fixture_says("diff before after", "");
	assert_sound();
	/* If an object was copied twice, there are more entries than names. */
	git_fixture_says("[ $(git -C r.git count-objects -v | sed -n 's/^in-pack: //p') "
			 "= $(wc -l <after) ]",
			 "");
	snapshot_close(repo);
}

static void packs_of_git_are_merged_and_those_with_a_keep_are_left_alone(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshots(repo, 0, 30);
	git_fixture_says("git -C r.git repack -adq && touch "
			 "$(ls r.git/objects/pack/*.pack | sed 's/pack$/keep/') && "
			 "ls r.git/objects/pack >kept",
			 "");
	assert_int_equal(snapshot_reopen(repo, &err), 0);
	snapshots(repo, 30, 60);
	/* Deltas in git's own order, by offset and by id. */
	git_fixture_says("git -C r.git repack -adq && "
			 "git -C r.git rev-list --objects main~10..main | cut -c1-40 | "
			 "git -C r.git pack-objects -q --no-reuse-delta "
			 "objects/pack/pack | wc -l",
			 "1");
	assert_int_equal(snapshot_reopen(repo, &err), 0);
	snapshots(repo, 60, 110);
	list_objects("before");
	merge(repo);
	assert_int_equal(counted("packs"), 2);
	git_fixture_says("ls r.git/objects/pack | grep -Ff kept | diff kept -", "");
	list_objects("after");
	git_fixture_says("diff before after", "");
	assert_sound();
	assert_snapshot(repo, 3, 109);
	snapshot_close(repo);
}

static void damage_is_not_copied(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshots(repo, 0, 45);
	snapshot_close(repo);
	/* One bit in the middle of the first object of the largest pack. */
	git_fixture_says("cd r.git/objects/pack && p=$(ls -S *.pack | head -n 1) && "
			 "chmod u+w $p && printf '\\377' | "
			 "dd of=$p bs=1 seek=16 conv=notrunc 2>&-; ls >../../../before",
			 "");
	repo = snapshot_fixture_open();
	merge(repo);
	git_fixture_says("ls r.git/objects/pack | diff before -", "");
	snapshot_close(repo);
}

/* One more snapshot of an album of 400 images, of which `n` are tagged. */
static void tag_one(struct snapshot_repo *repo, unsigned n)
{
	struct buf untagged = {0}, image = {0};

	buf_addstr(&untagged, "api/album/untagged.json=[");
	for (unsigned i = 0; i < 400; i++) {
		/* In no order, so that changes are everywhere. */
		if (i * 7919 % 400 >= n) {
			buf_addf(&untagged,
				 "{\"id\":\"%08x\",\"url\":\"%x/%x\",\"n\":%u},",
				 i * 2654435761u, i * 40503u, i * 2246822519u, i);
		}
	}
	buf_addf(&image, "api/images/%02x/%u.json={\"id\":%u}", n % 100, n, n);
	snapshot_fixture_commit(repo, false, FIRST_S + n, NULL, NULL,
				CHANGES(untagged.data, image.data));
	buf_release(&untagged);
	buf_release(&image);
}

/* Bytes of all packs of the repository. */
static unsigned long pack_bytes(const char *repo)
{
	struct buf line = {0}, out = {0};
	unsigned long bytes;

	buf_addf(&line, "cat %s/objects/pack/*.pack | wc -c", repo);
	assert_int_equal(git_fixture_run(&out, line.data), 0);
	bytes = strtoul(out.data, NULL, 10);
	buf_release(&line);
	buf_release(&out);
	return bytes;
}

/* A delta has its base at its own path, except for what `maintain` found alike; and no more
 * than fifty deltas before it. */
static void assert_deltas(void)
{
	git_fixture_says(
		"cd r.git && git rev-list --objects --all | "
		"awk 'NF == 1 {$2 = \"\"} {print $1, $2}' >../paths && "
		"git verify-pack -v objects/pack/*.idx | awk '"
		"FNR == NR {path[$1] = $2; next} "
		"$7 != \"\" && $6 > 50 {print \"deep\", $0} "
		"$7 != \"\" && path[$1] != path[$7] {print path[$1], \"is a delta of\", "
		"path[$7]} "
		"$7 != \"\" {n++} END {if (n < 300) print n, \"deltas\"}' ../paths -",
		"");
}

static void versions_of_a_path_are_deltas_of_each_other(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	unsigned long merged, gits;

	(void)state;
	for (unsigned n = 0; n < 201; n++) {
		tag_one(repo, n);
		merge(repo);
	}
	list_objects("before");
	assert_sound();
	assert_deltas();
	merged = pack_bytes("r.git");
	git_fixture_says(
		"git clone -q --bare --no-local r.git peer && git -C peer repack -adfq",
		"");
	gits = pack_bytes("peer");
	assert_in_range(merged, 1, 2 * gits);
	assert_true(compact(repo).done);
	assert_in_range(pack_bytes("r.git"), 1, gits);
	list_objects("after");
	git_fixture_says("diff before after", "");
	assert_sound();
	snapshot_close(repo);
}

/* Each delta that was there is there again, of the same base. */
static void what_a_merge_made_the_next_one_copies(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		tag_one(repo, n);
		if (n % 50 == 49) {
			merge(repo);
			git_fixture_says("git verify-pack -v r.git/objects/pack/*.idx | "
					 "awk '$7 != \"\" {print $1, $7}' | sort >now && "
					 "touch then && comm -13 now then | wc -l && "
					 "mv now then",
					 "0");
		}
	}
	assert_int_equal(counted("packs"), 1);
	assert_deltas();
	snapshot_close(repo);
}

/* git makes longer ones if it is asked to. */
static void no_chain_becomes_longer_than_fifty(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	for (unsigned n = 0; n < 350; n++) {
		tag_one(repo, n);
	}
	git_fixture_says(
		"git -C r.git -c pack.threads=1 repack -adfq --depth=400 --window=2 "
		"&& git verify-pack -v r.git/objects/pack/*.idx | "
		"grep -q 'chain length = 2[0-9][0-9]:' && echo deep",
		"deep");
	assert_int_equal(snapshot_reopen(repo, &err), 0);
	for (unsigned n = 350; n < 395; n++) {
		tag_one(repo, n);
	}
	merge(repo);
	assert_int_equal(counted("packs"), 1);
	git_fixture_says(
		"git verify-pack -v r.git/objects/pack/*.idx | awk 'NF == 7 && $6 > 50'",
		"");
	assert_sound();
	snapshot_close(repo);
}

/* --- compaction --- */

static void compaction_loses_nothing_and_is_done_once(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct maintain_result result;

	(void)state;
	snapshots(repo, 0, 200);
	/* An object that no snapshot leads to, too. */
	git_fixture_says("cd r.git && git update-ref refs/heads/main main~1 && "
			 "git update-ref -d refs/heads/other",
			 "");
	list_objects("before");
	result = compact(repo);
	assert_true(result.done);
	assert_int_equal(result.packs, 1);
	assert_true(result.bytes * 2 < result.bytes_before);
	list_objects("after");
	git_fixture_says("diff before after", "");
	assert_int_equal(counted("packs"), 1);
	assert_snapshot(repo, 0, 198);
	assert_snapshot(repo, 198, 198);
	assert_false(compact(repo).done);
	/* A few new objects do not cause everything to be packed again. */
	snapshots(repo, 199, 204);
	result = compact(repo);
	assert_true(result.done);
	assert_true(result.objects < 100);
	assert_int_equal(result.packs, 2);
	assert_false(compact(repo).done);
	assert_snapshot(repo, 203, 203);
	assert_int_equal(counted("garbage"), 0);
	snapshot_close(repo);
	git_fixture_says("git -C r.git fsck --full --strict --no-progress --no-dangling",
			 "");
	git_fixture_says("ls r.git | grep albumen",
			 "albumen-exporter.compact\nalbumen-exporter.lock");
}

static void snapshots_go_on_after_compaction(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	for (unsigned n = 0; n < 6; n++) {
		snapshots(repo, n * 60, n * 60 + 60);
		merge(repo);
		assert_true(compact(repo).done);
		assert_in_range(counted("packs"), 1, 6);
	}
	assert_sound();
	for (unsigned n = 0; n < 360; n += 5) {
		assert_snapshot(repo, n, 359);
	}
	snapshot_close(repo);
}

static void damage_keeps_the_old_packs(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct maintain_result result;

	(void)state;
	/* A body that is stored, not deflated: it still inflates after the change. */
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL,
				CHANGES("a=some body of which a letter is changed"));
	snapshot_close(repo);
	git_fixture_says("cd r.git/objects/pack && chmod u+w *.pack && "
			 "sed -i 's/a letter is changed/a metter is changed/' *.pack && "
			 "ls >../../../before",
			 "");
	repo = snapshot_fixture_open();
	assert_int_equal(maintain_compact(repo, &result, &err), ERR_FAIL);
	assert_false(result.done);
	git_fixture_says("ls r.git/objects/pack | diff before - && ls r.git | grep -c "
			 "albumen",
			 "1");
	snapshot_close(repo);
}

static void an_empty_repository_needs_nothing(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	merge(repo);
	assert_false(compact(repo).done);
	snapshot_close(repo);
}

/* --- beside others, and killed --- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

typedef void keeper(struct snapshot_repo *repo, unsigned n);

static void keep_merged(struct snapshot_repo *repo, unsigned n)
{
	(void)n;
	merge(repo);
}

static void keep_compact(struct snapshot_repo *repo, unsigned n)
{
	(void)n;
	compact(repo);
}

static void keep_house(struct snapshot_repo *repo, unsigned n)
{
	merge(repo);
	if (n % 16 == 0) {
		compact(repo);
	}
}

/* Makes snapshots from number `first` on and maintains, without end. Writes a byte before and
 * after each maintenance. */
static pid_t start_keeper(int *said, keeper *maintain, unsigned first)
{
	struct snapshot_repo *repo;
	int pipes[2];
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child) {
		close(pipes[1]);
		*said = pipes[0];
		return child;
	}
	close(pipes[0]);
	setenv("ALBUMEN_THREADS", "0", 1);
	repo = snapshot_fixture_open();
	for (unsigned n = first;; n++) {
		snapshots(repo, n, n + 1);
		if (write(pipes[1], "b", 1) != 1) {
			_exit(0);
		}
		maintain(repo, n);
		if (write(pipes[1], "e", 1) != 1) {
			_exit(0);
		}
	}
}

static void hear(int said, char expected)
{
	char byte = '\0';

	assert_int_equal(read(said, &byte, 1), 1);
	assert_int_equal(byte, expected);
}

static void kill_keeper(pid_t child, int said)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(said);
}

static void readers_see_every_snapshot_during_maintenance(void **state)
{
	struct snapshot_repo *reader = NULL, *writer = snapshot_fixture_open();
	struct snapshot_info first = {0};
	struct buf body = {0};
	pid_t child;
	int said;

	(void)state;
	snapshots(writer, 0, 60);
	snapshot_close(writer);
	assert_int_equal(snapshot_open(&reader, "r.git", 0, "reader", &err), 0);
	assert_int_equal(snapshot_resolve(reader, "HEAD~59", &first, &err), 0);
	child = start_keeper(&said, keep_house, 60);
	hear(said, 'b');
	for (unsigned n = 0; n < 12; n++) {
		struct snapshot_info info = {0};

		/* A clone over git's own protocol is complete. */
		git_fixture_says("rm -rf clone && git clone -q --bare --no-local r.git "
				 "clone && git -C clone fsck --strict --no-progress",
				 "");
		/* A reader that has been open all the time notices nothing. */
		assert_int_equal(snapshot_resolve(reader, "HEAD", &info, &err), 0);
		buf_clear(&body);
		assert_int_equal(snapshot_read(reader, &first.tree, "0/0/x", &body, &err),
				 0);
		assert_string_equal(body.data, "a body that is 0 long enough: 0");
		snapshot_info_release(&info);
	}
	kill_keeper(child, said);
	snapshot_info_release(&first);
	snapshot_close(reader);
	buf_release(&body);
}

static void an_open_reader_finds_objects_that_have_moved(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open(), *reader = NULL;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		unsigned last = round * 45 + 44;

		snapshots(repo, round * 45, last + 1);
		assert_int_equal(snapshot_open(&reader, "r.git", 0, "reader", &err), 0);
		assert_snapshot(reader, last, last);
		if (round == 0) {
			merge(repo);
		} else {
			compact(repo);
		}
		/* It has not opened these packs yet. */
		assert_snapshot(reader, 20, last);
		assert_snapshot(reader, 0, last);
		snapshot_close(reader);
	}
	snapshot_close(repo);
}

/* Kills the writer many times, at a random moment while it maintains 41 packs. */
static void kill_at_any_point(keeper *maintain)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	unsigned seed = (unsigned)getpid();
	uint64_t takes_ns = 0;

	print_message("# seed %u\n", seed);
	snapshots(repo, 0, 40);
	snapshot_close(repo);
	git_fixture_says("mv r.git forty", "");
	for (unsigned round = 0; round < 16; round++) {
		uint64_t begun_ns;
		int said;
		pid_t child;

		git_fixture_says("rm -rf r.git && cp -a forty r.git", "");
		child = start_keeper(&said, maintain, 40);
		hear(said, 'b');
		begun_ns = now_ns();
		if (round == 0) {
			/* Measure how long it takes without a kill. */
			hear(said, 'e');
			takes_ns = now_ns() - begun_ns;
		} else {
			uint64_t after_ns = takes_ns * (unsigned)rand_r(&seed) / RAND_MAX;

			while (now_ns() - begun_ns < after_ns) {
			}
		}
		kill_keeper(child, said);
		assert_int_equal(counted("count"), 0);
		git_fixture_says("git -C r.git fsck --full --strict --no-progress "
				 "--no-dangling && git -C r.git rev-parse --verify -q "
				 "main~40 | wc -l",
				 "1");
		repo = snapshot_fixture_open();
		maintain(repo, 0);
		assert_snapshot(repo, 0, 40);
		assert_int_equal(counted("garbage"), 0);
		/* A few packs that were to be removed may stay until the next merge. */
		assert_in_range(counted("packs"), 1, 41);
		snapshot_close(repo);
		snapshot_fixture_sound();
		git_fixture_says("find r.git -name '*tmp_*' -o -name '*git2*' "
				 "-o -name '*.new'",
				 "");
	}
}

static void a_kill_while_merging_loses_nothing(void **state)
{
	(void)state;
	kill_at_any_point(keep_merged);
}

static void a_kill_while_compacting_loses_nothing(void **state)
{
	(void)state;
	kill_at_any_point(keep_compact);
}

/* A pack that was there before an edit noted it stays, even if that edit fails. */
static void a_failed_edit_removes_no_pack_that_others_need(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_edit *edit;
	struct snapshot_info info = {0};
	struct snapshot_delta delta;
	struct snapshot_id tree;
	bool same;

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	git_fixture_says("git -C r.git update-ref refs/tags/first main && "
			 "git -C r.git update-ref -d refs/heads/main",
			 "");
	/* The same content makes the same pack; another program moves the branch first. */
	assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
	snapshot_fixture_apply(edit, CHANGES("a=1"));
	assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err), 0);
	git_fixture_says("cd r.git && git update-ref refs/heads/main "
			 "$(git commit-tree -m theirs $(git mktree </dev/null))",
			 "");
	assert_int_equal(snapshot_edit_commit(&edit, "subject", FIRST_S, &info, &err),
			 ERR_CHANGED);
	git_fixture_says("git -C r.git show refs/tags/first:a", "1");
	snapshot_fixture_sound();
	snapshot_close(repo);
}

#ifdef __SANITIZE_THREAD__
/* libgit2 locks its packs in no fixed order. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void)
{
	return "deadlock:libgit2.so\nrace:libgit2.so\n";
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(packs_stay_few_and_snapshots_whole),
		TEST(few_packs_are_left_as_they_are),
		TEST(each_object_is_copied_as_it_is_and_once),
		TEST(packs_of_git_are_merged_and_those_with_a_keep_are_left_alone),
		TEST(versions_of_a_path_are_deltas_of_each_other),
		TEST(what_a_merge_made_the_next_one_copies),
		TEST(no_chain_becomes_longer_than_fifty),
		TEST(damage_is_not_copied),
		TEST(compaction_loses_nothing_and_is_done_once),
		TEST(snapshots_go_on_after_compaction),
		TEST(damage_keeps_the_old_packs),
		TEST(an_empty_repository_needs_nothing),
		TEST(readers_see_every_snapshot_during_maintenance),
		TEST(an_open_reader_finds_objects_that_have_moved),
		TEST(a_kill_while_merging_loses_nothing),
		TEST(a_kill_while_compacting_loses_nothing),
		TEST(a_failed_edit_removes_no_pack_that_others_need),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

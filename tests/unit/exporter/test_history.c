/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include "exporter/git/history.h"
#include "exporter/lookback/beginning.h"
#include "exporter/lookback/labels.h"
#include "exporter/git/tree/pathset.h"

/* --- the walk --- */

static void start(struct history *history, const struct snapshot_info *info)
{
	uint8_t id[OBJECT_ID];

	assert_true(object_unhex(id, info->commit.hex));
	history_start(history, id);
}

static void is_id(const uint8_t id[OBJECT_ID], const char *hex)
{
	char actual[OBJECT_HEX + 1];

	object_hex(actual, id);
	assert_string_equal(actual, hex);
}

/* Makes snapshots of one file `a`: info[0], info[1] and so on. */
static struct snapshot_repo *repo_of(struct snapshot_info *info, size_t count)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct buf change = {0};

	for (size_t i = 0; i < count; i++) {
		buf_clear(&change);
		buf_addf(&change, "a=%zu", i);
		snapshot_fixture_commit(repo, false, FIRST_S + (int64_t)i, &info[i], NULL,
					CHANGES(change.data));
	}
	buf_release(&change);
	return repo;
}

static void release(struct snapshot_repo *repo, struct snapshot_info *info, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		snapshot_info_release(&info[i]);
	}
	snapshot_close(repo);
}

static void a_walk_goes_back_to_the_first(void **state)
{
	struct snapshot_info info[3];
	struct snapshot_repo *repo = repo_of(info, 3);
	struct history *history = history_new(repo);
	struct history_step step;

	(void)state;
	assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	start(history, &info[2]);
	for (int i = 2; i >= 0; i--) {
		assert_int_equal(history_next(history, &step, &err), 0);
		is_id(step.commit, info[i].commit.hex);
		is_id(step.tree, info[i].tree.hex);
		assert_int_equal(step.time_s, FIRST_S + i);
		assert_string_equal(step.message, "subject\n");
		assert_int_equal(step.has_parent, i > 0);
		if (i > 0) {
			is_id(step.parent, info[i - 1].commit.hex);
			is_id(step.parent_tree, info[i - 1].tree.hex);
		}
		assert_false(history_is_cut(history));
	}
	assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	assert_false(history_is_cut(history));
	history_free(history);
	release(repo, info, 3);
}

static void a_walk_can_start_again_anywhere(void **state)
{
	struct snapshot_info info[3];
	struct snapshot_repo *repo = repo_of(info, 3);
	struct history *history = history_new(repo);
	struct history_step step;

	(void)state;
	start(history, &info[2]);
	assert_int_equal(history_next(history, &step, &err), 0);
	start(history, &info[1]);
	assert_int_equal(history_next(history, &step, &err), 0);
	is_id(step.commit, info[1].commit.hex);
	assert_int_equal(history_next(history, &step, &err), 0);
	is_id(step.commit, info[0].commit.hex);
	start(history, &info[2]);
	assert_int_equal(history_next(history, &step, &err), 0);
	is_id(step.commit, info[2].commit.hex);
	history_free(history);
	release(repo, info, 3);
}

static void a_shallow_clone_is_cut(void **state)
{
	struct snapshot_info info[3];
	struct snapshot_repo *repo = repo_of(info, 3);
	struct history *history;
	struct history_step step;

	(void)state;
	snapshot_close(repo);
	git_fixture_says("git clone -q --depth 2 file://$PWD/r.git clone", "");
	assert_int_equal(snapshot_open(&repo, "clone", 0, "test", &err), 0);
	history = history_new(repo);
	start(history, &info[2]);
	assert_int_equal(history_next(history, &step, &err), 0);
	assert_true(step.has_parent);
	assert_false(history_is_cut(history));
	assert_int_equal(history_next(history, &step, &err), 0);
	is_id(step.commit, info[1].commit.hex);
	assert_false(step.has_parent);
	assert_true(history_is_cut(history));
	assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	assert_true(history_is_cut(history));
	history_free(history);
	release(repo, info, 3);
}

static void history_ends_at_a_shallow_commit_whose_parent_is_held(void **state)
{
	struct snapshot_info info[4], read = {0};
	struct snapshot_repo *repo = repo_of(info, 4);
	struct beginning beginning;
	struct history *history;
	struct history_step step;
	struct buf text = {0};

	(void)state;
	assert_int_equal(beginning_read(&beginning, repo, &err), 0);
	assert_false(beginning.late);
	beginning_release(&beginning);
	git_fixture_says(
		"cd r.git && git tag -a -m held held main~2 && git tag held2 held && "
		"git tag -a -m 'It begins.' pruned/x main~1 && "
		"git tag after main && "
		"git rev-parse main~1 main~2 >shallow",
		"");
	assert_int_equal(snapshot_reopen(repo, &err), 0);
	history = history_new(repo);
	start(history, &info[2]);
	assert_int_equal(history_next(history, &step, &err), 0);
	assert_false(step.has_parent);
	assert_true(history_is_cut(history));
	assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	history_free(history);
	assert_int_equal(snapshot_resolve(repo, info[2].commit.hex, &read, &err), 0);
	assert_string_equal(read.parent.hex, "");
	assert_int_equal(beginning_read(&beginning, repo, &err), 0);
	assert_true(beginning.late);
	is_id(beginning.first, info[2].commit.hex);
	assert_int_equal(beginning.count, 1);
	assert_int_equal(beginning.held[0].labels, 2);
	assert_int_equal(beginning.labels.owns, 1);
	assert_string_equal(beginning.labels.own[0].text, "It begins.");
	beginning_explain(&text, &beginning);
	assert_non_null(strstr(text.data, "held: 'held' (snapshot of "));
	beginning_release(&beginning);
	snapshot_info_release(&read);
	buf_release(&text);
	release(repo, info, 4);
}

static void a_missing_parent_is_damage(void **state)
{
	struct snapshot_info info[3];
	struct snapshot_repo *repo = repo_of(info, 3);
	struct history *history;
	struct history_step step;

	(void)state;
	snapshot_close(repo);
	git_fixture_says("git clone -q --depth 2 file://$PWD/r.git clone && "
			 "rm clone/.git/shallow",
			 "");
	assert_int_equal(snapshot_open(&repo, "clone", 0, "test", &err), 0);
	history = history_new(repo);
	start(history, &info[2]);
	assert_int_equal(history_next(history, &step, &err), 0);
	assert_int_equal(history_next(history, &step, &err), ERR_FAIL);
	assert_non_null(strstr(err.msg, "is missing from 'clone/.git'"));
	assert_false(history_is_cut(history));
	history_free(history);
	release(repo, info, 3);
}

/* Starts at the commit whose id the shell command prints. */
static void start_at(struct history *history, const char *command)
{
	struct buf out = {0};
	uint8_t id[OBJECT_ID];

	assert_int_equal(git_fixture_run(&out, command), 0);
	if (!object_unhex(id, out.data)) {
		fail_msg("%s", out.data);
	}
	history_start(history, id);
	buf_release(&out);
}

static void commits_of_others_are_read(void **state)
{
	struct snapshot_info info[1];
	struct snapshot_repo *repo = repo_of(info, 1);
	struct history *history = history_new(repo);
	struct history_step step;

	(void)state;
	/* A merge, a signature that contains an empty line, names that look like times. */
	start_at(history,
		 "cd r.git && printf 'tree %s\\nparent %s\\nparent %s\\nauthor a> <> 1 "
		 "+0000\\ncommitter b <b> 7> 12 <c> 99 -0330\\ngpgsig -----BEGIN\\n "
		 "\\n committer x <x> 5 +0000\\n -----END\\nencoding x\\n\\n"
		 "said\\n\\ncommitter y <y> 6 +0000\\n' $(git rev-parse main^{tree} main "
		 "main) | git hash-object --literally -t commit -w --stdin");
	assert_int_equal(history_next(history, &step, &err), 0);
	assert_int_equal(step.time_s, 99);
	assert_string_equal(step.message, "said\n\ncommitter y <y> 6 +0000\n");
	is_id(step.parent, info[0].commit.hex);
	assert_int_equal(history_next(history, &step, &err), 0);
	is_id(step.commit, info[0].commit.hex);
	assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	history_free(history);
	release(repo, info, 1);
}

static void a_malformed_commit_is_reported(void **state)
{
	static const char *const body[] = {
		"",
		"\\n\\n",
		"tree 0\\nauthor a <a> 1 +0000\\ncommitter a <a> 1 +0000\\n\\nx",
		"tree $T\\nauthor a <a> 1 +0000\\n\\ncommitter a <a> 1 +0000\\n",
		"tree $T\\nauthor a <a> 1 +0000\\ncommitter a <a> x +0000\\n\\n",
		"tree $T\\nauthor a <a> 1 +0000\\ncommitter a <a> 1\\n\\n",
		"tree $T\\nauthor a <a> 1 +0000\\ncommitter a 1 +0000\\n\\n",
		"tree $T\\nauthor a <a> 1 +0000\\ncommitter a <a> $L +0000\\n\\n",
		"tree $T\\nauthor a <a> 1 +0000\\ncommitter a <a> 1 +0000\\n\\nx\\0y",
		NULL};
	struct snapshot_info info[1];
	struct snapshot_repo *repo = repo_of(info, 1);
	struct history *history = history_new(repo);
	struct history_step step;
	struct buf command = {0};

	(void)state;
	for (size_t i = 0; body[i]; i++) {
		buf_clear(&command);
		buf_addf(&command,
			 "cd r.git && T=$(git rev-parse main^{tree}) && "
			 "L=99999999999999999999 && printf \"%s\" | "
			 "git hash-object --literally -t commit -w --stdin",
			 body[i]);
		start_at(history, command.data);
		assert_int_equal(history_next(history, &step, &err), ERR_INPUT);
		assert_non_null(strstr(err.msg, "is malformed"));
		assert_int_equal(history_next(history, &step, &err), ERR_NOTFOUND);
	}
	/* A tree, and an empty object. */
	start_at(history, "git -C r.git rev-parse main^{tree}");
	assert_int_equal(history_next(history, &step, &err), ERR_FAIL);
	start_at(history, "echo 1234567890123456789012345678901234567890");
	assert_int_equal(history_next(history, &step, &err), ERR_FAIL);
	buf_release(&command);
	history_free(history);
	release(repo, info, 1);
}

/* --- trees and blobs --- */

static void files_are_found_in_every_step(void **state)
{
	struct snapshot_info info[3];
	struct snapshot_repo *repo = repo_of(info, 3);
	struct history *history = history_new(repo);
	struct history_step step;
	struct buf body = {0};
	uint8_t blob[OBJECT_ID];

	(void)state;
	/* Twice: the second time from the cache. */
	for (int round = 0; round < 2; round++) {
		start(history, &info[2]);
		for (int i = 2; i >= 0; i--) {
			assert_int_equal(history_next(history, &step, &err), 0);
			assert_int_equal(tree_find(blob, history_trees(history),
						   step.tree, "a", &err),
					 0);
			buf_clear(&body);
			assert_int_equal(history_blob(history, &body, blob, &err), 0);
			assert_int_equal(body.len, 1);
			assert_int_equal(body.data[0], '0' + i);
			assert_int_equal(tree_find(blob, history_trees(history),
						   step.tree, "b", &err),
					 ERR_NOTFOUND);
		}
	}
	/* A missing object is a different error. */
	memset(blob, 1, sizeof(blob));
	assert_int_equal(history_blob(history, &body, blob, &err), ERR_FAIL);
	assert_int_equal(tree_find(blob, history_trees(history), blob, "b", &err),
			 ERR_FAIL);
	buf_release(&body);
	history_free(history);
	release(repo, info, 3);
}

static int note(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		void *payload)
{
	buf_addf(payload, "%s%s%s ", old_blob ? "-" : "", new_blob ? "+" : "", path);
	return 0;
}

static int stop(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		void *payload)
{
	note(path, old_blob, new_blob, payload);
	return -42;
}

static void a_set_of_paths_finds_those_that_differ(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info[2];
	struct history *history = history_new(repo);
	struct pathset paths = {0};
	struct buf seen = {0};
	uint8_t tree[2][OBJECT_ID];

	(void)state;
	snapshot_fixture_commit(
		repo, true, FIRST_S, &info[0], NULL,
		CHANGES("a/x/1=1", "a/x/2=2", "a/y/1=1", "a.b=1", "c=1", "d/gone=1"));
	snapshot_fixture_commit(
		repo, true, FIRST_S, &info[1], NULL,
		CHANGES("a/x/1=2", "a/x/2=3", "a/y/1=2", "a.b=2", "c=1", "new=1"));
	for (size_t i = 0; i < 2; i++) {
		assert_true(object_unhex(tree[i], info[i].tree.hex));
	}
	buf_addstr(&seen, "");
	assert_int_equal(pathset_diff(&paths, history_trees(history), NULL, tree[0],
				      tree[1], note, &seen, &err),
			 0);
	assert_int_equal(seen.len, 0);
	for (const char *const *path = CHANGES("new", "a/x/1", "c", "d/gone", "a/z/1",
					       "a.b", "a/x/1", "a/x", "none");
	     *path; path++) {
		pathset_add(&paths, *path);
	}
	assert_int_equal(pathset_diff(&paths, history_trees(history), NULL, tree[0],
				      tree[1], note, &seen, &err),
			 0);
	assert_string_equal(seen.data, "-+a.b -+a/x/1 -d/gone +new ");
	buf_clear(&seen);
	pathset_add(&paths, "a/x/2");
	assert_int_equal(pathset_diff(&paths, history_trees(history), NULL, NULL, tree[0],
				      note, &seen, &err),
			 0);
	assert_string_equal(seen.data, "+a.b +a/x/1 +a/x/2 +c +d/gone ");
	buf_clear(&seen);
	assert_int_equal(pathset_diff(&paths, history_trees(history), NULL, tree[0], NULL,
				      stop, &seen, &err),
			 -42);
	assert_string_equal(seen.data, "-a.b ");
	buf_clear(&seen);
	pathset_clear(&paths);
	pathset_add(&paths, "c");
	assert_int_equal(pathset_diff(&paths, history_trees(history), NULL, tree[0],
				      tree[1], note, &seen, &err),
			 0);
	assert_int_equal(seen.len, 0);
	pathset_release(&paths);
	buf_release(&seen);
	history_free(history);
	release(repo, info, 2);
}

/* --- labels --- */

static void labels_are_found_by_their_snapshot(void **state)
{
	struct snapshot_info info[3];
	struct snapshot_repo *repo = repo_of(info, 3);
	struct labels labels = {0};
	const struct labels_entry *label;
	uint8_t commit[OBJECT_ID];
	size_t count;

	(void)state;
	assert_int_equal(labels_read(&labels, repo, &err), 0);
	assert_int_equal(labels.count, 0);
	object_unhex(commit, info[0].commit.hex);
	assert_null(labels_of(&labels, commit, &count));
	labels_release(&labels);
	git_fixture_says("cd r.git && git tag b main && git tag -a -m x a/z main && "
			 "git -c advice.nestedTag=false tag -a -m x nested a/z && git "
			 "tag tree main^{tree} && "
			 "git tag old main~2 && git pack-refs --all && git tag c main",
			 "");
	assert_int_equal(labels_read(&labels, repo, &err), 0);
	assert_int_equal(labels.count, 5);
	object_unhex(commit, info[2].commit.hex);
	label = labels_of(&labels, commit, &count);
	assert_int_equal(count, 4);
	assert_string_equal(label[0].name, "a/z");
	assert_string_equal(label[1].name, "b");
	assert_string_equal(label[2].name, "c");
	assert_string_equal(label[3].name, "nested");
	object_unhex(commit, info[1].commit.hex);
	assert_null(labels_of(&labels, commit, &count));
	assert_int_equal(count, 0);
	object_unhex(commit, info[0].commit.hex);
	label = labels_of(&labels, commit, &count);
	assert_int_equal(count, 1);
	assert_string_equal(label[0].name, "old");
	labels_release(&labels);
	release(repo, info, 3);
}

static void tags_of_tags_are_followed_ten_deep(void **state)
{
	struct snapshot_info info[1];
	struct snapshot_repo *repo = repo_of(info, 1);
	struct labels labels = {0};

	(void)state;
	git_fixture_says(
		"cd r.git && t=main && for i in 01 02 03 04 05 06 07 08 09 10 11 12; "
		"do git -c advice.nestedTag=false tag -a -m x n$i $t && t=n$i; done",
		"");
	assert_int_equal(labels_read(&labels, repo, &err), 0);
	assert_int_equal(labels.count, 10);
	assert_string_equal(labels.entry[9].name, "n10");
	labels_release(&labels);
	release(repo, info, 1);
}

#define IN_REPO(test)                                                                    \
	cmocka_unit_test_setup_teardown(test, snapshot_fixture_setup,                    \
					git_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_REPO(a_walk_goes_back_to_the_first),
		IN_REPO(a_walk_can_start_again_anywhere),
		IN_REPO(a_shallow_clone_is_cut),
		IN_REPO(history_ends_at_a_shallow_commit_whose_parent_is_held),
		IN_REPO(a_missing_parent_is_damage),
		IN_REPO(commits_of_others_are_read),
		IN_REPO(a_malformed_commit_is_reported),
		IN_REPO(files_are_found_in_every_step),
		IN_REPO(a_set_of_paths_finds_those_that_differ),
		IN_REPO(labels_are_found_by_their_snapshot),
		IN_REPO(tags_of_tags_are_followed_ten_deep),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

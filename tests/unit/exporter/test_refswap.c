/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include <fcntl.h>
#include <sys/types.h>

#include "exporter/git/refswap.h"
#include "exporter/git/repo.h"

/* The objects that a swap brings: a commit without a parent, and a tag of it. */
struct fresh {
	struct pack *pack;
	char commit[OBJECT_HEX + 1], tag[OBJECT_HEX + 1];
};

static char first[OBJECT_HEX + 1], second[OBJECT_HEX + 1];

static struct fresh make_fresh(struct snapshot_repo *repo)
{
	struct snapshot_info head = {0};
	struct buf body = {0};
	struct fresh f;
	uint8_t id[OBJECT_ID];

	assert_int_equal(snapshot_head(repo, &head, &err), 0);
	pack_open(&f.pack, "r.git/objects/pack", 0, NULL, NULL);
	buf_addf(&body,
		 "tree %s\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n\nnew\n",
		 head.tree.hex);
	pack_add_id(f.pack, id, OBJECT_COMMIT, body.data, body.len);
	object_hex(f.commit, id);
	buf_clear(&body);
	buf_addf(&body, "object %s\ntype commit\ntag a\ntagger A <a@x> 1 +0000\n\nnew\n",
		 f.commit);
	pack_add_id(f.pack, id, OBJECT_TAG, body.data, body.len);
	object_hex(f.tag, id);
	buf_release(&body);
	snapshot_info_release(&head);
	return f;
}

/* Two snapshots; the label a, packed, and b, on the first one; c is a lightweight one. */
static struct snapshot_repo *begin(void)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info one = {0}, two = {0};

	snapshot_fixture_commit(repo, true, FIRST_S, &one, NULL, CHANGES("a=1"));
	snapshot_fixture_commit(repo, false, FIRST_S + 1, &two, NULL, CHANGES("a=2"));
	memcpy(first, one.commit.hex, sizeof(first));
	memcpy(second, two.commit.hex, sizeof(second));
	snapshot_info_release(&one);
	snapshot_info_release(&two);
	git_fixture_says("cd r.git && git tag -m a a main~1 && git pack-refs --all && "
			 "git tag -m b b/c main~1 && git tag c main",
			 "");
	return repo;
}

static void has(const char *name, const char *expected)
{
	struct buf line = {0};

	buf_addf(&line, "git -C r.git rev-parse '%s'", name);
	git_fixture_says(line.data, expected);
	buf_release(&line);
}

static void of_tag(char hex[OBJECT_HEX + 1], struct snapshot_repo *repo, const char *name)
{
	assert_int_equal(repo_ref(hex, repo, name, &err), 0);
}

static void references_move_at_once(void **state)
{
	struct snapshot_repo *repo = begin();
	struct fresh f = make_fresh(repo);
	char a[OBJECT_HEX + 1], b[OBJECT_HEX + 1], shallow[OBJECT_HEX + 2];

	(void)state;
	of_tag(a, repo, "refs/tags/a");
	of_tag(b, repo, "refs/tags/b/c");
	snprintf(shallow, sizeof(shallow), "%s\n", f.commit);
	assert_int_equal(
		refswap_run(repo,
			    &(struct refswap){
				    .pack = f.pack,
				    .move =
					    (struct refswap_move[]){
						    {"refs/heads/main", second, f.commit},
						    {"refs/tags/a", a, f.tag},
						    {"refs/tags/b/c", b, ""},
						    {"refs/tags/erased/x", "", f.tag},
					    },
				    .count = 4,
				    .shallow = shallow},
			    &err),
		0);
	pack_close(f.pack);
	has("main", f.commit);
	has("a", f.tag);
	has("a^{}", f.commit);
	has("erased/x^{}", f.commit);
	has("c", second);
	git_fixture_says("cd r.git && find refs -type f; git for-each-ref | wc -l", "4");
	git_fixture_says("cat r.git/shallow", f.commit);
	git_fixture_says("cd r.git && ls -A | grep -e packs -e lock -e tmp; "
			 "ls objects/pack | grep keep; true",
			 "albumen-exporter.lock");
	/* The peeled lines are those that git writes. */
	git_fixture_says("cd r.git && grep -v '^#' packed-refs >../ours && "
			 "git pack-refs --all && "
			 "grep -v '^#' packed-refs | diff ../ours -",
			 "");
	/* A snapshot goes on from there. */
	snapshot_fixture_commit(repo, false, FIRST_S + 2, NULL, NULL, CHANGES("a=3"));
	has("main~1", f.commit);
	snapshot_close(repo);
	git_fixture_says("git -C r.git fsck --strict --no-dangling --no-progress", "");
}

static void a_reference_that_has_moved_changes_nothing(void **state)
{
	struct snapshot_repo *repo = begin();
	struct fresh f = make_fresh(repo);

	(void)state;
	assert_int_equal(
		refswap_run(repo,
			    &(struct refswap){
				    .pack = f.pack,
				    .move =
					    (struct refswap_move[]){
						    {"refs/heads/main", second, f.commit},
						    {"refs/tags/c", first, f.commit},
					    },
				    .count = 2},
			    &err),
		ERR_CHANGED);
	assert_non_null(strstr(err.msg, "refs/tags/c"));
	pack_close(f.pack);
	has("main", second);
	snapshot_close(repo);
	git_fixture_says("touch r.git/refs/tags/a.lock", "");
	repo = snapshot_fixture_open();
	f = make_fresh(repo);
	assert_int_equal(
		refswap_run(repo,
			    &(struct refswap){
				    .pack = f.pack,
				    .move =
					    (struct refswap_move[]){
						    {"refs/heads/main", second, f.commit},
						    {"refs/tags/a", first, f.commit},
					    },
				    .count = 2},
			    &err),
		ERR_LOCKED);
	pack_close(f.pack);
	snapshot_close(repo);
	git_fixture_says("cd r.git && rm refs/tags/a.lock && find . -name '*.lock'",
			 "./albumen-exporter.lock");
	has("main", second);
}

/* What a kill leaves: the note, and the state that `arrange` makes. */
static void recovers(const char *arrange, const char *shallow, bool done)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct repo_note note = {.swap = true};

	buf_addstr(&note.ref, "refs/heads/main");
	memcpy(note.from, second, sizeof(note.from));
	memcpy(note.to, first, sizeof(note.to));
	buf_addf(&note.shallow_from, "%s\n", first);
	buf_addf(&note.shallow_to, "%s\n%s\n", first, second);
	buf_addstr(&note.packs, "");
	assert_int_equal(repo_note_write("r.git", &note, &err), 0);
	repo_note_release(&note);
	snapshot_close(repo);
	git_fixture_says(arrange, "");
	snapshot_close(snapshot_fixture_open());
	git_fixture_says("cat r.git/shallow", shallow);
	has("main", done ? first : second);
	git_fixture_says("ls r.git/albumen-exporter.packs 2>/dev/null || echo none",
			 "none");
}

static void a_killed_swap_is_completed_or_undone(void **state)
{
	struct buf both = {0};

	(void)state;
	snapshot_close(begin());
	buf_addf(&both, "%s\n%s", first, second);
	recovers(":", first, false);
	recovers("rm r.git/shallow; echo x >r.git/shallow; git -C r.git pack-refs --all",
		 first, false);
	recovers("git -C r.git update-ref refs/heads/main main~1 2>/dev/null", both.data,
		 true);
	buf_release(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(references_move_at_once),
		TEST(a_reference_that_has_moved_changes_nothing),
		TEST(a_killed_swap_is_completed_or_undone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

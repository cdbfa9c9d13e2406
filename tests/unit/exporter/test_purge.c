/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include "data/base/file.h"
#include "exporter/git/maintain.h"
#include "exporter/git/purge.h"
#include "exporter/git/shallow.h"

/*
 * git says what must stay: all that its own references lead to, as `shallow` ends the
 * history.
 */

static void snapshots(struct snapshot_repo *repo, unsigned from, unsigned to)
{
	char a[96], b[96], c[4096];

	for (unsigned n = from; n < to; n++) {
		snprintf(a, sizeof(a), "%u/%u/x=a body that is %u long enough: %u", n % 5,
			 n % 11, n % 3, n);
		snprintf(b, sizeof(b), "%u/y=%u", n % 7, n);
		snprintf(c, sizeof(c), "versions=%03000u %u", 7u, n);
		snapshot_fixture_commit(repo, false, FIRST_S + n, NULL, NULL,
					CHANGES(a, b, c));
		assert_int_equal(maintain_when_due(repo, false, &err), 0);
	}
}

static struct purge_result purge(struct snapshot_repo *repo)
{
	struct purge_result result;
	int rc = purge_run(repo, &result, &err);

	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
	assert_false(purge_is_due(repo));
	return result;
}

#define ALL "git -C r.git cat-file --batch-all-objects --batch-check='%(objectname)' "
#define REACHED "git -C r.git rev-list --objects --all | cut -c1-40 | sort -u "
#define TAGS "git -C r.git for-each-ref --format='%(objectname)' refs/tags "

/* Exactly what is reached is there, and git finds nothing wrong. */
static void assert_purged(void)
{
	git_fixture_says("git -C r.git fsck --full --strict --no-progress --no-dangling",
			 "");
	git_fixture_says("{ " REACHED "; " TAGS "; } | sort -u >want; " ALL
			 "| sort -u | diff want -",
			 "");
	git_fixture_says("git -C r.git count-objects -v | sed -n 's/^count: //p; "
			 "s/^garbage: //p'",
			 "0\n0");
	git_fixture_says("ls r.git | grep -cE 'albumen-exporter.(packs|purge|new)' || :",
			 "0");
}

/* The bodies of `versions` from the tip back. */
static void assert_versions(unsigned newest, unsigned oldest)
{
	char command[200], want[32];

	for (unsigned n = newest + 1; n-- > oldest;) {
		snprintf(command, sizeof(command),
			 "git -C r.git show main~%u:versions | sed 's/^.* //'",
			 newest - n);
		snprintf(want, sizeof(want), "%u", n);
		git_fixture_says(command, want);
	}
}

static void history_ends_where_shallow_says(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct purge_result result;

	(void)state;
	snapshots(repo, 0, 120);
	git_fixture_says("git -C r.git rev-parse main~50 >r.git/shallow; " ALL
			 "| wc -l >before",
			 "");
	result = purge(repo);
	assert_purged();
	assert_true(result.objects > 100);
	assert_true(result.bytes < result.bytes_before);
	git_fixture_says("git -C r.git rev-list --count main", "51");
	assert_versions(119, 69);
	/* The next snapshot is made as ever, and another purge finds nothing. */
	snapshots(repo, 120, 130);
	result = purge(repo);
	assert_int_equal(result.objects, 0);
	assert_purged();
	snapshot_close(repo);
}

static void a_snapshot_in_the_middle_stays_by_itself(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct maintain_result compact;

	(void)state;
	snapshots(repo, 0, 60);
	assert_int_equal(maintain_compact(repo, &compact, &err), 0);
	git_fixture_says("cd r.git && git tag -a -m held held main~40 && "
			 "git rev-parse main~10 main~40 >shallow",
			 "");
	purge(repo);
	assert_purged();
	git_fixture_says("git -C r.git rev-list --count held main", "12");
	git_fixture_says("git -C r.git show held:versions | sed 's/^.* //'", "19");
	assert_versions(59, 49);
	/* What was compact is so still. */
	assert_int_equal(maintain_compact(repo, &compact, &err), 0);
	assert_false(compact.done);
	snapshot_close(repo);
}

static void nothing_that_names_or_holds_the_past_is_left(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshots(repo, 0, 20);
	git_fixture_says(
		"cd r.git && git rev-parse main >tip && "
		"git rev-list --objects main~10 | cut -c1-40 | "
		"git pack-objects -q objects/pack/pack >kept && "
		"touch objects/pack/pack-$(cat kept).keep && "
		"git rev-list --objects main~15 | cut -c1-40 | "
		"git pack-objects -q --no-reuse-delta --window=0 objects/pack/pack "
		">cruft && "
		"touch objects/pack/pack-$(cat cruft).promisor && "
		"echo lost | git hash-object -w --stdin >lost && "
		"echo found | git hash-object -w --stdin >found && "
		"git tag found $(cat found) && git tag -a -m loose loose main~2 && "
		"git multi-pack-index write && git commit-graph write --reachable && "
		"mkdir -p logs/refs/heads && "
		"echo \"$(cat tip) $(cat tip) a <a> 0 +0000\" >logs/refs/heads/main && "
		"cp tip FETCH_HEAD && cp tip ORIG_HEAD && "
		"mkdir objects/tmp_objdir-incoming-x && "
		"echo junk >objects/tmp_objdir-incoming-x/y && "
		"cp objects/pack/pack-$(cat kept).pack "
		"objects/pack/pack-0000000000000000000000000000000000000000.pack && "
		"echo >objects/pack/tmp_pack_x && "
		"echo >objects/pack/.tmp-77-pack-x.pack && "
		"mkdir -p objects/incoming-x lost-found/other && "
		"echo junk >objects/incoming-x/y && echo lost >lost-found/other/x && "
		"git rev-parse main~5 >shallow",
		"");
	assert_int_equal(snapshot_reopen(repo, &err), 0);
	purge(repo);
	assert_purged();
	git_fixture_says("cd r.git && git cat-file -p $(cat found) && "
			 "! git cat-file -e $(cat lost) && git cat-file -t loose",
			 "found\ntag");
	git_fixture_says("cd r.git && ls -d logs FETCH_HEAD ORIG_HEAD objects/tmp* "
			 "objects/incoming* lost-found objects/pack/.tmp* "
			 "objects/info/* objects/pack/multi* objects/pack/*.keep "
			 "objects/pack/*.promisor objects/pack/tmp* 2>/dev/null | cat",
			 "");
	snapshot_close(repo);
}

static void other_references_and_their_merges_stay(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	snapshots(repo, 0, 8);
	git_fixture_says(
		"cd r.git && git update-ref refs/heads/other $(git commit-tree -m merged "
		"-p main~1 -p main~3 main^{tree}) && git update-ref refs/notes/x main && "
		"git pack-refs --all && git update-ref refs/notes/x main~4 && "
		"git symbolic-ref refs/heads/alias refs/heads/other",
		"");
	assert_int_equal(snapshot_reopen(repo, &err), 0);
	purge(repo);
	assert_purged();
	git_fixture_says("git -C r.git rev-list --count other", "8");
	snapshot_close(repo);
}

static void a_missing_object_is_said_and_nothing_goes(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct purge_result result;

	(void)state;
	snapshots(repo, 0, 8);
	git_fixture_says(
		"cd r.git && git update-ref refs/heads/gone main && "
		"git update-ref -d refs/heads/gone && ls objects/pack >../packs && "
		"echo 0123456789012345678901234567890123456789 "
		">refs/heads/lost",
		"");
	assert_int_equal(purge_run(repo, &result, &err), ERR_FAIL);
	assert_non_null(strstr(err.msg, "0123456789012345678901234567890123456789"));
	git_fixture_says("ls r.git/objects/pack | diff packs -", "");
	git_fixture_says("echo damaged >r.git/refs/heads/lost", "");
	assert_int_equal(purge_run(repo, &result, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "refs/heads/lost"));
	git_fixture_says("ls r.git/objects/pack | diff packs -", "");
	git_fixture_says("rm r.git/refs/heads/lost; mkdir -p r.git/worktrees/w", "");
	assert_int_equal(purge_run(repo, &result, &err), ERR_REFUSED);
	assert_true(purge_is_due(repo));
	purge_cancel(repo);
	assert_false(purge_is_due(repo));
	snapshot_close(repo);
}

static void shallow_is_read_as_git_reads_it(void **state)
{
	struct shallow shallow;
	uint8_t id[OBJECT_ID] = {0x22};
	struct buf text = {0};

	(void)state;
	git_fixture_says("mkdir d", "");
	assert_int_equal(shallow_read(&shallow, "d", &err), 0);
	assert_int_equal(shallow.count, 0);
	git_fixture_says("printf '%s\\n' 4400000000000000000000000000000000000000 "
			 "1100000000000000000000000000000000000000 "
			 "4400000000000000000000000000000000000000 >d/shallow",
			 "");
	assert_int_equal(shallow_read(&shallow, "d", &err), 0);
	assert_int_equal(shallow.count, 2);
	assert_false(shallow_has(&shallow, id));
	shallow_add(&shallow, id);
	shallow_add(&shallow, id);
	assert_true(shallow_has(&shallow, id));
	shallow_format(&text, &shallow);
	assert_string_equal(text.data, "1100000000000000000000000000000000000000\n"
				       "2200000000000000000000000000000000000000\n"
				       "4400000000000000000000000000000000000000\n");
	shallow_release(&shallow);
	git_fixture_says("echo 44 >>d/shallow", "");
	assert_int_equal(shallow_read(&shallow, "d", &err), ERR_INPUT);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(history_ends_where_shallow_says),
		TEST(a_snapshot_in_the_middle_stays_by_itself),
		TEST(nothing_that_names_or_holds_the_past_is_left),
		TEST(other_references_and_their_merges_stay),
		TEST(a_missing_object_is_said_and_nothing_goes),
		TEST(shallow_is_read_as_git_reads_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_SNAPSHOT_FIXTURE_H
#define TESTS_UNIT_SNAPSHOT_FIXTURE_H

#include "tests/unit/git_fixture.h"

#include "exporter/git/snapshot.h"
#include "exporter/git/snapshot_edit.h"

/*
 * snapshot_fixture - a repository of snapshots, `r.git` in the test's folder. Each helper asserts
 * that it succeeds.
 */

/* Unix time of the first snapshot. */
#define FIRST_S 1700000000

static struct err err;

static inline int snapshot_fixture_setup(void **state)
{
	err = (struct err){0};
	return git_fixture_setup(state);
}

static inline struct snapshot_repo *snapshot_fixture_open(void)
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
static inline void snapshot_fixture_apply(struct snapshot_edit *edit,
					  const char *const *change)
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
static inline void snapshot_fixture_commit(struct snapshot_repo *repo, bool fresh,
					   int64_t time_s, struct snapshot_info *info,
					   struct snapshot_delta *delta,
					   const char *const *change)
{
	struct snapshot_info ignored_info = {0};
	struct snapshot_delta ignored_delta;
	struct snapshot_edit *edit;
	struct snapshot_id tree;
	bool same;

	assert_int_equal(snapshot_edit_begin(&edit, repo, fresh, &err), 0);
	snapshot_fixture_apply(edit, change);
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

static inline void snapshot_fixture_sound(void)
{
	git_fixture_says("git -C r.git fsck --strict --no-progress", "");
}

#endif

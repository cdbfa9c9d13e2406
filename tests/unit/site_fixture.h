/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_SITE_FIXTURE_H
#define TESTS_UNIT_SITE_FIXTURE_H

#include "tests/unit/git_fixture.h"

#include <sys/stat.h>

#include "data/base/file.h"
#include "exporter/snapshot/response.h"
#include "exporter/site/place_new.h"
#include "exporter/site/site.h"
#include "exporter/git/snapshot_edit.h"

/*
 * site_fixture - snapshots of a few files in a repository "repo", and a site "site", in the
 * folder of the test (git_fixture.h).
 */

#define TAGS QUERY_TAG_IMAGES
#define UNTAG QUERY_UNTAGGED
#define IMAGES QUERY_IMAGES

static struct err why; /* the last failure */

static inline void succeed(int rc)
{
	if (rc) {
		fail_msg("%d: %s", rc, why.msg);
	}
}

struct file {
	enum query_response kind; /* 0 ends a list */
	const char *id;
	const char *body;
};

static inline struct snapshot_repo *open_repo(const char *path)
{
	struct snapshot_repo *repo = NULL;

	succeed(snapshot_open(&repo, path, SNAPSHOT_WRITE | SNAPSHOT_CREATE, "test",
			      &why));
	return repo;
}

/* Commits a snapshot of these files, and of one more at `path` unless that is NULL. */
static inline struct snapshot_info commit_with(struct snapshot_repo *repo,
					       const struct file *files, const char *path,
					       const char *message)
{
	struct snapshot_info info = {0};
	struct snapshot_edit *edit = NULL;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	struct buf buf = {0};
	bool same;

	succeed(snapshot_edit_begin(&edit, repo, true, &why));
	for (; files->kind; files++) {
		buf_clear(&buf);
		response_snapshot_path(&buf, response_of(files->kind), files->id,
				       strlen(files->id));
		succeed(snapshot_put(edit, buf.data, files->body, strlen(files->body),
				     &why));
	}
	if (path) {
		succeed(snapshot_put(edit, path, "[0]", 3, &why));
	}
	succeed(snapshot_edit_build(edit, &tree, &same, &delta, &why));
	succeed(snapshot_edit_commit(&edit, message, 1700000000, &info, &why));
	buf_release(&buf);
	return info;
}

static inline struct snapshot_info commit(struct snapshot_repo *repo,
					  const struct file *files)
{
	return commit_with(repo, files, NULL, "snapshot\n");
}

static inline struct place *site_place(void)
{
	static const struct place_settings settings;
	struct place *place = NULL;

	succeed(place_new(&place, "site", &settings, &why));
	return place;
}

/* Open for writing. The caller frees it. */
static inline struct place *open_place(void)
{
	struct place *place = site_place();

	succeed(place_open(place, NULL, "test", &why));
	return place;
}

static inline int try_publish(struct snapshot_repo *repo, const struct snapshot_info *to,
			      unsigned flags, struct site_result *result)
{
	struct place *place = site_place();
	int rc = site_publish(place, repo, to, NULL, flags, result, &why);

	place_free(place);
	return rc;
}

static inline struct site_result publish(struct snapshot_repo *repo,
					 const struct snapshot_info *to, unsigned flags)
{
	struct site_result result;

	succeed(try_publish(repo, to, flags, &result));
	return result;
}

static inline void has(const char *path, const char *body)
{
	struct buf buf = {0};

	succeed(file_read(&buf, path, 1 << 20, &why));
	assert_string_equal(buf.data, body);
	buf_release(&buf);
}

static inline bool there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline void write_file(const char *path, const char *body)
{
	succeed(file_replace(path, body, strlen(body), &why));
}

#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, git_fixture_setup, git_fixture_teardown)

#endif

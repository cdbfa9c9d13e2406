/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "exporter/evidence/bundle_inner.h"
#include "exporter/evidence/tool.h"

/*
 * `git bundle` takes references, and a bundle that begins in the midst of history
 * would ask for what is before. So it is made from a repository of its own, which
 * has no objects but those of ours (objects/info/alternates), a branch main that
 * ends where the bundle shall end, and a file `shallow`, by which history begins
 * where the bundle shall begin.
 */

#define NAMES_MAX ((size_t)256 << 20)

struct work {
	struct snapshot_repo *repo;
	const struct bundle *bundle;
	const char *stage;
	struct buf git; /* the repository of its own, in the folder `stage` */
};

/* Runs git in the repository `dir`; what it says is *out (NULL: nothing). */
static int run(const struct work *work, const char *dir, const struct buf *input,
	       struct buf *out, int *status, const char *const *args, struct err *err)
{
	const char *argv[20] = {"git",
				"-c",
				"safe.directory=*",
				"-c",
				"pack.threads=1", /* the same bytes each time */
				"-C",
				dir};
	struct tool tool = {
		.argv = argv, .input = input, .output = out, .stop = work->bundle->stop};
	int rc;

	for (size_t i = 0; args[i]; i++) {
		argv[7 + i] = args[i];
	}
	rc = tool_run(&tool, err);
	if (!rc && status) {
		*status = tool.status;
	} else if (!rc && tool.status &&
		   (file_disk_is_full(work->stage) ||
		    strstr(tool_why(&tool), strerror(ENOSPC)))) {
		/* git writes nowhere else. What it says is not the same for each file. */
		rc = err_set(err, ERR_FULL, "'git %s' cannot write into '%s': %s; %s",
			     args[0], work->stage, strerror(ENOSPC), tool_why(&tool));
	} else if (!rc && tool.status) {
		rc = err_set(err, ERR_FAIL, "'git %s' failed: %s", args[0],
			     tool_why(&tool));
	}
	tool_release(&tool);
	return rc;
}

#define RUN(work, dir, input, out, err, ...)                                             \
	run(work, dir, input, out, NULL, (const char *const[]){__VA_ARGS__, NULL}, err)

static int write_file(const struct work *work, const char *name, const struct buf *text,
		      struct err *err)
{
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/%s", work->git.data, name);
	rc = file_replace(path.data, text->data, text->len, err);
	buf_release(&path);
	return rc;
}

/* Where the objects are. */
static int borrow_objects(const struct work *work, struct err *err)
{
	char *real = realpath(snapshot_path(work->repo), NULL);
	struct buf text = {0};
	int rc;

	if (!real) {
		return err_sys(err, "cannot find '%s'", snapshot_path(work->repo));
	}
	if (strchr(real, '\n')) {
		rc = err_set(err, ERR_REFUSED,
			     "the repository's path has a newline in it, which git does "
			     "not take");
	} else {
		buf_addf(&text, "%s/objects\n", real);
		rc = write_file(work, "objects/info/alternates", &text, err);
	}
	buf_release(&text);
	free(real);
	return rc;
}

/* History begins where the bundle does, or where the repository's own does: it may
 * be a shallow clone. */
static int cut(const struct work *work, struct buf *shallow, struct err *err)
{
	const struct snapshot_info *from = work->bundle->from;
	struct buf path = {0};
	int rc = 0;

	if (from && *from->parent.hex) {
		buf_addf(shallow, "%s\n", from->commit.hex);
	} else {
		buf_addf(&path, "%s/shallow", snapshot_path(work->repo));
		rc = file_read(shallow, path.data, NAMES_MAX, err);
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (!rc && shallow->len) {
		rc = write_file(work, "shallow", shallow, err);
	}
	buf_release(&path);
	return rc;
}

/* The branch, and all labels: which of them are in it, git can tell then. */
static int write_refs(const struct work *work, struct err *err)
{
	struct buf refs = {0};
	int rc;

	buf_addf(&refs, "%s " SNAPSHOT_BRANCH "\n", work->bundle->to->commit.hex);
	rc = RUN(work, snapshot_path(work->repo), NULL, &refs, err, "for-each-ref",
		 "--format=%(objectname) %(refname)", "refs/tags");
	if (!rc) {
		rc = write_file(work, "packed-refs", &refs, err);
	}
	buf_release(&refs);
	return rc;
}

static int check_range(const struct work *work, struct err *err)
{
	const struct snapshot_info *from = work->bundle->from, *to = work->bundle->to;
	const char *const args[] = {"merge-base", "--is-ancestor",
				    from ? from->commit.hex : to->commit.hex,
				    to->commit.hex, NULL};
	int status;
	int rc = run(work, snapshot_path(work->repo), NULL, NULL, &status, args, err);

	if (!rc && status) {
		rc = err_set(err, ERR_USAGE,
			     "snapshot %s is not before %s: --from must come before --to",
			     args[2], to->commit.hex);
	}
	return rc;
}

static int write_bundle(const struct work *work, const char *path, struct err *err)
{
	struct buf names = {0};
	int rc;

	buf_addstr(&names, "HEAD\n" SNAPSHOT_BRANCH "\n");
	rc = RUN(work, work->git.data, NULL, &names, err, "for-each-ref",
		 "--format=%(refname)", "--merged", SNAPSHOT_BRANCH, "refs/tags");
	if (!rc) {
		rc = RUN(work, work->git.data, &names, NULL, err, "bundle", "create",
			 "--quiet", path, "--stdin");
	}
	buf_release(&names);
	return rc;
}

int bundle_git(struct buf *shallow, struct snapshot_repo *repo,
	       const struct bundle *bundle, const char *stage, const char *path,
	       struct err *err)
{
	struct work work = {.repo = repo, .bundle = bundle, .stage = stage};
	int rc;

	buf_addstr(shallow, "");
	buf_addf(&work.git, "%s/git", stage);
	rc = check_range(&work, err);
	if (!rc) {
		rc = RUN(&work, stage, NULL, NULL, err, "init", "--quiet", "--bare",
			 "--template=", "--initial-branch=main", "git");
	}
	if (!rc) {
		rc = borrow_objects(&work, err);
	}
	if (!rc) {
		rc = cut(&work, shallow, err);
	}
	if (!rc) {
		rc = write_refs(&work, err);
	}
	if (!rc) {
		rc = write_bundle(&work, path, err);
	}
	buf_release(&work.git);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/beside.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/audit/audit_collect.h"
#include "exporter/evidence/bundle_readme.h"
#include "exporter/evidence/tar.h"
#include "exporter/evidence/tool.h"
#include "exporter/page/page.h"

#define FOLDER "albumen-evidence" /* in the archive */
#define SCRIPT "tree-sha256"
#define SIGNERS_MAX ((size_t)1 << 20)
#define SHALLOW_MAX ((size_t)256 << 20)

struct work {
	struct snapshot_repo *repo;
	const struct bundle *bundle;
	struct buf dir;  /* of our own, absolute */
	struct buf path; /* scratch */
	struct buf shallow, signers, script, readme;
	struct bundle_readme contents;
};

/* The path of a file in our folder; borrowed until the next one. */
static const char *in_folder(struct work *w, const char *name)
{
	buf_clear(&w->path);
	buf_addf(&w->path, "%s/%s", w->dir.data, name);
	return w->path.data;
}

/* --- the folder --- */

/* Makes it beside `out`, so that the archive can be renamed. */
static int make_folder(struct work *w, struct err *err)
{
	const char *out = w->bundle->out, *slash = strrchr(out, '/');
	char *whole;

	if (strcmp(out, "-") == 0) {
		buf_addstr(&w->dir, file_temp_folder());
	} else if (slash) {
		buf_add(&w->dir, out, (size_t)(slash - out) + (slash == out));
	} else {
		buf_addstr(&w->dir, ".");
	}
	buf_addstr(&w->dir, "/.albumen-bundle.XXXXXX");
	if (!mkdtemp(w->dir.data)) {
		int rc = err_sys(err, "cannot make a folder for '%s'", out);

		buf_clear(&w->dir);
		return rc;
	}
	/* git runs in other folders. */
	whole = realpath(w->dir.data, NULL);
	if (whole) {
		buf_clear(&w->dir);
		buf_addstr(&w->dir, whole);
		free(whole);
	}
	return 0;
}

static void remove_folder(struct work *w)
{
	char *roots[] = {w->dir.data, NULL};
	FTSENT *entry;
	FTS *walk;

	if (!w->dir.len) {
		return;
	}
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (walk && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_DP) {
			rmdir(entry->fts_accpath);
		} else if (entry->fts_info != FTS_D) {
			unlink(entry->fts_accpath);
		}
	}
	if (walk) {
		fts_close(walk);
	}
}

/* --- the git bundle --- */

/*
 * `git bundle` takes references, and a bundle that begins in the midst of history would
 * require what is before. So it is made from a repository in our folder, which borrows
 * all objects (objects/info/alternates), has a branch main that ends where the bundle
 * does, and a file `shallow`, at which history begins.
 */

#define GIT_FOLDER "git"

/* Runs git in the repository `dir`. *out: what it prints, or NULL. */
static int run(const struct work *w, const char *dir, const struct buf *input,
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
		.argv = argv, .input = input, .output = out, .stop = w->bundle->stop};
	int rc;

	for (size_t i = 0; args[i]; i++) {
		argv[7 + i] = args[i];
	}
	rc = tool_run(&tool, err);
	if (!rc && status) {
		*status = tool.status;
	} else if (!rc && tool.status &&
		   (file_disk_is_full(w->dir.data) ||
		    strstr(tool_why(&tool), strerror(ENOSPC)))) {
		/* git writes nowhere else. Its message depends on the file. */
		rc = err_set(err, ERR_FULL, "'git %s' cannot write into '%s': %s; %s",
			     args[0], w->dir.data, strerror(ENOSPC), tool_why(&tool));
	} else if (!rc && tool.status) {
		rc = err_set(err, ERR_FAIL, "'git %s' failed: %s", args[0],
			     tool_why(&tool));
	}
	tool_release(&tool);
	return rc;
}

#define RUN(w, dir, input, out, err, ...)                                                \
	run(w, dir, input, out, NULL, (const char *const[]){__VA_ARGS__, NULL}, err)

static int borrow_objects(struct work *w, struct err *err)
{
	char *real = realpath(snapshot_path(w->repo), NULL);
	struct buf text = {0};
	int rc;

	if (!real) {
		return err_sys(err, "cannot find '%s'", snapshot_path(w->repo));
	}
	if (strchr(real, '\n')) {
		rc = err_set(err, ERR_REFUSED,
			     "the repository's path has a newline in it, which git does "
			     "not take");
	} else {
		buf_addf(&text, "%s/objects\n", real);
		rc = file_replace(in_folder(w, GIT_FOLDER "/objects/info/alternates"),
				  text.data, text.len, err);
	}
	buf_release(&text);
	free(real);
	return rc;
}

/* Makes history begin where the bundle does, or where the repository's own does: it may
 * be a shallow clone. */
static int cut_history(struct work *w, struct err *err)
{
	const struct snapshot_info *from = w->bundle->from;
	struct buf path = {0};
	int rc = 0;

	if (from && *from->parent.hex) {
		buf_addf(&w->shallow, "%s\n", from->commit.hex);
	} else {
		buf_addf(&path, "%s/shallow", snapshot_path(w->repo));
		rc = file_read(&w->shallow, path.data, SHALLOW_MAX, err);
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	w->contents.shallow = w->shallow.len > 0;
	if (!rc && w->contents.shallow) {
		rc = file_replace(in_folder(w, GIT_FOLDER "/shallow"), w->shallow.data,
				  w->shallow.len, err);
	}
	buf_release(&path);
	return rc;
}

/* Writes the branch, and all labels: git can tell then which are in the bundle. */
static int write_refs(struct work *w, struct err *err)
{
	struct buf refs = {0};
	int rc;

	buf_addf(&refs, "%s " SNAPSHOT_BRANCH "\n", w->bundle->to->commit.hex);
	rc = RUN(w, snapshot_path(w->repo), NULL, &refs, err, "for-each-ref",
		 "--format=%(objectname) %(refname)", "refs/tags");
	rc = rc ? rc
		: file_replace(in_folder(w, GIT_FOLDER "/packed-refs"), refs.data,
			       refs.len, err);
	buf_release(&refs);
	return rc;
}

static int check_range(const struct work *w, struct err *err)
{
	const struct snapshot_info *from = w->bundle->from, *to = w->bundle->to;
	const char *const args[] = {"merge-base", "--is-ancestor",
				    from ? from->commit.hex : to->commit.hex,
				    to->commit.hex, NULL};
	int status;
	int rc = run(w, snapshot_path(w->repo), NULL, NULL, &status, args, err);

	if (!rc && status) {
		rc = err_set(err, ERR_USAGE,
			     "snapshot %s is not before %s: --from must come before --to",
			     args[2], to->commit.hex);
	}
	return rc;
}

static int write_bundle(struct work *w, struct err *err)
{
	struct buf names = {0};
	const char *git = in_folder(w, GIT_FOLDER);
	int rc;

	buf_addstr(&names, "HEAD\n" SNAPSHOT_BRANCH "\n");
	rc = RUN(w, git, NULL, &names, err, "for-each-ref", "--format=%(refname)",
		 "--merged", SNAPSHOT_BRANCH, "refs/tags");
	rc = rc ? rc
		: RUN(w, git, &names, NULL, err, "bundle", "create", "--quiet",
		      "../snapshots.bundle", "--stdin");
	buf_release(&names);
	return rc;
}

static int make_bundle(struct work *w, struct err *err)
{
	int rc = check_range(w, err);

	rc = rc ? rc
		: RUN(w, w->dir.data, NULL, NULL, err, "init", "--quiet", "--bare",
		      "--template=", "--initial-branch=main", GIT_FOLDER);
	rc = rc ? rc : borrow_objects(w, err);
	rc = rc ? rc : cut_history(w, err);
	rc = rc ? rc : write_refs(w, err);
	return rc ? rc : write_bundle(w, err);
}

/* --- the other files --- */

static int write_report(struct work *w, struct err *err)
{
	const struct snapshot_info *to = w->bundle->to;
	const char *path = in_folder(w, "report.html");
	struct audit *audit = NULL;
	FILE *out = NULL;
	int rc = audit_collect(&audit, w->repo, to, to->time_s, NULL, AUDIT_THUMBNAILS,
			       err);

	if (!rc && !(out = fopen(path, "we"))) {
		rc = err_sys(err, "cannot make '%s'", path);
	}
	rc = rc ? rc : page_print(out, w->repo, audit, err);
	if (rc == ERR_FULL) {
		/* The page does not know where it is written. */
		errno = ENOSPC;
		rc = err_sys(err, "cannot write '%s'", path);
	}
	if (out && fclose(out) != 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	audit_free(audit);
	return rc;
}

/* A snapshot that contradicts itself is evidence, too: then there is no report. */
static int try_report(struct work *w, struct err *err)
{
	int rc = write_report(w, err);

	if (rc == ERR_INPUT) {
		log_warning("the bundle has no report: %s", err->msg);
		return 0;
	}
	w->contents.report = rc == 0;
	return rc;
}

static int gather(struct work *w, struct err *err)
{
	const struct bundle *bundle = w->bundle;
	struct buf folder = {0};
	int rc = beside_find(&folder, "evidence", SCRIPT, err);

	rc = rc ? rc : beside_read(&w->script, folder.data, SCRIPT, err);
	buf_release(&folder);
	if (!rc && bundle->signers) {
		rc = file_read(&w->signers, bundle->signers, SIGNERS_MAX, err);
		w->contents.signers = true;
	}
	rc = rc ? rc : make_bundle(w, err);
	rc = rc ? rc : try_report(w, err);
	if (!rc) {
		bundle_readme(&w->readme, &w->contents);
		rc = stop_check(bundle->stop, err);
	}
	return rc;
}

/* --- the archive --- */

static int write_archive(struct work *w, int fd, struct err *err)
{
	struct tar tar = {.fd = fd,
			  .name = w->bundle->out,
			  .folder = FOLDER,
			  .time_s = w->bundle->to->time_s};

	tar_add_bytes(&tar, "README.txt", 0644, w->readme.data, w->readme.len);
	if (w->contents.signers) {
		tar_add_bytes(&tar, "allowed_signers", 0644, w->signers.data,
			      w->signers.len);
	}
	tar_add_bytes(&tar, SCRIPT, 0755, w->script.data, w->script.len);
	if (w->contents.report) {
		tar_add_file(&tar, "report.html", 0644, in_folder(w, "report.html"));
	}
	if (w->contents.shallow) {
		tar_add_bytes(&tar, "shallow", 0644, w->shallow.data, w->shallow.len);
	}
	tar_add_file(&tar, "snapshots.bundle", 0644, in_folder(w, "snapshots.bundle"));
	return tar_end(&tar, err);
}

static int put_in_place(struct work *w, struct err *err)
{
	const char *out = w->bundle->out;
	struct buf from = {0};
	int fd, rc;

	buf_addf(&from, "%s/archive.tar", w->dir.data);
	fd = open(from.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		rc = err_sys(err, "cannot make '%s'", from.data);
		buf_release(&from);
		return rc;
	}
	rc = write_archive(w, fd, err);
	if (!rc && fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", out);
	}
	if (close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", out);
	}
	if (!rc && rename(from.data, out) < 0) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", from.data, out);
	}
	if (!rc) {
		/* Two levels up is the folder that `out` is in. */
		*strrchr(from.data, '/') = '\0';
		*strrchr(from.data, '/') = '\0';
		rc = file_flush_folder(*from.data ? from.data : "/", err);
	}
	buf_release(&from);
	return rc;
}

int bundle_make(struct snapshot_repo *repo, const struct bundle *bundle, struct err *err)
{
	struct work w = {.repo = repo,
			 .bundle = bundle,
			 .contents = {.from = bundle->from, .to = bundle->to}};
	int rc = make_folder(&w, err);

	rc = rc ? rc : gather(&w, err);
	if (!rc) {
		rc = strcmp(bundle->out, "-") == 0 ? write_archive(&w, STDOUT_FILENO, err)
						   : put_in_place(&w, err);
	}
	remove_folder(&w);
	buf_release(&w.dir);
	buf_release(&w.path);
	buf_release(&w.shallow);
	buf_release(&w.signers);
	buf_release(&w.script);
	buf_release(&w.readme);
	return rc;
}

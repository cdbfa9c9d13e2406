/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/beside.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/audit/audit_collect.h"
#include "exporter/evidence/borrow.h"
#include "exporter/evidence/bundle_begin.h"
#include "exporter/evidence/bundle_readme.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/evidence/signers.h"
#include "exporter/evidence/tar.h"
#include "exporter/evidence/workdir.h"
#include "exporter/page/page.h"

#define SCRIPT "tree-sha256"

struct work {
	struct snapshot_repo *repo;
	const struct bundle *bundle;
	struct workdir dir;
	struct borrow git;
	struct buf path; /* scratch */
	struct bundle_begin begin;
	struct buf signers, script, readme;
	struct bundle_readme contents;
};

/* The path of a file in our folder; borrowed until the next one. */
static const char *in_folder(struct work *w, const char *name)
{
	buf_clear(&w->path);
	buf_addf(&w->path, "%s/%s", w->dir.path.data, name);
	return w->path.data;
}

/* --- the git bundle --- */

#define RUN(w, input, out, err, ...)                                                     \
	borrow_run(&(w)->git, input, out, (const char *const[]){__VA_ARGS__, NULL}, err)

/* Puts the label that is made for the bundle into our repository. */
static int make_label(struct work *w, struct err *err)
{
	struct buf id = {0}, ref = {0};
	int rc = RUN(w, &w->begin.tag, &id, err, "hash-object", "-t", "tag", "-w",
		     "--stdin");

	if (!rc) {
		buf_setlen(&id, strcspn(id.data, "\n"));
		buf_addf(&ref, "refs/tags/%s", w->begin.label.data);
		rc = RUN(w, NULL, NULL, err, "update-ref", ref.data, id.data);
	}
	buf_release(&id);
	buf_release(&ref);
	return rc;
}

/* `git bundle` takes references, and a bundle that begins in the midst of history would
 * require what is before. So history is made to begin where the bundle does. */
static int cut_history(struct work *w, struct err *err)
{
	int rc = 0;

	if (w->begin.all_shallow.len) {
		rc = borrow_set_shallow(&w->git, &w->begin.all_shallow, err);
	}
	if (!rc && w->begin.tag.len) {
		rc = make_label(w, err);
	}
	return rc;
}

static int write_bundle(struct work *w, struct err *err)
{
	struct buf names = {0};
	int rc;

	buf_addstr(&names, "HEAD\n" SNAPSHOT_BRANCH "\n");
	rc = RUN(w, NULL, &names, err, "for-each-ref", "--format=%(refname)", "--merged",
		 SNAPSHOT_BRANCH, "refs/tags");
	buf_add(&names, w->begin.held.data, w->begin.held.len);
	rc = rc ? rc
		: RUN(w, &names, NULL, err, "bundle", "create", "--quiet",
		      in_folder(w, "snapshots.bundle"), "--stdin");
	buf_release(&names);
	return rc;
}

static int make_bundle(struct work *w, struct err *err)
{
	int rc = borrow_make(&w->git, w->repo, &w->bundle->to->commit, err);

	rc = rc ? rc : cut_history(w, err);
	return rc ? rc : write_bundle(w, err);
}

/* --- the other files --- */

static int write_report(struct work *w, struct err *err)
{
	const struct snapshot_info *to = w->bundle->to;
	const char *path = in_folder(w, "report.html");
	struct page_signature signature = {0};
	char key[SIGN_KEY];
	struct audit *audit = NULL;
	FILE *out = NULL;
	int rc = audit_collect(&audit, w->repo, to, to->time_s, NULL, AUDIT_THUMBNAILS,
			       err);

	if (!rc && !(out = fopen(path, "we"))) {
		rc = err_sys(err, "cannot make '%s'", path);
	}
	rc = rc ? rc : sign_commit_signer(&signature.key, key, w->repo, &to->commit, err);
	rc = rc ? rc : page_print(out, w->repo, to, audit, &signature, err);
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
		rc = signers_read(&w->signers, bundle->signers, err);
		w->contents.signers = true;
	}
	rc = rc ? rc : make_bundle(w, err);
	rc = rc ? rc : try_report(w, err);
	if (!rc) {
		w->contents.begin = &w->begin;
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
			  .folder = BUNDLE_FOLDER,
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
	if (w->begin.shallow.len) {
		tar_add_bytes(&tar, "shallow", 0644, w->begin.shallow.data,
			      w->begin.shallow.len);
	}
	tar_add_file(&tar, "snapshots.bundle", 0644, in_folder(w, "snapshots.bundle"));
	return tar_end(&tar, err);
}

static int refuse_existing(const char *out, struct err *err)
{
	return err_set(
		err, ERR_REFUSED,
		"'%s' exists, and evidence is not overwritten; name a new file, or "
		"remove that one",
		out);
}

/* Renames without replacing what may have come meanwhile. */
static int rename_new(const char *from, const char *out, struct err *err)
{
	int rc = renameat2(AT_FDCWD, from, AT_FDCWD, out, RENAME_NOREPLACE);

	/* Network file systems cannot do that, but a link replaces nothing either. */
	if (rc < 0 && (errno == EINVAL || errno == ENOSYS)) {
		rc = link(from, out);
	}
	if (rc < 0) {
		return errno == EEXIST
			       ? refuse_existing(out, err)
			       : err_sys(err, "cannot rename '%s' to '%s'", from, out);
	}
	return 0;
}

static int put_in_place(struct work *w, struct err *err)
{
	const char *out = w->bundle->out;
	struct buf from = {0};
	int fd, rc;

	buf_addf(&from, "%s/archive.tar", w->dir.path.data);
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
	rc = rc ? rc : rename_new(from.data, out, err);
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
			 .dir = {.fd = -1},
			 .contents = {.from = bundle->from, .to = bundle->to}};
	struct bundle_range range = {.from = bundle->from,
				     .to = bundle->to,
				     .key = bundle->key,
				     .stop = bundle->stop};
	bool piped = strcmp(bundle->out, "-") == 0;
	struct stat st;
	int rc;

	if (!piped && lstat(bundle->out, &st) == 0) {
		return refuse_existing(bundle->out, err);
	}
	rc = bundle_begin_find(&w.begin, repo, &range, err);
	rc = rc ? rc : workdir_make(&w.dir, bundle->out, err);
	w.git = (struct borrow){.dir = w.dir.path.data, .stop = bundle->stop};
	rc = rc ? rc : gather(&w, err);
	if (!rc) {
		rc = piped ? write_archive(&w, STDOUT_FILENO, err)
			   : put_in_place(&w, err);
	}
	workdir_remove(&w.dir);
	buf_release(&w.path);
	bundle_begin_release(&w.begin);
	buf_release(&w.signers);
	buf_release(&w.script);
	buf_release(&w.readme);
	return rc;
}

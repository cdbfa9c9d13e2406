/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/audit/audit.h"
#include "data/base/beside.h"
#include "exporter/evidence/bundle_inner.h"
#include "exporter/evidence/tar.h"
#include "exporter/page/page.h"

#define FOLDER "albumen-evidence" /* in the archive */
#define SCRIPT "tree-sha256"
#define SIGNERS_MAX ((size_t)1 << 20)

struct staging {
	struct snapshot_repo *repo;
	const struct bundle *bundle;
	bool to_stdout;
	struct buf dir; /* of our own */
	struct buf git, report, archive;
	struct buf shallow, signers, script, readme;
	struct bundle_contents contents;
};

/* --- the folder --- */

/* Beside the file that it becomes, so that it can be renamed. */
static int make_folder(struct staging *s, struct err *err)
{
	const char *out = s->bundle->out, *slash = strrchr(out, '/');
	char *whole;

	if (s->to_stdout) {
		buf_addstr(&s->dir, file_temp_folder());
	} else if (slash) {
		buf_add(&s->dir, out, (size_t)(slash - out) + (slash == out));
	} else {
		buf_addstr(&s->dir, ".");
	}
	buf_addstr(&s->dir, "/.albumen-bundle.XXXXXX");
	if (!mkdtemp(s->dir.data)) {
		int rc = err_sys(err, "cannot make a folder for '%s'", out);

		buf_clear(&s->dir);
		return rc;
	}
	/* git is run in other folders. */
	whole = realpath(s->dir.data, NULL);
	if (whole) {
		buf_clear(&s->dir);
		buf_addstr(&s->dir, whole);
		free(whole);
	}
	buf_addf(&s->git, "%s/snapshots.bundle", s->dir.data);
	buf_addf(&s->report, "%s/report.html", s->dir.data);
	buf_addf(&s->archive, "%s/archive.tar", s->dir.data);
	return 0;
}

static void remove_folder(struct staging *s)
{
	char *roots[] = {s->dir.data, NULL};
	FTSENT *entry;
	FTS *walk;

	if (!s->dir.len) {
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

/* --- what goes into it --- */

static int write_report(struct staging *s, struct err *err)
{
	const struct snapshot_info *to = s->bundle->to;
	struct audit *audit = NULL;
	FILE *out = NULL;
	int rc = audit_collect(&audit, s->repo, to, to->time_s, NULL, AUDIT_THUMBNAILS,
			       err);

	if (!rc && !(out = fopen(s->report.data, "we"))) {
		rc = err_sys(err, "cannot make '%s'", s->report.data);
	}
	if (!rc) {
		rc = page_print(out, s->repo, audit, err);
	}
	if (rc == ERR_FULL) {
		/* The page does not know where it is written. */
		errno = ENOSPC;
		rc = err_sys(err, "cannot write '%s'", s->report.data);
	}
	if (out && fclose(out) != 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", s->report.data);
	}
	audit_free(audit);
	return rc;
}

/* A snapshot that contradicts itself is evidence, too: then there is no report. */
static int try_report(struct staging *s, struct err *err)
{
	int rc = write_report(s, err);

	if (rc == ERR_INPUT) {
		log_warning("the bundle has no report: %s", err->msg);
		return 0;
	}
	s->contents.report = rc == 0;
	return rc;
}

static int gather(struct staging *s, struct err *err)
{
	const struct bundle *bundle = s->bundle;
	struct buf folder = {0};
	int rc = beside_find(&folder, "evidence", SCRIPT, err);

	if (!rc) {
		rc = beside_read(&s->script, folder.data, SCRIPT, err);
	}
	buf_release(&folder);
	if (!rc && bundle->signers) {
		rc = file_read(&s->signers, bundle->signers, SIGNERS_MAX, err);
		s->contents.signers = true;
	}
	if (!rc) {
		rc = bundle_git(&s->shallow, s->repo, bundle, s->dir.data, s->git.data,
				err);
		s->contents.shallow = s->shallow.len > 0;
	}
	if (!rc) {
		rc = try_report(s, err);
	}
	if (!rc) {
		bundle_readme(&s->readme, bundle, &s->contents);
		rc = stop_check(bundle->stop, err);
	}
	return rc;
}

/* --- the archive --- */

static int write_archive(struct staging *s, int fd, struct err *err)
{
	struct tar tar = {.fd = fd,
			  .name = s->bundle->out,
			  .folder = FOLDER,
			  .time_s = s->bundle->to->time_s};
	int rc = tar_add_bytes(&tar, "README.txt", 0644, s->readme.data, s->readme.len,
			       err);

	if (!rc && s->contents.signers) {
		rc = tar_add_bytes(&tar, "allowed_signers", 0644, s->signers.data,
				   s->signers.len, err);
	}
	if (!rc) {
		rc = tar_add_bytes(&tar, SCRIPT, 0755, s->script.data, s->script.len,
				   err);
	}
	if (!rc && s->contents.report) {
		rc = tar_add_file(&tar, "report.html", 0644, s->report.data, err);
	}
	if (!rc && s->contents.shallow) {
		rc = tar_add_bytes(&tar, "shallow", 0644, s->shallow.data, s->shallow.len,
				   err);
	}
	if (!rc) {
		rc = tar_add_file(&tar, "snapshots.bundle", 0644, s->git.data, err);
	}
	return rc ? rc : tar_end(&tar, err);
}

static int put_in_place(struct staging *s, struct err *err)
{
	const char *out = s->bundle->out, *from = s->archive.data;
	int fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int rc;

	if (fd < 0) {
		return err_sys(err, "cannot make '%s'", from);
	}
	rc = write_archive(s, fd, err);
	if (!rc && fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", out);
	}
	if (close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", out);
	}
	if (!rc && rename(from, out) < 0) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", from, out);
	}
	if (!rc) {
		/* The folder that the file is in. */
		*strrchr(s->archive.data, '/') = '\0';
		*strrchr(s->archive.data, '/') = '\0';
		rc = file_sync_dir(*s->archive.data ? s->archive.data : "/", err);
	}
	return rc;
}

int bundle_make(struct snapshot_repo *repo, const struct bundle *bundle, struct err *err)
{
	struct staging s = {.repo = repo,
			    .bundle = bundle,
			    .to_stdout = strcmp(bundle->out, "-") == 0};
	int rc = make_folder(&s, err);

	if (!rc) {
		rc = gather(&s, err);
	}
	if (!rc) {
		rc = s.to_stdout ? write_archive(&s, STDOUT_FILENO, err)
				 : put_in_place(&s, err);
	}
	remove_folder(&s);
	buf_release(&s.dir);
	buf_release(&s.git);
	buf_release(&s.report);
	buf_release(&s.archive);
	buf_release(&s.shallow);
	buf_release(&s.signers);
	buf_release(&s.script);
	buf_release(&s.readme);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo_make.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "exporter/git/repo_folder.h"

/*
 * HEAD comes last: without it there is no repository. MARK is there from the beginning to
 * the end, so that the next writer completes what a kill or a failure left.
 *
 * After a failed fsync the next one succeeds without having written anything. So each
 * attempt makes the empty folders again, and writes each file again.
 */

#define MARK "albumen-exporter.init"

static const char *const folders[] = {"objects", "objects/info", "objects/pack",
				      "refs",    "refs/heads",   "refs/tags"};
#define FOLDERS (sizeof(folders) / sizeof(*folders))

/* No `git gc` may start by itself while a writer works. */
static const char config[] = "[core]\n"
			     "\trepositoryformatversion = 0\n"
			     "\tfilemode = true\n"
			     "\tbare = true\n"
			     "[gc]\n"
			     "\tauto = 0\n";

bool repo_make_is_under_way(const char *path)
{
	return repo_folder_has(path, MARK);
}

static int make_folders(const char *path, struct err *err)
{
	struct buf name = {0};
	int rc = 0;

	for (size_t i = FOLDERS; i-- > 0;) {
		buf_clear(&name);
		buf_addf(&name, "%s/%s", path, folders[i]);
		rmdir(name.data); /* if it is empty */
	}
	for (size_t i = 0; !rc && i < FOLDERS; i++) {
		buf_clear(&name);
		buf_addf(&name, "%s/%s", path, folders[i]);
		if (mkdir(name.data, 0777) < 0 && errno != EEXIST) {
			rc = err_sys(err, "cannot make folder '%s'", name.data);
		}
	}
	for (size_t i = FOLDERS; !rc && i-- > 0;) {
		buf_clear(&name);
		buf_addf(&name, "%s/%s", path, folders[i]);
		rc = file_flush_folder(name.data, err);
	}
	buf_release(&name);
	return rc;
}

/* Writes a file again with `text` added, if it does not have `word`, and flushes it and
 * its name. */
static int write_again(const char *path, const char *name, const char *word,
		       const char *text, struct err *err)
{
	struct buf file = {0}, body = {0};
	struct err why;
	int rc;

	buf_addf(&file, "%s/%s", path, name);
	rc = file_read(&body, file.data, (size_t)16 << 20, &why);
	if (rc && rc != ERR_NOTFOUND) {
		if (err) {
			*err = why;
		}
	} else {
		if (!body.len || !strstr(body.data, word)) {
			buf_addstr(&body, text);
		}
		rc = repo_folder_write(path, REPO_FOLDER_TEMP_CONFIG, body.data, body.len,
				       err);
	}
	rc = rc ? rc : repo_folder_rename(path, REPO_FOLDER_TEMP_CONFIG, name, err);
	buf_release(&file);
	buf_release(&body);
	return rc ? rc : file_flush_folder(path, err);
}

/* The folders above may be new, too. We did not make one that we may not open, or that
 * cannot be flushed at all (EINVAL: fsync(2)). */
static int flush_above(const char *path, struct err *err)
{
	struct buf folder = {0};
	int rc = 0;

	buf_addstr(&folder, path);
	while (!rc && folder.len) {
		char *slash = strrchr(folder.data, '/');

		buf_setlen(&folder, slash ? (size_t)(slash - folder.data) : 0);
		rc = file_flush_folder(folder.len     ? folder.data
				       : *path == '/' ? "/"
						      : ".",
				       err);
		if (rc && (errno == EACCES || errno == EPERM || errno == EINVAL ||
			   errno == EROFS)) {
			rc = 0;
		}
	}
	buf_release(&folder);
	return rc;
}

int repo_make(const char *path, const char *branch, struct err *err)
{
	struct buf head = {0}, mark = {0};
	int rc = repo_folder_write(path, MARK, "", 0, err);

	rc = rc ? rc : make_folders(path, err);
	if (!rc) {
		rc = write_again(path, "config", "bare", config, err);
	}
	if (!rc) {
		buf_addf(&head, "ref: %s\n", branch);
		rc = write_again(path, "HEAD", "ref: ", head.data, err);
	}
	rc = rc ? rc : flush_above(path, err);
	if (!rc) {
		buf_addf(&mark, "%s/" MARK, path);
		rc = repo_folder_remove(mark.data, err);
	}
	buf_release(&head);
	buf_release(&mark);
	return rc;
}

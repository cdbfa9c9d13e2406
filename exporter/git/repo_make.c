/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo_make.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/repo_folder.h"

/*
 * An attempt that failed may have left parts that are not durable, and after a failed fsync
 * the next one succeeds without having written anything. So each attempt makes the parts
 * that it finds again, or renames them again.
 */

/* In the order of renaming. HEAD is last: without it there is no repository. */
static const char *const parts[] = {"objects",     "refs",  "config", "info",
				    "description", "hooks", "HEAD"};
#define PARTS (sizeof(parts) / sizeof(*parts))

static void full_path(struct buf *out, const char *path, const char *name)
{
	buf_clear(out);
	buf_addf(out, "%s/%s", path, name);
}

bool repo_make_is_under_way(const char *path)
{
	struct buf making = {0};
	struct stat st;
	bool is;

	full_path(&making, path, REPO_MAKE_IN);
	is = lstat(making.data, &st) == 0;
	buf_release(&making);
	return is;
}

/* Renames one part, if it is there. */
static int move_part(const char *from, const char *to, const char *part, struct err *err)
{
	struct buf old = {0}, new = {0};
	int rc = 0;

	full_path(&old, from, part);
	full_path(&new, to, part);
	if (rename(old.data, new.data) < 0 && errno != ENOENT) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", old.data, new.data);
	}
	buf_release(&old);
	buf_release(&new);
	return rc;
}

static bool is_part(const char *name)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (strcmp(name, parts[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* Everything else is libgit2's: its locks, and files with which it tries something out. */
static int sweep(const char *making, struct err *err)
{
	struct buf path = {0};
	struct dirent *entry;
	DIR *dir = opendir(making);
	int rc = 0;

	while (!rc && dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_part(entry->d_name)) {
			full_path(&path, making, entry->d_name);
			if (unlink(path.data) < 0 && errno != ENOENT) {
				rc = err_sys(err, "cannot remove '%s'", path.data);
			}
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
	return rc;
}

int repo_make_begin(const char *path, struct err *err)
{
	/* They are made again, if they are empty. */
	static const char *const empty[] = {"objects/pack", "objects/info", "objects",
					    "refs/heads",   "refs/tags",    "refs"};
	struct buf making = {0}, name = {0};
	int rc = 0;

	full_path(&making, path, REPO_MAKE_IN);
	if (mkdir(making.data, 0777) < 0 && errno != EEXIST) {
		rc = err_sys(err, "cannot make folder '%s'", making.data);
	}
	for (size_t i = 0; !rc && i < PARTS; i++) {
		rc = move_part(path, making.data, parts[PARTS - 1 - i], err);
	}
	for (size_t i = 0; !rc && i < sizeof(empty) / sizeof(*empty); i++) {
		full_path(&name, making.data, empty[i]);
		rmdir(name.data);
	}
	if (!rc) {
		rc = sweep(making.data, err);
	}
	buf_release(&making);
	buf_release(&name);
	return rc;
}

/* Writes a file again with the same content, so that it is durable. */
static int write_again(const char *folder, const char *name, struct err *err)
{
	int rc = repo_folder_copy(folder, name, REPO_FOLDER_TEMP_CONFIG, err);

	return rc ? rc : repo_folder_rename(folder, REPO_FOLDER_TEMP_CONFIG, name, err);
}

static int flush_parts(const char *making, struct err *err)
{
	static const char *const folders[] = {"objects/pack", "objects", "refs/heads",
					      "refs/tags", "refs"};
	/* git_repository_init_ext skips folders of a repository that it finds half made. */
	static const char *const wanted[] = {"objects", "objects/pack", "objects/info",
					     "refs",    "refs/heads",   "refs/tags"};
	struct buf name = {0};
	int rc = write_again(making, "config", err);

	for (size_t i = 0; !rc && i < sizeof(wanted) / sizeof(*wanted); i++) {
		full_path(&name, making, wanted[i]);
		if (mkdir(name.data, 0777) < 0 && errno != EEXIST) {
			rc = err_sys(err, "cannot make folder '%s'", name.data);
		}
	}
	if (!rc) {
		rc = write_again(making, "HEAD", err);
	}
	for (size_t i = 0; !rc && i < sizeof(folders) / sizeof(*folders); i++) {
		full_path(&name, making, folders[i]);
		rc = file_sync_dir(name.data, err);
	}
	buf_release(&name);
	return rc;
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
		rc = file_sync_dir(folder.len     ? folder.data
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

int repo_make_end(const char *path, struct err *err)
{
	struct buf making = {0}, name = {0};
	int rc;

	full_path(&making, path, REPO_MAKE_IN);
	rc = flush_parts(making.data, err);
	for (size_t i = 0; !rc && i < PARTS; i++) {
		rc = move_part(making.data, path, parts[i], err);
	}
	if (!rc) {
		rc = file_sync_dir(path, err);
	}
	if (!rc) {
		rc = flush_above(path, err);
	}
	if (!rc && rmdir(making.data) < 0) {
		rc = err_sys(err, "cannot remove folder '%s'", making.data);
	}
	buf_release(&making);
	buf_release(&name);
	return rc;
}

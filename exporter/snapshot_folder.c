/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter/packfile.h"

static bool starts_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool has(const char *path, const char *name, mode_t kind)
{
	struct buf full = {0};
	struct stat st;
	bool found;

	buf_addf(&full, "%s/%s", path, name);
	found = stat(full.data, &st) == 0 && (st.st_mode & S_IFMT) == kind;
	buf_release(&full);
	return found;
}

int snapshot_folder_look(enum snapshot_folder *out, const char *path, struct err *err)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	*out = SNAPSHOT_FOLDER_ABSENT;
	if (!dir) {
		return errno == ENOENT ? 0
				       : err_sys(err, "cannot open folder '%s'", path);
	}
	*out = SNAPSHOT_FOLDER_EMPTY;
	if (has(path, "HEAD", S_IFREG) && has(path, "objects", S_IFDIR) &&
	    has(path, "refs", S_IFDIR)) {
		*out = SNAPSHOT_FOLDER_REPO;
	} else if (!has(path, SNAPSHOT_LOCK, S_IFREG)) {
		/* The lock comes first: a folder that has it is ours to complete. */
		errno = 0;
		while (*out == SNAPSHOT_FOLDER_EMPTY && (entry = readdir(dir))) {
			if (strcmp(entry->d_name, ".") != 0 &&
			    strcmp(entry->d_name, "..") != 0) {
				*out = SNAPSHOT_FOLDER_OTHER;
			}
		}
	}
	closedir(dir);
	return 0;
}

static int sweep_file(const char *path, struct err *err)
{
	if (unlink(path) < 0 && errno != ENOENT) {
		return err_sys(err, "cannot remove '%s', left by a killed process", path);
	}
	return 0;
}

/* Removes the files in `folder` whose names begin with one of the prefixes. */
static int sweep_prefixes(const char *repo, const char *folder, const char *const *prefix,
			  struct err *err)
{
	struct buf path = {0};
	struct dirent *entry;
	size_t base;
	DIR *dir;
	int rc = 0;

	buf_addf(&path, "%s/%s/", repo, folder);
	base = path.len;
	dir = opendir(path.data);
	while (!rc && dir && (entry = readdir(dir))) {
		for (size_t i = 0; !rc && prefix[i]; i++) {
			if (starts_with(entry->d_name, prefix[i])) {
				buf_setlen(&path, base);
				buf_addstr(&path, entry->d_name);
				rc = sweep_file(path.data, err);
			}
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
	return rc;
}

/* No reference ends in `.lock`, so below refs and logs such a file is a lock. */
static int sweep_locks(const char *repo, struct err *err)
{
	struct buf refs = {0}, logs = {0};
	char *roots[3];
	FTSENT *entry;
	FTS *walk;
	int rc = 0;

	buf_addf(&refs, "%s/refs", repo);
	buf_addf(&logs, "%s/logs", repo);
	roots[0] = refs.data;
	roots[1] = logs.data;
	roots[2] = NULL;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	while (!rc && walk && (entry = fts_read(walk))) {
		if ((entry->fts_info == FTS_F || entry->fts_info == FTS_NSOK) &&
		    ends_with(entry->fts_name, ".lock")) {
			rc = sweep_file(entry->fts_accpath, err);
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&refs);
	buf_release(&logs);
	return rc;
}

int snapshot_folder_sweep(const char *path, struct err *err)
{
	static const char *const locks[] = {"HEAD.lock", "packed-refs.lock",
					    "config.lock", NULL};
	static const char *const packs[] = {PACKFILE_TEMP_PACK, PACKFILE_TEMP_IDX,
					    "pack_git2_", NULL};
	static const char *const loose[] = {"tmp_object_git2_", NULL};
	int rc = sweep_prefixes(path, ".", locks, err);

	if (!rc) {
		rc = sweep_prefixes(path, "objects/pack", packs, err);
	}
	if (!rc) {
		rc = sweep_prefixes(path, "objects", loose, err);
	}
	return rc ? rc : sweep_locks(path, err);
}

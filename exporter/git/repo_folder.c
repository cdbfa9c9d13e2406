/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/pack/packfile.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/packset.h"
#include "exporter/git/reflock.h"

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool is(mode_t kind, const char *path, const char *name)
{
	struct buf full = {0};
	struct stat st;
	bool found;

	buf_addf(&full, "%s/%s", path, name);
	found = stat(full.data, &st) == 0 && (st.st_mode & S_IFMT) == kind;
	buf_release(&full);
	return found;
}

bool repo_folder_has(const char *path, const char *name)
{
	return is(S_IFREG, path, name);
}

int repo_folder_look(enum repo_folder_kind *out, const char *path, struct err *err)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	*out = REPO_FOLDER_ABSENT;
	if (!dir) {
		return errno == ENOENT ? 0
				       : err_sys(err, "cannot open folder '%s'", path);
	}
	*out = REPO_FOLDER_EMPTY;
	if (is(S_IFREG, path, "HEAD") && is(S_IFDIR, path, "objects") &&
	    is(S_IFDIR, path, "refs")) {
		*out = REPO_FOLDER_REPO;
	} else if (!is(S_IFREG, path, REFLOCK_FILE)) {
		/* A writer locks first: a folder with the lock is ours to complete. */
		errno = 0;
		while (*out == REPO_FOLDER_EMPTY && (entry = readdir(dir))) {
			if (strcmp(entry->d_name, ".") != 0 &&
			    strcmp(entry->d_name, "..") != 0) {
				*out = REPO_FOLDER_OTHER;
			}
		}
	}
	closedir(dir);
	return 0;
}

int repo_folder_remove(const char *full, struct err *err)
{
	if (unlink(full) < 0 && errno != ENOENT) {
		return err_sys(err, "cannot remove '%s', left by a killed process", full);
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
			if ((entry->d_name[0] != '.' || prefix[i][0] == '.') &&
			    strncmp(entry->d_name, prefix[i], strlen(prefix[i])) == 0) {
				buf_setlen(&path, base);
				buf_addstr(&path, entry->d_name);
				rc = repo_folder_remove(path.data, err);
			}
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
	return rc;
}

int repo_folder_unstage(const char *path, struct err *err)
{
	static const char *const all[] = {"", NULL};
	struct buf folder = {0};
	int rc = sweep_prefixes(path, REPO_FOLDER_STAGE, all, err);

	buf_addf(&folder, "%s/%s", path, REPO_FOLDER_STAGE);
	if (!rc && rmdir(folder.data) < 0 && errno != ENOENT) {
		rc = err_sys(err, "cannot remove folder '%s'", folder.data);
	}
	buf_release(&folder);
	return rc;
}

/* No other program uses these names. Every other file may be another program's: git's
 * locks, a pack whose index git is about to rename, what another libgit2 writes. */
int repo_folder_sweep(const char *path, struct err *err)
{
	static const char *const own[] = {REPO_FOLDER_TEMP_REF, REPO_FOLDER_TEMP_CONFIG,
					  ".albumen-tmp-", NULL};
	static const char *const packs[] = {PACKFILE_TEMP_PACK, PACKFILE_TEMP_IDX, NULL};
	int rc = sweep_prefixes(path, ".", own, err);

	rc = rc ? rc : sweep_prefixes(path, "objects/pack", packs, err);
	if (!rc) {
		rc = repo_folder_unstage(path, err);
	}
	return rc ? rc : reflock_sweep(path, err);
}

/* --- advice --- */

/* Appends what is wrong with one pack, as "; ...". */
static void advise_pack(struct buf *out, const char *path, const char *folder,
			const char *name)
{
	struct packindex index = {0};
	struct buf idx = {0};
	struct err why;

	buf_addf(&idx, "objects/pack/%s.idx", name);
	if (!packset_is_name(name, strlen(name))) {
		/* It is not git's. */
	} else if (!repo_folder_has(path, idx.data)) {
		buf_addf(out,
			 "; the pack %s.pack has lost its index: rebuild it with: "
			 "git -C '%s' index-pack 'objects/pack/%s.pack'",
			 name, path, name);
	} else if (packindex_open(&index, folder, name, &why) == ERR_INPUT) {
		buf_addf(out, "; %s: restore the file from a copy or a clone", why.msg);
	}
	packindex_close(&index);
	buf_release(&idx);
}

void repo_folder_advise(struct buf *out, const char *path)
{
	struct buf folder = {0};
	struct dirent *entry;
	DIR *dir;

	buf_addf(&folder, "%s/objects/pack", path);
	dir = opendir(folder.data);
	while (dir && !out->len && (entry = readdir(dir))) {
		char *name = entry->d_name;

		if (ends_with(name, ".pack")) {
			name[strlen(name) - strlen(".pack")] = '\0';
			advise_pack(out, path, folder.data, name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&folder);
}

/* --- files --- */

int repo_folder_write(const char *path, const char *name, const void *bytes, size_t len,
		      struct err *err)
{
	struct buf file = {0};
	int fd, rc;

	buf_addf(&file, "%s/%s", path, name);
	fd = open(file.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	rc = fd < 0 ? err_sys(err, "cannot make '%s'", file.data)
		    : file_write_fd(fd, bytes, len, file.data, err);
	if (fd >= 0 && close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", file.data);
	}
	buf_release(&file);
	return rc;
}

int repo_folder_copy(const char *path, const char *from, const char *to, struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc;

	buf_addf(&file, "%s/%s", path, from);
	rc = file_read(&text, file.data, (size_t)16 << 20, err);
	rc = rc ? rc : repo_folder_write(path, to, text.data, text.len, err);
	buf_release(&file);
	buf_release(&text);
	return rc;
}

int repo_folder_rename(const char *path, const char *from, const char *to,
		       struct err *err)
{
	struct buf old = {0}, new = {0};
	int fd, rc = 0;

	buf_addf(&old, "%s/%s", path, from);
	buf_addf(&new, "%s/%s", path, to);
	fd = open(old.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", old.data);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (!rc && rename(old.data, new.data) < 0 &&
	    (errno != EISDIR || rmdir(new.data) < 0 || rename(old.data, new.data) < 0)) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", old.data, new.data);
	}
	buf_release(&old);
	buf_release(&new);
	return rc;
}

static uint64_t hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *name; name++) {
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	}
	return hash;
}

uint64_t repo_folder_fingerprint(const char *path)
{
	struct buf folder = {0};
	struct dirent *entry;
	struct stat st = {0};
	uint64_t sum;
	DIR *dir;

	sum = stat(path, &st) < 0 ? 0 : (uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 32;
	buf_addf(&folder, "%s/objects/pack", path);
	dir = opendir(folder.data);
	/* A sum, as the entries of a folder come in any order. */
	while (dir && (entry = readdir(dir))) {
		if (ends_with(entry->d_name, ".idx") ||
		    ends_with(entry->d_name, ".pack")) {
			sum += hash_name(entry->d_name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&folder);
	return sum;
}

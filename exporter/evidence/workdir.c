/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"

#define NAME ".albumen-bundle."
#define RANDOM "XXXXXX"

static void remove_tree(char *path)
{
	char *roots[] = {path, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

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

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_named(int fd, const char *path)
{
	bool same = false;

	return file_is_same(&same, fd, path, NULL) == 0 && same;
}

static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

static void sweep(const char *folder)
{
	struct buf path = {0};
	struct dirent *entry;
	DIR *dir = opendir(folder);

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		int fd;

		if (strncmp(name, NAME, strlen(NAME)) != 0 ||
		    strlen(name) != strlen(NAME RANDOM)) {
			continue;
		}
		buf_clear(&path);
		buf_addf(&path, "%s/%s", folder, name);
		fd = open_folder(path.data);
		if (fd >= 0 && is_ours(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    is_named(fd, path.data)) {
			log_info("removing '%s', left by a killed process", path.data);
			remove_tree(path.data);
		}
		if (fd >= 0) {
			close(fd);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
}

static void add_folder(struct buf *path, const char *out)
{
	const char *slash = strrchr(out, '/');

	if (strcmp(out, "-") == 0) {
		buf_addstr(path, file_temp_folder());
	} else if (slash) {
		buf_add(path, out, (size_t)(slash - out) + (slash == out));
	} else {
		buf_addstr(path, ".");
	}
}

/* False: another process sweeps it, as it was not locked yet. A file system without locks is
 * fine, as nothing is swept there. */
static bool lock(struct workdir *dir)
{
	if ((flock(dir->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
	    !is_named(dir->fd, dir->path.data)) {
		close(dir->fd);
		dir->fd = -1;
	}
	return dir->fd >= 0;
}

int workdir_make(struct workdir *dir, const char *out, struct err *err)
{
	struct buf folder = {0};
	char *whole;
	int rc = 0;

	*dir = (struct workdir){.fd = -1};
	add_folder(&folder, out);
	sweep(folder.data);
	whole = realpath(folder.data, NULL); /* git runs in other folders */
	do {
		buf_clear(&dir->path);
		buf_addf(&dir->path, "%s/" NAME RANDOM, whole ? whole : folder.data);
		if (!mkdtemp(dir->path.data)) {
			rc = err_sys(err, "cannot make a folder for '%s'", out);
			buf_release(&dir->path);
		} else if ((dir->fd = open_folder(dir->path.data)) < 0 &&
			   errno != ENOENT) {
			rc = err_sys(err, "cannot open '%s'", dir->path.data);
		}
	} while (!rc && (dir->fd < 0 || !lock(dir)));
	free(whole);
	buf_release(&folder);
	return rc;
}

void workdir_remove(struct workdir *dir)
{
	if (dir->path.len) {
		remove_tree(dir->path.data);
	}
	if (dir->fd >= 0) {
		close(dir->fd);
	}
	buf_release(&dir->path);
}

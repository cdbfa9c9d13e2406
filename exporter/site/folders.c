/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/folders.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int open_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

int folders_open(struct folders *out, const char *path, struct err *err)
{
	*out = (struct folders){.root_path = xstrdup(path)};
	/* The site itself may be a link: operators switch between sites that way. */
	out->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return out->root < 0 ? err_sys(err, "cannot open folder '%s'", path) : 0;
}

/* Closes the open folders from `depth` on. */
static void close_from(struct folders *folders, size_t depth)
{
	while (folders->depth > depth) {
		close(folders->fd[--folders->depth]);
	}
	buf_setlen(&folders->at, depth ? folders->end[depth - 1] : 0);
}

void folders_close(struct folders *folders)
{
	if (!folders->root_path) {
		return;
	}
	close_from(folders, 0);
	if (folders->root >= 0) {
		close(folders->root);
	}
	buf_release(&folders->at);
	buf_release(&folders->changed);
	free(folders->root_path);
	folders->root_path = NULL;
}

/* Records a change in the folder `path` (its first `len` bytes). */
static void add_changed(struct folders *folders, const char *path, size_t len)
{
	if (folders->many) {
		folders->whole = true;
		return;
	}
	for (size_t i = 0; i < folders->changed.len;) {
		const char *known = folders->changed.data + i;
		size_t known_len = strlen(known);

		if (known_len == len && memcmp(known, path, len) == 0) {
			return;
		}
		i += known_len + 1;
	}
	buf_add(&folders->changed, path, len);
	buf_addch(&folders->changed, '\0');
}

void folders_changed(struct folders *folders)
{
	add_changed(folders, folders->at.len ? folders->at.data : "", folders->at.len);
}

/* Opens the folder at.data + start, whose parent is the last open one. */
static int open_next(struct folders *folders, size_t start, bool make, struct err *err)
{
	int parent = folders->depth ? folders->fd[folders->depth - 1] : folders->root;
	const char *name = folders->at.data + start;
	int fd = openat(parent, name, open_flags);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP) &&
	    folders->depth >= FOLDERS_FIXED_DEPTH) {
		/* A file or a link in the place of an album's folder: not ours. */
		if (make && unlinkat(parent, name, 0) < 0) {
			return err_sys(err, "cannot remove '%s/%s'", folders->root_path,
				       folders->at.data);
		}
		errno = ENOENT;
	}
	if (fd < 0 && errno == ENOENT && !make) {
		return ERR_NOTFOUND;
	}
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(parent, name, 0777) < 0) {
			return err_sys(err, "cannot make folder '%s/%s'",
				       folders->root_path, folders->at.data);
		}
		add_changed(folders, folders->at.data, start ? start - 1 : 0);
		fd = openat(parent, name, open_flags);
	}
	if (fd < 0) {
		return err_sys(err, "cannot open folder '%s/%s'", folders->root_path,
			       folders->at.data);
	}
	folders->end[folders->depth] = folders->at.len;
	folders->fd[folders->depth++] = fd;
	return 0;
}

int folders_parent(struct folders *folders, int *dirfd, const char **name,
		   const char *path, bool make, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	size_t common = 0;
	int rc;

	while (common < folders->depth && folders->end[common] <= len &&
	       path[folders->end[common]] == '/' &&
	       memcmp(path, folders->at.data, folders->end[common]) == 0) {
		common++;
	}
	close_from(folders, common);
	while (folders->at.len < len) {
		size_t start = folders->at.len ? folders->at.len + 1 : 0;
		size_t end = start + strcspn(path + start, "/");

		assert(folders->depth < FOLDERS_DEPTH_MAX);
		buf_add(&folders->at, path + folders->at.len, end - folders->at.len);
		rc = open_next(folders, start, make, err);
		if (rc) {
			close_from(folders, folders->depth);
			return rc;
		}
	}
	*dirfd = folders->depth ? folders->fd[folders->depth - 1] : folders->root;
	*name = slash ? slash + 1 : path;
	return 0;
}

int folders_remove_empty(struct folders *folders, struct err *err)
{
	while (folders->depth > FOLDERS_FIXED_DEPTH) {
		size_t up = folders->end[folders->depth - 2];

		if (unlinkat(folders->fd[folders->depth - 2], folders->at.data + up + 1,
			     AT_REMOVEDIR) < 0) {
			if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT) {
				return 0;
			}
			return err_sys(err, "cannot remove folder '%s/%s'",
				       folders->root_path, folders->at.data);
		}
		close_from(folders, folders->depth - 1);
		folders_changed(folders);
	}
	return 0;
}

int folders_flush(struct folders *folders, struct err *err)
{
	if (folders->whole && syncfs(folders->root) < 0) {
		return err_sys(err, "cannot flush the file system of '%s'",
			       folders->root_path);
	}
	for (size_t i = 0; i < folders->changed.len;) {
		const char *path = folders->changed.data + i;
		int fd = openat(folders->root, *path ? path : ".", open_flags);

		/* If it was removed, its parent changed, and is flushed. */
		if (fd < 0 ? errno != ENOENT : fsync(fd) < 0) {
			int rc = err_sys(err, "cannot flush folder '%s/%s'",
					 folders->root_path, path);

			if (fd >= 0) {
				close(fd);
			}
			return rc;
		}
		if (fd >= 0) {
			close(fd);
		}
		i += strlen(path) + 1;
	}
	buf_clear(&folders->changed);
	folders->whole = false;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A site is five folders deep. Anything deeper than this was put there by somebody else,
 * and is not worth a file descriptor for each level. */
#define DEPTH_MAX 64

struct walk {
	const char *root;
	struct buf *path;
	place_keep_fn *keep;
	void *payload;
	uint64_t *removed; /* NULL: nothing is removed */
	int depth;
	struct err *err;
};

static int walk_folder(struct walk *walk, int dirfd, const char *name, uint64_t *kept);

static bool is_folder(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN) {
		return entry->d_type == DT_DIR;
	}
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Handles one entry of a folder, whose path is walk->path; *kept counts up if it stays. */
static int walk_entry(struct walk *walk, int dirfd, const struct dirent *entry,
		      uint64_t *kept)
{
	bool folder = is_folder(dirfd, entry);
	uint64_t inside = 0;
	int rc;

	if (!folder && walk->keep && walk->keep(walk->path->data, walk->payload)) {
		(*kept)++;
		return 0;
	}
	if (folder) {
		if ((rc = walk_folder(walk, dirfd, entry->d_name, &inside))) {
			return rc;
		}
		if (inside) {
			(*kept)++;
			return 0;
		}
	}
	if (!walk->removed) {
		return 0;
	}
	if (unlinkat(dirfd, entry->d_name, folder ? AT_REMOVEDIR : 0) < 0 &&
	    errno != ENOENT) {
		return err_sys(walk->err, "cannot remove '%s/%s'", walk->root,
			       walk->path->data);
	}
	*walk->removed += !folder;
	return 0;
}

static int walk_folder(struct walk *walk, int dirfd, const char *name, uint64_t *kept)
{
	size_t length = walk->path->len;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		if (fd < 0 && errno == ENOENT) {
			return 0;
		}
		rc = err_sys(walk->err, "cannot read folder '%s/%s'", walk->root,
			     walk->path->data);
		if (fd >= 0) {
			close(fd);
		}
		return rc;
	}
	if (++walk->depth > DEPTH_MAX) {
		rc = err_set(walk->err, ERR_FAIL,
			     "'%s/%s' is not part of a site, and nested too deep to be "
			     "removed automatically; remove it by hand",
			     walk->root, walk->path->data);
	}
	while (!rc && (errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		buf_addf(walk->path, "%s%s", length ? "/" : "", entry->d_name);
		rc = walk_entry(walk, fd, entry, kept);
		buf_setlen(walk->path, length);
	}
	if (!rc && errno) {
		rc = err_sys(walk->err, "cannot read folder '%s/%s'", walk->root,
			     walk->path->data);
	}
	walk->depth--;
	closedir(dir);
	return rc;
}

int place_walk(int dirfd, const char *name, const char *root, struct buf *path,
	       place_keep_fn *keep, void *payload, uint64_t *removed, struct err *err)
{
	struct walk walk = {.root = root,
			    .path = path,
			    .keep = keep,
			    .payload = payload,
			    .removed = removed,
			    .err = err};
	uint64_t kept = 0;

	return walk_folder(&walk, dirfd, name, &kept);
}

int place_walk_remove(int dirfd, const char *name, const char *root, struct err *err)
{
	struct buf path = {0};
	uint64_t removed = 0;
	int rc = 0;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT) {
		return 0;
	}
	if (errno != EISDIR && errno != EPERM) {
		return err_sys(err, "cannot remove '%s' in '%s'", name, root);
	}
	buf_addstr(&path, name);
	rc = place_walk(dirfd, name, root, &path, NULL, NULL, &removed, err);
	if (!rc && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		rc = err_sys(err, "cannot remove '%s' in '%s'", name, root);
	}
	buf_release(&path);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_inner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter/site/place_look.h"
#include "exporter/site/place_walk.h"

/* Makes the folders that `path` lies in, below place->build: the deepest first,
 * for mostly all above it are there. */
static int build_folders(struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int rc;

	if (!slash) {
		errno = ENOENT;
		return -1;
	}
	folder = xmemdup0(path, (size_t)(slash - path));
	rc = mkdirat(place->build, folder, 0777);
	if (rc < 0 && errno == ENOENT && build_folders(place, folder) == 0) {
		rc = mkdirat(place->build, folder, 0777);
	}
	free(folder);
	return rc;
}

/* The name of a file on its way. */
struct temp {
	char name[32];
};

static struct temp temp_name(size_t number)
{
	struct temp temp;

	snprintf(temp.name, sizeof(temp.name), PLACE_TEMP "%zu", number);
	return temp;
}

static int create(struct place *place, const char *path)
{
	static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	int fd;

	if (place->build < 0) {
		return openat(place->tmp, temp_name(place->lates).name, flags | O_EXCL,
			      0644);
	}
	fd = openat(place->build, path, flags | O_TRUNC, 0644);
	if (fd < 0 && errno == ENOENT && build_folders(place, path) == 0) {
		fd = openat(place->build, path, flags | O_TRUNC, 0644);
	}
	return fd;
}

int place_begin(struct place *place, const char *path, struct err *err)
{
	assert(place->out < 0);
	buf_clear(&place->path);
	buf_addstr(&place->path, path);
	place->rc = 0;
	place->is_there = false;
	if (place->found) {
		return place_look_begin(place, err);
	}
	place->out = create(place, path);
	if (place->out < 0) {
		return err_sys(err, "cannot make '%s/%s'", place->root_path, path);
	}
	return 0;
}

void place_write(struct place *place, const void *bytes, size_t len)
{
	const char *p = bytes;

	if (place->found) {
		place_look_write(place, bytes, len);
		return;
	}
	while (!place->rc && len) {
		ssize_t n = write(place->out, p, len);

		if (n < 0 && errno != EINTR) {
			place->rc = err_sys(&place->failure, "cannot write '%s/%s'",
					    place->root_path, place->path.data);
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* Gives the new file an mtime a second or more after that of the one it replaces. */
static int set_mtime(struct place *place, int dirfd, const char *name)
{
	struct stat old, now;

	if (fstatat(dirfd, name, &old, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT ? 0 : -1;
	}
	place->is_there = true;
	if (fstat(place->out, &now) < 0) {
		return -1;
	}
	old.st_mtim.tv_sec++;
	if (now.st_mtim.tv_sec > old.st_mtim.tv_sec ||
	    (now.st_mtim.tv_sec == old.st_mtim.tv_sec &&
	     now.st_mtim.tv_nsec >= old.st_mtim.tv_nsec)) {
		return 0;
	}
	return futimens(place->out,
			(const struct timespec[2]){{.tv_nsec = UTIME_OMIT}, old.st_mtim});
}

/* Renames a temporary file into place. */
static int move_in(struct place *place, size_t number, int dirfd, const char *name,
		   const char *path, struct err *err)
{
	struct temp temp = temp_name(number);
	int rc;

	if (renameat(place->tmp, temp.name, dirfd, name) == 0) {
		return 0;
	}
	if (errno == EISDIR || errno == EEXIST || errno == ENOTEMPTY) {
		rc = place_walk_remove(dirfd, name, place->root_path, err);
		if (rc) {
			return rc;
		}
		if (renameat(place->tmp, temp.name, dirfd, name) == 0) {
			return 0;
		}
	}
	return err_sys(err, "cannot rename a file in '%s/" PLACE_OWN "/tmp' to '%s/%s'%s",
		       place->root_path, place->root_path, path,
		       errno == EXDEV ? " (a site must be all on one file system)" : "");
}

static int cannot_write(const struct place *place, const char *path, struct err *err)
{
	return err_sys(err, "cannot write '%s/%s'", place->root_path, path);
}

int place_settle(struct place *place, struct err *err)
{
	const char *name;
	int dirfd;
	int rc = 0;

	for (size_t i = 0; i < place->lates; i++) {
		const char *path = place->late_paths.data + place->late[i].path;

		if (!rc && fsync(place->late[i].fd) < 0) {
			rc = cannot_write(place, path, err);
		}
		if (close(place->late[i].fd) < 0 && !rc) {
			rc = cannot_write(place, path, err);
		}
	}
	for (size_t i = 0; i < place->lates; i++) {
		const char *path = place->late_paths.data + place->late[i].path;

		if (!rc) {
			rc = place_parent(place, &dirfd, &name, path, true, err);
		}
		if (!rc) {
			rc = move_in(place, i, dirfd, name, path, err);
		}
		if (rc) {
			unlinkat(place->tmp, temp_name(i).name, 0);
		} else {
			place_touch(place);
		}
	}
	place->lates = 0;
	buf_clear(&place->late_paths);
	return rc;
}

/* The file is written: the disk may begin with it while others are. */
static int put_late(struct place *place, struct err *err)
{
	/* Only a hint: place_settle's fsync is what counts. */
	sync_file_range(place->out, 0, 0, SYNC_FILE_RANGE_WRITE);
	place->late[place->lates].fd = place->out;
	place->late[place->lates++].path = place->late_paths.len;
	buf_add(&place->late_paths, place->path.data, place->path.len + 1);
	place->out = -1;
	place->dirty = true;
	return place->lates == PLACE_LATE_MAX ? place_settle(place, err) : 0;
}

int place_end(struct place *place, struct err *err)
{
	bool building = place->build >= 0;
	const char *name = NULL;
	int dirfd = -1;
	int rc = place->rc;

	if (place->found) {
		place_look_end(place);
		return 0;
	}
	if (rc && err) {
		*err = place->failure;
	}
	if (!rc && !building) {
		rc = place_parent(place, &dirfd, &name, place->path.data, true, err);
	}
	if (!rc && !building && set_mtime(place, dirfd, name) < 0) {
		rc = cannot_write(place, place->path.data, err);
	}
	if (!rc && !building && !place->many) {
		return put_late(place, err);
	}
	if (close(place->out) < 0 && !rc) {
		rc = cannot_write(place, place->path.data, err);
	}
	place->out = -1;
	if (building) {
		place->dirty = true;
		return rc;
	}
	if (!rc) {
		rc = move_in(place, place->lates, dirfd, name, place->path.data, err);
	}
	if (rc) {
		unlinkat(place->tmp, temp_name(place->lates).name, 0);
	} else {
		place_touch(place);
	}
	return rc;
}

int place_put(struct place *place, const char *path, const void *body, size_t len,
	      struct err *err)
{
	int rc = place_begin(place, path, err);

	if (rc) {
		return rc;
	}
	place_write(place, body, len);
	return place_end(place, err);
}

bool place_was_there(const struct place *place)
{
	return place->is_there;
}

/* Whether the open file has exactly these bytes; its size is known to fit. */
static int compare(bool *same, int fd, const char *body, size_t len)
{
	char chunk[65536];

	while (len) {
		ssize_t n = read(fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk));

		if (n < 0 && errno == EIO) {
			return 0; /* it is lost there, and can be written again */
		}
		if (n < 0 && errno != EINTR) {
			return -1;
		}
		if (n == 0 || (n > 0 && memcmp(chunk, body, (size_t)n) != 0)) {
			return 0;
		}
		if (n > 0) {
			body += n;
			len -= (size_t)n;
		}
	}
	*same = true;
	return 0;
}

int place_has(bool *has, struct place *place, const char *path, const void *body,
	      size_t len, struct err *err)
{
	const char *name;
	struct stat st;
	int dirfd, fd;
	int rc;

	*has = false;
	rc = place_parent(place, &dirfd, &name, path, false, err);
	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		/* A link, a socket, a file of somebody else's: to be replaced. */
		if (errno == ENOENT || errno == ELOOP || errno == ENXIO ||
		    errno == EACCES) {
			return 0;
		}
		return err_sys(err, "cannot open '%s/%s'", place->root_path, path);
	}
	if (fstat(fd, &st) < 0 || (S_ISREG(st.st_mode) && (size_t)st.st_size == len &&
				   compare(has, fd, body, len) < 0)) {
		rc = err_sys(err, "cannot read '%s/%s'", place->root_path, path);
	}
	close(fd);
	return rc;
}

/* Removes the open folders that are empty, from the deepest on. */
static int remove_empty(struct place *place, struct err *err)
{
	while (place->depth > PLACE_FIXED_DEPTH) {
		size_t up = place->end[place->depth - 2];

		if (unlinkat(place->fd[place->depth - 2], place->at.data + up + 1,
			     AT_REMOVEDIR) < 0) {
			if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT) {
				return 0;
			}
			return err_sys(err, "cannot remove folder '%s/%s'",
				       place->root_path, place->at.data);
		}
		place_close_folders(place, place->depth - 1);
		place_touch(place);
	}
	return 0;
}

int place_remove(struct place *place, const char *path, uint64_t *removed,
		 struct err *err)
{
	const char *name;
	int dirfd;
	int rc = place_settle(place, err);

	if (rc) {
		return rc;
	}
	if (place->found) {
		return place_look_remove(place, path, err);
	}
	rc = place_parent(place, &dirfd, &name, path, false, err);
	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (unlinkat(dirfd, name, 0) == 0) {
		(*removed)++;
		place_touch(place);
	} else if (errno != ENOENT && errno != EISDIR) {
		return err_sys(err, "cannot remove '%s/%s'", place->root_path, path);
	}
	return remove_empty(place, err);
}

int place_remove_folder(struct place *place, const char *path, struct err *err)
{
	const char *name;
	int dirfd;
	int rc = place_settle(place, err);

	if (rc) {
		return rc;
	}
	rc = place_parent(place, &dirfd, &name, path, false, err);
	if (rc || place->found) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0) {
		place_touch(place);
	} else if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST &&
		   errno != ENOTDIR) {
		return err_sys(err, "cannot remove folder '%s/%s'", place->root_path,
			       path);
	}
	return 0;
}

int place_prune(struct place *place, const char *path, place_keep_fn *keep, void *payload,
		uint64_t *removed, struct err *err)
{
	struct buf at = {0};
	const char *name;
	int dirfd;
	int rc = place_settle(place, err);

	if (rc) {
		return rc;
	}
	rc = place_parent(place, &dirfd, &name, path, false, err);
	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	buf_addstr(&at, path);
	if (place->found) {
		rc = place_look_prune(place, dirfd, name, &at, keep, payload, err);
	} else {
		rc = place_walk(dirfd, name, place->root_path, &at, keep, payload,
				removed, NULL, err);
		place_doubt(place); /* the walk does not say which folders it changed */
	}
	buf_release(&at);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_FREE_MIN ((fsblkcnt_t)1 << 20)

int file_read_fd(struct buf *out, int fd, size_t limit, const char *name, struct err *err)
{
	size_t start = out->len;
	struct stat st;

	/* Allocates once for a regular file; the size is only a hint. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (size_t)st.st_size <= limit) {
		buf_grow(out, (size_t)st.st_size + 1);
	}
	for (;;) {
		ssize_t n;

		if (out->cap - out->len < 4096) {
			buf_grow(out, 65536);
		}
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return err_sys(err, "cannot read '%s'", name);
		}
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > limit) {
			return err_set(err, ERR_INPUT,
				       "'%s' is larger than the limit of %zu bytes", name,
				       limit);
		}
		if (n == 0) {
			return 0;
		}
	}
}

int file_read(struct buf *out, const char *path, size_t limit, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0) {
		return err_sys_find(err, "cannot open '%s'", path);
	}
	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot stat '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_FAIL, "'%s' is not a regular file", path);
	} else {
		rc = file_read_fd(out, fd, limit, path, err);
	}
	close(fd);
	return rc;
}

int file_write_fd(int fd, const void *bytes, size_t len, const char *name,
		  struct err *err)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return err_sys(err, "cannot write '%s'", name);
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

char *file_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash) {
		return xstrdup(".");
	}
	return xmemdup0(path, slash == path ? 1 : (size_t)(slash - path));
}

int file_make_temp(struct buf *name, const char *folder, const char *prefix, mode_t mode)
{
	int fd;

	/* mkostemp(3) would give it mode 0600, and the umask cannot be read without setting it
	 * for the whole process. */
	do {
		uint64_t random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
			return -1;
		}
		buf_clear(name);
		buf_addf(name, "%s/%s%016" PRIx64, folder, prefix, random);
		fd = open(name->data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

/* `renew`: see file_renew. */
static int replace(const char *path, const void *bytes, size_t len, bool renew,
		   struct err *err)
{
	struct buf temp = {0};
	char *parent = file_parent(path);
	int fd = file_make_temp(&temp, parent, ".albumen-tmp-", 0644);
	int rc;

	if (fd < 0) {
		rc = err_sys(err, "cannot make a file in '%s'", parent);
		goto out;
	}
	rc = file_write_fd(fd, bytes, len, temp.data, err);
	if (!rc && (renew ? fchmod(fd, 0644) : fsync(fd)) < 0) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	if (close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	if (!rc && rename(temp.data, path) < 0) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", temp.data, path);
	}
	if (rc) {
		unlink(temp.data);
	} else if (!renew) {
		rc = file_flush_folder(parent, err);
	}
out:
	free(parent);
	buf_release(&temp);
	return rc;
}

int file_replace(const char *path, const void *bytes, size_t len, struct err *err)
{
	return replace(path, bytes, len, false, err);
}

int file_renew(const char *path, const void *bytes, size_t len, struct err *err)
{
	return replace(path, bytes, len, true, err);
}

int file_swap(const char *path, const void *bytes, size_t len, struct err *err)
{
	struct buf new = {0};
	int fd, rc;

	buf_addf(&new, "%s" FILE_SWAP_SUFFIX, path);
	/* What lies there may be a pipe, or another name of a file elsewhere: it is not opened. */
	unlink(new.data);
	fd = open(new.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	rc = fd < 0 ? err_sys(err, "cannot make '%s'", new.data)
		    : file_write_fd(fd, bytes, len, new.data, err);
	if (fd >= 0 && close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", new.data);
	}
	if (!rc && rename(new.data, path) < 0) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", new.data, path);
	}
	if (fd >= 0 && rc) {
		unlink(new.data);
	}
	buf_release(&new);
	return rc;
}

int file_mkdirs(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	struct stat st;
	int rc = 0;

	for (char *p = copy + 1; *copy; p++) {
		char c = *p;

		if (c != '/' && c != '\0') {
			continue;
		}
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST) {
			rc = err_sys(err, "cannot make folder '%s'", copy);
			break;
		}
		if (c == '\0') {
			break;
		}
		*p = '/';
	}
	if (!rc && stat(path, &st) < 0) {
		rc = err_sys(err, "cannot make folder '%s'", path);
	} else if (!rc && !S_ISDIR(st.st_mode)) {
		rc = err_set(err, ERR_FAIL, "'%s' is not a folder", path);
	}
	free(copy);
	return rc;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0) {
		names++;
	}
	return *names != NULL;
}

int file_find_entry(struct buf *name, const char *path, const char *const *ignored,
		    struct err *err)
{
	static const char *const dots[] = {".", "..", NULL};
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		return errno == ENOENT ? 0
				       : err_sys(err, "cannot open folder '%s'", path);
	}
	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry &&
		 (is_one_of(entry->d_name, dots) || is_one_of(entry->d_name, ignored)));
	if (entry) {
		buf_addstr(name, entry->d_name);
	} else if (errno) {
		rc = err_sys(err, "cannot read folder '%s'", path);
	}
	closedir(dir);
	return rc;
}

int file_flush_folder(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0) {
		return err_sys(err, "cannot open folder '%s'", path);
	}
	if (fsync(fd) < 0) {
		rc = err_sys(err, "cannot flush folder '%s'", path);
	}
	close(fd);
	return rc;
}

bool file_disk_is_full(const char *path)
{
	struct statvfs disk;

	return statvfs(path, &disk) == 0 &&
	       (disk.f_bavail * disk.f_frsize < DISK_FREE_MIN ||
		(disk.f_files && !disk.f_favail));
}

bool file_is_inside(const char *inner, const char *outer)
{
	char *real_outer = realpath(outer, NULL);
	char *path = xstrdup(inner);
	char *real_inner = NULL;
	bool inside = false;

	if (!real_outer) {
		free(path);
		return false;
	}
	/* The nearest existing parent of `inner` decides. */
	while (!(real_inner = realpath(path, NULL))) {
		char *up = file_parent(path);

		if (strcmp(up, path) == 0) {
			free(up);
			break;
		}
		free(path);
		path = up;
	}
	if (real_inner) {
		size_t len = strlen(real_outer);

		inside = strncmp(real_inner, real_outer, len) == 0 &&
			 (real_inner[len] == '\0' || real_inner[len] == '/' ||
			  strcmp(real_outer, "/") == 0);
	}
	free(real_inner);
	free(path);
	free(real_outer);
	return inside;
}

int file_is_same(bool *same, int fd, const char *path, struct err *err)
{
	struct stat open, named;

	*same = false;
	if (fstat(fd, &open) < 0) {
		return err_sys(err, "cannot stat '%s'", path);
	}
	if (stat(path, &named) < 0) {
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(err, "cannot stat '%s'", path);
	}
	*same = open.st_dev == named.st_dev && open.st_ino == named.st_ino;
	return 0;
}

int file_lock_check(int fd, const char *path, struct err *err)
{
	bool same;
	int rc = file_is_same(&same, fd, path, err);

	if (!rc && !same) {
		rc = err_set(err, ERR_REPLACED,
			     "the lock '%s' was removed or replaced while it was held; "
			     "start again",
			     path);
	}
	return rc;
}

/* Locks the file at `path`, which may be removed between open and flock. */
static int lock_file(int *fd, const char *path, struct err *err)
{
	bool same = false;
	int rc = 0;

	while (!rc && !same) {
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
		if (*fd < 0) {
			return err_sys(err, "cannot open lock '%s'", path);
		}
		if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
			return errno == EWOULDBLOCK
				       ? ERR_LOCKED
				       : err_sys(err, "cannot lock '%s'", path);
		}
		rc = file_is_same(&same, *fd, path, err);
		if (!rc && !same) {
			close(*fd);
			*fd = -1;
		}
	}
	return rc;
}

int file_lock(int *fd, const char *path, const char *what, struct err *err)
{
	char text[256];
	int lock = -1;
	int rc = lock_file(&lock, path, err);
	int len;

	*fd = -1;
	if (rc == ERR_LOCKED) {
		ssize_t n = pread(lock, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		err_set(err, ERR_LOCKED, "'%s' is locked by %s; wait for it or stop it",
			path, *text ? text : "another process");
	}
	if (rc) {
		if (lock >= 0) {
			close(lock);
		}
		return rc;
	}
	len = snprintf(text, sizeof(text), "%s (process %ld)\n", what, (long)getpid());
	/* Written in this order, the file keeps its block: on file systems that discard
	 * freed blocks, freeing one can cost more than all the rest of this
	 * function. */
	if (pwrite(lock, text, (size_t)len, 0) != len || ftruncate(lock, len) < 0) {
		rc = err_sys(err, "cannot write lock '%s'", path);
		close(lock);
		return rc;
	}
	*fd = lock;
	return 0;
}

const char *file_temp_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/tmp";
}

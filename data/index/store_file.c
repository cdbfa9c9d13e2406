/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"

/* The lock file for READERS_MAX (store.c) readers: a header of three cache lines, which
 * contains the first reader, and a cache line for each other (mdb_env_setup_locks).
 * LMDB takes a larger file for more readers, and extends a smaller one by a hole. */
#define LOCK_SIZE 32768

/* LMDB writes 64 pages at once. */
#define WRITE_SIZE (64 * 4096)

/* Offsets in a meta page of LMDB 0.9. */
#define AT_FLAGS 10
#define AT_MAGIC 16
#define AT_VERSION 20
#define AT_PAGE_SIZE 40
#define META_SIZE 44
#define FLAG_META 0x08
#define MAGIC 0xbeefc0de
#define VERSION 1

void store_file_init(struct store_file *file, const char *dir, const char *noun,
		     const char *repair)
{
	struct buf path = {0}, lock = {0}, line = {0}, damage = {0};

	buf_addf(&path, "%s/data.mdb", dir);
	buf_addf(&lock, "%s/lock.mdb", dir);
	buf_addf(&damage,
		 "error: '%s' is damaged: reading it caused a memory fault; %s\n",
		 path.data, repair);
	buf_addf(&line, "error: '%s' was cut short while it was read; %s\n", path.data,
		 repair);
	*file = (struct store_file){.dir = xstrdup(dir),
				    .path = xstrdup(path.data),
				    .lock_path = lock.data,
				    .noun = noun,
				    .repair = xstrdup(repair),
				    .cut_line = xstrdup(line.data),
				    .damage_line = xstrdup(damage.data),
				    .fd = -1};
	buf_release(&path);
	buf_release(&line);
	buf_release(&damage);
}

void store_file_release(struct store_file *file)
{
	store_file_unguard(file);
	free(file->dir);
	free(file->path);
	free(file->lock_path);
	free(file->repair);
	free(file->cut_line);
	free(file->damage_line);
}

int store_file_cut_short(const struct store_file *file, off_t is, off_t was,
			 struct err *err)
{
	return err_set(err, ERR_FORMAT,
		       "'%s' was cut short: it has %lld bytes, not %lld; %s", file->path,
		       (long long)is, (long long)was, file->repair);
}

/* --- the file system --- */

const char *store_file_network(unsigned long type)
{
	/* statfs(2), linux/magic.h and fs/smb/client/cifsglob.h of Linux. */
	static const struct {
		uint32_t type;
		const char *name;
	} networks[] = {
		{0x00006969, "NFS"},    {0x0000517b, "SMB"},    {0xfe534d42, "SMB"},
		{0xff534d42, "CIFS"},   {0x01021997, "9p"},     {0x00c36400, "Ceph"},
		{0x5346414f, "AFS"},    {0x6b414653, "AFS"},    {0x73757245, "Coda"},
		{0x0000564c, "NCP"},    {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
		{0x19830326, "BeeGFS"}, {0xaad7aaea, "PanFS"},
	};

	for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
		/* The kernel's field is signed where `long` has 32 bits. */
		if (networks[i].type == (uint32_t)type) {
			return networks[i].name;
		}
	}
	return NULL;
}

int store_file_check_disk(const char *dir, const char *noun, struct err *err)
{
	struct buf path = {0};
	const char *network = NULL;
	struct statfs fs;
	int rc;

	buf_addstr(&path, dir);
	while ((rc = statfs(path.data, &fs)) < 0 && errno == ENOENT &&
	       strcmp(path.data, ".") != 0) {
		char *slash = strrchr(path.data, '/');
		size_t len = slash ? (size_t)(slash - path.data) : 0;

		buf_clear(&path);
		buf_addstr(&path, !slash ? "." : len ? "" : "/");
		buf_add(&path, dir, len);
	}
	if (rc < 0) {
		rc = err_sys(err, "cannot look at the file system of '%s'", dir);
	} else if ((network = store_file_network((unsigned long)fs.f_type))) {
		rc = err_set(
			err, ERR_REFUSED,
			"the %s '%s' is on a network file system (%s), on which LMDB, "
			"its database, loses data; name a folder on a local disk",
			noun, dir, network);
	}
	buf_release(&path);
	return rc;
}

/* --- before it is opened --- */

static uint32_t number_at(const char *page, size_t at)
{
	uint32_t n;

	memcpy(&n, page + at, sizeof(n));
	return n;
}

static bool is_meta(const char *page)
{
	uint16_t flags;
	uint32_t page_size = number_at(page, AT_PAGE_SIZE);

	memcpy(&flags, page + AT_FLAGS, sizeof(flags));
	return (flags & FLAG_META) && number_at(page, AT_MAGIC) == MAGIC &&
	       number_at(page, AT_VERSION) == VERSION && page_size >= 512 &&
	       page_size <= 65536 && (page_size & (page_size - 1)) == 0;
}

/* The page size is in the page: the file may come from a machine with pages of another
 * size. */
static int look_at_metas(const struct store_file *file, int fd, off_t size,
			 struct err *err)
{
	char page[META_SIZE], other[META_SIZE];
	uint32_t page_size;

	if (pread(fd, page, sizeof(page), 0) == (ssize_t)sizeof(page) && is_meta(page)) {
		page_size = number_at(page, AT_PAGE_SIZE);
		if (size < 2 * (off_t)page_size) {
			return store_file_cut_short(file, size, 2 * (off_t)page_size,
						    err);
		}
		if (pread(fd, other, sizeof(other), page_size) ==
			    (ssize_t)sizeof(other) &&
		    is_meta(other) && number_at(other, AT_PAGE_SIZE) == page_size) {
			return 0;
		}
	}
	return err_set(err, ERR_FORMAT, "'%s' is damaged (its meta pages); %s",
		       file->path, file->repair);
}

static int is_link(const char *path, struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "'%s' is a symbolic link, which could lead to any file; remove it",
		       path);
}

int store_file_look(enum store_file_state *out, const struct store_file *file,
		    struct err *err)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int rc = 0;

	*out = STORE_FILE_ABSENT;
	if (fd < 0 && errno == ELOOP) {
		return is_link(file->path, err);
	}
	if (fd < 0) {
		return errno == ENOENT ? 0 : err_sys(err, "cannot open '%s'", file->path);
	}
	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot stat '%s'", file->path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_FAIL, "'%s' is not a regular file", file->path);
	} else if (st.st_size >= 2 * sysconf(_SC_PAGE_SIZE)) {
		*out = STORE_FILE_THERE;
		rc = look_at_metas(file, fd, st.st_size, err);
	} else if (st.st_size > 0) {
		*out = STORE_FILE_UNMADE;
	}
	close(fd);
	return rc;
}

int store_file_allocate_lock(struct store_file *file, struct err *err)
{
	/* LMDB would write over whatever a link leads to. */
	int fd = open(file->lock_path,
		      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	struct stat st;
	int rc = 0;

	if (fd < 0 && errno == ELOOP) {
		rc = is_link(file->lock_path, err);
	} else if (fd < 0 || fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot open '%s'", file->lock_path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_FAIL, "'%s' is not a regular file; remove it",
			     file->lock_path);
	} else if (st.st_size < LOCK_SIZE || st.st_blocks * 512 < st.st_size) {
		off_t size = st.st_size > LOCK_SIZE ? st.st_size : LOCK_SIZE;

		/* posix_fallocate(3) writes if the file system cannot allocate, while
		 * others have the file open. */
		while (!rc && fallocate(fd, 0, 0, size) < 0) {
			if (errno == EOPNOTSUPP || errno == ENOSYS) {
				break;
			}
			rc = errno == EINTR ? 0
					    : err_sys(err, "cannot allocate '%s'",
						      file->lock_path);
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	if (!rc) {
		file->lock_dev = st.st_dev;
		file->lock_ino = st.st_ino;
	}
	return rc;
}

/* --- while it is open --- */

static const char *fault_line(const struct fault_area *area)
{
	const struct store_file *file = (const struct store_file *)area;
	struct stat st;

	return fstat(file->fd, &st) == 0 && st.st_size < file->size ? file->cut_line
								    : file->damage_line;
}

void store_file_guard(struct store_file *file, int fd, const void *map, size_t size)
{
	file->fd = fd;
	file->area = (struct fault_area){.start = map, .len = size, .line = fault_line};
	fault_add(&file->area);
}

void store_file_unguard(struct store_file *file)
{
	fault_remove(&file->area);
	file->fd = -1;
}

int store_file_is_in_place(bool *yes, const struct store_file *file, struct err *err)
{
	struct stat st;
	int rc = file_is_same(yes, file->fd, file->path, err);

	if (rc || !*yes) {
		return rc;
	}
	if (stat(file->lock_path, &st) == 0) {
		*yes = st.st_dev == file->lock_dev && st.st_ino == file->lock_ino;
	} else {
		*yes = false;
		if (errno != ENOENT && errno != ENOTDIR) {
			rc = err_sys(err, "cannot stat '%s'", file->lock_path);
		}
	}
	return rc;
}

int store_file_why_short(const struct store_file *file)
{
	char *bytes = xzalloc(WRITE_SIZE);
	struct stat st;
	int error = 0;

	/* Another page may fit even so. */
	if (file_disk_is_full(file->path)) {
		error = ENOSPC;
	} else if (fstat(file->fd, &st) == 0) {
		ssize_t n = pwrite(file->fd, bytes, WRITE_SIZE, st.st_size);

		if (n < 0) {
			error = errno;
		} else {
			error = n < WRITE_SIZE ? ENOSPC : 0;
			(void)!ftruncate(file->fd, st.st_size);
		}
	}
	free(bytes);
	return error;
}

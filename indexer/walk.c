/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/log.h"

/*
 * The walk keeps the paths of folders still to be read on a stack, and opens each of them
 * below the root: one system call (openat2) and one descriptor, whatever the depth.
 *
 * getdents gives the entries in the order of a hash. On a cold disk, reading the files in
 * that order costs a seek each, so they are sorted by inode first. A folder may hold
 * millions: it is read in slices, which bound the memory and cost the sort little.
 */
#define SLICE_ENTRIES 32768
#define DENTS_BYTES 65536

struct entry {
	uint64_t ino;
	uint32_t name; /* offset in walk.names */
	unsigned char type;
};

struct walk {
	int rootfd;
	const struct walk_visitor *visitor;
	struct buf path;  /* the folder being read, with a slash behind it; "" */
	struct buf stack; /* folders to read: path, NUL, path, NUL */
	struct buf names; /* of this slice */
	struct entry *entries;
	size_t count, cap;
	char *dents;
};

bool walk_is_gone(int error)
{
	/* ELOOP: a symbolic link is on the way; ENAMETOOLONG: there can be no such path. */
	return error == ENOENT || error == ENOTDIR || error == ELOOP ||
	       error == ENAMETOOLONG;
}

bool walk_accepts_folder(const char *name)
{
	size_t len = strlen(name);

	return len && name[0] != '.' && name[len - 1] != '~';
}

bool walk_accepts_file(const char *name)
{
	static const char *const suffixes[] = {".json", ".ndjson", ".jsonl"};
	size_t len = strlen(name);

	if (!walk_accepts_folder(name)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len >= n && memcmp(name + len - n, suffixes[i], n) == 0) {
			return true;
		}
	}
	return false;
}

int walk_open(int rootfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, rootfd, *path ? path : ".", &how, sizeof(how));
}

int walk_stat(int rootfd, const char *path, struct stat *out)
{
	/* Not fstatat, which would follow links on the way. */
	int fd = walk_open(rootfd, path, O_PATH);
	int rc, saved;

	if (fd < 0) {
		return -1;
	}
	rc = fstat(fd, out);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static int by_inode(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

/* For DT_UNKNOWN: some file systems leave the type to stat. If stat fails, the entry
 * counts as a file: opening it will give the reason. */
static unsigned char type_of(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return walk_is_gone(errno) ? DT_UNKNOWN : DT_REG;
	}
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static void add_entry(struct walk *walk, int dirfd, const struct dirent64 *ent)
{
	unsigned char type = ent->d_type;
	struct entry *entry;

	if (!walk_accepts_folder(ent->d_name)) {
		return;
	}
	if (type == DT_UNKNOWN) {
		type = type_of(dirfd, ent->d_name);
	}
	if (type != DT_DIR && (type != DT_REG || !walk_accepts_file(ent->d_name))) {
		return;
	}
	walk->entries =
		xgrow(walk->entries, walk->count, &walk->cap, sizeof(*walk->entries));
	entry = &walk->entries[walk->count++];
	entry->ino = ent->d_ino;
	entry->type = type;
	entry->name = (uint32_t)walk->names.len;
	buf_add(&walk->names, ent->d_name, strlen(ent->d_name) + 1);
}

/* Shows the visitor the files of one slice, and puts its folders on the stack. */
static int visit_slice(struct walk *walk, int dirfd, struct err *err)
{
	size_t base = walk->path.len;
	int rc = 0;

	if (walk->count) {
		qsort(walk->entries, walk->count, sizeof(*walk->entries), by_inode);
	}
	for (size_t i = 0; i < walk->count && !rc; i++) {
		const struct entry *entry = &walk->entries[i];
		const char *name = walk->names.data + entry->name;
		size_t len = strlen(name);

		if (base + len > WALK_PATH_MAX) {
			/* The log cuts so long a line: the reason comes first. */
			log_warning("not read, because its path is longer than %d bytes "
				    "(move it up or shorten names): '%s%s'",
				    WALK_PATH_MAX, base ? walk->path.data : "", name);
			if (walk->visitor->too_long) {
				walk->visitor->too_long(walk->visitor->payload);
			}
			continue;
		}
		buf_add(&walk->path, name, len);
		if (entry->type == DT_DIR) {
			buf_add(&walk->stack, walk->path.data, walk->path.len + 1);
		} else if (walk->visitor->file) {
			struct walk_file file = {
				.dirfd = dirfd,
				.name = walk->path.data + base,
				.path = walk->path.data,
				.len = walk->path.len,
			};

			rc = walk->visitor->file(&file, walk->visitor->payload, err);
		}
		buf_setlen(&walk->path, base);
	}
	walk->count = 0;
	buf_clear(&walk->names);
	return rc;
}

static int unreadable(struct walk *walk, const char *path, size_t len, int error,
		      struct err *err)
{
	if (walk_is_gone(error)) {
		return 0;
	}
	if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSYS) {
		errno = error;
		return err_sys(err, "cannot open folder '%s'", len ? path : ".");
	}
	if (!walk->visitor->unreadable) {
		return 0;
	}
	return walk->visitor->unreadable(path, len, error, walk->visitor->payload, err);
}

/* Reads the open folder walk->path. */
static int read_folder(struct walk *walk, int dirfd, struct err *err)
{
	for (;;) {
		ssize_t n = getdents64(dirfd, walk->dents, DENTS_BYTES);
		int rc = 0;

		if (n < 0) {
			size_t len = walk->path.len ? walk->path.len - 1 : 0;
			char *path = xmemdup0(walk->path.data, len);

			rc = unreadable(walk, path, len, errno, err);
			free(path);
			n = 0;
		}
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *ent =
				(const struct dirent64 *)(walk->dents + at);

			add_entry(walk, dirfd, ent);
			at += ent->d_reclen;
		}
		if (!rc && (n == 0 || walk->count >= SLICE_ENTRIES)) {
			rc = visit_slice(walk, dirfd, err);
		}
		if (rc || n == 0) {
			return rc;
		}
	}
}

static int walk_folder(struct walk *walk, struct err *err)
{
	const struct walk_visitor *visitor = walk->visitor;
	const char *path = walk->path.data;
	size_t len = walk->path.len;
	int dirfd = walk_open(walk->rootfd, path, O_RDONLY | O_DIRECTORY);
	int rc = 0;

	if (dirfd < 0) {
		return unreadable(walk, path, len, errno, err);
	}
	if (visitor->enter) {
		rc = visitor->enter(dirfd, path, len, visitor->payload, err);
	}
	if (!rc) {
		if (len) {
			buf_addch(&walk->path, '/');
		}
		rc = read_folder(walk, dirfd, err);
	}
	close(dirfd);
	return rc;
}

int walk_run(int rootfd, const char *path, size_t len, const struct walk_visitor *visitor,
	     struct err *err)
{
	struct walk walk = {.rootfd = rootfd, .visitor = visitor};
	int rc = 0;

	walk.dents = xmalloc(DENTS_BYTES);
	buf_add(&walk.stack, path, len);
	buf_addch(&walk.stack, '\0');
	while (!rc && walk.stack.len) {
		size_t end = walk.stack.len - 1;
		const char *before = memrchr(walk.stack.data, '\0', end);
		size_t begin = before ? (size_t)(before - walk.stack.data) + 1 : 0;

		buf_clear(&walk.path);
		buf_add(&walk.path, walk.stack.data + begin, end - begin);
		buf_setlen(&walk.stack, begin);
		rc = walk_folder(&walk, err);
	}
	buf_release(&walk.path);
	buf_release(&walk.stack);
	buf_release(&walk.names);
	free(walk.entries);
	free(walk.dents);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_FILE_H
#define DATA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * file - whole files, folders and locks: the calls that both programs need, with every
 * result checked.
 */

/* Appends all of the open file `fd` to *out, from its current offset.
 * More than `limit` bytes: ERR_INPUT. `name` is for the message. */
int file_read_fd(struct buf *out, int fd, size_t limit, const char *name,
		 struct err *err);

/* Appends the file `path` to *out (O_NOFOLLOW, regular files only). ERR_NOTFOUND: it
 * does not exist. */
int file_read(struct buf *out, const char *path, size_t limit, struct err *err);

/* Writes all of `bytes` to `fd`. */
int file_write_fd(int fd, const void *bytes, size_t len, const char *name,
		  struct err *err);

/* Makes or replaces `path`: writes a temporary file beside it, flushes it, renames it,
 * and flushes the folder. A reader sees the whole old file or the whole new one, also
 * after a power loss. The mode is 0644 less the umask. */
int file_replace(const char *path, const void *bytes, size_t len, struct err *err);

/* The same, but not flushed, and with mode 0644 whatever the umask: for a file that tells
 * other users how things are, and is soon written again. A power loss may leave an old one or
 * an empty one, and a kill a small `.albumen-tmp-*` beside it. */
int file_renew(const char *path, const void *bytes, size_t len, struct err *err);
/* The same for one writer at a time, as with a lock: what a kill leaves is PATH.new, which the
 * next call replaces. The mode is 0666 less the umask. */
#define FILE_SWAP_SUFFIX ".new"
int file_swap(const char *path, const void *bytes, size_t len, struct err *err);

/* Makes a new file in the folder, for reading and writing, and sets *name to its path: the
 * prefix and random digits. Its mode is `mode` less the umask. Returns the descriptor, or -1 with
 * errno. */
int file_make_temp(struct buf *name, const char *folder, const char *prefix, mode_t mode);
/* Makes the folder `path` and its missing parents, with mode 0777 less the umask. It
 * may exist already; any other file in its place is an error. */
int file_mkdirs(const char *path, struct err *err);

/* Appends to *name the name of an entry of the folder `path` that is not one of `ignored`
 * (NULL ends it). Nothing is appended if there is none, or no folder. */
int file_find_entry(struct buf *name, const char *path, const char *const *ignored,
		    struct err *err);

/* The folder that `path` lies in: "." where it has no slash. The caller frees it. */
char *file_parent(const char *path);

/* Flushes a folder, so that the names in it are durable. */
int file_flush_folder(const char *path, struct err *err);

/* True if less than a megabyte is free at `path`: for failures of programs and
 * libraries that do not say why they could not write. */
bool file_disk_is_full(const char *path);

/* True if `inner` is `outer` or lies below it, with links resolved (of `inner`, in the
 * part that exists). False if `outer` does not exist. */
bool file_is_inside(const char *inner, const char *outer);

/*
 * A lock that names its holder. The file `path` is made if absent and never removed.
 * The lock is flock(2) on it, which the kernel releases when the holder exits, even by
 * kill -9. The holder writes `what` and its process id into the file, for the message
 * that another process gets:
 *	ERR_LOCKED "'REPO' is locked by albumen-exporter export (process 4711); ..."
 * On success *fd is an open descriptor (close-on-exec): close it to unlock. If the file
 * is removed or replaced, another process can lock the new one; file_lock_check then
 * fails with ERR_REPLACED.
 */
int file_lock(int *fd, const char *path, const char *what, struct err *err);
int file_lock_check(int fd, const char *path, struct err *err);

/* Sets *same to whether `path` names the file that `fd` is open on. A missing path does
 * not. */
int file_is_same(bool *same, int fd, const char *path, struct err *err);

/* The folder for temporary files: $TMPDIR, or /tmp. Borrowed. */
const char *file_temp_folder(void);

#endif

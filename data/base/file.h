/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_FILE_H
#define DATA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * file - whole files, folders and locks: the few calls that both programs need,
 * with every result checked.
 */

/* Appends all of the open file `fd` to *out, from its current offset.
 * More than `limit` bytes: ERR_INPUT. `name` is for the message. */
int file_read_fd(struct buf *out, int fd, size_t limit, const char *name,
		 struct err *err);

/* Appends the file `path` (O_NOFOLLOW, regular files only) to *out.
 * ERR_NOTFOUND where it does not exist. */
int file_read(struct buf *out, const char *path, size_t limit, struct err *err);

/* Writes all of `bytes` to `fd`. */
int file_write_fd(int fd, const void *bytes, size_t len, const char *name,
		  struct err *err);

/* Replaces or makes `path` with `bytes`: a temporary file beside it, write,
 * fsync, rename, fsync of the folder. A reader sees the old file or the new
 * one, whole; after a power loss likewise. Mode 0644 less the umask. */
int file_replace(const char *path, const void *bytes, size_t len, struct err *err);

/* Makes `path` and what is missing above it, mode 0777 less the umask.
 * Being there already is success; a file in its place is not. */
int file_mkdirs(const char *path, struct err *err);

/* fsync of a folder: makes the names in it durable. */
int file_sync_dir(const char *path, struct err *err);

/* True if less than a megabyte is free where `path` is: for failures of programs and
 * libraries that do not say why they could not write. */
bool file_disk_is_full(const char *path);

/* True if `inner` is `outer` or lies below it, both taken as they are on disk
 * (links resolved; of `inner`, the part that exists). False if outer is absent. */
bool file_is_inside(const char *inner, const char *outer);

/*
 * A lock that says who holds it. `path` is made if absent and stays for ever;
 * what counts is flock(2) on it, which the kernel drops when the holder ends,
 * kill -9 included. The holder writes its process id and `what` into the file
 * for the message of the next one:
 *	ERR_LOCKED "'REPO' is in use by albumen-exporter export (process 4711); ..."
 * On success *fd is an open descriptor (close-on-exec): close it to unlock. Whoever
 * removes or replaces the file lets another process lock the new one: file_lock_check
 * fails from then on, with ERR_REPLACED.
 */
int file_lock(int *fd, const char *path, const char *what, struct err *err);
int file_lock_check(int fd, const char *path, struct err *err);

/* Sets *same if `path` names the file that `fd` is open on; a path that is not there
 * does not. */
int file_is_same(bool *same, int fd, const char *path, struct err *err);

/* The folder for temporary files: $TMPDIR, or /tmp. Borrowed. */
const char *file_temp_folder(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_STORE_FILE_H
#define DATA_INDEX_STORE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "data/base/err.h"
#include "data/base/fault.h"

/*
 * store_file - checks the files of an LMDB environment, which LMDB trusts. It maps both
 * without checking their sizes: a page after the end of data.mdb, or a hole in lock.mdb
 * on a full disk, ends the program with SIGBUS; a page size of 0 with SIGFPE. Part of
 * the store; includes nothing of LMDB.
 */

struct store_file {
	struct fault_area area; /* the map; must be the first member */
	char *dir;
	char *path;      /* of data.mdb */
	char *lock_path; /* of lock.mdb */
	dev_t lock_dev;  /* of the file that was opened */
	ino_t lock_ino;
	const char *noun; /* borrowed; in messages: "index" */
	char *repair;     /* how to repair it */
	/* The lines to write if the file shrinks while it is read, and if its pages
	 * make LMDB fault. */
	char *cut_line, *damage_line;
	int fd;     /* LMDB's; -1 before it is open */
	off_t size; /* the size that open transactions rely on */
};

enum store_file_state {
	STORE_FILE_ABSENT, /* no file, or an empty one: LMDB would make the environment */
	STORE_FILE_UNMADE, /* shorter than the two meta pages at its start */
	STORE_FILE_THERE,
};

/*
 * The name of the network file system that statfs(2) calls `type`, or NULL. LMDB must not be
 * used on one ("Caveats" of lmdb.h): neither its locks nor its map are shared between
 * machines, and some do not even share them between two processes of one. FUSE is not in the
 * list, since most of what it mounts is local.
 */
const char *store_file_network(unsigned long type);
/* ERR_REFUSED: the folder `dir`, or of the folders above it the nearest that exists, is on
 * one. */
int store_file_check_disk(const char *dir, const char *noun, struct err *err);

void store_file_init(struct store_file *file, const char *dir, const char *noun,
		     const char *repair);
void store_file_release(struct store_file *file);

/* Checks what LMDB trusts: the first fields of both meta pages. */
int store_file_look(enum store_file_state *out, const struct store_file *file,
		    struct err *err);

/* Allocates every page of lock.mdb, since LMDB makes a file of holes. Call it before
 * the environment is opened: a close afterwards drops the locks of LMDB (fcntl(2)). */
int store_file_allocate_lock(struct store_file *file, struct err *err);

/* After this a fault in the map ends the process with one of the lines (fault.h). */
void store_file_guard(struct store_file *file, int fd, const void *map, size_t size);
void store_file_unguard(struct store_file *file);

/* Whether both paths name the files that are open. A writer does not see readers with
 * another lock.mdb, and overwrites the pages that they read. */
int store_file_is_in_place(bool *yes, const struct store_file *file, struct err *err);

/* Why LMDB could not write: an errno, or 0 if unknown. LMDB returns EIO for a short
 * write, whatever the reason. Checks the free space of the disk, and writes after the
 * end of the file, which keeps its size. */
int store_file_why_short(const struct store_file *file);

int store_file_cut_short(const struct store_file *file, off_t is, off_t was,
			 struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_STORE_FILE_H
#define DATA_INDEX_STORE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "data/base/err.h"
#include "data/base/fault.h"

/*
 * store_file - the files of an LMDB environment, as far as LMDB trusts them. It maps
 * both without a look at their sizes: a page behind the end of data.mdb, and a hole of
 * lock.mdb where the disk is full, end the program with SIGBUS; a page size of 0 with
 * SIGFPE. Part of the store; includes nothing of LMDB.
 */

struct store_file {
	struct fault_area area; /* its map; the first member */
	char *dir;
	char *path;      /* of data.mdb */
	char *lock_path; /* of lock.mdb */
	dev_t lock_dev;  /* what it was when it was opened */
	ino_t lock_ino;
	const char *noun; /* borrowed: what the environment is to people */
	char *mend;       /* what mends it where it is damaged */
	/* What is written where it shrinks while it is read, and where its pages make
	 * LMDB fault. */
	char *cut_line, *damage_line;
	int fd;     /* LMDB's; -1 before it is open */
	off_t size; /* what the transactions that are open rely on */
};

enum store_file_state {
	STORE_FILE_ABSENT, /* no file, or an empty one: LMDB would make the environment */
	STORE_FILE_UNMADE, /* shorter than the two meta pages it begins with */
	STORE_FILE_THERE,
};

void store_file_init(struct store_file *file, const char *dir, const char *noun,
		     const char *mend);
void store_file_release(struct store_file *file);

/* Looks at what LMDB believes without a check: the first fields of both meta pages. */
int store_file_look(enum store_file_state *out, const struct store_file *file,
		    struct err *err);

/* Gives every page of lock.mdb its place on the disk: LMDB makes a file of holes. Before
 * the environment is opened: a close afterwards drops LMDB's locks (fcntl(2)). */
int store_file_allocate_lock(struct store_file *file, struct err *err);

/* From here on a fault in the map ends the process with one of the lines (fault.h). */
void store_file_guard(struct store_file *file, int fd, const void *map, size_t size);
void store_file_unguard(struct store_file *file);

/* Whether both paths name the files that are open. Readers that have another lock.mdb are
 * not seen by a writer, which then writes over the pages that they read. */
int store_file_is_in_place(bool *yes, const struct store_file *file, struct err *err);

/* Why LMDB could not write: an errno, or 0 where it is not known. LMDB answers a short
 * write with EIO, whatever the reason. It is found by a look at the disk's free space,
 * and by a write behind the end of the file, which is as long afterwards as before. */
int store_file_why_short(const struct store_file *file);

int store_file_cut_short(const struct store_file *file, off_t is, off_t was,
			 struct err *err);

#endif

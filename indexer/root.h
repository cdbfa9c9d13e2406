/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_ROOT_H
#define INDEXER_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * root - the metadata folder as a name, and as what is open under it. Another file
 * system may be mounted over the name, the one below may be unmounted, the folder may
 * be renamed: then what is open is not what the name means, and nobody would notice.
 *
 *	struct root root;
 *	root_init(&root, fd, path);
 *	(poll root.mounts for POLLPRI: it is always to be had as -1, too)
 *	if (!root_is_current(&root)) {
 *		root_leave(&root);
 *		while (root_find(&root, ...) == ERR_NOTFOUND) { wait }
 *	}
 *	root_release(&root);
 *
 * The descriptor keeps its number: what is open under it is replaced, so that who was
 * given the number sees the new folder.
 */
struct root {
	int fd;
	const char *path;
	int mounts; /* POLLPRI: a file system was mounted or unmounted somewhere */
	struct root_identity {
		uint64_t dev, ino, mount;
	} is; /* of the open folder */
};

/* `fd` is open on the folder `path`; both are borrowed. */
void root_init(struct root *root, int fd, const char *path);
void root_release(struct root *root);

/* Whether the name still means the open folder. */
bool root_is_current(const struct root *root);
/* Closes the folder, so that its file system can go: the descriptor is good for
 * nothing until root_find succeeds. */
int root_leave(struct root *root, struct err *err);
/* Opens what the name means now. ERR_NOTFOUND, quietly: nothing that can be read, or,
 * with `filled`, a folder without one metadata file, as under an unmounted disk. */
int root_find(struct root *root, bool filled, struct err *err);
/* Whether it lies on a file system that raises no events for what other machines
 * change; logs it, and what else is to be known of that file system. */
bool root_is_remote(const struct root *root);

#endif

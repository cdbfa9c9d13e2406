/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_ROOT_H
#define INDEXER_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/stop.h"

/*
 * root - the metadata folder: its name, and what is open under that name. They part
 * when another file system is mounted over the name, when the one below is unmounted, or
 * when the folder is renamed.
 *
 *	struct root root;
 *	root_init(&root, fd, path);
 *	(poll root.mounts for POLLPRI; it is -1 where there is no /proc)
 *	if (!root_is_current(&root)) {
 *		root_leave(&root, err);
 *		while (root_find(&root, ...) == ERR_NOTFOUND) { wait }
 *	}
 *	root_release(&root);
 *
 * The descriptor keeps its number, whatever is open under it: callers that were given
 * the number see the new folder.
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

/* Opens the folder `path` as *fd. If there is none, waits until there is, and says so in the
 * log: at once, then once a minute. ERR_STOPPED: a stop was asked for. */
int root_await(int *fd, const char *path, struct stop *stop, struct err *err);

/* Whether the name still means the open folder. */
bool root_is_current(const struct root *root);
/* Closes the folder, so that its file system can be unmounted. The descriptor is of no
 * use until root_find succeeds. */
int root_leave(struct root *root, struct err *err);
/* Opens the folder of that name. ERR_NOTFOUND (no message): there is none that can be read,
 * or, with `filled`, none with a metadata file in it, as under an unmounted disk. */
int root_find(struct root *root, bool filled, struct err *err);
/* Whether there is a metadata file in the folder. */
bool root_is_filled(int fd);
/* Whether the folder lies on a network file system, which raises no events for what
 * other machines change. Logs that, and the limits of an overlay file system. */
bool root_is_remote(const struct root *root);

#endif

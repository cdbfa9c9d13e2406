/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WATCH_H
#define INDEXER_WATCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * watch - inotify(7) on single folders, through libinotifytools. This module knows watch
 * descriptors (wd) and no paths: indexer/folder.h knows which folder a wd stands for.
 *
 *	struct watch *watch = NULL;
 *	watch_open(&watch, err);
 *	watch_add(watch, dirfd, &wd, err);
 *	(poll watch_fd(watch), but only after watch_next returned ERR_NOTFOUND)
 *	while (watch_next(watch, &event, err) == 0) { ... }
 *	watch_close(watch);
 *
 * The library keeps its state in global variables: one struct watch, one thread.
 */

struct watch;

enum watch_what {
	WATCH_CREATED,    /* a name appeared: its file may be incomplete */
	WATCH_WRITTEN,    /* a file was closed by a writer, or a name moved here */
	WATCH_REMOVED,    /* a name was removed or moved away */
	WATCH_ATTRIBUTES, /* mode, owner or times of a name changed; "": of the folder */
	WATCH_SELF_GONE,  /* the watched folder itself was removed or moved */
	WATCH_ENDED,      /* no more events with this wd follow */
	WATCH_UNMOUNTED,  /* the folder's file system was unmounted */
	WATCH_OVERFLOW,   /* events were lost; wd is -1 */
};

struct watch_event {
	enum watch_what what;
	int wd;
	bool folder;             /* the name is that of a folder */
	char name[NAME_MAX + 1]; /* in the folder of wd; "" where it has none */
};

/* Starts the library. Call this before opening many files: the library's descriptor must
 * be below FD_SETSIZE. ERR_REFUSED: this user has too many inotify instances. */
int watch_open(struct watch **out, struct err *err);
void watch_close(struct watch *watch);

/* Drops all watches and all events that were not read. watch_fd changes. */
int watch_restart(struct watch *watch, struct err *err);

/* To poll for reading. The library reads ahead, so the descriptor may not be readable
 * while watch_next still has events. */
int watch_fd(const struct watch *watch);

/*
 * Watches the folder that is open as `dirfd` (any mode, O_PATH too). ERR_CHANGED: it is
 * watched already, perhaps under another name; ERR_NOTFOUND: it was removed; ERR_REFUSED:
 * the limit of watches is reached; ERR_INPUT: we lack permission.
 */
int watch_add(struct watch *watch, int dirfd, int *wd, struct err *err);
/* Ends a watch that has not ended by itself; WATCH_ENDED still follows. */
void watch_remove(struct watch *watch, int wd);

/* The next event, without waiting for one. ERR_NOTFOUND (no message): there is none. */
int watch_next(struct watch *watch, struct watch_event *out, struct err *err);

/* The number of watches. */
size_t watch_count(const struct watch *watch);
/* True if the library keeps so much about watches that ended (it never drops one) that a
 * restart pays. */
bool watch_is_bloated(const struct watch *watch);

/* fs.inotify.max_user_watches and max_queued_events; 0 if unknown. */
unsigned long watch_limit(void);
unsigned long watch_queue_limit(void);

#endif

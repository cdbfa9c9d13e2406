/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WATCH_H
#define INDEXER_WATCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * watch - inotify on single folders, through libinotifytools, whose only user in
 * the program this is. It knows watch descriptors (wd), no paths: which folder a
 * wd stands for is known to indexer/folder.h.
 *
 *	struct watch *watch = NULL;
 *	watch_open(&watch, err);
 *	watch_add(watch, dirfd, &wd, err);
 *	(poll watch_fd(watch), but only after watch_next said that there is nothing)
 *	while (watch_next(watch, &event, err) == 0) { ... }
 *	watch_close(watch);
 *
 * The library keeps all its state in the process: one watch at a time, one thread.
 */

struct watch;

enum watch_what {
	WATCH_CREATED,    /* a name appeared: what it stands for may be incomplete */
	WATCH_WRITTEN,    /* a file was closed by a writer, or a name moved here */
	WATCH_REMOVED,    /* a name is gone or moved away */
	WATCH_ATTRIBUTES, /* mode, owner or times of a name changed; "": of the folder */
	WATCH_SELF_GONE,  /* the watched folder itself was removed or moved */
	WATCH_ENDED,      /* there will be no more events with this wd */
	WATCH_UNMOUNTED,  /* its file system was unmounted */
	WATCH_OVERFLOW,   /* events were lost; wd is -1 */
};

struct watch_event {
	enum watch_what what;
	int wd;
	bool folder;             /* the name stands for a folder */
	char name[NAME_MAX + 1]; /* in the folder of wd; "" where it has none */
};

/* Starts the library. Before anything that opens many files: its descriptor must
 * be below FD_SETSIZE. ERR_REFUSED: too many inotify instances of this user. */
int watch_open(struct watch **out, struct err *err);
void watch_close(struct watch *watch);

/* Forgets all watches, and all events that were not read; as if newly opened. The
 * descriptor is another one afterwards. */
int watch_restart(struct watch *watch, struct err *err);

/* To poll for reading. The library reads ahead: it says nothing as long as
 * watch_next still gives events. */
int watch_fd(const struct watch *watch);

/*
 * Watches the folder that is open as `dirfd` (any mode, O_PATH too). ERR_CHANGED: it
 * is watched already, under whatever name that was; ERR_NOTFOUND: it was removed;
 * ERR_REFUSED: the limit of watches is reached; ERR_INPUT: it may not be watched
 * (permission).
 */
int watch_add(struct watch *watch, int dirfd, int *wd, struct err *err);
/* Ends a watch; WATCH_ENDED comes yet. Not for one that has ended by itself. */
void watch_remove(struct watch *watch, int wd);

/* The next event that waits, without blocking. ERR_NOTFOUND, quietly: none does. */
int watch_next(struct watch *watch, struct watch_event *out, struct err *err);

/* Watches that live. */
size_t watch_count(const struct watch *watch);
/* True where the library holds so much about watches that ended (it never forgets
 * one) that restarting pays. */
bool watch_is_bloated(const struct watch *watch);

/* fs.inotify.max_user_watches and max_queued_events; 0 where unknown. */
unsigned long watch_limit(void);
unsigned long watch_queue_limit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_NOTIFY_H
#define INDEXER_NOTIFY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * notify - inotify(7) on single folders, through libinotifytools. This module knows watch
 * descriptors (wd) and no paths: indexer/folder.h knows which folder a wd stands for.
 *
 *	struct notify *notify = NULL;
 *	notify_open(&notify, err);
 *	notify_add(notify, dirfd, &wd, err);
 *	(poll notify_fd(notify), but only after notify_next returned ERR_NOTFOUND)
 *	while (notify_next(notify, &event, err) == 0) { ... }
 *	notify_close(notify);
 *
 * The library keeps its state in global variables: one struct notify, one thread.
 */

struct notify;

enum notify_what {
	NOTIFY_CREATED,    /* a name appeared: its file may be incomplete */
	NOTIFY_WRITTEN,    /* a file was closed by a writer, or a name moved here */
	NOTIFY_REMOVED,    /* a name was removed or moved away */
	NOTIFY_ATTRIBUTES, /* mode, owner or times of a name changed; "": of the folder */
	NOTIFY_SELF_GONE,  /* the watched folder itself was removed or moved */
	NOTIFY_ENDED,      /* no more events with this wd follow */
	NOTIFY_UNMOUNTED,  /* the folder's file system was unmounted */
	NOTIFY_OVERFLOW,   /* events were lost; wd is -1 */
};

struct notify_event {
	enum notify_what what;
	int wd;
	bool folder;             /* the name is that of a folder */
	char name[NAME_MAX + 1]; /* in the folder of wd; "" where it has none */
};

/* Starts the library. Call this before opening many files: the library's descriptor must
 * be below FD_SETSIZE. ERR_REFUSED: this user has too many inotify instances. */
int notify_open(struct notify **out, struct err *err);
void notify_close(struct notify *notify);

/* Drops all watches and all events that were not read. notify_fd changes. */
int notify_restart(struct notify *notify, struct err *err);

/* To poll for reading. The library reads ahead, so the descriptor may not be readable
 * while notify_next still has events. */
int notify_fd(const struct notify *notify);

/*
 * Watches the folder that is open as `dirfd` (any mode, O_PATH too). ERR_CHANGED: it is
 * watched already, perhaps under another name; ERR_NOTFOUND: it was removed; ERR_REFUSED:
 * the limit of watches is reached; ERR_INPUT: we lack permission.
 */
int notify_add(struct notify *notify, int dirfd, int *wd, struct err *err);
/* Ends a watch that has not ended by itself; NOTIFY_ENDED still follows. */
void notify_remove(struct notify *notify, int wd);

/* The next event, without waiting for one. ERR_NOTFOUND (no message): there is none. */
int notify_next(struct notify *notify, struct notify_event *out, struct err *err);

/* The number of watches. */
size_t notify_count(const struct notify *notify);
/* True if the library keeps so much about watches that ended (it never drops one) that a
 * restart pays. */
bool notify_is_bloated(const struct notify *notify);

/* fs.inotify.max_user_watches and max_queued_events; 0 if unknown. */
unsigned long notify_limit(void);
unsigned long notify_queue_limit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_FOLDER_H
#define INDEXER_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "indexer/paths.h"

/*
 * folder - watches the metadata folder: events come in, paths that may have changed go
 * out. An event is only a hint; the caller looks at the path to see what is true.
 *
 *	struct folder *folder = NULL;
 *	folder_open(&folder, rootfd, report, payload, err);
 *	(a scan with folder_enter as its `enter`: watch first, then read)
 *	for (;;) {
 *		folder_drain(folder, err);	(also now and then in long work)
 *		folder_handle(folder, err);	(calls `report`)
 *		if (folder_is_lost(folder)) { folder_restart; scan again }
 *		(poll folder_fd once folder_has_events is false)
 *	}
 */

struct folder;

/* What is reported. A prefix is a folder and a slash; "" is the root. */
enum folder_report {
	FOLDER_FILE_CHANGED,  /* a file: read it */
	FOLDER_FILE_APPEARED, /* a file: if it is being written, FILE_CHANGED follows */
	FOLDER_FILE_REMOVED,  /* a file was removed or moved away */
	FOLDER_CHECK,         /* a prefix: check the known files below it */
	FOLDER_REMOVED,       /* a prefix: the same, because an event reports that the
			       * folder was removed, moved away or replaced */
	FOLDER_UNMOUNTED,     /* a prefix: its file system was unmounted */
};

/* `path` is relative to the root and borrowed until the callback returns. */
typedef void folder_report_fn(enum folder_report report, const char *path, size_t len,
			      void *payload);

/* Opens it, with no watch yet. `rootfd` is borrowed. */
int folder_open(struct folder **out, int rootfd, folder_report_fn *report, void *payload,
		struct err *err);
void folder_close(struct folder *folder);

/* Drops all watches and events; the caller walks the folder again. */
int folder_restart(struct folder *folder, struct err *err);

/* We lack permission for the file or folder `path`, or for a parent. inotify does not
 * report files that a chmod makes visible, so each parent is read again when its
 * attributes change. */
void folder_note_denied(struct folder *folder, const char *path, size_t len);

/* A walk's visitor: watches the open folder. `payload` is the struct folder. */
int folder_enter(int dirfd, const char *path, size_t len, void *payload, struct err *err);

/* Moves the waiting events from the kernel's queue, which may overflow, to our own. */
int folder_drain(struct folder *folder, struct err *err);
bool folder_has_events(const struct folder *folder);
/* Handles the events that were drained. */
int folder_handle(struct folder *folder, struct err *err);
int folder_fd(const struct folder *folder);

/* True if events were lost, if one was not understood, or if a restart pays: the caller
 * calls folder_restart and walks the whole folder. */
bool folder_is_lost(const struct folder *folder);
/* True once after events reported that the root was removed, moved or unmounted: the
 * caller checks it (indexer/root.h). */
bool folder_root_moved(struct folder *folder);
/* How often a queue, the kernel's or our own, overflowed since the last call. */
uint64_t folder_overflows(struct folder *folder);

/* The number of watches. */
size_t folder_watches(const struct folder *folder);

/* Whether there are folders that cannot be watched: the caller polls them. */
bool folder_has_polled(const struct folder *folder);
/* Polls the root and all below it: its file system raises no events for what other
 * machines change. */
void folder_poll_all(struct folder *folder);
/* Lists the folders to poll, without those below another one of them. */
void folder_list_polled(struct folder *folder, struct paths *out);
/* Before and after a walk of such a folder with folder_enter as its visitor: drops the
 * folders that the walk did not enter. */
void folder_begin_poll(struct folder *folder);
void folder_end_poll(struct folder *folder, const char *path, size_t len);

#endif

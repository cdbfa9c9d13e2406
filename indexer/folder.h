/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_FOLDER_H
#define INDEXER_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "indexer/paths.h"

/*
 * folder - the metadata folder under watch: events in, paths that may have changed
 * out. An event is only a hint; what is true of a path, whoever reads it finds out.
 *
 *	struct folder *folder = NULL;
 *	folder_open(&folder, rootfd, &sink, err);
 *	(a scan with folder_enter as its `enter`: watch first, then read)
 *	for (;;) {
 *		folder_drain(folder, err);	(also now and then in long work)
 *		folder_handle(folder, err);	(calls the sink)
 *		if (folder_is_lost(folder)) { folder_restart; scan again }
 *		(poll folder_fd once folder_has_events is false)
 *	}
 */

struct folder;

/* Paths are relative to the root and borrowed until the callback returns. */
struct folder_sink {
	/* Read this file. */
	void (*changed)(const char *path, size_t len, void *payload);
	/* A file appeared; if it is being written, `changed` follows. */
	void (*appeared)(const char *path, size_t len, void *payload);
	/* An event says that this file was removed or moved away. */
	void (*removed)(const char *path, size_t len, void *payload);
	/* All files known under this prefix (a folder and a slash; "": all): see whether
	 * they are still there. `told`: an event says that the folder was removed, moved
	 * away or made anew; else nobody knows why they should not be. */
	void (*left)(const char *prefix, size_t len, bool told, void *payload);
	/* The file system of this folder (and a slash) was unmounted. */
	void (*unmounted)(const char *prefix, size_t len, void *payload);
	void *payload;
};

/* Starts watching, without any watch yet. `rootfd` and `sink` are borrowed. */
int folder_open(struct folder **out, int rootfd, const struct folder_sink *sink,
		struct err *err);
void folder_close(struct folder *folder);

/* Forgets all watches and events, to be walked anew. */
int folder_restart(struct folder *folder, struct err *err);

/* Who runs this may not look at the file or folder `path`. That may be up to any
 * folder above it, so all of them are read anew when their attributes change: no
 * event tells of what their opening brings to light. */
void folder_note_denied(struct folder *folder, const char *path, size_t len);

/* A walk's visitor: watches the open folder. `payload` is the struct folder. */
int folder_enter(int dirfd, const char *path, size_t len, void *payload, struct err *err);

/* Takes what waits out of the kernel's queue, which overflows if nobody does. */
int folder_drain(struct folder *folder, struct err *err);
bool folder_has_events(const struct folder *folder);
/* Acts upon the events that were drained. */
int folder_handle(struct folder *folder, struct err *err);
int folder_fd(const struct folder *folder);

/* True where events were lost, or one was not understood, or a restart pays: the
 * whole must be walked, after folder_restart. */
bool folder_is_lost(const struct folder *folder);
/* True once after events said that the root was removed, moved or unmounted: see
 * whether it is still what its name means (indexer/root.h). */
bool folder_root_moved(struct folder *folder);
/* How often a queue, the kernel's or our own, overflowed since this was last asked. */
uint64_t folder_overflows(struct folder *folder);

/* Watches that live. */
size_t folder_watches(const struct folder *folder);

/* Folders that cannot be watched are looked at from time to time by whoever runs
 * this. Are there any? */
bool folder_has_polled(const struct folder *folder);
/* Looks at the whole of it from time to time: its file system raises no events for
 * what others change. */
void folder_poll_all(struct folder *folder);
/* Lists them, without those inside another one. */
void folder_list_polled(struct folder *folder, struct paths *out);
/* Before and after a walk of a polled folder with folder_enter as its visitor: folders
 * that the walk did not meet are forgotten. */
void folder_begin_poll(struct folder *folder);
void folder_end_poll(struct folder *folder, const char *path, size_t len);

#endif

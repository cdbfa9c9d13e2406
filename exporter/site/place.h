/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_H
#define EXPORTER_SITE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * place - the folder of a site, file by file: whole files only, no way out of it,
 * and durable when asked. What the files mean is site.c's business.
 *
 * Paths are relative to the site ("api/v1/tag_images/N.json"). Folders on the way
 * are made as needed. Links are never followed below the site's own folder.
 *
 *	place_open(&place, path, "albumen-exporter publish", err);
 *	place_put(place, "api/v1/tag_images/N.json", body, len, err);
 *	place_remove(place, "api/v1/albums/N/images.json", &removed, err);
 *	place_sync(place, err);
 *	place_close(place);
 */

struct place;

/*
 * Opens the folder `path`, made if absent, with the writer's lock (`who` is what
 * the next one is told), and sweeps what a killed writer left in its tmp/.
 * ERR_LOCKED: another process writes there.
 */
int place_open(struct place **out, const char *path, const char *who, struct err *err);
/* As place_open, but only to look (place_set_look): nothing is made, and the folder may
 * be one that cannot be written. ERR_NOTFOUND: there is none. */
int place_open_look(struct place **out, const char *path, const char *who,
		    struct err *err);
/* NULL is allowed. What was built and not finished goes. */
void place_close(struct place *place);

/* How the files from here on become durable: each by its own fsync (few files;
 * the file system has other users too), or all by one syncfs (many files). Few files
 * are seen from place_sync or the next removal on, at the latest: they are written one
 * after the other, and then synced one after the other, which costs a file system with
 * a journal little more than to sync one of them. */
void place_set_many(struct place *place, bool many);

/* What a writer before this one put and removed may not be durable, and need not be
 * touched again by this one: the next place_sync syncs the whole file system. */
void place_doubt(struct place *place);

/* Everything put and removed so far is durable. After a failure the kernel may have
 * dropped what was written (fsync(2)): put all of it again. */
int place_sync(struct place *place, struct err *err);

/*
 * Building a site that has neither api/ nor audit/ yet: until place_build_end, what
 * is put goes into a folder of its own, straight under its name, and then they appear
 * at once by one rename of each. Half the cost of a rename for every file, and no
 * reader ever sees less than all of them.
 */
int place_build_begin(struct place *place, struct err *err);
int place_build_end(struct place *place, struct err *err);

/*
 * Makes or replaces a file: written beside, then renamed. What stood there gets a
 * successor whose mtime is at least a second later: web servers make validators
 * of mtime in seconds and size (HAZARDS F9), and sizes may come back.
 */
int place_put(struct place *place, const char *path, const void *body, size_t len,
	      struct err *err);
/* The same in pieces; sticky: place_end returns the first failure, or puts. */
int place_begin(struct place *place, const char *path, struct err *err);
void place_write(struct place *place, const void *bytes, size_t len);
int place_end(struct place *place, struct err *err);

/* Whether the last place_put, or place_end, found a file in its place. */
bool place_was_there(const struct place *place);

/*
 * From here on nothing is changed: what is put is compared with what is there, what is
 * removed or pruned is looked for, and `found` is told of each file that is not as the
 * caller wants it. NULL ends that.
 */
enum place_fault { PLACE_MISSING, PLACE_CHANGED, PLACE_EXTRA };
typedef void place_found_fn(const char *path, enum place_fault fault, void *payload);
void place_set_look(struct place *place, place_found_fn *found, void *payload);

/* Whether the file is there, with exactly these bytes. */
int place_has(bool *has, struct place *place, const char *path, const void *body,
	      size_t len, struct err *err);

/* Removes a file, and the folders below api/v1/albums that are empty by that.
 * *removed (untouched where nothing was there) counts up. */
int place_remove(struct place *place, const char *path, uint64_t *removed,
		 struct err *err);

/* Removes the folder `path` if it is there and empty. */
int place_remove_folder(struct place *place, const char *path, struct err *err);

/* Removes everything below the folder `path` that `keep` does not want kept. */
typedef bool place_keep_fn(const char *path, void *payload);
int place_prune(struct place *place, const char *path, place_keep_fn *keep, void *payload,
		uint64_t *removed, struct err *err);

/* The site's own notes, SITE/.albumen/NAME. Reading appends (ERR_NOTFOUND,
 * quietly). */
int place_note_read(struct buf *out, struct place *place, const char *name,
		    struct err *err);
/* Durable on return; until then, a power loss leaves the old text or the new one. */
int place_note_replace(struct place *place, const char *name, const void *text,
		       size_t len, struct err *err);
/* In place, at half the cost: a power loss may leave a mixture of both texts. With
 * `sync` it is durable on return. */
int place_note_write(struct place *place, const char *name, const void *text, size_t len,
		     bool sync, struct err *err);

#endif

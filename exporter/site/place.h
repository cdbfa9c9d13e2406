/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_H
#define EXPORTER_SITE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/site/place_look.h"
#include "exporter/site/place_walk.h"

/*
 * place - the folder of a site, file by file: files are written whole, never outside the
 * folder, and made durable on request. site.c knows what the files mean.
 *
 * Paths are relative to the site ("api/v1/tag_images/N.json"). Missing folders are made.
 * No link below the site's own folder is followed.
 *
 *	place_open(&place, path, "albumen-exporter publish", err);
 *	place_put(place, "api/v1/tag_images/N.json", body, len, err);
 *	place_remove(place, "api/v1/albums/N/images.json", &removed, err);
 *	place_flush(place, err);
 *	place_close(place);
 */

#define PLACE_OWN ".albumen" /* the exporter's own folder in a site */

struct place;

/*
 * Opens the folder `path` for writing. Makes it if it is missing, locks it (`holder` goes
 * into the message of the next process that tries to), and empties .albumen/tmp, where a
 * killed writer may have left files. ERR_LOCKED: another process has the lock.
 */
int place_open(struct place **out, const char *path, const char *holder, struct err *err);
/* Opens it only to compare (place_set_look): nothing is made, and we need no permission
 * to write. */
int place_open_look(struct place **out, const char *path, const char *holder,
		    struct err *err);
/* NULL is allowed. Removes what was begun and not finished. */
void place_close(struct place *place);

/* How files become durable: few files each by its own fsync (other programs use the file
 * system, too), many files all by one syncfs. Few files appear under their names together:
 * at the latest in place_flush or at the next removal. They are all written first and
 * flushed then, which costs a journalling file system little more than one fsync. */
void place_set_many(struct place *place, bool many);

/* A writer before us may have left changes that are not durable, in files that we may not
 * touch again: the next place_flush flushes the whole file system. */
void place_doubt(struct place *place);

/* Makes everything put and removed so far durable. After a failure the kernel may have
 * dropped what was written (fsync(2)): put all of it again. */
int place_flush(struct place *place, struct err *err);

/*
 * Builds a site that has neither api/ nor audit/ yet. Until place_build_end, files are put
 * into a folder aside, without a temporary name; then api/ and audit/ appear by one rename
 * each. That saves half the cost, a rename of every file, and readers see all files or
 * none.
 */
int place_build_begin(struct place *place, struct err *err);
int place_build_end(struct place *place, struct err *err);

/*
 * Makes or replaces a file: writes a temporary file, then renames it. The new file gets an
 * mtime at least a second after that of the file it replaces: web servers make ETags of
 * the size and of the mtime in seconds, and the size may be the same.
 */
int place_put(struct place *place, const char *path, const void *body, size_t len,
	      struct err *err);
/* The same in pieces. place_end returns the first failure of place_write, or puts. */
int place_begin(struct place *place, const char *path, struct err *err);
void place_write(struct place *place, const void *bytes, size_t len);
int place_end(struct place *place, struct err *err);

/* True if the last place_put or place_end replaced a file. */
bool place_was_there(const struct place *place);

/*
 * From here on nothing is changed: files that are put are compared with the site's,
 * files that are removed or pruned are looked for, and `found` is called for each that
 * differs from what the caller asks for. NULL ends that.
 */
void place_set_look(struct place *place, place_found_fn *found, void *payload);

/* Sets *has if the file exists and has exactly these bytes. */
int place_has(bool *has, struct place *place, const char *path, const void *body,
	      size_t len, struct err *err);

/* Removes a file if it exists, and the folders below api/v1/albums that are empty then.
 * Increments *removed if there was a file. */
int place_remove(struct place *place, const char *path, uint64_t *removed,
		 struct err *err);

/* Removes the folder `path` if it exists and is empty. */
int place_remove_folder(struct place *place, const char *path, struct err *err);

/* Removes every file below the folder `path` that `keep` rejects. */
int place_prune(struct place *place, const char *path, place_keep_fn *keep, void *payload,
		uint64_t *removed, struct err *err);

/* The site's notes, SITE/.albumen/NAME. Reading appends to *out. ERR_NOTFOUND (no
 * message): there is no such note. */
int place_note_read(struct buf *out, struct place *place, const char *name,
		    struct err *err);
/* Durable on return. A power loss before that leaves the old text or the new one. */
int place_note_replace(struct place *place, const char *name, const void *text,
		       size_t len, struct err *err);
/* Writes in place, at half the cost: a power loss may leave a mixture of both texts.
 * With `flush` it is durable on return. */
int place_note_write(struct place *place, const char *name, const void *text, size_t len,
		     bool flush, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_H
#define EXPORTER_SITE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place_kind.h"

/*
 * place - where a site is, file by file: files are written whole, never outside the place,
 * and made durable on request. site.c knows what the files mean. What a place does depends on
 * its kind (place_kind.h).
 *
 * A command makes a place once (place_new.h). Then it may be read at any time. It is opened,
 * and by that locked, for each publication.
 *
 * Paths are relative to the site ("api/v1/tag_images/N.json").
 *
 *	place_new(&place, "site", &settings, err);
 *	place_open(place, repo, "albumen-exporter publish", err);
 *	place_pending_begin(place, lines.data, lines.len, err);
 *	place_put(place, "api/v1/tag_images/N.json", body, len, err);
 *	place_remove(place, "api/v1/albums/N/images.json", &removed, err);
 *	place_flush(place, err);
 *	place_put_state(place, state.data, state.len, err);
 *	place_pending_end(place, err);
 *	place_close(place);
 *	place_free(place);
 */

#define PLACE_OWN ".albumen"        /* the exporter's own folder in a site */
#define PLACE_STATE "snapshot.json" /* which snapshot the site is at (state.h) */
#define PLACE_STATE_MAX (64u << 10) /* bytes: a larger one is not ours */

/* NULL is allowed. Closes it first. */
void place_free(struct place *place);

/* As given on the command line: for messages. */
const char *place_name(const struct place *place);
/* The path of the folder, where others than albumen see the files; NULL: it is no folder. */
const char *place_folder(const struct place *place);

/* --- reading, open or not --- */

/*
 * Appends a file to *out. More than `limit` bytes is a file that cannot be read. ERR_NOTFOUND
 * (no message): there is no such file, or none that can be read. Any other failure: nobody can
 * say whether there is.
 */
int place_read(struct buf *out, struct place *place, const char *path, size_t limit,
	       struct err *err);

/* What takes long ends with ERR_STOPPED after a signal, where the kind can be interrupted. The
 * stop must live as long as the place. */
void place_set_stop(struct place *place, struct stop *stop);

/* To ask whether a file exists costs as much as to write it: files that cannot be there should
 * not be removed either. */
bool place_is_blind(const struct place *place);

/* False: there is no such file or folder. A blind place answers true. */
bool place_has_file(struct place *place, const char *path);

/* *bare: it has neither api/ nor audit/. */
int place_is_bare(bool *bare, struct place *place, struct err *err);

/* *is: somebody has published there, or begun to, so that what is there is ours. */
int place_is_site(bool *is, struct place *place, struct err *err);

/* Finds an entry of a place that is no site (place_is_site) which says that somebody else uses
 * it, and appends its name. Nothing is appended if there is none. */
int place_find_entry(struct buf *name, struct place *place, struct err *err);

/* --- opening and closing --- */

/*
 * Opens it for writing, made if it is missing. `holder` goes into the message of the next
 * process that tries to. `repo` is what will be published. What a killed writer left behind is
 * removed. ERR_LOCKED: another process publishes there.
 */
int place_open(struct place *place, struct snapshot_repo *repo, const char *holder,
	       struct err *err);
/* Opens it only to compare (place_set_look): nothing is made, and we need no permission
 * to write. */
int place_open_look(struct place *place, struct snapshot_repo *repo, const char *holder,
		    struct err *err);
/* Opens it to find out what would be written, without the lock: from here on, what would put a
 * file does nothing, what would remove one looks for it. Nothing is made or changed. The place
 * need not exist. */
int place_open_dry(struct place *place, struct err *err);
/* Ends what place_open began, and forgets whatever was read: a place may answer what it has
 * read before until then. Removes what was begun and not finished. NULL and a place that is not
 * open are allowed. */
void place_close(struct place *place);

/* --- what a publication has begun with, and not finished (pending.h): lines of text --- */

/*
 * Appends the lines to *lines. *unfinished: a publication was not finished, whichever lines
 * there are. If the place is not open, lines that cannot be read are unfinished; if it is, that is
 * a failure.
 */
int place_pending_read(struct buf *lines, bool *unfinished, struct place *place,
		       struct err *err);
/* Fails if this process may not read them: then place_pending_read cannot say. */
int place_pending_check(struct place *place, struct err *err);
/* When they were last written, Unix seconds; 0: never, or that is not known. */
int64_t place_pending_since_s(struct place *place);

/* Writes the lines, durably, before the first file is touched. `unfinished`: as
 * place_pending_read said; none of those lines may be lost. */
int place_pending_begin(struct place *place, const char *lines, size_t len,
			bool unfinished, struct err *err);
/* Says that nothing is unfinished. Not durable: if it is lost, the next publication does more
 * than it must. */
int place_pending_end(struct place *place, struct err *err);

/* --- files, while it is open --- */

/* How files become durable: few files each by its own fsync (other programs use the file
 * system, too), many files all by one syncfs. Few files appear under their names together:
 * at the latest in place_flush or at the next removal. They are all written first and
 * flushed then, which costs a journalling file system little more than one fsync. */
void place_set_many(struct place *place, bool many);

/* A writer before us may have left changes that are not durable, in files that we may not
 * touch again: the next place_flush makes these durable, too. */
void place_doubt(struct place *place);

/* Makes everything put and removed so far durable. After a failure the kernel may have
 * dropped what was written (fsync(2)): put all of it again. */
int place_flush(struct place *place, struct err *err);

/*
 * Builds a site that is bare (place_is_bare). Until place_build_end, files may be put aside; then
 * all appear at once. In a folder that saves half the cost, a rename of every file, and readers
 * see all files or none.
 */
int place_build_begin(struct place *place, struct err *err);
int place_build_end(struct place *place, struct err *err);

/*
 * Makes or replaces a file; readers see the old one or the new one, whole. In a folder the new
 * one gets an mtime at least a second after that of the file it replaces: web servers make ETags
 * of the size and of the mtime in seconds, and the size may be the same.
 */
int place_put(struct place *place, const char *path, const void *body, size_t len,
	      struct err *err);
/* The same in pieces. place_end returns the first failure of place_write, or puts. */
int place_begin(struct place *place, const char *path, struct err *err);
void place_write(struct place *place, const void *bytes, size_t len);
int place_end(struct place *place, struct err *err);

/* False: the last place_put or place_end made a file that was not there. Where that is not
 * known: true. */
bool place_was_there(struct place *place);

/* Puts snapshot.json, after place_flush; durable on return. ERR_LOCKED: another publication
 * has put it meanwhile. */
int place_put_state(struct place *place, const void *body, size_t len, struct err *err);

/*
 * From here on nothing is changed: files that are put are compared with the site's,
 * files that are removed or pruned are looked for, and `found` is called for each that
 * differs from what the caller asks for. NULL ends that.
 */
void place_set_look(struct place *place, place_found_fn *found, void *payload);

/* Sets *has if the file is known to exist and to have exactly these bytes. */
int place_has(bool *has, struct place *place, const char *path, const void *body,
	      size_t len, struct err *err);

/* Removes a file if it exists, and the folders below api/v1/albums that are empty then.
 * Increments *removed if there was a file; or where that is not known. */
int place_remove(struct place *place, const char *path, uint64_t *removed,
		 struct err *err);

/* Removes the folder `path` if it exists and is empty. */
int place_remove_folder(struct place *place, const char *path, struct err *err);

/* Removes every file below the folder `path` that `keep` rejects. */
int place_prune(struct place *place, const char *path, place_keep_fn *keep, void *payload,
		uint64_t *removed, struct err *err);

/* About how many requests a publication takes that puts and removes so many files; 0: none, it is
 * a folder. */
uint64_t place_requests(const struct place *place, uint64_t puts, uint64_t removals);

/* --- beside the site --- */

/*
 * Replaces a file that is no part of a snapshot (health.h), whole. The place need not be open,
 * and if another process writes the file at this moment, nothing is done. Nothing is flushed.
 */
int place_put_beside(struct place *place, const char *path, const void *body, size_t len,
		     struct err *err);

#endif

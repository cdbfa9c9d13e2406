/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_NOTE_H
#define EXPORTER_SITE_PLACE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * place_note - the file SITE/.albumen/pending of a folder: a text that a power loss neither loses
 * nor mixes. place_folder.c says what it is for.
 */

/* Where it is. */
struct place_note {
	const char *site;   /* the path of the folder, for messages */
	int root, own, tmp; /* SITE, SITE/.albumen, SITE/.albumen/tmp */
};

/* Appends it to *out; `own` may be -1. ERR_NOTFOUND (no message): there is none. */
int place_note_read(struct buf *out, const struct place_note *note, struct err *err);
/* The same without the lock of the site. Any other failure: it cannot be read. */
int place_note_look(struct buf *out, const char *site);
/* Fails if this process may not read it. */
int place_note_check(const char *site, struct err *err);
/* When it was last written, Unix seconds; 0: there is none. */
int64_t place_note_since_s(const char *site);

/* Durable on return. A power loss before that leaves the old text or the new one. */
int place_note_replace(const struct place_note *note, const char *text, size_t len,
		       struct err *err);
/* Writes in place, at half the cost: a power loss may leave a mixture of both texts.
 * With `flush` it is durable on return. */
int place_note_write(const struct place_note *note, const char *text, size_t len,
		     bool flush, struct err *err);

#endif

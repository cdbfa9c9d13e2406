/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_LOOK_H
#define EXPORTER_SITE_PLACE_LOOK_H

#include "exporter/site/place_inner.h"

/*
 * place_look - what place does while it only looks (place_set_look): the same calls
 * compare the site with what they are given, and tell what they find. place.c and
 * place_file.c alone call it.
 */

/* Takes the lock, if there is one, without making anything. */
int place_look_lock(struct place *place, const char *path, const char *who,
		    struct err *err);

/* The file place->path, in pieces. What cannot be read is not what it should be. */
int place_look_begin(struct place *place, struct err *err);
void place_look_write(struct place *place, const void *bytes, size_t len);
void place_look_end(struct place *place);

int place_look_remove(struct place *place, const char *path, struct err *err);
/* The folder `name` in `dirfd`; `at` holds its path. */
int place_look_prune(struct place *place, int dirfd, const char *name, struct buf *at,
		     place_keep_fn *keep, void *payload, struct err *err);

#endif

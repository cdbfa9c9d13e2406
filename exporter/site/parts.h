/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PARTS_H
#define EXPORTER_SITE_PARTS_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "exporter/site/state.h"

/*
 * parts - which parts a site has: the folders of its responses, its collected files, its audit
 * page. A few paths are looked at, whatever the size of the site.
 */

/* Finds a part of the site that must exist by snapshot.json (`state`) and by the message of the
 * snapshot that it is at, and does not. False: there is none. */
bool parts_missing(struct buf *path, struct place *place, const struct state *state,
		   const char *message);

/* True if an older version published the collections: it wrote the tag images alone. */
bool parts_are_of_tag_images(struct place *place);

#endif

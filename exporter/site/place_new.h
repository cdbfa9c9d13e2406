/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_NEW_H
#define EXPORTER_SITE_PLACE_NEW_H

#include <stdbool.h>

#include "exporter/site/place.h"

/*
 * place_new - makes a place of what --site says, which also says its kind:
 *
 *	DIR	a folder (place_folder.h)
 */

/* What a name does not say. The texts must live as long as the place. */
struct place_settings {
	const char *endpoint_url, *region; /* of an object store; NULL: as found */
	bool single_publisher;             /* nobody else publishes there */
};

/* Does no input or output. The caller frees it (place_free). */
int place_new(struct place **out, const char *name, const struct place_settings *settings,
	      struct err *err);

#endif

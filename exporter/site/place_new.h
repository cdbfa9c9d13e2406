/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_NEW_H
#define EXPORTER_SITE_PLACE_NEW_H

#include "exporter/site/place.h"
#include "exporter/site/place_store.h"

/*
 * place_new - makes a place of what --site says, which also says its kind:
 *
 *	DIR			a folder (place_folder.h)
 *	s3://BUCKET/PREFIX	a prefix of a bucket in an object store (place_store.h)
 */

/* Does no input or output. ERR_USAGE: `name` is nothing of that. The caller frees it
 * (place_free). */
int place_new(struct place **out, const char *name, const struct place_settings *settings,
	      struct err *err);

#endif

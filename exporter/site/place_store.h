/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_STORE_H
#define EXPORTER_SITE_PLACE_STORE_H

#include <stdbool.h>

#include "exporter/site/place_kind.h"

/*
 * place_store - the kind of place that is a prefix of a bucket in an object store (S3). Its
 * keys are the paths of a folder site. How it survives whatever happens is explained at the
 * top of place_store.c.
 */

/* What a name does not say. The texts must live as long as the place. */
struct place_settings {
	const char *endpoint_url, *region; /* of an object store; NULL: as found */
	bool single_publisher;             /* nobody else publishes there */
};

/* `name` is s3://BUCKET[/PREFIX]. No input or output. ERR_USAGE: it is not. */
int place_store_new(struct place **out, const char *name,
		    const struct place_settings *settings, struct err *err);

#endif

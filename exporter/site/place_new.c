/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_new.h"

#include "exporter/s3/s3_url.h"
#include "exporter/site/place_folder.h"

int place_new(struct place **out, const char *name, const struct place_settings *settings,
	      struct err *err)
{
	if (s3_url_is(name)) {
		return place_store_new(out, name, settings, err);
	}
	*out = place_folder_new(name);
	return 0;
}

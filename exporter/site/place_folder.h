/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_FOLDER_H
#define EXPORTER_SITE_PLACE_FOLDER_H

#include "exporter/site/place.h"

/*
 * place_folder - the place that is a folder, for a web server on a machine that has it.
 *
 * Files are written to temporary ones, flushed and renamed. Missing folders are made. No link
 * below the site's own folder is followed. SITE/.albumen is the exporter's own: `lock` is the
 * writer's lock, `tmp/` has files before they are renamed, `pending` has the lines of
 * place_pending_begin, or says "done".
 */

struct place *place_folder_new(const char *path);

#endif

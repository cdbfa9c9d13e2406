/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_RUN_AS_H
#define EXPORTER_EDGE_RUN_AS_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * run_as - which user the workers of an nginx run as that root starts.
 *
 * nginx makes that `nobody` (of anybody else's nginx, the same user). That user cannot read a
 * site in a folder that is closed to others, such as a home folder or one made by mktemp: then
 * the workers run as the owner of the site. And never can it read the file of --tokens: then
 * they run in the group that the file belongs to, or as its owner.
 */

/* Appends the line `user` of a configuration for the folder `site` and the file `tokens`
 * (NULL: none), if root calls this and it needs one. ERR_FAIL: no such user can read them. */
int run_as_add(struct buf *out, const char *site, const char *tokens, struct err *err);

/* False if root calls this, there is such a user, and that user cannot read the file. */
bool run_as_can_read(const char *user, const char *path);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_MAKE_H
#define EXPORTER_GIT_REPO_MAKE_H

#include <stdbool.h>

#include "data/base/err.h"

/* repo_make - makes an empty bare repository, or completes one. */

/* `path` is its folder, which exists; HEAD becomes `branch`. What is there already stays:
 * objects, references, HEAD, and a configuration. Durable on return. */
int repo_make(const char *path, const char *branch, struct err *err);
/* Whether the last call has not come to its end: then it is to be called again. */
bool repo_make_is_under_way(const char *path);

#endif

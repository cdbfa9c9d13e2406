/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_SHALLOW_H
#define EXPORTER_GIT_SHALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * shallow - the file of that name in a repository (gitrepository-layout(5)): the commits whose
 * parents git takes for absent, an id in hex on each line. git makes it for `git clone
 * --depth`, and `prune` for a history that begins late. A zeroed one is empty.
 */

#define SHALLOW_FILE "shallow"
#define SHALLOW_MAX ((size_t)20 << 20) /* bytes: half a million lines */

struct shallow {
	uint8_t *id; /* OBJECT_ID bytes each, sorted, each once */
	size_t count;
};

/* `path` is the folder of the repository. No such file: empty. ERR_INPUT: it has another
 * line than such an id, as git refuses it, too, or more than half a million. */
int shallow_read(struct shallow *out, const char *path, struct err *err);
void shallow_add(struct shallow *shallow, const uint8_t id[OBJECT_ID]);
bool shallow_has(const struct shallow *shallow, const uint8_t id[OBJECT_ID]);
/* Appends it as the file has it. */
void shallow_format(struct buf *out, const struct shallow *shallow);
/* Reads the file, and appends it like that. */
int shallow_copy(struct buf *out, const char *path, struct err *err);
void shallow_release(struct shallow *shallow);

#endif

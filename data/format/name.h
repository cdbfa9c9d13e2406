/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_NAME_H
#define DATA_FORMAT_NAME_H

#include <stddef.h>

#include "data/base/buf.h"

/*
 * name - an id as a file name, and the shard that contains it (albumen(7)). A name
 * never contains a slash, never starts with a dot, and is never empty.
 */

/* Appends the name of `id`: every byte other than A-Z a-z 0-9 _ - becomes %XX in upper
 * case hex, also each dot. The name is one to three times as long as the id. */
void name_add(struct buf *out, const char *id, size_t len);

/* The length of what name_add appends. */
size_t name_length(const char *id, size_t len);

/* Appends the id whose name is `name`. Returns 0; or -1, with *out unchanged, if
 * name_add makes `name` of no id. */
int name_to_id(struct buf *out, const char *name, size_t len);

/* The first four hex digits of `printf %s NAME | git hash-object --stdin`, and a NUL:
 * "xxyy" for the folders xx/yy of a snapshot. */
void name_shard(char shard[5], const char *name, size_t len);

#endif

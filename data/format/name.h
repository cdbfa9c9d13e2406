/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_NAME_H
#define DATA_FORMAT_NAME_H

#include <stddef.h>

#include "data/base/buf.h"

/*
 * name - an id as a file name, and the shard it lies in (CONTRACT.md, section
 * 5). Names never hold '/', never start with '.', never are empty.
 */

/* Appends the name of `id`: every byte other than A-Z a-z 0-9 _ - becomes %XX,
 * upper case hex (dots too, wherever they stand: the contract names the first
 * one apart, but its list of bytes that stay has no dot). Length 1 to 3 times
 * that of the id. */
void name_add(struct buf *out, const char *id, size_t len);

/* The length that name_add would append. */
size_t name_length(const char *id, size_t len);

/* Appends the id of `name` to *out. Returns 0, or -1 (and *out as it was) if
 * `name` is not what name_add makes of any id. */
int name_to_id(struct buf *out, const char *name, size_t len);

/* The first four hex digits of `printf %s NAME | git hash-object --stdin`, and a
 * NUL: "xxyy" of the folders xx/yy of a snapshot. */
void name_shard(char shard[5], const char *name, size_t len);

#endif

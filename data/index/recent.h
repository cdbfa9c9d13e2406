/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_RECENT_H
#define DATA_INDEX_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * recent - texts of records that were read last, by number: few tags stand in many
 * responses. Valid in the read transaction in which they were read.
 */

struct recent;

/* At most 2 MiB. NULL is an empty one; recent_free allows it. */
void recent_free(struct recent *recent);

/* Appends the text to *out. ERR_NOTFOUND (no message): it is not there. */
int recent_get(const struct recent *recent, uint64_t number, struct buf *out);
/* Keeps a text, in place of another one if need be. Makes *recent if it is NULL. */
void recent_put(struct recent **recent, uint64_t number, const char *text, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_UUID_H
#define DATA_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/* uuid - names that nobody else draws: version 4 uuids (RFC 9562), in lower case. */

#define UUID_LEN 36

int uuid_make(char out[UUID_LEN + 1], struct err *err);
/* True if the `len` bytes are a uuid as uuid_make writes it, whatever its version. */
bool uuid_is(const char *text, size_t len);

#endif

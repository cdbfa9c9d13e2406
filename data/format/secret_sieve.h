/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_SIEVE_H
#define DATA_FORMAT_SECRET_SIEVE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * secret_sieve - whether a text may hold a secret at all, in one pass over its bytes. Nearly
 * no record does, so this decides what the search for secrets costs.
 */

/* False only if no rule (secret_rule.h) finds anything in the text, nor after undoing its
 * escapes. `text` is canonical (json.h), a whole record or one string. */
bool secret_sieve_may(const char *text, size_t len);

#endif

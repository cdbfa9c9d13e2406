/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_INNER_H
#define DATA_FORMAT_SECRET_INNER_H

#include <stdbool.h>
#include <stddef.h>

/* secret_inner - one string at a time, for secret.c: others use secret.h. */

enum secret_kind {
	SECRET_NONE,
	SECRET_TOKEN,
	SECRET_PRIVATE_KEY,
	SECRET_AUTHORIZATION,
};

/* What the string whose canonical text is `canon`, its quotes left out, holds: as
 * it is, and in what it embeds. */
enum secret_kind secret_in_string(const char *canon, size_t len);

/* True if the member name (canonical, without quotes) is that of the header. */
bool secret_is_header(const char *name, size_t len);

#endif

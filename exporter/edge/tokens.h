/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_TOKENS_H
#define EXPORTER_EDGE_TOKENS_H

#include "data/base/err.h"

/*
 * tokens - the file of `edge --tokens`: a JSON object of the secrets that tokens are signed
 * with, by their issuer. An edge reads it at each request (token.js), and refuses whatever it
 * cannot check: so a mistake in it has to be found before.
 */

/*
 * Reads the file and says what is wrong with it. No message holds anything of its text.
 *
 * ERR_NOTFOUND: it does not exist. ERR_INPUT: it is not such an object, is empty, or has an
 * issuer twice or an empty secret. ERR_REFUSED: others than its owner and its group may open
 * it. ERR_FAIL: it cannot be read.
 */
int tokens_check(const char *path, struct err *err);

/* ERR_REFUSED: the site has an album whose name stands, in a token, for all that belongs to no
 * album. */
int tokens_check_site(const char *site, struct err *err);

#endif

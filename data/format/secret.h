/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_H
#define DATA_FORMAT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * secret - whether the text of a record contains a secret, which must not get into the
 * permanent history: a JSON Web Token, a private key, or the value of an Authorization
 * header. Pure: no I/O, no state.
 *
 *	struct secret secret;
 *	if (secret_find(&secret, canon, len)) {
 *		... secret.reason, secret.at ...
 *	}
 *
 * It searches strings and names of members, at any depth, for:
 *
 * - a token: three base64url parts joined by dots, of which the first is a JSON
 *    object with a member `alg` or `typ`;
 * - a private key: the line `-----BEGIN ... PRIVATE KEY-----` (or `KEY BLOCK`);
 * - an Authorization value: a member named `authorization` or
 *    `proxy-authorization`, in any case, whose value is a string that is not empty;
 *    `Authorization: ` and a scheme with a value; `Token token="..."`; `Basic` and
 *    base64 of a text with a colon; `Bearer` or `Token` and a value that looks like
 *    a token rather than a word.
 *
 * Each string is searched as it is, and again after undoing the percent signs of URLs
 * and the escapes of JSON in JSON, up to eight times. Signatures of URLs
 * (`s--ft761Nni--`, `?s=3de109a`) are not secrets.
 *
 * Nearly all records contain nothing that even begins like a secret; these cost one
 * pass over their bytes.
 */

struct secret {
	size_t at; /* offset in the text of the string with the secret */
	/* What was found and where, for people: "'exifs.note' holds a private key". It
	 * contains neither the value nor a name with a secret. */
	char reason[200];
};

/* True if the canonical text `canon` contains a secret; *out is then the first one,
 * otherwise unchanged. */
bool secret_find(struct secret *out, const char *canon, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_H
#define DATA_FORMAT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * secret - whether a record's text holds what must not get into history, which is
 * for ever: a JSON Web Token, a private key, or what stands in an Authorization
 * header. Pure: no I/O, no state.
 *
 *	struct secret secret;
 *	if (secret_find(&secret, canon, len)) {
 *		... secret.reason, secret.at ...
 *	}
 *
 * What counts, in strings and in names of members, at any depth and at any place
 * in them:
 *
 *  - a token: three base64url parts joined by dots, the first of which is a JSON
 *    object with a member `alg` or `typ`;
 *  - a private key: the line `-----BEGIN ... PRIVATE KEY-----` (or `KEY BLOCK`);
 *  - an Authorization value: a member named `authorization` or
 *    `proxy-authorization`, in any case, whose value is a string that is not empty;
 *    `Authorization: ` and a scheme with a value; `Token token="..."`; `Basic` and
 *    base64 of a text with a colon; `Bearer` or `Token` and what looks like a token
 *    rather than like a word.
 *
 * Strings are looked at as they are and as what they embed: percent signs of URLs
 * and the escapes of JSON in JSON are undone, as often as there are any (up to
 * eight times). Signatures of URLs (`s--ft761Nni--`, `?s=3de109a`) are none of it.
 *
 * Nearly all records hold nothing that even begins like one of these; that costs
 * one pass over their bytes.
 */

struct secret {
	size_t at; /* offset in the text of the string that holds it */
	/* What was found and where, for people: "'exifs.note' holds a private key;
	 * ...". Neither the value nor a name that holds a secret is in it. */
	char reason[200];
};

/* True if the canonical text `canon` holds a secret; fills *out with the first.
 * False: *out is not touched. */
bool secret_find(struct secret *out, const char *canon, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_H
#define DATA_FORMAT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * secret - whether the text of a record contains a secret, which must not get into the
 * permanent history: a token, a key, a password. Pure: no I/O, no state.
 *
 *	struct secret secret;
 *	if (secret_find(&secret, canon, len)) {
 *		... secret.reason, secret.at ...
 *	}
 *
 * It searches strings and names of members, at any depth, by the rules of one table
 * (secret_rule.h). Each string is searched as it is, and again after undoing the percent signs
 * of URLs and the escapes of JSON in JSON, up to eight times. Signatures of URLs
 * (`s--ft761Nni--`, `?s=3de109a`) are not secrets.
 *
 * Nearly all records contain nothing that even begins like a secret; these cost one
 * pass over their bytes (secret_sieve.h).
 */

struct secret {
	size_t at; /* offset in the text of the string with the secret */
	/* What was found and where, for people: "'exifs.note' holds a private key", which ends
	 * with the name of the rule. It contains neither the value nor a name with a secret. */
	char reason[200];
};

/* True if the canonical text `canon` contains a secret; *out is then the first one,
 * otherwise unchanged. */
bool secret_find(struct secret *out, const char *canon, size_t len);

#endif

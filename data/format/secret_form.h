/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_FORM_H
#define DATA_FORMAT_SECRET_FORM_H

#include <stdbool.h>

/*
 * secret_form - recognises secrets by their form, in a text whose escapes have been undone. For
 * the rules of secret_rule.c, where the examples are. The work is proportional to the text,
 * whatever it is.
 */

struct secret_text {
	const char *at, *end;
};

/* Three base64url parts joined by dots, of which the first is a JSON object with a member `alg`
 * or `typ`, also behind other text. */
bool secret_form_token(struct secret_text text);
/* The line `-----BEGIN ... PRIVATE KEY-----`, or `KEY BLOCK`. */
bool secret_form_private_key(struct secret_text text);
/* The first line of a key of PuTTY. */
bool secret_form_putty_key(struct secret_text text);
/* `SCHEME://NAME:PASSWORD@HOST`. */
bool secret_form_url(struct secret_text text);
/* The URL of an incoming webhook of Slack. */
bool secret_form_slack_hook(struct secret_text text);
/* `Authorization:` and a scheme with a value; `Token token=...`; `Basic` and base64 of a text
 * with a colon; `Bearer` or `Token` and a value that looks random rather than like a word. */
bool secret_form_authorization(struct secret_text text);

/* Whether a letter or a digit stands before `at`. */
bool secret_form_is_in_word(struct secret_text text, const char *at);

#endif

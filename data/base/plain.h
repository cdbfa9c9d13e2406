/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_PLAIN_H
#define DATA_BASE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"

/*
 * plain - text for people. Ids, titles, file names, labels and commit messages come from
 * strangers; printed as they are, they could move the cursor, forge a line, or show
 * letters in another order than they stand.
 *
 * log.c passes each whole message through plain. Code that prints to standard output for
 * people passes each text that is not its own. JSON, CSV and HTML have their own rules.
 *
 * The plain form of a text is one line, without any of these characters:
 *
 *	U+0000-001F, U+007F-009F	control characters, ESC and CSI among them
 *	U+2028, U+2029			line and paragraph separators
 *	U+061C, U+200E, U+200F,		direction of writing
 *	U+202A-202E, U+2066-2069
 *	U+00AD, U+180E, U+200B,		not visible
 *	U+2060-2065, U+206A-206F,
 *	U+FEFF, U+FFF9-FFFB,
 *	U+E0000-E007F
 *
 * Each of their bytes, and each byte that is not part of valid UTF-8, is written as `\xNN`
 * (lower case), and a backslash as `\\`. All else is unchanged; so are U+200C and U+200D,
 * which Persian, Indic scripts and emoji need. So different texts have different plain
 * forms, and $'...' in bash reads a plain form without apostrophes back.
 */

/* The longest plain form of one character. */
#define PLAIN_MAX 16

/* Writes the plain form of the first character of `text` (or of its first byte, if that
 * begins no character), and returns its length. *used is the length of what it read. `len`
 * is not 0. */
size_t plain_char(char out[PLAIN_MAX], const char *text, size_t len, size_t *used);

/* Appends the plain form of a text, of a string. */
void plain_add(struct buf *out, const char *text, size_t len);
void plain_addstr(struct buf *out, const char *text);

/*
 * Appends canonical JSON. The characters above are written as JSON's own \uNNNN, so the
 * result is still JSON, with the same value. A backslash stays: it is an escape already.
 */
void plain_add_json(struct buf *out, const char *json, size_t len);

/* Whether none of the characters above is in the text, and all of it is valid UTF-8. */
bool plain_is(const char *text, size_t len);

/* The first `most` bytes of a text are kept: returns how many of them are whole
 * characters. `most` is at most the length of the text. */
size_t plain_cut(const char *text, size_t most);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_JSON_PRINT_H
#define DATA_FORMAT_JSON_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * json_print - prints JSON on the fly: what --json reports, snapshot.json, manifests.
 *
 *	json_print_document(&out);
 *	json_print_string(&out, "path", path);
 *	json_print_number(&out, "files", count);
 *	json_print_open(&out, "tags", '[');
 *	json_print_string(&out, NULL, tag);
 *	buf_addstr(&out, "]}");
 *
 * Every function appends one value to `out`, and first the comma and the member name
 * that it needs. `name` is NULL for the elements of an array and for the outermost
 * value; it is printed as it is. The caller closes arrays and objects.
 *
 * No comma is printed at the start of `out`, nor behind any of `{ [ : ,` and newline.
 * So a caller that empties `out` in the middle of an array or object must leave its
 * last byte there.
 *
 * cJSON does not print this: its numbers are doubles, it does not write `&`, `<`, `>`,
 * U+2028 and U+2029 as canonical text does, and it keeps the whole tree in memory.
 */

/* The comma and the name alone: the caller appends the value. */
void json_print_name(struct buf *out, const char *name);

void json_print_open(struct buf *out, const char *name, char bracket);

/* The version of all forms. */
#define JSON_PRINT_VERSION 1
/* Opens a document: an object whose first member is the version of its form. The form is
 * what its schema in data/schema says. Members may be added to it; whoever takes one away,
 * or gives it another meaning, raises the version of all. */
void json_print_document(struct buf *out);
/* Opens the next of several lines, each of them an object. The first one has the version:
 * *begun says whether there was one, and is set. */
void json_print_line(struct buf *out, bool *begun);

/* NULL is printed as null. The text must be valid UTF-8. */
void json_print_string(struct buf *out, const char *name, const char *text);
void json_print_bytes(struct buf *out, const char *name, const char *text, size_t len);
void json_print_number(struct buf *out, const char *name, uint64_t number);
/* null if it is not known. */
void json_print_maybe(struct buf *out, const char *name, uint64_t number, bool known);
void json_print_bool(struct buf *out, const char *name, bool value);
/* A value that is JSON already; NULL is printed as null. */
void json_print_raw(struct buf *out, const char *name, const char *json);

#endif

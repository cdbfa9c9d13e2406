/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_HEX_H
#define DATA_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hexadecimal digits. We write lower case, and read back only that: an id has one
 * spelling. Escapes such as %2F and \u00e9 come from others and may use either case.
 * Every reader stops at the first character that is no digit, so it never reads past
 * the NUL of a string.
 */

#define HEX_DIGITS "0123456789abcdef"

/* The number that `count` (at most 7) digits of either case spell, or -1. */
int hex_number(const char *text, size_t count);

/* Reads `count` bytes from twice as many lower-case digits. False: not such digits. */
bool hex_read(uint8_t *bytes, size_t count, const char *text);

/* Writes two lower-case digits a byte, and a NUL. */
void hex_write(char *text, const uint8_t *bytes, size_t count);

#endif

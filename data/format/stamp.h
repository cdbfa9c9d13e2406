/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_STAMP_H
#define DATA_FORMAT_STAMP_H

#include <stddef.h>
#include <stdint.h>

/*
 * stamp - an instant (RFC 3339), encoded so that instants sort under memcmp. Any offset
 * and up to nine fraction digits are allowed; an absent instant is earlier than all
 * others (albumen(7)).
 */

#define STAMP_SIZE 12

/* Big-endian: seconds since 0000-01-01T00:00:00Z of the proleptic Gregorian calendar
 * plus 2^40 (which keeps an instant before the year 0, by its offset, positive), then
 * nanoseconds in four bytes. All zero: absent. */
struct stamp {
	unsigned char bytes[STAMP_SIZE];
};

/* Reads an RFC 3339 date-time: `T` and `Z` in either case, offsets up to 23:59, one to
 * nine fraction digits. Second 60 is allowed only at 23:59:60 UTC, and equals the next
 * midnight. Returns 0, or -1 for anything else. */
int stamp_read(struct stamp *out, const char *text, size_t len);

int stamp_compare(const struct stamp *a, const struct stamp *b);
int stamp_is_absent(const struct stamp *stamp);

/* Unix seconds of a stamp that is not absent, without its fraction. */
int64_t stamp_unix_s(const struct stamp *stamp);

/* Writes Unix seconds as "2026-11-22T04:34:26Z" and a NUL. An instant outside the years 1000 to
 * 9999 is written as their first or last second. */
#define STAMP_TEXT (sizeof("2026-11-22T04:34:26Z"))
void stamp_format(char text[STAMP_TEXT], int64_t unix_s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/stamp.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "data/base/buf.h"

/* Keeps seconds positive with any offset. */
#define STAMP_BIAS (INT64_C(1) << 40)

/* Reads `count` digits; -1: there are fewer. */
static int number(const char *text, int count)
{
	int n = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -1;
		}
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 0000-01-01 to the date, or -1 if the date does not exist. */
static int64_t days_of(int year, int month, int day)
{
	static const short before[] = {0,   31,  59,  90,  120, 151, 181,
				       212, 243, 273, 304, 334, 365};
	int leap = is_leap(year);
	int64_t days;

	if (year < 0 || month < 1 || month > 12 || day < 1 ||
	    day > before[month] - before[month - 1] + (month == 2 && leap)) {
		return -1;
	}
	days = before[month - 1] + (month > 2 && leap) + day - 1;
	if (year > 0) {
		int past =
			year - 1; /* whole years after the year 0, which has 366 days */

		days += 366 + (int64_t)past * 365 + past / 4 - past / 100 + past / 400;
	}
	return days;
}

/* Reads ".123", up to nine digits, as nanoseconds. Returns the number of bytes read, or
 * -1. */
static int read_fraction(uint32_t *nanoseconds, const char *text, size_t len)
{
	int digits = 0;

	*nanoseconds = 0;
	if (!len || text[0] != '.') {
		return 0;
	}
	for (size_t i = 1; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		if (++digits > 9) {
			return -1;
		}
		*nanoseconds = *nanoseconds * 10 + (uint32_t)(text[i] - '0');
	}
	for (int i = digits; i < 9; i++) {
		*nanoseconds *= 10;
	}
	return digits ? digits + 1 : -1;
}

/* Reads "Z" or "+02:00", which must be the whole rest, as seconds east of UTC. */
static int read_offset(int *seconds, const char *text, size_t len)
{
	int hours, minutes;

	*seconds = 0;
	if (len == 1 && (text[0] == 'Z' || text[0] == 'z')) {
		return 0;
	}
	if (len != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
		return -1;
	}
	hours = number(text + 1, 2);
	minutes = number(text + 4, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
		return -1;
	}
	*seconds = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
	return 0;
}

int stamp_read(struct stamp *out, const char *text, size_t len)
{
	int hour, minute, second, offset, used;
	uint32_t nanoseconds;
	int64_t days, seconds;

	if (len < sizeof("0000-00-00T00:00:00Z") - 1 || text[4] != '-' ||
	    text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
	    text[16] != ':') {
		return -1;
	}
	days = days_of(number(text, 4), number(text + 5, 2), number(text + 8, 2));
	hour = number(text + 11, 2);
	minute = number(text + 14, 2);
	second = number(text + 17, 2);
	used = read_fraction(&nanoseconds, text + 19, len - 19);
	if (days < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
	    second < 0 || second > 60 || used < 0 ||
	    read_offset(&offset, text + 19 + used, len - 19 - (size_t)used) < 0) {
		return -1;
	}
	seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset + STAMP_BIAS;
	/* A leap second is the last second of a UTC day. */
	if (second == 60 && (seconds - STAMP_BIAS) % 86400 != 0) {
		return -1;
	}
	be64_put(out->bytes, (uint64_t)seconds);
	be32_put(out->bytes + 8, nanoseconds);
	return 0;
}

int stamp_compare(const struct stamp *a, const struct stamp *b)
{
	return memcmp(a->bytes, b->bytes, STAMP_SIZE);
}

int stamp_is_absent(const struct stamp *stamp)
{
	static const struct stamp absent;

	return stamp_compare(stamp, &absent) == 0;
}

int64_t stamp_unix_s(const struct stamp *stamp)
{
	return (int64_t)be64_get(stamp->bytes) - STAMP_BIAS -
	       days_of(1970, 1, 1) * INT64_C(86400);
}

void stamp_format(char text[STAMP_TEXT], int64_t unix_s)
{
	static const int64_t least = INT64_C(-30610224000), most = INT64_C(253402300799);
	time_t at = unix_s < least ? least : unix_s > most ? most : unix_s;
	struct tm tm = {0};

	gmtime_r(&at, &tm);
	strftime(text, STAMP_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/age.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define DIGITS_MAX 9

static const struct {
	char letter;
	int64_t seconds;
} units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
#define UNITS (sizeof(units) / sizeof(*units))

int age_read(int64_t *seconds, const char *text, struct err *err)
{
	size_t digits = strspn(text, DIGITS);

	if (digits && digits <= DIGITS_MAX && text[digits] && !text[digits + 1]) {
		for (size_t i = 0; i < UNITS; i++) {
			if (text[digits] == units[i].letter) {
				*seconds = strtoll(text, NULL, 10) * units[i].seconds;
				return 0;
			}
		}
	}
	return err_set(
		err, ERR_USAGE,
		"'%s' is not an age; give a number and one of s, m, h, d, w, as in "
		"30d",
		text);
}

void age_add(struct buf *out, int64_t seconds)
{
	int64_t left = seconds > 0 ? seconds : 0;
	size_t i = 1; /* people count days up to a hundred and more */

	while (i < UNITS - 1 && left < units[i].seconds) {
		i++;
	}
	buf_addf(out, "%" PRId64 " %c", left / units[i].seconds, units[i].letter);
	left %= units[i].seconds;
	if (i < UNITS - 1 && left >= units[i + 1].seconds) {
		buf_addf(out, " %" PRId64 " %c", left / units[i + 1].seconds,
			 units[i + 1].letter);
	}
}

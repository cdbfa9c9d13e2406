/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/decimal.h"

#include <stdint.h>

#include "data/format/json.h"

bool decimal_is(const char *text, size_t len)
{
	struct json_value value;
	struct buf canon = {0};
	size_t plus = len && *text == '+';
	char first = plus < len ? text[plus] : '\0';
	bool is = false;

	if ((first >= '0' && first <= '9') || (first == '-' && !plus)) {
		is = json_read(&canon, &value, text + plus, len - plus) == 0 &&
		     value.end == len - plus;
	}
	buf_release(&canon);
	return is;
}

#define EXPONENT_MOST 1000000000

/* Appends the digits of a number without a sign, and without its point. Returns how many of them are
 * decimals: 2 for 1.25 and 125e-2, -1 for 1e1. */
static int64_t read_digits(struct buf *digits, const char *at, const char *end)
{
	int64_t exponent = 0, fraction = 0;
	bool down = false, behind_point = false;

	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.') {
			behind_point = true;
		} else {
			buf_addch(digits, *at);
			fraction += behind_point;
		}
	}
	for (at++; at < end; at++) {
		if (*at == '-') {
			down = true;
		} else if (*at != '+' && exponent < EXPONENT_MOST) {
			exponent = exponent * 10 + (*at - '0');
		}
	}
	return down ? fraction + exponent : fraction - exponent;
}

void decimal_round(struct buf *out, const char *number, size_t len, size_t decimals)
{
	struct buf digits = {0};
	bool sign = *number == '-' || *number == '+', up = false;
	size_t least = decimals + 1, skip = 0, last;
	int64_t drop; /* digits behind the last one that stays */

	/* Zeros in front: whatever is dropped, enough is left to print, and a carry ends
	 * in one of them. */
	for (size_t i = 0; i < least; i++) {
		buf_addch(&digits, '0');
	}
	drop = read_digits(&digits, number + sign, number + len) - (int64_t)decimals;
	if (drop <= 0) {
		buf_add(out, number, len);
		buf_release(&digits);
		return;
	}
	if (drop > (int64_t)(digits.len - least)) {
		buf_setlen(&digits, least);
	} else {
		up = digits.data[digits.len - (size_t)drop] >= '5';
		buf_setlen(&digits, digits.len - (size_t)drop);
	}
	if (up) {
		for (last = digits.len - 1; digits.data[last] == '9'; last--) {
			digits.data[last] = '0';
		}
		digits.data[last]++;
	}
	while (digits.len - skip > least && digits.data[skip] == '0') {
		skip++;
	}
	buf_add(out, number, sign);
	buf_add(out, digits.data + skip, digits.len - skip - decimals);
	buf_addstr(out, decimals ? "." : "");
	buf_add(out, digits.data + digits.len - decimals, decimals);
	buf_release(&digits);
}

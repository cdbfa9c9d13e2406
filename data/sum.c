/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/sum.h"

#include <endian.h>
#include <string.h>

#define ODD 0x9e3779b97f4a7c15u

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * ODD;
	return sum ^ sum >> 32;
}

uint64_t sum_add(uint64_t so_far, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	/* The length too: two parts cannot trade bytes. */
	uint64_t sum = mix(so_far, len + 1);
	unsigned char last[8] = {0};

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		sum = mix(sum, le64toh(word));
	}
	if (len) {
		uint64_t word;

		memcpy(last, p, len);
		memcpy(&word, last, 8);
		sum = mix(sum, le64toh(word));
	}
	return sum;
}

uint32_t sum_end(uint64_t sum)
{
	sum *= ODD;
	return (uint32_t)(sum >> 32);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/sum.h"

#include <endian.h>
#include <string.h>

#define ODD 0x9e3779b97f4a7c15u

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * ODD;
	return sum ^ sum >> 32;
}

static uint64_t word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

uint64_t sum_add(uint64_t so_far, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	/* The length too: two parts cannot trade bytes. */
	uint64_t sum = mix(so_far, len + 1);
	unsigned char last[8] = {0};

	if (len >= 32) {
		/* Four at a time do not wait for each other. */
		uint64_t lane[4] = {sum, ~sum, sum << 1, ~sum << 1};

		for (; len >= 32; p += 32, len -= 32) {
			for (int i = 0; i < 4; i++) {
				lane[i] = mix(lane[i], word_at(p + 8 * i));
			}
		}
		sum = mix(mix(mix(lane[0], lane[1]), lane[2]), lane[3]);
	}
	for (; len >= 8; p += 8, len -= 8) {
		sum = mix(sum, word_at(p));
	}
	if (len) {
		memcpy(last, p, len);
		sum = mix(sum, word_at(last));
	}
	return sum;
}

uint32_t sum_end(uint64_t sum)
{
	sum *= ODD;
	return (uint32_t)(sum >> 32);
}

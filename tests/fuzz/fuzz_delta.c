/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Deltas. The first two bytes of the input say how long the base is, the base follows, then the
 * body. What must hold: the delta of any two bodies gives the body back; and the body, taken
 * for a delta, makes nothing or an object of the size that it says.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/git/pack/delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int what)
{
	if (!what) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct delta_index index;
	static struct buf delta, made;
	size_t base_len, from, to;
	const uint8_t *body, *at;

	if (size < 2) {
		return 0;
	}
	base_len = ((size_t)data[0] << 8 | data[1]) % (size - 1);
	data += 2;
	size -= 2;
	body = data + base_len;
	size -= base_len;

	delta_index(&index, data, base_len);
	buf_clear(&delta);
	must(delta_make(&delta, &index, body, size, SIZE_MAX / 2));
	at = delta_sizes(&from, &to, delta.data, delta.len);
	must(at && from == base_len && to == size);
	must(delta_apply(&made, data, base_len, at,
			 (const uint8_t *)delta.data + delta.len, to));
	must(made.len == size && memcmp(made.data, body, size) == 0);

	at = delta_sizes(&from, &to, body, size);
	if (at && to < (size_t)1 << 20 &&
	    delta_apply(&made, data, base_len, at, body + size, to)) {
		must(made.len == to);
	}
	return 0;
}

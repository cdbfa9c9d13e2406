/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as an instant: what is accepted is not absent, and equals itself. */

#include <stdint.h>
#include <stdlib.h>

#include "data/format/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stamp stamp, again;

	if (stamp_read(&stamp, (const char *)data, size) < 0) {
		return 0;
	}
	if (stamp_is_absent(&stamp) || stamp_read(&again, (const char *)data, size) < 0 ||
	    stamp_compare(&stamp, &again) != 0) {
		abort();
	}
	return 0;
}

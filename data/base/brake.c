/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/brake.h"

#define HALF_FROM 100 /* from so many on, more than half is too much */
#define ALL_FROM 10   /* from so many on, all is too much */

bool brake_holds(uint64_t gone, uint64_t all)
{
	return (all >= HALF_FROM && gone > all / 2) || (all >= ALL_FROM && gone >= all);
}

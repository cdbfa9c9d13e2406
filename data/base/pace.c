/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/pace.h"

#include "data/base/clock.h"

void pace_changed(struct pace *pace)
{
	int64_t soon = pace->done_ms + PACE_LEAST_MS;

	pace->due_ms = soon < pace->due_ms ? soon : pace->due_ms;
}

bool pace_is_due(const struct pace *pace)
{
	return clock_now_ms() >= pace->due_ms;
}

void pace_done(struct pace *pace)
{
	pace->done_ms = clock_now_ms();
	pace->due_ms = pace->done_ms + PACE_MOST_MS;
}

int64_t pace_wait_ms(const struct pace *pace, int64_t timeout_ms)
{
	int64_t left = pace->due_ms - clock_now_ms();

	left = left > 0 ? left : 0;
	return left < timeout_ms ? left : timeout_ms;
}

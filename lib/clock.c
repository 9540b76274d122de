/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/clock.h"

#include <time.h>

#include "lib/base.h"

/* Enough that one of them is not interrupted. */
#define SAMPLES 5

/* Cannot fail: both clocks exist on every Linux, and the address is good. */
static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boot_now_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

void clock_sync(struct clock *clock)
{
	uint64_t tightest = UINT64_MAX;

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t before = clock_read_ns(CLOCK_MONOTONIC);
		uint64_t realtime = clock_read_ns(CLOCK_REALTIME);
		uint64_t between = clock_read_ns(CLOCK_MONOTONIC) - before;

		if (between >= tightest)
			continue;
		tightest = between;
		clock->offset_ns = (int64_t)(realtime - (before + between / 2));
	}
}

uint64_t clock_realtime_ns(const struct clock *clock, uint64_t monotonic_ns)
{
	return monotonic_ns + (uint64_t)clock->offset_ns;
}

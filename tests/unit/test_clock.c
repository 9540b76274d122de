/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base.h"
#include "lib/clock.h"

#define TOLERANCE_NS 1000000 /* of a sample on a busy machine; usually 100 ns are enough */

static uint64_t read_ns(clockid_t id)
{
	struct timespec now;

	assert_int_equal(clock_gettime(id, &now), 0);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static void test_now_is_monotonic_clock(void **state _unused_)
{
	uint64_t before = read_ns(CLOCK_MONOTONIC);
	uint64_t now = clock_now_ns();
	uint64_t after = read_ns(CLOCK_MONOTONIC);

	assert_in_range(now, before, after);
}

static void test_conversion_is_exact(void **state _unused_)
{
	struct clock clock = {.offset_ns = 1700000000000000000};

	assert_int_equal(clock_realtime_ns(&clock, 0), 1700000000000000000);
	assert_int_equal(clock_realtime_ns(&clock, 123456789), 1700000000123456789);

	/* The wall clock of a machine without a battery may be behind its uptime. */
	clock.offset_ns = -5;
	assert_int_equal(clock_realtime_ns(&clock, 7), 2);
}

static void test_sync_maps_now_to_now(void **state _unused_)
{
	struct clock clock = {.offset_ns = 42};
	uint64_t before, realtime, after;

	clock_sync(&clock);
	before = read_ns(CLOCK_REALTIME);
	realtime = clock_realtime_ns(&clock, clock_now_ns());
	after = read_ns(CLOCK_REALTIME);

	assert_in_range(realtime, before - TOLERANCE_NS, after + TOLERANCE_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_now_is_monotonic_clock),
		cmocka_unit_test(test_conversion_is_exact),
		cmocka_unit_test(test_sync_maps_now_to_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

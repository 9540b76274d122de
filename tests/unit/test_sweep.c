// SPDX-License-Identifier: GPL-2.0-only
/* When flows are swept: soon if some wait for it, seldom if not, never for most of the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/connection_sweep.h"

#define IDLE_EVERY_NS (5 * 1000 * 1000 * 1000ULL)
#define SWEPT_NS      123456789ULL

static struct sweep swept(uint64_t took_ns)
{
	struct sweep sweep = SWEEP_NONE;

	sweep.idle_every_ns = IDLE_EVERY_NS;
	sweep.swept_ns = SWEPT_NS;
	sweep.took_ns = took_ns;
	sweep.done = 7;
	return sweep;
}

static void test_idle(void **state)
{
	const struct sweep sweep = swept(1000);

	(void)state;
	assert_false(sweep_is_due(&sweep, 7, SWEPT_NS + IDLE_EVERY_NS - 1, false));
	assert_false(sweep_is_due(&sweep, 7, SWEPT_NS + IDLE_EVERY_NS - 1, true));
	assert_true(sweep_is_due(&sweep, 7, SWEPT_NS + IDLE_EVERY_NS, false));
}

static void test_waiting(void **state)
{
	const struct sweep sweep = swept(1000);

	(void)state;
	assert_false(sweep_is_due(&sweep, 8, SWEPT_NS + SWEEP_MIN_NS - 1, false));
	assert_true(sweep_is_due(&sweep, 8, SWEPT_NS + SWEEP_MIN_NS, false));
	assert_true(sweep_is_due(&sweep, 8, SWEPT_NS + SWEEP_SHARE * 1000, true));
}

/* A sweep that took long is not followed by another at once, whatever waits. */
static void test_share(void **state)
{
	const struct sweep sweep = swept(IDLE_EVERY_NS);
	const uint64_t rested_ns = SWEPT_NS + SWEEP_SHARE * IDLE_EVERY_NS;

	(void)state;
	assert_false(sweep_is_due(&sweep, 7, rested_ns - 1, false));
	assert_false(sweep_is_due(&sweep, 8, rested_ns - 1, true));
	assert_true(sweep_is_due(&sweep, 7, rested_ns, false));
	assert_true(sweep_is_due(&sweep, 8, rested_ns, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

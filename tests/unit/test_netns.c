/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/netns.h"

#define NO_PID 4194305 /* above the largest that Linux gives out (PID_MAX_LIMIT) */

static void test_set(void **state _unused_)
{
	struct netns_set set = {};

	assert_int_equal(netns_set_add(&set, 7, 70), 0);
	assert_int_equal(netns_set_add(&set, 8, 80), 0);
	assert_int_equal(netns_set_add(&set, 7, 71), 0);
	assert_int_equal(set.n, 2);
	assert_int_equal(set.members[0].inode, 7);
	assert_int_equal(set.members[0].pid, 70);
	assert_int_equal(set.members[1].inode, 8);
	for (uint32_t inode = 100; inode < 100 + 2 * NETNS_MAX; inode++)
		assert_int_equal(netns_set_add(&set, inode, 1), 0);
	assert_int_equal(set.n, NETNS_MAX);
	netns_set_release(&set);
	assert_null(set.members);
	assert_int_equal(set.n, 0);
}

static int count(void *context)
{
	return ++*(int *)context;
}

static void test_inside(void **state _unused_)
{
	struct netns netns = {.pid = (uint32_t)getpid()};
	uint32_t after;
	int called = 0, r;

	assert_int_equal(netns_own(&netns.inode), 0);
	assert_int_not_equal(netns.inode, 0);
	r = netns_inside(&netns, count, &called);
	if (r == -EPERM) { /* without root */
		assert_int_equal(called, 0);
	} else {
		assert_int_equal(r, 1);
		assert_int_equal(called, 1);
	}
	assert_int_equal(netns_own(&after), 0);
	assert_int_equal(after, netns.inode);
}

static void test_gone(void **state _unused_)
{
	struct netns moved = {.pid = (uint32_t)getpid(), .inode = 1}, dead = {.pid = NO_PID};
	int called = 0;

	assert_int_equal(netns_inside(&moved, count, &called), -ESRCH);
	assert_int_equal(netns_inside(&dead, count, &called), -ESRCH);
	assert_int_equal(called, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

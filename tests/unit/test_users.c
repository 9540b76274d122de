/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base.h"

static void test_names(void **state _unused_)
{
	_cleanup_(users_freep) struct users *users = NULL;

	assert_int_equal(users_new(&users), 0);
	assert_string_equal(users_name(users, 0), "root");
	assert_string_equal(users_name(users, 4000000123), "4000000123");
	assert_string_equal(users_name(users, 4000000123), "4000000123");
	assert_string_equal(users_name(users, 0), "root");
}

/* More than are remembered, round and round. */
static void test_many(void **state _unused_)
{
	_cleanup_(users_freep) struct users *users = NULL;
	char text[16];

	assert_int_equal(users_new(&users), 0);
	for (uint32_t i = 0; i < 3 * USERS_MAX; i++) {
		snprintf(text, sizeof(text), "%u", 3000000000U + i);
		assert_string_equal(users_name(users, 3000000000U + i), text);
		if (i % 7 == 0)
			assert_string_equal(users_name(users, 0), "root");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

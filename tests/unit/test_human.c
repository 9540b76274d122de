/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/human.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base.h"

static void test_bytes(void **state _unused_)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {{0, "0"},		{999, "999"},	      {1000, "1.0k"},	  {1049, "1.0k"},
		     {1234567, "1.2M"}, {9949, "9.9k"},	      {9950, "10k"},	  {999499, "999k"},
		     {999500, "1.0M"},	{5000000000, "5.0G"}, {UINT64_MAX, "18E"}};
	char text[HUMAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		human_bytes(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_duration(void **state _unused_)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {{0, "0us"},
		     {999499, "999us"},
		     {999500, "1.0ms"},
		     {34000000, "34ms"},
		     {999499999, "999ms"},
		     {999500000, "1.0s"},
		     {59400000000, "59s"},
		     {59500000000, "1.0m"},
		     {600 * NSEC_PER_SEC, "10m"},
		     {3600 * NSEC_PER_SEC, "1.0h"},
		     {84500 * NSEC_PER_SEC, "23h"},
		     {86400 * NSEC_PER_SEC, "1.0d"},
		     {412 * 86400 * NSEC_PER_SEC, "412d"}};
	char text[HUMAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		human_duration(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_cpu_time(void **state _unused_)
{
	char text[HUMAN_MAX];

	human_cpu_time(0, text);
	assert_string_equal(text, "0:00.00");
	human_cpu_time(59999999999, text);
	assert_string_equal(text, "0:59.99");
	human_cpu_time(60 * NSEC_PER_SEC, text);
	assert_string_equal(text, "1:00.00");
	human_cpu_time(9999 * 60 * NSEC_PER_SEC + 1, text);
	assert_string_equal(text, "9999:00.00");
	human_cpu_time(10000 * 60 * NSEC_PER_SEC, text);
	assert_string_equal(text, "166h40");
	human_cpu_time(UINT64_MAX, text);
	assert_true(strlen(text) < HUMAN_MAX);
}

static void test_percent(void **state _unused_)
{
	char text[HUMAN_MAX];

	human_percent(1, 0, text);
	assert_string_equal(text, "0.0");
	human_percent(1, 3, text);
	assert_string_equal(text, "33.3");
	human_percent(2, 1, text);
	assert_string_equal(text, "200.0");
	human_percent(16, 1, text);
	assert_string_equal(text, "1600");
}

static void test_count(void **state _unused_)
{
	char text[HUMAN_MAX + 8];

	human_count(0, text);
	assert_string_equal(text, "0");
	human_count(999, text);
	assert_string_equal(text, "999");
	human_count(1127, text);
	assert_string_equal(text, "1,127");
	human_count(1000000, text);
	assert_string_equal(text, "1,000,000");
	human_count(UINT64_MAX, text);
	assert_string_equal(text, "18,446,744,073,709,551,615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	 cmocka_unit_test(test_duration),
		cmocka_unit_test(test_cpu_time), cmocka_unit_test(test_percent),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

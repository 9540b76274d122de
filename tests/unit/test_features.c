/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/features.h"

static const struct feature features[] = {
	{.name = "first", .gives = "one; two", .available = true, .used = true},
	{.name = "a_second_feature_x", .gives = "three", .available = true},
	{.name = "third", .gives = "four"},
};

static void assert_printed(enum output_format format, bool header, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(features_print(file, "toy", features, ARRAY_SIZE(features), format,
					header),
			 0);
	fclose(file);
	assert_string_equal(text, want);
	free(text);
}

static void test_table(void **state _unused_)
{
	assert_printed(OUTPUT_TABLE, true,
		       "FEATURE           KERNEL USED GIVES\n"
		       "first             yes    yes  one; two\n"
		       "a_second_feature_x yes    no   three\n"
		       "third             no     no   four\n");
	assert_printed(OUTPUT_TABLE, false,
		       "first             yes    yes  one; two\n"
		       "a_second_feature_x yes    no   three\n"
		       "third             no     no   four\n");
}

static void test_json(void **state _unused_)
{
	const char *want = "{\"type\":\"feature\",\"tool\":\"toy\",\"name\":\"first\","
			   "\"available\":true,\"used\":true,\"gives\":\"one; two\"}\n"
			   "{\"type\":\"feature\",\"tool\":\"toy\",\"name\":\"a_second_feature_x\","
			   "\"available\":true,\"used\":false,\"gives\":\"three\"}\n"
			   "{\"type\":\"feature\",\"tool\":\"toy\",\"name\":\"third\","
			   "\"available\":false,\"used\":false,\"gives\":\"four\"}\n";

	assert_printed(OUTPUT_JSON, true, want);
	assert_printed(OUTPUT_JSON, false, want);
}

static void test_csv(void **state _unused_)
{
	assert_printed(OUTPUT_CSV, true,
		       "type,tool,name,available,used,gives\n"
		       "feature,toy,first,true,true,one; two\n"
		       "feature,toy,a_second_feature_x,true,false,three\n"
		       "feature,toy,third,false,false,four\n");
}

static void test_full_disk(void **state _unused_)
{
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	assert_int_equal(features_print(full, "toy", features, 1, OUTPUT_TABLE, true), -ENOSPC);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/record: what is a record, and where the next one begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/record.h"

#define HEAD ((uint32_t)sizeof(struct record_header))

static const struct record_sizes sizes = {.least = {[RECORD_PROCESS] = HEAD + 8,
						    [RECORD_TOOL] = HEAD,
						    [RECORD_TYPES_MAX - 1] = HEAD + 16}};

/* Checks a record that says @type and @length, of which @size bytes are there: no byte more. */
static int check(uint32_t type, uint32_t length, size_t size)
{
	_cleanup_(freep) char *data = malloc(size ? size : 1);
	const struct record_header header = {.type = type, .length = length};

	assert_non_null(data);
	memset(data, 0xff, size ? size : 1);
	memcpy(data, &header, size < sizeof(header) ? size : sizeof(header));
	return record_check(data, size, &sizes);
}

static void test_whole(void **state _unused_)
{
	assert_int_equal(check(RECORD_TOOL, HEAD, HEAD), RECORD_TOOL);
	assert_int_equal(check(RECORD_TOOL, HEAD + 1, HEAD + 1), RECORD_TOOL);
	assert_int_equal(check(RECORD_TOOL, HEAD, HEAD + 100), RECORD_TOOL);
	assert_int_equal(check(RECORD_PROCESS, HEAD + 8, HEAD + 8), RECORD_PROCESS);
	assert_int_equal(check(RECORD_TYPES_MAX - 1, HEAD + 16, HEAD + 16), RECORD_TYPES_MAX - 1);
}

static void test_cut(void **state _unused_)
{
	for (size_t size = 0; size < HEAD; size++)
		assert_int_equal(check(RECORD_TOOL, HEAD, size), -EBADMSG);
	assert_int_equal(check(RECORD_TOOL, HEAD + 1, HEAD), -EBADMSG);
	assert_int_equal(check(RECORD_TOOL, UINT32_MAX, HEAD), -EBADMSG);
	assert_int_equal(check(RECORD_PROCESS, HEAD + 8, HEAD + 7), -EBADMSG);
}

static void test_short(void **state _unused_)
{
	assert_int_equal(check(RECORD_TOOL, 0, HEAD), -EBADMSG);
	assert_int_equal(check(RECORD_TOOL, HEAD - 1, HEAD), -EBADMSG);
	/* long enough for a head, not for its type, however much there is */
	assert_int_equal(check(RECORD_PROCESS, HEAD + 7, HEAD + 100), -EBADMSG);
	assert_int_equal(check(RECORD_TYPES_MAX - 1, HEAD + 15, HEAD + 100), -EBADMSG);
}

static void test_types(void **state _unused_)
{
	for (uint32_t type = 0; type < RECORD_TYPES_MAX; type++) {
		int wanted = sizes.least[type] ? (int)type : -EBADMSG;

		assert_int_equal(check(type, HEAD + 16, HEAD + 16), wanted);
	}
	assert_int_equal(check(RECORD_TYPES_MAX, HEAD + 16, HEAD + 16), -EBADMSG);
	assert_int_equal(check(UINT32_MAX, HEAD + 16, HEAD + 16), -EBADMSG);
	assert_int_equal(check(RECORD_PROCESS + (1U << 31), HEAD + 16, HEAD + 16), -EBADMSG);
}

/* Three records, 24, 32 and 48 bytes long. */
struct three {
	struct record_header first;
	struct {
		struct record_header head;
		uint64_t more;
	} second;
	struct {
		struct record_header head;
		uint64_t more[3];
	} third;
};

static struct three three_records(void)
{
	return (struct three){
		.first = {.type = RECORD_TOOL, .length = HEAD},
		.second.head = {.type = RECORD_PROCESS, .length = HEAD + 8},
		.third.head = {.type = RECORD_TYPES_MAX - 1, .length = HEAD + 24},
	};
}

static void test_walk(void **state _unused_)
{
	const struct three three = three_records();
	size_t offset = 0;
	int bad = 1;

	assert_ptr_equal(record_next(&three, sizeof(three), &offset, &sizes, &bad), &three.first);
	assert_int_equal(offset, offsetof(struct three, second));
	assert_int_equal(bad, 0);
	assert_ptr_equal(record_next(&three, sizeof(three), &offset, &sizes, &bad), &three.second);
	assert_int_equal(offset, offsetof(struct three, third));
	assert_ptr_equal(record_next(&three, sizeof(three), &offset, &sizes, &bad), &three.third);
	assert_int_equal(offset, sizeof(three));
	assert_int_equal(bad, 0);
	bad = 1;
	assert_null(record_next(&three, sizeof(three), &offset, &sizes, &bad));
	assert_int_equal(bad, 0);
	assert_int_equal(offset, sizeof(three));
}

static void test_walk_nothing(void **state _unused_)
{
	size_t offset = 0;
	int bad = 1;

	assert_null(record_next("", 0, &offset, &sizes, &bad));
	assert_int_equal(bad, 0);
	assert_int_equal(offset, 0);
}

/* Wherever a read ends: what is whole comes out, the rest stays where it begins. */
static void test_walk_cut(void **state _unused_)
{
	const struct three three = three_records();

	for (size_t size = 1; size < sizeof(three); size++) {
		_cleanup_(freep) char *data = malloc(size);
		const size_t ends[] = {0, offsetof(struct three, second),
				       offsetof(struct three, third), sizeof(three)};
		size_t offset = 0, whole = 0;
		int bad = 0;

		assert_non_null(data);
		memcpy(data, &three, size);
		while (record_next(data, size, &offset, &sizes, &bad))
			whole++;
		assert_int_equal(offset, ends[whole]);
		assert_true(size >= ends[whole] && size < ends[whole + 1]);
		assert_int_equal(bad, size == ends[whole] ? 0 : -EBADMSG);
	}
}

static void test_walk_bad(void **state _unused_)
{
	struct three three = three_records();
	size_t offset = 0;
	int bad = 0;

	/* one that is none ends the walk, however often one asks */
	three.second.head.type = 2;
	assert_non_null(record_next(&three, sizeof(three), &offset, &sizes, &bad));
	for (int i = 0; i < 2; i++) {
		assert_null(record_next(&three, sizeof(three), &offset, &sizes, &bad));
		assert_int_equal(bad, -EBADMSG);
		assert_int_equal(offset, offsetof(struct three, second));
	}

	/* one behind which no other can stand: it would not be aligned */
	three.second.head.type = RECORD_PROCESS;
	three.second.head.length = sizeof(three.second) + 1;
	assert_null(record_next(&three, sizeof(three), &offset, &sizes, &bad));
	assert_int_equal(bad, -EBADMSG);

	/* a length of 0 would never end */
	three.second.head.length = 0;
	assert_null(record_next(&three, sizeof(three), &offset, &sizes, &bad));
	assert_int_equal(bad, -EBADMSG);
}

static void test_join(void **state _unused_)
{
	char text[32];

	assert_int_equal(record_join_path("ls\0bin\0usr", 11, text), 11);
	assert_string_equal(text, "/usr/bin/ls");
	assert_int_equal(record_join_path("memfd:x", 8, text), 8);
	assert_string_equal(text, "/memfd:x");
	assert_int_equal(record_join_path("", 0, text), 1);
	assert_string_equal(text, "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),	     cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),	     cmocka_unit_test(test_short),
		cmocka_unit_test(test_types),	     cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_nothing), cmocka_unit_test(test_walk_cut),
		cmocka_unit_test(test_walk_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/types: every function and typedef by its name, the first of several, and nothing else. */
#include "lib/types.h"

#include <bpf/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 1000

static struct btf *new_btf(void)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	assert_int_equal(btf__add_int(btf, "int", 4, BTF_INT_SIGNED), 1);
	assert_int_equal(btf__add_func_proto(btf, 1), 2);
	return btf;
}

static void test_find(void **state)
{
	struct btf *btf = new_btf();
	struct types *types;
	char name[32];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "name_%d", i);
		assert_int_equal(btf__add_func(btf, name, BTF_FUNC_STATIC, 2), 3 + 2 * i);
		assert_int_equal(btf__add_typedef(btf, name, 1), 4 + 2 * i);
	}
	btf__add_func(btf, "name_7", BTF_FUNC_STATIC, 2);
	btf__add_struct(btf, "structure", 4);
	assert_int_equal(types_new(btf, &types), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "name_%d", i);
		assert_int_equal(types_find(types, name, BTF_KIND_FUNC), 3 + 2 * i);
		assert_int_equal(types_find(types, name, BTF_KIND_TYPEDEF), 4 + 2 * i);
	}
	assert_int_equal(types_find(types, "name_1000", BTF_KIND_FUNC), 0);
	assert_int_equal(types_find(types, "", BTF_KIND_FUNC), 0);
	assert_int_equal(types_find(types, "structure", BTF_KIND_STRUCT), 0);
	types_free(types);
	btf__free(btf);
}

static void test_empty(void **state)
{
	struct btf *btf = btf__new_empty();
	struct types *types;

	(void)state;
	assert_non_null(btf);
	assert_int_equal(types_new(btf, &types), 0);
	assert_int_equal(types_find(types, "int", BTF_KIND_TYPEDEF), 0);
	types_free(types);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

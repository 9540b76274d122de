/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/connection_list: one socket out of a record for each of its holders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base.h"
#include "tools/connection_list.h"

#define SEEN_MAX 8

/* What a walk over a list has shown. */
struct seen {
	struct {
		struct open_record record;
		uint32_t holders[128];
		size_t n;
	} of[SEEN_MAX];
	size_t n;
	size_t stop_at; /* ends the walk at that many; 0: never */
};

static int see(void *context, const struct open_record *record, const uint32_t *holders, size_t n)
{
	struct seen *seen = context;

	assert_true(seen->n < SEEN_MAX);
	assert_true(n <= ARRAY_SIZE(seen->of[0].holders));
	seen->of[seen->n].record = *record;
	if (n)
		memcpy(seen->of[seen->n].holders, holders, n * sizeof(*holders));
	seen->of[seen->n].n = n;
	return ++seen->n == seen->stop_at ? -ECANCELED : 0;
}

static void add(struct socket_list *list, uint64_t cookie, uint32_t pid, bool opener, bool live)
{
	struct open_record record = {
		.header = {.type = RECORD_OPEN, .length = sizeof(record)},
		.connection = {.cookie = cookie, .owner.tgid = pid},
		.opener = opener,
		.live = live,
	};

	assert_int_equal(socket_list_add(list, &record), 0);
}

static void check_at(int line, const struct seen *seen, size_t i, uint64_t cookie, uint32_t owner,
		     const uint32_t *holders, size_t n)
{
	bool good = i < seen->n && seen->of[i].record.connection.cookie == cookie &&
		    seen->of[i].record.connection.owner.tgid == owner && seen->of[i].n == n &&
		    !memcmp(seen->of[i].holders, holders, n * sizeof(*holders));

	if (good)
		return;
	print_error("%s:%d: socket %zu of %zu: cookie %llu owner %u, %zu holders:", __FILE__, line,
		    i, seen->n, (unsigned long long)seen->of[i].record.connection.cookie,
		    seen->of[i].record.connection.owner.tgid, seen->of[i].n);
	for (size_t j = 0; j < seen->of[i].n; j++)
		print_error(" %u", seen->of[i].holders[j]);
	print_error("\nwanted: cookie %llu owner %u\n", (unsigned long long)cookie, owner);
	fail();
}

#define CHECK(seen, i, cookie, owner, ...)                                                         \
	check_at(__LINE__, seen, i, cookie, owner, (const uint32_t[]){__VA_ARGS__},                \
		 sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

#define LIST                                                                                       \
	_cleanup_(socket_list_freep) struct socket_list *list = NULL;                              \
	struct seen seen = {};                                                                     \
	assert_int_equal(socket_list_new(&list), 0)

static void test_empty(void **state _unused_)
{
	LIST;

	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 0);
	socket_list_free(NULL);
}

static void test_order(void **state _unused_)
{
	LIST;

	add(list, 30, 1, false, false);
	add(list, 10, 2, false, false);
	add(list, 20, 3, false, false);
	add(list, 30, 4, false, false);
	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 3);
	CHECK(&seen, 0, 30, 1, 1, 4);
	CHECK(&seen, 1, 10, 2, 2);
	CHECK(&seen, 2, 20, 3, 3);
}

static void test_holders_once(void **state _unused_)
{
	LIST;

	/* two descriptors of 1; then of 2; then again of 1, of a thread with its own table */
	add(list, 10, 1, false, false);
	add(list, 10, 1, false, false);
	add(list, 10, 2, false, false);
	add(list, 10, 1, false, false);
	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 1);
	CHECK(&seen, 0, 10, 1, 1, 2);
}

static void test_many_holders(void **state _unused_)
{
	uint32_t wanted[100];
	LIST;

	for (uint32_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		wanted[i] = 1000 - i;
		add(list, 10, wanted[i], false, false);
	}
	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 1);
	check_at(__LINE__, &seen, 0, 10, 1000, wanted, ARRAY_SIZE(wanted));
}

static void test_opener_owns(void **state _unused_)
{
	LIST;

	/* seen last, second and first: the owner is who opened it, the holders stay in order */
	add(list, 10, 1, false, false);
	add(list, 10, 2, false, false);
	add(list, 10, 3, true, false);
	add(list, 20, 1, false, false);
	add(list, 20, 2, true, false);
	add(list, 20, 3, true, false);
	add(list, 30, 1, true, false);
	add(list, 30, 2, false, false);
	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 3);
	CHECK(&seen, 0, 10, 3, 1, 2, 3);
	CHECK(&seen, 1, 20, 2, 1, 2, 3);
	CHECK(&seen, 2, 30, 1, 1, 2);
	assert_int_equal(seen.of[0].record.opener, 1);
}

static void test_unheld(void **state _unused_)
{
	LIST;

	/* the iterator over sockets tells of those with holders, too, once more */
	add(list, 10, 1, false, false);
	add(list, 10, 0, false, false);
	add(list, 20, 0, false, false);
	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 2);
	CHECK(&seen, 0, 10, 1, 1);
	assert_int_equal(seen.of[1].record.connection.cookie, 20);
	assert_int_equal(seen.of[1].record.connection.owner.tgid, 0);
	assert_int_equal(seen.of[1].n, 0);
}

static void test_live(void **state _unused_)
{
	LIST;

	/* it stays live when the opener's record takes the place of the first */
	add(list, 10, 1, false, true);
	add(list, 10, 2, true, false);
	add(list, 20, 1, false, false);
	add(list, 20, 2, true, true);
	add(list, 30, 1, false, false);
	assert_int_equal(socket_list_each(list, see, &seen), 0);
	assert_int_equal(seen.n, 3);
	CHECK(&seen, 0, 10, 2, 1, 2);
	assert_int_equal(seen.of[0].record.live, 1);
	assert_int_equal(seen.of[1].record.live, 1);
	assert_int_equal(seen.of[2].record.live, 0);
}

static void test_walk_ends(void **state _unused_)
{
	LIST;

	for (uint32_t i = 1; i <= 5; i++)
		add(list, i, i, false, false);
	seen.stop_at = 2;
	assert_int_equal(socket_list_each(list, see, &seen), -ECANCELED);
	assert_int_equal(seen.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_order),
		cmocka_unit_test(test_holders_once), cmocka_unit_test(test_many_holders),
		cmocka_unit_test(test_opener_owns),  cmocka_unit_test(test_unheld),
		cmocka_unit_test(test_live),	     cmocka_unit_test(test_walk_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

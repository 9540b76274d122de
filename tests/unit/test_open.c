/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_open.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct gone {
	uint64_t cookies[8];
	struct close_record last;
	size_t n;
	int answer;
};

static int note(void *context, const struct close_record *record)
{
	struct gone *gone = context;

	gone->cookies[gone->n++] = record->connection.cookie;
	gone->last = *record;
	return gone->answer;
}

static struct connection connection(uint64_t cookie, uint32_t netns, uint32_t tgid)
{
	return (struct connection){.owner = {.tgid = tgid}, .cookie = cookie, .netns = netns};
}

static void add(struct open_table *table, uint64_t cookie, uint32_t netns, uint64_t at_ns,
		uint64_t lost)
{
	struct connection c = connection(cookie, netns, 100 + (uint32_t)cookie);

	assert_int_equal(open_table_add(table, &c, 7, at_ns, lost), 0);
}

static void test_add_remove(void **state _unused_)
{
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct connection better = connection(1, 5, 900);
	struct process_id owner;

	assert_int_equal(open_table_new(&table), 0);
	add(table, 1, 5, 10, 0);
	add(table, 2, 5, 20, 0);
	assert_int_equal(open_table_count(table), 2);
	assert_int_equal(open_table_add(table, &better, 7, 30, 0), 0);
	assert_int_equal(open_table_count(table), 2);
	assert_true(open_table_remove(table, 1, &owner));
	assert_int_equal(owner.tgid, 900);
	assert_false(open_table_remove(table, 1, &owner));
	assert_int_equal(open_table_count(table), 1);
	assert_true(open_table_has_older(table, 21));
	assert_false(open_table_has_older(table, 20));
}

static void test_sweep(void **state _unused_)
{
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct gone gone = {};

	assert_int_equal(open_table_new(&table), 0);
	add(table, 1, 5, 10, 0); /* there */
	add(table, 2, 5, 20, 0); /* gone */
	add(table, 3, 6, 20, 0); /* in another namespace: nobody looked */
	add(table, 4, 5, 90, 0); /* began behind the look */
	open_table_mark(table, 1);
	open_table_mark(table, 77);
	assert_int_equal(open_table_sweep(table, 5, 50, 200, 0, note, &gone), 0);
	assert_int_equal(gone.n, 1);
	assert_int_equal(gone.cookies[0], 2);
	assert_int_equal(gone.last.header.type, RECORD_CLOSE);
	assert_int_equal(gone.last.header.ts_ns, 200);
	assert_int_equal(gone.last.flags, CLOSE_GONE);
	assert_int_equal(gone.last.connection.owner.tgid, 102);
	assert_int_equal(gone.last.listener_pid, 7);
	assert_int_equal(open_table_count(table), 3);
	/* a mark lasts for one sweep */
	assert_int_equal(open_table_sweep(table, 5, 50, 300, 0, note, &gone), 0);
	assert_int_equal(gone.n, 2);
	assert_int_equal(gone.cookies[1], 1);
}

static void test_lost_rows(void **state _unused_)
{
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct gone gone = {};

	assert_int_equal(open_table_new(&table), 0);
	add(table, 1, 5, 10, 3);
	add(table, 2, 5, 20, 4);
	/* one row was lost since 1 began: its close may be that one, and is counted already */
	assert_int_equal(open_table_sweep(table, 5, 50, 200, 4, note, &gone), 0);
	assert_int_equal(gone.n, 1);
	assert_int_equal(gone.cookies[0], 2);
	assert_int_equal(open_table_count(table), 0);
}

static void test_stop(void **state _unused_)
{
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct gone gone = {.answer = 1};

	assert_int_equal(open_table_new(&table), 0);
	add(table, 1, 5, 10, 0);
	add(table, 2, 5, 20, 0);
	assert_int_equal(open_table_sweep(table, 5, 50, 200, 0, note, &gone), 1);
	assert_int_equal(gone.n, 1);
	assert_int_equal(open_table_count(table), 1);
}

static void test_bound(void **state _unused_)
{
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct process_id owner;

	assert_int_equal(open_table_new(&table), 0);
	for (uint64_t i = 1; i <= OPEN_MAX + 1; i++)
		add(table, i, 5, i, 0);
	assert_int_equal(open_table_count(table), OPEN_MAX);
	assert_false(open_table_remove(table, 1, &owner)); /* the oldest went */
	assert_true(open_table_remove(table, 2, &owner));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_remove), cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_lost_rows),  cmocka_unit_test(test_stop),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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

/* Room for two. */
static struct process_table *new_processes(void)
{
	static const struct process_table_options options = {.proc_fd = -1, .processes_max = 2};
	struct process_table *processes;

	assert_int_equal(process_table_new(&options, &processes), 0);
	return processes;
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
	_cleanup_(process_table_freep) struct process_table *processes = new_processes();
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct connection better = connection(1, 5, 900);

	assert_int_equal(open_table_new(processes, &table), 0);
	add(table, 1, 5, 10, 0);
	add(table, 2, 5, 20, 0);
	assert_int_equal(open_table_count(table), 2);
	assert_int_equal(open_table_add(table, &better, 7, 30, 0), 0);
	assert_int_equal(open_table_count(table), 2);
	assert_true(open_table_remove(table, 1));
	assert_false(open_table_remove(table, 1));
	assert_int_equal(open_table_count(table), 1);
	assert_true(open_table_has_older(table, 21));
	assert_false(open_table_has_older(table, 20));
}

static void test_sweep(void **state _unused_)
{
	_cleanup_(process_table_freep) struct process_table *processes = new_processes();
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct gone gone = {};

	assert_int_equal(open_table_new(processes, &table), 0);
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
	_cleanup_(process_table_freep) struct process_table *processes = new_processes();
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct gone gone = {};

	assert_int_equal(open_table_new(processes, &table), 0);
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
	_cleanup_(process_table_freep) struct process_table *processes = new_processes();
	_cleanup_(open_table_freep) struct open_table *table = NULL;
	struct gone gone = {.answer = 1};

	assert_int_equal(open_table_new(processes, &table), 0);
	add(table, 1, 5, 10, 0);
	add(table, 2, 5, 20, 0);
	assert_int_equal(open_table_sweep(table, 5, 50, 200, 0, note, &gone), 1);
	assert_int_equal(gone.n, 1);
	assert_int_equal(open_table_count(table), 1);
}

static void test_bound(void **state _unused_)
{
	_cleanup_(process_table_freep) struct process_table *processes = new_processes();
	_cleanup_(open_table_freep) struct open_table *table = NULL;

	assert_int_equal(open_table_new(processes, &table), 0);
	for (uint64_t i = 1; i <= OPEN_MAX + 1; i++)
		add(table, i, 5, i, 0);
	assert_int_equal(open_table_count(table), OPEN_MAX);
	assert_false(open_table_remove(table, 1)); /* the oldest went */
	assert_true(open_table_remove(table, 2));
}

static struct process_id process(uint32_t tgid)
{
	return (struct process_id){.tgid = tgid, .start_ns = tgid, .exec_id = 1};
}

static void exec(struct process_table *processes, uint32_t tgid, const char *path)
{
	_Alignas(struct process_record) char bytes[256] = {};
	struct process_record *record = (struct process_record *)bytes;

	record->id = process(tgid);
	record->origin = PROCESS_EXEC;
	record->filename_length = (uint16_t)(strlen(path) + 1);
	strcpy(record->data, path);
	assert_int_equal(process_table_add(processes, record, sizeof(bytes)), 0);
}

enum way { REMOVED, REPLACED, CROWDED_OUT, SWEPT, SWEPT_LOST, WAYS };

static void forget(struct open_table *table, enum way way)
{
	struct gone gone = {};

	if (way == REMOVED)
		assert_true(open_table_remove(table, 1));
	else if (way == REPLACED)
		add(table, 1, 5, 20, 0);
	else if (way == CROWDED_OUT)
		for (uint64_t i = 2; i <= OPEN_MAX + 1; i++)
			add(table, i, 5, i, 0);
	else
		assert_int_equal(open_table_sweep(table, 5, 50, 200, way == SWEPT_LOST, note,
						  &gone),
				 0);
}

/* Whichever way a connection leaves the table: its owner, who has ended, makes room. */
static void test_unpins(void **state _unused_)
{
	for (enum way way = 0; way < WAYS; way++) {
		_cleanup_(process_table_freep) struct process_table *processes = new_processes();
		_cleanup_(open_table_freep) struct open_table *table = NULL;
		struct process_id stays = process(1), owner = process(2);
		struct connection mine = {.owner = owner, .cookie = 1, .netns = 5};
		struct process_names names;

		assert_int_equal(open_table_new(processes, &table), 0);
		exec(processes, 1, "/bin/stays");
		exec(processes, 2, "/bin/owner");
		assert_int_equal(open_table_add(table, &mine, 0, 10, 0), 0);
		process_table_exit(processes, &owner);
		forget(table, way);
		exec(processes, 3, "/bin/another");
		process_table_find(processes, &stays, false, &names);
		assert_string_equal(names.name, "stays");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_remove), cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_lost_rows),  cmocka_unit_test(test_stop),
		cmocka_unit_test(test_bound),	   cmocka_unit_test(test_unpins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

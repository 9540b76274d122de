/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_lines.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tools/proctop_run.h"
#include "tools/proctop_tree.h"

#define SECOND NSEC_PER_SEC

struct fixture {
	struct ledger *ledger;
	struct process_table *processes;
	struct lines *lines;
	struct lines_options options;
	struct line *list;
	ssize_t n;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ledger_options ledger = {};
	struct process_table_options table = {.proc_fd = -1};
	struct proctop_counters none = {};

	assert_non_null(f);
	assert_int_equal(ledger_new(&ledger, &f->ledger), 0);
	assert_int_equal(process_table_new(&table, &f->processes), 0);
	assert_int_equal(lines_new(&f->lines), 0);
	f->options.sort = FIELD_CPU_PERCENT;
	ledger_begin_pass(f->ledger, SECOND);
	ledger_end_pass(f->ledger, 0, &none);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lines_free(f->lines);
	process_table_free(f->processes);
	ledger_free(f->ledger);
	free(f);
	return 0;
}

static struct process_id id_of(uint32_t pid, uint32_t ppid, uint32_t uid, const char *comm)
{
	struct process_id id = {
		.tgid = pid, .tid = pid, .ppid = ppid, .uid = uid, .start_ns = SECOND + pid};

	snprintf(id.comm, sizeof(id.comm), "%s", comm);
	return id;
}

/* A process that is there. */
static void alive(struct fixture *f, uint32_t pid, uint32_t ppid, const char *comm, uint64_t cpu_ns,
		  uint64_t rss_bytes)
{
	struct task_record record = {.id = id_of(pid, ppid, 0, comm),
				     .group = pid,
				     .sums.cpu_ns = cpu_ns,
				     .rss_bytes = rss_bytes,
				     .threads = 1,
				     .state = 'S'};

	assert_int_equal(ledger_task(f->ledger, &record), 0);
}

/* One that has come and gone. */
static void ended(struct fixture *f, uint32_t pid, uint32_t ppid, uint32_t uid, const char *comm,
		  const char *parent, uint32_t code, uint64_t cpu_ns)
{
	struct end_record end = {.id = id_of(pid, ppid, uid, comm),
				 .group = pid,
				 .end_ns = SECOND + pid + 1000,
				 .exit_code = code};
	struct gone_record gone = {.group = pid,
				   .tgid = pid,
				   .tid = pid,
				   .sums.cpu_ns = cpu_ns,
				   .task_start_ns = SECOND + pid,
				   .exit_ns = 2 * SECOND};

	snprintf(end.parent_comm, sizeof(end.parent_comm), "%s", parent);
	assert_int_equal(ledger_end(f->ledger, &end), 0);
	assert_int_equal(ledger_gone(f->ledger, &gone), 0);
}

static void begin(struct fixture *f)
{
	ledger_begin_pass(f->ledger, 2 * SECOND);
}

static void make(struct fixture *f)
{
	struct proctop_counters none = {};

	ledger_end_pass(f->ledger, 0, &none);
	f->n = lines_make(f->lines, f->ledger, f->processes, &f->options, 2 * SECOND, &f->list);
}

static void again(struct fixture *f)
{
	f->n = lines_make(f->lines, f->ledger, f->processes, &f->options, 2 * SECOND, &f->list);
}

static void assert_order(const struct fixture *f, const char *const *names)
{
	for (ssize_t i = 0; i < f->n; i++)
		assert_string_equal(f->list[i].name, names[i]);
	assert_null(names[f->n]);
}

static void test_sort(void **state)
{
	struct fixture *f = *state;

	begin(f);
	alive(f, 10, 1, "little", 5, 300);
	alive(f, 11, 1, "much", 500, 100);
	alive(f, 12, 1, "some", 50, 200);
	make(f);
	assert_order(f, (const char *[]){"much", "some", "little", NULL});
	f->options.invert = true;
	again(f);
	assert_order(f, (const char *[]){"little", "some", "much", NULL});
	f->options = (struct lines_options){.sort = FIELD_RSS_SHORT};
	again(f);
	assert_order(f, (const char *[]){"little", "some", "much", NULL});
	f->options.sort = FIELD_PID;
	again(f);
	assert_order(f, (const char *[]){"little", "much", "some", NULL});
	f->options.sort = FIELD_LABEL;
	f->options.invert = true;
	again(f);
	assert_order(f, (const char *[]){"some", "much", "little", NULL});
}

static void test_fold(void **state)
{
	struct fixture *f = *state;

	begin(f);
	for (uint32_t i = 0; i < 5; i++)
		ended(f, 100 + i, 50, 0, "cc1", "gcc", 0, 100);
	ended(f, 200, 51, 7, "cc1", "gcc", 0x100, 1000);
	ended(f, 201, 50, 0, "cc1", "clang", 0, 7);
	ended(f, 202, 50, 0, "as", "gcc", 0, 3);
	alive(f, 10, 1, "cc1", 1, 300);
	f->options.fold = true;
	make(f);
	assert_order(f, (const char *[]){"cc1", "cc1", "as", "cc1", NULL});
	assert_int_equal(f->list[0].count, 6);
	assert_true(f->list[0].folded && f->list[0].many_ppids && f->list[0].many_uids &&
		    f->list[0].many_exits);
	assert_int_equal(f->list[0].used.sums.cpu_ns, 1500);
	assert_string_equal(f->list[0].parent, "gcc");
	assert_false(f->list[1].folded);
	assert_string_equal(f->list[1].parent, "clang");
	assert_false(f->list[3].ended);

	f->options.fold = false;
	again(f);
	assert_int_equal(f->n, 9);
}

static void test_wanted(void **state)
{
	struct fixture *f = *state;
	struct process_filter filter = {.names = {"a*"}, .n_names = 1};

	begin(f);
	alive(f, 10, 1, "apple", 5, 0);
	alive(f, 11, 1, "banana", 6, 0);
	make(f);
	f->options.filter = &filter;
	again(f);
	assert_order(f, (const char *[]){"apple", NULL});
	f->options = (struct lines_options){.sort = FIELD_PID, .text = "NAN"};
	again(f);
	assert_order(f, (const char *[]){"banana", NULL});
	f->options = (struct lines_options){.sort = FIELD_PID, .by_uid = true, .uid = 5};
	again(f);
	assert_int_equal(f->n, 0);
}

static void test_text(void **state _unused_)
{
	static const char args[] = "sleep\0"
				   "300";
	struct process_names names = {.name = "sleep", .args = args, .args_length = sizeof(args)};

	assert_true(lines_has_text(&names, "SLEEP 3"));
	assert_false(lines_has_text(&names, "300 "));
	names.args = NULL;
	assert_false(lines_has_text(&names, "300"));
	assert_true(lines_has_text(&names, "lee"));
}

static void test_tree(void **state)
{
	struct fixture *f = *state;

	begin(f);
	alive(f, 30, 20, "grandchild", 900, 0);
	alive(f, 20, 10, "child", 5, 0);
	alive(f, 21, 10, "other child", 50, 0);
	alive(f, 10, 1, "root", 6, 0);
	alive(f, 40, 999, "alone", 10, 0);
	ended(f, 50, 21, 0, "gone", "other child", 0, 1);
	f->options.tree = f->options.fold = true;
	make(f);
	assert_order(f, (const char *[]){"alone", "root", "other child", "gone", "child",
					 "grandchild", NULL});
	assert_int_equal(f->list[0].depth, 0);
	assert_int_equal(f->list[2].depth, 1);
	assert_int_equal(f->list[3].depth, 2);
	assert_int_equal(f->list[5].depth, 2);
}

/* Process ids that were used again can make a circle; none may be missing. */
static void test_circle(void **state _unused_)
{
	struct account accounts[4] = {};
	struct line lines[4] = {};

	for (uint32_t i = 0; i < 4; i++) {
		accounts[i].id = id_of(10 + i, 10 + (i + 1) % 3, 0, "x");
		lines[i].account = &accounts[i];
	}
	accounts[3].id.ppid = 13; /* its own parent */
	assert_int_equal(tree_order(lines, 4), 0);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(lines[i].account, lines[j].account);
	assert_int_equal(tree_order(lines, 0), 0);
}

/* At the bound of the ledger: one line for all that came later, which closes the sum and counts
 * them. */
static void test_others(void **state)
{
	struct fixture *f = *state;
	struct ledger_options options = {.processes_max = 10};
	struct proctop_counters none = {};
	uint64_t sum_ns = 0, processes = 0;
	const struct line *others = NULL;

	ledger_free(f->ledger);
	assert_int_equal(ledger_new(&options, &f->ledger), 0);
	ledger_begin_pass(f->ledger, SECOND);
	ledger_end_pass(f->ledger, 0, &none);
	for (uint32_t i = 0; i < 1000; i++)
		ended(f, 100 + i, 1, 0, "cc1", "gcc", 0, 3 + i);
	begin(f);
	make(f);
	assert_int_equal(f->n, 11);
	for (ssize_t i = 0; i < f->n; i++) {
		sum_ns += f->list[i].used.sums.cpu_ns;
		processes += f->list[i].count;
		if (!f->list[i].account)
			others = &f->list[i];
	}
	assert_non_null(others);
	assert_string_equal(others->name, "(others)");
	assert_int_equal(others->count, 990);
	assert_int_equal(processes, 1000);
	assert_int_equal(sum_ns, 3 * 1000 + 999 * 1000 / 2);
	assert_int_equal(sum_ns, ledger_accounted_ns(f->ledger));
	ledger_tell_all(f->ledger);
	ledger_next_interval(f->ledger);
	begin(f);
	make(f);
	assert_int_equal(f->n, 0); /* no news, and room again */
	ended(f, 5000, 1, 0, "cc1", "gcc", 0, 7);
	begin(f);
	make(f);
	assert_int_equal(f->n, 1);
	assert_non_null(f->list[0].account);
}

static void test_run(void **state _unused_)
{
	_cleanup_(run_freep) struct run *run = NULL;
	struct account account = {.id = id_of(1, 2, 3, "x"),
				  .total.sums.cpu_ns = 10,
				  .ended = true,
				  .final = true,
				  .exit_code = 0};
	const struct line *lines;
	char name[16];

	assert_int_equal(run_new(&run), 0);
	for (int i = 0; i < 1127; i++)
		assert_int_equal(run_add(run, &account, (uint64_t)i, "cc1", "gcc"), 0);
	assert_int_equal(run_add(run, &account, 5, "cc1gcc", ""), 0);
	assert_int_equal(run_lines(run, FIELD_CPU_PERCENT, &lines), 2);
	assert_int_equal(lines[0].count, 1127);
	assert_int_equal(lines[0].cpu_ns, 11270);
	assert_int_equal(lines[0].age_ns, 1126);
	assert_true(lines[0].folded && !lines[0].many_exits && lines[0].final);
	assert_false(lines[1].folded);
	for (int i = 0; i < RUN_MAX + 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(run_add(run, &account, 1, name, ""), 0);
	}
	assert_int_equal(run_lines(run, FIELD_CPU_PERCENT, &lines), RUN_MAX + 1);
	for (int i = 0; strcmp(lines[i].name, "(others)") != 0 || lines[i].count != 102; i++)
		assert_true(i < RUN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sort, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wanted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

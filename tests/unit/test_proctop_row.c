/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_row.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
	struct clock clock;
	struct users *users;
	struct account account;
	struct line line;
	struct proctop_context context;
	struct process_names names;
	struct row row;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(users_new(&f->users), 0);
	f->account = (struct account){
		.id = {.tgid = 100, .tid = 100, .ppid = 1, .start_ns = 5, .comm = "a-comm"},
		.state = 'R',
		.flags = TASK_WAIT_KNOWN | TASK_IO_KNOWN,
		.exit_code = EXIT_CODE_UNKNOWN,
		.netns = 77};
	f->line = (struct line){
		.account = &f->account,
		.name = "a-name",
		.used = {.sums = {.cpu_ns = 500000000, .wait_ns = 250000000, .read_bytes = 3000000},
			 .rx_bytes = 1000},
		.cpu_ns = 61 * NSEC_PER_SEC,
		.rss_bytes = 12000000,
		.age_ns = 90 * NSEC_PER_SEC,
		.count = 1,
		.threads = 3};
	f->names = (struct process_names){.name = "a-name", .source = NAME_EXEC};
	f->context = (struct proctop_context){.clock = &f->clock,
					      .users = f->users,
					      .now_ns = 10 * NSEC_PER_SEC,
					      .interval_ns = NSEC_PER_SEC,
					      .net = true,
					      .names = &f->names};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	users_free(f->users);
	free(f);
	return 0;
}

static void assert_text(const struct fixture *f, size_t field, const char *text)
{
	const struct cell *cell = &f->row.cells[field];

	assert_int_equal(cell->kind, CELL_TEXT);
	assert_int_equal(cell->length, strlen(text));
	assert_memory_equal(cell->text, text, cell->length);
}

static void assert_uint(const struct fixture *f, size_t field, uint64_t value)
{
	assert_int_equal(f->row.cells[field].kind, CELL_UINT);
	assert_int_equal(f->row.cells[field].u, value);
}

static void assert_null_cell(const struct fixture *f, size_t field)
{
	assert_int_equal(f->row.cells[field].kind, CELL_NULL);
}

static void test_fields(void **state _unused_)
{
	for (size_t i = 0; i < FIELDS; i++) {
		assert_non_null(proctop_fields[i].key);
		assert_non_null(proctop_fields[i].header);
		assert_non_null(proctop_fields[i].help);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(proctop_fields[i].key, proctop_fields[j].key);
			assert_string_not_equal(proctop_fields[i].header, proctop_fields[j].header);
		}
	}
}

static void test_sample(void **state)
{
	struct fixture *f = *state;

	proctop_row(&f->line, &f->context, &f->row);
	assert_text(f, FIELD_TYPE, "sample");
	assert_text(f, FIELD_NAME, "a-name");
	assert_text(f, FIELD_COMM, "a-comm");
	assert_text(f, FIELD_STATE, "R");
	assert_uint(f, FIELD_PID, 100);
	assert_uint(f, FIELD_CPU, 500000000);
	assert_uint(f, FIELD_RX, 1000);
	assert_uint(f, FIELD_NETNS, 77);
	assert_uint(f, FIELD_AGE, 90 * NSEC_PER_SEC);
	assert_int_equal(f->row.cells[FIELD_EXIT_CODE].kind, CELL_ABSENT);
	assert_text(f, FIELD_USER, "root");
	assert_text(f, FIELD_CPU_PERCENT, "50.0");
	assert_text(f, FIELD_WAIT_PERCENT, "25.0");
	assert_text(f, FIELD_CPU_TIME, "1:01.00");
	assert_text(f, FIELD_RSS_SHORT, "12M");
	assert_text(f, FIELD_READ_RATE, "3.0M");
	assert_text(f, FIELD_AGE_SHORT, "1.5m");
	assert_text(f, FIELD_LABEL, "a-name");
	assert_null_cell(f, FIELD_EXIT);
}

/* What the kernel does not tell is null, never 0. */
static void test_unknown(void **state)
{
	struct fixture *f = *state;

	f->account.flags = 0;
	f->context.net = false;
	f->account.netns = 0;
	proctop_row(&f->line, &f->context, &f->row);
	assert_null_cell(f, FIELD_WAIT);
	assert_null_cell(f, FIELD_READ);
	assert_null_cell(f, FIELD_WRITE);
	assert_null_cell(f, FIELD_RX);
	assert_null_cell(f, FIELD_TX);
	assert_null_cell(f, FIELD_NETNS);
	assert_null_cell(f, FIELD_RX_RATE);
	assert_int_not_equal(f->row.cells[FIELD_WAIT_PERCENT].kind, CELL_TEXT);
}

static void test_ended(void **state)
{
	struct fixture *f = *state;

	f->line.ended = true;
	f->account.exit_code = 3 << 8;
	proctop_row(&f->line, &f->context, &f->row);
	assert_uint(f, FIELD_EXIT, 3);
	assert_null_cell(f, FIELD_RSS);
	f->account.exit_code = SIGKILL;
	proctop_row(&f->line, &f->context, &f->row);
	assert_text(f, FIELD_EXIT, "KILL");
	f->account.exit_code = SIGSEGV | 0x80; /* with a core */
	proctop_row(&f->line, &f->context, &f->row);
	assert_text(f, FIELD_EXIT, "SEGV");
	f->account.exit_code = 40; /* a real-time signal */
	proctop_row(&f->line, &f->context, &f->row);
	assert_text(f, FIELD_EXIT, "SIG40");
	f->account.exit_code = EXIT_CODE_UNKNOWN;
	proctop_row(&f->line, &f->context, &f->row);
	assert_null_cell(f, FIELD_EXIT);
}

static void test_folded(void **state)
{
	struct fixture *f = *state;

	f->line.folded = f->line.ended = f->line.many_ppids = true;
	f->line.count = 1127;
	f->line.parent = "make";
	f->context.names = NULL;
	proctop_row(&f->line, &f->context, &f->row);
	assert_null_cell(f, FIELD_PID);
	assert_null_cell(f, FIELD_PPID);
	assert_uint(f, FIELD_UID, 0);
	assert_uint(f, FIELD_COUNT, 1127);
	assert_text(f, FIELD_LABEL, "a-name \303\227 1,127");
	assert_text(f, FIELD_COMMAND, "(make)");
	f->line.account = NULL;
	f->line.name = "(others)";
	f->line.parent = NULL;
	proctop_row(&f->line, &f->context, &f->row);
	assert_null_cell(f, FIELD_UID);
	assert_null_cell(f, FIELD_AGE);
	assert_text(f, FIELD_LABEL, "(others) \303\227 1,127");
}

static void test_tree_label(void **state)
{
	struct fixture *f = *state;

	f->line.depth = 2;
	proctop_row(&f->line, &f->context, &f->row);
	assert_text(f, FIELD_LABEL, "    a-name");
}

static void test_exit(void **state)
{
	struct fixture *f = *state;

	f->account.end_ns = 1005;
	f->account.total.sums.cpu_ns = 123;
	f->account.exit_code = 7 << 8;
	proctop_exit_row(&f->account, &f->context, &f->row);
	assert_text(f, FIELD_TYPE, "exit");
	assert_uint(f, FIELD_EXIT_CODE, 7);
	assert_null_cell(f, FIELD_EXIT_SIGNAL);
	assert_uint(f, FIELD_LIFETIME, 1000);
	assert_uint(f, FIELD_CPU, 123);
	f->account.exit_code = SIGTERM;
	proctop_exit_row(&f->account, &f->context, &f->row);
	assert_null_cell(f, FIELD_EXIT_CODE);
	assert_uint(f, FIELD_EXIT_SIGNAL, SIGTERM);
	f->account.exit_code = EXIT_CODE_UNKNOWN;
	f->account.end_ns = 0;
	proctop_exit_row(&f->account, &f->context, &f->row);
	assert_null_cell(f, FIELD_EXIT_CODE);
	assert_null_cell(f, FIELD_EXIT_SIGNAL);
	assert_null_cell(f, FIELD_LIFETIME);
}

/* The ledger may have more than the machine's clock of ticks. */
static void test_total(void **state)
{
	struct fixture *f = *state;
	struct proctop_total total = {.machine.busy_ns = 100, .accounted_ns = 130, .forks = 5};

	proctop_total_row(&total, &f->context, &f->row);
	assert_int_equal(f->row.cells[FIELD_UNACCOUNTED].kind, CELL_INT);
	assert_int_equal(f->row.cells[FIELD_UNACCOUNTED].i, -30);
	assert_uint(f, FIELD_CPU, 100);
	assert_uint(f, FIELD_FORKS, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test_setup_teardown(test_sample, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tree_label, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_total, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_ledger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SECOND NSEC_PER_SEC

static const struct proctop_counters nothing_lost;

static struct ledger *ledger_of(size_t max, bool threads)
{
	struct ledger_options options = {.processes_max = max, .threads = threads};
	struct ledger *ledger;

	assert_int_equal(ledger_new(&options, &ledger), 0);
	return ledger;
}

static struct process_id id_of(uint32_t tgid, uint32_t tid, uint64_t start_ns)
{
	return (struct process_id){.tgid = tgid, .tid = tid, .start_ns = start_ns};
}

/* A thread that is there. */
static struct task_record task_of(uint64_t group, uint32_t tgid, uint32_t tid, uint64_t start_ns,
				  uint64_t cpu_ns)
{
	return (struct task_record){.id = id_of(tgid, tid, start_ns),
				    .group = group,
				    .sums.cpu_ns = cpu_ns,
				    .task_start_ns = start_ns,
				    .threads = 1,
				    .state = 'S'};
}

static void task(struct ledger *ledger, uint64_t group, uint32_t tgid, uint32_t tid,
		 uint64_t start_ns, uint64_t cpu_ns, uint64_t released_ns)
{
	struct task_record record = task_of(group, tgid, tid, start_ns, cpu_ns);

	record.released.cpu_ns = released_ns;
	assert_int_equal(ledger_task(ledger, &record), 0);
}

static void gone(struct ledger *ledger, uint64_t group, uint32_t tgid, uint32_t tid,
		 uint64_t exit_ns, uint64_t cpu_ns)
{
	struct gone_record record = {.group = group,
				     .tgid = tgid,
				     .tid = tid,
				     .task_start_ns = exit_ns - 1,
				     .exit_ns = exit_ns,
				     .sums.cpu_ns = cpu_ns};

	assert_int_equal(ledger_gone(ledger, &record), 0);
}

static void end(struct ledger *ledger, uint64_t group, uint32_t tgid, uint64_t start_ns,
		uint64_t end_ns, uint32_t born)
{
	struct end_record record = {.id = id_of(tgid, tgid, start_ns),
				    .group = group,
				    .end_ns = end_ns,
				    .exit_code = 0x300,
				    .born = born};

	assert_int_equal(ledger_end(ledger, &record), 0);
}

/* A pass that takes no time. */
static void end_pass(struct ledger *ledger)
{
	ledger_end_pass(ledger, 0, &nothing_lost);
}

static void empty_pass(struct ledger *ledger, uint64_t boot_ns)
{
	ledger_begin_pass(ledger, boot_ns);
	end_pass(ledger);
}

/* The only account. */
static struct account *only(struct ledger *ledger)
{
	struct account **accounts;

	assert_int_equal(ledger_collect(ledger, &accounts), 1);
	return accounts[0];
}

static size_t count(struct ledger *ledger)
{
	struct account **accounts;

	return (size_t)ledger_collect(ledger, &accounts);
}

/* Born, ended and gone between two passes. */
static void test_short_life(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account *account;

	empty_pass(ledger, 1 * SECOND);
	ledger_next_interval(ledger);
	end(ledger, 7, 100, SECOND + 10, SECOND + 20, 0);
	assert_int_equal(ledger_pending(ledger), 1);
	gone(ledger, 7, 100, 100, SECOND + 20, 500);
	assert_int_equal(ledger_pending(ledger), 0);
	empty_pass(ledger, 2 * SECOND);
	account = only(ledger);
	assert_int_equal(account->total.sums.cpu_ns, 500);
	assert_int_equal(account_cpu_ns(account), 500);
	assert_int_equal(ledger_accounted_ns(ledger), 500);
	assert_true(account->final);
	assert_true(account->over);
	assert_true(account_has_news(account));
	assert_int_equal(account->exit_code, 0x300);
	assert_int_equal(account->state, 'X');

	/* not told yet: kept, without news */
	ledger_next_interval(ledger);
	empty_pass(ledger, 3 * SECOND);
	assert_false(account_has_news(only(ledger)));
	ledger_tell_all(ledger);
	ledger_next_interval(ledger);
	assert_int_equal(count(ledger), 0);
}

/* What was used before the ledger began is in the total and in no interval. */
static void test_began_before(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account *account;

	ledger_begin_pass(ledger, 10 * SECOND);
	task(ledger, 7, 100, 100, SECOND, 1000, 50);
	end_pass(ledger);
	account = only(ledger);
	assert_int_equal(account->total.sums.cpu_ns, 1050);
	assert_int_equal(account_cpu_ns(account), 0);
	ledger_next_interval(ledger);
	ledger_begin_pass(ledger, 11 * SECOND);
	task(ledger, 7, 100, 100, SECOND, 1600, 50);
	end_pass(ledger);
	assert_int_equal(account_cpu_ns(account), 600);
	ledger_next_interval(ledger);

	end(ledger, 7, 100, SECOND, 11 * SECOND + 1, 0);
	gone(ledger, 7, 100, 100, 11 * SECOND + 1, 1700);
	empty_pass(ledger, 12 * SECOND);
	assert_int_equal(account_cpu_ns(account), 100);
	assert_int_equal(account->total.sums.cpu_ns, 1750);
	assert_true(account->final);
}

/* A thread that had been released when the ledger began, but was not gone yet, counts once. */
static void test_released_before(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);

	ledger_begin_pass(ledger, 10 * SECOND);
	task(ledger, 7, 100, 100, SECOND, 1000, 777);
	end_pass(ledger);
	ledger_next_interval(ledger);
	gone(ledger, 7, 100, 101, 9 * SECOND, 777);
	ledger_begin_pass(ledger, 11 * SECOND);
	task(ledger, 7, 100, 100, SECOND, 1000, 777);
	end_pass(ledger);
	assert_int_equal(account_cpu_ns(only(ledger)), 0);
	/* one that exits later counts */
	gone(ledger, 7, 100, 102, 12 * SECOND, 5);
	ledger_begin_pass(ledger, 13 * SECOND);
	task(ledger, 7, 100, 100, SECOND, 1000, 777);
	end_pass(ledger);
	assert_int_equal(account_cpu_ns(only(ledger)), 5);
}

/* Between its release and its last moment a thread is in the kernel's sum, a little too low. */
static void test_never_backwards(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account *account;

	empty_pass(ledger, 1 * SECOND);
	ledger_next_interval(ledger);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 1, 1000, 0);
	task(ledger, 7, 100, 101, SECOND + 1, 300, 0);
	end_pass(ledger);
	account = only(ledger);
	assert_int_equal(account->total.sums.cpu_ns, 1300);

	ledger_begin_pass(ledger, 3 * SECOND); /* 101 is released, its last 20 ns are not in yet */
	task(ledger, 7, 100, 100, SECOND + 1, 1010, 350);
	end_pass(ledger);
	assert_int_equal(account->total.sums.cpu_ns, 1360);

	gone(ledger, 7, 100, 101, 2 * SECOND + 1, 370);
	ledger_begin_pass(ledger, 4 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 1, 1010, 350);
	end_pass(ledger);
	assert_int_equal(account->total.sums.cpu_ns, 1380);

	ledger_begin_pass(ledger, 5 * SECOND); /* a pass that reads too little */
	task(ledger, 7, 100, 100, SECOND + 1, 900, 0);
	end_pass(ledger);
	assert_int_equal(account->total.sums.cpu_ns, 1380);
}

/* A thread that is about to leave may be among the released already. */
static void test_releasing(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct task_record record = task_of(7, 100, 101, SECOND + 1, 400);

	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 1, 1000, 400);
	record.flags = TASK_RELEASING;
	assert_int_equal(ledger_task(ledger, &record), 0);
	end_pass(ledger);
	assert_int_equal(only(ledger)->total.sums.cpu_ns, 1400);
}

static void test_zombie(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct task_record record = task_of(7, 100, 100, SECOND + 1, 400);
	struct account *account;

	empty_pass(ledger, 1 * SECOND);
	end(ledger, 7, 100, SECOND + 1, SECOND + 9, 0);
	gone(ledger, 7, 100, 100, SECOND + 9, 400);
	record.state = 'Z';
	record.flags = TASK_COUNTED;
	for (uint64_t i = 2; i < 6; i++) {
		ledger_begin_pass(ledger, i * SECOND);
		assert_int_equal(ledger_task(ledger, &record), 0);
		end_pass(ledger);
		account = only(ledger);
		assert_int_equal(account->total.sums.cpu_ns, 400);
		assert_int_equal(account->state, 'Z');
		assert_true(account->final);
		assert_true(account->over);
		assert_true(account_has_news(account));
		ledger_tell_all(ledger);
		ledger_next_interval(ledger);
	}
	empty_pass(ledger, 6 * SECOND);
	ledger_next_interval(ledger);
	assert_int_equal(count(ledger), 0);
}

/* All threads must be gone, whichever goes last. */
static void test_final(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);

	empty_pass(ledger, 1 * SECOND);
	gone(ledger, 7, 100, 101, SECOND + 5, 10);
	end(ledger, 7, 100, SECOND + 1, SECOND + 9, 2);
	gone(ledger, 7, 100, 100, SECOND + 9, 20);
	empty_pass(ledger, 2 * SECOND);
	assert_false(only(ledger)->final);
	assert_int_equal(ledger_pending(ledger), 1);
	gone(ledger, 7, 100, 102, SECOND + 9, 30);
	empty_pass(ledger, 3 * SECOND);
	assert_true(only(ledger)->final);
	assert_int_equal(only(ledger)->total.sums.cpu_ns, 60);
}

/* The same process id, and the same group, again and again within one interval. */
static void test_reuse(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);

	empty_pass(ledger, 1 * SECOND);
	for (uint64_t i = 1; i <= 10; i++) {
		end(ledger, 7, 100, SECOND + i, SECOND + i + 1, 1);
		gone(ledger, 7, 100, 100, SECOND + i + 1, i);
		gone(ledger, 7, 100, 101, SECOND + i + 1, i);
	}
	/* a thread of an eleventh, which has not ended */
	gone(ledger, 7, 100, 102, SECOND + 20, 1000);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 11, 5, 0);
	end_pass(ledger);
	assert_int_equal(count(ledger), 11);
	assert_int_equal(ledger_accounted_ns(ledger), 110 + 1005);
	assert_int_equal(ledger_pending(ledger), 0);
}

/* What told of the end was lost: noticed, and the number is free for another. */
static void test_lost_end(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account *account;

	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 1, 1000, 0);
	end_pass(ledger);
	empty_pass(ledger, 3 * SECOND);
	assert_false(only(ledger)->ended);
	empty_pass(ledger, 4 * SECOND);
	account = only(ledger);
	assert_true(account->over);
	assert_false(account->final);
	assert_int_equal(account->exit_code, EXIT_CODE_UNKNOWN);

	ledger_begin_pass(ledger, 5 * SECOND);
	task(ledger, 7, 200, 200, 4 * SECOND + 1, 3, 0);
	end_pass(ledger);
	assert_int_equal(count(ledger), 2);
}

/* At the bound what comes new goes into one sum, which stays exact. */
static void test_bound(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(10, false);
	const struct ledger_others *others = ledger_get_others(ledger);

	empty_pass(ledger, 1 * SECOND);
	for (uint32_t i = 0; i < 25; i++) {
		end(ledger, 100 + i, 1000 + i, SECOND + 1, SECOND + 2, 0);
		gone(ledger, 100 + i, 1000 + i, 1000 + i, SECOND + 2, 100);
	}
	empty_pass(ledger, 2 * SECOND);
	assert_int_equal(count(ledger), 10);
	assert_int_equal(others->threads, 15);
	assert_int_equal(others->total.sums.cpu_ns, 1500);
	assert_int_equal(ledger_accounted_ns(ledger), 2500);
	/* there before the ledger, and had found no room: how much of that is new, nobody knows */
	assert_int_equal(ledger_gone(ledger, &(struct gone_record){.group = 500,
								   .tgid = 500,
								   .tid = 500,
								   .task_start_ns = SECOND - 1,
								   .exit_ns = SECOND + 5,
								   .sums.cpu_ns = 1000000}),
			 0);
	assert_int_equal(others->threads, 16);
	assert_int_equal(others->total.sums.cpu_ns, 1500);
	ledger_tell_all(ledger);
	ledger_next_interval(ledger);
	assert_int_equal(ledger_accounted_ns(ledger), 0);
	end(ledger, 1, 1, 2 * SECOND + 1, 2 * SECOND + 2, 0);
	empty_pass(ledger, 3 * SECOND);
	assert_int_equal(count(ledger), 1);
}

static void test_lost_records(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct proctop_counters lost = {.lost_tasks = 3, .lost.cpu_ns = 300, .lost_rx = 7};
	const struct ledger_others *others = ledger_get_others(ledger);

	for (uint64_t i = 1; i < 4; i++) { /* the counters are absolute */
		ledger_begin_pass(ledger, i * SECOND);
		ledger_end_pass(ledger, 0, &lost);
	}
	assert_int_equal(others->threads, 3);
	assert_int_equal(others->total.sums.cpu_ns, 300);
	assert_int_equal(others->total.rx_bytes, 7);
	lost.lost.cpu_ns += 11;
	ledger_begin_pass(ledger, 4 * SECOND);
	ledger_end_pass(ledger, 0, &lost);
	assert_int_equal(others->total.sums.cpu_ns, 311);
}

/* A process that the filter did not want for a while, and one that it begins to want. */
static void test_comes_and_goes(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account *account;

	empty_pass(ledger, 10 * SECOND);
	empty_pass(ledger, 11 * SECOND);
	ledger_begin_pass(ledger, 12 * SECOND); /* has been there for long */
	task(ledger, 7, 100, 100, SECOND, 5000, 0);
	end_pass(ledger);
	account = only(ledger);
	assert_int_equal(account_cpu_ns(account), 0);
	ledger_next_interval(ledger);
	empty_pass(ledger, 13 * SECOND);
	empty_pass(ledger, 14 * SECOND);
	assert_true(account->over);
	ledger_begin_pass(ledger, 15 * SECOND);
	task(ledger, 7, 100, 100, SECOND, 5100, 0);
	end_pass(ledger);
	assert_ptr_equal(only(ledger), account);
	assert_false(account->over);
	assert_int_equal(account_cpu_ns(account), 100);
}

/* Shown with what was known at the last pass, whatever comes behind it. */
static void test_as_of_the_pass(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account *account;

	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 1, 1000, 0);
	end_pass(ledger);
	end(ledger, 7, 100, SECOND + 1, 2 * SECOND + 1, 0);
	end(ledger, 8, 101, 2 * SECOND + 1, 2 * SECOND + 2, 0);
	account = only(ledger);
	assert_false(account->over);
	ledger_tell_all(ledger);
	ledger_next_interval(ledger);
	empty_pass(ledger, 3 * SECOND);
	assert_int_equal(count(ledger), 2);
	assert_true(account->over);
	assert_true(account_has_news(account));
}

/* The view begins the next interval only ahead of the pass that ends it: what came in meanwhile
 * belongs to the pass. */
static void test_net_of_the_ended(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct end_record record = {.id = id_of(100, 100, SECOND + 1),
				    .group = 7,
				    .end_ns = SECOND + 9,
				    .rx_bytes = 5000,
				    .tx_bytes = 70};
	struct usage used;

	empty_pass(ledger, 1 * SECOND);
	assert_int_equal(ledger_end(ledger, &record), 0);
	gone(ledger, 7, 100, 100, SECOND + 9, 20);
	ledger_next_interval(ledger);
	empty_pass(ledger, 2 * SECOND);
	used = usage_since(&only(ledger)->total, &only(ledger)->before);
	assert_int_equal(used.sums.cpu_ns, 20);
	assert_int_equal(used.rx_bytes, 5000);
	assert_int_equal(used.tx_bytes, 70);
}

/* It was there as a pass began, and gone when its turn came. */
static void test_ends_during_pass(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);

	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	ledger_end_pass(ledger, 2 * SECOND + 100, &nothing_lost);
	ledger_next_interval(ledger);
	end(ledger, 7, 100, 2 * SECOND - 10, 2 * SECOND + 50, 0);
	gone(ledger, 7, 100, 100, 2 * SECOND + 50, 60);
	end(ledger, 8, 101, 2 * SECOND - 10, 2 * SECOND + 200, 0); /* came into the filter */
	gone(ledger, 8, 101, 101, 2 * SECOND + 200, 1000);
	empty_pass(ledger, 3 * SECOND);
	assert_int_equal(ledger_accounted_ns(ledger), 60);
	assert_int_equal(account_age_ns(&(struct account){.id.start_ns = 5}, 3), 0);
}

/* It was there before the ledger, and neither the first pass nor another one has met it: moved into
 * the filter and ended, or ended while the first pass was under way. Its end is told; its life is
 * in no interval. */
static void test_ends_unmet(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	const struct ledger_others *others = ledger_get_others(ledger);

	ledger_begin_pass(ledger, 10 * SECOND);
	end(ledger, 6, 99, SECOND, 10 * SECOND - 1, 0); /* before */
	gone(ledger, 6, 99, 99, 10 * SECOND - 1, 70000);
	end(ledger, 7, 100, SECOND, 10 * SECOND + 1, 1);
	gone(ledger, 7, 100, 100, 10 * SECOND + 1, 60000);
	end_pass(ledger);
	assert_int_equal(count(ledger), 1);
	assert_true(only(ledger)->over);
	assert_false(only(ledger)->final);
	assert_int_equal(only(ledger)->exit_code, 0x300);
	for (uint64_t i = 11; i < 15; i++) {
		assert_int_equal(ledger_accounted_ns(ledger), 0);
		ledger_next_interval(ledger);
		empty_pass(ledger, i * SECOND);
	}
	assert_int_equal(others->threads, 0);
}

/* A pass sees who has the number by now; what tells of who had it before waits in the ring buffer
 * meanwhile. */
static void test_number_of_another(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);
	struct account **accounts;

	empty_pass(ledger, 1 * SECOND);
	ledger_next_interval(ledger);
	end(ledger, 7, 100, SECOND + 1, SECOND + 10, 0); /* of three in a row, the first ends, */
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 102, 102, SECOND + 30, 5, 0); /* the last is there */
	ledger_end_pass(ledger, 2 * SECOND + 9, &nothing_lost);
	assert_int_equal(count(ledger), 2);
	ledger_tell_all(ledger);
	ledger_next_interval(ledger);
	gone(ledger, 7, 100, 100, SECOND + 10, 40); /* the first is gone; the second one ends */
	end(ledger, 7, 101, SECOND + 15, SECOND + 20, 0);
	gone(ledger, 7, 101, 101, SECOND + 20, 30);
	end(ledger, 7, 102, SECOND + 30, 2 * SECOND + 40, 0);
	gone(ledger, 7, 102, 102, 2 * SECOND + 40, 20);
	empty_pass(ledger, 3 * SECOND);
	assert_int_equal(ledger_collect(ledger, &accounts), 3);
	for (int i = 0; i < 3; i++) {
		assert_true(accounts[i]->final);
		assert_int_equal(accounts[i]->exit_code, 0x300);
	}
	assert_int_equal(ledger_accounted_ns(ledger), 40 + 30 + 15);
	assert_int_equal(ledger_pending(ledger), 0);
	ledger_tell_all(ledger);
	ledger_next_interval(ledger);
	assert_int_equal(count(ledger), 0);
}

/* The same, with the process id, too. */
static void test_number_and_id_of_another(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, false);

	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 30, 5, 0);
	ledger_end_pass(ledger, 2 * SECOND + 9, &nothing_lost);
	gone(ledger, 7, 100, 101, SECOND + 19, 1);
	end(ledger, 7, 100, SECOND + 15, SECOND + 20, 1);
	gone(ledger, 7, 100, 100, SECOND + 20, 30);
	ledger_begin_pass(ledger, 3 * SECOND);
	task(ledger, 7, 100, 100, SECOND + 30, 6, 0);
	end_pass(ledger);
	assert_int_equal(count(ledger), 2);
	assert_int_equal(ledger_accounted_ns(ledger), 37);
	assert_int_equal(ledger_pending(ledger), 0);
}

/* No filter by what a process can change: one that no pass has seen was born late, or had to wait
 * for its processor before it could be seen. */
static void test_born_in_filter(void **state _unused_)
{
	struct ledger_options options = {.fixed = true};
	_cleanup_(ledger_freep) struct ledger *ledger = NULL;

	assert_int_equal(ledger_new(&options, &ledger), 0);
	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	ledger_end_pass(ledger, 2 * SECOND + 100, &nothing_lost);
	ledger_next_interval(ledger);
	end(ledger, 7, 100, 2 * SECOND - 10, 2 * SECOND + 200, 0);
	gone(ledger, 7, 100, 100, 2 * SECOND + 200, 60);
	ledger_begin_pass(ledger, 3 * SECOND);
	task(ledger, 8, 101, 101, 2 * SECOND - 9, 70, 0);
	end_pass(ledger);
	assert_int_equal(ledger_accounted_ns(ledger), 130);
	assert_int_equal(ledger_pending(ledger), 0);
}

static void test_threads(void **state _unused_)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_of(0, true);
	struct task_record record;

	empty_pass(ledger, 1 * SECOND);
	ledger_begin_pass(ledger, 2 * SECOND);
	task(ledger, 1, 100, 100, SECOND + 1, 1000, 0);
	task(ledger, 2, 100, 101, SECOND + 1, 10, 0);
	end_pass(ledger);
	assert_int_equal(count(ledger), 2);
	assert_int_equal(ledger_accounted_ns(ledger), 1010);
	gone(ledger, 2, 100, 101, 2 * SECOND + 1, 20);
	ledger_next_interval(ledger);
	ledger_begin_pass(ledger, 3 * SECOND);
	task(ledger, 1, 100, 100, SECOND + 1, 1000, 0);
	end_pass(ledger);
	assert_int_equal(ledger_accounted_ns(ledger), 10);
	ledger_tell_all(ledger);
	ledger_next_interval(ledger);
	assert_int_equal(count(ledger), 1);

	/* a new thread of a process that was there before: all that it used is news */
	ledger_begin_pass(ledger, 4 * SECOND);
	task(ledger, 1, 100, 100, SECOND + 1, 1000, 0);
	record = task_of(3, 100, 102, SECOND + 1, 77);
	record.task_start_ns = 3 * SECOND + 1;
	assert_int_equal(ledger_task(ledger, &record), 0);
	end_pass(ledger);
	assert_int_equal(ledger_accounted_ns(ledger), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_life),
		cmocka_unit_test(test_began_before),
		cmocka_unit_test(test_released_before),
		cmocka_unit_test(test_never_backwards),
		cmocka_unit_test(test_releasing),
		cmocka_unit_test(test_zombie),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_lost_end),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_lost_records),
		cmocka_unit_test(test_comes_and_goes),
		cmocka_unit_test(test_as_of_the_pass),
		cmocka_unit_test(test_ends_unmet),
		cmocka_unit_test(test_net_of_the_ended),
		cmocka_unit_test(test_number_of_another),
		cmocka_unit_test(test_number_and_id_of_another),
		cmocka_unit_test(test_born_in_filter),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_ends_during_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/flowattr_split: what a socket carried, shared out among who called, to the byte. */
#include "tools/flowattr_split.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/flowattr_choice.h"

#define OWNER  100
#define CHILD  101
#define SECOND 102
#define THIRD  103

struct fixture {
	struct process_table *processes;
	struct flow flow;
};

static struct process_id process(uint32_t pid)
{
	return (struct process_id){.tgid = pid, .tid = pid, .start_ns = pid};
}

static int set_up(void **state)
{
	struct process_table_options options = {.proc_fd = -1};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(process_table_new(&options, &f->processes), 0);
	f->flow.connection.owner = process(OWNER);
	f->flow.connection.owner_src = OWNER_ACCEPT;
	f->flow.connection.protocol = IPPROTO_TCP;
	f->flow.based = true;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	split_free(f->flow.split, f->processes);
	process_table_free(f->processes);
	free(f);
	return 0;
}

/* By then the process has called for so many bytes in all. */
static void calls(struct fixture *f, uint32_t pid, uint64_t tx, uint64_t rx)
{
	const struct share_record record = {.caller = process(pid), .tx_bytes = tx, .rx_bytes = rx};

	assert_int_equal(split_take(&f->flow.split, &record, f->processes), 0);
}

static void carries(struct fixture *f, uint64_t tx, uint64_t rx)
{
	f->flow.now.tx_bytes = tx;
	f->flow.now.rx_bytes = rx;
	split_divide(&f->flow);
}

static void next(struct fixture *f)
{
	f->flow.before = f->flow.now;
	split_next_interval(f->flow.split);
}

static const struct flow *part_of(struct fixture *f, uint32_t pid)
{
	const struct flow *part;

	for (size_t i = 0; (part = split_part(&f->flow, i)); i++)
		if (part->connection.owner.tgid == pid)
			return part;
	return NULL;
}

static void has(struct fixture *f, uint32_t pid, uint64_t tx, uint64_t rx)
{
	const struct flow *part = part_of(f, pid);
	struct flow_counts counts;

	assert_non_null(part);
	counts = flow_in_interval(part);
	assert_int_equal(counts.tx_bytes, tx);
	assert_int_equal(counts.rx_bytes, rx);
}

static void sums_up(struct fixture *f)
{
	struct flow_counts sum = {}, all = flow_in_interval(&f->flow);
	const struct flow *part;

	for (size_t i = 0; (part = split_part(&f->flow, i)); i++) {
		struct flow_counts counts = flow_in_interval(part);

		flow_counts_add(&sum, &counts);
	}
	assert_int_equal(sum.tx_bytes, all.tx_bytes);
	assert_int_equal(sum.rx_bytes, all.rx_bytes);
	assert_int_equal(sum.tx_packets, all.tx_packets);
}

static void test_alone(void **state)
{
	struct fixture *f = *state;

	carries(f, 10, 20);
	assert_ptr_equal(split_part(&f->flow, 0), &f->flow);
	assert_null(split_part(&f->flow, 1));
	calls(f, OWNER, 10, 20);
	carries(f, 10, 20);
	assert_false(split_is_shared(&f->flow));
	assert_ptr_equal(split_part(&f->flow, 0), &f->flow);
	assert_null(split_part(&f->flow, 1));
}

static void test_each_has_its_own(void **state)
{
	struct fixture *f = *state;

	calls(f, CHILD, 0, 0); /* its first call comes before it is counted */
	calls(f, OWNER, 100, 1);
	calls(f, CHILD, 10, 20);
	calls(f, SECOND, 5, 0);
	f->flow.now.tx_packets = 3;
	carries(f, 115, 21);
	assert_true(split_is_shared(&f->flow));
	has(f, OWNER, 100, 1);
	has(f, CHILD, 10, 20);
	has(f, SECOND, 5, 0);
	assert_int_equal(part_of(f, CHILD)->connection.owner_src, OWNER_CALL);
	assert_int_equal(part_of(f, OWNER)->connection.owner_src, OWNER_ACCEPT);
	assert_int_equal(part_of(f, OWNER)->now.tx_packets, 3);
	sums_up(f);
	next(f);
	calls(f, CHILD, 30, 20);
	carries(f, 135, 21);
	has(f, OWNER, 0, 0);
	has(f, CHILD, 20, 0);
	has(f, SECOND, 0, 0);
	assert_int_equal(part_of(f, CHILD)->now.tx_bytes, 30);
	assert_int_equal(part_of(f, OWNER)->now.tx_bytes, 100);
	sums_up(f);
}

/* sendfile, splice, a call that has not returned */
static void test_what_no_call_explains_is_the_owners(void **state)
{
	struct fixture *f = *state;

	calls(f, CHILD, 10, 10);
	carries(f, 1000, 500);
	has(f, CHILD, 10, 10);
	has(f, OWNER, 990, 490);
	sums_up(f);
}

/* What has been called for and not been sent yet comes later. */
static void test_queued(void **state)
{
	struct fixture *f = *state;
	uint64_t sums[4] = {};
	const uint32_t pids[] = {OWNER, CHILD, SECOND, THIRD};

	calls(f, OWNER, 1000, 0);
	calls(f, CHILD, 2000, 0);
	calls(f, SECOND, 333, 0);
	calls(f, THIRD, 1, 0);
	for (uint64_t sent = 7; sent < 3334; sent += 501) {
		carries(f, sent, 0);
		sums_up(f);
		for (size_t i = 0; i < 4; i++)
			sums[i] += flow_in_interval(part_of(f, pids[i])).tx_bytes;
		next(f);
	}
	carries(f, 3334, 0);
	sums_up(f);
	for (size_t i = 0; i < 4; i++)
		sums[i] += flow_in_interval(part_of(f, pids[i])).tx_bytes;
	assert_int_equal(sums[0], 1000);
	assert_int_equal(sums[1], 2000);
	assert_int_equal(sums[2], 333);
	assert_int_equal(sums[3], 1);
}

static void test_divided_twice(void **state)
{
	struct fixture *f = *state;

	calls(f, CHILD, 10, 10);
	carries(f, 100, 100);
	carries(f, 100, 100);
	has(f, CHILD, 10, 10);
	calls(f, CHILD, 30, 10);
	carries(f, 100, 100);
	has(f, CHILD, 30, 10);
	sums_up(f);
}

/* Who closes is the owner in the end: what it called for itself is its own line then. */
static void test_another_owner(void **state)
{
	struct fixture *f = *state;

	calls(f, OWNER, 100, 0);
	calls(f, CHILD, 10, 0);
	carries(f, 110, 0);
	next(f);
	calls(f, OWNER, 150, 0);
	calls(f, CHILD, 20, 0);
	f->flow.connection.owner = process(CHILD);
	carries(f, 175, 0);
	has(f, OWNER, 50, 0);
	has(f, CHILD, 15, 0);
	sums_up(f);
}

static void test_unwanted(void **state)
{
	struct fixture *f = *state;
	const struct share_record record = {.caller = process(CHILD),
					    .tx_bytes = 10,
					    .flags = SHARE_UNWANTED};

	assert_int_equal(split_take(&f->flow.split, &record, f->processes), 0);
	carries(f, 100, 0);
	assert_null(part_of(f, CHILD));
	has(f, OWNER, 90, 0);
}

/* Large numbers do not wrap. */
static void test_large(void **state)
{
	struct fixture *f = *state;

	calls(f, CHILD, 3ULL << 61, 0);
	calls(f, SECOND, 1ULL << 61, 0);
	carries(f, 1ULL << 62, 0);
	has(f, CHILD, 3ULL << 60, 0);
	has(f, SECOND, 1ULL << 60, 0);
	has(f, OWNER, 0, 0);
}

/* The end that began a flow stands for both, until only the other is shared; then what has been
 * told is not told again. */
static void test_turns(void **state)
{
	struct fixture *f = *state;
	struct flow began = {.direction = FLOW_OUT,
			     .based = true,
			     .before = {.tx_bytes = 50, .rx_bytes = 70}};

	began.peer = &f->flow;
	f->flow.peer = &began;
	f->flow.direction = FLOW_IN;
	f->flow.before = (struct flow_counts){.tx_bytes = 75, .rx_bytes = 40};
	assert_true(flow_stands_for_both(&began, NULL, f->processes));
	calls(f, CHILD, 10, 10);
	carries(f, 90, 45);
	assert_false(flow_stands_for_both(&began, NULL, f->processes));
	assert_true(flow_stands_for_both(&f->flow, NULL, f->processes));
	has(f, CHILD, 10, 0);
	has(f, OWNER, 10, 0);
	next(f);
	f->flow.peer = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_alone),
		TEST(test_each_has_its_own),
		TEST(test_what_no_call_explains_is_the_owners),
		TEST(test_queued),
		TEST(test_divided_twice),
		TEST(test_another_owner),
		TEST(test_unwanted),
		TEST(test_large),
		TEST(test_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

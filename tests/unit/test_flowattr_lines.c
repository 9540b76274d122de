/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/flowattr_lines: what is joined, counted once or by each end, in which order. */
#include "tools/flowattr_lines.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (100 * NSEC_PER_SEC)

struct fixture {
	struct process_table *processes;
	struct flow_table *table;
	struct flow_lines *lines;
	struct process_filter filter;
	struct flow_lines_options options;
	const struct flow_line *list;
	ssize_t n;
};

static void new_table(struct fixture *f, size_t max)
{
	struct flow_table_options options = {.processes = f->processes,
					     .filter = &f->filter,
					     .max = max};

	flow_table_free(f->table);
	assert_int_equal(flow_table_new(&options, &f->table), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct process_table_options options = {.proc_fd = -1};

	assert_non_null(f);
	assert_int_equal(process_table_new(&options, &f->processes), 0);
	assert_int_equal(flow_lines_new(&f->lines), 0);
	f->options.filter = &f->filter;
	f->options.processes = f->processes;
	new_table(f, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	flow_lines_free(f->lines);
	flow_table_free(f->table);
	process_table_free(f->processes);
	free(f);
	return 0;
}

/* A flow over 10.0.0.x, or, with @remote 0, within the machine. */
struct sample {
	uint64_t cookie;
	const char *name; /* of the owner; NULL: none */
	uint32_t pid, uid;
	uint64_t cgroup_id;
	uint8_t remote;
	uint16_t lport, rport;
	uint64_t tx, rx;
	uint32_t rtt_us, retransmits;
	enum flow_direction direction;
};

static void set_address(uint8_t address[16], uint8_t first, uint8_t last)
{
	const uint8_t bytes[16] = {[10] = 0xff, 0xff, first, 0, 0, last};

	memcpy(address, bytes, sizeof(bytes));
}

static struct close_record record_of(const struct sample *s)
{
	struct close_record record = {
		.header = {.type = RECORD_LIVE, .ts_ns = NOW},
		.connection = {.cookie = s->cookie,
			       .lport = s->lport,
			       .rport = s->rport,
			       .protocol = IPPROTO_TCP,
			       .netns = 1},
		.tx_bytes = s->tx,
		.rx_bytes = s->rx,
		.tx_packets = (uint32_t)(s->tx + 99) / 100,
		.rx_packets = (uint32_t)(s->rx + 99) / 100,
		.rtt_us = s->rtt_us,
		.retransmits = s->retransmits,
		.flags = CLOSE_BORN,
	};
	struct process_id *owner = &record.connection.owner;

	if (s->name) {
		*owner = (struct process_id){.tgid = s->pid,
					     .tid = s->pid,
					     .uid = s->uid,
					     .start_ns = 1 + s->pid,
					     .cgroup_id = s->cgroup_id};
		snprintf(owner->comm, sizeof(owner->comm), "%s", s->name);
	}
	set_address(record.connection.laddr, s->remote ? 10 : 127, 1);
	set_address(record.connection.raddr, s->remote ? 10 : 127, s->remote ? s->remote : 1);
	return record;
}

static void put(struct fixture *f, const struct sample *s)
{
	struct close_record record = record_of(s);

	if (s->direction)
		assert_int_equal(flow_table_begin(f->table, &record.connection, s->direction, 0),
				 0);
	assert_int_equal(flow_table_count(f->table, &record), 0);
}

static void finish(struct fixture *f, const struct sample *s)
{
	struct close_record record = record_of(s);

	record.header.type = RECORD_CLOSE;
	assert_int_equal(flow_table_count(f->table, &record), 0);
}

static void make(struct fixture *f, enum flow_lines_by by, enum flow_lines_sort sort)
{
	f->options.by = by;
	f->options.sort = sort;
	f->n = flow_lines_make(f->lines, f->table, &f->options, &f->list);
	assert_true(f->n >= 0);
}

/* The lines are those of these cookies, in this order; 0 ends the list. */
static void assert_order(const struct fixture *f, const uint64_t *cookies)
{
	for (ssize_t i = 0; i < f->n; i++)
		assert_int_equal(f->list[i].flow->id.cookie, cookies[i]);
	assert_int_equal(cookies[f->n], 0);
}

#define ASSERT_ORDER(f, ...) assert_order(f, (const uint64_t[]){__VA_ARGS__, 0})

static void assert_line(const struct fixture *f, ssize_t i, uint64_t flows, uint64_t tx,
			uint64_t rx)
{
	assert_true(i < f->n);
	assert_int_equal(f->list[i].flows, flows);
	assert_int_equal(f->list[i].counts.tx_bytes, tx);
	assert_int_equal(f->list[i].counts.rx_bytes, rx);
}

static const struct sample alone[] = {
	{.cookie = 1,
	 .name = "curl",
	 .pid = 30,
	 .uid = 7,
	 .cgroup_id = 5,
	 .remote = 9,
	 .lport = 4000,
	 .rport = 80,
	 .tx = 100,
	 .rx = 5000,
	 .rtt_us = 10,
	 .retransmits = 1},
	{.cookie = 2,
	 .name = "apt",
	 .pid = 20,
	 .uid = 0,
	 .cgroup_id = 5,
	 .remote = 8,
	 .lport = 4001,
	 .rport = 443,
	 .tx = 2000,
	 .rx = 20,
	 .rtt_us = 30},
	{.cookie = 3,
	 .name = "curl",
	 .pid = 30,
	 .uid = 7,
	 .cgroup_id = 5,
	 .remote = 8,
	 .lport = 3999,
	 .rport = 80,
	 .tx = 10,
	 .rx = 10,
	 .rtt_us = 20,
	 .retransmits = 5},
	{.cookie = 4, .remote = 9, .lport = 22, .rport = 5000, .tx = 300, .rx = 10},
};

static void put_all(struct fixture *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
		put(f, &alone[i]);
}

static void test_nothing(void **state)
{
	struct fixture *f = *state;
	const struct sample silent = {.cookie = 1, .name = "x", .pid = 1, .remote = 9};

	for (int by = LINES_BY_FLOW; by <= LINES_BY_CGROUP; by++) {
		make(f, (enum flow_lines_by)by, LINES_SORT_NAME);
		assert_int_equal(f->n, 0);
		put(f, &silent); /* it is there, but carried nothing */
	}
}

static void test_sort(void **state)
{
	struct fixture *f = *state;

	put_all(f);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1, 2, 4, 3);
	assert_line(f, 0, 1, 100, 5000);
	make(f, LINES_BY_FLOW, LINES_SORT_TX);
	ASSERT_ORDER(f, 2, 4, 1, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_RX); /* the same: most bytes first */
	ASSERT_ORDER(f, 1, 2, 4, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_PACKETS);
	ASSERT_ORDER(f, 1, 2, 4, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_RTT);
	ASSERT_ORDER(f, 2, 3, 1, 4);
	make(f, LINES_BY_FLOW, LINES_SORT_RETRANSMITS);
	ASSERT_ORDER(f, 3, 1, 2, 4);
	make(f, LINES_BY_FLOW, LINES_SORT_FLOWS); /* all one */
	ASSERT_ORDER(f, 1, 2, 4, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_PID);
	ASSERT_ORDER(f, 4, 2, 1, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_USER);
	ASSERT_ORDER(f, 2, 4, 1, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_LOCAL);
	ASSERT_ORDER(f, 4, 3, 1, 2);
	make(f, LINES_BY_FLOW, LINES_SORT_REMOTE);
	ASSERT_ORDER(f, 3, 2, 1, 4);
	make(f, LINES_BY_FLOW, LINES_SORT_NAME);
	ASSERT_ORDER(f, 4, 2, 1, 3);
}

/* Totals are since the flow began, not of the interval. */
static void test_sort_totals(void **state)
{
	struct fixture *f = *state;
	struct sample again = alone[2];

	put_all(f);
	flow_table_next_interval(f->table, NOW);
	make(f, LINES_BY_FLOW, LINES_SORT_TX_TOTAL);
	assert_int_equal(f->n, 0);
	again.tx += 500;
	put(f, &again);
	again = alone[0];
	again.tx += 1;
	put(f, &again);
	again = alone[1];
	again.rx += 1;
	put(f, &again);
	make(f, LINES_BY_FLOW, LINES_SORT_TX_TOTAL);
	ASSERT_ORDER(f, 2, 3, 1);
	make(f, LINES_BY_FLOW, LINES_SORT_RX_TOTAL);
	ASSERT_ORDER(f, 1, 2, 3);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 3, 1, 2); /* of as many, the socket that was there first */
}

/* More bytes than an int tells apart. */
static void test_sort_large(void **state)
{
	struct fixture *f = *state;
	struct sample s = alone[0];

	s.tx = 1ULL << 33;
	put(f, &s);
	s.cookie = 9;
	s.tx = (1ULL << 62) + 1;
	put(f, &s);
	s.cookie = 10;
	s.tx = 1ULL << 32;
	put(f, &s);
	make(f, LINES_BY_FLOW, LINES_SORT_TX);
	ASSERT_ORDER(f, 9, 1, 10);
}

static void test_groups(void **state)
{
	struct fixture *f = *state;

	put_all(f);
	make(f, LINES_BY_PROCESS, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1, 2, 4);
	assert_line(f, 0, 2, 110, 5010);
	assert_int_equal(f->list[0].counts.tx_packets, 2);
	assert_int_equal(f->list[0].counts.rx_packets, 51);
	assert_int_equal(f->list[0].counts.retransmits, 6);
	assert_line(f, 2, 1, 300, 10);
	make(f, LINES_BY_REMOTE, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1, 2);
	assert_line(f, 0, 2, 400, 5010);
	assert_line(f, 1, 2, 2010, 30);
	make(f, LINES_BY_USER, LINES_SORT_BYTES); /* nobody is not root */
	ASSERT_ORDER(f, 1, 2, 4);
	assert_line(f, 0, 2, 110, 5010);
	assert_line(f, 1, 1, 2000, 20);
	make(f, LINES_BY_CGROUP, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1, 4);
	assert_line(f, 0, 3, 2110, 5030);
	make(f, LINES_BY_PROCESS, LINES_SORT_NAME);
	ASSERT_ORDER(f, 4, 2, 1);
	make(f, LINES_BY_PROCESS, LINES_SORT_FLOWS);
	ASSERT_ORDER(f, 1, 2, 4);
}

/* The same process id, another process. */
static void test_pid_again(void **state)
{
	struct fixture *f = *state;
	struct close_record record = record_of(&alone[0]);

	put(f, &alone[0]);
	record.connection.cookie = 9;
	record.connection.owner.start_ns++;
	assert_int_equal(flow_table_count(f->table, &record), 0);
	make(f, LINES_BY_PROCESS, LINES_SORT_BYTES);
	assert_int_equal(f->n, 2);
}

/* ---- both ends on this machine ---- */

static const struct sample client = {.cookie = 1,
				     .name = "client",
				     .pid = 10,
				     .uid = 1,
				     .cgroup_id = 1,
				     .lport = 40000,
				     .rport = 80,
				     .tx = 100,
				     .rx = 200,
				     .direction = FLOW_OUT};
static const struct sample server = {.cookie = 2,
				     .name = "server",
				     .pid = 20,
				     .uid = 2,
				     .cgroup_id = 2,
				     .lport = 80,
				     .rport = 40000,
				     .tx = 200,
				     .rx = 100,
				     .direction = FLOW_IN};

static void test_once(void **state)
{
	struct fixture *f = *state;

	put(f, &client);
	put(f, &server);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1);
	assert_line(f, 0, 1, 100, 200);
	assert_int_equal(f->list[0].flow->peer->id.cookie, 2);
	make(f, LINES_BY_REMOTE, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1);
	assert_line(f, 0, 1, 100, 200);
	for (int by = LINES_BY_PROCESS; by <= LINES_BY_CGROUP; by++) {
		if (by == LINES_BY_REMOTE)
			continue;
		make(f, (enum flow_lines_by)by, LINES_SORT_TX);
		ASSERT_ORDER(f, 2, 1);
		assert_line(f, 0, 1, 200, 100);
		assert_line(f, 1, 1, 100, 200);
	}
}

/* A process that talks to itself has sent and received what both ends did. */
static void test_to_itself(void **state)
{
	struct fixture *f = *state;
	struct sample other = server;

	other.pid = client.pid;
	put(f, &client);
	put(f, &other);
	make(f, LINES_BY_PROCESS, LINES_SORT_TX);
	assert_int_equal(f->n, 1);
	assert_line(f, 0, 2, 300, 300);
}

/* Which end, if it is not known who began; whichever was known first. */
static void test_which_end(void **state)
{
	static const struct {
		uint8_t client, server; /* enum flow_direction, 0 */
		uint64_t cookie;
	} cases[] = {
		{FLOW_OUT, FLOW_IN, 1},	 {FLOW_IN, FLOW_OUT, 2}, {0, 0, 1},
		{FLOW_OUT, FLOW_OUT, 1}, {FLOW_IN, FLOW_IN, 1},	 {0, FLOW_IN, 1},
		{FLOW_IN, 0, 2},	 {FLOW_OUT, 0, 1},	 {0, FLOW_OUT, 2},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const struct sample *first = i & 1 ? &client : &server;
		const struct sample *last = i & 1 ? &server : &client;
		struct flow *flow;

		new_table(f, 0);
		put(f, first);
		put(f, last);
		flow = flow_table_first(f->table);
		for (; flow; flow = flow->hh.next)
			flow->direction =
				flow->id.cookie == 1 ? cases[i / 2].client : cases[i / 2].server;
		make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
		ASSERT_ORDER(f, cases[i / 2].cookie);
	}
}

/* The same port at both ends: by the socket; of one socket that two share: by the process. */
static void test_same_port(void **state)
{
	struct fixture *f = *state;
	struct sample one = client, other = server;
	struct close_record shared;

	one.lport = one.rport = other.lport = other.rport = 7;
	one.direction = other.direction = 0;
	put(f, &other);
	put(f, &one);
	flow_table_first(f->table)->direction = FLOW_OUT;
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1);

	new_table(f, 0);
	for (uint32_t pid = 10; pid <= 11; pid++) {
		one.pid = pid;
		shared = record_of(&one);
		shared.connection.protocol = IPPROTO_UDP;
		shared.connection.owner_src = OWNER_SEND;
		assert_int_equal(flow_table_count(f->table, &shared), 0);
	}
	assert_int_equal(flow_table_size(f->table), 2);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->list[0].flow->connection.owner.tgid, 10);
}

/* Who accepted it is not known yet: with the next interval, unless there is none. */
static void test_waits(void **state)
{
	struct fixture *f = *state;
	struct close_record listening = record_of(&server);

	listening.connection.owner_src = OWNER_LISTEN;
	put(f, &client);
	assert_int_equal(flow_table_begin(f->table, &listening.connection, FLOW_IN, 0), 0);
	finish(f, &client);
	f->options.now_ns = NOW + 1;
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	assert_int_equal(f->n, 0);
	f->options.now_ns = UINT64_MAX;
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1);
	flow_table_next_interval(f->table, NOW + 1);
	f->options.now_ns = NOW + NSEC_PER_SEC;
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1);
	assert_line(f, 0, 1, 100, 200);
	flow_table_next_interval(f->table, NOW + NSEC_PER_SEC);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	assert_int_equal(f->n, 0);
	f->filter = (struct process_filter){.names = {"server"}, .n_names = 1};
	put(f, &server);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 2);
}

/* ---- -n ---- */

static void test_filter(void **state)
{
	struct fixture *f = *state;
	struct sample nobody = alone[3];

	put(f, &client);
	put(f, &server);
	put(f, &nobody);
	f->filter = (struct process_filter){.names = {"serv*"}, .n_names = 1};
	for (int by = LINES_BY_FLOW; by <= LINES_BY_CGROUP; by++) {
		make(f, (enum flow_lines_by)by, LINES_SORT_BYTES);
		ASSERT_ORDER(f, 2);
		assert_line(f, 0, 1, 200, 100);
	}
	f->filter.names[0] = "client";
	for (int by = LINES_BY_FLOW; by <= LINES_BY_CGROUP; by++) {
		make(f, (enum flow_lines_by)by, LINES_SORT_BYTES);
		ASSERT_ORDER(f, 1);
	}
	f->filter = (struct process_filter){.names = {"client", "server"}, .n_names = 2};
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	ASSERT_ORDER(f, 1);
	f->filter = (struct process_filter){.names = {"*"}, .n_names = 1};
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES); /* but what nobody owns has no name */
	ASSERT_ORDER(f, 1);
}

/* ---- what had to make room ---- */

static void test_others(void **state)
{
	struct fixture *f = *state;
	struct sample more = alone[0];

	new_table(f, 2);
	put(f, &client);
	put(f, &server);
	finish(f, &client);
	finish(f, &server);
	more.tx = 1;
	more.rx = 0;
	more.cookie = 7;
	put(f, &more); /* in place of both */
	for (int sort = LINES_SORT_BYTES; sort <= LINES_SORT_NAME; sort++) {
		make(f, LINES_BY_FLOW, (enum flow_lines_sort)sort);
		assert_int_equal(f->n, 2);
		assert_int_equal(f->list[0].flow->id.cookie, 7);
		assert_null(f->list[1].flow);
		assert_line(f, 1, 1, 100, 200);
	}
	make(f, LINES_BY_PROCESS, LINES_SORT_NAME);
	assert_int_equal(f->n, 2);
	assert_line(f, 1, 2, 300, 300);
	make(f, LINES_BY_REMOTE, LINES_SORT_BYTES);
	assert_line(f, 1, 1, 100, 200);
	flow_table_next_interval(f->table, NOW);
	make(f, LINES_BY_FLOW, LINES_SORT_BYTES);
	assert_int_equal(f->n, 0);
}

/* -n holds for them, too. */
static void test_others_filter(void **state)
{
	struct fixture *f = *state;
	struct sample more = alone[0];

	f->filter = (struct process_filter){.names = {"server"}, .n_names = 1};
	new_table(f, 2);
	put(f, &client);
	put(f, &server);
	finish(f, &client);
	finish(f, &server);
	more.cookie = 7;
	put(f, &more);
	for (int by = LINES_BY_FLOW; by <= LINES_BY_CGROUP; by++) {
		make(f, (enum flow_lines_by)by, LINES_SORT_BYTES);
		assert_int_equal(f->n, 1);
		assert_null(f->list[0].flow);
		assert_line(f, 0, 1, 200, 100);
	}
}

static void test_many(void **state)
{
	struct fixture *f = *state;
	struct sample s = alone[0];

	for (uint64_t i = 1; i <= 5000; i++) {
		s.cookie = i;
		s.pid = 1 + (uint32_t)i % 1000;
		s.lport = (uint16_t)(1024 + i);
		s.tx = i * 2654435761 % 100003;
		put(f, &s);
	}
	make(f, LINES_BY_FLOW, LINES_SORT_TX);
	assert_int_equal(f->n, 5000);
	for (ssize_t i = 1; i < f->n; i++)
		assert_true(f->list[i - 1].counts.tx_bytes >= f->list[i].counts.tx_bytes);
	make(f, LINES_BY_PROCESS, LINES_SORT_PID);
	assert_int_equal(f->n, 1000);
	for (ssize_t i = 0; i < f->n; i++) {
		assert_int_equal(f->list[i].flow->connection.owner.tgid, i + 1);
		assert_int_equal(f->list[i].flows, 5);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),	  TEST(test_sort),	TEST(test_sort_totals),
		TEST(test_sort_large),	  TEST(test_groups),	TEST(test_pid_again),
		TEST(test_once),	  TEST(test_to_itself), TEST(test_which_end),
		TEST(test_same_port),	  TEST(test_filter),	TEST(test_others),
		TEST(test_others_filter), TEST(test_many),	TEST(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/flowattr_table: every byte once, whatever the order in which records come. */
#include "tools/flowattr_table.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/flowattr_nat.h"

#define BORN  true
#define UDP   IPPROTO_UDP
#define TCP   IPPROTO_TCP
#define GONE  4 /* passes that do not show a flow until it is gone */
#define NOW   (100 * NSEC_PER_SEC)
#define WRAPS (1ULL << 32)

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		{                                                                                  \
			[10] = 0xff, 0xff, a, b, c, d                                              \
		}                                                                                  \
	}

struct address {
	uint8_t bytes[16];
};

static const struct address any4 = V4(0, 0, 0, 0), any6, home = V4(127, 0, 0, 1),
			    home6 = {{[15] = 1}}, here = V4(10, 0, 0, 1), there = V4(10, 0, 0, 2),
			    elsewhere = V4(10, 0, 0, 3);

struct fixture {
	struct process_table *processes;
	struct nat_table *nat;
	struct flow_table *table;
};

static void new_table(struct fixture *f, uint64_t retain_ns, size_t max)
{
	struct flow_table_options options = {.processes = f->processes,
					     .nat = f->nat,
					     .retain_ns = retain_ns,
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
	assert_int_equal(nat_table_new(0, &f->nat), 0);
	new_table(f, 0, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	flow_table_free(f->table);
	nat_table_free(f->nat);
	process_table_free(f->processes);
	free(f);
	return 0;
}

/* ---- records ---- */

static struct connection between(uint16_t protocol, uint64_t cookie, const struct address *local,
				 uint16_t lport, const struct address *remote, uint16_t rport)
{
	struct connection c = {
		.owner = {.tgid = 100, .tid = 100, .start_ns = 5},
		.cookie = cookie,
		.netns = 1,
		.lport = lport,
		.rport = rport,
		.protocol = protocol,
		.owner_src = OWNER_CONNECT,
		.state = TCP_ESTABLISHED,
	};

	memcpy(c.laddr, local->bytes, sizeof(c.laddr));
	memcpy(c.raddr, remote->bytes, sizeof(c.raddr));
	return c;
}

static struct connection tcp(uint64_t cookie)
{
	return between(TCP, cookie, &here, 40000, &there, 80);
}

static void begin(struct fixture *f, struct connection c, enum flow_direction direction)
{
	assert_int_equal(flow_table_begin(f->table, &c, direction, 0), 0);
}

static void count(struct fixture *f, const struct close_record *record)
{
	assert_int_equal(flow_table_count(f->table, record), 0);
}

/* What has been carried in all by then: @bytes sent, twice as many received, and as many packets.
 */
static struct close_record carried(struct connection c, uint64_t bytes, bool born)
{
	return (struct close_record){
		.header = {.type = RECORD_LIVE, .ts_ns = NOW},
		.connection = c,
		.opened_ns = 1,
		.tx_bytes = bytes,
		.rx_bytes = 2 * bytes,
		.tx_packets = (uint32_t)bytes,
		.rx_packets = (uint32_t)(2 * bytes),
		.flags = born ? CLOSE_BORN : 0,
	};
}

static void live(struct fixture *f, struct connection c, uint64_t bytes, bool born)
{
	struct close_record record = carried(c, bytes, born);

	count(f, &record);
}

static void end(struct fixture *f, struct connection c, uint64_t bytes, bool born)
{
	struct close_record record = carried(c, bytes, born);

	record.header.type = RECORD_CLOSE;
	count(f, &record);
}

static void next(struct fixture *f)
{
	flow_table_next_interval(f->table, NOW);
}

/* ---- what is in the table ---- */

static struct flow *flow_of(struct fixture *f, uint64_t cookie)
{
	struct flow *flow = flow_table_first(f->table);

	while (flow && (flow->id.cookie != cookie || flow->id.past))
		flow = flow->hh.next;
	return flow;
}

static void assert_counts(const struct flow_counts *counts, uint64_t bytes)
{
	assert_int_equal(counts->tx_bytes, bytes);
	assert_int_equal(counts->rx_bytes, 2 * bytes);
	assert_int_equal(counts->tx_packets, bytes);
	assert_int_equal(counts->rx_packets, 2 * bytes);
}

static void assert_interval(struct fixture *f, uint64_t cookie, uint64_t bytes)
{
	struct flow_counts counts;

	assert_non_null(flow_of(f, cookie));
	counts = flow_in_interval(flow_of(f, cookie));
	assert_counts(&counts, bytes);
}

static void assert_pair(struct fixture *f, uint64_t cookie, uint64_t peer)
{
	assert_non_null(flow_of(f, cookie));
	assert_non_null(flow_of(f, peer));
	assert_ptr_equal(flow_of(f, cookie)->peer, flow_of(f, peer));
	assert_ptr_equal(flow_of(f, peer)->peer, flow_of(f, cookie));
}

static void assert_alone(struct fixture *f, uint64_t cookie)
{
	assert_non_null(flow_of(f, cookie));
	assert_null(flow_of(f, cookie)->peer);
}

/* ---- in any order ---- */

static void test_begin(void **state)
{
	struct fixture *f = *state;

	begin(f, tcp(1), FLOW_OUT);
	assert_interval(f, 1, 0);
	live(f, tcp(1), 10, BORN);
	assert_interval(f, 1, 10);
	next(f);
	assert_interval(f, 1, 0);
	live(f, tcp(1), 15, BORN);
	assert_interval(f, 1, 5);
	assert_counts(&flow_of(f, 1)->now, 15);
	end(f, tcp(1), 18, BORN);
	assert_interval(f, 1, 8);
	assert_int_equal(flow_of(f, 1)->direction, FLOW_OUT);
	assert_int_equal(flow_of(f, 1)->ended_ns, NOW);
	assert_int_equal(flow_table_size(f->table), 1);
	assert_int_equal(flow_table_open(f->table), 0);
	next(f);
	assert_int_equal(flow_table_size(f->table), 0);
}

/* What it carried before the tool is not of the interval. */
static void test_was_there(void **state)
{
	struct fixture *f = *state;

	begin(f, tcp(1), 0);
	assert_int_equal(flow_of(f, 1)->direction, 0);
	live(f, tcp(1), 1000, false);
	assert_interval(f, 1, 0);
	live(f, tcp(1), 1001, false);
	assert_interval(f, 1, 1);
	assert_counts(&flow_of(f, 1)->now, 1001);

	live(f, tcp(2), 500, false); /* nobody told that it began */
	assert_interval(f, 2, 0);
	next(f);
	end(f, tcp(2), 700, false);
	assert_interval(f, 2, 200);
	end(f, tcp(3), 700, false); /* never read before its end */
	assert_interval(f, 3, 0);
}

static void step(struct fixture *f, char what)
{
	switch (what) {
	case 'b':
		begin(f, tcp(1), FLOW_IN);
		break;
	case 'l':
		live(f, tcp(1), 10, BORN);
		break;
	case 'c':
		end(f, tcp(1), 30, BORN);
		break;
	}
}

/* A record may be late: the close has the last word. */
static void test_every_order(void **state)
{
	static const char *const orders[] = {"b",   "l",    "c",   "bl",  "lb",	 "bc",	"cb",
					     "lc",  "cl",   "blc", "bcl", "lbc", "lcb", "cbl",
					     "clb", "bblc", "blb", "bcc", "cbb", "llc"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		bool ends = strchr(orders[i], 'c'), counts = strchr(orders[i], 'l');

		new_table(f, 0, 0);
		for (const char *c = orders[i]; *c; c++)
			step(f, *c);
		assert_int_equal(flow_table_size(f->table), 1);
		assert_interval(f, 1, ends ? 30 : counts ? 10 : 0);
		assert_int_equal(!flow_of(f, 1)->ended_ns, !ends);
		assert_int_equal(flow_table_open(f->table), !ends);
		if (strchr(orders[i], 'b'))
			assert_int_equal(flow_of(f, 1)->direction, FLOW_IN);
		next(f);
		assert_int_equal(flow_table_size(f->table), !ends);
	}
}

/* Who began it is told by its records where none told that it began. */
static void test_direction(void **state)
{
	struct fixture *f = *state;
	struct close_record accepted = carried(tcp(1), 1, BORN);
	struct connection got = between(UDP, 3, &here, 53, &there, 4000);

	accepted.listener_pid = 7;
	count(f, &accepted);
	assert_int_equal(flow_of(f, 1)->direction, FLOW_IN);
	live(f, tcp(2), 1, BORN);
	assert_int_equal(flow_of(f, 2)->direction, FLOW_OUT);
	got.owner_src = OWNER_RECV;
	live(f, got, 1, BORN);
	assert_int_equal(flow_of(f, 3)->direction, FLOW_IN);
	got.cookie = 4;
	got.owner_src = OWNER_SEND;
	live(f, got, 1, BORN);
	assert_int_equal(flow_of(f, 4)->direction, FLOW_OUT);
	live(f, tcp(5), 1, false);
	assert_int_equal(flow_of(f, 5)->direction, 0);
}

/* ---- counters ---- */

static void test_wrap(void **state)
{
	struct fixture *f = *state;
	struct close_record record = carried(tcp(1), 0, BORN);

	record.tx_packets = 3000000000U;
	record.rx_packets = 1;
	count(f, &record);
	record.tx_packets = UINT32_MAX;
	count(f, &record);
	next(f);
	record.tx_packets = 9;
	record.rx_packets = 2;
	record.retransmits = 3;
	count(f, &record);
	assert_int_equal(flow_of(f, 1)->now.tx_packets, WRAPS + 9);
	assert_int_equal(flow_in_interval(flow_of(f, 1)).tx_packets, 10);
	assert_int_equal(flow_in_interval(flow_of(f, 1)).rx_packets, 1);
	assert_int_equal(flow_in_interval(flow_of(f, 1)).retransmits, 3);
	record.tx_packets = 2000000000U;
	count(f, &record);
	record.tx_packets = 4000000000U;
	count(f, &record);
	record.tx_packets = 1;
	count(f, &record);
	assert_int_equal(flow_of(f, 1)->now.tx_packets, 2 * WRAPS + 1);
}

/* Of a flow that was there the first reading may be anything. */
static void test_wrap_baseline(void **state)
{
	struct fixture *f = *state;
	struct close_record record = carried(tcp(1), 0, false);

	record.tx_packets = UINT32_MAX - 1;
	count(f, &record);
	assert_int_equal(flow_in_interval(flow_of(f, 1)).tx_packets, 0);
	record.tx_packets = 3;
	count(f, &record);
	assert_int_equal(flow_in_interval(flow_of(f, 1)).tx_packets, 5);
}

/* A reading that is older than the last one changes nothing. */
static void test_never_backwards(void **state)
{
	struct fixture *f = *state;
	struct close_record none = carried(tcp(1), 0, BORN);

	live(f, tcp(1), 1000, BORN);
	next(f);
	live(f, tcp(1), 999, BORN);
	assert_interval(f, 1, 0);
	count(f, &none);
	assert_interval(f, 1, 0);
	live(f, tcp(1), 1003, BORN);
	assert_interval(f, 1, 3);
	none.header.type = RECORD_CLOSE; /* made without counters */
	count(f, &none);
	assert_interval(f, 1, 3);
	assert_counts(&flow_of(f, 1)->now, 1003);
}

static void test_rtt(void **state)
{
	struct fixture *f = *state;
	struct close_record record = carried(tcp(1), 1, BORN);

	record.rtt_us = 50;
	count(f, &record);
	record.rtt_us = 0; /* not measured is not news */
	count(f, &record);
	assert_int_equal(flow_of(f, 1)->rtt_us, 50);
}

/* ---- owners ---- */

static void test_owner(void **state)
{
	struct fixture *f = *state;
	struct connection c = tcp(1);

	c.owner = (struct process_id){.tgid = 7, .start_ns = 1};
	c.owner_src = OWNER_LISTEN;
	begin(f, c, FLOW_IN);
	c.owner = (struct process_id){.tgid = 8, .start_ns = 2};
	c.owner_src = OWNER_ACCEPT;
	begin(f, c, FLOW_IN);
	assert_int_equal(flow_of(f, 1)->connection.owner.tgid, 8);
	assert_int_equal(flow_of(f, 1)->connection.owner_src, OWNER_ACCEPT);
	c.owner = (struct process_id){};
	c.owner_src = OWNER_UNKNOWN;
	live(f, c, 1, BORN); /* somebody is better than nobody */
	assert_int_equal(flow_of(f, 1)->connection.owner.tgid, 8);
	c.owner = (struct process_id){.tgid = 9, .start_ns = 3};
	c.state = TCP_CLOSE_WAIT;
	live(f, c, 2, BORN);
	assert_int_equal(flow_of(f, 1)->connection.owner.tgid, 9);
	assert_int_equal(flow_of(f, 1)->connection.state, TCP_CLOSE_WAIT);
	end(f, c, 3, BORN);
	c.owner.tgid = 10;
	begin(f, c, FLOW_IN);
	live(f, c, 4, BORN);
	assert_int_equal(flow_of(f, 1)->connection.owner.tgid, 9);
	assert_int_equal(flow_table_size(f->table), 1);
}

static void test_forget(void **state)
{
	struct fixture *f = *state;
	struct connection c = tcp(1), ended = tcp(2), other = tcp(3);

	flow_table_forget(f->table, &c);
	begin(f, c, FLOW_IN);
	begin(f, other, FLOW_IN);
	end(f, ended, 5, BORN);
	flow_table_forget(f->table, &c);
	flow_table_forget(f->table, &ended); /* it is not to be shown, either */
	assert_int_equal(flow_table_size(f->table), 1);
	end(f, tcp(4), 1, BORN);
	end(f, tcp(5), 1, BORN);
	end(f, tcp(6), 1, BORN);
	c = tcp(5);
	flow_table_forget(f->table, &c);
	c = tcp(6);
	flow_table_forget(f->table, &c);
	end(f, tcp(7), 1, BORN);
	assert_int_equal(flow_table_size(f->table), 3);
	next(f);
	assert_int_equal(flow_table_size(f->table), 1);
	assert_non_null(flow_of(f, 3));
}

/* ---- one socket, one flow after the other ---- */

static void test_connects_again(void **state)
{
	struct fixture *f = *state;
	struct connection other = between(TCP, 1, &here, 40001, &elsewhere, 81);
	struct close_record again = carried(other, 7, BORN);

	begin(f, tcp(1), FLOW_OUT);
	end(f, tcp(1), 5, BORN);
	begin(f, other, FLOW_OUT);
	assert_int_equal(flow_table_size(f->table), 2);
	again.opened_ns = NOW + 1;
	count(f, &again);
	assert_interval(f, 1, 7);
	assert_int_equal(flow_of(f, 1)->connection.lport, 40001);
	assert_int_equal(flow_table_first(f->table)->now.tx_bytes + 7 +
				 ((struct flow *)flow_table_first(f->table)->hh.next)->now.tx_bytes,
			 5 + 7 + 7);
	next(f);
	assert_int_equal(flow_table_size(f->table), 1);
	assert_interval(f, 1, 0);
}

/* It was idle, or had to make room in the kernel, and goes on: that is another flow. */
static void test_goes_on(void **state)
{
	struct fixture *f = *state;
	struct connection c = between(UDP, 1, &here, 53, &there, 4000);
	struct close_record again;

	new_table(f, 10 * NSEC_PER_SEC, 0);
	begin(f, c, FLOW_IN);
	end(f, c, 100, BORN);
	next(f);
	begin(f, c, FLOW_IN);
	again = carried(c, 3, BORN);
	again.opened_ns = NOW + 1;
	again.header.ts_ns = NOW + 2;
	count(f, &again);
	assert_interval(f, 1, 3);
	assert_int_equal(flow_table_size(f->table), 2);
	again.header.type = RECORD_CLOSE;
	count(f, &again);
	again.header.ts_ns = NOW + 4;
	again.opened_ns = NOW + 3;
	again.tx_bytes = 9;
	count(f, &again);
	assert_int_equal(flow_table_size(f->table), 3);
	assert_int_equal(flow_in_interval(flow_of(f, 1)).tx_bytes, 9);
	flow_table_next_interval(f->table, NOW + 10 * NSEC_PER_SEC + 4);
	assert_int_equal(flow_table_size(f->table), 0);
}

/* ---- flows that nobody told the end of ---- */

static void test_gone(void **state)
{
	struct fixture *f = *state;

	live(f, tcp(1), 1, BORN);
	live(f, tcp(2), 1, BORN);
	for (int i = 0; i < GONE; i++) {
		next(f);
		assert_int_equal(flow_table_open(f->table), 2);
		flow_table_pass(f->table, NOW);
		live(f, tcp(1), 2, BORN);
	}
	assert_int_equal(flow_table_open(f->table), 1);
	assert_int_equal(flow_of(f, 2)->ended_ns, NOW);
	next(f);
	assert_int_equal(flow_table_size(f->table), 1);
	assert_non_null(flow_of(f, 1));
}

/* ---- both ends ---- */

struct ends_case {
	const char *what;
	const struct address *laddr, *raddr, *peer_laddr, *peer_raddr;
	uint16_t lport, rport, peer_lport, peer_rport;
	uint32_t netns, peer_netns;
	bool pair;
};

static const struct ends_case ends[] = {
	{"loopback", &home, &home, &home, &home, 40000, 80, 80, 40000, 1, 1, true},
	{"IPv6 loopback", &home6, &home6, &home6, &home6, 40000, 80, 80, 40000, 1, 1, true},
	{"loopback of two namespaces", &home, &home, &home, &home, 40000, 80, 80, 40000, 1, 2,
	 false},
	{"IPv6 loopback of two", &home6, &home6, &home6, &home6, 40000, 80, 80, 40000, 1, 2, false},
	{"from one namespace to another", &here, &there, &there, &here, 40000, 80, 80, 40000, 1, 2,
	 true},
	{"server bound to any", &home, &home, &any4, &home, 40000, 53, 53, 40000, 1, 1, true},
	{"server bound to any, IPv6", &home, &home, &any6, &home, 40000, 53, 53, 40000, 1, 1, true},
	{"both bound to any", &any4, &home, &any6, &home, 40000, 53, 53, 40000, 1, 1, true},
	{"any, another namespace's loopback", &any4, &home, &any4, &home, 40000, 53, 53, 40000, 1,
	 2, false},
	{"server bound to any, own address", &here, &here, &any4, &here, 40000, 53, 53, 40000, 1, 1,
	 true},
	{"server bound to any, other namespace", &here, &there, &any4, &here, 40000, 53, 53, 40000,
	 1, 2, true},
	{"client bound to any, other namespace", &any6, &there, &there, &here, 40000, 53, 53, 40000,
	 1, 2, true},
	{"the same ports to another host", &here, &there, &here, &elsewhere, 40000, 80, 80, 40000,
	 1, 1, false},
	{"to one host, back from another", &here, &there, &there, &elsewhere, 40000, 80, 80, 40000,
	 1, 1, false},
	{"other ports", &home, &home, &home, &home, 40000, 80, 80, 40001, 1, 1, false},
	{"the same direction", &home, &home, &home, &home, 40000, 80, 40000, 80, 1, 1, false},
	{"no ports", &home, &home, &home, &home, 0, 0, 0, 0, 1, 1, false},
	{"one port for both", &home, &home, &home, &home, 7, 7, 7, 7, 1, 1, true},
};

static void test_ends(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ends) * 4; i++) {
		const struct ends_case *e = &ends[i / 4];
		uint16_t protocol = i & 1 ? TCP : UDP;
		struct connection one =
			between(protocol, 1, e->laddr, e->lport, e->raddr, e->rport);
		struct connection other = between(protocol, 2, e->peer_laddr, e->peer_lport,
						  e->peer_raddr, e->peer_rport);

		new_table(f, 0, 0);
		one.netns = e->netns;
		other.netns = e->peer_netns;
		begin(f, i & 2 ? one : other, FLOW_OUT);
		live(f, i & 2 ? other : one, 1, BORN);
		if (!!flow_of(f, 1)->peer != e->pair)
			fail_msg("%s", e->what);
		if (e->pair)
			assert_pair(f, 1, 2);
	}
}

static void test_ends_of_other_protocol(void **state)
{
	struct fixture *f = *state;

	begin(f, between(TCP, 1, &home, 40000, &home, 80), FLOW_OUT);
	begin(f, between(UDP, 2, &home, 80, &home, 40000), FLOW_IN);
	assert_alone(f, 1);
	assert_alone(f, 2);
}

/* A row of the open end names the process at the other. */
static void test_ended_end_stays(void **state)
{
	struct fixture *f = *state;
	struct connection client = between(TCP, 1, &home, 40000, &home, 80);
	struct connection server = between(TCP, 2, &home, 80, &home, 40000);

	begin(f, client, FLOW_OUT);
	begin(f, server, FLOW_IN);
	end(f, client, 5, BORN);
	end(f, tcp(3), 5, BORN);
	for (int i = 0; i < 3; i++) {
		next(f);
		assert_int_equal(flow_table_size(f->table), 2);
		assert_pair(f, 1, 2);
		assert_interval(f, 1, 0);
	}
	end(f, server, 5, BORN);
	end(f, tcp(4), 5, BORN);
	next(f);
	assert_int_equal(flow_table_size(f->table), 0);
	end(f, tcp(5), 5, BORN); /* the list of what has ended is still one */
	next(f);
	assert_int_equal(flow_table_size(f->table), 0);
}

/* The port is used again, at once, by another socket at both ends. */
static void test_ports_again(void **state)
{
	struct fixture *f = *state;
	const struct connection ends_of[] = {between(TCP, 1, &home, 40000, &home, 80),
					     between(TCP, 2, &home, 80, &home, 40000),
					     between(TCP, 3, &home, 40000, &home, 80),
					     between(TCP, 4, &home, 80, &home, 40000)};

	for (size_t i = 0; i < ARRAY_SIZE(ends_of); i += 2) {
		begin(f, ends_of[i], FLOW_OUT);
		begin(f, ends_of[i + 1], FLOW_IN);
		end(f, ends_of[i], 10 + i, BORN);
		end(f, ends_of[i + 1], 20 + i, BORN);
	}
	assert_pair(f, 1, 2);
	assert_pair(f, 3, 4);
	assert_interval(f, 2, 20);
	assert_interval(f, 4, 22);
	next(f);
	assert_int_equal(flow_table_size(f->table), 0);
}

/* The server's flow of datagrams goes on when another client has got the port. */
static void test_datagram_port_again(void **state)
{
	struct fixture *f = *state;
	struct connection client = between(UDP, 1, &home, 40000, &home, 53);
	struct connection server = between(UDP, 2, &any4, 53, &home, 40000);

	begin(f, client, FLOW_OUT);
	begin(f, server, FLOW_IN);
	end(f, client, 5, BORN);
	client.cookie = 3;
	begin(f, client, FLOW_OUT);
	assert_pair(f, 3, 2);
	assert_alone(f, 1);
	next(f);
	assert_null(flow_of(f, 1));
	assert_pair(f, 3, 2);
	client.cookie = 4; /* who shares the port does not take it from who has it */
	begin(f, client, FLOW_OUT);
	assert_pair(f, 3, 2);
	assert_alone(f, 4);
}

/* ---- the flow of a packet ---- */

static struct flow *at(struct fixture *f, uint64_t ts_ns)
{
	struct connection wanted = tcp(0);

	wanted.netns = 0;
	return flow_table_find(f->table, &wanted, ts_ns);
}

static void end_at(struct fixture *f, uint64_t cookie, uint64_t ts_ns)
{
	struct close_record record = carried(tcp(cookie), 1, BORN);

	record.header = (struct record_header){.type = RECORD_CLOSE, .ts_ns = ts_ns};
	count(f, &record);
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	struct connection wanted = tcp(0);

	new_table(f, 10 * NSEC_PER_SEC, 0);
	assert_null(at(f, NOW));
	end_at(f, 1, NOW);
	end_at(f, 2, NOW + 100);
	assert_int_equal(at(f, NOW + 101)->id.cookie, 2); /* the last before that */
	begin(f, tcp(3), FLOW_OUT);
	assert_int_equal(at(f, NOW - 1)->id.cookie, 1);
	assert_int_equal(at(f, NOW)->id.cookie, 1);
	assert_int_equal(at(f, NOW + 1)->id.cookie, 2);
	assert_int_equal(at(f, NOW + 100)->id.cookie, 2);
	assert_int_equal(at(f, NOW + 101)->id.cookie, 3);
	next(f); /* kept to be found */
	assert_int_equal(at(f, NOW)->id.cookie, 1);
	flow_table_next_interval(f->table, NOW + 10 * NSEC_PER_SEC);
	assert_int_equal(at(f, NOW)->id.cookie, 2);

	wanted.netns = 2;
	assert_null(flow_table_find(f->table, &wanted, NOW));
	wanted.netns = 1;
	assert_non_null(flow_table_find(f->table, &wanted, NOW));
	wanted.protocol = UDP;
	assert_null(flow_table_find(f->table, &wanted, NOW));
	wanted = between(TCP, 0, &there, 80, &here, 40000);
	assert_null(flow_table_find(f->table, &wanted, NOW)); /* as seen from the other end */
	wanted = between(TCP, 0, &elsewhere, 40000, &there, 80);
	assert_null(flow_table_find(f->table, &wanted, NOW));
	begin(f, between(UDP, 9, &any6, 53, &there, 4000), FLOW_IN);
	wanted = between(UDP, 0, &here, 53, &there, 4000);
	assert_int_equal(flow_table_find(f->table, &wanted, NOW)->id.cookie, 9);
}

/* A port that one process after the other has: a packet that comes late is the former's. */
static void test_find_nearest(void **state)
{
	struct fixture *f = *state;
	struct connection next = tcp(2);

	new_table(f, 10 * NSEC_PER_SEC, 0);
	end_at(f, 1, NOW);
	assert_int_equal(flow_table_begin(f->table, &next, FLOW_OUT, NOW + 100), 0);
	assert_int_equal(at(f, NOW + 10)->id.cookie, 1);
	assert_int_equal(at(f, NOW + 90)->id.cookie, 2); /* its SYN */
	assert_int_equal(at(f, NOW + 100)->id.cookie, 2);
	end_at(f, 2, NOW + 200);
	assert_int_equal(at(f, NOW + 300)->id.cookie, 2);
}

/* What a port has received from somebody that could not be told is all that is known of it. */
static void test_find_received(void **state)
{
	static const struct address nobody;
	struct fixture *f = *state;
	struct connection wanted = between(UDP, 0, &here, 53, &there, 4000);
	struct close_record record = carried(between(UDP, 9, &any6, 53, &nobody, 0), 1, BORN);

	new_table(f, 10 * NSEC_PER_SEC, 0);
	begin(f, record.connection, FLOW_IN);
	assert_int_equal(flow_table_find(f->table, &wanted, NOW)->id.cookie, 9);
	wanted.netns = 0; /* somebody's else, perhaps */
	assert_null(flow_table_find(f->table, &wanted, NOW));
	wanted.netns = 1;
	wanted.lport = 54;
	assert_null(flow_table_find(f->table, &wanted, NOW));
	wanted.lport = 53;
	record.header = (struct record_header){.type = RECORD_CLOSE, .ts_ns = NOW};
	count(f, &record);
	assert_non_null(flow_table_find(f->table, &wanted, NOW));
	assert_null(flow_table_find(f->table, &wanted, NOW + 1));
}

/* What found no room in the kernel is summed up with what finds none here. */
static struct address client_at(uint16_t i)
{
	struct address address = elsewhere;

	address.bytes[14] = (uint8_t)(i >> 8);
	address.bytes[15] = (uint8_t)i;
	return address;
}

/* A time server: of all of its clients both ports are 123, one of them is on this machine. */
static void test_find_among_many(void **state)
{
	struct fixture *f = *state;
	struct address client;
	struct connection c;

	begin(f, between(UDP, 5000, &here, 123, &there, 123), FLOW_OUT);
	for (uint16_t i = 300; i < 1300; i++) {
		client = client_at(i);
		begin(f, between(UDP, i, &any4, 123, &client, 123), FLOW_IN);
	}
	begin(f, between(UDP, 6000, &there, 123, &here, 123), FLOW_IN);
	assert_pair(f, 6000, 5000);
	for (uint16_t i = 300; i < 1300; i++) {
		client = client_at(i);
		c = between(UDP, 0, &here, 123, &client, 123);
		assert_int_equal(flow_table_find(f->table, &c, NOW)->id.cookie, i);
		assert_alone(f, i);
		end(f, between(UDP, i, &any4, 123, &client, 123), 1, BORN);
	}
	next(f);
	assert_null(flow_table_find(f->table, &c, NOW));
	assert_pair(f, 6000, 5000);
}

static void test_fold(void **state)
{
	struct fixture *f = *state;
	const struct flow_counts counts = {.tx_bytes = 7, .rx_bytes = 8, .tx_packets = 2};

	new_table(f, 0, 0);
	flow_table_fold(f->table, 3, &counts);
	flow_table_fold(f->table, 1, &counts);
	assert_int_equal(flow_table_others(f->table)->flows, 4);
	assert_int_equal(flow_table_others(f->table)->ends, 4);
	assert_int_equal(flow_table_others(f->table)->counts.tx_bytes, 14);
	assert_int_equal(flow_table_others(f->table)->ends_counts.rx_bytes, 16);
	next(f);
	assert_int_equal(flow_table_others(f->table)->flows, 0);
	assert_int_equal(flow_table_folded(f->table), 4);
}

/* The close of a flow found no room, and the same two talk again: what that carries counts, too. */
static void test_begun_again(void **state)
{
	struct fixture *f = *state;
	struct close_record record = carried(between(UDP, 1, &here, 40000, &there, 53), 50, BORN);
	uint64_t sum = 0;

	new_table(f, 0, 0);
	record.opened_ns = NOW;
	count(f, &record);
	record.opened_ns = NOW + 100;
	record.tx_bytes = record.rx_bytes = 10;
	count(f, &record);
	assert_int_equal(flow_table_size(f->table), 2);
	for (struct flow *flow = flow_table_first(f->table); flow; flow = flow->hh.next)
		sum += flow_in_interval(flow).tx_bytes;
	assert_int_equal(sum, 60);
}

/* ---- more than there is room for ---- */

static void test_room(void **state)
{
	struct fixture *f = *state;
	const struct flow_others *others;
	struct close_record idle = carried(between(TCP, 999, &here, 1, &there, 2), 50, false);
	uint64_t sum = 0;

	new_table(f, 10 * NSEC_PER_SEC, 100);
	idle.header.type = RECORD_CLOSE;
	count(f, &idle); /* carried nothing that is of the interval */
	for (uint64_t i = 1; i <= 1000; i++)
		end(f, between(TCP, i, &here, (uint16_t)i, &there, 80), i, BORN);
	others = flow_table_others(f->table);
	assert_int_equal(flow_table_size(f->table), 100);
	assert_int_equal(others->flows, 900);
	assert_int_equal(others->ends, 900);
	assert_null(flow_of(f, 900)); /* what ended first goes first */
	for (struct flow *flow = flow_table_first(f->table); flow; flow = flow->hh.next)
		sum += flow_in_interval(flow).tx_bytes;
	assert_int_equal(sum + others->counts.tx_bytes, 1000 * 1001 / 2);
	assert_counts(&others->counts, 900 * 901 / 2);
	assert_counts(&others->ends_counts, 900 * 901 / 2);
	next(f);
	assert_int_equal(others->flows + others->ends, 0);
	assert_counts(&others->counts, 0);
	begin(f, tcp(2000), FLOW_OUT);
	assert_int_equal(others->flows, 0); /* what was shown already is no news */
}

/* What is open stays. */
static void test_no_room(void **state)
{
	struct fixture *f = *state;

	new_table(f, 0, 10);
	for (uint64_t i = 1; i <= 20; i++)
		begin(f, between(TCP, i, &here, (uint16_t)i, &there, 80), FLOW_OUT);
	assert_int_equal(flow_table_size(f->table), 20);
	assert_int_equal(flow_table_others(f->table)->flows, 0);
}

/* Both ends make room together: told once, where it is told once, and each for its own else. */
static void test_room_for_both(void **state)
{
	struct fixture *f = *state;
	const struct flow_others *others;

	new_table(f, 0, 2);
	others = flow_table_others(f->table);
	begin(f, between(TCP, 1, &home, 40000, &home, 80), FLOW_OUT);
	begin(f, between(TCP, 2, &home, 80, &home, 40000), FLOW_IN);
	end(f, between(TCP, 1, &home, 40000, &home, 80), 5, BORN);
	live(f, between(TCP, 2, &home, 80, &home, 40000), 6, BORN);
	begin(f, tcp(3), FLOW_OUT);
	assert_int_equal(others->flows, 1);
	assert_counts(&others->counts, 5);
	assert_int_equal(others->ends, 2);
	assert_counts(&others->ends_counts, 11);
	assert_alone(f, 2);
	assert_interval(f, 2, 0);
	end(f, between(TCP, 2, &home, 80, &home, 40000), 8, BORN);
	assert_interval(f, 2, 2);
}

/* ---- translated addresses ---- */

/* What @here sends to @elsewhere's @port, tracking has sent to @there as from @seen. */
static struct conntrack_entry tracked(uint16_t protocol, const struct address *client,
				      const struct address *called, const struct address *server,
				      const struct address *seen)
{
	struct conntrack_entry entry = {
		.original = {.source_port = 40000, .destination_port = 8080},
		.reply = {.source_port = 80, .destination_port = 1024},
		.netns = 7,
	};

	entry.original.protocol = entry.reply.protocol = (uint8_t)protocol;
	memcpy(entry.original.source, client->bytes, 16);
	memcpy(entry.original.destination, called->bytes, 16);
	memcpy(entry.reply.source, server->bytes, 16);
	memcpy(entry.reply.destination, seen->bytes, 16);
	return entry;
}

static void translate(struct fixture *f, const struct conntrack_entry *entry)
{
	struct nat_ends ends;

	assert_int_equal(nat_table_add(f->nat, entry, &ends), 1);
	assert_int_equal(flow_table_translate(f->table, &ends), 0);
}

static void assert_nat(struct fixture *f, uint64_t cookie, const struct address *laddr,
		       uint16_t lport, const struct address *raddr, uint16_t rport)
{
	const struct flow_nat *nat = flow_of(f, cookie)->nat;

	assert_non_null(nat);
	assert_memory_equal(nat->laddr, laddr->bytes, 16);
	assert_memory_equal(nat->raddr, raddr->bytes, 16);
	assert_int_equal(nat->lport, lport);
	assert_int_equal(nat->rport, rport);
}

/* Client, server and tracking tell of it in any order. The server may be bound to any address. */
static void test_translated(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const struct address router = V4(10, 0, 0, 254);
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(orders) * 4; i++) {
		uint16_t protocol = i & 1 ? TCP : UDP;
		const struct address *bound = i & 2 ? &any4 : &there;
		struct conntrack_entry entry =
			tracked(protocol, &here, &elsewhere, &there, &router);
		struct conntrack_entry gone = entry;
		struct connection client = between(protocol, 1, &here, 40000, &elsewhere, 8080);
		struct connection server = between(protocol, 2, bound, 80, &router, 1024);
		struct nat_ends ends;

		server.netns = 2;
		new_table(f, 0, 0);
		for (size_t j = 0; j < 3; j++) {
			if (orders[i / 4][j] == 0)
				begin(f, client, FLOW_OUT);
			else if (orders[i / 4][j] == 1)
				begin(f, server, FLOW_IN);
			else
				translate(f, &entry);
		}
		assert_pair(f, 1, 2);
		assert_nat(f, 1, &router, 1024, &there, 80);
		assert_nat(f, 2, &elsewhere, 8080, &here, 40000);
		gone.gone = true;
		assert_int_equal(nat_table_add(f->nat, &gone, &ends), 0);
		assert_nat(f, 1, &router, 1024, &there, 80); /* it was */
	}
}

/* Somebody else's, or another namespace's loopback. */
static void test_translated_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct conntrack_entry entry = tracked(TCP, &home, &home, &there, &here);
	struct connection client = between(TCP, 1, &home, 40000, &home, 8080);

	begin(f, client, FLOW_OUT); /* its namespace is 1, not 7 */
	begin(f, between(TCP, 2, &there, 80, &here, 1025), FLOW_IN);
	translate(f, &entry);
	assert_alone(f, 1);
	assert_alone(f, 2);
	assert_null(flow_of(f, 1)->nat);
	assert_null(flow_of(f, 2)->nat);
	client.cookie = 3;
	client.netns = 7;
	begin(f, client, FLOW_OUT);
	assert_nat(f, 3, &here, 1024, &there, 80);
	begin(f, between(TCP, 4, &there, 80, &here, 1024), FLOW_IN);
	assert_pair(f, 3, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_begin),
		TEST(test_was_there),
		TEST(test_every_order),
		TEST(test_direction),
		TEST(test_wrap),
		TEST(test_wrap_baseline),
		TEST(test_never_backwards),
		TEST(test_rtt),
		TEST(test_owner),
		TEST(test_forget),
		TEST(test_connects_again),
		TEST(test_goes_on),
		TEST(test_gone),
		TEST(test_ends),
		TEST(test_ends_of_other_protocol),
		TEST(test_ended_end_stays),
		TEST(test_ports_again),
		TEST(test_datagram_port_again),
		TEST(test_find),
		TEST(test_find_among_many),
		TEST(test_fold),
		TEST(test_begun_again),
		TEST(test_find_nearest),
		TEST(test_find_received),
		TEST(test_translated),
		TEST(test_translated_elsewhere),
		TEST(test_room),
		TEST(test_no_room),
		TEST(test_room_for_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

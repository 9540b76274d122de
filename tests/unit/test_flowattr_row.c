/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/flowattr_row: every cell of every kind of row, and none besides. */
#include "tools/flowattr_row.h"

#include <netinet/in.h>

#include "tests/unit/cells.h"

#define START_NS  (1000 * NSEC_PER_SEC)
#define END_NS	  (START_NS + 7500000999)
#define LENGTH_NS (2 * NSEC_PER_SEC)
#define OFFSET_NS (1700000000 * (int64_t)NSEC_PER_SEC)
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CGROUP	  "/system.slice/docker-" CONTAINER ".scope"
#define ARGS	  "curl\0-s\0\0"

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		[10] = 0xff, 0xff, a, b, c, d                                                      \
	}

struct wants {
	struct want of[FIELDS];
};

static const struct clock test_clock = {.offset_ns = OFFSET_NS};
static const struct process_names curl_names = {.name = "curl",
						.exe = "/usr/bin/curl",
						.args = ARGS,
						.args_length = sizeof(ARGS) - 1,
						.source = NAME_EXEC};
static const uint32_t holders[] = {100, 200};

static const struct flow curl_flow = {
	.connection =
		{
			.owner = {.start_ns = 5,
				  .tgid = 100,
				  .tid = 101,
				  .ppid = 99,
				  .uid = 1000,
				  .comm = "thread"},
			.cookie = 77,
			.laddr = V4(10, 0, 0, 1),
			.raddr = V4(192, 168, 1, 2),
			.netns = 4026531840,
			.lport = 40000,
			.rport = 443,
			.protocol = IPPROTO_TCP,
			.owner_src = OWNER_CONNECT,
			.state = TCP_ESTABLISHED,
		},
	.now = {.tx_bytes = 1UL << 40, .rx_bytes = 900000},
	.rtt_us = 1234,
	.direction = FLOW_OUT,
	.holders = holders,
	.n_holders = 2,
};

static struct flowattr_context bare_context(void)
{
	return (struct flowattr_context){.clock = &test_clock,
					 .start_ns = START_NS,
					 .begin_ns = END_NS - LENGTH_NS,
					 .end_ns = END_NS};
}

static struct flowattr_context curl_context(void)
{
	struct flowattr_context context = bare_context();

	context.names = &curl_names;
	context.cgroup = CGROUP;
	context.user = "alice";
	return context;
}

static struct flow_line line_of(const struct flow *flow)
{
	return (struct flow_line){.flow = flow,
				  .counts = {.tx_bytes = 3000000,
					     .rx_bytes = 500,
					     .tx_packets = 40,
					     .rx_packets = 5,
					     .retransmits = 6},
				  .flows = 3};
}

/* ---- the parts of rows ---- */

/* Of every row that counts: line_of() in bare_context(). */
static struct wants counts_wants(const char *type)
{
	return (struct wants){{
		[FIELD_TYPE] = TEXT(type),
		[FIELD_TS] = TIME(END_NS + OFFSET_NS),
		[FIELD_INTERVAL] = UINT(LENGTH_NS),
		[FIELD_TX_BYTES] = UINT(3000000),
		[FIELD_RX_BYTES] = UINT(500),
		[FIELD_TX_PACKETS] = UINT(40),
		[FIELD_RX_PACKETS] = UINT(5),
		[FIELD_TIME] = TIME(END_NS + OFFSET_NS),
		[FIELD_SECONDS] = TEXT("7.500000"),
		[FIELD_TX_RATE] = TEXT("1.5M"),
		[FIELD_RX_RATE] = TEXT("250"),
	}};
}

static void want_process(struct wants *wants)
{
	wants->of[FIELD_PID] = UINT(100);
	wants->of[FIELD_TID] = UINT(101);
	wants->of[FIELD_NAME] = TEXT("curl");
	wants->of[FIELD_COMM] = TEXT("thread");
	wants->of[FIELD_NAME_SRC] = TEXT("exec");
	wants->of[FIELD_EXE] = TEXT("/usr/bin/curl");
	wants->of[FIELD_ARGS] = TEXTS(ARGS);
	wants->of[FIELD_PPID] = UINT(99);
	wants->of[FIELD_UID] = UINT(1000);
	wants->of[FIELD_CGROUP] = TEXT(CGROUP);
	wants->of[FIELD_CONTAINER] = TEXT(CONTAINER);
	wants->of[FIELD_USER] = TEXT("alice");
}

static void want_no_process(struct wants *wants)
{
	static const size_t fields[] = {FIELD_PID, FIELD_TID,	 FIELD_NAME,	  FIELD_COMM,
					FIELD_EXE, FIELD_ARGS,	 FIELD_NAME_SRC,  FIELD_PPID,
					FIELD_UID, FIELD_CGROUP, FIELD_CONTAINER, FIELD_USER};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		wants->of[fields[i]] = UNKNOWN;
}

static struct wants flow_wants(void)
{
	struct wants wants = counts_wants("flow");

	want_process(&wants);
	wants.of[FIELD_NETNS] = UINT(4026531840);
	wants.of[FIELD_PROTO] = TEXT("tcp");
	wants.of[FIELD_LADDR] = TEXT("10.0.0.1");
	wants.of[FIELD_LPORT] = UINT(40000);
	wants.of[FIELD_RADDR] = TEXT("192.168.1.2");
	wants.of[FIELD_RPORT] = UINT(443);
	wants.of[FIELD_COOKIE] = UINT(77);
	wants.of[FIELD_OWNER_SRC] = TEXT("connect");
	wants.of[FIELD_DIRECTION] = TEXT("out");
	wants.of[FIELD_STATE] = TEXT("ESTABLISHED");
	wants.of[FIELD_TX_TOTAL] = UINT(1UL << 40);
	wants.of[FIELD_RX_TOTAL] = UINT(900000);
	wants.of[FIELD_RTT] = UINT(1234);
	wants.of[FIELD_RETRANSMITS] = UINT(6);
	wants.of[FIELD_HOLDERS] = UINTS(holders);
	wants.of[FIELD_PEER_PID] = UNKNOWN;
	wants.of[FIELD_PEER_NAME] = UNKNOWN;
	for (size_t i = FIELD_NAT_LADDR; i <= FIELD_NAT_RPORT; i++)
		wants.of[i] = UNKNOWN;
	wants.of[FIELD_LOCAL] = TEXT("10.0.0.1:40000");
	wants.of[FIELD_REMOTE] = TEXT("192.168.1.2:443");
	return wants;
}

static void check_row(const struct row *row, const struct wants *wants, int line)
{
	check_cells(row, wants->of, flowattr_fields, FIELDS, __FILE__, line);
}

/* What a row that is used again held before must be gone. */
static void check(const struct flow_line *flows, enum flow_lines_by by,
		  const struct flowattr_context *context, const struct wants *wants, int line)
{
	struct row row;

	memset(&row, 0xa5, sizeof(row));
	row.limit = 0;
	flowattr_row(flows, by, context, &row);
	check_row(&row, wants, line);
}

#define CHECK(line, by, context, wants) check(line, by, context, wants, __LINE__)

/* ---- flows ---- */

static void test_flow(void **state _unused_)
{
	struct flow flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = curl_context();
	struct wants wants = flow_wants();

	CHECK(&line, LINES_BY_FLOW, &context, &wants);

	flow.direction = FLOW_IN;
	flow.ended_ns = 1;
	flow.rtt_us = 0;
	flow.holders = NULL;
	flow.n_holders = 0;
	wants.of[FIELD_DIRECTION] = TEXT("in");
	wants.of[FIELD_STATE] = TEXT("CLOSED");
	wants.of[FIELD_RTT] = UNKNOWN;
	wants.of[FIELD_HOLDERS] = UNKNOWN;
	CHECK(&line, LINES_BY_FLOW, &context, &wants);

	flow.direction = 0;
	flow.connection.cookie = COOKIE_OWN | 5;
	wants.of[FIELD_DIRECTION] = UNKNOWN;
	wants.of[FIELD_COOKIE] = UNKNOWN;
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
}

static void test_peer(void **state _unused_)
{
	struct flow peer = {.connection.owner.tgid = 55}, flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = curl_context();
	struct wants wants = flow_wants();

	flow.peer = &peer;
	context.peer_name = "a-server-with-a-long-name";
	wants.of[FIELD_PEER_PID] = UINT(55);
	wants.of[FIELD_PEER_NAME] = TEXT("a-server-with-a-long-name");
	wants.of[FIELD_PEER] = TEXT("a-server-with-a-long-name[55]");
	CHECK(&line, LINES_BY_FLOW, &context, &wants);

	peer.connection.owner.tgid = 0; /* nobody is known to have it */
	wants = flow_wants();
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
}

static void test_nat(void **state _unused_)
{
	struct flow_nat nat = {.laddr = V4(198, 51, 100, 7),
			       .raddr = V4(10, 9, 8, 7),
			       .lport = 1024,
			       .rport = 8443};
	struct flow flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = curl_context();
	struct wants wants = flow_wants();

	flow.nat = &nat;
	wants.of[FIELD_NAT_LADDR] = TEXT("198.51.100.7");
	wants.of[FIELD_NAT_LPORT] = UINT(1024);
	wants.of[FIELD_NAT_RADDR] = TEXT("10.9.8.7");
	wants.of[FIELD_NAT_RPORT] = UINT(8443);
	wants.of[FIELD_NAT_LOCAL] = TEXT("198.51.100.7:1024");
	wants.of[FIELD_NAT_REMOTE] = TEXT("10.9.8.7:8443");
	CHECK(&line, LINES_BY_FLOW, &context, &wants);

	nat.lport = nat.rport = 0; /* of an echo */
	wants.of[FIELD_NAT_LPORT] = wants.of[FIELD_NAT_RPORT] = UNKNOWN;
	wants.of[FIELD_NAT_LOCAL] = TEXT("198.51.100.7");
	wants.of[FIELD_NAT_REMOTE] = TEXT("10.9.8.7");
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
}

static void test_datagrams(void **state _unused_)
{
	struct flow flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = curl_context();
	struct wants wants = flow_wants();

	flow.connection.protocol = IPPROTO_UDP;
	flow.connection.state = 0;
	flow.connection.owner_src = OWNER_SEND;
	flow.rtt_us = 0;
	memset(flow.connection.raddr, 0, 16);
	flow.connection.rport = 0;
	wants.of[FIELD_PROTO] = TEXT("udp");
	wants.of[FIELD_STATE] = UNKNOWN;
	wants.of[FIELD_OWNER_SRC] = TEXT("send");
	wants.of[FIELD_RTT] = UNKNOWN;
	wants.of[FIELD_RETRANSMITS] = UNKNOWN;
	wants.of[FIELD_RADDR] = UNKNOWN;
	wants.of[FIELD_RPORT] = UNKNOWN;
	wants.of[FIELD_REMOTE] = UNKNOWN;
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
	flow.connection.protocol = IPPROTO_DCCP; /* that has no word */
	wants.of[FIELD_PROTO] = UNKNOWN;
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
}

static void test_ipv6(void **state _unused_)
{
	struct flow flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = curl_context();
	struct wants wants = flow_wants();

	memcpy(flow.connection.laddr, (uint8_t[16]){[15] = 1}, 16);
	memcpy(flow.connection.raddr, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 2}, 16);
	wants.of[FIELD_LADDR] = TEXT("::1");
	wants.of[FIELD_RADDR] = TEXT("2001:db8::2");
	wants.of[FIELD_LOCAL] = TEXT("[::1]:40000");
	wants.of[FIELD_REMOTE] = TEXT("[2001:db8::2]:443");
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
}

static void test_no_process(void **state _unused_)
{
	struct flow flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = bare_context();
	struct wants wants = flow_wants();

	memset(&flow.connection.owner, 0, sizeof(flow.connection.owner));
	flow.connection.owner_src = OWNER_UNKNOWN;
	want_no_process(&wants);
	wants.of[FIELD_OWNER_SRC] = TEXT("unknown");
	CHECK(&line, LINES_BY_FLOW, &context, &wants);
}

/* Fields for people cost nothing where none is printed. */
static void test_limit(void **state _unused_)
{
	struct flow peer = {.connection.owner.tgid = 55}, flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = curl_context();
	struct wants wants = flow_wants();
	struct row row = {.limit = FIELD_TIME};

	flow.peer = &peer;
	context.peer_name = "server";
	wants.of[FIELD_PEER_PID] = UINT(55);
	wants.of[FIELD_PEER_NAME] = TEXT("server");
	flowattr_row(&line, LINES_BY_FLOW, &context, &row);
	for (size_t i = 0; i < FIELD_TIME; i++)
		assert_true(cell_is(&row.cells[i], &wants.of[i]));
	for (size_t i = FIELD_TX_RATE; i < FIELDS; i++)
		assert_int_equal(row.cells[i].kind, CELL_ABSENT);
}

/* ---- groups: what their flows share ---- */

static void test_process(void **state _unused_)
{
	struct flow_line line = line_of(&curl_flow);
	struct flowattr_context context = curl_context();
	struct wants wants = counts_wants("process");

	want_process(&wants);
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_PROCESS, &context, &wants);
}

static void test_nobodys(void **state _unused_)
{
	struct flow flow = curl_flow;
	struct flow_line line = line_of(&flow);
	struct flowattr_context context = bare_context();
	struct wants wants = counts_wants("process");

	memset(&flow.connection.owner, 0, sizeof(flow.connection.owner));
	want_no_process(&wants);
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_PROCESS, &context, &wants);

	wants = counts_wants("user");
	wants.of[FIELD_UID] = wants.of[FIELD_USER] = UNKNOWN;
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_USER, &context, &wants);

	wants = counts_wants("cgroup");
	wants.of[FIELD_CGROUP] = wants.of[FIELD_CONTAINER] = UNKNOWN;
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_CGROUP, &context, &wants);
}

static void test_remote(void **state _unused_)
{
	struct flow_line line = line_of(&curl_flow);
	struct flowattr_context context = curl_context();
	struct wants wants = counts_wants("remote");

	wants.of[FIELD_RADDR] = TEXT("192.168.1.2");
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_REMOTE, &context, &wants);
}

static void test_user(void **state _unused_)
{
	struct flow_line line = line_of(&curl_flow);
	struct flowattr_context context = curl_context();
	struct wants wants = counts_wants("user");

	wants.of[FIELD_UID] = UINT(1000);
	wants.of[FIELD_USER] = TEXT("alice");
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_USER, &context, &wants);
}

static void test_cgroup(void **state _unused_)
{
	struct flow_line line = line_of(&curl_flow);
	struct flowattr_context context = curl_context();
	struct wants wants = counts_wants("cgroup");

	wants.of[FIELD_CGROUP] = TEXT(CGROUP);
	wants.of[FIELD_CONTAINER] = TEXT(CONTAINER);
	wants.of[FIELD_FLOWS] = UINT(3);
	CHECK(&line, LINES_BY_CGROUP, &context, &wants);

	context.cgroup = "/user.slice";
	wants.of[FIELD_CGROUP] = TEXT("/user.slice");
	wants.of[FIELD_CONTAINER] = UNKNOWN;
	CHECK(&line, LINES_BY_CGROUP, &context, &wants);
}

/* ---- what has no flow ---- */

static void test_others(void **state _unused_)
{
	struct flow_line line = line_of(NULL);
	struct flowattr_context context = bare_context();
	struct wants wants = counts_wants("others");

	wants.of[FIELD_NAME] = TEXT("(others)");
	wants.of[FIELD_FLOWS] = UINT(3);
	for (int by = LINES_BY_FLOW; by <= LINES_BY_CGROUP; by++)
		CHECK(&line, (enum flow_lines_by)by, &context, &wants);
}

static void test_total(void **state _unused_)
{
	const struct flow_line line = line_of(NULL);
	struct flowattr_context context = bare_context();
	struct flowattr_total total = {.flows = 9,
				       .counts = line.counts,
				       .ifaces = true,
				       .iface_tx_bytes = UINT64_MAX,
				       .iface_rx_bytes = 4};
	struct wants wants = counts_wants("total");
	struct row row;

	wants.of[FIELD_FLOWS] = UINT(9);
	wants.of[FIELD_IFACE_TX] = UINT(UINT64_MAX);
	wants.of[FIELD_IFACE_RX] = UINT(4);
	for (size_t i = FIELD_ATTRIBUTED; i <= FIELD_RESIDUAL; i++)
		wants.of[i] = UNKNOWN;
	memset(&row, 0xa5, sizeof(row));
	flowattr_total_row(&total, &context, &row);
	check_row(&row, &wants, __LINE__);

	total.ifaces = false;
	wants.of[FIELD_IFACE_TX] = wants.of[FIELD_IFACE_RX] = UNKNOWN;
	flowattr_total_row(&total, &context, &row);
	check_row(&row, &wants, __LINE__);
}

/* Under --reconcile. */
static void test_wire(void **state _unused_)
{
	const struct flow_line line = line_of(NULL);
	struct flowattr_context context = bare_context();
	const struct wire wire = {.tx_bytes = 100,
				  .rx_bytes = 50,
				  .attributed = 90,
				  .header_bytes = 40,
				  .kernel = 30,
				  .forwarded = 20,
				  .no_socket = 9,
				  .unattributed = 1};
	struct flowattr_total total = {.counts = line.counts,
				       .wire = &wire,
				       .ifaces = true,
				       .iface_tx_bytes = 98,
				       .iface_rx_bytes = 50};
	struct row row;

	memset(&row, 0xa5, sizeof(row));
	flowattr_total_row(&total, &context, &row);
	assert_int_equal(row.cells[FIELD_ATTRIBUTED].u, 90);
	assert_int_equal(row.cells[FIELD_HEADER].u, 40);
	assert_int_equal(row.cells[FIELD_KERNEL].u, 30);
	assert_int_equal(row.cells[FIELD_FORWARDED].u, 20);
	assert_int_equal(row.cells[FIELD_NO_SOCKET].u, 9);
	assert_int_equal(row.cells[FIELD_UNATTRIBUTED].u, 1);
	assert_int_equal(row.cells[FIELD_RESIDUAL].kind, CELL_INT);
	assert_int_equal(row.cells[FIELD_RESIDUAL].i, -2);
	total.ifaces = false;
	flowattr_total_row(&total, &context, &row);
	assert_int_equal(row.cells[FIELD_RESIDUAL].kind, CELL_NULL);
	assert_int_equal(row.cells[FIELD_ATTRIBUTED].u, 90);
}

static void test_lost(void **state _unused_)
{
	struct flowattr_context context = bare_context();
	const struct wants wants = {{
		[FIELD_TYPE] = TEXT("lost"),
		[FIELD_TS] = TIME(END_NS + OFFSET_NS),
		[FIELD_COUNT] = UINT(UINT64_MAX),
		[FIELD_TIME] = TIME(END_NS + OFFSET_NS),
		[FIELD_SECONDS] = TEXT("7.500000"),
	}};
	struct row row;

	memset(&row, 0xa5, sizeof(row));
	flowattr_lost_row(UINT64_MAX, &context, &row);
	check_row(&row, &wants, __LINE__);
}

static void test_fields(void **state _unused_)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &flowattr_fields[i];

		assert_non_null(field->key);
		assert_true(strlen(field->header) > 0 && strlen(field->help) > 0);
		assert_true(field->width > 0);
		assert_int_equal(!!(field->flags & FIELD_TABLE), i >= FIELD_TIME);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(field->key, flowattr_fields[j].key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),	   cmocka_unit_test(test_peer),
		cmocka_unit_test(test_nat),	   cmocka_unit_test(test_nat),
		cmocka_unit_test(test_datagrams),  cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_no_process), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_process),	   cmocka_unit_test(test_nobodys),
		cmocka_unit_test(test_remote),	   cmocka_unit_test(test_user),
		cmocka_unit_test(test_cgroup),	   cmocka_unit_test(test_others),
		cmocka_unit_test(test_total),	   cmocka_unit_test(test_lost),
		cmocka_unit_test(test_wire),	   cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

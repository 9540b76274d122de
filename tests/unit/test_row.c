/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/connsnoop_row: every cell of every kind of record, and none besides. */
#include <netinet/in.h>

#include "lib/base.h"
#include "tests/unit/cells.h"
#include "tools/connsnoop_row.h"
#include "tools/connection_words.h"

#define START_NS  (1000 * NSEC_PER_SEC)
#define TS_NS	  (START_NS + 1500000999) /* monotonic, of all records here */
#define OFFSET_NS (1700000000 * (int64_t)NSEC_PER_SEC)
#define CGROUP	  "/system.slice/docker-" CONTAINER ".scope"
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
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
static const struct connsnoop_context curl_context = {.clock = &test_clock,
						      .start_ns = START_NS,
						      .names = &curl_names,
						      .cgroup = CGROUP};
static const struct connection curl_connection = {
	.owner =
		{.start_ns = 5, .tgid = 100, .tid = 101, .ppid = 99, .uid = 1000, .comm = "thread"},
	.cookie = 77,
	.laddr = V4(10, 0, 0, 1),
	.raddr = V4(192, 168, 1, 2),
	.netns = 4026531840,
	.lport = 40000,
	.rport = 443,
	.protocol = IPPROTO_TCP,
	.owner_src = OWNER_CONNECT,
};

/* The cells of curl_connection in curl_context, without those of the record's own type. */
static struct wants curl_wants(const char *type)
{
	return (struct wants){{
		[FIELD_TYPE] = TEXT(type),
		[FIELD_TS] = TIME(TS_NS + OFFSET_NS),
		[FIELD_PID] = UINT(100),
		[FIELD_TID] = UINT(101),
		[FIELD_NAME] = TEXT("curl"),
		[FIELD_COMM] = TEXT("thread"),
		[FIELD_NAME_SRC] = TEXT("exec"),
		[FIELD_EXE] = TEXT("/usr/bin/curl"),
		[FIELD_ARGS] = TEXTS(ARGS),
		[FIELD_PPID] = UINT(99),
		[FIELD_UID] = UINT(1000),
		[FIELD_CGROUP] = TEXT(CGROUP),
		[FIELD_CONTAINER] = TEXT(CONTAINER),
		[FIELD_NETNS] = UINT(4026531840),
		[FIELD_PROTO] = TEXT("tcp"),
		[FIELD_LADDR] = TEXT("10.0.0.1"),
		[FIELD_LPORT] = UINT(40000),
		[FIELD_RADDR] = TEXT("192.168.1.2"),
		[FIELD_RPORT] = UINT(443),
		[FIELD_COOKIE] = UINT(77),
		[FIELD_OWNER_SRC] = TEXT("connect"),
		[FIELD_TIME] = TIME(TS_NS + OFFSET_NS),
		[FIELD_SECONDS] = TEXT("1.500000"),
		[FIELD_LOCAL] = TEXT("10.0.0.1:40000"),
		[FIELD_REMOTE] = TEXT("192.168.1.2:443"),
	}};
}

static struct wants no_peer_wants(const char *type)
{
	struct wants wants = curl_wants(type);

	wants.of[FIELD_RADDR] = UNKNOWN;
	wants.of[FIELD_RPORT] = UNKNOWN;
	wants.of[FIELD_REMOTE] = UNKNOWN;
	return wants;
}

static void check_row(const struct row *row, const struct wants *wants, int line)
{
	check_cells(row, wants->of, connsnoop_fields, FIELDS, __FILE__, line);
}

/* The row of @record in @context is @wants. What a reused row held before must be gone. */
static void check(const struct record_header *record, const struct connsnoop_context *context,
		  const struct wants *wants, int line)
{
	struct row row;

	memset(&row, 0xa5, sizeof(row));
	connsnoop_row(record, context, &row);
	check_row(&row, wants, line);
}

#define CHECK(record, context, wants) check(&(record)->header, context, wants, __LINE__)

#define HEAD(record_type, kind)                                                                    \
	.header = {.ts_ns = TS_NS, .type = (record_type), .length = sizeof(struct kind)},          \
	.connection = curl_connection

static struct connect_record curl_connect(void)
{
	return (struct connect_record){HEAD(RECORD_CONNECT, connect_record), .latency_ns = 1234567};
}

static struct wants connect_wants(void)
{
	struct wants wants = curl_wants("connect");

	wants.of[FIELD_ERROR] = UNKNOWN;
	wants.of[FIELD_LATENCY] = UINT(1234567);
	wants.of[FIELD_DETAIL] = TEXT("1.2ms");
	return wants;
}

static void test_fields(void **state _unused_)
{
	/* the contract of JSON and CSV, in its order */
	static const char *const keys[FIELDS] = {
		"type",	      "ts",	      "pid",	     "tid",	    "name",	 "comm",
		"name_src",   "exe",	      "script",	     "args",	    "args_cut",	 "ppid",
		"uid",	      "cgroup",	      "container",   "netns",	    "proto",	 "laddr",
		"lport",      "raddr",	      "rport",	     "cookie",	    "owner_src", "error",
		"latency_ns", "listener_pid", "backlog",     "duration_ns", "tx_bytes",	 "rx_bytes",
		"tx_packets", "rx_packets",   "retransmits", "rtt_us",	    "closed_by", "inferred",
		"direction",  "state",	      "holders",     "count",	    "time",	 "seconds",
		"local",      "remote",	      "detail"};

	assert_true(FIELDS <= ROW_CELLS_MAX);
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &connsnoop_fields[i];

		assert_string_equal(field->key, keys[i]);
		assert_true(strlen(field->header) > 0 && strlen(field->help) > 0);
		assert_true(field->width > 0);
		assert_int_equal(!!(field->flags & FIELD_TABLE), i >= FIELD_TIME);
	}
}

static void test_events(void **state _unused_)
{
	assert_string_equal(connection_events[RECORD_CONNECT - RECORD_TOOL], "connect");
	assert_string_equal(connection_events[RECORD_ACCEPT - RECORD_TOOL], "accept");
	assert_string_equal(connection_events[RECORD_LISTEN - RECORD_TOOL], "listen");
	assert_string_equal(connection_events[RECORD_FLOW - RECORD_TOOL], "flow");
	assert_string_equal(connection_events[RECORD_CLOSE - RECORD_TOOL], "close");
	assert_string_equal(connection_events[RECORD_OPEN - RECORD_TOOL], "open");
	assert_null(connection_events[RECORD_OPEN - RECORD_TOOL + 1]);
}

static void test_connect(void **state _unused_)
{
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	CHECK(&record, &curl_context, &wants);

	/* it began before the tool */
	record.latency_ns = 0;
	wants.of[FIELD_LATENCY] = UNKNOWN;
	wants.of[FIELD_DETAIL] = NONE;
	CHECK(&record, &curl_context, &wants);
}

static void test_connect_failed(void **state _unused_)
{
	static const struct {
		uint32_t error;
		const char *text, *detail;
	} cases[] = {
		{ECONNREFUSED, "ECONNREFUSED", "ECONNREFUSED 1.2ms"},
		{ETIMEDOUT, "ETIMEDOUT", "ETIMEDOUT 1.2ms"},
		{ENETUNREACH, "ENETUNREACH", "ENETUNREACH 1.2ms"},
		{ECONNABORTED, "ECONNABORTED", "ECONNABORTED 1.2ms"},
		{CONNECT_ERROR_UNKNOWN, "unknown", "unknown 1.2ms"},
		{9999, "unknown", "unknown 1.2ms"},
		{0x80000000, "unknown", "unknown 1.2ms"},
	};
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record.error = cases[i].error;
		wants.of[FIELD_ERROR] = TEXT(cases[i].text);
		wants.of[FIELD_DETAIL] = TEXT(cases[i].detail);
		CHECK(&record, &curl_context, &wants);
	}

	record.error = ECONNREFUSED;
	record.latency_ns = 0;
	wants.of[FIELD_ERROR] = TEXT("ECONNREFUSED");
	wants.of[FIELD_LATENCY] = UNKNOWN;
	wants.of[FIELD_DETAIL] = TEXT("ECONNREFUSED");
	CHECK(&record, &curl_context, &wants);
}

static void test_addresses(void **state _unused_)
{
	static const uint8_t local6[16] = {0xfe, 0x80, [15] = 1};
	static const uint8_t remote6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x35};
	static const uint8_t mapped[16] = V4(127, 0, 0, 1); /* ::ffff:127.0.0.1 */
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	memcpy(record.connection.laddr, local6, 16);
	memcpy(record.connection.raddr, remote6, 16);
	wants.of[FIELD_LADDR] = TEXT("fe80::1");
	wants.of[FIELD_LOCAL] = TEXT("[fe80::1]:40000");
	wants.of[FIELD_RADDR] = TEXT("2001:db8::35");
	wants.of[FIELD_REMOTE] = TEXT("[2001:db8::35]:443");
	CHECK(&record, &curl_context, &wants);

	memcpy(record.connection.laddr, mapped, 16);
	memcpy(record.connection.raddr, mapped, 16);
	wants.of[FIELD_LADDR] = TEXT("127.0.0.1");
	wants.of[FIELD_LOCAL] = TEXT("127.0.0.1:40000");
	wants.of[FIELD_RADDR] = TEXT("127.0.0.1");
	wants.of[FIELD_REMOTE] = TEXT("127.0.0.1:443");
	CHECK(&record, &curl_context, &wants);

	/* the longest texts there are */
	memset(record.connection.laddr, 0xff, 16);
	memset(record.connection.raddr, 0xff, 16);
	record.connection.lport = record.connection.rport = 65535;
#define LONGEST "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	wants.of[FIELD_LADDR] = wants.of[FIELD_RADDR] = TEXT(LONGEST);
	wants.of[FIELD_LPORT] = wants.of[FIELD_RPORT] = UINT(65535);
	wants.of[FIELD_LOCAL] = wants.of[FIELD_REMOTE] = TEXT("[" LONGEST "]:65535");
	CHECK(&record, &curl_context, &wants);
}

static void test_no_local_address(void **state _unused_)
{
	static const uint8_t any4[16] = V4(0, 0, 0, 0), any6[16] = {};
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	/* it failed before it had one: unknown, not "any" */
	record.connection.lport = 0;
	wants.of[FIELD_LADDR] = wants.of[FIELD_LPORT] = wants.of[FIELD_LOCAL] = UNKNOWN;
	memcpy(record.connection.laddr, any4, 16);
	CHECK(&record, &curl_context, &wants);
	memcpy(record.connection.laddr, any6, 16);
	CHECK(&record, &curl_context, &wants);

	/* no port was left: null, not 0 */
	memcpy(record.connection.laddr, curl_connection.laddr, 16);
	wants.of[FIELD_LADDR] = wants.of[FIELD_LOCAL] = TEXT("10.0.0.1");
	CHECK(&record, &curl_context, &wants);
}

static void test_unknown_owner(void **state _unused_)
{
	struct connect_record record = curl_connect();
	struct connsnoop_context context = curl_context;
	struct wants wants = connect_wants();

	memset(&record.connection.owner, 0, sizeof(record.connection.owner));
	record.connection.owner_src = OWNER_UNKNOWN;
	context.names = NULL;
	context.cgroup = NULL;
	for (size_t i = FIELD_PID; i < FIELD_NETNS; i++)
		wants.of[i] = i == FIELD_SCRIPT || i == FIELD_ARGS_CUT ? NONE : UNKNOWN;
	wants.of[FIELD_OWNER_SRC] = TEXT("unknown");
	CHECK(&record, &context, &wants);

	/* whatever the names hold */
	CHECK(&record, &curl_context, &wants);
}

static void test_little_known_owner(void **state _unused_)
{
	static const struct process_names names = {.name = "0123456789abcde", .source = NAME_COMM};
	struct connsnoop_context context = curl_context;
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	record.connection.owner.tid = 0;
	memset(record.connection.owner.comm, 'x', COMM_SIZE); /* no NUL */
	context.names = &names;
	context.cgroup = NULL;
	wants.of[FIELD_TID] = UNKNOWN;
	wants.of[FIELD_NAME] = TEXT("0123456789abcde");
	wants.of[FIELD_COMM] = TEXT("xxxxxxxxxxxxxxxx");
	wants.of[FIELD_NAME_SRC] = TEXT("comm");
	wants.of[FIELD_EXE] = wants.of[FIELD_ARGS] = UNKNOWN;
	wants.of[FIELD_CGROUP] = wants.of[FIELD_CONTAINER] = UNKNOWN;
	CHECK(&record, &context, &wants);

	/* known, and in no container */
	context.cgroup = "/user.slice";
	wants.of[FIELD_CGROUP] = TEXT("/user.slice");
	CHECK(&record, &context, &wants);
}

static void test_script(void **state _unused_)
{
	static const struct process_names names = {.name = "backup",
						   .exe = "/usr/bin/dash",
						   .script = "/usr/local/bin/backup",
						   .args = "",
						   .args_cut = true,
						   .source = NAME_FORK};
	struct connsnoop_context context = curl_context;
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	context.names = &names;
	wants.of[FIELD_NAME] = TEXT("backup");
	wants.of[FIELD_NAME_SRC] = TEXT("fork");
	wants.of[FIELD_EXE] = TEXT("/usr/bin/dash");
	wants.of[FIELD_SCRIPT] = TEXT("/usr/local/bin/backup");
	wants.of[FIELD_ARGS] = TEXTS(""); /* known to be none */
	wants.of[FIELD_ARGS_CUT] = TRUE;
	CHECK(&record, &context, &wants);
}

static void test_owner_sources(void **state _unused_)
{
	static const char *const words[] = {"unknown", "connect", "accept", "listen",
					    "send",    "recv",	  "close",  "iter",
					    "procfs",  "call",	  "unknown"};
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		record.connection.owner_src = (uint8_t)i;
		wants.of[FIELD_OWNER_SRC] = TEXT(words[i]);
		CHECK(&record, &curl_context, &wants);
	}
}

static void test_times(void **state _unused_)
{
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	/* what was there before the tool is not older than it */
	record.header.ts_ns = START_NS - 1;
	wants.of[FIELD_TS] = wants.of[FIELD_TIME] = TIME(START_NS - 1 + OFFSET_NS);
	wants.of[FIELD_SECONDS] = TEXT("0.000000");
	CHECK(&record, &curl_context, &wants);

	record.header.ts_ns = START_NS + 123456 * NSEC_PER_SEC + 7999;
	wants.of[FIELD_TS] = wants.of[FIELD_TIME] = TIME(record.header.ts_ns + OFFSET_NS);
	wants.of[FIELD_SECONDS] = TEXT("123456.000007");
	CHECK(&record, &curl_context, &wants);
}

static void test_other_protocol(void **state _unused_)
{
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	record.connection.protocol = 200;
	wants.of[FIELD_PROTO] = UNKNOWN;
	CHECK(&record, &curl_context, &wants);
}

static void test_accept(void **state _unused_)
{
	struct accept_record record = {HEAD(RECORD_ACCEPT, accept_record), .listener_pid = 100};
	struct wants wants = curl_wants("accept");

	record.connection.owner_src = OWNER_ACCEPT;
	wants.of[FIELD_OWNER_SRC] = TEXT("accept");
	wants.of[FIELD_LISTENER_PID] = UINT(100);
	CHECK(&record, &curl_context, &wants);

	record.listener_pid = 98;
	wants.of[FIELD_LISTENER_PID] = UINT(98);
	wants.of[FIELD_DETAIL] = TEXT("listener 98");
	CHECK(&record, &curl_context, &wants);

	record.listener_pid = 0;
	wants.of[FIELD_LISTENER_PID] = UNKNOWN;
	wants.of[FIELD_DETAIL] = NONE;
	CHECK(&record, &curl_context, &wants);

	record.listener_pid = 100;
	record.connection.owner_src = OWNER_LISTEN;
	wants.of[FIELD_LISTENER_PID] = UINT(100);
	wants.of[FIELD_OWNER_SRC] = TEXT("listen");
	wants.of[FIELD_DETAIL] = TEXT("not accepted yet");
	CHECK(&record, &curl_context, &wants);
}

static void test_listen(void **state _unused_)
{
	struct listen_record record = {HEAD(RECORD_LISTEN, listen_record), .backlog = 511};
	struct wants wants = no_peer_wants("listen");

	/* here "any" is an address: it listens on all */
	memset(record.connection.laddr, 0, 16);
	memset(record.connection.raddr, 0, 16);
	record.connection.rport = 0;
	record.connection.owner_src = OWNER_LISTEN;
	wants.of[FIELD_LADDR] = TEXT("::");
	wants.of[FIELD_LOCAL] = TEXT("[::]:40000");
	wants.of[FIELD_OWNER_SRC] = TEXT("listen");
	wants.of[FIELD_BACKLOG] = UINT(511);
	wants.of[FIELD_DETAIL] = TEXT("backlog 511");
	CHECK(&record, &curl_context, &wants);

	record.connection.laddr[10] = record.connection.laddr[11] = 0xff;
	record.backlog = 0;
	wants.of[FIELD_LADDR] = TEXT("0.0.0.0");
	wants.of[FIELD_LOCAL] = TEXT("0.0.0.0:40000");
	wants.of[FIELD_BACKLOG] = UINT(0);
	wants.of[FIELD_DETAIL] = TEXT("backlog 0");
	CHECK(&record, &curl_context, &wants);
}

static struct close_record curl_close(void)
{
	return (struct close_record){HEAD(RECORD_CLOSE, close_record),
				     .opened_ns = TS_NS - 2500000000,
				     .tx_bytes = 78,
				     .rx_bytes = 1256000,
				     .tx_packets = 12,
				     .rx_packets = 900,
				     .retransmits = 3,
				     .rtt_us = 1500,
				     .closed_by = CLOSED_BY_REMOTE};
}

static struct wants close_wants(void)
{
	struct wants wants = curl_wants("close");

	wants.of[FIELD_ERROR] = UNKNOWN;
	wants.of[FIELD_DURATION] = UINT(2500000000);
	wants.of[FIELD_TX_BYTES] = UINT(78);
	wants.of[FIELD_RX_BYTES] = UINT(1256000);
	wants.of[FIELD_TX_PACKETS] = UINT(12);
	wants.of[FIELD_RX_PACKETS] = UINT(900);
	wants.of[FIELD_RETRANSMITS] = UINT(3);
	wants.of[FIELD_RTT] = UINT(1500);
	wants.of[FIELD_CLOSED_BY] = TEXT("remote");
	wants.of[FIELD_DETAIL] = TEXT("tx 78 rx 1.3M 2.5s remote");
	return wants;
}

static void test_close(void **state _unused_)
{
	struct close_record record = curl_close();
	struct wants wants = close_wants();

	CHECK(&record, &curl_context, &wants);

	record.closed_by = CLOSED_BY_LOCAL;
	record.listener_pid = 55; /* an accepted one */
	wants.of[FIELD_CLOSED_BY] = TEXT("local");
	wants.of[FIELD_LISTENER_PID] = UINT(55);
	wants.of[FIELD_DETAIL] = TEXT("tx 78 rx 1.3M 2.5s local");
	CHECK(&record, &curl_context, &wants);

	record.closed_by = CLOSED_BY_RESET;
	record.error = ECONNRESET;
	wants.of[FIELD_CLOSED_BY] = TEXT("reset");
	wants.of[FIELD_ERROR] = TEXT("ECONNRESET");
	wants.of[FIELD_DETAIL] = TEXT("tx 78 rx 1.3M 2.5s reset");
	CHECK(&record, &curl_context, &wants);
}

static void test_close_by_nobody(void **state _unused_)
{
	struct close_record record = curl_close();
	struct wants wants = close_wants();

	record.closed_by = CLOSED_BY_NONE;
	record.error = ETIMEDOUT;
	wants.of[FIELD_CLOSED_BY] = UNKNOWN;
	wants.of[FIELD_ERROR] = TEXT("ETIMEDOUT");
	wants.of[FIELD_DETAIL] = TEXT("tx 78 rx 1.3M 2.5s ETIMEDOUT");
	CHECK(&record, &curl_context, &wants);

	record.closed_by = 200;
	record.error = 0;
	wants.of[FIELD_ERROR] = UNKNOWN;
	wants.of[FIELD_DETAIL] = TEXT("tx 78 rx 1.3M 2.5s");
	CHECK(&record, &curl_context, &wants);

	record.error = 9999; /* no errno that has a name */
	wants.of[FIELD_ERROR] = TEXT("unknown");
	wants.of[FIELD_DETAIL] = TEXT("tx 78 rx 1.3M 2.5s");
	CHECK(&record, &curl_context, &wants);
}

static void test_close_gone(void **state _unused_)
{
	struct close_record record = curl_close();
	struct wants wants = close_wants();

	/* found gone: nobody has read its counters */
	record.flags = CLOSE_GONE;
	record.closed_by = CLOSED_BY_NONE;
	record.error = 0;
	for (size_t i = FIELD_DURATION; i <= FIELD_RTT; i++)
		wants.of[i] = UNKNOWN;
	wants.of[FIELD_ERROR] = wants.of[FIELD_CLOSED_BY] = UNKNOWN;
	wants.of[FIELD_INFERRED] = TRUE;
	wants.of[FIELD_DETAIL] = TEXT("gone, its end was not seen");
	CHECK(&record, &curl_context, &wants);
}

static void test_close_unknown(void **state _unused_)
{
	struct close_record record = curl_close();
	struct wants wants = close_wants();

	/* opened before the tool; its round trip was never measured; nothing was sent */
	record.opened_ns = 0;
	record.rtt_us = 0;
	record.tx_bytes = record.rx_bytes = 0;
	record.tx_packets = record.rx_packets = record.retransmits = 0;
	wants.of[FIELD_DURATION] = UNKNOWN;
	wants.of[FIELD_RTT] = UNKNOWN;
	wants.of[FIELD_TX_BYTES] = wants.of[FIELD_RX_BYTES] = UINT(0);
	wants.of[FIELD_TX_PACKETS] = wants.of[FIELD_RX_PACKETS] = UINT(0);
	wants.of[FIELD_RETRANSMITS] = UINT(0);
	wants.of[FIELD_DETAIL] = TEXT("tx 0 rx 0 remote");
	CHECK(&record, &curl_context, &wants);

	record.opened_ns = TS_NS + 1; /* closed before it was opened */
	CHECK(&record, &curl_context, &wants);

	record.opened_ns = TS_NS;
	wants.of[FIELD_DURATION] = UINT(0);
	wants.of[FIELD_DETAIL] = TEXT("tx 0 rx 0 0us remote");
	CHECK(&record, &curl_context, &wants);

	/* the largest of everything, and it still fits */
	record.header.ts_ns = UINT64_MAX;
	record.opened_ns = 1;
	record.tx_bytes = record.rx_bytes = UINT64_MAX;
	wants.of[FIELD_TS] = wants.of[FIELD_TIME] = TIME((uint64_t)OFFSET_NS - 1);
	wants.of[FIELD_SECONDS] = TEXT("18446743073.709551");
	wants.of[FIELD_DURATION] = UINT(UINT64_MAX - 1);
	wants.of[FIELD_TX_BYTES] = wants.of[FIELD_RX_BYTES] = UINT(UINT64_MAX);
	wants.of[FIELD_DETAIL] = TEXT("tx 18E rx 18E 18446744074s remote");
	CHECK(&record, &curl_context, &wants);
}

static void test_short_durations(void **state _unused_)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{1, "0us"},
		{1000, "1us"},
		{950000, "950us"},
		{999999, "999us"},
		{1000000, "1.0ms"},
		{1250000, "1.2ms"},
		{9949999, "9.9ms"},
		{9950000, "10ms"},
		{34499999, "34ms"},
		{999499999, "999ms"},
		{999500000, "1.0s"},
		{NSEC_PER_SEC, "1.0s"},
		{61 * NSEC_PER_SEC, "61s"},
		{86400 * NSEC_PER_SEC, "86400s"},
	};
	struct connect_record record = curl_connect();
	struct wants wants = connect_wants();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record.latency_ns = cases[i].ns;
		wants.of[FIELD_LATENCY] = UINT(cases[i].ns);
		wants.of[FIELD_DETAIL] = TEXT(cases[i].text);
		CHECK(&record, &curl_context, &wants);
	}
}

static void test_short_bytes(void **state _unused_)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0"},
		{999, "999"},
		{1000, "1.0k"},
		{1024, "1.0k"},
		{9949, "9.9k"},
		{9950, "10k"},
		{999499, "999k"},
		{999500, "1.0M"},
		{34000000, "34M"},
		{2000000000, "2.0G"},
		{3000000000000, "3.0T"},
		{4000000000000000, "4.0P"},
		{5000000000000000000, "5.0E"},
	};
	struct close_record record = curl_close();
	struct wants wants = close_wants();
	char detail[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record.tx_bytes = cases[i].bytes;
		record.rx_bytes = cases[ARRAY_SIZE(cases) - 1 - i].bytes;
		snprintf(detail, sizeof(detail), "tx %s rx %s 2.5s remote", cases[i].text,
			 cases[ARRAY_SIZE(cases) - 1 - i].text);
		wants.of[FIELD_TX_BYTES] = UINT(record.tx_bytes);
		wants.of[FIELD_RX_BYTES] = UINT(record.rx_bytes);
		wants.of[FIELD_DETAIL] = TEXT(detail);
		CHECK(&record, &curl_context, &wants);
	}
}

static void test_open(void **state _unused_)
{
	static const uint32_t holders[] = {100, 200, 300};
	struct open_record record = {HEAD(RECORD_OPEN, open_record), .backlog = 128};
	struct connsnoop_context context = curl_context;
	struct wants wants = curl_wants("open");

	record.connection.owner_src = OWNER_ITER;
	record.connection.state = TCP_ESTABLISHED;
	context.holders = holders;
	context.n_holders = 1;
	wants.of[FIELD_OWNER_SRC] = TEXT("iter");
	wants.of[FIELD_STATE] = wants.of[FIELD_DETAIL] = TEXT("ESTABLISHED");
	wants.of[FIELD_HOLDERS] = (struct want){CELL_UINTS, .text = (void *)holders, .length = 1};
	CHECK(&record, &context, &wants);

	context.n_holders = 3;
	wants.of[FIELD_HOLDERS] = UINTS(holders);
	wants.of[FIELD_DETAIL] = TEXT("ESTABLISHED +2 holders");
	CHECK(&record, &context, &wants);
}

static void test_open_listener(void **state _unused_)
{
	static const uint32_t holders[] = {100, 200};
	struct open_record record = {HEAD(RECORD_OPEN, open_record), .backlog = 128};
	struct connsnoop_context context = curl_context;
	struct wants wants = no_peer_wants("open");

	record.connection.state = TCP_LISTEN;
	context.holders = holders;
	context.n_holders = 2;
	wants.of[FIELD_STATE] = TEXT("LISTEN");
	wants.of[FIELD_HOLDERS] = UINTS(holders);
	wants.of[FIELD_BACKLOG] = UINT(128);
	wants.of[FIELD_DETAIL] = TEXT("LISTEN +1 holders");
	CHECK(&record, &context, &wants);
}

static void test_open_without_holder(void **state _unused_)
{
	struct open_record record = {HEAD(RECORD_OPEN, open_record)};
	struct wants wants = curl_wants("open");

	memset(&record.connection.owner, 0, sizeof(record.connection.owner));
	record.connection.owner_src = OWNER_UNKNOWN;
	record.connection.state = TCP_TIME_WAIT;
	for (size_t i = FIELD_PID; i < FIELD_NETNS; i++)
		wants.of[i] = i == FIELD_SCRIPT || i == FIELD_ARGS_CUT ? NONE : UNKNOWN;
	wants.of[FIELD_OWNER_SRC] = TEXT("unknown");
	wants.of[FIELD_STATE] = wants.of[FIELD_DETAIL] = TEXT("TIME_WAIT");
	wants.of[FIELD_HOLDERS] = UNKNOWN;
	CHECK(&record, &curl_context, &wants);
}

static void test_states(void **state _unused_)
{
	/* by number, as the kernel has them; what it calls NEW_SYN_RECV, users know as SYN_RECV */
	static const char *const names[] = {
		NULL,	     "ESTABLISHED", "SYN_SENT", "SYN_RECV",   "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT",   "CLOSE",	"CLOSE_WAIT", "LAST_ACK",
		"LISTEN",    "CLOSING",	    "SYN_RECV", NULL,
	};
	struct open_record record = {HEAD(RECORD_OPEN, open_record)};
	struct wants wants = curl_wants("open");

	wants.of[FIELD_HOLDERS] = UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (i == TCP_LISTEN)
			continue;
		record.connection.state = (uint8_t)i;
		wants.of[FIELD_STATE] = names[i] ? TEXT(names[i]) : UNKNOWN;
		wants.of[FIELD_DETAIL] = wants.of[FIELD_STATE];
		CHECK(&record, &curl_context, &wants);
	}
}

/* ---- datagrams ---- */

static void test_flow(void **state _unused_)
{
	struct flow_record record = {HEAD(RECORD_FLOW, flow_record), .direction = FLOW_OUT};
	struct wants wants = curl_wants("flow");

	record.connection.protocol = IPPROTO_UDP;
	record.connection.owner_src = OWNER_SEND;
	wants.of[FIELD_PROTO] = TEXT("udp");
	wants.of[FIELD_OWNER_SRC] = TEXT("send");
	wants.of[FIELD_DIRECTION] = TEXT("out");
	wants.of[FIELD_DETAIL] = TEXT("udp out");
	CHECK(&record, &curl_context, &wants);

	record.connection.owner_src = OWNER_RECV;
	record.direction = FLOW_IN;
	wants.of[FIELD_OWNER_SRC] = TEXT("recv");
	wants.of[FIELD_DIRECTION] = TEXT("in");
	wants.of[FIELD_DETAIL] = TEXT("udp in");
	CHECK(&record, &curl_context, &wants);
}

/* What is not known is null: a peer, a port that the protocol does not have. */
static void test_flow_unknown(void **state _unused_)
{
	struct flow_record record = {HEAD(RECORD_FLOW, flow_record), .direction = FLOW_IN};
	struct wants wants = curl_wants("flow");

	record.connection.protocol = IPPROTO_ICMPV6;
	record.connection.rport = 0;
	wants.of[FIELD_PROTO] = TEXT("icmp");
	wants.of[FIELD_DIRECTION] = TEXT("in");
	wants.of[FIELD_RPORT] = UNKNOWN;
	wants.of[FIELD_REMOTE] = TEXT("192.168.1.2");
	wants.of[FIELD_DETAIL] = TEXT("icmp in");
	CHECK(&record, &curl_context, &wants);

	memset(record.connection.raddr, 0, 16);
	wants.of[FIELD_RADDR] = wants.of[FIELD_REMOTE] = UNKNOWN;
	CHECK(&record, &curl_context, &wants);

	record.connection.protocol = PROTOCOL_PACKET;
	memset(record.connection.laddr, 0, 16);
	record.connection.lport = 0;
	wants.of[FIELD_PROTO] = TEXT("packet");
	wants.of[FIELD_LADDR] = wants.of[FIELD_LPORT] = wants.of[FIELD_LOCAL] = UNKNOWN;
	wants.of[FIELD_DETAIL] = TEXT("packet in");
	CHECK(&record, &curl_context, &wants);
}

static void test_flow_close(void **state _unused_)
{
	struct close_record record = curl_close();
	struct wants wants = close_wants();

	record.connection.protocol = IPPROTO_UDPLITE;
	record.rtt_us = 0;
	record.closed_by = CLOSED_BY_LOCAL;
	record.flags = CLOSE_PINNED;
	wants.of[FIELD_PROTO] = TEXT("udplite");
	wants.of[FIELD_RETRANSMITS] = wants.of[FIELD_RTT] = UNKNOWN;
	wants.of[FIELD_CLOSED_BY] = TEXT("local");
	wants.of[FIELD_DETAIL] = TEXT("udplite tx 78 rx 1.3M 2.5s local");
	CHECK(&record, &curl_context, &wants);

	record.closed_by = CLOSED_BY_NONE;
	record.flags = CLOSE_IDLE;
	wants.of[FIELD_CLOSED_BY] = UNKNOWN;
	wants.of[FIELD_DETAIL] = TEXT("udplite tx 78 rx 1.3M 2.5s idle");
	CHECK(&record, &curl_context, &wants);

	record.flags = CLOSE_EARLY | CLOSE_PINNED;
	wants.of[FIELD_DETAIL] = TEXT("udplite tx 78 rx 1.3M 2.5s early");
	CHECK(&record, &curl_context, &wants);

	record.flags = CLOSE_INFERRED;
	wants.of[FIELD_INFERRED] = TRUE;
	wants.of[FIELD_DETAIL] = TEXT("udplite tx 78 rx 1.3M 2.5s");
	CHECK(&record, &curl_context, &wants);
}

static void test_bind(void **state _unused_)
{
	struct listen_record record = {HEAD(RECORD_LISTEN, listen_record)};
	struct wants wants = no_peer_wants("listen");

	record.connection.protocol = IPPROTO_UDP;
	wants.of[FIELD_PROTO] = TEXT("udp");
	wants.of[FIELD_BACKLOG] = UNKNOWN;
	wants.of[FIELD_DETAIL] = TEXT("udp");
	CHECK(&record, &curl_context, &wants);
}

static void test_open_datagram(void **state _unused_)
{
	struct open_record record = {HEAD(RECORD_OPEN, open_record)};
	struct connsnoop_context context = curl_context;
	const uint32_t holders[] = {100, 101};
	struct wants wants = no_peer_wants("open");

	context.holders = holders;
	context.n_holders = 2;
	record.connection.protocol = IPPROTO_UDP;
	record.connection.state = TCP_CLOSE;
	memset(record.connection.raddr, 0, 16);
	wants.of[FIELD_PROTO] = TEXT("udp");
	wants.of[FIELD_STATE] = TEXT("UNCONN");
	wants.of[FIELD_HOLDERS] = UINTS(holders);
	wants.of[FIELD_DETAIL] = TEXT("udp UNCONN +1 holders");
	CHECK(&record, &context, &wants);
	assert_true(takes_datagrams(&record.connection));

	record.connection.state = TCP_ESTABLISHED;
	assert_false(takes_datagrams(&record.connection));
	record.connection.state = TCP_CLOSE;
	record.connection.lport = 0;
	assert_false(takes_datagrams(&record.connection));
	record.connection.lport = 1;
	record.connection.protocol = IPPROTO_ICMP;
	assert_false(takes_datagrams(&record.connection));
	assert_null(word_protocol(IPPROTO_DCCP));
}

static void test_lost(void **state _unused_)
{
	const struct connsnoop_context context = {.clock = &test_clock, .start_ns = START_NS};
	const struct wants wants = {{
		[FIELD_TYPE] = TEXT("lost"),
		[FIELD_TS] = TIME(TS_NS + OFFSET_NS),
		[FIELD_COUNT] = UINT(18446744073709551615U),
		[FIELD_TIME] = TIME(TS_NS + OFFSET_NS),
		[FIELD_SECONDS] = TEXT("1.500000"),
		[FIELD_DETAIL] = TEXT("18446744073709551615 records"),
	}};
	struct row row;

	memset(&row, 0xa5, sizeof(row));
	connsnoop_lost_row(UINT64_MAX, TS_NS, &context, &row);
	check_row(&row, &wants, __LINE__);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_connect_failed),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_local_address),
		cmocka_unit_test(test_unknown_owner),
		cmocka_unit_test(test_little_known_owner),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_owner_sources),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_other_protocol),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_by_nobody),
		cmocka_unit_test(test_close_gone),
		cmocka_unit_test(test_close_unknown),
		cmocka_unit_test(test_short_durations),
		cmocka_unit_test(test_short_bytes),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_listener),
		cmocka_unit_test(test_open_without_holder),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_flow_unknown),
		cmocka_unit_test(test_flow_close),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_open_datagram),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

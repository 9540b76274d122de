/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/packets_*: the queue in which packets wait, lines, comments there and back, filters, who is
 * asked about what. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bpf/connection.h"
#include "tools/packets_match.h"
#include "tools/packets_owner.h"
#include "tools/packets_queue.h"

#define WAIT PACKET_QUEUE_WAIT_NS

/* What the queue is asked, and answers: the first @known packets are, the others not yet. */
struct asked {
	uint64_t given[16];
	size_t n_given, n_asked, known;
	bool last;
	int error;
};

static int answer(void *context, const struct packet_record *record, bool last)
{
	struct asked *asked = context;

	asked->n_asked++;
	asked->last = last;
	if (asked->error)
		return asked->error;
	if (asked->n_given >= asked->known && !last)
		return PACKET_NOT_YET;
	asked->given[asked->n_given++] = record->header.ts_ns;
	return 0;
}

static void add(struct packet_queue *queue, uint64_t ts_ns)
{
	const struct packet_record record = {
		.header = {.ts_ns = ts_ns, .type = RECORD_PACKET, .length = sizeof(record)}};

	assert_int_equal(packet_queue_add(queue, &record), 0);
}

static void test_order(void **state _unused_)
{
	const uint64_t times[] = {50, 20, 40, 10, 40, 30}, wanted[] = {10, 20, 30, 40, 40, 50};
	struct asked asked = {.known = 6};
	struct packet_queue *queue;

	assert_int_equal(packet_queue_new(&queue), 0);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		add(queue, times[i]);
	assert_int_equal(packet_queue_count(queue), 6);
	assert_int_equal(packet_queue_drain(queue, 60, answer, &asked), 0);
	assert_int_equal(asked.n_given, 6);
	assert_memory_equal(asked.given, wanted, sizeof(wanted));
	assert_int_equal(packet_queue_count(queue), 0);
	packet_queue_free(queue);
}

/* The first waits, and those behind it, until its time is over. */
static void test_wait(void **state _unused_)
{
	struct asked asked = {.known = 1};
	struct packet_queue *queue;

	assert_int_equal(packet_queue_new(&queue), 0);
	add(queue, 1000);
	add(queue, 2000);
	add(queue, 3000);
	assert_int_equal(packet_queue_drain(queue, 4000, answer, &asked), 0);
	assert_int_equal(asked.n_given, 1);
	assert_int_equal(asked.n_asked, 2); /* nobody was asked about the third */
	assert_false(asked.last);
	assert_int_equal(packet_queue_drain(queue, 1999 + WAIT, answer, &asked), 0);
	assert_int_equal(asked.n_given, 1);
	assert_int_equal(packet_queue_drain(queue, 2000 + WAIT, answer, &asked), 0);
	assert_int_equal(asked.n_given, 2);
	assert_int_equal(packet_queue_drain(queue, UINT64_MAX, answer, &asked), 0);
	assert_int_equal(asked.n_given, 3);
	packet_queue_free(queue);
}

static void test_queue_error(void **state _unused_)
{
	struct asked asked = {.known = 9, .error = -ENOSPC};
	struct packet_queue *queue;

	assert_int_equal(packet_queue_new(&queue), 0);
	add(queue, 1);
	assert_int_equal(packet_queue_drain(queue, 2, answer, &asked), -ENOSPC);
	assert_int_equal(packet_queue_count(queue), 1);
	packet_queue_free(queue);
}

/* ---- what is passed on ---- */

static void add_packet(struct packet_queue *queue, uint64_t ts_ns, uint8_t direction,
		       uint64_t passing, uint32_t ifindex, uint8_t flags)
{
	const struct packet_record record = {
		.header = {.ts_ns = ts_ns, .type = RECORD_PACKET, .length = sizeof(record)},
		.passing = passing,
		.netns = 5,
		.ifindex = ifindex,
		.direction = direction,
		.flags = flags,
	};

	assert_int_equal(packet_queue_add(queue, &record), 0);
}

/* Notes the times of what is forwarded. */
static int note_forwarded(void *context, const struct packet_record *record, bool last _unused_)
{
	struct asked *asked = context;

	if (record->flags & PACKET_FORWARDED)
		asked->given[asked->n_given++] = record->header.ts_ns;
	return 0;
}

static void test_forwarded(void **state _unused_)
{
	static const uint64_t wanted[] = {40, 50, 70, 80};
	struct asked asked = {};
	struct packet_queue *queue;

	assert_int_equal(packet_queue_new(&queue), 0);
	packet_queue_forwarded(queue, 0xa0, 5, 2);		/* nothing is known of it */
	add_packet(queue, 10, PACKET_IN, 0xa0, 3, 0);		/* another before, not passed on */
	add_packet(queue, 20, PACKET_OUT, 0xa0, 2, 0);		/* goes out */
	add_packet(queue, 30, PACKET_IN, 0xb0, 2, PACKET_PORT); /* another one */
	add_packet(queue, 40, PACKET_IN, 0xa0, 2, PACKET_PORT); /* on a port of a bridge */
	add_packet(queue, 50, PACKET_IN, 0xa0, 3, 0);		/* on the bridge */
	packet_queue_forwarded(queue, 0xa0, 6, 3);		/* in another namespace */
	packet_queue_forwarded(queue, 0xa0, 5, 4);		/* came in elsewhere */
	packet_queue_forwarded(queue, 0xa0, 5, 3);
	add_packet(queue, 60, PACKET_IN, 0xa0, 3, 0); /* the next one */
	add_packet(queue, 70, PACKET_IN, 0xc0, 2, 0);
	packet_queue_forwarded(queue, 0xc0, 5, 2);
	add_packet(queue, 80, PACKET_IN, 0xd0, 2, PACKET_PORT); /* the bridge is not looked at */
	packet_queue_forwarded(queue, 0xd0, 5, 3);
	assert_int_equal(packet_queue_drain(queue, 90, note_forwarded, &asked), 0);
	assert_int_equal(asked.n_given, ARRAY_SIZE(wanted));
	assert_memory_equal(asked.given, wanted, sizeof(wanted));
	packet_queue_forwarded(queue, 0xa0, 5, 3); /* it has gone */
	add_packet(queue, 100, PACKET_IN, 0xa0, 3, 0);
	packet_queue_free(queue);
}

static struct packet_process process(uint32_t pid, const char *name)
{
	return (struct packet_process){.id = {.tgid = pid, .tid = pid}, .names = {.name = name}};
}

static void assert_comment(const struct packet_owner *owner, const char *wanted)
{
	struct packet_owner back = {.local = owner->local};
	struct buffer comment = {};
	char name[64];

	back.local.netns = 0;
	packet_comment(&comment, owner);
	assert_int_equal(comment.length, strlen(wanted));
	if (comment.length)
		assert_memory_equal(comment.data, wanted, comment.length);
	assert_true(packet_comment_parse(comment.data, comment.length, name, sizeof(name), &back));
	assert_int_equal(back.kind, owner->kind);
	assert_int_equal(back.gets, owner->gets);
	assert_int_equal(back.local.netns, owner->local.netns);
	assert_int_equal(back.peer.netns, owner->peer.netns);
	assert_int_equal(back.peer.id.tgid, owner->peer.id.tgid);
	if (owner->peer.id.tgid)
		assert_string_equal(back.peer.names.name, owner->peer.names.name);
	buffer_release(&comment);
}

static void test_comments(void **state _unused_)
{
	struct packet_owner owner = {.local = process(123, "curl"), .kind = PACKET_OWNER_PROCESS};

	assert_comment(&owner, "pid 123 curl");
	owner.peer = process(77, "nginx: worker > pid 5 x");
	assert_comment(&owner, "pid 123 curl > pid 77 nginx: worker > pid 5 x");
	owner = (struct packet_owner){.kind = PACKET_OWNER_KERNEL};
	assert_comment(&owner, "kernel");
	owner.peer = process(77, "nginx");
	assert_comment(&owner, "kernel > pid 77 nginx");
	owner.kind = PACKET_OWNER_UNKNOWN;
	assert_comment(&owner, "? > pid 77 nginx");
	owner = (struct packet_owner){.kind = PACKET_OWNER_FORWARDED};
	assert_comment(&owner, "forwarded");
	owner.local = process(123, "curl to netns 1 pid 5 x");
	owner.local.netns = 11;
	assert_comment(&owner, "forwarded from netns 11 pid 123 curl to netns 1 pid 5 x");
	owner.peer = process(77, "nginx");
	owner.peer.netns = 22;
	assert_comment(&owner,
		       "forwarded from netns 11 pid 123 curl to netns 1 pid 5 x to netns 22 "
		       "pid 77 nginx");
	owner.peer = (struct packet_process){};
	owner.gets = true;
	owner.local = process(123, "curl");
	owner.local.netns = 11;
	assert_comment(&owner, "forwarded to netns 11 pid 123 curl");
	owner = (struct packet_owner){};
	assert_comment(&owner, "");
}

/* What others write is no comment of ours. */
static void test_foreign_comments(void **state _unused_)
{
	static const char *const comments[] = {
		"hello",
		"pid 124 curl",
		"pid 123 curl ",
		"pid 123 curl > pid",
		"pid 123 curl > 5",
		"pid 123 curl > pid 0 x",
		"pid 123 curl > pid 99999999999 x",
		"kernel",
		"pid 123 curl > pid 7",
		"?",
		"forwarded",
		"forwarded from pid 123 curl",
		"forwarded from netns 1 pid 124 curl",
		"forwarded from netns 1 pid 123 curl ",
		"forwarded from netns 1 pid 123 curl to netns 2",
		"forwarded from netns 1 pid 123 curl to netns 2 pid 0 x",
		"forwarded to netns 1 pid 123 curl to netns 2 pid 5 x",
		"forwarded to netns 99999999999 pid 123 curl",
	};

	for (size_t i = 0; i < ARRAY_SIZE(comments); i++) {
		struct packet_owner owner = {.local = process(123, "curl")};
		char name[64];

		assert_false(packet_comment_parse(comments[i], strlen(comments[i]), name,
						  sizeof(name), &owner));
		assert_int_equal(owner.peer.id.tgid, 0);
	}
}

/* 127.0.0.1:43210 to 127.0.0.1:80. */
static struct packet syn(void)
{
	struct packet packet = {.kind = PACKET_IP, .has = PACKET_HAS_PORTS | PACKET_HAS_TCP};
	static const uint8_t loopback[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};

	packet.tuple = (struct packet_tuple){.family = AF_INET,
					     .protocol = IPPROTO_TCP,
					     .source_port = 43210,
					     .destination_port = 80};
	memcpy(packet.tuple.source, loopback, 16);
	memcpy(packet.tuple.destination, loopback, 16);
	packet.seq = 1;
	packet.window = 512;
	packet.tcp_flags = PACKET_TCP_SYN;
	return packet;
}

static void assert_line(const struct packet_owner *owner, uint8_t direction, const char *wanted)
{
	const struct packet packet = syn();
	const struct packet_view view = {.packet = &packet,
					 .owner = owner,
					 .interface = "lo",
					 .interface_length = 2,
					 .ts_ns = UINT64_MAX,
					 .direction = direction};
	static const char text[] = "127.0.0.1.43210 > 127.0.0.1.80: Flags [S], seq 1, win 512, "
				   "length 0  ";
	struct buffer line = {};
	char *at;

	packet_line(&line, &view);
	buffer_append_char(&line, '\0');
	assert_false(line.failed);
	at = strstr(line.data, text);
	assert_non_null(at);
	assert_string_equal(at + strlen(text), wanted);
	buffer_release(&line);
}

static void test_lines(void **state _unused_)
{
	struct packet_owner owner = {.local = process(123, "curl"), .kind = PACKET_OWNER_PROCESS};

	assert_line(&owner, PACKET_OUT, "123 curl\n");
	owner.peer = process(77, "nginx");
	assert_line(&owner, PACKET_OUT, "curl[123] > nginx[77]\n");
	assert_line(&owner, PACKET_IN, "nginx[77] > curl[123]\n");
	owner = (struct packet_owner){.kind = PACKET_OWNER_KERNEL};
	assert_line(&owner, PACKET_OUT, "kernel\n");
	owner.peer = process(77, "a\nb");
	assert_line(&owner, PACKET_OUT, "kernel > a\\x0ab[77]\n");
	owner = (struct packet_owner){.kind = PACKET_OWNER_FORWARDED};
	assert_line(&owner, PACKET_IN, "forwarded\n");
	owner.local = process(123, "curl");
	owner.local.netns = 4026532301;
	assert_line(&owner, PACKET_IN, "forwarded from 123 curl [4026532301]\n");
	owner.peer = process(77, "nginx");
	assert_line(&owner, PACKET_OUT, "forwarded from 123 curl [4026532301] to 77 nginx\n");
	owner.peer = (struct packet_process){};
	owner.gets = true;
	assert_line(&owner, PACKET_OUT, "forwarded to 123 curl [4026532301]\n");
	owner = (struct packet_owner){};
	assert_line(&owner, 0, "-\n");
}

static void test_row(void **state _unused_)
{
	const struct packet_owner owner = {.local = process(123, "curl"),
					   .kind = PACKET_OWNER_PROCESS};
	const struct packet packet = syn();
	const struct packet_view view = {.packet = &packet,
					 .owner = &owner,
					 .ts_ns = UINT64_MAX,
					 .direction = PACKET_IN};
	const size_t first = PACKET_FIELD_CONNECTION;
	struct row row = {};

	packet_row(&view, &row);
	assert_int_equal(row.cells[PACKET_FIELD_TS].kind, CELL_NULL);
	assert_int_equal(row.cells[PACKET_FIELD_INTERFACE].kind, CELL_NULL);
	assert_int_equal(row.cells[first + CONNECTION_PID].u, 123);
	assert_int_equal(row.cells[first + CONNECTION_LPORT].u, 80); /* comes in: to here */
	assert_int_equal(row.cells[first + CONNECTION_RPORT].u, 43210);
	assert_int_equal(row.cells[first + CONNECTION_COOKIE].kind, CELL_NULL);
	assert_int_equal(row.cells[PACKET_FIELD_PEER_PID].kind, CELL_NULL);
}

/* What passes has its ends elsewhere: the row is of the end that is known. */
static void test_forwarded_row(void **state _unused_)
{
	struct packet_owner owner = {.local = process(123, "curl"), .kind = PACKET_OWNER_FORWARDED};
	const struct packet packet = syn();
	const struct packet_view view = {.packet = &packet,
					 .owner = &owner,
					 .ts_ns = UINT64_MAX,
					 .netns = 9,
					 .direction = PACKET_IN};
	const size_t first = PACKET_FIELD_CONNECTION;
	struct row row = {};

	owner.local.netns = 11;
	owner.peer.netns = 22;
	packet_row(&view, &row);
	assert_int_equal(row.cells[first + CONNECTION_LPORT].u, 43210); /* it comes from there */
	assert_int_equal(row.cells[first + CONNECTION_NETNS].u, 11);
	assert_int_equal(row.cells[PACKET_FIELD_PEER_NETNS].u, 22);
	assert_int_equal(row.cells[PACKET_FIELD_IFACE_NETNS].u, 9);
	owner.gets = true;
	packet_row(&view, &row);
	assert_int_equal(row.cells[first + CONNECTION_LPORT].u, 80);
	owner.local = owner.peer = (struct packet_process){}; /* of nobody here: as it is seen */
	owner.gets = false;
	packet_row(&view, &row);
	assert_int_equal(row.cells[first + CONNECTION_LPORT].u, 80);
	assert_int_equal(row.cells[first + CONNECTION_NETNS].u, 9);
	assert_int_equal(row.cells[PACKET_FIELD_PEER_NETNS].kind, CELL_NULL);
}

static void test_match(void **state _unused_)
{
	struct traffic_filter filter = {.protocols = SELECT_ALL};
	struct packet packet = syn(), arp = {.kind = PACKET_ARP};

	arp.tuple.family = AF_INET;
	assert_true(packet_matches(&filter, &packet, PACKET_OUT));
	assert_true(packet_matches(&filter, &arp, PACKET_OUT));
	filter.protocols = SELECT_UDP;
	assert_false(packet_matches(&filter, &packet, PACKET_OUT));
	assert_false(packet_matches(&filter, &arp, PACKET_OUT));
	filter = (struct traffic_filter){.n_remote_ports = 1, .remote_ports = {80}};
	assert_true(packet_matches(&filter, &packet, PACKET_OUT));
	assert_false(packet_matches(&filter, &packet, PACKET_IN));
	filter = (struct traffic_filter){.n_ports = 1, .ports = {80}};
	assert_true(packet_matches(&filter, &packet, PACKET_IN));
	/* an error that quotes it */
	packet.inner = packet.tuple;
	packet.tuple.protocol = IPPROTO_ICMP;
	packet.tuple.source_port = packet.tuple.destination_port = 0;
	packet.has = PACKET_HAS_ICMP | PACKET_HAS_INNER;
	filter = (struct traffic_filter){.n_remote_ports = 1, .remote_ports = {80}};
	assert_true(packet_matches(&filter, &packet, PACKET_IN));
	filter = (struct traffic_filter){.ipv6_only = true};
	assert_false(packet_matches(&filter, &packet, PACKET_IN));
}

/* What was asked for, and the answer. */
struct question {
	struct packet_tuple tuple;
	uint8_t direction;
	int n;
	int known;
};

static int ask(void *context, const struct packet *packet, const struct packet_record *record,
	       bool last _unused_, struct packet_owner *ret_owner)
{
	struct question *question = context;

	question->tuple = packet->tuple;
	question->direction = record->direction;
	question->n++;
	if (question->known) {
		ret_owner->local = process(5, "asker");
		ret_owner->kind = PACKET_OWNER_PROCESS;
	}
	return question->known;
}

static void test_owner(void **state _unused_)
{
	struct packet_record record = {.direction = PACKET_OUT, .sk_state = 1};
	struct packet packet = syn();
	struct question question = {};
	struct packet_owner owner;

	assert_false(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_true(packet_find_owner(ask, &question, &packet, &record, true, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_UNKNOWN);
	record.flags = PACKET_KERNEL;
	assert_true(packet_find_owner(ask, &question, &packet, &record, true, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_KERNEL);
	question = (struct question){.known = 1};
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(owner.local.id.tgid, 5);
	/* whoever it is of, it only passes */
	record.flags = PACKET_FORWARDED;
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_FORWARDED);
	assert_int_equal(owner.local.id.tgid, 5);
	question.known = 0;
	assert_false(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_true(packet_find_owner(ask, &question, &packet, &record, true, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_FORWARDED);
	/* nobody is asked */
	question = (struct question){.known = 1};
	packet.has = 0;
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_FORWARDED);
	packet.has = PACKET_HAS_PORTS | PACKET_HAS_TCP;
	assert_int_equal(question.n, 0);
	packet.kind = PACKET_ARP;
	record.flags = 0;
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_KERNEL);
	assert_int_equal(question.n, 0);
	record.flags = PACKET_CAUSE;
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(question.n, 1);
}

/* An error that comes is its socket's; one that goes is the kernel's, for that socket. */
static void test_owner_of_errors(void **state _unused_)
{
	struct packet_record record = {.direction = PACKET_IN};
	struct packet packet = syn();
	struct question question = {.known = 1};
	struct packet_owner owner;

	packet.inner = packet.tuple;
	packet.tuple.protocol = IPPROTO_ICMP;
	packet.has = PACKET_HAS_ICMP | PACKET_HAS_INNER;
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(owner.local.id.tgid, 5);
	assert_int_equal(owner.peer.id.tgid, 0);
	assert_int_equal(question.direction, PACKET_OUT);
	assert_int_equal(question.tuple.protocol, IPPROTO_TCP);
	record.direction = PACKET_OUT;
	assert_true(packet_find_owner(ask, &question, &packet, &record, false, &owner));
	assert_int_equal(owner.kind, PACKET_OWNER_KERNEL);
	assert_int_equal(owner.local.id.tgid, 0);
	assert_int_equal(owner.peer.id.tgid, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	      cmocka_unit_test(test_wait),
		cmocka_unit_test(test_queue_error),   cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_comments),      cmocka_unit_test(test_foreign_comments),
		cmocka_unit_test(test_lines),	      cmocka_unit_test(test_row),
		cmocka_unit_test(test_forwarded_row), cmocka_unit_test(test_match),
		cmocka_unit_test(test_owner),	      cmocka_unit_test(test_owner_of_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/packet: what packets say, and what is left of it when they are cut anywhere. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/packet.h"

#define ETHERNET "020000000001 020000000002 "
#define IPV4	 ETHERNET "0800 "
#define IPV6	 ETHERNET "86dd "
#define SYN                                                                                        \
	"4500003c 12344000 40060000 7f000001 7f000001 "                                            \
	"a8ca0050 00000001 00000000 a002ffd7 00000000 "                                            \
	"0204ffd7 0402080a 00000001 00000000 01030307 "
#define V6_ENDS "fd990000000000000000000000000001 fd990000000000000000000000000002 "

/* Bytes of a text of hexadecimal digits. */
static size_t bytes(const char *hex, uint8_t *to, size_t most)
{
	size_t n = 0;

	while (*hex) {
		unsigned int byte;

		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		assert_true(n < most);
		to[n++] = (uint8_t)byte;
		hex += 2;
	}
	return n;
}

/* The first @captured bytes of it, in memory of just that size; SIZE_MAX: all. */
static struct packet parse_cut(const char *hex, uint16_t link_type, size_t captured)
{
	_cleanup_(freep) uint8_t *copy = NULL;
	struct packet packet;
	uint8_t data[512];
	size_t n = bytes(hex, data, sizeof(data));

	captured = captured < n ? captured : n;
	copy = malloc(captured ? captured : 1);
	assert_non_null(copy);
	memcpy(copy, data, captured);
	memset(&packet, 0xa5, sizeof(packet));
	packet_parse(copy, captured, n, link_type, &packet);
	return packet;
}

static struct packet parse(const char *hex)
{
	return parse_cut(hex, PACKET_LINK_ETHERNET, SIZE_MAX);
}

static void assert_line(const struct packet *packet, const char *wanted)
{
	struct buffer line = {};

	packet_append(&line, packet);
	buffer_append_char(&line, '\0');
	assert_string_equal(line.data, wanted);
	buffer_release(&line);
}

static void test_tcp(void **state _unused_)
{
	static const uint8_t loopback[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
	struct packet packet = parse(IPV4 SYN);

	assert_int_equal(packet.kind, PACKET_IP);
	assert_int_equal(packet.tuple.family, AF_INET);
	assert_int_equal(packet.tuple.protocol, IPPROTO_TCP);
	assert_memory_equal(packet.tuple.source, loopback, 16);
	assert_memory_equal(packet.tuple.destination, loopback, 16);
	assert_int_equal(packet.tuple.source_port, 43210);
	assert_int_equal(packet.tuple.destination_port, 80);
	assert_int_equal(packet.tcp_flags, PACKET_TCP_SYN);
	assert_int_equal(packet.link_bytes, 14);
	assert_int_equal(packet.ip_bytes, 60);
	assert_int_equal(packet.payload_bytes, 0);
	assert_int_equal(packet.ttl, 64);
	assert_line(&packet,
		    "127.0.0.1.43210 > 127.0.0.1.80: Flags [S], seq 1, win 65495, length 0");
	assert_string_equal(packet_protocol(&packet), "tcp");
}

static void test_tcp_payload(void **state _unused_)
{
	/* a push of five bytes and Ethernet's padding behind it */
	struct packet packet = parse(IPV4 "4500002d 00010000 40060000 0a630001 0a630002 "
					  "04d20050 00000064 000000c8 50180200 00000000 "
					  "68656c6c6f 00");

	assert_int_equal(packet.payload_bytes, 5);
	assert_line(&packet, "10.99.0.1.1234 > 10.99.0.2.80: Flags [P.], seq 100:105, ack 200, win "
			     "512, length 5");
	packet = parse(IPV4 "45000028 00010000 40060000 0a630001 0a630002 "
			    "04d20050 00000064 000000c8 50100200 00000000");
	assert_line(&packet,
		    "10.99.0.1.1234 > 10.99.0.2.80: Flags [.], ack 200, win 512, length 0");
}

static void test_links(void **state _unused_)
{
	struct packet packet = parse_cut(SYN, PACKET_LINK_RAW, SIZE_MAX);

	assert_int_equal(packet.tuple.source_port, 43210);
	assert_int_equal(packet.link_bytes, 0);
	packet = parse(ETHERNET "8100 2005 0800 " SYN);
	assert_int_equal(packet.tuple.source_port, 43210);
	assert_int_equal(packet.vlan, 5);
	assert_int_equal(packet.link_bytes, 18);
	packet = parse(ETHERNET "88a8 0007 8100 0005 0800 " SYN);
	assert_int_equal(packet.tuple.source_port, 43210);
	assert_int_equal(packet.vlan, 7);
	packet = parse_cut("0000 0304 0006 000000000000 0000 0800 " SYN, PACKET_LINK_COOKED,
			   SIZE_MAX);
	assert_int_equal(packet.tuple.source_port, 43210);
	packet = parse_cut("0800 0000 00000001 0304 00 06 0000000000000000 " SYN,
			   PACKET_LINK_COOKED2, SIZE_MAX);
	assert_int_equal(packet.tuple.source_port, 43210);
	packet = parse_cut(IPV4 SYN, 147, SIZE_MAX);
	assert_int_equal(packet.kind, PACKET_OTHER);
	packet = parse(ETHERNET "88cc 0102030405");
	assert_int_equal(packet.kind, PACKET_OTHER);
	assert_line(&packet, "ethertype 0x88cc, length 5");
	assert_null(packet_protocol(&packet));
}

static void test_udp(void **state _unused_)
{
	struct packet packet = parse(IPV4 "45000028 00010000 40110000 0a630001 0a630002 "
					  "04d20035 00140000 000102030405060708090a0b");

	assert_line(&packet, "10.99.0.1.1234 > 10.99.0.2.53: UDP, length 12");
	packet = parse(IPV6 "60000000 000c 11 40 " V6_ENDS "04d20035 000c0000 01020304");
	assert_int_equal(packet.tuple.family, AF_INET6);
	assert_int_equal(packet.payload_bytes, 4);
	assert_line(&packet, "fd99::1.1234 > fd99::2.53: UDP, length 4");
}

static void test_extensions(void **state _unused_)
{
	/* hop-by-hop, destination options, UDP */
	struct packet packet = parse(IPV6 "60000000 001c 00 40 " V6_ENDS "3c00000000000000 "
					  "1100000000000000 04d20035 000c0000 01020304");

	assert_int_equal(packet.tuple.protocol, IPPROTO_UDP);
	assert_int_equal(packet.tuple.destination_port, 53);
	assert_int_equal(packet.payload_bytes, 4);
	/* more of them than anybody goes through */
	packet = parse(IPV6 "60000000 0050 00 40 " V6_ENDS
			    "0000000000000000 0000000000000000 0000000000000000 0000000000000000 "
			    "0000000000000000 0000000000000000 0000000000000000 0000000000000000 "
			    "0000000000000000 1100000000000000 04d20035 000c0000 01020304");
	assert_int_equal(packet.tuple.family, AF_INET6);
	assert_int_equal(packet.tuple.destination_port, 0);
	/* longer than the packet */
	packet = parse(IPV6 "60000000 0010 00 40 " V6_ENDS "11ff000000000000 04d2003500080000");
	assert_int_equal(packet.tuple.destination_port, 0);
}

static void test_fragments(void **state _unused_)
{
	struct packet first = parse(IPV4 "45000024 00012000 40110000 0a630001 0a630002 "
					 "04d20035 00640000 0001020304050607");
	struct packet second = parse(IPV4 "45000024 00010002 40110000 0a630001 0a630002 "
					  "04d20035 00640000 0001020304050607");

	assert_int_equal(first.tuple.destination_port, 53);
	assert_true(first.has & PACKET_FIRST);
	assert_int_equal(second.tuple.destination_port, 0);
	assert_true(second.has & PACKET_FRAGMENT);
	assert_line(&second, "10.99.0.1 > 10.99.0.2: udp fragment, length 16");
	first = parse(IPV6 "60000000 0014 2c 40 " V6_ENDS "1100000100000001 04d20035 000c0000 "
			   "01020304");
	assert_int_equal(first.tuple.destination_port, 53);
	assert_true(first.has & PACKET_FIRST);
	second = parse(IPV6 "60000000 0014 2c 40 " V6_ENDS "1100000800000001 04d20035 000c0000 "
			    "01020304");
	assert_int_equal(second.tuple.destination_port, 0);
	assert_int_equal(second.tuple.protocol, IPPROTO_UDP);
	assert_true(second.has & PACKET_FRAGMENT);
}

static void test_icmp(void **state _unused_)
{
	struct packet packet = parse(IPV4 "45000020 00010000 40010000 0a630001 0a630002 "
					  "08000000 00070001 01020304");

	assert_true(packet_is_echo_request(&packet));
	assert_false(packet_is_echo_reply(&packet));
	assert_int_equal(packet.icmp_id, 7);
	assert_int_equal(packet.tuple.source_port, 7);
	assert_false(packet.has & PACKET_HAS_PORTS);
	assert_line(&packet, "10.99.0.1 > 10.99.0.2: ICMP echo request, id 7, seq 1, length 12");
	packet = parse(IPV6 "60000000 0008 3a 40 " V6_ENDS "81000000 00070001");
	assert_true(packet_is_echo_reply(&packet));
	assert_line(&packet, "fd99::1 > fd99::2: ICMP6, echo reply, id 7, seq 1, length 8");
	packet = parse(IPV4 "4500001c 00010000 40010000 0a630001 0a630002 2a050000 00000000");
	assert_line(&packet, "10.99.0.1 > 10.99.0.2: ICMP type-42 code-5, length 8");
}

static void test_icmp_error(void **state _unused_)
{
	struct packet packet = parse(IPV4 "45000038 00010000 40010000 0a630002 0a630001 "
					  "03030000 00000000 "
					  "45000020 00010000 40110000 0a630001 0a630002 "
					  "04d20035 000c0000");

	assert_true(packet.has & PACKET_HAS_INNER);
	assert_int_equal(packet.inner.protocol, IPPROTO_UDP);
	assert_int_equal(packet.inner.source_port, 1234);
	assert_int_equal(packet.inner.destination_port, 53);
	assert_memory_equal(packet.inner.source, packet.tuple.destination, 16);
	assert_line(&packet, "10.99.0.2 > 10.99.0.1: ICMP port unreachable (10.99.0.1.1234 > "
			     "10.99.0.2.53), length 36");
	packet = parse(IPV6 "60000000 0038 3a 40 " V6_ENDS "01040000 00000000 "
			    "60000000 000c 11 40 " V6_ENDS "04d20035 000c0000");
	assert_true(packet.has & PACKET_HAS_INNER);
	assert_int_equal(packet.inner.source_port, 1234);
	/* the quotation is cut behind its addresses */
	packet = parse(IPV4 "45000030 00010000 40010000 0a630002 0a630001 "
			    "0b000000 00000000 "
			    "45000020 00010000 40110000 0a630001 0a630002");
	assert_true(packet.has & PACKET_HAS_INNER);
	assert_int_equal(packet.inner.source_port, 0);
}

static void test_neighbours(void **state _unused_)
{
	struct packet packet = parse(ETHERNET "0806 0001080006040001 020000000001 0a630001 "
					      "000000000000 0a630002");

	assert_int_equal(packet.kind, PACKET_ARP);
	assert_line(&packet, "ARP, Request who-has 10.99.0.2 tell 10.99.0.1, length 28");
	packet = parse(ETHERNET "0806 0001080006040002 020000000001 0a630001 "
				"020000000002 0a630002");
	assert_line(&packet, "ARP, Reply 10.99.0.1 to 10.99.0.2, length 28");
	packet = parse(IPV6 "60000000 0018 3a ff " V6_ENDS "87000000 00000000 "
			    "fd990000000000000000000000000077");
	assert_int_equal(packet.kind, PACKET_NEIGHBOUR);
	assert_true(packet.has & PACKET_HAS_TARGET);
	assert_line(&packet, "fd99::1 > fd99::2: ICMP6, neighbor solicitation, who has fd99::77, "
			     "length 24");
}

/* Cut anywhere, nothing is read behind the end, and what is set is true. */
#define OUTER(protocol) "4500 0000 0000 0000 40 " protocol " 0000 0a090001 0a090002 "

/* What a tunnel's packet carries; a kind of PACKET_OTHER: it is none. */
static struct packet carried(const char *hex)
{
	_cleanup_(freep) uint8_t *copy = NULL;
	struct packet packet = parse(hex), inner = {};
	uint8_t data[512];
	size_t n = bytes(hex, data, sizeof(data));

	for (size_t captured = 0; captured <= n; captured++) {
		copy = realloc(copy, captured ? captured : 1);
		assert_non_null(copy);
		memcpy(copy, data, captured);
		packet = parse_cut(hex, PACKET_LINK_ETHERNET, captured);
		if (!packet_open(copy, captured, &packet, &inner))
			inner.kind = PACKET_OTHER;
	}
	return inner;
}

static void test_tunnels(void **state _unused_)
{
	static const char *const tunnels[] = {
		IPV4 OUTER("04") SYN,
		IPV6 "60000000 0000 04 40 " V6_ENDS SYN,
		IPV4 OUTER("2f") "0000 0800 " SYN,
		IPV4 OUTER("2f") "b000 0800 00000000 00000007 00000001 " SYN,
		IPV4 OUTER("2f") "2000 6558 00000007 " IPV4 SYN,
		IPV4 OUTER("11") "c000 12b5 0000 0000 08000000 00002a00 " IPV4 SYN,
		IPV4 OUTER("11") "c000 2118 0000 0000 08000000 00002a00 " ETHERNET
				 "8100 0005 0800 " SYN,
		IPV4 OUTER("11") "c000 17c1 0000 0000 01006558 00002a00 01020304 " IPV4 SYN,
		IPV4 OUTER("04") OUTER("2f") "0000 0800 " OUTER("04") SYN,
	};
	static const char *const others[] = {
		IPV4 SYN,
		IPV4 OUTER("04") OUTER("04") OUTER("04") OUTER("04") OUTER("04") "45",
		IPV4 OUTER("2f") "0001 0800 " SYN,
		IPV4 OUTER("2f") "0000 880b " SYN,
		IPV4 OUTER("11") "c000 12b5 0000 0000 00000000 00002a00 " IPV4 SYN,
		IPV4 OUTER("11") "c000 0035 0000 0000 08000000 00002a00 " IPV4 SYN,
		IPV4 "4500 0000 0000 2000 40 04 0000 0a090001 0a090002 " SYN,
		ETHERNET "0806 0001080006040002 020000000001 0a630001 000000000000 0a630002",
	};
	struct packet syn = parse(IPV4 SYN), inner;

	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		inner = carried(tunnels[i]);
		assert_int_equal(inner.kind, PACKET_IP);
		assert_memory_equal(&inner.tuple, &syn.tuple, sizeof(syn.tuple));
		assert_int_equal(inner.tcp_flags, syn.tcp_flags);
		assert_int_equal(inner.payload_bytes, syn.payload_bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(carried(others[i]).tuple.protocol == IPPROTO_TCP, 0);
}

static void test_cut(void **state _unused_)
{
	static const char *const all[] = {
		IPV4 SYN,
		ETHERNET "8100 0005 0800 " SYN,
		ETHERNET "0806 0001080006040001 020000000001 0a630001 000000000000 0a630002",
		IPV6 "60000000 001c 00 40 " V6_ENDS "3c00000000000000 1100000000000000 04d20035 "
		     "000c0000 01020304",
		IPV6 "60000000 0038 3a 40 " V6_ENDS "01040000 00000000 60000000 000c 11 40 " V6_ENDS
		     "04d20035 000c0000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct packet whole = parse(all[i]);

		for (size_t n = 0; n < 150; n++) {
			struct packet cut = parse_cut(all[i], PACKET_LINK_ETHERNET, n);
			struct buffer line = {};

			assert_true(!cut.tuple.destination_port ||
				    cut.tuple.destination_port == whole.tuple.destination_port);
			assert_true((cut.has & whole.has) == cut.has);
			packet_append(&line, &cut);
			assert_true(line.length > 0);
			buffer_release(&line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),	   cmocka_unit_test(test_tcp_payload),
		cmocka_unit_test(test_links),	   cmocka_unit_test(test_udp),
		cmocka_unit_test(test_extensions), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_icmp),	   cmocka_unit_test(test_icmp_error),
		cmocka_unit_test(test_neighbours), cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

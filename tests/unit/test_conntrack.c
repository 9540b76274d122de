/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/conntrack: messages of the kernel as it writes them, and cut off anywhere. */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/conntrack.h"

#define NETNS 4711

struct message {
	char data[1024] __attribute__((aligned(4)));
	size_t length;
};

static struct nlmsghdr *begin(struct message *m, size_t at, uint16_t type)
{
	struct nlmsghdr *head = (void *)(m->data + at);

	head->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
	m->length = at + NLMSG_SPACE(sizeof(struct nfgenmsg));
	return head;
}

static size_t nest(struct message *m, uint16_t type)
{
	const struct nlattr head = {.nla_type = type | NLA_F_NESTED};
	size_t at = m->length;

	memcpy(m->data + at, &head, sizeof(head));
	m->length += NLA_HDRLEN;
	return at;
}

static void close_nest(struct message *m, size_t at)
{
	((struct nlattr *)(m->data + at))->nla_len = (uint16_t)(m->length - at);
}

static void put(struct message *m, uint16_t type, const void *data, size_t size)
{
	const struct nlattr head = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};

	memcpy(m->data + m->length, &head, sizeof(head));
	memcpy(m->data + m->length + NLA_HDRLEN, data, size);
	m->length += NLA_ALIGN(NLA_HDRLEN + size);
}

static void put_port(struct message *m, uint16_t type, uint16_t port)
{
	port = htons(port);
	put(m, type, &port, sizeof(port));
}

struct ends {
	const char *source, *destination;
	uint16_t source_port, destination_port;
};

static void put_tuple(struct message *m, uint16_t type, uint8_t protocol, const struct ends *ends)
{
	bool v4 = !strchr(ends->source, ':'), icmp = protocol == IPPROTO_ICMP;
	size_t tuple = nest(m, type), part = nest(m, CTA_TUPLE_IP), size = v4 ? 4 : 16;
	uint8_t address[16];

	assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, ends->source, address), 1);
	put(m, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, address, size);
	assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, ends->destination, address), 1);
	put(m, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, address, size);
	close_nest(m, part);
	part = nest(m, CTA_TUPLE_PROTO);
	put(m, CTA_PROTO_NUM, &protocol, 1);
	put_port(m, icmp ? CTA_PROTO_ICMP_ID : CTA_PROTO_SRC_PORT, ends->source_port);
	if (!icmp)
		put_port(m, CTA_PROTO_DST_PORT, ends->destination_port);
	close_nest(m, part);
	close_nest(m, tuple);
}

static void add(struct message *m, uint16_t type, uint8_t protocol, const struct ends *original,
		const struct ends *reply)
{
	size_t at = m->length;
	struct nlmsghdr *head = begin(m, at, type);
	uint32_t status = 0;

	put_tuple(m, CTA_TUPLE_ORIG, protocol, original);
	put_tuple(m, CTA_TUPLE_REPLY, protocol, reply);
	put(m, CTA_STATUS, &status, sizeof(status));
	head->nlmsg_len = (uint32_t)(m->length - at);
}

struct seen {
	struct conntrack_entry entries[4];
	size_t n;
	int error;
};

static int see(void *context, const struct conntrack_entry *entry)
{
	struct seen *seen = context;

	assert_true(seen->n < ARRAY_SIZE(seen->entries));
	seen->entries[seen->n++] = *entry;
	return seen->error;
}

static void assert_tuple(const struct conntrack_tuple *tuple, uint8_t protocol,
			 const struct ends *ends)
{
	bool v4 = !strchr(ends->source, ':');
	uint8_t source[16] = {[10] = 0xff, 0xff}, destination[16] = {[10] = 0xff, 0xff};

	inet_pton(v4 ? AF_INET : AF_INET6, ends->source, source + (v4 ? 12 : 0));
	inet_pton(v4 ? AF_INET : AF_INET6, ends->destination, destination + (v4 ? 12 : 0));
	assert_memory_equal(tuple->source, source, 16);
	assert_memory_equal(tuple->destination, destination, 16);
	assert_int_equal(tuple->source_port, ends->source_port);
	assert_int_equal(tuple->destination_port, ends->destination_port);
	assert_int_equal(tuple->protocol, protocol);
}

static const struct ends out = {"10.0.0.2", "192.0.2.1", 40000, 80},
			 back = {"192.0.2.1", "198.51.100.7", 80, 1024},
			 out6 = {"fd00::2", "2001:db8::1", 40001, 53},
			 back6 = {"2001:db8::1", "2001:db8::7", 53, 40001},
			 echo = {"10.0.0.2", "192.0.2.1", 77, 77};

static void test_messages(void **state _unused_)
{
	struct message m = {};
	struct seen seen = {};

	add(&m, IPCTNL_MSG_CT_NEW, IPPROTO_TCP, &out, &back);
	add(&m, IPCTNL_MSG_CT_DELETE, IPPROTO_UDP, &out6, &back6);
	add(&m, IPCTNL_MSG_CT_GET_STATS, IPPROTO_TCP, &out, &back);
	add(&m, IPCTNL_MSG_CT_NEW, IPPROTO_ICMP, &echo, &echo);
	assert_int_equal(conntrack_parse(m.data, m.length, NETNS, see, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_tuple(&seen.entries[0].original, IPPROTO_TCP, &out);
	assert_tuple(&seen.entries[0].reply, IPPROTO_TCP, &back);
	assert_false(seen.entries[0].gone);
	assert_int_equal(seen.entries[0].netns, NETNS);
	assert_tuple(&seen.entries[1].original, IPPROTO_UDP, &out6);
	assert_tuple(&seen.entries[1].reply, IPPROTO_UDP, &back6);
	assert_true(seen.entries[1].gone);
	assert_tuple(&seen.entries[2].original, IPPROTO_ICMP, &echo);
}

static void test_error(void **state _unused_)
{
	struct message m = {};
	struct seen seen = {.error = -ENOMEM};

	add(&m, IPCTNL_MSG_CT_NEW, IPPROTO_TCP, &out, &back);
	add(&m, IPCTNL_MSG_CT_NEW, IPPROTO_TCP, &out, &back);
	assert_int_equal(conntrack_parse(m.data, m.length, NETNS, see, &seen), -ENOMEM);
	assert_int_equal(seen.n, 1);
}

/* What is cut off is nothing, wherever; lengths that lie are not believed. */
static void test_not_whole(void **state _unused_)
{
	struct message m = {};

	add(&m, IPCTNL_MSG_CT_NEW, IPPROTO_TCP, &out, &back);
	for (size_t length = 0; length < m.length; length++) {
		struct seen seen = {};
		char *copy = malloc(length + 1);

		assert_non_null(copy);
		memcpy(copy, m.data, length);
		assert_int_equal(conntrack_parse(copy, length, NETNS, see, &seen), 0);
		assert_int_equal(seen.n, 0);
		free(copy);
	}
	for (size_t at = 0; at < m.length; at++) {
		struct message other = m;
		struct seen seen = {};

		for (int value = 0; value < 256; value += 51) {
			other.data[at] = (char)value;
			seen.n = 0;
			conntrack_parse(other.data, other.length, NETNS, see, &seen);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

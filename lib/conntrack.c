/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_BYTES (4 << 20)	 /* that may wait for us */
#define MESSAGE_BYTES (64 << 10) /* more than the kernel puts into one datagram */
#define READ_BYTES    (1 << 20)	 /* in one go: others want their turn */
#define IN_USE	      "/proc/sys/net/netfilter/nf_conntrack_count"

struct conntrack {
	uint64_t lost;
	uint32_t netns;
	int fd;
	char message[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

struct attribute {
	const void *data;
	size_t size;
};

/* The attributes @wanted of those in @from, by their types below @n. */
static void find_attributes(struct attribute from, struct attribute *found, size_t n)
{
	const char *at = from.data;
	size_t left = from.size;
	struct nlattr head;

	memset(found, 0, n * sizeof(*found));
	while (left >= sizeof(head)) {
		size_t step;

		memcpy(&head, at, sizeof(head));
		if (head.nla_len < sizeof(head) || head.nla_len > left)
			return;
		head.nla_type &= NLA_TYPE_MASK;
		if (head.nla_type < n)
			found[head.nla_type] =
				(struct attribute){at + NLA_HDRLEN, head.nla_len - NLA_HDRLEN};
		step = NLA_ALIGN(head.nla_len);
		if (step > left)
			return;
		at += step;
		left -= step;
	}
}

static bool get_address(const struct attribute *v4, const struct attribute *v6, uint8_t to[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	if (v4->size == 4) {
		memcpy(to, mapped, sizeof(mapped));
		memcpy(to + sizeof(mapped), v4->data, 4);
		return true;
	}
	if (v6->size != 16)
		return false;
	memcpy(to, v6->data, 16);
	return true;
}

static uint16_t get_port(const struct attribute *attribute)
{
	uint16_t port = 0;

	if (attribute->size == sizeof(port))
		memcpy(&port, attribute->data, sizeof(port));
	return ntohs(port);
}

static bool get_tuple(struct attribute from, struct conntrack_tuple *tuple)
{
	struct attribute parts[CTA_TUPLE_MAX + 1], ip[CTA_IP_MAX + 1], proto[CTA_PROTO_MAX + 1];
	const struct attribute *id;

	find_attributes(from, parts, ARRAY_SIZE(parts));
	find_attributes(parts[CTA_TUPLE_IP], ip, ARRAY_SIZE(ip));
	find_attributes(parts[CTA_TUPLE_PROTO], proto, ARRAY_SIZE(proto));
	if (!get_address(&ip[CTA_IP_V4_SRC], &ip[CTA_IP_V6_SRC], tuple->source) ||
	    !get_address(&ip[CTA_IP_V4_DST], &ip[CTA_IP_V6_DST], tuple->destination) ||
	    proto[CTA_PROTO_NUM].size != 1)
		return false;
	tuple->protocol = *(const uint8_t *)proto[CTA_PROTO_NUM].data;
	tuple->source_port = get_port(&proto[CTA_PROTO_SRC_PORT]);
	tuple->destination_port = get_port(&proto[CTA_PROTO_DST_PORT]);
	id = proto[CTA_PROTO_ICMP_ID].size ? &proto[CTA_PROTO_ICMP_ID]
					   : &proto[CTA_PROTO_ICMPV6_ID];
	if (id->size)
		tuple->source_port = tuple->destination_port = get_port(id);
	return true;
}

static int parse_one(const struct nlmsghdr *head, uint32_t netns, conntrack_fn fn, void *context)
{
	struct conntrack_entry entry = {.netns = netns};
	struct attribute body, parts[CTA_MAX + 1];
	uint16_t type = head->nlmsg_type & 0xff;

	if (head->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK ||
	    (type != IPCTNL_MSG_CT_NEW && type != IPCTNL_MSG_CT_DELETE) ||
	    head->nlmsg_len < NLMSG_SPACE(sizeof(struct nfgenmsg)))
		return 0;
	body.data = (const char *)head + NLMSG_SPACE(sizeof(struct nfgenmsg));
	body.size = head->nlmsg_len - NLMSG_SPACE(sizeof(struct nfgenmsg));
	find_attributes(body, parts, ARRAY_SIZE(parts));
	if (!get_tuple(parts[CTA_TUPLE_ORIG], &entry.original) ||
	    !get_tuple(parts[CTA_TUPLE_REPLY], &entry.reply))
		return 0;
	entry.gone = type == IPCTNL_MSG_CT_DELETE;
	return fn(context, &entry);
}

int conntrack_parse(const void *data, size_t size, uint32_t netns, conntrack_fn fn, void *context)
{
	const struct nlmsghdr *head = data;
	int left = (int)size, r = 0;

	for (; !r && NLMSG_OK(head, (unsigned int)left); head = NLMSG_NEXT(head, left))
		r = parse_one(head, netns, fn, context);
	return r;
}

/* All that is tracked now. The kernel hands it over as it is read. */
static int ask_for_all(int fd)
{
	const struct {
		struct nlmsghdr head;
		struct nfgenmsg family; /* zero: any */
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};

	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* How many are tracked; a negative errno if the kernel does not track. */
static int count_tracked(void)
{
	_cleanup_(fclosep) FILE *file = fopen(IN_USE, "re");
	int n;

	if (!file)
		return -errno;
	return fscanf(file, "%d", &n) == 1 ? n : -EIO;
}

static int subscribe(int fd)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups =
			1U << (NFNLGRP_CONNTRACK_NEW - 1) | 1U << (NFNLGRP_CONNTRACK_DESTROY - 1),
	};
	const int bytes = RECEIVE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		return -errno;
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int conntrack_open(uint32_t netns, struct conntrack **ret_conntrack)
{
	struct conntrack *conntrack;
	int r;

	/* the socket alone would have the kernel load what tracks */
	r = count_tracked();
	if (r < 0)
		return r;
	conntrack = calloc(1, sizeof(*conntrack));
	if (!conntrack)
		return -ENOMEM;
	conntrack->netns = netns;
	conntrack->fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	r = conntrack->fd < 0 ? -errno : subscribe(conntrack->fd);
	/* to look through its whole table takes the kernel 10 ms, if there is nothing in it, too */
	if (!r && count_tracked() > 0)
		r = ask_for_all(conntrack->fd);
	if (r < 0) {
		conntrack_close(conntrack);
		return r;
	}
	*ret_conntrack = conntrack;
	return 0;
}

void conntrack_close(struct conntrack *conntrack)
{
	if (!conntrack)
		return;
	closep(&conntrack->fd);
	free(conntrack);
}

int conntrack_read(struct conntrack *conntrack, conntrack_fn fn, void *context)
{
	size_t bytes = 0;
	int r = 0;

	while (bytes < READ_BYTES && !r) {
		ssize_t n = recv(conntrack->fd, conntrack->message, MESSAGE_BYTES, 0);

		bytes += n > 0 ? (size_t)n : 0;
		if (n >= 0)
			r = conntrack_parse(conntrack->message, (size_t)n, conntrack->netns, fn,
					    context);
		else if (errno == ENOBUFS)
			conntrack->lost++;
		else if (errno != EINTR)
			break;
	}
	return r;
}

uint64_t conntrack_lost(const struct conntrack *conntrack)
{
	return conntrack->lost;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Sockets of ping, raw ones and those of packets. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"

static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static size_t echo_request(const struct run *run, uint8_t buffer[64])
{
	struct icmphdr *head = (void *)buffer;

	memset(buffer, 'x', 64);
	memset(head, 0, sizeof(*head));
	head->type = run->mode == '6' ? 128 : ICMP_ECHO;
	head->un.echo.id = htons(4711);
	head->checksum = checksum(buffer, 64);
	return 64;
}

static void scenario_ping(const struct run *run)
{
	const struct run ping = {run->mode, run->ledger, "icmp", false};
	bool six = run->mode == '6';
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC,
			six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct address to = address_of(run->mode, six ? "::1" : "127.0.0.7", 0);
	struct address other = address_of(run->mode, six ? "::1" : "127.0.0.8", 0);
	uint8_t buffer[64];
	ssize_t n;

	if (run->mode == 'm')
		return;
	if (fd < 0)
		die("ping socket");
	sent(&ping, fd, &to, sendto(fd, buffer, echo_request(run, buffer), 0, &to.any, to.length),
	     64);
	receive(&ping, fd, 1000);
	sent(&ping, fd, &other,
	     sendto(fd, buffer, echo_request(run, buffer), 0, &other.any, other.length), 64);
	n = recv(fd, buffer, sizeof(buffer), 0);
	note(&ping, fd, &other, true, (size_t)n, 1);
	if (connect(fd, &to.any, to.length))
		die("connect");
	sent(&ping, fd, &to, send(fd, buffer, echo_request(run, buffer), 0), 64);
	n = read(fd, buffer, sizeof(buffer));
	note(&ping, fd, &to, true, (size_t)n, 1);
}

/* It gets its own request as well as the answer to it. */
static void scenario_raw(const struct run *run)
{
	const struct run raw = {run->mode, run->ledger, "raw", false};
	bool six = run->mode == '6';
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC,
			six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	int odd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	struct address to = address_of(run->mode, six ? "::1" : "127.0.0.7", 0);
	struct address own = address_of(run->mode, six ? "::1" : "127.0.0.1", 0);
	int server, client;
	uint8_t buffer[64];
	ssize_t n;

	if (run->mode == 'm')
		return;
	if (fd < 0 || odd < 0)
		die("raw socket");
	sent(&raw, fd, &to, sendto(fd, buffer, echo_request(run, buffer), 0, &to.any, to.length),
	     64);
	receive(&raw, fd, 1000);
	n = recv(fd, buffer, sizeof(buffer), 0);
	note(&raw, fd, six ? &own : &to, true, (size_t)n, 1);
	/* who that connects to is not who something else has received from */
	server = bound(run);
	client = open_socket(run);
	send_to(run, client, server, 12);
	if (connect(odd, &to.any, to.length))
		die("connect");
	received(run, server, client, recv(server, buffer, sizeof(buffer), 0));
	/* a protocol that others look up routes for with their ports */
	memset(buffer, 0, sizeof(buffer));
	sent(&raw, odd, &to, sendto(odd, buffer, 8, 0, &to.any, to.length), 8);
}

static void scenario_packet(const struct run *run)
{
	const struct run packet = {run->mode, run->ledger, "packet", false};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(0x88b5));
	int sender = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(0x88b5),
				 .sll_ifindex = (int)if_nametoindex("lo"),
				 .sll_halen = 6};

	if (run->mode != '4')
		return;
	if (fd < 0 || sender < 0)
		die("packet socket");
	if (sendto(sender, payload(), 60, 0, (void *)&to, sizeof(to)) != 60)
		die("packet");
	note(&packet, sender, NULL, false, 60, 1);
	if (recv(fd, payload(), 1000, 0) != 60) /* as it goes out */
		die("packet");
	note(&packet, fd, NULL, true, 60, 1);
}

const struct scenario datagram_raw[] = {
	{"ping", scenario_ping},
	{"raw", scenario_raw},
	{"packet", scenario_packet},
	{},
};

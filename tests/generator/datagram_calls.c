// SPDX-License-Identifier: GPL-2.0-only
/* Every call that sends or receives, and the addresses that it may be given. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"

#define HABIT 1200

static void scenario_connected(const struct run *run)
{
	int server = bound(run), client = connected(run, server), i;
	struct address to = address_local(server);
	struct iovec parts[2] = {{payload(), 10}, {payload(), 20}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	sent(run, client, &to, send(client, payload(), 100, 0), 100);
	sent(run, client, &to, write(client, payload(), 200), 200);
	sent(run, client, &to, writev(client, parts, 2), 30);
	sent(run, client, &to, sendto(client, payload(), 40, 0, NULL, 0), 40);
	sent(run, client, &to, sendmsg(client, &message, 0), 30);
	for (i = 0; i < 5; i++)
		receive(run, server, 1000);
	send_to(run, server, client, 77);
	received(run, client, server, recv(client, payload(), 1000, 0));
	send_to(run, server, client, 78);
	received(run, client, server, read(client, payload(), 1000));
	send_to(run, server, client, 79);
	received(run, client, server, readv(client, parts, 2)); /* 30 of 79 */
	close(client);
}

static void scenario_unconnected(const struct run *run)
{
	int server = bound(run), client = open_socket(run);

	send_to(run, client, server, 500);
	receive(run, server, 1000);
	send_to(run, server, client, 33);
	receive(run, client, 1000);
	/* without an address: recv, read */
	send_to(run, client, server, 5);
	received(run, server, client, recv(server, payload(), 1000, 0));
	send_to(run, client, server, 6);
	received(run, server, client, read(server, payload(), 1000));
	send_to(run, server, client, 7);
	received(run, client, server, recv(client, payload(), 1000, 0));
}

static void scenario_any(const struct run *run)
{
	int server = open_socket(run), client = open_socket(run);
	struct address to;

	bind_to(run, server, run->mode == '6' ? "::" : "0.0.0.0", 0);
	to = seen_as(run, server);
	sent(run, client, &to, sendto(client, payload(), 9, 0, &to.any, to.length), 9);
	receive(run, server, 100);
}

/* One socket, many peers; what waits in the queue is received without asking from whom. */
static void scenario_peers(const struct run *run)
{
	int server = bound(run), clients[40], i;

	for (i = 0; i < 40; i++) {
		clients[i] = open_socket(run);
		send_to(run, clients[i], server, (size_t)i);
	}
	for (i = 0; i < 40; i++) {
		received(run, server, clients[i], recv(server, payload(), 1000, 0));
	}
	for (i = 0; i < 40; i++)
		send_to(run, server, clients[i], 100);
	for (i = 0; i < 40; i += 2)
		receive(run, clients[i], 1000);
}

/* Asks for the address for long, and then no more, while datagrams of two peers wait in turns. */
static void scenario_habit(const struct run *run)
{
	int server = bound(run), clients[2] = {open_socket(run), open_socket(run)}, i;

	for (i = 0; i < HABIT + 40; i++) {
		send_to(run, clients[i & 1], server, 10);
		if (i < 15) /* so many are waiting */
			continue;
		if (i < HABIT)
			receive(run, server, 100);
		else
			received(run, server, clients[(i - 15) & 1],
				 recv(server, payload(), 100, 0));
	}
}

/* Nothing that stays in the queue counts, nothing that failed, and what was cut counts once. */
static void scenario_uncounted(const struct run *run)
{
	int server = bound(run), client = connected(run, server), nobody = open_socket(run), i;
	struct address to = address_local(server);
	char byte;

	sent(run, client, &to, send(client, payload(), 1000, 0), 1000);
	for (i = 0; i < 3; i++)
		if (recv(server, payload(), 2000, MSG_PEEK) != 1000 ||
		    recv(server, &byte, 1, MSG_PEEK | MSG_TRUNC) != 1000)
			die("peek");
	receive(run, server, 10);
	if (recv(server, payload(), 1000, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		die("the queue is not empty");
	if (send(client, payload(), 65536, 0) >= 0 || errno != EMSGSIZE)
		die("EMSGSIZE");
	/* empty ones count as packets */
	sent(run, client, &to, send(client, payload(), 0, 0), 0);
	receive(run, server, 10);
	sent(run, client, &to, send(client, payload(), 5, 0), 5);
	receive(run, server, 0);
	if (shutdown(client, SHUT_RD) && errno != ENOTCONN)
		die("shutdown");
	if (recv(client, payload(), 1000, 0) != 0)
		die("shut down, and not at the end");
	/* refused: sent, and the next receive says that nobody took it */
	bind_to(run, nobody, NULL, 0);
	to = address_local(nobody);
	close(nobody);
	client = open_socket(run);
	if (connect(client, &to.any, to.length))
		die("connect");
	sent(run, client, &to, send(client, payload(), 3, 0), 3);
	if (recv(client, payload(), 10, 0) >= 0 || errno != ECONNREFUSED)
		die("ECONNREFUSED");
}

static void scenario_mmsg(const struct run *run)
{
	int server = bound(run), client = open_socket(run), i;
	struct address to = address_local(server), from[8];
	struct iovec parts[8];
	struct mmsghdr messages[8] = {};

	for (i = 0; i < 8; i++) {
		parts[i] = (struct iovec){payload(), (size_t)i * 10};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
						      .msg_iovlen = 1,
						      .msg_name = &to.any,
						      .msg_namelen = to.length};
	}
	if (sendmmsg(client, messages, 8, 0) != 8)
		die("sendmmsg");
	for (i = 0; i < 8; i++) {
		note(run, client, &to, false, (size_t)i * 10, 1);
		parts[i].iov_len = 1000;
		from[i] = ADDRESS_UNKNOWN;
		messages[i].msg_hdr.msg_name = &from[i].any;
		messages[i].msg_hdr.msg_namelen = from[i].length;
	}
	if (recvmmsg(server, messages, 8, 0, NULL) != 8)
		die("recvmmsg");
	for (i = 0; i < 8; i++)
		note(run, server, &from[i], true, messages[i].msg_len, 1);
}

static void scenario_sendfile(const struct run *run)
{
	int server = bound(run), client = connected(run, server), pipes[2];
	int file = memfd_create("data", MFD_CLOEXEC);
	struct address to = address_local(server);
	off_t offset = 0;

	if (file < 0 || write(file, payload(), 1000) != 1000 || pipe2(pipes, O_CLOEXEC))
		die("file");
	sent(run, client, &to, sendfile(client, file, &offset, 1000), 1000);
	receive(run, server, 2000);
	if (write(pipes[1], payload(), 700) != 700)
		die("pipe");
	sent(run, client, &to, splice(pipes[0], NULL, client, NULL, 700, 0), 700);
	receive(run, server, 2000);
}

static void scenario_zerocopy(const struct run *run)
{
	int server = bound(run), client = connected(run, server);
	struct address to = address_local(server);
	struct msghdr message = {};
	char control[200];

	set_option(client, SOL_SOCKET, SO_ZEROCOPY, 1);
	sent(run, client, &to, send(client, payload(), 3000, MSG_ZEROCOPY), 3000);
	receive(run, server, 5000);
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	if (recvmsg(client, &message, MSG_ERRQUEUE) < 0) /* the completion: no datagram */
		die("MSG_ERRQUEUE");
}

/* One datagram of several calls. */
static void scenario_cork(const struct run *run)
{
	int server = bound(run), client = connected(run, server), loose = open_socket(run);
	struct address to = address_local(server);

	if (send(client, payload(), 10, MSG_MORE) != 10 ||
	    send(client, payload(), 20, MSG_MORE) != 20 || send(client, payload(), 30, 0) != 30)
		die("MSG_MORE");
	note(run, client, &to, false, 60, 1);
	receive(run, server, 1000);
	if (run->mode != '4')
		return;
	if (sendto(loose, payload(), 10, MSG_MORE, &to.any, to.length) != 10 ||
	    send(loose, payload(), 5, 0) != 5)
		die("MSG_MORE");
	note(run, loose, &to, false, 15, 1);
	receive(run, server, 1000);
}

/* Connected anew, and to nobody. */
static void scenario_again(const struct run *run)
{
	int one = bound(run), two = bound(run), client = connected(run, one);
	struct address first = address_local(one), second = address_local(two);
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	sent(run, client, &first, send(client, payload(), 1, 0), 1);
	if (connect(client, &second.any, second.length))
		die("connect");
	sent(run, client, &second, send(client, payload(), 2, 0), 2);
	/* connected, and yet to another */
	sent(run, client, &first, sendto(client, payload(), 3, 0, &first.any, first.length), 3);
	if (connect(client, &none, sizeof(none)))
		die("disconnect");
	sent(run, client, &first, sendto(client, payload(), 4, 0, &first.any, first.length), 4);
	receive(run, one, 10);
	receive(run, two, 10);
	receive(run, one, 10);
	receive(run, one, 10);
}

static void scenario_multicast(const struct run *run)
{
	int server = open_socket(run), client = open_socket(run);
	struct address group;
	struct ip_mreqn four = {.imr_ifindex = 1};
	struct ipv6_mreq six = {.ipv6mr_interface = if_nametoindex("veth0")};
	int one = 1, index = (int)six.ipv6mr_interface;

	if (run->mode == 'm')
		return;
	bind_to(run, server, run->mode == '6' ? "::" : "0.0.0.0", 9753);
	group = address_of(run->mode, run->mode == '6' ? "ff02::1234" : "239.1.2.3", 9753);
	if (run->mode == '6') {
		six.ipv6mr_multiaddr = group.in6.sin6_addr;
		if (setsockopt(server, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &six, sizeof(six)) ||
		    setsockopt(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)))
			die("join");
	} else {
		four.imr_multiaddr = group.in.sin_addr;
		if (setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four)) ||
		    setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &four, sizeof(four)) ||
		    setsockopt(client, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)))
			die("join");
	}
	sent(run, client, &group, sendto(client, payload(), 50, 0, &group.any, group.length), 50);
	receive(run, server, 100);
	if (run->mode == '6')
		return;
	group = address_of(run->mode, "127.255.255.255", 9753);
	sent(run, client, &group, sendto(client, payload(), 51, 0, &group.any, group.length), 51);
	receive(run, server, 100);
}

const struct scenario datagram_calls[] = {
	{"connected", scenario_connected},
	{"unconnected", scenario_unconnected},
	{"any", scenario_any},
	{"peers", scenario_peers},
	{"habit", scenario_habit},
	{"uncounted", scenario_uncounted},
	{"mmsg", scenario_mmsg},
	{"sendfile", scenario_sendfile},
	{"zerocopy", scenario_zerocopy},
	{"cork", scenario_cork},
	{"again", scenario_again},
	{"multicast", scenario_multicast},
	{},
};

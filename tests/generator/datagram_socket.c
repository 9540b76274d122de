// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"

int open_socket(const struct run *run)
{
	int family = run->mode == '4' ? AF_INET : AF_INET6;
	int protocol = strcmp(run->proto, "udplite") ? 0 : IPPROTO_UDPLITE;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		die("socket");
	return fd;
}

void bind_to(const struct run *run, int fd, const char *text, uint16_t port)
{
	struct address address = address_of(run->mode, text, port);
	struct entry entry;
	struct line line;

	if (bind(fd, &address.any, address.length))
		die("bind");
	entry = holder(run, fd);
	line = record("listen", &entry);
	record_print(&line, ",\"owner_src\":\"listen\"");
}

int bound(const struct run *run)
{
	int fd = open_socket(run);

	bind_to(run, fd, NULL, 0);
	return fd;
}

struct address seen_as(const struct run *run, int fd)
{
	struct address address = address_local(fd);
	struct end end;

	end_set(&end, &address);
	if (strcmp(end.address, "0.0.0.0") && strcmp(end.address, "::"))
		return address;
	return address_of(run->mode, NULL, end.port);
}

int connected(const struct run *run, int to)
{
	struct address address = address_local(to);
	int fd = open_socket(run);

	if (connect(fd, &address.any, address.length))
		die("connect");
	return fd;
}

char *payload(void)
{
	static char bytes[65536];

	return bytes;
}

void sent(const struct run *run, int fd, const struct address *to, ssize_t n, size_t wanted)
{
	if (n != (ssize_t)wanted)
		die("sent %zd, not %zu", n, wanted);
	note(run, fd, to, false, wanted, 1);
}

void send_to(const struct run *run, int fd, int to, size_t size)
{
	struct address address = seen_as(run, to);

	sent(run, fd, &address, sendto(fd, payload(), size, 0, &address.any, address.length), size);
}

void receive(const struct run *run, int fd, size_t room)
{
	struct address address = ADDRESS_UNKNOWN;
	ssize_t n = recvfrom(fd, payload(), room, 0, &address.any, &address.length);

	if (n < 0)
		die("recvfrom");
	note(run, fd, &address, true, (size_t)n, 1);
}

void received(const struct run *run, int fd, int from, ssize_t n)
{
	struct address address = seen_as(run, from);

	if (n < 0)
		die("receive");
	note(run, fd, &address, true, (size_t)n, 1);
}

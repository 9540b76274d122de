// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdio.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"

struct address address_of(char mode, const char *text, uint16_t port)
{
	struct address address = {.length = sizeof(struct sockaddr_in6)};
	char mapped[64];

	if (mode == '4') {
		address.length = sizeof(struct sockaddr_in);
		address.in.sin_family = AF_INET;
		address.in.sin_port = htons(port);
		if (inet_pton(AF_INET, text ? text : "127.0.0.1", &address.in.sin_addr) != 1)
			die("bad address %s", text);
		return address;
	}
	snprintf(mapped, sizeof(mapped), "::ffff:%s", text ? text : "127.0.0.1");
	if (mode == 'm')
		text = mapped;
	address.in6.sin6_family = AF_INET6;
	address.in6.sin6_port = htons(port);
	if (inet_pton(AF_INET6, text ? text : "::1", &address.in6.sin6_addr) != 1)
		die("bad address %s", text);
	return address;
}

uint16_t address_port(const struct address *address)
{
	return ntohs(address->any.sa_family == AF_INET ? address->in.sin_port
						       : address->in6.sin6_port);
}

void address_text(const struct address *address, char ret_text[INET6_ADDRSTRLEN])
{
	const struct in6_addr *in6 = &address->in6.sin6_addr;

	if (address->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &address->in.sin_addr, ret_text, INET6_ADDRSTRLEN);
	else if (IN6_IS_ADDR_V4MAPPED(in6))
		inet_ntop(AF_INET, &in6->s6_addr[12], ret_text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, in6, ret_text, INET6_ADDRSTRLEN);
}

struct address address_local(int fd)
{
	struct address address = ADDRESS_UNKNOWN;

	if (getsockname(fd, &address.any, &address.length))
		die("getsockname");
	return address;
}

uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t length = sizeof(cookie);
	int protocol;
	socklen_t size = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size))
		die("SO_PROTOCOL");
	if (protocol == IPPROTO_MPTCP)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length))
		die("SO_COOKIE");
	return cookie;
}

void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("setsockopt %d %d", level, option);
}

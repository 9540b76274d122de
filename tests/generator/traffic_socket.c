// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

int new_socket(const struct run *run, int flags)
{
	int fd = socket(run->mode == '4' ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | flags,
			run->protocol);

	if (fd < 0)
		die("socket");
	return fd;
}

void bind_to(int fd, const struct address *address)
{
	if (bind(fd, &address->any, address->length))
		die("bind");
}

struct ends ends_of(int fd, const struct address *remote)
{
	struct address local = address_local(fd);
	struct address peer = ADDRESS_UNKNOWN;
	struct ends ends = {.lport = address_port(&local), .cookie = cookie_of(fd)};

	if (!remote && getpeername(fd, &peer.any, &peer.length))
		die("getpeername");
	address_text(&local, ends.laddr);
	address_text(remote ? remote : &peer, ends.raddr);
	ends.rport = address_port(remote ? remote : &peer);
	return ends;
}

int reserve(const struct run *run, uint16_t port, struct address *ret_address)
{
	int fd = new_socket(run, 0);
	struct address address = address_of(run->mode, NULL, port);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	bind_to(fd, &address);
	*ret_address = address_local(fd);
	return fd;
}

int listen_on(const struct run *run, int backlog, struct address *ret_address)
{
	struct who who = who_self();
	struct ends ends = {};
	int fd = reserve(run, run->port, ret_address);

	if (listen(fd, backlog))
		die("listen");
	address_text(ret_address, ends.laddr);
	ends.lport = address_port(ret_address);
	ends.cookie = cookie_of(fd);
	expect("listen", &who, &ends, "\"backlog\":%d,\"owner_src\":\"listen\"", backlog);
	return fd;
}

int quiet_listener(const struct run *run, int backlog, struct address *ret_address)
{
	int fd = reserve(run, run->port, ret_address);

	if (listen(fd, backlog))
		die("listen");
	return fd;
}

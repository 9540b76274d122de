/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses, and what sockets say of themselves. */
#ifndef GENERATOR_ADDRESS_H
#define GENERATOR_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct address {
	socklen_t length;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage storage;
	};
};

/* With room for whatever the kernel fills in. */
#define ADDRESS_UNKNOWN ((struct address){.length = sizeof(struct sockaddr_storage)})

/* @mode: '4'; '6'; 'm': IPv4 through IPv6 sockets, where @text is an IPv4 address too.
 * @text: NULL for loopback. */
struct address address_of(char mode, const char *text, uint16_t port);

uint16_t address_port(const struct address *address);

/* A v4-mapped address reads as the IPv4 address that it is. */
void address_text(const struct address *address, char ret_text[INET6_ADDRSTRLEN]);

/* The local one of @fd. */
struct address address_local(int fd);

/* 0: not to be had. Of Multipath TCP the records have that of the connection underneath. */
uint64_t cookie_of(int fd);

void set_option(int fd, int level, int option, int value);

#endif

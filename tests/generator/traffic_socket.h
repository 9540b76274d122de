/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets of TCP and their ends. */
#ifndef GENERATOR_TRAFFIC_SOCKET_H
#define GENERATOR_TRAFFIC_SOCKET_H

#include <stdint.h>

#include "tests/generator/address.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_expect.h"

/* Of the address family and the protocol that @run is of. */
int new_socket(const struct run *run, int flags);

void bind_to(int fd, const struct address *address);

/* @remote: who connect() is called for; NULL: ask the socket. */
struct ends ends_of(int fd, const struct address *remote);

/* A bound socket, so that its port belongs to nobody else. */
int reserve(const struct run *run, uint16_t port, struct address *ret_address);

/* A socket that listens on loopback; its listen record is expected. */
int listen_on(const struct run *run, int backlog, struct address *ret_address);

/* As listen_on(), without a record that is expected. */
int quiet_listener(const struct run *run, int backlog, struct address *ret_address);

#endif

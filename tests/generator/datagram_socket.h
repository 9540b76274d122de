/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets of UDP, or UDP-Lite, and calls on them that are noted in the ledger. */
#ifndef GENERATOR_DATAGRAM_SOCKET_H
#define GENERATOR_DATAGRAM_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"

int open_socket(const struct run *run);

/* @text: NULL for loopback; @port: 0 for any. The listen record of it is expected. */
void bind_to(const struct run *run, int fd, const char *text, uint16_t port);

/* A new one on loopback. */
int bound(const struct run *run);

/* What others see as the address of @fd, which may be bound to none. */
struct address seen_as(const struct run *run, int fd);

/* A new one, connected to the socket @to. */
int connected(const struct run *run, int to);

/* 64 KiB to send from and to receive into. */
char *payload(void);

/* What a send returned: all of it, or the test is void. */
void sent(const struct run *run, int fd, const struct address *to, ssize_t n, size_t wanted);

/* sendto(2), to the socket @to. */
void send_to(const struct run *run, int fd, int to, size_t size);

/* recvfrom(2), with the address. */
void receive(const struct run *run, int fd, size_t room);

/* Received without asking for the address: from @from, as who calls knows. */
void received(const struct run *run, int fd, int from, ssize_t n);

#endif

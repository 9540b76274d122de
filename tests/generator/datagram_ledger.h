/* SPDX-License-Identifier: GPL-2.0-only */
/* What each process has sent to and received from whom on which socket, and the records of it. */
#ifndef GENERATOR_DATAGRAM_LEDGER_H
#define GENERATOR_DATAGRAM_LEDGER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/line.h"

#define LEDGER_MAX 4096

struct end {
	char address[INET6_ADDRSTRLEN]; /* "": null */
	uint16_t port;			/* 0: null */
};

struct entry {
	pid_t pid, tid, ppid; /* tid 0: not certain */
	uint64_t cookie;
	const char *proto;
	struct end local, remote;
	bool in; /* the first datagram was received */
	uint64_t tx_bytes, rx_bytes, tx_packets, rx_packets;
	const char *closed_by; /* NULL: nobody */
};

struct ledger {
	pthread_mutex_t lock;
	size_t n;
	int waiting; /* datagrams in the queue of scenario_shared() */
	struct entry entries[LEDGER_MAX];
};

/* Shared by this process and its children. */
struct ledger *ledger_new(void);

/* Empty if @address is of neither IPv4 nor IPv6. */
void end_set(struct end *end, const struct address *address);

/* Of @fd's own end, as records have it: null where it says nothing. */
void local_of(const struct run *run, int fd, struct end *end);

/* Who has it, as far as a record of @fd without a peer says. */
struct entry holder(const struct run *run, int fd);

/* @fd has sent to (or received from) @peer, which may be NULL: none that is known. */
void note(const struct run *run, int fd, const struct address *peer, bool in, size_t bytes,
	  int packets);

/* Begins one; what else is certain is added to it, and record_print() ends it. */
struct line record(const char *type, const struct entry *entry);

/* Ends @line with what @format says, and prints it. */
void __attribute__((format(printf, 2, 3))) record_print(struct line *line, const char *format, ...);

/* The records of all of it: of each flow, and of its close. */
void ledger_print(const struct ledger *ledger);

#endif

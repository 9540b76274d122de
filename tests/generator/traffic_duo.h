/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios of one client process and one server process. */
#ifndef GENERATOR_TRAFFIC_DUO_H
#define GENERATOR_TRAFFIC_DUO_H

#include <stddef.h>
#include <sys/types.h>

#include "tests/generator/address.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"

struct duo {
	const struct run *run;
	int listener;
	pid_t listener_pid;
	struct address server;
	size_t tx, rx; /* what the client will send and receive */
	int gate[2];
};

typedef void (*role)(const struct duo *duo);

/* The server is this process, the client its child. @signal: how the client ends, 0: well. */
void duo_run_sized(const struct run *run, role client, role server, int signal, size_t tx,
		   size_t rx);

/* The same, with 100 bytes and 200. Both end well. */
void duo_run(const struct run *run, role client, role server);

/* The client connects to the server. */
struct connection duo_connect(const struct duo *duo, int flags);

/* The server accepts its client. */
struct connection duo_accept(const struct duo *duo);

/* Send and receive what there is, then close: before the other or after it. */
void client_closes_first(const struct duo *duo);
void client_closes_second(const struct duo *duo);
void serve_and_close_first(const struct duo *duo);
void serve_and_close_second(const struct duo *duo);

#endif

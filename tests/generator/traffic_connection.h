/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections, and the records of them that are expected. */
#ifndef GENERATOR_TRAFFIC_CONNECTION_H
#define GENERATOR_TRAFFIC_CONNECTION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/generator/address.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_expect.h"

struct connection {
	int fd;
	struct ends ends;
	uint64_t tx, rx; /* payload so far, bytes */
};

/* Calls connect() and waits for its end; returns its errno. */
int try_connect(int fd, const struct address *to);

/* @fd has connected to @to: a connect record is expected. */
struct connection connected(int fd, const struct address *to);

/* Connects, and a record of that is expected. @flags: SOCK_NONBLOCK for a connect that goes on in
 * the background. */
struct connection connect_to(const struct run *run, const struct address *to, int flags);

/* Accepts; no record of it is expected. */
struct connection accept_quietly(int listener);

/* Accepts, and a record of that is expected. */
struct connection accept_from(int listener, pid_t listener_pid);

/* The same for a connection that somebody else will use: which thread accepted is certain only if
 * it is the first to use it. */
struct connection accept_for_another(int listener, pid_t listener_pid);

/* All @n of them; counted. */
void send_bytes(struct connection *connection, size_t n);
void recv_bytes(struct connection *connection, size_t n);

/* Waits for the peer's FIN (@error 0) or for an error. */
void recv_end(struct connection *connection, int error);

/* The close of @fd will send an RST. */
void linger_reset(int fd);

/* Only says what will come. @by: local, remote or reset; @extra: further keys with a comma. */
void expect_close(const struct connection *connection, const struct who *who, const char *by,
		  const char *extra);

/* Closes what this process has made, with its record: @by as above. */
void close_as(struct connection *connection, const char *by);

/* The same for a connection that is older than the tool: which thread made it is not known. */
void close_old(struct connection *connection, const char *by);

/* The same for what another process connected or accepted. */
void close_inherited(struct connection *connection, const char *by);

#endif

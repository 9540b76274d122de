// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

int try_connect(int fd, const struct address *to)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int error;
	socklen_t length = sizeof(error);

	if (!connect(fd, &to->any, to->length))
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&wait, 1, -1) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		die("poll");
	return error;
}

struct connection connected(int fd, const struct address *to)
{
	struct who who = who_self();
	struct connection connection = {.fd = fd, .ends = ends_of(fd, to)};

	expect("connect", &who, &connection.ends,
	       "\"error\":null,\"owner_src\":\"connect\",\"latency_ns\":{\"min\":1}");
	return connection;
}

struct connection connect_to(const struct run *run, const struct address *to, int flags)
{
	int fd = new_socket(run, flags);

	if ((errno = try_connect(fd, to)))
		die("connect");
	if (flags && fcntl(fd, F_SETFL, 0))
		die("fcntl");
	return connected(fd, to);
}

struct connection accept_quietly(int listener)
{
	struct connection connection = {.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)};

	if (connection.fd < 0)
		die("accept");
	connection.ends = ends_of(connection.fd, NULL);
	return connection;
}

struct connection accept_from(int listener, pid_t listener_pid)
{
	struct who who = who_self();
	struct connection connection = accept_quietly(listener);

	expect("accept", &who, &connection.ends, "\"listener_pid\":%d", listener_pid);
	return connection;
}

struct connection accept_for_another(int listener, pid_t listener_pid)
{
	struct who who = who_self();
	struct connection connection = accept_quietly(listener);

	who.tid = 0;
	expect("accept", &who, &connection.ends, "\"listener_pid\":%d", listener_pid);
	return connection;
}

void send_bytes(struct connection *connection, size_t n)
{
	static const char data[65536];

	while (n > 0) {
		ssize_t sent = send(connection->fd, data, n < sizeof(data) ? n : sizeof(data), 0);

		if (sent <= 0)
			die("send");
		connection->tx += (uint64_t)sent;
		n -= (size_t)sent;
	}
}

void recv_bytes(struct connection *connection, size_t n)
{
	char data[65536];

	while (n > 0) {
		ssize_t got = recv(connection->fd, data, n < sizeof(data) ? n : sizeof(data), 0);

		if (got <= 0)
			die("recv: %zd", got);
		connection->rx += (uint64_t)got;
		n -= (size_t)got;
	}
}

void recv_end(struct connection *connection, int error)
{
	char byte;
	ssize_t got = recv(connection->fd, &byte, 1, 0);

	if (error ? got != -1 || errno != error : got != 0)
		die("recv: %zd instead of the end", got);
}

void linger_reset(int fd)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		die("SO_LINGER");
}

void expect_close(const struct connection *connection, const struct who *who, const char *by,
		  const char *extra)
{
	const char *error = !strcmp(by, "reset")    ? ",\"error\":\"ECONNRESET\""
			    : !strcmp(by, "remote") ? ",\"error\":null"
						    : "";

	expect("close", who, &connection->ends,
	       "\"tx_bytes\":%lu,\"rx_bytes\":%lu,\"closed_by\":\"%s\"%s%s", connection->tx,
	       connection->rx, by, error, extra);
}

void close_as(struct connection *connection, const char *by)
{
	struct who who = who_self();

	expect_close(connection, &who, by, "");
	if (close(connection->fd))
		die("close");
}

void close_old(struct connection *connection, const char *by)
{
	struct who who = who_self();

	who.tid = 0;
	expect_close(connection, &who, by, "");
	if (close(connection->fd))
		die("close");
}

void close_inherited(struct connection *connection, const char *by)
{
	struct who who = who_self();

	expect_close(connection, &who, by, ",\"owner_src\":\"close\"");
	if (close(connection->fd))
		die("close");
}

// SPDX-License-Identifier: GPL-2.0-only
/* How much goes over a connection, and how it ends. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/die.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"

static void client_resets(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	linger_reset(connection.fd);
	close_as(&connection, "local");
}

static void serve_until_reset(const struct duo *duo)
{
	struct connection connection = duo_accept(duo);

	recv_bytes(&connection, duo->tx);
	send_bytes(&connection, duo->rx);
	recv_end(&connection, ECONNRESET);
	close_as(&connection, "reset");
}

static void client_until_reset(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	recv_end(&connection, ECONNRESET);
	close_as(&connection, "reset");
}

static void serve_and_reset(const struct duo *duo)
{
	struct connection connection = duo_accept(duo);

	recv_bytes(&connection, duo->tx);
	send_bytes(&connection, duo->rx);
	linger_reset(connection.fd);
	close_as(&connection, "local");
}

static void scenario_reset(const struct run *run)
{
	duo_run(run, client_resets, serve_until_reset);
	duo_run(run, client_until_reset, serve_and_reset);
}

/* Closing with unread data sends an RST. How much was "received" is a matter of taste there. */
static void serve_and_close_unread(const struct duo *duo)
{
	struct who who = who_self();
	struct connection connection = duo_accept(duo);
	struct pollfd wait = {.fd = connection.fd, .events = POLLIN};
	int unread = 0;

	while ((size_t)unread < duo->tx) {
		if (poll(&wait, 1, 1000) != 1 || ioctl(connection.fd, FIONREAD, &unread))
			die("poll");
	}
	expect("close", &who, &connection.ends, "\"tx_bytes\":0,\"closed_by\":\"local\"");
	close(connection.fd);
}

static void scenario_unread(const struct run *run)
{
	duo_run_sized(run, client_until_reset, serve_and_close_unread, 0, 1000, 0);
}

static void client_half_closes(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	if (shutdown(connection.fd, SHUT_WR))
		die("shutdown");
	recv_bytes(&connection, duo->rx);
	recv_end(&connection, 0);
	close_as(&connection, "local");
}

static void serve_after_half_close(const struct duo *duo)
{
	struct connection connection = duo_accept(duo);

	recv_bytes(&connection, duo->tx);
	recv_end(&connection, 0);
	send_bytes(&connection, duo->rx);
	close_as(&connection, "remote");
}

static void scenario_half_close(const struct run *run)
{
	duo_run_sized(run, client_half_closes, serve_after_half_close, 0, 1000, 50000);
}

/* Sizes from nothing to megabytes; argument: the seed. */
static void scenario_bytes(const struct run *run)
{
	static const size_t fixed[][2] = {
		{0, 0}, {1, 0}, {0, 1}, {1460, 65536}, {5000123, 3000077}};
	unsigned int seed = (unsigned int)strtoul(argument(run, 0), NULL, 10);

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		duo_run_sized(run, client_closes_first, serve_and_close_second, 0, fixed[i][0],
			      fixed[i][1]);
	for (int i = 0; i < 5; i++) {
		size_t tx = (size_t)rand_r(&seed) % 300000, rx = (size_t)rand_r(&seed) % 300000;

		if (i % 2)
			duo_run_sized(run, client_closes_first, serve_and_close_second, 0, tx, rx);
		else
			duo_run_sized(run, client_closes_second, serve_and_close_first, 0, tx, rx);
	}
}

static void client_exits(const struct duo *duo)
{
	struct who who = who_self();
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	expect_close(&connection, &who, "local", "");
	_exit(0);
}

static void client_is_killed(const struct duo *duo)
{
	struct who who = who_self();
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	expect_close(&connection, &who, "local", "");
	raise(SIGKILL);
}

static void scenario_exit(const struct run *run)
{
	duo_run(run, client_exits, serve_and_close_second);
}

static void scenario_killed(const struct run *run)
{
	duo_run_sized(run, client_is_killed, serve_and_close_second, SIGKILL, 100, 200);
}

const struct scenario traffic_end[] = {
	{"bytes", scenario_bytes},
	{"exit", scenario_exit},
	{"half-close", scenario_half_close},
	{"killed", scenario_killed},
	{"reset", scenario_reset},
	{"unread", scenario_unread},
	{},
};

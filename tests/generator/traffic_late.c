// SPDX-License-Identifier: GPL-2.0-only
/* Connections that are accepted late or never. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"

static void client_waits_for_reset(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	gate_open(duo->gate);
	recv_end(&connection, ECONNRESET);
	close_as(&connection, "reset");
}

/* A connection that sits in the backlog, taken from the client's end turned round. */
static struct connection backlogged(const struct duo *duo)
{
	struct connection connection = {.fd = -1, .rx = duo->tx};

	connection.ends.lport = address_port(&duo->server);
	address_text(&duo->server, connection.ends.laddr);
	memcpy(connection.ends.raddr, connection.ends.laddr, sizeof(connection.ends.raddr));
	return connection;
}

/* Nobody ever accepts; the listener's end cuts the connection. */
static void serve_nobody(const struct duo *duo)
{
	struct who who = who_self();
	struct connection waiting = backlogged(duo);

	gate_wait(duo->gate);
	expect("accept", &who, &waiting.ends, "\"owner_src\":\"listen\",\"listener_pid\":%d",
	       getpid());
	phase("waiting");
	expect_close(&waiting, &who, "local", ",\"owner_src\":\"listen\"");
	close(duo->listener);
}

static void scenario_backlog(const struct run *run)
{
	duo_run(run, client_waits_for_reset, serve_nobody);
}

static void client_waits_for_end(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	gate_open(duo->gate);
	recv_bytes(&connection, duo->rx);
	recv_end(&connection, 0);
	close_as(&connection, "remote");
}

/* A worker accepts when the record has gone out with the listener: close has the final word. */
static void serve_late(const struct duo *duo)
{
	struct who who = who_self();
	struct connection connection = backlogged(duo);
	pid_t child;

	gate_wait(duo->gate);
	expect("accept", &who, &connection.ends, "\"owner_src\":\"listen\",\"listener_pid\":%d",
	       getpid());
	phase("waiting");
	child = spawn();
	if (child == 0) {
		connection = accept_quietly(duo->listener);
		recv_bytes(&connection, duo->tx);
		send_bytes(&connection, duo->rx);
		close_as(&connection, "local");
		_exit(0);
	}
	reap(child, 0);
}

static void scenario_late(const struct run *run)
{
	duo_run(run, client_waits_for_end, serve_late);
}

const struct scenario traffic_late[] = {
	{"backlog", scenario_backlog},
	{"late", scenario_late},
	{},
};

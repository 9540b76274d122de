// SPDX-License-Identifier: GPL-2.0-only
/* Sockets handed on, to a child or to another program. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"

/* The child, which waits at the gate, goes on alone, to its end. */
static void leave_to(pid_t child, const struct connection *connection, const int gate[2])
{
	close(connection->fd);
	gate_open(gate);
	reap(child, 0);
}

/* The parent accepts, its child serves and closes. */
static void serve_by_child(const struct duo *duo)
{
	struct connection connection = accept_for_another(duo->listener, duo->listener_pid);
	int gate[2];
	pid_t child;

	gate_new(gate);
	child = spawn();
	if (child == 0) {
		close(duo->listener);
		gate_wait(gate); /* until the parent's descriptor is gone */
		recv_bytes(&connection, duo->tx);
		send_bytes(&connection, duo->rx);
		recv_end(&connection, 0);
		close_inherited(&connection, "remote");
		_exit(0);
	}
	leave_to(child, &connection, gate);
}

static void scenario_fork_server(const struct run *run)
{
	duo_run(run, client_closes_first, serve_by_child);
}

/* The parent connects, its child uses and closes. */
static void client_by_child(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);
	int gate[2];
	pid_t child;

	gate_new(gate);
	child = spawn();
	if (child == 0) {
		gate_wait(gate);
		send_bytes(&connection, duo->tx);
		recv_bytes(&connection, duo->rx);
		close_inherited(&connection, "local");
		_exit(0);
	}
	leave_to(child, &connection, gate);
}

static void scenario_fork_client(const struct run *run)
{
	duo_run(run, client_by_child, serve_and_close_second);
}

/* The child uses the connection and ends; the parent, who made it, closes it. */
static void client_lends_to_child(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);
	pid_t child = spawn();

	if (child == 0) {
		send_bytes(&connection, duo->tx);
		recv_bytes(&connection, duo->rx);
		_exit(0);
	}
	reap(child, 0);
	connection.tx = duo->tx;
	connection.rx = duo->rx;
	close_as(&connection, "local");
}

static void scenario_lent(const struct run *run)
{
	duo_run(run, client_lends_to_child, serve_and_close_second);
}

/* Runs `heir` from another file, with the connection's descriptor and what is known of it.
 * @same: the process that made the connection is the one that goes on as the heir. */
static void exec_heir(const char *path, const struct connection *connection, bool same)
{
	const struct ends *ends = &connection->ends;
	char fd[16], lport[8], rport[8], cookie[24];

	snprintf(fd, sizeof(fd), "%d", dup(connection->fd)); /* without O_CLOEXEC */
	snprintf(lport, sizeof(lport), "%u", ends->lport);
	snprintf(rport, sizeof(rport), "%u", ends->rport);
	snprintf(cookie, sizeof(cookie), "%lu", ends->cookie);
	execl(path, path, "heir", fd, ends->laddr, lport, ends->raddr, rport, cookie,
	      same ? "same" : "other", NULL);
	die("exec %s", path);
}

/* Was executed with a socket that it did not make: serves and closes. */
static void scenario_heir(const struct run *run)
{
	struct who who = who_self();
	bool same = !strcmp(argument(run, 6), "same");
	struct connection connection = {
		.fd = atoi(argument(run, 0)),
		.ends = {.lport = (uint16_t)atoi(argument(run, 2)),
			 .rport = (uint16_t)atoi(argument(run, 4)),
			 .cookie = strtoull(argument(run, 5), NULL, 10)},
	};

	snprintf(connection.ends.laddr, sizeof(connection.ends.laddr), "%s", argument(run, 1));
	snprintf(connection.ends.raddr, sizeof(connection.ends.raddr), "%s", argument(run, 3));
	send_bytes(&connection, 5);
	recv_bytes(&connection, 7);
	if (same) { /* which of its two names is printed is left open */
		who.exe.path[0] = '\0';
		who.comm[0] = '\0';
	}
	expect_close(&connection, &who, "local", same ? "" : ",\"owner_src\":\"close\"");
	if (close(connection.fd))
		die("close");
}

static void talk_to_heir(struct connection *connection)
{
	recv_bytes(connection, 5);
	send_bytes(connection, 7);
	recv_end(connection, 0);
	close_as(connection, "remote");
}

static void client_becomes_heir(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	exec_heir(argument(duo->run, 0), &connection, true);
}

static void serve_heir(const struct duo *duo)
{
	struct connection connection = duo_accept(duo);

	talk_to_heir(&connection);
}

static void client_of_heir(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	talk_to_heir(&connection);
}

/* As inetd does it: accept, fork, exec. */
static void serve_by_heir(const struct duo *duo)
{
	struct connection connection = accept_for_another(duo->listener, duo->listener_pid);
	int gate[2];
	pid_t child;

	gate_new(gate);
	child = spawn();
	if (child == 0) {
		gate_wait(gate);
		exec_heir(argument(duo->run, 0), &connection, false);
	}
	leave_to(child, &connection, gate);
}

/* Argument: a copy of this program under another name. */
static void scenario_exec(const struct run *run)
{
	duo_run(run, client_becomes_heir, serve_heir);
	duo_run(run, client_of_heir, serve_by_heir);
}

const struct scenario traffic_handed[] = {
	{"exec", scenario_exec},
	{"fork-client", scenario_fork_client},
	{"fork-server", scenario_fork_server},
	{"heir", scenario_heir},
	{"lent", scenario_lent},
	{},
};

// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_socket.h"

void duo_run_sized(const struct run *run, role client, role server, int signal, size_t tx,
		   size_t rx)
{
	struct duo duo = {.run = run, .listener_pid = getpid(), .tx = tx, .rx = rx};
	pid_t child;

	gate_new(duo.gate);
	duo.listener = listen_on(run, 16, &duo.server);
	child = spawn();
	if (child == 0) {
		close(duo.listener);
		client(&duo);
		_exit(0);
	}
	server(&duo);
	reap(child, signal);
	close(duo.listener);
	close(duo.gate[0]);
	close(duo.gate[1]);
}

void duo_run(const struct run *run, role client, role server)
{
	duo_run_sized(run, client, server, 0, 100, 200);
}

struct connection duo_connect(const struct duo *duo, int flags)
{
	return connect_to(duo->run, &duo->server, flags);
}

struct connection duo_accept(const struct duo *duo)
{
	return accept_from(duo->listener, duo->listener_pid);
}

void client_closes_first(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	close_as(&connection, "local");
}

void client_closes_second(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, 0);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	recv_end(&connection, 0);
	close_as(&connection, "remote");
}

void serve_and_close_first(const struct duo *duo)
{
	struct connection connection = duo_accept(duo);

	recv_bytes(&connection, duo->tx);
	send_bytes(&connection, duo->rx);
	close_as(&connection, "local");
}

void serve_and_close_second(const struct duo *duo)
{
	struct connection connection = duo_accept(duo);

	recv_bytes(&connection, duo->tx);
	send_bytes(&connection, duo->rx);
	recv_end(&connection, 0);
	close_as(&connection, "remote");
}

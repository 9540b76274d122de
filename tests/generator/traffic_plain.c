// SPDX-License-Identifier: GPL-2.0-only
/* One client, one server, and nothing out of the ordinary. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

static void client_nonblock(const struct duo *duo)
{
	struct connection connection = duo_connect(duo, SOCK_NONBLOCK);

	send_bytes(&connection, duo->tx);
	recv_bytes(&connection, duo->rx);
	close_as(&connection, "local");
}

static void scenario_connect(const struct run *run)
{
	duo_run(run, client_closes_first, serve_and_close_second);
}

static void scenario_nonblock(const struct run *run)
{
	duo_run(run, client_nonblock, serve_and_close_second);
}

static void scenario_server_first(const struct run *run)
{
	duo_run(run, client_closes_second, serve_and_close_first);
}

/* As connect, but first the test has its turn: the process is known, nothing is open. */
static void scenario_gated(const struct run *run)
{
	phase("idle");
	scenario_connect(run);
}

/* Somebody else listens, and connects: only what this process accepts and closes is expected. At
 * "phase accepted" it has received, and the connection is open. */
static void scenario_guest(const struct run *run)
{
	struct address server;
	int listener = reserve(run, 0, &server), begin[2], listens[2];
	struct connection connection = {};
	pid_t host;

	gate_new(begin);
	gate_new(listens);
	host = spawn();
	if (host == 0) {
		gate_wait(begin);
		if (listen(listener, 5))
			die("listen");
		gate_open(listens);
		connection.fd = new_socket(run, 0);
		if (try_connect(connection.fd, &server))
			die("connect");
		send_bytes(&connection, 100);
		recv_end(&connection, 0);
		_exit(0);
	}
	phase("idle");
	usleep(1300000); /* long after what the tool saw last */
	gate_open(begin);
	gate_wait(listens);
	connection = accept_from(listener, host);
	recv_bytes(&connection, 100);
	phase("accepted");
	close_as(&connection, "local");
	reap(host, 0);
	close(listener);
}

/* The command line, word by word, in the connect record of the process that was executed. */
static void scenario_args(const struct run *run)
{
	struct who who = who_self();
	struct address server;
	int listener = listen_on(run, 1, &server);
	int fd = new_socket(run, 0);
	struct connection connection, accepted;
	struct line args = {};

	for (char *const *arg = run->command_line; *arg; arg++) {
		line_add(&args, arg == run->command_line ? "[" : ",");
		line_string(&args, *arg);
	}
	if (connect(fd, &server.any, server.length))
		die("connect");
	connection = (struct connection){.fd = fd, .ends = ends_of(fd, &server)};
	expect("connect", &who, &connection.ends,
	       "\"error\":null,\"name_src\":\"exec\",\"args\":%s]", args.text);
	accepted = accept_from(listener, getpid());
	close_as(&connection, "local");
	recv_end(&accepted, 0);
	close_as(&accepted, "remote");
	close(listener);
}

const struct scenario traffic_plain[] = {
	{"args", scenario_args},
	{"connect", scenario_connect},
	{"gated", scenario_gated},
	{"guest", scenario_guest},
	{"nonblock", scenario_nonblock},
	{"server-first", scenario_server_first},
	{},
};

// SPDX-License-Identifier: GPL-2.0-only
/* Two network namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

static void enter_netns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("setns %s", path);
	close(fd);
}

/* Server in the namespace of argument 0 with the address of argument 1, client here. */
static void scenario_two_netns(const struct run *run)
{
	struct address server = address_of(run->mode, argument(run, 1), 8080), bound;
	struct connection connection;
	int gate[2];
	pid_t child;

	gate_new(gate);
	child = spawn();
	if (child == 0) {
		struct run there = *run;
		struct duo duo = {.run = &there, .listener_pid = getpid(), .tx = 100, .rx = 200};
		struct ends ends = {.lport = 8080};
		struct who who;

		enter_netns(argument(run, 0));
		who = who_self();
		duo.listener = new_socket(run, 0);
		bound = server;
		bind_to(duo.listener, &bound);
		if (listen(duo.listener, 5))
			die("listen");
		address_text(&bound, ends.laddr);
		ends.cookie = cookie_of(duo.listener);
		expect("listen", &who, &ends, "\"backlog\":5");
		gate_open(gate);
		serve_and_close_second(&duo);
		_exit(0);
	}
	gate_wait(gate);
	connection = connect_to(run, &server, 0);
	send_bytes(&connection, 100);
	recv_bytes(&connection, 200);
	close_as(&connection, "local");
	reap(child, 0);
}

/* A socket belongs to the namespace that it was made in, not to the one its process is in. */
static void scenario_setns(const struct run *run)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct address server;
	struct who there;
	struct connection client, accepted;
	int listener, fd;
	struct ends ends = {};

	if (here < 0)
		die("open netns");
	enter_netns(argument(run, 0));
	there = who_self();
	listener = reserve(run, 0, &server);
	fd = new_socket(run, 0);
	if (setns(here, CLONE_NEWNET))
		die("setns");
	close(here);
	if (listen(listener, 7) || try_connect(fd, &server))
		die("connect");
	address_text(&server, ends.laddr);
	ends.lport = address_port(&server);
	ends.cookie = cookie_of(listener);
	expect("listen", &there, &ends, "\"backlog\":7");
	client = (struct connection){.fd = fd, .ends = ends_of(fd, &server)};
	expect("connect", &there, &client.ends, "\"error\":null");
	accepted = accept_quietly(listener);
	expect("accept", &there, &accepted.ends, "\"listener_pid\":%d", getpid());
	expect_close(&client, &there, "local", "");
	close(client.fd);
	recv_end(&accepted, 0);
	expect_close(&accepted, &there, "remote", "");
	close(accepted.fd);
	close(listener);
}

/* The peer goes away without a word: TCP_USER_TIMEOUT ends the connection. Arguments as above;
 * at "phase cut" the test has the packets dropped. Only the client's namespace is looked at. */
static void scenario_user_timeout(const struct run *run)
{
	struct address server = address_of(run->mode, argument(run, 1), 8081);
	struct connection connection;
	struct who who = who_self();
	int gate[2], end[2], error;
	struct pollfd wait = {};
	pid_t child;

	gate_new(gate);
	gate_new(end);
	child = spawn();
	if (child == 0) {
		int listener, fd;

		enter_netns(argument(run, 0));
		listener = new_socket(run, 0);
		bind_to(listener, &server);
		if (listen(listener, 5))
			die("listen");
		gate_open(gate);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			die("accept");
		gate_wait(end);
		linger_reset(fd);
		_exit(0);
	}
	gate_wait(gate);
	connection = connect_to(run, &server, 0);
	set_option(connection.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 600);
	phase("cut");
	send_bytes(&connection, 10);
	wait.fd = connection.fd;
	if (poll(&wait, 1, -1) != 1)
		die("poll");
	error = recv(connection.fd, &error, 1, 0) < 0 ? errno : 0;
	if (error != ETIMEDOUT)
		die("error %s", strerrorname_np(error));
	expect("close", &who, &connection.ends,
	       "\"closed_by\":null,\"error\":\"ETIMEDOUT\",\"tx_bytes\":10,\"rx_bytes\":0,"
	       "\"retransmits\":{\"min\":1}");
	close(connection.fd);
	gate_open(end);
	reap(child, 0);
}

const struct scenario traffic_netns[] = {
	{"setns", scenario_setns},
	{"two-netns", scenario_two_netns},
	{"user-timeout", scenario_user_timeout},
	{},
};

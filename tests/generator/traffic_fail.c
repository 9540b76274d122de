// SPDX-License-Identifier: GPL-2.0-only
/* Connects that fail, and sockets that connect again. */
#include <errno.h>
#include <linux/sched.h> /* struct clone_args */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

#define ABORTED (-1) /* as an error: the caller gives up */

/* @bound: the local port is known beforehand. @seconds: how long it has to take, 0: not long. */
static void connect_fails(const struct run *run, const struct address *to, int flags, bool bound,
			  int error, unsigned int seconds)
{
	struct who who = who_self();
	int fd = new_socket(run, flags);
	struct ends ends = {.rport = address_port(to), .cookie = cookie_of(fd)};
	char limits[64];
	int got;

	if (bound) {
		struct address local = address_of(run->mode, NULL, 0);

		bind_to(fd, &local);
		ends = ends_of(fd, to);
	}
	address_text(to, ends.raddr);
	set_option(fd, IPPROTO_TCP, TCP_SYNCNT, seconds ? 1 : 3);
	if (error == ABORTED) {
		if (!connect(fd, &to->any, to->length) || errno != EINPROGRESS)
			die("connect in progress");
	} else {
		got = try_connect(fd, to);
		if (got != error)
			die("connect: %s instead of %s", strerrorname_np(got),
			    strerrorname_np(error));
	}
	snprintf(limits, sizeof(limits), "{\"min\":%lu,\"max\":%lu}",
		 seconds ? seconds * 1000000000UL - 200000000 : 1,
		 (seconds ? seconds + 2UL : 4) * 1000000000);
	expect("connect", &who, &ends, "\"owner_src\":\"connect\",\"error\":\"%s\"%s%s%s",
	       error == ABORTED ? "ECONNABORTED" : strerrorname_np(error),
	       error == ENETUNREACH || bound ? "" : ",\"lport\":{\"min\":1}",
	       error == ENETUNREACH ? "" : ",\"latency_ns\":", error == ENETUNREACH ? "" : limits);
	close(fd);
}

static void scenario_refused(const struct run *run)
{
	struct address to;
	int reserved = reserve(run, run->port, &to);

	connect_fails(run, &to, 0, true, ECONNREFUSED, 0);
	connect_fails(run, &to, 0, false, ECONNREFUSED, 0);
	connect_fails(run, &to, SOCK_NONBLOCK, true, ECONNREFUSED, 0);
	connect_fails(run, &to, SOCK_NONBLOCK, false, ECONNREFUSED, 0);
	close(reserved);
}

/* A child that is refused and ends, and another with the same process id that is refused, too: only
 * the first is expected. At "phase idle" its id has been written to stderr. */
static void scenario_reused(const struct run *run)
{
	pid_t pid;
	struct clone_args clone_args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};
	struct address to;
	int reserved = reserve(run, 0, &to), gate[2];

	gate_new(gate);
	pid = spawn();
	if (pid == 0) {
		gate_wait(gate);
		connect_fails(run, &to, 0, true, ECONNREFUSED, 0);
		_exit(0);
	}
	dprintf(STDERR_FILENO, "pid %d\n", pid);
	phase("idle");
	gate_open(gate);
	reap(pid, 0);
	if (syscall(SYS_clone3, &clone_args, sizeof(clone_args)) == 0) {
		if (try_connect(new_socket(run, 0), &to) != ECONNREFUSED)
			die("not refused");
		_exit(0);
	}
	reap(pid, 0);
	close(reserved);
}

/* Arguments: an address that swallows everything. One process waits, another polls. */
static void scenario_timeout(const struct run *run)
{
	struct address to = address_of(run->mode, argument(run, 0), 80);
	pid_t child = spawn();

	connect_fails(run, &to, child ? 0 : SOCK_NONBLOCK, false, ETIMEDOUT, 3);
	if (child == 0)
		_exit(0);
	reap(child, 0);
}

/* Arguments: address, errno name. With no route there is no local port, and no SYN. */
static void scenario_unreachable(const struct run *run)
{
	struct address to = address_of(run->mode, argument(run, 0), 80);
	int error = strcmp(argument(run, 1), "ENETUNREACH") ? EHOSTUNREACH : ENETUNREACH;
	struct who who = who_self();

	for (int i = 0; i < 2; i++) {
		int fd = new_socket(run, i ? SOCK_NONBLOCK : 0);
		struct ends ends = {.rport = address_port(&to), .cookie = cookie_of(fd)};

		address_text(&to, ends.raddr);
		if (try_connect(fd, &to) != error)
			die("connect: not %s", argument(run, 1));
		expect("connect", &who, &ends, "\"owner_src\":\"connect\",\"error\":\"%s\"",
		       strerrorname_np(error));
		close(fd);
	}
}

/* Arguments: an address that swallows everything. Given up by close, exit and SIGKILL. */
static void scenario_aborted(const struct run *run)
{
	struct address to = address_of(run->mode, argument(run, 0), 80);
	struct who who;
	pid_t child;

	connect_fails(run, &to, SOCK_NONBLOCK, false, ABORTED, 0);
	for (int killed = 0; killed < 2; killed++) {
		child = spawn();
		if (child == 0) {
			int fd = new_socket(run, killed ? 0 : SOCK_NONBLOCK);
			struct ends ends = {.rport = 80, .cookie = cookie_of(fd)};

			address_text(&to, ends.raddr);
			who = who_self();
			expect("connect", &who, &ends,
			       "\"error\":\"ECONNABORTED\",\"lport\":{\"min\":1}");
			connect(fd, &to.any, to.length);
			_exit(0);
		}
		if (killed) {
			wait_for_syscall(child, SYS_connect, SYS_connect);
			kill(child, SIGKILL);
		}
		reap(child, killed ? SIGKILL : 0);
	}
}

/* One socket: refused, then made, then cut by connect(AF_UNSPEC), then made again. */
static void scenario_again(const struct run *run)
{
	struct sockaddr nothing = {.sa_family = AF_UNSPEC};
	struct who who = who_self();
	struct address to;
	int reserved = reserve(run, 0, &to);
	int fd = new_socket(run, 0);
	struct run same_port = *run;
	struct ends ends = {.rport = address_port(&to), .cookie = cookie_of(fd)};
	struct connection client, server;
	int listener;

	address_text(&to, ends.raddr);
	if (try_connect(fd, &to) != ECONNREFUSED)
		die("not refused");
	expect("connect", &who, &ends, "\"error\":\"ECONNREFUSED\"");
	close(reserved);
	same_port.port = address_port(&to);
	listener = listen_on(&same_port, 4, &to);
	for (int i = 0; i < 2; i++) {
		if (try_connect(fd, &to))
			die("connect");
		client = connected(fd, &to);
		server = accept_from(listener, getpid());
		send_bytes(&client, 10);
		recv_bytes(&server, 10);
		if (i == 0) {
			expect_close(&client, &who, "local", "");
			if (connect(fd, &nothing, sizeof(nothing)))
				die("disconnect");
			recv_end(&server, ECONNRESET);
			close_as(&server, "reset");
		} else {
			close_as(&client, "local");
			recv_end(&server, 0);
			close_as(&server, "remote");
		}
	}
	close(listener);
}

/* Argument: an address without a route. One socket: refused, then no route, twice. */
static void scenario_refused_again(const struct run *run)
{
	struct address reserved, far = address_of(run->mode, argument(run, 0), 80);
	int nobody = reserve(run, 0, &reserved), fd = new_socket(run, 0);
	struct who who = who_self();

	for (int i = 0; i < 4; i++) {
		const struct address *to = i & 1 ? &far : &reserved;
		int error = i & 1 ? ENETUNREACH : ECONNREFUSED;
		struct ends ends = {.rport = address_port(to), .cookie = cookie_of(fd)};

		address_text(to, ends.raddr);
		if (try_connect(fd, to) != error)
			die("connect: not %s", strerrorname_np(error));
		expect("connect", &who, &ends, "\"owner_src\":\"connect\",\"error\":\"%s\"",
		       strerrorname_np(error));
	}
	close(fd);
	close(nobody);
}

/* A socket that connects to itself: both ends in one, a connect and no accept. */
static void scenario_self(const struct run *run)
{
	struct address self;
	int fd = reserve(run, 0, &self);
	struct connection connection;

	if (try_connect(fd, &self))
		die("connect");
	connection = connected(fd, &self);
	send_bytes(&connection, 50);
	recv_bytes(&connection, 50);
	close_as(&connection, "local");
}

const struct scenario traffic_fail[] = {
	{"aborted", scenario_aborted},
	{"again", scenario_again},
	{"refused", scenario_refused},
	{"refused-again", scenario_refused_again},
	{"reused", scenario_reused},
	{"self", scenario_self},
	{"timeout", scenario_timeout},
	{"unreachable", scenario_unreachable},
	{},
};

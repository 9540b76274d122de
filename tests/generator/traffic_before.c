// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that are older than the tool. */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
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

/* A worker is asleep in accept, on its master's listener, before the tool starts. */
static void scenario_blocked(const struct run *run)
{
	struct duo duo = {.run = run, .listener_pid = getpid(), .tx = 100, .rx = 200};
	pid_t worker;

	duo.listener = quiet_listener(run, 16, &duo.server);
	worker = spawn();
	if (worker == 0) {
		serve_and_close_second(&duo);
		_exit(0);
	}
	wait_for_syscall(worker, SYS_accept, SYS_accept4);
	phase("blocked");
	client_closes_first(&duo);
	reap(worker, 0);
	close(duo.listener);
}

/* A connected pair, made without any record. Bytes sent before count at the close as well. */
static void quiet_pair(const struct run *run, int listener, const struct address *server,
		       struct connection *ret_client, struct connection *ret_accepted)
{
	struct connection client = {.fd = new_socket(run, 0)}, accepted;

	if (try_connect(client.fd, server))
		die("connect");
	client.ends = ends_of(client.fd, server);
	accepted = accept_quietly(listener);
	send_bytes(&client, 11);
	recv_bytes(&accepted, 11);
	*ret_client = client;
	*ret_accepted = accepted;
}

/* One process holds the client's end, another one the server's; both close afterwards. */
static void scenario_established(const struct run *run)
{
	struct address server;
	int listener = quiet_listener(run, 16, &server);
	struct connection client, accepted;
	int gate[2];
	pid_t child;

	quiet_pair(run, listener, &server, &client, &accepted);
	gate_new(gate);
	child = spawn();
	if (child == 0) {
		close(client.fd);
		close(listener);
		gate_wait(gate);
		recv_end(&accepted, 0);
		close_old(&accepted, "remote");
		_exit(0);
	}
	close(accepted.fd);
	phase("established");
	close_old(&client, "local");
	gate_open(gate);
	reap(child, 0);
	close(listener);
}

static void expect_open(const struct who *who, const struct ends *ends, const char *state,
			pid_t other)
{
	char holders[64];

	if (other)
		snprintf(holders, sizeof(holders), "[%d,%d]", who->pid, other);
	else
		snprintf(holders, sizeof(holders), "[%d]", who->pid);
	expect("open", who, ends, "\"state\":{\"re\":\"%s\"},\"holders\":%s", state, holders);
}

/*
 * A listener; a connection that this process holds alone; one whose client end it shares with a
 * child. Prints what a list has to show and waits; with argument "stream", goes on to close all.
 */
static void scenario_open(const struct run *run)
{
	bool stream = run->argc > 0 && !strcmp(run->argv[0], "stream");
	struct who who = who_self();
	struct ends listening = {};
	struct address server;
	int listener = quiet_listener(run, 33, &server);
	struct connection client, accepted, shared, shared_accepted;
	int gate[2];
	pid_t child;

	who.tid = 0; /* an open file has no thread */
	who.comm[0] = '\0';
	gate_new(gate);
	quiet_pair(run, listener, &server, &shared, &shared_accepted);
	child = spawn();
	if (child == 0) {
		close(listener);
		close(shared_accepted.fd);
		gate_wait(gate);
		_exit(0);
	}
	quiet_pair(run, listener, &server, &client, &accepted);
	address_text(&server, listening.laddr);
	listening.lport = address_port(&server);
	listening.cookie = cookie_of(listener);
	/* between fork and close the child held them too */
	wait_for_syscall(child, SYS_read, SYS_read);
	expect_open(&who, &listening, "^LISTEN", 0);
	expect_open(&who, &client.ends, "^ESTAB", 0);
	expect_open(&who, &accepted.ends, "^ESTAB", 0);
	expect_open(&who, &shared.ends, "^ESTAB", child);
	expect_open(&who, &shared_accepted.ends, "^ESTAB", 0);
	phase("open");
	gate_open(gate);
	reap(child, 0);
	if (!stream)
		return;
	close_old(&client, "local");
	recv_end(&accepted, 0);
	close_old(&accepted, "remote");
	close_old(&shared, "local");
	recv_end(&shared_accepted, 0);
	close_old(&shared_accepted, "remote");
	close(listener);
}

/* A connection that nobody has accepted: no process holds its server's end. */
static void scenario_queue(const struct run *run)
{
	struct who who = who_self();
	struct ends listening = {}, ends;
	struct address server;
	int listener = quiet_listener(run, 5, &server), client = new_socket(run, 0);
	struct line line = {};

	if (try_connect(client, &server))
		die("connect");
	who.tid = 0; /* an open file has no thread */
	who.comm[0] = '\0';
	address_text(&server, listening.laddr);
	listening.lport = address_port(&server);
	listening.cookie = cookie_of(listener);
	ends = ends_of(client, &server);
	expect_open(&who, &listening, "^LISTEN", 0);
	expect_open(&who, &ends, "^ESTAB", 0);
	line_add(&line, "{\"type\":\"open\",\"proto\":\"tcp\",\"netns\":%lu", who.netns);
	line_add(&line, ",\"laddr\":\"%s\",\"lport\":%u", ends.raddr, ends.rport);
	line_add(&line, ",\"raddr\":\"%s\",\"rport\":%u", ends.laddr, ends.lport);
	line_add(&line, ",\"pid\":null,\"state\":{\"re\":\"^ESTAB\"}}\n");
	line_print(&line);
	phase("open");
}

#define CHURN_OPEN 24 /* connections that are open at any time */

static void churn_print(const char *what, const struct connection *connection)
{
	struct line line = {};

	line_add(&line, "{\"churn\":\"%s\",\"cookie\":%lu,\"lport\":%u,\"rport\":%u}\n", what,
		 connection->ends.cookie, connection->ends.lport, connection->ends.rport);
	line_print(&line);
}

/*
 * Opens and closes connections all the time, CHURN_OPEN of them open at once, while the tool
 * starts: "phase churn" says that it has begun; a first line on stdin: the tool is ready; a second:
 * end. Prints each end with what has to be known of it: "early" closed before the tool was ready
 * (seen or not), "seen" open at some time afterwards (exactly once, and closed exactly once).
 */
static void scenario_churn(const struct run *run)
{
	struct address server;
	int listener = quiet_listener(run, 64, &server);
	struct connection client[CHURN_OPEN] = {}, accepted[CHURN_OPEN] = {};
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int lines = 0, rest = 500; /* some more when all is said */
	char byte;

	dprintf(STDERR_FILENO, "phase churn\n");
	for (int i = 0; rest > 0; i = (i + 1) % CHURN_OPEN) {
		if (lines < 1 && poll(&input, 1, 0) == 1) {
			if (read(STDIN_FILENO, &byte, 1) != 1)
				die("stdin");
			lines += byte == '\n';
		}
		rest -= lines;
		if (client[i].fd > 0) {
			churn_print(lines ? "seen" : "early", &client[i]);
			churn_print(lines ? "seen" : "early", &accepted[i]);
			close(client[i].fd);
			recv_end(&accepted[i], 0);
			close(accepted[i].fd);
		}
		quiet_pair(run, listener, &server, &client[i], &accepted[i]);
		poll(NULL, 0, 1); /* about a thousand a second: ports do not run out */
	}
	for (int i = 0; i < CHURN_OPEN; i++) {
		churn_print("seen", &client[i]);
		churn_print("seen", &accepted[i]);
		close(client[i].fd);
		recv_end(&accepted[i], 0);
		close(accepted[i].fd);
	}
}

const struct scenario traffic_before[] = {
	{"blocked", scenario_blocked},
	{"churn", scenario_churn},
	{"established", scenario_established},
	{"open", scenario_open},
	{"queue", scenario_queue},
	{},
};

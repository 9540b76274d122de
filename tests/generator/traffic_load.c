// SPDX-License-Identifier: GPL-2.0-only
/* Processes and connections in great numbers. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

static void *twin(void *waiting)
{
	__sync_fetch_and_sub((volatile int *)waiting, 1);
	while (*(volatile int *)waiting)
		sched_yield();
	syscall(SYS_exit, 0); /* this thread alone */
	return NULL;
}

/* Argument: how many processes, of two threads each that exit at the same time. */
static void scenario_twins(const struct run *run)
{
	int count = atoi(argument(run, 0)), waiting = 2;
	pthread_t other;

	for (int i = 0; i < count; i++) {
		if (spawn() == 0) {
			if (pthread_create(&other, NULL, twin, &waiting))
				die("pthread_create");
			twin(&waiting);
		}
		while (waitpid(-1, NULL, i % 64 ? WNOHANG : 0) > 0)
			;
	}
	while (wait(NULL) > 0)
		;
}

/* Argument: how many. Makes and closes connections as fast as one process can, with RST at the end:
 * no port stays in TIME_WAIT. Prints how many connects, accepts and closes there were. */
static void scenario_flood(const struct run *run)
{
	int count = atoi(argument(run, 0));
	struct address server;
	int listener = quiet_listener(run, 64, &server);
	struct line line = {};

	for (int i = 0; i < count; i++) {
		int fd = new_socket(run, 0), accepted;

		linger_reset(fd);
		if (connect(fd, &server.any, server.length))
			die("connect");
		accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (accepted < 0)
			die("accept");
		close(fd);
		close(accepted);
	}
	close(listener);
	line_add(&line, "{\"connect\":%d,\"accept\":%d,\"close\":%d}\n", count, count, 2 * count);
	line_print(&line);
}

/* Arguments: a port, a descriptor to log to. Connects, logs "connect PID LPORT" and is gone. */
static void scenario_burst_client(const struct run *run)
{
	struct address server = address_of(run->mode, NULL, (uint16_t)atoi(argument(run, 0)));
	int log = atoi(argument(run, 1)), fd = new_socket(run, 0);
	struct address local;

	if (connect(fd, &server.any, server.length))
		die("connect");
	local = address_local(fd);
	if (dprintf(log, "connect %d %u\n", getpid(), address_port(&local)) < 0)
		die("log");
}

/* Accepts and closes @count connections; logs "accept PID RPORT". */
static void burst_serve(int listener, int count)
{
	/* what is tested is who accepts, not how long a busy machine lets that wait */
	setpriority(PRIO_PROCESS, 0, -20);
	for (int i = 0; i < count; i++) {
		struct address peer = ADDRESS_UNKNOWN;
		int fd = accept4(listener, &peer.any, &peer.length, SOCK_CLOEXEC);

		if (fd < 0)
			die("accept");
		close(fd);
		if (dprintf(STDOUT_FILENO, "accept %d %u\n", getpid(), address_port(&peer)) < 0)
			die("log");
	}
}

/* Arguments: how many clients, how many at once. Each is a process of its own: fork, exec, connect,
 * exit. stdout is the log: opened for appending by the test. */
static void scenario_burst(const struct run *run)
{
	int count = atoi(argument(run, 0)), jobs = atoi(argument(run, 1)), running = 0;
	struct address server;
	int listener = quiet_listener(run, 1024, &server), status;
	struct who who = who_self();
	char port[8], family[3] = {'-', run->mode, '\0'};
	int standing[2];
	pid_t serving;

	/* a client that comes long before the server is there would find nobody to accept it */
	if (pipe2(standing, O_CLOEXEC) < 0)
		die("pipe2");
	serving = spawn();
	if (serving == 0) {
		close(standing[0]);
		close(standing[1]);
		burst_serve(listener, count);
		_exit(0);
	}
	close(listener);
	close(standing[1]);
	if (read(standing[0], port, 1) != 0)
		die("server");
	close(standing[0]);
	snprintf(port, sizeof(port), "%u", address_port(&server));
	for (int i = 0; i < count; i++) {
		pid_t child = vfork();

		if (child == 0) {
			execl(who.exe.path, who.exe.path, family, "burst-client", port, "1", NULL);
			_exit(1);
		}
		if (child < 0)
			die("vfork");
		if (++running == jobs) {
			if (wait(&status) < 0 || status)
				die("client: wait status %#x", status);
			running--;
		}
	}
	while (running-- > 0) {
		if (wait(&status) < 0 || status)
			die("client or server: wait status %#x", status);
	}
	if (waitpid(serving, &status, 0) == serving && status)
		die("server: wait status %#x", status);
}

const struct scenario traffic_load[] = {
	{"burst", scenario_burst},
	{"burst-client", scenario_burst_client},
	{"flood", scenario_flood},
	{"twins", scenario_twins},
	{},
};

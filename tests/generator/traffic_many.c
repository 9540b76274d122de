// SPDX-License-Identifier: GPL-2.0-only
/* Several servers of one port, and threads. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

#define WORKERS 4
#define CLIENTS 40

/* Serves until it is killed. Every third connection is closed untouched, or all are kept for
 * @keep_ms. */
static void __attribute__((noreturn)) work(int listener, pid_t listener_pid, int keep_ms)
{
	for (int n = 0;; n++) {
		struct connection connection = accept_from(listener, listener_pid);

		if (n % 3 || keep_ms)
			send_bytes(&connection, 10);
		usleep((useconds_t)keep_ms * 1000);
		close_as(&connection, "local");
	}
}

/* Each connection is over on both ends before the next one begins, @pause_ms later. */
static void visit_workers(const struct run *run, const struct address *to, int clients,
			  int pause_ms)
{
	for (int n = 0; n < clients; n++) {
		struct connection connection;
		char data[16];
		ssize_t got;

		usleep((useconds_t)pause_ms * 1000);
		connection = connect_to(run, to, 0);
		while ((got = recv(connection.fd, data, sizeof(data), 0)) > 0)
			connection.rx += (uint64_t)got;
		if (got < 0)
			die("recv");
		close_as(&connection, "remote");
	}
}

static void stop_workers(const pid_t *workers)
{
	for (int i = 0; i < WORKERS; i++) {
		/* asleep in accept: its last connection has been dealt with */
		wait_for_syscall(workers[i], SYS_accept, SYS_accept4);
		kill(workers[i], SIGTERM);
		reap(workers[i], SIGTERM);
	}
}

/* One listener, shared. */
static void prefork(const struct run *run, int clients, int pause_ms, int keep_ms)
{
	struct address server;
	int listener = listen_on(run, 128, &server);
	pid_t master = getpid(), workers[WORKERS], client;

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (workers[i] == 0)
			work(listener, master, keep_ms);
	}
	client = spawn();
	if (client == 0) {
		close(listener);
		visit_workers(run, &server, clients, pause_ms);
		_exit(0);
	}
	reap(client, 0);
	stop_workers(workers);
	close(listener);
}

static void scenario_prefork(const struct run *run)
{
	prefork(run, CLIENTS, 0, 0);
}

/* Long after the last connection, and for longer than an accept record waits. */
static void scenario_prefork_seldom(const struct run *run)
{
	prefork(run, 3, 1300, 200);
}

/* A listener for each worker, all of one port. */
static void scenario_reuseport(const struct run *run)
{
	int reserved = new_socket(run, 0);
	struct address server = address_of(run->mode, NULL, run->port);
	pid_t workers[WORKERS];
	int gate[2];

	gate_new(gate);
	set_option(reserved, SOL_SOCKET, SO_REUSEPORT, 1);
	bind_to(reserved, &server);
	server = address_local(reserved);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (workers[i] == 0) {
			struct who who = who_self();
			int listener = new_socket(run, 0);
			struct ends ends = {.lport = address_port(&server),
					    .cookie = cookie_of(listener)};

			set_option(listener, SOL_SOCKET, SO_REUSEPORT, 1);
			bind_to(listener, &server);
			if (listen(listener, 10 + i))
				die("listen");
			address_text(&server, ends.laddr);
			expect("listen", &who, &ends, "\"backlog\":%d", 10 + i);
			gate_open(gate);
			work(listener, getpid(), 0);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		gate_wait(gate);
	close(reserved);
	visit_workers(run, &server, CLIENTS, 0);
	stop_workers(workers);
}

struct thread_job {
	const struct duo *duo;
	role play;
	const char *name;
	int n;
};

static void *thread_plays(void *argument)
{
	const struct thread_job *job = argument;
	char comm[16];

	snprintf(comm, sizeof(comm), "%s%d", job->name, job->n);
	if (prctl(PR_SET_NAME, comm))
		die("prctl");
	job->play(job->duo);
	return NULL;
}

/* WORKERS threads of this process @play at once; their names begin with @name. */
static void with_threads(const struct duo *duo, role play, const char *name)
{
	struct thread_job jobs[WORKERS];
	pthread_t threads[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		jobs[i] = (struct thread_job){.duo = duo, .play = play, .name = name, .n = i};
		if ((errno = pthread_create(&threads[i], NULL, thread_plays, &jobs[i])))
			die("pthread_create");
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
}

static void client_with_threads(const struct duo *duo)
{
	with_threads(duo, client_closes_first, "Socket Thread");
}

static void serve_threads(const struct duo *duo)
{
	for (int i = 0; i < WORKERS; i++)
		serve_and_close_second(duo);
}

static void scenario_threads(const struct run *run)
{
	duo_run(run, client_with_threads, serve_threads);
}

/* They accept on one listener: the record names the thread. */
static void serve_with_threads(const struct duo *duo)
{
	with_threads(duo, serve_and_close_second, "Acceptor ");
}

static void client_visits_threads(const struct duo *duo)
{
	for (int i = 0; i < WORKERS; i++)
		client_closes_first(duo);
}

static void scenario_accept_threads(const struct run *run)
{
	duo_run(run, client_visits_threads, serve_with_threads);
}

const struct scenario traffic_many[] = {
	{"accept-threads", scenario_accept_threads},
	{"prefork", scenario_prefork},
	{"prefork-seldom", scenario_prefork_seldom},
	{"reuseport", scenario_reuseport},
	{"threads", scenario_threads},
	{},
};

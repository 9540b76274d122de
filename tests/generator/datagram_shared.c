// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that several processes or threads use. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"

#define QUEUE_MAX 100 /* small datagrams that any socket has room for */

/* Parent and child use both ends; the child goes first. */
static void scenario_fork(const struct run *run)
{
	int server = bound(run), client = connected(run, server), i;
	struct address to = address_local(server);
	pid_t pid;

	sent(run, client, &to, send(client, payload(), 10, 0), 10);
	receive(run, server, 100);
	pid = spawn();
	if (pid == 0) {
		for (i = 0; i < 3; i++)
			sent(run, client, &to, send(client, payload(), 20, 0), 20);
		receive(run, server, 100);
		_exit(0);
	}
	reap(pid, 0);
	receive(run, server, 100);
	receive(run, server, 100);
	sent(run, client, &to, send(client, payload(), 30, 0), 30);
	receive(run, server, 100);
}

struct worker {
	const struct run *run;
	int server;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	int client = connected(worker->run, worker->server), i;
	struct address to = address_local(worker->server);

	for (i = 0; i < QUEUE_MAX / 4; i++)
		sent(worker->run, client, &to, send(client, "x", 1, 0), 1);
	close(client);
	return NULL;
}

static void scenario_threads(const struct run *run)
{
	struct worker workers[4];
	int server = bound(run), i;

	for (i = 0; i < 4; i++) {
		workers[i] = (struct worker){.run = run, .server = server};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("pthread_create");
	}
	for (i = 0; i < QUEUE_MAX; i++)
		receive(run, server, 100);
	for (i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
}

static void *shared_work(void *argument)
{
	struct worker *worker = argument;
	int i;

	for (i = 0; i < 100; i++) {
		receive(worker->run, worker->server, 100);
		__atomic_fetch_sub(&worker->run->ledger->waiting, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Threads that receive on one socket from many peers, at once. */
static void scenario_shared(const struct run *run)
{
	const struct run loose = {run->mode, run->ledger, run->proto, .any_thread = true};
	struct worker workers[4];
	int server = bound(run), clients[10], i;

	for (i = 0; i < 4; i++) {
		workers[i] = (struct worker){.run = &loose, .server = server};
		if (pthread_create(&workers[i].thread, NULL, shared_work, &workers[i]))
			die("pthread_create");
	}
	for (i = 0; i < 10; i++)
		clients[i] = open_socket(run);
	for (i = 0; i < 400; i++) {
		while (__atomic_load_n(&run->ledger->waiting, __ATOMIC_SEQ_CST) >= QUEUE_MAX)
			sched_yield();
		__atomic_fetch_add(&run->ledger->waiting, 1, __ATOMIC_SEQ_CST);
		send_to(run, clients[i % 10], server, 20);
	}
	for (i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
}

static void send_fd(int through, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {}, byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(through, &message, 0) != 1)
		die("SCM_RIGHTS");
}

static int receive_fd(int through)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(through, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		die("SCM_RIGHTS");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Made by one process, used by another: over a Unix socket, and taken by pidfd_getfd(2). */
static void scenario_passed(const struct run *run)
{
	int server = bound(run), pair[2], fd, taken;
	struct address to = address_local(server);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	pid = spawn();
	if (pid == 0) {
		fd = connected(run, server);
		send_fd(pair[1], fd);
		close(fd);
		fd = connected(run, server);
		if (write(pair[1], &fd, sizeof(fd)) != sizeof(fd) || read(pair[1], &fd, 1) != 1)
			die("pair");
		_exit(0);
	}
	fd = receive_fd(pair[0]);
	sent(run, fd, &to, send(fd, payload(), 11, 0), 11);
	if (read(pair[0], &fd, sizeof(fd)) != sizeof(fd))
		die("pair");
	taken = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), fd, 0);
	if (taken < 0)
		die("pidfd_getfd");
	sent(run, taken, &to, send(taken, payload(), 12, 0), 12);
	if (write(pair[0], "", 1) != 1)
		die("pair");
	reap(pid, 0);
	receive(run, server, 100);
	receive(run, server, 100);
}

/* Ends without close, and by a signal. */
static void scenario_exit(const struct run *run)
{
	int server = bound(run), i;

	for (i = 0; i < 2; i++) {
		pid_t pid = spawn();

		if (pid == 0) {
			int client = open_socket(run);

			send_to(run, client, server, 10);
			if (i)
				raise(SIGKILL);
			_exit(0);
		}
		reap(pid, i ? SIGKILL : 0);
		receive(run, server, 100);
	}
}

const struct scenario datagram_shared[] = {
	{"fork", scenario_fork},     {"threads", scenario_threads}, {"shared", scenario_shared},
	{"passed", scenario_passed}, {"exit", scenario_exit},	    {},
};

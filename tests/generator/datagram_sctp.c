// SPDX-License-Identifier: GPL-2.0-only
/* SCTP: a socket for each association, and one for many. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"

#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif

static int sctp_socket(const struct run *run, int type)
{
	int fd = socket(run->mode == '4' ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, IPPROTO_SCTP);

	if (fd < 0)
		die("SCTP socket");
	return fd;
}

/* Bound to loopback; its listen record is expected. */
static int sctp_listener(const struct run *run, int type)
{
	struct address address = address_of(run->mode, NULL, 0);
	int fd = sctp_socket(run, type);
	struct entry entry;
	struct line line;

	if (bind(fd, &address.any, address.length) || listen(fd, 5))
		die("SCTP listen");
	entry = holder(run, fd);
	line = record("listen", &entry);
	record_print(&line, ",\"owner_src\":\"listen\",\"backlog\":null");
	return fd;
}

static void sctp_send(const struct run *run, int fd, const struct address *peer, size_t size)
{
	if (send(fd, payload(), size, 0) != (ssize_t)size)
		die("SCTP send");
	note(run, fd, peer, false, size, 1);
}

static void sctp_receive(const struct run *run, int fd, const struct address *peer)
{
	ssize_t n = recv(fd, payload(), 1000, 0);

	if (n <= 0)
		die("SCTP receive");
	note(run, fd, peer, true, (size_t)n, 1);
}

/* A socket for each association: accepted by this process, connected by its child. */
static void scenario_sctp(const struct run *run)
{
	const struct run sctp = {run->mode, run->ledger, "sctp", false};
	int listener = sctp_listener(&sctp, SOCK_STREAM), fd, i;
	struct address to = address_local(listener), from = ADDRESS_UNKNOWN;
	pid_t pid = spawn();

	if (pid == 0) {
		fd = sctp_socket(&sctp, SOCK_STREAM);
		if (connect(fd, &to.any, to.length))
			die("SCTP connect");
		for (i = 1; i <= 3; i++)
			sctp_send(&sctp, fd, &to, (size_t)i * 100);
		sctp_receive(&sctp, fd, &to);
		close(fd);
		_exit(0);
	}
	fd = accept4(listener, &from.any, &from.length, SOCK_CLOEXEC);
	if (fd < 0)
		die("SCTP accept");
	/* before 5.12 nothing else gives it one, and with one it would be another */
	cookie_of(fd);
	for (i = 0; i < 3; i++)
		sctp_receive(&sctp, fd, &from);
	sctp_send(&sctp, fd, &from, 55);
	if (recv(fd, payload(), 1000, 0) > 0) /* the end, which is no message */
		die("SCTP end");
	reap(pid, 0);
	close(fd);
}

/* One socket for many associations: it does not say who a message is for or from. */
static void scenario_sctp_many(const struct run *run)
{
	const struct run sctp = {run->mode, run->ledger, "sctp", false};
	int server = sctp_listener(&sctp, SOCK_SEQPACKET), i;
	struct address to = address_local(server);

	for (i = 0; i < 2; i++) {
		int client = sctp_socket(&sctp, SOCK_SEQPACKET);
		struct address from = ADDRESS_UNKNOWN;

		if (sendto(client, payload(), 70, 0, &to.any, to.length) != 70)
			die("SCTP sendto");
		note(&sctp, client, NULL, false, 70, 1);
		if (recvfrom(server, payload(), 1000, 0, &from.any, &from.length) != 70)
			die("SCTP recvfrom");
		note(&sctp, server, NULL, true, 70, 1);
		if (sendto(server, payload(), 30, 0, &from.any, from.length) != 30)
			die("SCTP sendto");
		note(&sctp, server, NULL, false, 30, 1);
		sctp_receive(&sctp, client, NULL);
	}
}

/* What listens: for -l. */
static void scenario_sctp_open(const struct run *run)
{
	const struct run sctp = {run->mode, run->ledger, "sctp", false};
	int listener = sctp_listener(&sctp, SOCK_STREAM);
	struct entry entry = holder(&sctp, listener);
	struct line line;

	entry.tid = 0; /* an open file has no thread */
	line = record("open", &entry);
	record_print(&line,
		     ",\"state\":\"LISTEN\",\"backlog\":5,\"owner_src\":\"iter\",\"holders\":[%d]",
		     getpid());
	phase("open");
}

/* Ends well if the kernel has it. */
static void scenario_sctp_known(const struct run *run)
{
	close(sctp_socket(run, SOCK_STREAM));
}

const struct scenario datagram_sctp[] = {
	{"sctp", scenario_sctp},
	{"sctp-many", scenario_sctp_many},
	{"sctp-open", scenario_sctp_open},
	{"sctp-known", scenario_sctp_known},
	{},
};

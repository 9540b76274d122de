// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic generator of the end-to-end tests for datagrams: sends and receives in every way there
 * is, keeps a ledger of what each process sent to and received from whom on which socket, and
 * prints, one JSON object a line on stdout, each record that connsnoop has to print for it.
 *
 * datagram [-4|-6|-m] SCENARIO     -m: IPv4 through IPv6 sockets
 *
 * phase() as in traffic. Any surprise ends the program with status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/line.h"
#include "tests/generator/process.h"
#include "tests/generator/ring.h"

const char generator_name[] = "datagram";

#define LEDGER_MAX 4096
#define HABIT	   1200
#define QUEUE_MAX  100 /* small datagrams that any socket has room for */

/* ---- the ledger ---- */

struct end {
	char address[INET6_ADDRSTRLEN]; /* "": null */
	uint16_t port;			/* 0: null */
};

struct entry {
	pid_t pid, tid, ppid; /* tid 0: not certain */
	uint64_t cookie;
	const char *proto;
	struct end local, remote;
	bool in; /* the first datagram was received */
	uint64_t tx_bytes, rx_bytes, tx_packets, rx_packets;
	const char *closed_by; /* NULL: nobody */
};

struct ledger {
	pthread_mutex_t lock;
	size_t n;
	int waiting; /* datagrams in the queue of scenario_shared() */
	struct entry entries[LEDGER_MAX];
};

struct run {
	char mode; /* '4', '6', 'm' */
	struct ledger *ledger;
	const char *proto;
	bool any_thread; /* who does it is not gettid() */
};

static struct ledger *ledger_new(void)
{
	struct ledger *ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;

	if (ledger == MAP_FAILED)
		die("mmap");
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&ledger->lock, &attributes);
	return ledger;
}

static void end_set(struct end *end, const struct address *address)
{
	memset(end, 0, sizeof(*end));
	if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6)
		return;
	address_text(address, end->address);
	end->port = address_port(address);
}

static void local_of(const struct run *run, int fd, struct end *end)
{
	struct address address = address_local(fd);
	bool none;

	end_set(end, &address);
	if (!strcmp(run->proto, "raw"))
		end->port = 0;
	none = !strcmp(end->address, "0.0.0.0") || !strcmp(end->address, "::");
	if (none && !end->port)
		end->address[0] = '\0';
}

/* Who has it, as far as a record of @fd without a peer says. */
static struct entry holder(const struct run *run, int fd)
{
	struct entry entry = {.pid = getpid(),
			      .tid = run->any_thread ? 0 : gettid(),
			      .ppid = getppid(),
			      .cookie = cookie_of(fd),
			      .proto = run->proto};

	local_of(run, fd, &entry.local);
	return entry;
}

/* @fd has sent to (or received from) @peer, which may be NULL: none that is known. */
static void note(const struct run *run, int fd, const struct address *peer, bool in, size_t bytes,
		 int packets)
{
	struct ledger *ledger = run->ledger;
	struct end remote = {};
	uint64_t cookie = cookie_of(fd);
	struct entry *entry = NULL;
	pid_t pid = getpid();

	if (peer)
		end_set(&remote, peer);
	pthread_mutex_lock(&ledger->lock);
	for (size_t i = 0; i < ledger->n && !entry; i++)
		if (ledger->entries[i].pid == pid && ledger->entries[i].cookie == cookie &&
		    !memcmp(&ledger->entries[i].remote, &remote, sizeof(remote)))
			entry = &ledger->entries[i];
	if (!entry) {
		if (ledger->n == LEDGER_MAX)
			die("ledger is full");
		entry = &ledger->entries[ledger->n++];
		*entry = holder(run, fd);
		entry->remote = remote;
		entry->in = in;
		entry->closed_by = "local";
		/* bound to no address: of the version that the peer's is of */
		if (!strcmp(entry->local.address, "::") && strchr(remote.address, '.'))
			strcpy(entry->local.address, "0.0.0.0");
	}
	if (in) {
		entry->rx_bytes += bytes;
		entry->rx_packets += (uint64_t)packets;
	} else {
		entry->tx_bytes += bytes;
		entry->tx_packets += (uint64_t)packets;
	}
	pthread_mutex_unlock(&ledger->lock);
}

static void line_end(struct line *line, const char *address, const char *port,
		     const struct end *end)
{
	if (end->address[0])
		line_add(line, ",\"%s\":\"%s\"", address, end->address);
	else
		line_add(line, ",\"%s\":null", address);
	if (end->port)
		line_add(line, ",\"%s\":%u", port, end->port);
	else
		line_add(line, ",\"%s\":null", port);
}

/* Begins a record; who calls adds what else is certain and closes it. */
static struct line record(const char *type, const struct entry *entry)
{
	struct exe exe = own_exe();
	struct line line = {};

	line_add(&line, "{\"type\":\"%s\",\"proto\":\"%s\",\"pid\":%d,\"ppid\":%d,\"cookie\":%lu",
		 type, entry->proto, entry->pid, entry->ppid, entry->cookie);
	line_add(&line, ",\"name\":");
	line_string(&line, base_name(exe.path));
	if (entry->tid)
		line_add(&line, ",\"tid\":%d", entry->tid);
	line_end(&line, "laddr", "lport", &entry->local);
	line_end(&line, "raddr", "rport", &entry->remote);
	return line;
}

/* Ends it and prints it. */
static void __attribute__((format(printf, 2, 3)))
record_print(struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_vadd(line, format, arguments);
	va_end(arguments);
	line_add(line, "}\n");
	line_print(line);
}

static void ledger_print(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n; i++) {
		const struct entry *entry = &ledger->entries[i];
		struct line flow = record("flow", entry), end = record("close", entry);

		record_print(&flow, ",\"direction\":\"%s\",\"owner_src\":\"%s\"",
			     entry->in ? "in" : "out", entry->in ? "recv" : "send");
		line_add(&end,
			 ",\"tx_bytes\":%lu,\"rx_bytes\":%lu,\"tx_packets\":%lu,\"rx_packets\":%lu",
			 entry->tx_bytes, entry->rx_bytes, entry->tx_packets, entry->rx_packets);
		if (entry->closed_by)
			line_add(&end, ",\"closed_by\":\"%s\"", entry->closed_by);
		else
			line_add(&end, ",\"closed_by\":null");
		record_print(&end, ",\"error\":null,\"retransmits\":null,\"rtt_us\":null"
				   ",\"duration_ns\":{\"min\":0}");
	}
}

/* ---- sockets ---- */

static int open_socket(const struct run *run)
{
	int family = run->mode == '4' ? AF_INET : AF_INET6;
	int protocol = strcmp(run->proto, "udplite") ? 0 : IPPROTO_UDPLITE;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		die("socket");
	return fd;
}

static void bind_to(const struct run *run, int fd, const char *text, uint16_t port)
{
	struct address address = address_of(run->mode, text, port);
	struct entry entry;
	struct line line;

	if (bind(fd, &address.any, address.length))
		die("bind");
	entry = holder(run, fd);
	line = record("listen", &entry);
	record_print(&line, ",\"owner_src\":\"listen\"");
}

static int bound(const struct run *run)
{
	int fd = open_socket(run);

	bind_to(run, fd, NULL, 0);
	return fd;
}

/* What others see as the address of @fd, which may be bound to none. */
static struct address seen_as(const struct run *run, int fd)
{
	struct address address = address_local(fd);
	struct end end;

	end_set(&end, &address);
	if (strcmp(end.address, "0.0.0.0") && strcmp(end.address, "::"))
		return address;
	return address_of(run->mode, NULL, end.port);
}

static int connected(const struct run *run, int to)
{
	struct address address = address_local(to);
	int fd = open_socket(run);

	if (connect(fd, &address.any, address.length))
		die("connect");
	return fd;
}

static char *payload(void)
{
	static char bytes[65536];

	return bytes;
}

/* What a send returned: all of it, or the test is void. */
static void sent(const struct run *run, int fd, const struct address *to, ssize_t n, size_t wanted)
{
	if (n != (ssize_t)wanted)
		die("sent %zd, not %zu", n, wanted);
	note(run, fd, to, false, wanted, 1);
}

static void send_to(const struct run *run, int fd, int to, size_t size)
{
	struct address address = seen_as(run, to);

	sent(run, fd, &address, sendto(fd, payload(), size, 0, &address.any, address.length), size);
}

/* recvfrom(2), with the address. */
static void receive(const struct run *run, int fd, size_t room)
{
	struct address address = ADDRESS_UNKNOWN;
	ssize_t n = recvfrom(fd, payload(), room, 0, &address.any, &address.length);

	if (n < 0)
		die("recvfrom");
	note(run, fd, &address, true, (size_t)n, 1);
}

/* Received without asking for the address: from @from, as who calls knows. */
static void received(const struct run *run, int fd, int from, ssize_t n)
{
	struct address address = seen_as(run, from);

	if (n < 0)
		die("receive");
	note(run, fd, &address, true, (size_t)n, 1);
}

/* ---- scenarios ---- */

static void scenario_connected(const struct run *run)
{
	int server = bound(run), client = connected(run, server), i;
	struct address to = address_local(server);
	struct iovec parts[2] = {{payload(), 10}, {payload(), 20}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	sent(run, client, &to, send(client, payload(), 100, 0), 100);
	sent(run, client, &to, write(client, payload(), 200), 200);
	sent(run, client, &to, writev(client, parts, 2), 30);
	sent(run, client, &to, sendto(client, payload(), 40, 0, NULL, 0), 40);
	sent(run, client, &to, sendmsg(client, &message, 0), 30);
	for (i = 0; i < 5; i++)
		receive(run, server, 1000);
	send_to(run, server, client, 77);
	received(run, client, server, recv(client, payload(), 1000, 0));
	send_to(run, server, client, 78);
	received(run, client, server, read(client, payload(), 1000));
	send_to(run, server, client, 79);
	received(run, client, server, readv(client, parts, 2)); /* 30 of 79 */
	close(client);
}

static void scenario_unconnected(const struct run *run)
{
	int server = bound(run), client = open_socket(run);

	send_to(run, client, server, 500);
	receive(run, server, 1000);
	send_to(run, server, client, 33);
	receive(run, client, 1000);
	/* without an address: recv, read */
	send_to(run, client, server, 5);
	received(run, server, client, recv(server, payload(), 1000, 0));
	send_to(run, client, server, 6);
	received(run, server, client, read(server, payload(), 1000));
	send_to(run, server, client, 7);
	received(run, client, server, recv(client, payload(), 1000, 0));
}

static void scenario_any(const struct run *run)
{
	int server = open_socket(run), client = open_socket(run);
	struct address to;

	bind_to(run, server, run->mode == '6' ? "::" : "0.0.0.0", 0);
	to = seen_as(run, server);
	sent(run, client, &to, sendto(client, payload(), 9, 0, &to.any, to.length), 9);
	receive(run, server, 100);
}

/* One socket, many peers; what waits in the queue is received without asking from whom. */
static void scenario_peers(const struct run *run)
{
	int server = bound(run), clients[40], i;

	for (i = 0; i < 40; i++) {
		clients[i] = open_socket(run);
		send_to(run, clients[i], server, (size_t)i);
	}
	for (i = 0; i < 40; i++) {
		received(run, server, clients[i], recv(server, payload(), 1000, 0));
	}
	for (i = 0; i < 40; i++)
		send_to(run, server, clients[i], 100);
	for (i = 0; i < 40; i += 2)
		receive(run, clients[i], 1000);
}

/* Asks for the address for long, and then no more, while datagrams of two peers wait in turns. */
static void scenario_habit(const struct run *run)
{
	int server = bound(run), clients[2] = {open_socket(run), open_socket(run)}, i;

	for (i = 0; i < HABIT + 40; i++) {
		send_to(run, clients[i & 1], server, 10);
		if (i < 15) /* so many are waiting */
			continue;
		if (i < HABIT)
			receive(run, server, 100);
		else
			received(run, server, clients[(i - 15) & 1],
				 recv(server, payload(), 100, 0));
	}
}

/* Nothing that stays in the queue counts, nothing that failed, and what was cut counts once. */
static void scenario_uncounted(const struct run *run)
{
	int server = bound(run), client = connected(run, server), nobody = open_socket(run), i;
	struct address to = address_local(server);
	char byte;

	sent(run, client, &to, send(client, payload(), 1000, 0), 1000);
	for (i = 0; i < 3; i++)
		if (recv(server, payload(), 2000, MSG_PEEK) != 1000 ||
		    recv(server, &byte, 1, MSG_PEEK | MSG_TRUNC) != 1000)
			die("peek");
	receive(run, server, 10);
	if (recv(server, payload(), 1000, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		die("the queue is not empty");
	if (send(client, payload(), 65536, 0) >= 0 || errno != EMSGSIZE)
		die("EMSGSIZE");
	/* empty ones count as packets */
	sent(run, client, &to, send(client, payload(), 0, 0), 0);
	receive(run, server, 10);
	sent(run, client, &to, send(client, payload(), 5, 0), 5);
	receive(run, server, 0);
	if (shutdown(client, SHUT_RD) && errno != ENOTCONN)
		die("shutdown");
	if (recv(client, payload(), 1000, 0) != 0)
		die("shut down, and not at the end");
	/* refused: sent, and the next receive says that nobody took it */
	bind_to(run, nobody, NULL, 0);
	to = address_local(nobody);
	close(nobody);
	client = open_socket(run);
	if (connect(client, &to.any, to.length))
		die("connect");
	sent(run, client, &to, send(client, payload(), 3, 0), 3);
	if (recv(client, payload(), 10, 0) >= 0 || errno != ECONNREFUSED)
		die("ECONNREFUSED");
}

static void scenario_mmsg(const struct run *run)
{
	int server = bound(run), client = open_socket(run), i;
	struct address to = address_local(server), from[8];
	struct iovec parts[8];
	struct mmsghdr messages[8] = {};

	for (i = 0; i < 8; i++) {
		parts[i] = (struct iovec){payload(), (size_t)i * 10};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
						      .msg_iovlen = 1,
						      .msg_name = &to.any,
						      .msg_namelen = to.length};
	}
	if (sendmmsg(client, messages, 8, 0) != 8)
		die("sendmmsg");
	for (i = 0; i < 8; i++) {
		note(run, client, &to, false, (size_t)i * 10, 1);
		parts[i].iov_len = 1000;
		from[i] = ADDRESS_UNKNOWN;
		messages[i].msg_hdr.msg_name = &from[i].any;
		messages[i].msg_hdr.msg_namelen = from[i].length;
	}
	if (recvmmsg(server, messages, 8, 0, NULL) != 8)
		die("recvmmsg");
	for (i = 0; i < 8; i++)
		note(run, server, &from[i], true, messages[i].msg_len, 1);
}

static void scenario_sendfile(const struct run *run)
{
	int server = bound(run), client = connected(run, server), pipes[2];
	int file = memfd_create("data", MFD_CLOEXEC);
	struct address to = address_local(server);
	off_t offset = 0;

	if (file < 0 || write(file, payload(), 1000) != 1000 || pipe2(pipes, O_CLOEXEC))
		die("file");
	sent(run, client, &to, sendfile(client, file, &offset, 1000), 1000);
	receive(run, server, 2000);
	if (write(pipes[1], payload(), 700) != 700)
		die("pipe");
	sent(run, client, &to, splice(pipes[0], NULL, client, NULL, 700, 0), 700);
	receive(run, server, 2000);
}

static void scenario_zerocopy(const struct run *run)
{
	int server = bound(run), client = connected(run, server), one = 1;
	struct address to = address_local(server);
	struct msghdr message = {};
	char control[200];

	if (setsockopt(client, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		die("SO_ZEROCOPY");
	sent(run, client, &to, send(client, payload(), 3000, MSG_ZEROCOPY), 3000);
	receive(run, server, 5000);
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	if (recvmsg(client, &message, MSG_ERRQUEUE) < 0) /* the completion: no datagram */
		die("MSG_ERRQUEUE");
}

/* One datagram of several calls. */
static void scenario_cork(const struct run *run)
{
	int server = bound(run), client = connected(run, server), loose = open_socket(run);
	struct address to = address_local(server);

	if (send(client, payload(), 10, MSG_MORE) != 10 ||
	    send(client, payload(), 20, MSG_MORE) != 20 || send(client, payload(), 30, 0) != 30)
		die("MSG_MORE");
	note(run, client, &to, false, 60, 1);
	receive(run, server, 1000);
	if (run->mode != '4')
		return;
	if (sendto(loose, payload(), 10, MSG_MORE, &to.any, to.length) != 10 ||
	    send(loose, payload(), 5, 0) != 5)
		die("MSG_MORE");
	note(run, loose, &to, false, 15, 1);
	receive(run, server, 1000);
}

/* Connected anew, and to nobody. */
static void scenario_again(const struct run *run)
{
	int one = bound(run), two = bound(run), client = connected(run, one);
	struct address first = address_local(one), second = address_local(two);
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	sent(run, client, &first, send(client, payload(), 1, 0), 1);
	if (connect(client, &second.any, second.length))
		die("connect");
	sent(run, client, &second, send(client, payload(), 2, 0), 2);
	/* connected, and yet to another */
	sent(run, client, &first, sendto(client, payload(), 3, 0, &first.any, first.length), 3);
	if (connect(client, &none, sizeof(none)))
		die("disconnect");
	sent(run, client, &first, sendto(client, payload(), 4, 0, &first.any, first.length), 4);
	receive(run, one, 10);
	receive(run, two, 10);
	receive(run, one, 10);
	receive(run, one, 10);
}

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

static void scenario_multicast(const struct run *run)
{
	int server = open_socket(run), client = open_socket(run);
	struct address group;
	struct ip_mreqn four = {.imr_ifindex = 1};
	struct ipv6_mreq six = {.ipv6mr_interface = if_nametoindex("veth0")};
	int one = 1, index = (int)six.ipv6mr_interface;

	if (run->mode == 'm')
		return;
	bind_to(run, server, run->mode == '6' ? "::" : "0.0.0.0", 9753);
	group = address_of(run->mode, run->mode == '6' ? "ff02::1234" : "239.1.2.3", 9753);
	if (run->mode == '6') {
		six.ipv6mr_multiaddr = group.in6.sin6_addr;
		if (setsockopt(server, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &six, sizeof(six)) ||
		    setsockopt(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)))
			die("join");
	} else {
		four.imr_multiaddr = group.in.sin_addr;
		if (setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four)) ||
		    setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &four, sizeof(four)) ||
		    setsockopt(client, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)))
			die("join");
	}
	sent(run, client, &group, sendto(client, payload(), 50, 0, &group.any, group.length), 50);
	receive(run, server, 100);
	if (run->mode == '6')
		return;
	group = address_of(run->mode, "127.255.255.255", 9753);
	sent(run, client, &group, sendto(client, payload(), 51, 0, &group.any, group.length), 51);
	receive(run, server, 100);
}

/* ---- io_uring ---- */

static void uring(const struct run *run, bool polled)
{
	const struct run how = {run->mode, run->ledger, run->proto, .any_thread = polled};
	int server = bound(run), client = open_socket(run);
	struct address to = address_local(server), from = ADDRESS_UNKNOWN;
	struct iovec part = {payload(), 321};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_name = &to.any,
				 .msg_namelen = to.length};
	struct ring ring;

	ring_open(&ring, polled);
	sent(&how, client, &to,
	     ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_SENDMSG,
						   .fd = client,
						   .addr = (uintptr_t)&message}),
	     321);
	part.iov_len = 1000;
	message.msg_name = &from.any;
	message.msg_namelen = from.length;
	if (ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_RECVMSG,
						  .fd = server,
						  .addr = (uintptr_t)&message}) != 321)
		die("received less");
	note(&how, server, &from, true, 321, 1);
	ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
					      .fd = client,
					      .addr = (uintptr_t)&to.any,
					      .off = to.length});
	sent(&how, client, &to,
	     ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_SEND,
						   .fd = client,
						   .addr = (uintptr_t)payload(),
						   .len = 55}),
	     55);
	received(&how, server, client,
		 ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_RECV,
						       .fd = server,
						       .addr = (uintptr_t)payload(),
						       .len = 1000}));
	close(ring.fd);
}

static void scenario_uring(const struct run *run)
{
	uring(run, false);
}

static void scenario_sqpoll(const struct run *run)
{
	uring(run, true);
}

/* ---- ping, raw, packet ---- */

static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static size_t echo_request(const struct run *run, uint8_t buffer[64])
{
	struct icmphdr *head = (void *)buffer;

	memset(buffer, 'x', 64);
	memset(head, 0, sizeof(*head));
	head->type = run->mode == '6' ? 128 : ICMP_ECHO;
	head->un.echo.id = htons(4711);
	head->checksum = checksum(buffer, 64);
	return 64;
}

static void scenario_ping(const struct run *run)
{
	const struct run ping = {run->mode, run->ledger, "icmp", false};
	bool six = run->mode == '6';
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC,
			six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct address to = address_of(run->mode, six ? "::1" : "127.0.0.7", 0);
	struct address other = address_of(run->mode, six ? "::1" : "127.0.0.8", 0);
	uint8_t buffer[64];
	ssize_t n;

	if (run->mode == 'm')
		return;
	if (fd < 0)
		die("ping socket");
	sent(&ping, fd, &to, sendto(fd, buffer, echo_request(run, buffer), 0, &to.any, to.length),
	     64);
	receive(&ping, fd, 1000);
	sent(&ping, fd, &other,
	     sendto(fd, buffer, echo_request(run, buffer), 0, &other.any, other.length), 64);
	n = recv(fd, buffer, sizeof(buffer), 0);
	note(&ping, fd, &other, true, (size_t)n, 1);
	if (connect(fd, &to.any, to.length))
		die("connect");
	sent(&ping, fd, &to, send(fd, buffer, echo_request(run, buffer), 0), 64);
	n = read(fd, buffer, sizeof(buffer));
	note(&ping, fd, &to, true, (size_t)n, 1);
}

/* It gets its own request as well as the answer to it. */
static void scenario_raw(const struct run *run)
{
	const struct run raw = {run->mode, run->ledger, "raw", false};
	bool six = run->mode == '6';
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC,
			six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	int odd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	struct address to = address_of(run->mode, six ? "::1" : "127.0.0.7", 0);
	struct address own = address_of(run->mode, six ? "::1" : "127.0.0.1", 0);
	int server, client;
	uint8_t buffer[64];
	ssize_t n;

	if (run->mode == 'm')
		return;
	if (fd < 0 || odd < 0)
		die("raw socket");
	sent(&raw, fd, &to, sendto(fd, buffer, echo_request(run, buffer), 0, &to.any, to.length),
	     64);
	receive(&raw, fd, 1000);
	n = recv(fd, buffer, sizeof(buffer), 0);
	note(&raw, fd, six ? &own : &to, true, (size_t)n, 1);
	/* who that connects to is not who something else has received from */
	server = bound(run);
	client = open_socket(run);
	send_to(run, client, server, 12);
	if (connect(odd, &to.any, to.length))
		die("connect");
	received(run, server, client, recv(server, buffer, sizeof(buffer), 0));
	/* a protocol that others look up routes for with their ports */
	memset(buffer, 0, sizeof(buffer));
	sent(&raw, odd, &to, sendto(odd, buffer, 8, 0, &to.any, to.length), 8);
}

static void scenario_packet(const struct run *run)
{
	const struct run packet = {run->mode, run->ledger, "packet", false};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(0x88b5));
	int sender = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(0x88b5),
				 .sll_ifindex = (int)if_nametoindex("lo"),
				 .sll_halen = 6};

	if (run->mode != '4')
		return;
	if (fd < 0 || sender < 0)
		die("packet socket");
	if (sendto(sender, payload(), 60, 0, (void *)&to, sizeof(to)) != 60)
		die("packet");
	note(&packet, sender, NULL, false, 60, 1);
	if (recv(fd, payload(), 1000, 0) != 60) /* as it goes out */
		die("packet");
	note(&packet, fd, NULL, true, 60, 1);
}

/* ---- SCTP ---- */

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

/* ---- what takes time ---- */

/* Two flows of one socket: the test waits until they are closed as idle. */
static void scenario_idle(const struct run *run)
{
	int server = bound(run), client = connected(run, server);
	struct address to = address_local(server);

	sent(run, client, &to, send(client, payload(), 10, 0), 10);
	receive(run, server, 100);
	run->ledger->entries[0].closed_by = run->ledger->entries[1].closed_by = NULL;
	ledger_print(run->ledger);
	phase("idle");
	run->ledger->n = 0; /* begins anew */
	sent(run, client, &to, send(client, payload(), 20, 0), 20);
	receive(run, server, 100);
}

/* What is open: for -l. The child holds two of them as well. */
static void scenario_open(const struct run *run)
{
	int server = bound(run), client = connected(run, server), ping, raw, packet;
	pid_t pid = spawn();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ping = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	packet = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	open_socket(run); /* has no port: nothing to show */
	struct address to = address_of(run->mode, NULL, 0);
	struct {
		int fd;
		const char *proto, *state;
		bool shared;
	} all[] = {{server, run->proto, "UNCONN", true},
		   {client, run->proto, "ESTABLISHED", true},
		   {ping, "icmp", "ESTABLISHED", false},
		   {raw, "raw", "UNCONN", false},
		   {packet, "packet", "UNCONN", false}};

	if (run->mode == '4' && (ping < 0 || connect(ping, &to.any, to.length)))
		die("ping socket");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct run how = {run->mode, run->ledger, all[i].proto, .any_thread = true};
		struct entry entry = holder(&how, all[i].fd);
		struct address peer = ADDRESS_UNKNOWN;
		struct line line;

		if (run->mode != '4' && i == 2) {
			close(ping);
			continue;
		}
		if (all[i].fd == ping) /* has no port, and so no name for getpeername(2) */
			end_set(&entry.remote, &to);
		else if (!getpeername(all[i].fd, &peer.any, &peer.length))
			end_set(&entry.remote, &peer);
		line = record("open", &entry);
		line_add(&line, ",\"state\":\"%s\",\"owner_src\":\"iter\",\"holders\":[%d",
			 all[i].state, getpid());
		if (all[i].shared)
			line_add(&line, ",%d", pid);
		record_print(&line, "]");
	}
	phase("open");
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
}

/* COUNT flows of one socket in a burst, a byte each, to ports of 127.1.x.y where nobody listens:
 * many ports of few addresses, or with @port that one of as many addresses. */
static void burst(const struct run *run, unsigned long count, unsigned long port)
{
	unsigned long ports = port ? 1 : 50000;
	int fd = open_socket(run), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)))
		die("setsockopt");
	for (unsigned long i = 0; i < count; i++) {
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port =
						 htons((uint16_t)(port ? port : 1024 + i % ports)),
					 .sin_addr = {htonl(0x7f010001 + (uint32_t)(i / ports))}};

		if (sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)) != 1)
			die("burst");
	}
}

static const struct {
	const char *name;
	void (*fn)(const struct run *run);
} scenarios[] = {
	{"connected", scenario_connected},
	{"unconnected", scenario_unconnected},
	{"any", scenario_any},
	{"peers", scenario_peers},
	{"habit", scenario_habit},
	{"uncounted", scenario_uncounted},
	{"mmsg", scenario_mmsg},
	{"sendfile", scenario_sendfile},
	{"zerocopy", scenario_zerocopy},
	{"cork", scenario_cork},
	{"again", scenario_again},
	{"fork", scenario_fork},
	{"threads", scenario_threads},
	{"shared", scenario_shared},
	{"passed", scenario_passed},
	{"exit", scenario_exit},
	{"multicast", scenario_multicast},
	{"uring", scenario_uring},
	{"sqpoll", scenario_sqpoll},
	{"ping", scenario_ping},
	{"raw", scenario_raw},
	{"packet", scenario_packet},
	{"sctp", scenario_sctp},
	{"sctp-many", scenario_sctp_many},
	{"sctp-open", scenario_sctp_open},
	{"sctp-known", scenario_sctp_known},
	{"idle", scenario_idle},
	{"open", scenario_open},
};

int main(int argc, char **argv)
{
	struct run run = {.mode = '4', .proto = "udp"};
	int at = 1;

	alarm(LIFE_SECONDS);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (argv[at][1] == 'l')
			run.proto = "udplite";
		else
			run.mode = argv[at][1];
	}
	if (at >= argc)
		die("which scenario?");
	run.ledger = ledger_new();
	if (!strcmp(argv[at], "burst")) {
		burst(&run, strtoul(at + 1 < argc ? argv[at + 1] : "1000", NULL, 10),
		      strtoul(at + 2 < argc ? argv[at + 2] : "0", NULL, 10));
		return 0;
	}
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		if (strcmp(scenarios[i].name, argv[at]))
			continue;
		scenarios[i].fn(&run);
		ledger_print(run.ledger);
		return 0;
	}
	die("no scenario %s", argv[at]);
}

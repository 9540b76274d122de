/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clients COUNT JOBS: that many processes, JOBS at once, each of which sends one datagram over
 * loopback to a server and ends, about a millisecond after it began. Prints "connect PID PORT" for
 * each, and "serve PID PORT" for the server, which ends when it has received them all.
 *
 * clients tcp COUNT: one process connects that often, one by one, sends from one to 100 bytes and
 * closes; another one reads them. Prints "bytes N": what was sent in all.
 *
 * clients held COUNT: the same, but all of them are open before the first is closed. Prints "held
 * CLIENT SERVER PORT BYTES" for each: the processes, the client's port, what was sent.
 *
 * clients half-open: listens, and sends itself a TCP SYN by a raw socket: what answers the
 * listener's SYN-ACK is a RST. Prints "listen PID PORT".
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20 /* seconds without a datagram: one has been dropped */

static int new_socket(int type, int protocol)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		err(EXIT_FAILURE, "socket");
	return fd;
}

static struct sockaddr_in loopback(unsigned int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static unsigned int port_of(int fd)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (void *)&address, &length))
		err(EXIT_FAILURE, "getsockname");
	return ntohs(address.sin_port);
}

static void client(unsigned int port)
{
	struct sockaddr_in server = loopback(port);
	int fd = new_socket(SOCK_DGRAM, 0);

	if (sendto(fd, "x", 1, 0, (void *)&server, sizeof(server)) != 1)
		err(EXIT_FAILURE, "sendto");
	dprintf(STDOUT_FILENO, "connect %d %u\n", getpid(), port_of(fd));
}

static void serve(int fd, int count)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, -20); /* its queue is not to overflow */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		err(EXIT_FAILURE, "setsockopt");
	dprintf(STDOUT_FILENO, "serve %d %u\n", getpid(), port_of(fd));
	for (int i = 0; i < count; i++)
		if (recv(fd, &byte, 1, 0) < 0)
			err(EXIT_FAILURE, "recv");
}

static void start_client(const char *name, const char *port)
{
	pid_t pid = vfork();

	if (pid < 0)
		err(EXIT_FAILURE, "vfork");
	if (pid)
		return;
	execl("/proc/self/exe", name, "client", port, NULL);
	_exit(EXIT_FAILURE);
}

static void await_one(void)
{
	int status;

	if (wait(&status) < 0 || status)
		errx(EXIT_FAILURE, "a client failed");
}

/* Of a TCP header from loopback to loopback. */
static uint16_t checksum(const struct tcphdr *head)
{
	struct {
		uint32_t from, to;
		uint16_t protocol, length;
		struct tcphdr head;
	} sent = {.from = htonl(INADDR_LOOPBACK),
		  .to = htonl(INADDR_LOOPBACK),
		  .protocol = htons(IPPROTO_TCP),
		  .length = htons(sizeof(*head)),
		  .head = *head};
	uint16_t words[sizeof(sent) / 2];
	uint32_t sum = 0;

	memcpy(words, &sent, sizeof(words));
	for (size_t i = 0; i < sizeof(sent) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void half_open(void)
{
	struct sockaddr_in address = loopback(0);
	int listener = new_socket(SOCK_STREAM, 0), raw = new_socket(SOCK_RAW, IPPROTO_TCP);
	struct tcphdr head = {.source = htons(1), .doff = 5, .syn = 1, .window = htons(1000)};

	if (bind(listener, (void *)&address, sizeof(address)) || listen(listener, 1))
		err(EXIT_FAILURE, "listen");
	head.dest = htons((uint16_t)port_of(listener));
	head.check = checksum(&head);
	printf("listen %d %u\n", getpid(), port_of(listener));
	if (sendto(raw, &head, sizeof(head), 0, (void *)&address, sizeof(address)) < 0)
		err(EXIT_FAILURE, "sendto");
}

/* Closes when the other end has. */
static void read_all(int listener, int count)
{
	char bytes[100];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < count; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			err(EXIT_FAILURE, "accept");
		while (read(fd, bytes, sizeof(bytes)) > 0)
			;
		close(fd);
	}
}

static void connect_often(int count)
{
	struct sockaddr_in server = loopback(0);
	int listener = new_socket(SOCK_STREAM, 0);
	const char bytes[100] = {};
	unsigned long sum = 0;

	if (bind(listener, (void *)&server, sizeof(server)) || listen(listener, 1024))
		err(EXIT_FAILURE, "listen");
	server = loopback(port_of(listener));
	if (fork() == 0) {
		read_all(listener, count);
		exit(EXIT_SUCCESS);
	}
	for (int i = 0; i < count; i++) {
		int fd = new_socket(SOCK_STREAM, 0);
		size_t n = (size_t)i % sizeof(bytes) + 1;

		if (connect(fd, (void *)&server, sizeof(server)) ||
		    send(fd, bytes, n, 0) != (ssize_t)n)
			err(EXIT_FAILURE, "connection %d", i);
		close(fd);
		sum += n;
	}
	await_one();
	printf("bytes %lu\n", sum);
}

static void read_held(int listener, int *fds, int count)
{
	char bytes[100];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < count; i++) {
		fds[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fds[i] < 0 || read(fds[i], bytes, sizeof(bytes)) <= 0)
			err(EXIT_FAILURE, "accept");
	}
	for (int i = 0; i < count; i++) {
		while (read(fds[i], bytes, sizeof(bytes)) > 0)
			;
		close(fds[i]);
	}
}

static void hold(int count)
{
	const struct rlimit files = {(rlim_t)count + 100, (rlim_t)count + 100};
	struct sockaddr_in server = loopback(0);
	int listener = new_socket(SOCK_STREAM, 0);
	int *fds = calloc((size_t)count, sizeof(*fds));
	const char bytes[100] = {};
	pid_t pid;

	if (!fds || setrlimit(RLIMIT_NOFILE, &files))
		err(EXIT_FAILURE, "room for %d connections", count);
	if (bind(listener, (void *)&server, sizeof(server)) || listen(listener, 1024))
		err(EXIT_FAILURE, "listen");
	server = loopback(port_of(listener));
	pid = fork();
	if (pid == 0) {
		read_held(listener, fds, count);
		exit(EXIT_SUCCESS);
	}
	for (int i = 0; i < count; i++) {
		size_t n = (size_t)i % sizeof(bytes) + 1;

		fds[i] = new_socket(SOCK_STREAM, 0);
		if (connect(fds[i], (void *)&server, sizeof(server)) ||
		    send(fds[i], bytes, n, 0) != (ssize_t)n)
			err(EXIT_FAILURE, "connection %d", i);
		printf("held %d %d %u %zu\n", getpid(), pid, port_of(fds[i]), n);
	}
	for (int i = 0; i < count; i++)
		close(fds[i]);
	await_one();
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0, jobs = argc == 3 ? atoi(argv[2]) : 0,
	    running = 0;
	struct sockaddr_in address = loopback(0);
	int fd = new_socket(SOCK_DGRAM, 0);
	char port[8];
	pid_t server;

	if (argc == 3 && !strcmp(argv[1], "client")) {
		client((unsigned int)jobs);
		return EXIT_SUCCESS;
	}
	if (argc == 3 && !strcmp(argv[1], "tcp")) {
		connect_often(jobs);
		return EXIT_SUCCESS;
	}
	if (argc == 3 && !strcmp(argv[1], "held")) {
		hold(jobs);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && !strcmp(argv[1], "half-open")) {
		half_open();
		return EXIT_SUCCESS;
	}
	if (count < 1 || jobs < 1)
		errx(EXIT_FAILURE, "usage: clients COUNT JOBS|tcp COUNT|held COUNT|half-open");
	if (bind(fd, (void *)&address, sizeof(address)))
		err(EXIT_FAILURE, "bind");
	snprintf(port, sizeof(port), "%u", port_of(fd));
	server = fork();
	if (server < 0)
		err(EXIT_FAILURE, "fork");
	if (server == 0) {
		serve(fd, count);
		return EXIT_SUCCESS;
	}
	for (int i = 0; i < count; i++) {
		start_client(argv[0], port);
		if (++running == jobs) {
			await_one();
			running--;
		}
	}
	for (running++; running; running--) /* and the server */
		await_one();
	return EXIT_SUCCESS;
}

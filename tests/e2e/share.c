// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic of sockets that several processes use, for flowattr --split-shared: one end's socket is
 * shared by its parent and its children, who all call on it at once; the other end is one process.
 * Prints, one JSON object a line, what each process has sent and received on which socket, as its
 * own calls say.
 *
 * share -4|-6 tcp|udp client|server CHILDREN BYTES
 *   client, server: the end that is shared; BYTES: what each moves, about
 *
 * The parent of TCP sends by sendfile(2) and receives by splice(2): no receive returns that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SECONDS 60
#define DATAGRAM     100 /* bytes */
#define CHILDREN_MAX 16

struct run {
	int family;
	bool udp, server_shared;
	int children;
	size_t bytes;
};

static const char *name;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "share %d: %s (errno %s)\n", getpid(), what, strerrorname_np(errno));
	_exit(1);
}

/* What the process @n of the shared end sends and receives; 0: the parent. Datagrams in full. */
static size_t sent_by(const struct run *run, int n)
{
	return run->udp ? (size_t)(n + 2) * DATAGRAM : run->bytes + (size_t)n * 777;
}

static size_t received_by(const struct run *run, int n)
{
	return run->udp ? (size_t)(2 * n + 3) * DATAGRAM : run->bytes / 2 + (size_t)n * 333;
}

static size_t all(const struct run *run, size_t (*of)(const struct run *run, int n))
{
	size_t sum = 0;

	for (int n = 0; n <= run->children; n++)
		sum += of(run, n);
	return sum;
}

/* ---- sockets ---- */

static struct sockaddr_storage loopback(const struct run *run, socklen_t *ret_size)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)run->family};

	if (run->family == AF_INET) {
		((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*ret_size = sizeof(struct sockaddr_in);
	} else {
		((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
		*ret_size = sizeof(struct sockaddr_in6);
	}
	return address;
}

static struct sockaddr_storage bound(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		die("getsockname");
	return address;
}

static int new_socket(const struct run *run)
{
	socklen_t size;
	struct sockaddr_storage any = loopback(run, &size);
	int fd = socket(run->family, (run->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, size) < 0)
		die("socket");
	return fd;
}

static void connect_to(int fd, const struct sockaddr_storage *to)
{
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
}

/* ---- calls ---- */

/* Bytes to send and to throw away. */
static char *room(size_t n)
{
	char *data = calloc(1, n);

	if (!data)
		die("calloc");
	return data;
}

static void send_all(const struct run *run, int fd, size_t n)
{
	char *data = room(n);

	for (size_t done = 0; done < n;) {
		ssize_t r = send(fd, data + done, run->udp ? DATAGRAM : n - done, 0);

		if (r <= 0)
			die("send");
		done += (size_t)r;
	}
	free(data);
}

static void receive_all(const struct run *run, int fd, size_t n)
{
	char *data = room(n);

	for (size_t done = 0; done < n;) {
		ssize_t r = recv(fd, data, run->udp ? DATAGRAM : n - done, 0);

		if (r <= 0)
			die("recv");
		done += (size_t)r;
	}
	free(data);
}

static void send_file(int fd, size_t n)
{
	int file = memfd_create("file", MFD_CLOEXEC);

	if (file < 0 || ftruncate(file, (off_t)n) < 0)
		die("memfd");
	while (n) {
		ssize_t r = sendfile(fd, file, NULL, n);

		if (r <= 0)
			die("sendfile");
		n -= (size_t)r;
	}
	close(file);
}

static void splice_all(int fd, size_t n)
{
	int pipe_fds[2], nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		die("pipe");
	while (n) {
		ssize_t r = splice(fd, NULL, pipe_fds[1], NULL, n, 0);

		if (r <= 0 || splice(pipe_fds[0], NULL, nowhere, NULL, (size_t)r, 0) != r)
			die("splice");
		n -= (size_t)r;
	}
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(nowhere);
}

/* ---- the log ---- */

static void text_of(const struct sockaddr_storage *address, char text[INET6_ADDRSTRLEN],
		    uint16_t *ret_port)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;
	bool ipv4 = address->ss_family == AF_INET;

	inet_ntop(address->ss_family, ipv4 ? (const void *)&in->sin_addr : &in6->sin6_addr, text,
		  INET6_ADDRSTRLEN);
	*ret_port = ntohs(ipv4 ? in->sin_port : in6->sin6_port);
}

static void tell(const struct run *run, int fd, const char *who, size_t tx, size_t rx)
{
	struct sockaddr_storage local = bound(fd), remote;
	char laddr[INET6_ADDRSTRLEN], raddr[INET6_ADDRSTRLEN];
	socklen_t size = sizeof(remote);
	uint16_t lport, rport;

	if (getpeername(fd, (struct sockaddr *)&remote, &size) < 0)
		die("getpeername");
	text_of(&local, laddr, &lport);
	text_of(&remote, raddr, &rport);
	if (dprintf(STDOUT_FILENO,
		    "{\"type\":\"share\",\"who\":\"%s\",\"proto\":\"%s\",\"pid\":%d,\"name\":\"%"
		    "s\","
		    "\"laddr\":\"%s\",\"lport\":%u,\"raddr\":\"%s\",\"rport\":%u,"
		    "\"tx_bytes\":%zu,\"rx_bytes\":%zu}\n",
		    who, run->udp ? "udp" : "tcp", getpid(), name, laddr, lport, raddr, rport, tx,
		    rx) < 0)
		die("stdout");
}

/* ---- the two ends ---- */

static void child(const struct run *run, int fd, int n)
{
	send_all(run, fd, sent_by(run, n));
	receive_all(run, fd, received_by(run, n));
	tell(run, fd, "child", sent_by(run, n), received_by(run, n));
	_exit(0);
}

static void shared_end(const struct run *run, int fd)
{
	pid_t children[CHILDREN_MAX];
	int status;

	for (int n = 1; n <= run->children; n++) {
		children[n - 1] = fork();
		if (children[n - 1] < 0)
			die("fork");
		if (!children[n - 1])
			child(run, fd, n);
	}
	if (run->udp) {
		send_all(run, fd, sent_by(run, 0));
		receive_all(run, fd, received_by(run, 0));
	} else {
		send_file(fd, sent_by(run, 0));
		splice_all(fd, received_by(run, 0));
	}
	tell(run, fd, "owner", sent_by(run, 0), received_by(run, 0));
	for (int n = 0; n < run->children; n++)
		if (waitpid(children[n], &status, 0) < 0 || status)
			die("a child");
	close(fd);
}

static void other_end(const struct run *run, int fd)
{
	receive_all(run, fd, all(run, sent_by));
	send_all(run, fd, all(run, received_by));
	tell(run, fd, "other", all(run, received_by), all(run, sent_by));
	if (!run->udp && recv(fd, &(char){0}, 1, 0) != 0)
		die("recv of the end");
	close(fd);
}

static void serve(const struct run *run, int fd)
{
	if (!run->udp)
		fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		die("accept");
	(run->server_shared ? shared_end : other_end)(run, fd);
}

static void parse(char **argv, struct run *ret_run)
{
	*ret_run = (struct run){
		.family = strcmp(argv[1], "-6") ? AF_INET : AF_INET6,
		.udp = !strcmp(argv[2], "udp"),
		.server_shared = !strcmp(argv[3], "server"),
		.children = atoi(argv[4]),
		.bytes = (size_t)atol(argv[5]),
	};
}

int main(int argc, char **argv)
{
	struct sockaddr_storage to;
	struct run run;
	int server, client, status;
	pid_t pid;

	if (argc != 6)
		die("usage: share -4|-6 tcp|udp client|server CHILDREN BYTES");
	name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	parse(argv, &run);
	if (run.children < 1 || run.children > CHILDREN_MAX)
		die("CHILDREN");
	alarm(LIFE_SECONDS);
	server = new_socket(&run);
	client = new_socket(&run);
	to = bound(server);
	if (run.udp) { /* each knows its peer */
		struct sockaddr_storage back = bound(client);

		connect_to(server, &back);
	} else if (listen(server, 1) < 0) {
		die("listen");
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		alarm(LIFE_SECONDS);
		close(client);
		serve(&run, server);
		_exit(0);
	}
	close(server);
	connect_to(client, &to);
	(run.server_shared ? other_end : shared_end)(&run, client);
	if (waitpid(pid, &status, 0) < 0 || status)
		die("the server");
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic generator of the tests of translated addresses: a client and a server, each a process in
 * a network namespace of its own, that may not call each other by the same addresses. Prints a line
 * of JSON for each end: who it is, what it says of its socket's addresses, what it sent and
 * received.
 *
 * nat WHAT tcp|udp CLIENT_NETNS SERVER_NETNS LISTEN_ADDRESS LISTEN_PORT ADDRESS PORT TX RX [hold]
 *   NETNS: path, - to stay; the client connects to ADDRESS PORT, sends TX bytes, gets RX. WHAT is
 *   repeated in the lines. A UDP server answers from a socket that is not connected. With "hold"
 *   (TCP) the client then says "established" on stderr, waits for a line, and both do it once more.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SECONDS 20

struct run {
	const char *what, *proto, *client_netns, *server_netns, *listen, *listen_port, *address,
		*port;
	size_t tx, rx;
	bool hold;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "nat %d: ", getpid());
	perror(what);
	_exit(1);
}

static void enter(const char *netns)
{
	int fd;

	if (!strcmp(netns, "-"))
		return;
	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(netns);
	close(fd);
}

static int new_socket(const struct run *run, const char *address, const char *port,
		      struct sockaddr_storage *to, socklen_t *length)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				 .ai_socktype =
					 strcmp(run->proto, "tcp") ? SOCK_DGRAM : SOCK_STREAM};
	struct addrinfo *found;
	int fd, one = 1;

	if (getaddrinfo(address, port, &hints, &found))
		die(address);
	memcpy(to, found->ai_addr, found->ai_addrlen);
	*length = found->ai_addrlen;
	fd = socket(found->ai_family, found->ai_socktype, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die("socket");
	freeaddrinfo(found);
	return fd;
}

static void print_address(const char *key, const struct sockaddr_storage *address)
{
	char host[64], port[16];

	if (getnameinfo((const void *)address, sizeof(*address), host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		die("getnameinfo");
	printf(",\"%caddr\":\"%s\",\"%cport\":%s", *key, host, *key, port);
}

static void print_end(const struct run *run, const char *role, int fd,
		      const struct sockaddr_storage *remote, size_t tx, size_t rx)
{
	struct sockaddr_storage local;
	socklen_t length = sizeof(local);
	struct stat netns;

	if (getsockname(fd, (void *)&local, &length) || stat("/proc/self/ns/net", &netns))
		die("getsockname");
	printf("{\"what\":\"%s\",\"role\":\"%s\",\"proto\":\"%s\",\"pid\":%d,\"netns\":%lu",
	       run->what, role, run->proto, getpid(), (unsigned long)netns.st_ino);
	print_address("l", &local);
	print_address("r", remote);
	printf(",\"tx\":%zu,\"rx\":%zu}\n", tx, rx);
	fflush(stdout);
}

static void put(int fd, size_t bytes)
{
	char *data = calloc(1, bytes);

	if (!data || send(fd, data, bytes, 0) != (ssize_t)bytes)
		die("send");
	free(data);
}

static size_t get(int fd, size_t bytes)
{
	char data[65536];
	size_t got = 0;

	while (got < bytes) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		if (n <= 0)
			die("recv");
		got += (size_t)n;
	}
	return got;
}

static size_t times(const struct run *run, size_t bytes)
{
	return run->hold ? 2 * bytes : bytes;
}

static void be_client(const struct run *run)
{
	struct sockaddr_storage to;
	socklen_t length;
	int fd;

	enter(run->client_netns);
	fd = new_socket(run, run->address, run->port, &to, &length);
	if (connect(fd, (void *)&to, length))
		die("connect");
	put(fd, run->tx);
	get(fd, run->rx);
	if (run->hold) {
		char line[16];

		fputs("established\n", stderr);
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			die("no line");
		put(fd, run->tx);
		get(fd, run->rx);
	}
	print_end(run, "client", fd, &to, times(run, run->tx), times(run, run->rx));
	close(fd);
	_exit(0);
}

static void serve_tcp(const struct run *run, int listener)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int fd = accept(listener, (void *)&from, &length);
	char byte;

	if (fd < 0)
		die("accept");
	for (int i = 0; i <= run->hold; i++) {
		get(fd, run->tx);
		put(fd, run->rx);
	}
	print_end(run, "server", fd, &from, times(run, run->rx), times(run, run->tx));
	if (recv(fd, &byte, 1, 0))
		die("no end");
	close(fd);
}

static void serve_udp(const struct run *run, int fd)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char data[65536] = {};

	if (recvfrom(fd, data, sizeof(data), 0, (void *)&from, &length) != (ssize_t)run->tx)
		die("recvfrom");
	if (sendto(fd, data, run->rx, 0, (void *)&from, length) != (ssize_t)run->rx)
		die("sendto");
	print_end(run, "server", fd, &from, run->rx, run->tx);
}

static void be_server(const struct run *run, int ready)
{
	bool tcp = !strcmp(run->proto, "tcp");
	struct sockaddr_storage at;
	socklen_t length;
	int fd;

	enter(run->server_netns);
	fd = new_socket(run, run->listen, run->listen_port, &at, &length);
	if (bind(fd, (void *)&at, length) || (tcp && listen(fd, 8)))
		die("bind");
	if (write(ready, "", 1) != 1)
		die("write");
	if (tcp)
		serve_tcp(run, fd);
	else
		serve_udp(run, fd);
	close(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct run run;
	int ready[2], status, failed = 0;
	pid_t server;
	char byte;

	if (argc < 11) {
		fputs("nat: see the head of nat.c\n", stderr);
		return 2;
	}
	run = (struct run){argv[1],
			   argv[2],
			   argv[3],
			   argv[4],
			   argv[5],
			   argv[6],
			   argv[7],
			   argv[8],
			   strtoul(argv[9], NULL, 10),
			   strtoul(argv[10], NULL, 10),
			   argc > 11 && !strcmp(argv[11], "hold")};
	alarm(LIFE_SECONDS);
	if (pipe(ready))
		die("pipe");
	server = fork();
	if (!server) {
		alarm(LIFE_SECONDS);
		be_server(&run, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("the server");
	if (!fork()) {
		alarm(LIFE_SECONDS);
		be_client(&run);
	}
	while (wait(&status) > 0) {
		failed |= status;
		if (status)
			kill(server, SIGKILL); /* it would wait for what does not come */
	}
	return failed != 0;
}

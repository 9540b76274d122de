// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel sends for connections whose process has closed them, and has ended: segments of
 * TIME_WAIT, and RSTs. A client closes two connections and exits. Of the first the server closes
 * only then: the client's last ACK is its kernel's. On the second it sends data instead: an RST.
 * SECONDS later a segment of the first comes once more: the kernel answers out of TIME_WAIT, and
 * with an RST to that answer. Prints what connsnoop would of the connections, one JSON object a
 * line.
 *
 * timewait -4|-6 SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SECONDS 60
#define FIN_WAIT2    5 /* states of /proc/net/tcp */
#define TIME_WAIT    6

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "timewait %d: %s (errno %s)\n", getpid(), what, strerrorname_np(errno));
	_exit(1);
}

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

static uint16_t port_of(const union address *address)
{
	return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port
						       : address->v6.sin6_port);
}

static union address end_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
	union address address;
	socklen_t size = sizeof(address);

	if (get(fd, &address.any, &size) < 0)
		die("an end's address");
	return address;
}

static void text_of(const union address *address, char text[INET6_ADDRSTRLEN])
{
	inet_ntop(address->any.sa_family,
		  address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
						    : &address->v6.sin6_addr,
		  text, INET6_ADDRSTRLEN);
}

static void tell(const char *type, int fd, const char *name)
{
	union address local = end_of(fd, getsockname), remote = end_of(fd, getpeername);
	char laddr[INET6_ADDRSTRLEN], raddr[INET6_ADDRSTRLEN];

	text_of(&local, laddr);
	text_of(&remote, raddr);
	dprintf(STDOUT_FILENO,
		"{\"type\":\"%s\",\"pid\":%d,\"name\":\"%s\",\"laddr\":\"%s\",\"lport\":%u,"
		"\"raddr\":\"%s\",\"rport\":%u}\n",
		type, getpid(), name, laddr, port_of(&local), raddr, port_of(&remote));
}

/* The state of the connection between these ports, in which no process is any more; 0: there is
 * none. */
static unsigned int state_of(int family, uint16_t lport, uint16_t rport)
{
	FILE *file = fopen(family == AF_INET ? "/proc/self/net/tcp" : "/proc/self/net/tcp6", "re");
	unsigned int local, remote, state = 0, found = 0;
	char line[512];

	if (!file)
		die("/proc/self/net/tcp");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%x %x", &local, &remote, &state) ==
			    3 &&
		    local == lport && remote == rport)
			found = state;
	fclose(file);
	return found;
}

static void await(int family, uint16_t lport, uint16_t rport, unsigned int state)
{
	while (state_of(family, lport, rport) != state)
		usleep(2000); /* alarm() is the limit */
}

static void client(const union address *to, const char *name)
{
	char data[10] = "";
	int fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0 || connect(fds[i], &to->any, size_of(to)) < 0)
			die("connect");
		tell("connect", fds[i], name);
		if (write(fds[i], data, sizeof(data)) != sizeof(data))
			die("write");
	}
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	_exit(0);
}

static int serve(int listener, const char *name)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char data[10];

	if (fd < 0)
		die("accept");
	if (recv(fd, data, sizeof(data), MSG_WAITALL) != sizeof(data) || recv(fd, data, 1, 0))
		die("recv");
	tell("accept", fd, name);
	return fd;
}

static uint16_t sum_up(const void *data, size_t length, uint32_t sum)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A segment from @from to @to, from long ago: TIME_WAIT answers with an ACK. */
static void send_old(const union address *from, const union address *to)
{
	bool v4 = from->any.sa_family == AF_INET;
	union address where = *to;
	struct tcphdr tcp = {
		.th_sport = htons(port_of(from)),
		.th_dport = htons(port_of(to)),
		.th_seq = htonl(1),
		.th_ack = htonl(1),
		.th_off = sizeof(tcp) / 4,
		.th_flags = TH_ACK,
		.th_win = htons(1000),
	};
	uint32_t sum = IPPROTO_TCP + sizeof(tcp);
	int fd = socket(from->any.sa_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);

	if (v4) {
		sum += sum_up(&from->v4.sin_addr, 4, 0) + sum_up(&to->v4.sin_addr, 4, 0);
		where.v4.sin_port = 0;
	} else {
		sum += sum_up(&from->v6.sin6_addr, 16, 0) + sum_up(&to->v6.sin6_addr, 16, 0);
		where.v6.sin6_port = 0;
	}
	tcp.th_sum = htons((uint16_t)~sum_up(&tcp, sizeof(tcp), sum));
	if (fd < 0 || sendto(fd, &tcp, sizeof(tcp), 0, &where.any, size_of(&where)) != sizeof(tcp))
		die("a raw socket");
	close(fd);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	bool v4 = argc == 3 && !strcmp(argv[1], "-4");
	union address here = {.v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback}};
	int listener, fds[2], family, status;
	union address from, to, first;
	pid_t pid;

	if (argc != 3)
		die("usage: timewait -4|-6 SECONDS");
	if (v4)
		here.v4 = (struct sockaddr_in){.sin_family = AF_INET,
					       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	family = here.any.sa_family;
	alarm(LIFE_SECONDS);
	listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, &here.any, size_of(&here)) < 0 ||
	    listen(listener, 4) < 0)
		die("listen");
	here = end_of(listener, getsockname);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		client(&here, name);
	for (int i = 0; i < 2; i++)
		fds[i] = serve(listener, name);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the client");
	from = end_of(fds[0], getsockname);
	first = end_of(fds[0], getpeername);
	await(family, port_of(&first), port_of(&from), FIN_WAIT2);
	close(fds[0]);
	await(family, port_of(&first), port_of(&from), TIME_WAIT);
	to = end_of(fds[1], getpeername);
	await(family, port_of(&to), port_of(&from), FIN_WAIT2);
	if (write(fds[1], "late", 4) != 4)
		die("write");
	await(family, port_of(&to), port_of(&from), 0);
	if (recv(fds[1], &(char){0}, 1, 0) != 0 && errno != ECONNRESET)
		die("recv of an RST");
	close(fds[1]);
	sleep((unsigned int)atoi(argv[2]));
	send_old(&from, &first);
	await(family, port_of(&first), port_of(&from), 0);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load [-1|-c] ping|stream|connect: a client and a server over loopback, for a second; with -1,
 * both on one processor: the numbers then depend on nothing but the time that the work takes. With
 * -c they are per second of the time that the two of them had on it: nor on other work on the
 * machine. ping     64 bytes there and back, 1.5 s after connecting: round trips per second stream
 * 64 KB at a time, one way: MB per second connect  connect and close, nothing between: pairs per
 * second Prints the number.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_NS	     1000000000LL
#define SETTLE_NS    1500000000LL /* hooks that watch new connections are away by then */
#define PING_BYTES   64
#define STREAM_BYTES (64 * 1024)

static char bytes[STREAM_BYTES];

static clockid_t server_clock; /* of its CPU time, with -c */
static bool by_work;

static int64_t read_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		err(EXIT_FAILURE, "clock_gettime");
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int64_t now_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

/* What "per second" is of. */
static int64_t spent_ns(void)
{
	return by_work ? read_ns(CLOCK_PROCESS_CPUTIME_ID) + read_ns(server_clock) : now_ns();
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		err(EXIT_FAILURE, "socket");
	return fd;
}

static int connect_to(const struct sockaddr_in *server)
{
	int fd = new_socket();

	if (connect(fd, (const void *)server, sizeof(*server)))
		err(EXIT_FAILURE, "connect");
	return fd;
}

/* False at the end of the stream. */
static int receive(int fd, size_t n)
{
	ssize_t r = recv(fd, bytes, n, MSG_WAITALL);

	if (r < 0)
		err(EXIT_FAILURE, "recv");
	return (size_t)r == n;
}

static void transmit(int fd, size_t n)
{
	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		err(EXIT_FAILURE, "send");
}

static void serve_ping(int fd)
{
	while (receive(fd, PING_BYTES))
		transmit(fd, PING_BYTES);
}

/* Round trips within @run_ns. */
static double ping_for(int fd, int64_t run_ns)
{
	int64_t start = now_ns(), spent = -spent_ns();
	uint64_t n = 0;

	do {
		transmit(fd, PING_BYTES);
		receive(fd, PING_BYTES);
		n++;
	} while (now_ns() - start < run_ns);
	spent += spent_ns();
	return (double)n / ((double)spent / 1e9);
}

static double ping(const struct sockaddr_in *server)
{
	int fd = connect_to(server);
	double result;

	ping_for(fd, SETTLE_NS);
	result = ping_for(fd, RUN_NS);
	close(fd);
	return result;
}

static void serve_stream(int fd)
{
	while (receive(fd, STREAM_BYTES))
		;
}

static double stream(const struct sockaddr_in *server)
{
	int fd = connect_to(server);
	int64_t start = now_ns(), spent = -spent_ns();
	uint64_t n = 0;

	do {
		transmit(fd, STREAM_BYTES);
		n++;
	} while (now_ns() - start < RUN_NS);
	spent += spent_ns();
	close(fd);
	return (double)n * STREAM_BYTES / 1e6 / ((double)spent / 1e9);
}

static void serve_connect(int fd)
{
	receive(fd, 1);
}

static double connects(const struct sockaddr_in *server)
{
	int64_t start = now_ns(), spent = -spent_ns();
	uint64_t n = 0;

	do {
		close(connect_to(server));
		n++;
	} while (now_ns() - start < RUN_NS);
	spent += spent_ns();
	return (double)n / ((double)spent / 1e9);
}

static const struct {
	const char *name;
	void (*serve)(int fd); /* one connection */
	double (*client)(const struct sockaddr_in *server);
} loads[] = {
	{"ping", serve_ping, ping},
	{"stream", serve_stream, stream},
	{"connect", serve_connect, connects},
};

static pid_t start_server(int listener, void (*serve)(int fd))
{
	pid_t pid = fork();

	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			err(EXIT_FAILURE, "accept");
		serve(fd);
		close(fd);
	}
}

static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		err(EXIT_FAILURE, "sched_setaffinity");
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = {.sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(server);
	int listener = new_socket();
	const char *name = argv[argc - 1];

	by_work = argc == 3 && !strcmp(argv[1], "-c");
	if (by_work || (argc == 3 && !strcmp(argv[1], "-1")))
		stay_here();
	if (bind(listener, (void *)&server, length) || listen(listener, 1024) ||
	    getsockname(listener, (void *)&server, &length))
		err(EXIT_FAILURE, "listen");
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		pid_t pid;

		if (strcmp(name, loads[i].name))
			continue;
		pid = start_server(listener, loads[i].serve);
		if (clock_getcpuclockid(pid, &server_clock))
			err(EXIT_FAILURE, "clock_getcpuclockid");
		printf("%.1f\n", loads[i].client(&server));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return EXIT_SUCCESS;
	}
	errx(EXIT_FAILURE, "usage: load [-1|-c] ping|stream|connect");
}

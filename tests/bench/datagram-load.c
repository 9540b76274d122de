/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * datagram-load ping|connected|oneway: a client and a server over loopback UDP, both on one
 * processor, for a second. What is counted is per second of the time that the two of them had:
 * other work on the machine does not change it much. ping       64 bytes there and back, by sendto
 * and recvfrom: round trips per second connected  the same by send and recv on connected sockets
 *   oneway     1400 bytes, 32 at a time, then one back: datagrams per second
 * Prints the number.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
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
#define PING_BYTES   64
#define ONEWAY_BYTES 1400
#define BATCH	     32 /* that any socket has room for */

static char bytes[ONEWAY_BYTES];

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		err(EXIT_FAILURE, "clock_gettime");
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int bound(struct sockaddr_in *ret_address)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (void *)&address, size) || getsockname(fd, (void *)&address, &size))
		err(EXIT_FAILURE, "bind");
	*ret_address = address;
	return fd;
}

static void put(int fd, const struct sockaddr_in *to, size_t n)
{
	if (sendto(fd, bytes, n, 0, (const void *)to, to ? sizeof(*to) : 0) != (ssize_t)n)
		err(EXIT_FAILURE, "send");
}

static void get(int fd, bool named)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);

	if (recvfrom(fd, bytes, sizeof(bytes), 0, named ? (void *)&from : NULL,
		     named ? &size : NULL) < 0)
		err(EXIT_FAILURE, "receive");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool oneway = !strcmp(what, "oneway"), connected = !strcmp(what, "connected");
	int batch = oneway ? BATCH : 1;
	size_t size = oneway ? ONEWAY_BYTES : PING_BYTES;
	struct sockaddr_in ends[2];
	const int fds[2] = {bound(&ends[0]), bound(&ends[1])};
	const struct sockaddr_in *to[2] = {&ends[1], &ends[0]};
	int64_t start, n = 0, worked;
	clockid_t clock;
	cpu_set_t one;
	pid_t child;

	if (!oneway && !connected && strcmp(what, "ping"))
		errx(2, "datagram-load ping|connected|oneway");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(EXIT_FAILURE, "sched_setaffinity");
	for (int i = 0; connected && i < 2; i++) {
		if (connect(fds[i], (const void *)to[i], sizeof(*to[i])))
			err(EXIT_FAILURE, "connect");
		to[i] = NULL;
	}
	child = fork();
	if (child < 0)
		err(EXIT_FAILURE, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			for (int i = 0; i < batch; i++)
				get(fds[1], !connected);
			put(fds[1], to[1], PING_BYTES);
		}
	}
	if (clock_getcpuclockid(child, &clock))
		err(EXIT_FAILURE, "clock_getcpuclockid");
	start = now_ns(CLOCK_MONOTONIC);
	worked = -now_ns(CLOCK_PROCESS_CPUTIME_ID) - now_ns(clock);
	do {
		for (int i = 0; i < batch; i++)
			put(fds[0], to[0], size);
		get(fds[0], !connected);
		n += batch;
	} while (now_ns(CLOCK_MONOTONIC) - start < RUN_NS);
	worked += now_ns(CLOCK_PROCESS_CPUTIME_ID) + now_ns(clock);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("%.1f\n", (double)n * 1e9 / (double)worked);
	return 0;
}

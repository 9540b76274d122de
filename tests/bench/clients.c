/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clients COUNT JOBS: that many processes, JOBS at once, each of which sends one datagram over
 * loopback to a server and ends, about a millisecond after it began. Prints a line for each: its
 * process id and its port.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

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
	int fd = new_socket();

	if (sendto(fd, "x", 1, 0, (void *)&server, sizeof(server)) != 1)
		err(EXIT_FAILURE, "sendto");
	dprintf(STDOUT_FILENO, "%d %u\n", getpid(), port_of(fd));
}

static void serve(int fd)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
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

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0, jobs = argc == 3 ? atoi(argv[2]) : 0,
	    running = 0;
	struct sockaddr_in address = loopback(0);
	int fd = new_socket();
	char port[8];
	pid_t server;

	if (argc == 3 && !strcmp(argv[1], "client")) {
		client((unsigned int)jobs);
		return EXIT_SUCCESS;
	}
	if (count < 1 || jobs < 1)
		errx(EXIT_FAILURE, "usage: clients COUNT JOBS");
	if (bind(fd, (void *)&address, sizeof(address)))
		err(EXIT_FAILURE, "bind");
	snprintf(port, sizeof(port), "%u", port_of(fd));
	server = fork();
	if (server < 0)
		err(EXIT_FAILURE, "fork");
	if (server == 0)
		serve(fd);
	for (int i = 0; i < count; i++) {
		start_client(argv[0], port);
		if (++running == jobs) {
			await_one();
			running--;
		}
	}
	for (; running; running--)
		await_one();
	kill(server, SIGKILL);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold PROCESSES CONNECTIONS: each process holds both ends of that many TCP connections over
 * loopback. Says "ready" when all stand; lives until it is killed, or LIFE_SECONDS.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SECONDS 300

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(EXIT_FAILURE, "socket");
	return fd;
}

static void hold(int connections)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = new_socket();

	if (bind(listener, (void *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &length))
		err(EXIT_FAILURE, "listen");
	for (int i = 0; i < connections; i++) {
		if (connect(new_socket(), (void *)&address, length))
			err(EXIT_FAILURE, "connect");
		if (accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
			err(EXIT_FAILURE, "accept");
	}
	close(listener);
}

int main(int argc, char **argv)
{
	int processes = argc == 3 ? atoi(argv[1]) : 0, connections = argc == 3 ? atoi(argv[2]) : 0;
	int done[2];
	char byte;

	if (processes < 1 || connections < 1)
		errx(EXIT_FAILURE, "usage: hold PROCESSES CONNECTIONS");
	signal(SIGCHLD, SIG_IGN);
	if (pipe(done))
		err(EXIT_FAILURE, "pipe");
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(EXIT_FAILURE, "fork");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(done[0]);
		hold(connections);
		if (write(done[1], "", 1) != 1)
			err(EXIT_FAILURE, "pipe");
		close(done[1]);
		for (;;)
			pause();
	}
	close(done[1]);
	for (int i = 0; i < processes; i++)
		if (read(done[0], &byte, 1) != 1)
			errx(EXIT_FAILURE, "only %d of %d processes got ready", i, processes);
	puts("ready");
	fflush(stdout);
	alarm(LIFE_SECONDS);
	for (;;)
		pause();
}

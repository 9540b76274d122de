/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold PROCESSES CONNECTIONS [talk]: each process holds both ends of that many TCP connections over
 * loopback; with "talk" it sends and receives 100 bytes on each every second. Says "ready" when all
 * stand; lives until it is killed, or LIFE_SECONDS.
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

#define LIFE_SECONDS 300
#define TALK_BYTES   100

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(EXIT_FAILURE, "socket");
	return fd;
}

static void hold(int connections, int (*ends)[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = new_socket();

	if (bind(listener, (void *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &length))
		err(EXIT_FAILURE, "listen");
	for (int i = 0; i < connections; i++) {
		ends[i][0] = new_socket();
		if (connect(ends[i][0], (void *)&address, length))
			err(EXIT_FAILURE, "connect");
		ends[i][1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (ends[i][1] < 0)
			err(EXIT_FAILURE, "accept");
	}
	close(listener);
}

static void talk(int connections, int (*ends)[2])
{
	char bytes[TALK_BYTES] = {};

	for (;;) {
		for (int i = 0; i < connections; i++)
			if (send(ends[i][0], bytes, sizeof(bytes), 0) != sizeof(bytes) ||
			    recv(ends[i][1], bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
				err(EXIT_FAILURE, "talk");
		sleep(1);
	}
}

int main(int argc, char **argv)
{
	int processes = argc >= 3 ? atoi(argv[1]) : 0, connections = argc >= 3 ? atoi(argv[2]) : 0;
	int talks = argc == 4 && !strcmp(argv[3], "talk");
	int(*ends)[2] = calloc((size_t)connections + 1, sizeof(*ends));
	int done[2];
	char byte;

	if (processes < 1 || connections < 1 || argc != 3 + talks || !ends)
		errx(EXIT_FAILURE, "usage: hold PROCESSES CONNECTIONS [talk]");
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
		hold(connections, ends);
		if (write(done[1], "", 1) != 1)
			err(EXIT_FAILURE, "pipe");
		close(done[1]);
		if (talks)
			talk(connections, ends);
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

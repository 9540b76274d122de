/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timed COMMAND...: runs it with stdout to /dev/null and prints how long it took, in ms.
 * timed -r COMMAND...: prints how long until it wrote "ready" to stderr, and ends it.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* @stderr_fd: -1 leaves it as it is. */
static pid_t start(char **argv, int stderr_fd)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = vfork();

	if (pid < 0 || null < 0)
		err(EXIT_FAILURE, "cannot start %s", argv[0]);
	if (pid)
		return pid;
	dup2(null, STDOUT_FILENO);
	if (stderr_fd >= 0)
		dup2(stderr_fd, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static void wait_for_ready(int fd)
{
	FILE *file = fdopen(fd, "r");
	char line[1024];

	while (file && fgets(line, sizeof(line), file))
		if (!strcmp(line, "ready\n"))
			return;
	errx(EXIT_FAILURE, "it never was ready");
}

int main(int argc, char **argv)
{
	int ready = argc > 1 && !strcmp(argv[1], "-r"), fds[2] = {-1, -1}, status;
	double began, ended;
	pid_t pid;

	argv += 1 + ready;
	if (!*argv)
		errx(EXIT_FAILURE, "usage: timed [-r] COMMAND...");
	if (ready && pipe2(fds, O_CLOEXEC))
		err(EXIT_FAILURE, "pipe");
	began = now_ms();
	pid = start(argv, fds[1]);
	if (ready) {
		close(fds[1]);
		wait_for_ready(fds[0]);
		ended = now_ms();
		kill(pid, SIGTERM);
		waitpid(pid, &status, 0);
	} else {
		waitpid(pid, &status, 0);
		ended = now_ms();
	}
	/* lsof ends with 1 when it finds nothing */
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		errx(EXIT_FAILURE, "%s failed", argv[0]);
	printf("%.3f\n", ended - began);
	return EXIT_SUCCESS;
}

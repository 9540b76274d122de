// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/generator/die.h"
#include "tests/generator/process.h"

struct exe own_exe(void)
{
	struct exe exe = {};

	if (readlink("/proc/self/exe", exe.path, sizeof(exe.path) - 1) < 0)
		die("readlink exe");
	return exe;
}

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

pid_t spawn(void)
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		alarm(LIFE_SECONDS);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			die("orphan");
	}
	return child;
}

void reap(pid_t child, int signal)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	if (signal ? !WIFSIGNALED(status) || WTERMSIG(status) != signal : status != 0)
		die("child %d: wait status %#x", child, status);
}

void wait_for_syscall(pid_t pid, long a, long b)
{
	char path[64], text[64] = "";
	long n;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (int tries = 0; tries < 10000; tries++) {
		FILE *file = fopen(path, "re");

		if (!file)
			die("%s", path);
		if (fgets(text, sizeof(text), file) && sscanf(text, "%ld", &n) == 1 &&
		    (n == a || n == b)) {
			fclose(file);
			return;
		}
		fclose(file);
		poll(NULL, 0, 1);
	}
	die("%s: not there: %s", path, text);
}

void gate_new(int ret_gate[2])
{
	if (pipe2(ret_gate, O_CLOEXEC))
		die("pipe");
}

void gate_open(const int gate[2])
{
	if (write(gate[1], "", 1) != 1)
		die("gate write");
}

void gate_wait(const int gate[2])
{
	char byte;

	if (read(gate[0], &byte, 1) != 1)
		die("gate read");
}

void phase(const char *name)
{
	char byte;

	dprintf(STDERR_FILENO, "phase %s\n", name);
	do {
		if (read(STDIN_FILENO, &byte, 1) != 1)
			die("phase %s: end of stdin", name);
	} while (byte != '\n');
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/command.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/filter.h"
#include "lib/signals.h"

#define LOOK_MS 40 /* so often, a COMMAND that is waited for may have ended */

static int check_file(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

int command_check(char **argv, struct error *error)
{
	const char *path = getenv("PATH"), *name = argv[0];
	char file[PATH_MAX];
	int r = -ENOENT;

	if (strchr(name, '/'))
		r = check_file(name);
	for (path = path ? path : "/bin:/usr/bin"; !strchr(name, '/') && r; path++) {
		int length = (int)strcspn(path, ":");
		int found;

		snprintf(file, sizeof(file), "%.*s/%s", length ? length : 1, length ? path : ".",
			 name);
		found = check_file(file);
		if (found == 0 || found == -EACCES)
			r = found;
		path += length;
		if (!*path)
			break;
	}
	if (r)
		return error_set(error, r, "cannot run %s: %s%s", name, strerror(-r),
				 r == -ENOENT ? "; is it installed, is the path right?"
					      : "; is it a program?");
	return 0;
}

static _Noreturn void child_run(int gate, int failure, char **argv, bool apart)
{
	char byte;

	/* a gate that is closed without a byte: the tool has died, so nobody traces this */
	if (read(gate, &byte, 1) != 1)
		_exit(1);
	signals_unblock();
	if (apart && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		close(STDOUT_FILENO);
	execvp(argv[0], argv);
	int error = errno;

	if (write(failure, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

int command_start(char **argv, bool apart, struct command *ret_command)
{
	int gate[2], failure[2];
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(failure, O_CLOEXEC) < 0) {
		int r = -errno;

		close(gate[0]);
		close(gate[1]);
		return r;
	}
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		child_run(gate[0], failure[1], argv, apart);
	}
	int r = pid < 0 ? -errno : 0;

	close(gate[0]);
	close(failure[1]);
	if (r < 0) {
		close(gate[1]);
		close(failure[0]);
		return r;
	}
	*ret_command = (struct command){.pid = pid, .gate = gate[1], .failure = failure[0]};
	return 0;
}

int command_start_traced(char **argv, bool apart, int processes_fd,
			 struct record_counters *counters, struct command *ret_command,
			 struct error *error)
{
	int r = command_start(argv, apart, ret_command);

	if (r < 0)
		return error_set(error, r, "cannot fork: %s", strerror(-r));
	counters->followed = 1;
	r = filter_add_process(processes_fd, (uint32_t)ret_command->pid);
	if (r < 0)
		return error_set(error, r, "cannot follow the command: %s", strerror(-r));
	return 0;
}

int command_release(struct command *command, char **argv, struct error *error)
{
	int child_errno = 0;
	ssize_t n;

	if (write(command->gate, "", 1) != 1)
		return error_set(error, -errno, "cannot start %s: %s", argv[0], strerror(errno));
	close(command->gate);
	command->gate = -1;
	/* the descriptor closes itself at a successful exec */
	do
		n = read(command->failure, &child_errno, sizeof(child_errno));
	while (n < 0 && errno == EINTR);
	close(command->failure);
	command->failure = -1;
	if (n == 0)
		return 0;
	waitpid(command->pid, &command->status, 0);
	command->ended = true;
	return error_set(error, -child_errno, "cannot run %s: %s%s", argv[0], strerror(child_errno),
			 child_errno == ENOENT ? "; is it installed, is the path right?" : "");
}

bool command_ended(struct command *command)
{
	int status;

	if (!command->pid || command->ended)
		return true;
	if (waitpid(command->pid, &status, WNOHANG) == command->pid) {
		command->status = status;
		command->ended = true;
	}
	return command->ended;
}

bool command_is_unread(struct command *command, int output_fd)
{
	struct pollfd output = {.fd = output_fd};

	return !command_ended(command) && poll(&output, 1, 0) > 0 &&
	       output.revents & (POLLERR | POLLHUP);
}

void command_wait(struct command *command)
{
	_cleanup_(closep) int fd = signals_open();
	struct pollfd end = {.fd = fd, .events = POLLIN};

	while (!command_ended(command) && !end.revents)
		poll(&end, 1, LOOK_MS);
}

void command_stop(struct command *command)
{
	if (!command->pid)
		return;
	closep(&command->gate);
	closep(&command->failure);
	if (command_ended(command))
		return;
	kill(command->pid, SIGTERM);
	signals_unblock(); /* it may ignore that: then the user decides how long to wait */
	while (waitpid(command->pid, &command->status, 0) < 0 && errno == EINTR)
		;
	command->ended = true;
}

int command_exit_status(const struct command *command)
{
	if (WIFSIGNALED(command->status))
		return 128 + WTERMSIG(command->status);
	return WEXITSTATUS(command->status);
}

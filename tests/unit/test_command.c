/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/command, with real children. What could wait for ever ends by SIGALRM. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "lib/command.h"

#define TEST_SECONDS 20

#define ARGV(...)  ((char *[]){__VA_ARGS__, NULL})
#define SH(script) ARGV("sh", "-c", script)

/* A directory with a file that a child makes, and what a test has changed. */
struct place {
	char directory[32];
	char marker[64];
	char script[128]; /* makes the marker */
	char *path;	  /* what PATH was; NULL: not set */
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->directory, "/tmp/test_command.XXXXXX");
	if (!mkdtemp(place->directory)) {
		free(place);
		return -1;
	}
	snprintf(place->marker, sizeof(place->marker), "%s/marker", place->directory);
	snprintf(place->script, sizeof(place->script), ": >%s", place->marker);
	if (getenv("PATH"))
		place->path = strdup(getenv("PATH"));
	setenv("PATH", "/usr/bin:/bin", 1); /* folders that anybody may read */
	*state = place;
	alarm(TEST_SECONDS);
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	alarm(0);
	unlink(place->marker);
	rmdir(place->directory);
	if (place->path)
		setenv("PATH", place->path, 1);
	else
		unsetenv("PATH");
	free(place->path);
	free(place);
	return 0;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void wait_end(struct command *command)
{
	while (!command_ended(command))
		pause_ms(5);
}

static void start(char **argv, struct command *ret_command)
{
	assert_int_equal(command_start(argv, false, ret_command), 0);
	assert_true(ret_command->pid > 0);
	assert_false(ret_command->ended);
}

/* Runs it to its end. Returns the exit status to pass on. */
static int run(char **argv)
{
	struct command command;

	start(argv, &command);
	assert_int_equal(command_release(&command, argv, NULL), 0);
	wait_end(&command);
	return command_exit_status(&command);
}

static size_t count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

static void check_fails(char *name, int r, const char *text)
{
	struct error error = {};

	assert_int_equal(command_check(ARGV(name), &error), r);
	assert_string_equal(error.text, text);
	assert_int_equal(command_check(ARGV(name), NULL), r);
}

static void test_check(void **state)
{
	struct place *place = *state;
	char text[256], path[256];
	struct error error = {};

	assert_int_equal(command_check(ARGV("sh"), &error), 0);
	assert_int_equal(command_check(ARGV("/bin/sh", "-c", "exit 1"), &error), 0);
	assert_string_equal(error.text, "");

	check_fails("no-such-command", -ENOENT,
		    "cannot run no-such-command: No such file or directory; is it installed, "
		    "is the path right?");
	check_fails("/no/such/command", -ENOENT,
		    "cannot run /no/such/command: No such file or directory; is it installed, "
		    "is the path right?");
	check_fails("/etc", -EACCES, "cannot run /etc: Permission denied; is it a program?");

	/* a file that nobody may execute: not even root */
	close(open(place->marker, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	snprintf(text, sizeof(text), "cannot run %s: Permission denied; is it a program?",
		 place->marker);
	check_fails(place->marker, -EACCES, text);
	assert_int_equal(chmod(place->marker, 0755), 0);
	assert_int_equal(command_check(ARGV(place->marker), NULL), 0);

	/* below a file */
	snprintf(path, sizeof(path), "%s/x", place->marker);
	assert_int_equal(command_check(ARGV(path), NULL), -ENOTDIR);
}

/* In each PATH: can "marker" be found? */
static void test_check_path(void **state)
{
	struct place *place = *state;
	char here[PATH_MAX], path[256];

	assert_non_null(getcwd(here, sizeof(here)));
	close(open(place->marker, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));

	snprintf(path, sizeof(path), "/no/such:%s:/tmp", place->directory);
	setenv("PATH", path, 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), 0);
	setenv("PATH", place->directory, 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), 0);
	setenv("PATH", "/no/such:/tmp", 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), -ENOENT);

	/* an empty part is the current directory */
	assert_int_equal(chdir(place->directory), 0);
	setenv("PATH", "/no/such:", 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), 0);
	setenv("PATH", ":/no/such", 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), 0);
	setenv("PATH", "", 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), 0);

	/* found, and not to be run: that is the reason, wherever it stands in PATH */
	assert_int_equal(chmod(place->marker, 0644), 0);
	setenv("PATH", "::/no/such", 1);
	assert_int_equal(command_check(ARGV("marker"), NULL), -EACCES);

	unsetenv("PATH");
	assert_int_equal(command_check(ARGV("sh"), NULL), 0);
	assert_int_equal(command_check(ARGV("marker"), NULL), -ENOENT);

	assert_int_equal(chdir(here), 0);
}

static void test_gate(void **state)
{
	struct place *place = *state;
	char **argv = SH(place->script);
	struct command command;

	start(argv, &command);
	pause_ms(100);
	assert_int_equal(access(place->marker, F_OK), -1);
	assert_false(command_ended(&command));
	assert_int_equal(command_release(&command, argv, NULL), 0);
	wait_end(&command);
	assert_int_equal(access(place->marker, F_OK), 0);
	assert_int_equal(command_exit_status(&command), 0);

	/* asked once more */
	assert_true(command_ended(&command));
	command_stop(&command);
	assert_int_equal(command_exit_status(&command), 0);
}

static void test_status(void **state _unused_)
{
	assert_int_equal(run(ARGV("true")), 0);
	assert_int_equal(run(SH("exit 7")), 7);
	assert_int_equal(run(SH("exit 255")), 255);
	assert_int_equal(run(SH("kill -TERM $$")), 128 + SIGTERM);
	assert_int_equal(run(SH("kill -KILL $$")), 128 + SIGKILL);
	assert_int_equal(run(SH("test \"$0 $1\" = \"sh \"")), 0);
	assert_int_equal(run(ARGV("sh", "-c", "test \"$*\" = 'a b  c'", "x", "a", "b  c")), 0);
}

/* The tool blocks and ignores signals; the COMMAND must not inherit that. */
static void test_signals(void **state _unused_)
{
	sigset_t blocked, before;
	void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	assert_int_equal(run(SH("kill -TERM $$; exit 0")), 128 + SIGTERM);
	assert_int_equal(run(SH("kill -INT $$; exit 0")), 128 + SIGINT);
	assert_int_equal(run(SH("kill -HUP $$; exit 0")), 128 + SIGHUP);
	assert_int_equal(run(SH("kill -PIPE $$; exit 0")), 128 + SIGPIPE);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, pipe_before);
}

static void test_exec_fails(void **state)
{
	struct place *place = *state;
	struct command command;
	struct error error = {};
	char text[256];
	char **argv = ARGV("/no/such/command");

	start(argv, &command);
	assert_int_equal(command_release(&command, argv, &error), -ENOENT);
	assert_string_equal(error.text, "cannot run /no/such/command: No such file or directory; "
					"is it installed, is the path right?");
	assert_true(command.ended);
	assert_true(command_ended(&command));
	assert_int_equal(command_exit_status(&command), 127);
	command_stop(&command);

	argv = ARGV(place->directory);
	start(argv, &command);
	assert_int_equal(command_release(&command, argv, &error), -EACCES);
	snprintf(text, sizeof(text), "cannot run %s: Permission denied", place->directory);
	assert_string_equal(error.text, text);
	command_stop(&command);
}

static void test_stop(void **state _unused_)
{
	char **argv = ARGV("sleep", "1000");
	struct command command;
	pid_t pid;

	start(argv, &command);
	assert_int_equal(command_release(&command, argv, NULL), 0);
	assert_false(command_ended(&command));
	pid = command.pid;
	command_stop(&command);
	assert_true(command_ended(&command));
	assert_int_equal(command_exit_status(&command), 128 + SIGTERM);
	assert_int_equal(kill(pid, 0), -1); /* waited for: not even a zombie */
	assert_int_equal(errno, ESRCH);
}

static void test_stop_at_gate(void **state)
{
	struct place *place = *state;
	struct command command;
	pid_t pid;

	start(SH(place->script), &command);
	pid = command.pid;
	command_stop(&command);
	assert_true(command_ended(&command));
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(access(place->marker, F_OK), -1);
}

/* As when the tool is killed: nothing closes the gate but the kernel, and no byte was sent. */
static void test_tool_dies(void **state)
{
	struct place *place = *state;
	struct command command;

	start(SH(place->script), &command);
	close(command.gate);
	command.gate = -1;
	wait_end(&command);
	assert_int_equal(command_exit_status(&command), 1);
	assert_int_equal(access(place->marker, F_OK), -1);
	command_stop(&command);
	assert_int_equal(command.failure, -1);
}

static void test_dies_at_gate(void **state _unused_)
{
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	struct error error = {};
	struct command command;
	siginfo_t info;

	start(ARGV("true"), &command);
	assert_int_equal(kill(command.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)command.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(command_release(&command, ARGV("true"), &error), -EPIPE);
	assert_string_equal(error.text, "cannot start true: Broken pipe");
	command_stop(&command);
	assert_true(command_ended(&command));
	assert_int_equal(command_exit_status(&command), 128 + SIGKILL);
	signal(SIGPIPE, before);
}

static void test_none(void **state _unused_)
{
	struct command command = {};
	int before = fcntl(0, F_GETFD);

	assert_true(command_ended(&command));
	command_stop(&command);
	assert_int_equal(fcntl(0, F_GETFD), before); /* not taken for the gate */
	assert_int_equal(command.pid, 0);
}

static void test_descriptors(void **state _unused_)
{
	size_t before = count_descriptors();
	char **argv = ARGV("/no/such/command");
	struct command command;

	start(argv, &command);
	assert_int_equal(fcntl(command.gate, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(command.failure, F_GETFD), FD_CLOEXEC);
	assert_int_equal(command_release(&command, argv, NULL), -ENOENT);
	assert_int_equal(count_descriptors(), before);

	start(argv, &command);
	command_stop(&command);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(run(ARGV("true")), 0);
	assert_int_equal(count_descriptors(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_check),	 TEST(test_check_path),	  TEST(test_gate),
		TEST(test_status),	 TEST(test_signals),	  TEST(test_exec_fails),
		TEST(test_stop),	 TEST(test_stop_at_gate), TEST(test_tool_dies),
		TEST(test_dies_at_gate), TEST(test_none),	  TEST(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

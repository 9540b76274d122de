/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process of any shape that names.sh asks for. The command line is a list of actions, done one
 * after another:
 *
 *	names_helper thread "Socket Thread" fork report connect 21001
 *
 * names a new thread, forks from it, prints the child's ids and makes one TCP connection to
 * 127.0.0.1:21001. An action that starts a thread or a process hands the rest of the list to it.
 * Ids are printed as the /proc of this mount namespace says them, so that also a process in
 * another PID namespace prints what the initial one calls it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVER_PORTS_MAX 512
#define EXIT_SKIP	 77 /* the kernel does not offer what the action needs */

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* Where the kernel put argv and the environment: what setproctitle() overwrites. */
struct area {
	char *start;
	size_t args_length; /* of argv alone, with the last NUL */
	size_t length;	    /* of argv and the environment behind it */
};

/* @args: the action's own arguments and the rest of the list. Returns the rest, NULL: no more. */
typedef char **(*action_fn)(const struct area *area, char **args);

struct action {
	const char *name;
	int n_args; /* that must be there at least */
	action_fn run;
};

static void run_actions(const struct area *area, char **actions);

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(errno == ENOSYS ? EXIT_SKIP : 1);
}

static int check(int r, const char *what)
{
	if (r < 0)
		die(what);
	return r;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int listen_on(int port, int protocol)
{
	struct sockaddr_in address = loopback(port);
	int on = 1;
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol), "socket");

	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "SO_REUSEADDR");
	check(bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
	check(listen(fd, 128), "listen");
	return fd;
}

static int connect_to(int port, int protocol)
{
	struct sockaddr_in address = loopback(port);
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol), "socket");

	check(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	return fd;
}

/* serve PORT COUNT: accepts on that many ports from PORT on, and closes what it has accepted. */
static char **action_serve(const struct area *area, char **args)
{
	struct pollfd listeners[SERVER_PORTS_MAX] = {0};
	int count = atoi(args[1]);

	(void)area;
	if (count < 1 || count > SERVER_PORTS_MAX) {
		errno = EINVAL;
		die("serve");
	}
	for (int i = 0; i < count; i++) {
		listeners[i].fd = listen_on(atoi(args[0]) + i, IPPROTO_TCP);
		listeners[i].events = POLLIN;
	}
	dprintf(STDOUT_FILENO, "ready\n");
	for (;;) {
		check(poll(listeners, (nfds_t)count, -1), "poll");
		for (int i = 0; i < count; i++) {
			if (listeners[i].revents)
				close(accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC));
		}
	}
	return NULL;
}

/* redirect PORT TARGET FIFO: an HTTP server that sends its only client on to another port, once
 * somebody opens the FIFO for writing. */
static char **action_redirect(const struct area *area, char **args)
{
	int listener = listen_on(atoi(args[0]), IPPROTO_TCP), fd;
	char request[4096];

	(void)area;
	dprintf(STDOUT_FILENO, "ready\n");
	fd = check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
	check((int)read(fd, request, sizeof(request)), "read");
	dprintf(STDOUT_FILENO, "waiting\n");
	close(check(open(args[2], O_RDONLY | O_CLOEXEC), args[2]));
	dprintf(fd, "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:%s/\r\n\r\n", args[1]);
	close(fd);
	return args + 3;
}

/* connect PORT */
static char **action_connect(const struct area *area, char **args)
{
	(void)area;
	close(connect_to(atoi(args[0]), IPPROTO_TCP));
	return args + 1;
}

/* wait FIFO: until somebody opens the FIFO for writing. */
static char **action_wait(const struct area *area, char **args)
{
	(void)area;
	dprintf(STDOUT_FILENO, "waiting\n");
	close(check(open(args[0], O_RDONLY | O_CLOEXEC), args[0]));
	return args + 1;
}

/* report: the ids of the calling thread. */
static char **action_report(const struct area *area, char **args)
{
	int tid = 0, pid = 0, ppid = 0;
	char line[256];
	FILE *file = fopen("/proc/thread-self/status", "re");

	(void)area;
	if (!file)
		die("/proc/thread-self/status");
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Tgid:\t%d", &pid);
		sscanf(line, "Pid:\t%d", &tid);
		sscanf(line, "PPid:\t%d", &ppid);
	}
	fclose(file);
	dprintf(STDOUT_FILENO, "pid=%d tid=%d ppid=%d\n", pid, tid, ppid);
	return args;
}

/* comm :NAME: any bytes, of the calling thread. With the colon, no word of the command line is the
 * name itself: it would be taken for the program's. */
static char **action_comm(const struct area *area, char **args)
{
	(void)area;
	check(prctl(PR_SET_NAME, args[0] + 1), "PR_SET_NAME");
	return args + 1;
}

struct thread_start {
	const struct area *area;
	char **args;
};

static void *thread_main(void *data)
{
	const struct thread_start *start = data;

	check(prctl(PR_SET_NAME, start->args[0]), "PR_SET_NAME");
	run_actions(start->area, start->args + 1);
	return NULL;
}

static pthread_t start_thread(const struct area *area, char **args)
{
	struct thread_start *start = malloc(sizeof(*start));
	pthread_t thread;

	if (!start)
		die("malloc");
	/* Never freed: it must outlive the leader, and the process ends right behind it. */
	*start = (struct thread_start){.area = area, .args = args};
	errno = pthread_create(&thread, NULL, thread_main, start);
	if (errno)
		die("pthread_create");
	return thread;
}

/* thread NAME: the rest is done by a new thread. */
static char **action_thread(const struct area *area, char **args)
{
	pthread_join(start_thread(area, args), NULL);
	return NULL;
}

static int thread_state(int tid)
{
	char path[64], line[512];
	const char *end = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fgets(line, sizeof(line), file))
		end = strrchr(line, ')');
	fclose(file);
	return end ? end[2] : -1;
}

/* leaderless NAME: the rest is done by a new thread, while the first one ends. */
static char **action_leaderless(const struct area *area, char **args)
{
	start_thread(area, args);
	pthread_exit(NULL);
}

/* leader-gone: waits until the first thread has ended. */
static char **action_leader_gone(const struct area *area, char **args)
{
	(void)area;
	while (thread_state(getpid()) != 'Z')
		poll(NULL, 0, 1);
	return args;
}

static void reap(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0), "waitpid");
	if (status)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* fork: the rest is done by a child. */
static char **action_fork(const struct area *area, char **args)
{
	pid_t pid = check(fork(), "fork");

	(void)area;
	if (pid == 0)
		return args;
	reap(pid);
	return NULL;
}

/* vfork PATH ARG...: vfork and exec. */
static char **action_vfork(const struct area *area, char **args)
{
	pid_t pid = check(vfork(), "vfork");

	(void)area;
	if (pid == 0) {
		execv(args[0], args);
		_exit(127);
	}
	reap(pid);
	return NULL;
}

/* zombie: the rest is done by a child that nobody reaps, while this process sleeps. */
static char **action_zombie(const struct area *area, char **args)
{
	pid_t pid = check(fork(), "fork");

	(void)area;
	if (pid == 0)
		return args;
	while (thread_state(pid) != 'Z')
		poll(NULL, 0, 1);
	dprintf(STDOUT_FILENO, "pid=%d tid=%d ppid=%d\n", pid, pid, getpid());
	pause();
	return NULL;
}

/* brief COUNT: the rest is done by that many children in turn, each with its lifetime. */
static char **action_brief(const struct area *area, char **args)
{
	int count = atoi(args[0]);

	(void)area;
	for (int i = 0; i < count; i++) {
		struct timespec from, to;
		pid_t pid;

		clock_gettime(CLOCK_MONOTONIC, &from);
		pid = check(fork(), "fork");
		if (pid == 0)
			return args + 1;
		reap(pid);
		clock_gettime(CLOCK_MONOTONIC, &to);
		dprintf(STDOUT_FILENO, "pid=%d ppid=%d life_us=%ld\n", pid, getpid(),
			(to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
	}
	return NULL;
}

/* reuse PATH PATH PORT: two programs one after the other, with the same process id. */
static char **action_reuse(const struct area *area, char **args)
{
	pid_t pid = check(fork(), "fork"), again = -1;
	uint64_t wanted = (uint64_t)pid;
	struct clone_args clone_args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};

	(void)area;
	if (pid == 0) {
		execl(args[0], args[0], "connect", args[2], (char *)NULL);
		die(args[0]);
	}
	reap(pid);
	again = (pid_t)check((int)syscall(SYS_clone3, &clone_args, sizeof(clone_args)), "clone3");
	if (again == 0) {
		execl(args[1], args[1], "connect", args[2], (char *)NULL);
		die(args[1]);
	}
	reap(again);
	if ((uint64_t)again != wanted) {
		errno = ENOSYS;
		die("set_tid");
	}
	dprintf(STDOUT_FILENO, "pid=%d tid=%d ppid=%d\n", pid, pid, getpid());
	return NULL;
}

/* exec PATH ARGV0 ARG... */
static char **action_exec(const struct area *area, char **args)
{
	(void)area;
	execv(args[0], args + 1);
	die(args[0]);
	return NULL;
}

/* noargs PATH: exec with an empty argv; the port travels in the environment. */
static char **action_noargs(const struct area *area, char **args)
{
	char *none[] = {NULL};

	(void)area;
	execv(args[0], none);
	die(args[0]);
	return NULL;
}

/* fexecve PATH ARGV0 ARG...: by descriptor alone. */
static char **action_fexecve(const struct area *area, char **args)
{
	(void)area;
	fexecve(check(open(args[0], O_PATH | O_CLOEXEC), args[0]), args + 1, environ);
	die("fexecve");
	return NULL;
}

/* procfd PATH ARGV0 ARG...: by its name in /proc/self/fd. */
static char **action_procfd(const struct area *area, char **args)
{
	int fd = check(open(args[0], O_PATH | O_CLOEXEC), args[0]);
	char path[64];

	(void)area;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	execv(path, args + 1);
	die(path);
	return NULL;
}

/* unlinked PATH ARGV0 ARG...: removes the file and executes it after that. */
static char **action_unlinked(const struct area *area, char **args)
{
	int fd = check(open(args[0], O_PATH | O_CLOEXEC), args[0]);

	(void)area;
	check(unlink(args[0]), args[0]);
	fexecve(fd, args + 1, environ);
	die("fexecve");
	return NULL;
}

/* memfd NAME PATH ARGV0 ARG...: executes a copy of the file that lives in memory only. */
static char **action_memfd(const struct area *area, char **args)
{
	int fd = check(memfd_create(args[0], MFD_CLOEXEC), "memfd_create");
	int from = check(open(args[1], O_RDONLY | O_CLOEXEC), args[1]);
	struct stat status;

	(void)area;
	check(fstat(from, &status), "fstat");
	if (sendfile(fd, from, NULL, (size_t)status.st_size) != status.st_size)
		die("sendfile");
	fexecve(fd, args + 2, environ);
	die("fexecve");
	return NULL;
}

/* unlink-exe: removes the file that this process runs. */
static char **action_unlink_exe(const struct area *area, char **args)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)area;
	check((int)length, "/proc/self/exe");
	path[length] = '\0';
	check(unlink(path), path);
	return args;
}

/* title TEXT: over argv and the environment, NULs behind it, as PostgreSQL does it. */
static char **action_title(const struct area *area, char **args)
{
	memset(area->start, 0, area->length);
	memcpy(area->start, args[0], strnlen(args[0], area->length - 1));
	return args + 1;
}

/* joined: the arguments with spaces in between instead of NULs, as Chrome does it. */
static char **action_joined(const struct area *area, char **args)
{
	for (size_t i = 0; i + 1 < area->args_length; i++) {
		if (!area->start[i])
			area->start[i] = ' ';
	}
	return args;
}

/* option TEXT: nothing, it only makes the command line longer. */
static char **action_option(const struct area *area, char **args)
{
	(void)area;
	return args + 1;
}

/* sleep MILLISECONDS */
static char **action_sleep(const struct area *area, char **args)
{
	(void)area;
	poll(NULL, 0, atoi(args[0]));
	return args + 1;
}

/* uring PORT: a connect that a worker thread of io_uring carries out. */
static char **action_uring(const struct area *area, char **args)
{
	struct io_uring_params params = {0};
	struct sockaddr_in address = loopback(atoi(args[0]));
	struct io_uring_sqe *sqes = NULL;
	uint32_t *index = NULL;
	char *ring = NULL;
	int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	(void)area;
	if (fd < 0 && errno == EPERM) /* kernel.io_uring_disabled */
		errno = ENOSYS;
	check(fd, "io_uring_setup");
	ring = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(*index),
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, params.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    IORING_OFF_SQES);
	if (ring == MAP_FAILED || sqes == MAP_FAILED)
		die("mmap");
	sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT,
		.flags = IOSQE_ASYNC,
		.fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"),
		.addr = (uint64_t)(uintptr_t)&address,
		.off = sizeof(address),
	};
	index = (uint32_t *)(void *)(ring + params.sq_off.array);
	index[0] = 0;
	__atomic_store_n((uint32_t *)(void *)(ring + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	check((int)syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0),
	      "io_uring_enter");
	return args + 1;
}

/* mptcp PORT: a Multipath TCP connection to itself. With an endpoint configured as subflow, a
 * worker thread of the kernel then makes a connection of its own. */
static char **action_mptcp(const struct area *area, char **args)
{
	int listener, client, server;
	char byte = 'x';

	(void)area;
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	if (client < 0) {
		errno = ENOSYS;
		die("MPTCP");
	}
	close(client);
	listener = listen_on(atoi(args[0]), IPPROTO_MPTCP);
	client = connect_to(atoi(args[0]), IPPROTO_MPTCP);
	server = check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
	/* Data both ways: before it, the kernel does not add subflows. */
	if (write(client, &byte, 1) != 1 || read(server, &byte, 1) != 1 ||
	    write(server, &byte, 1) != 1 || read(client, &byte, 1) != 1)
		die("MPTCP data");
	poll(NULL, 0, 300);
	return args + 1;
}

static const struct action actions_known[] = {
	{"serve", 2, action_serve},
	{"redirect", 3, action_redirect},
	{"connect", 1, action_connect},
	{"wait", 1, action_wait},
	{"report", 0, action_report},
	{"comm", 1, action_comm},
	{"thread", 1, action_thread},
	{"leaderless", 1, action_leaderless},
	{"leader-gone", 0, action_leader_gone},
	{"fork", 0, action_fork},
	{"vfork", 1, action_vfork},
	{"zombie", 0, action_zombie},
	{"brief", 1, action_brief},
	{"reuse", 3, action_reuse},
	{"exec", 2, action_exec},
	{"noargs", 1, action_noargs},
	{"fexecve", 2, action_fexecve},
	{"procfd", 2, action_procfd},
	{"unlinked", 2, action_unlinked},
	{"memfd", 3, action_memfd},
	{"unlink-exe", 0, action_unlink_exe},
	{"title", 1, action_title},
	{"joined", 0, action_joined},
	{"option", 1, action_option},
	{"sleep", 1, action_sleep},
	{"uring", 1, action_uring},
	{"mptcp", 1, action_mptcp},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions_known) / sizeof(actions_known[0]); i++) {
		if (strcmp(actions_known[i].name, name) == 0)
			return &actions_known[i];
	}
	return NULL;
}

static void run_actions(const struct area *area, char **actions)
{
	while (actions && *actions) {
		const struct action *action = find_action(*actions);
		int n = 0;

		while (actions[n + 1])
			n++;
		if (!action || n < action->n_args) {
			fprintf(stderr, "%s: no such action, or too few arguments\n", *actions);
			_exit(2);
		}
		actions = action->run(area, actions + 1);
	}
}

/* What the kernel starts when a cgroup (v1) named "/NETNS:PORT" becomes empty. */
static int release_agent(const char *cgroup)
{
	char path[256];
	const char *colon = strchr(cgroup, ':');
	int fd;

	if (!colon)
		return 2;
	snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(colon - cgroup - 1), cgroup + 1);
	fd = check(open(path, O_RDONLY | O_CLOEXEC), path);
	check(setns(fd, CLONE_NEWNET), path);
	close(connect_to(atoi(colon + 1), IPPROTO_TCP));
	return 0;
}

static char *end_of_strings(char **strings, char *from)
{
	/* Only as far as they lie one behind the other. */
	for (; *strings && *strings == from; strings++)
		from += strlen(from) + 1;
	return from;
}

int main(int argc, char **argv)
{
	const char *port = getenv("NAMES_PORT");
	struct area area = {.start = argv[0]};
	char **actions, *end;

	if (argc == 0 || (argc == 1 && !*argv[0])) {
		if (port)
			close(connect_to(atoi(port), IPPROTO_TCP));
		return port ? 0 : 2;
	}
	if (argc == 2 && argv[1][0] == '/')
		return release_agent(argv[1]);

	end = end_of_strings(argv, argv[0]);
	area.args_length = (size_t)(end - area.start);
	area.length = (size_t)(end_of_strings(environ, end) - area.start);
	actions = calloc((size_t)argc, sizeof(*actions));
	if (!actions)
		die("calloc");
	/* Copies: the originals may be overwritten. */
	for (int i = 1; i < argc; i++) {
		actions[i - 1] = strdup(argv[i]);
		if (!actions[i - 1])
			die("strdup");
	}
	run_actions(&area, actions);
	return 0;
}

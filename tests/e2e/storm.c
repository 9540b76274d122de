/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes and threads by the thousand, for proctop's tests and bench. */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"storm enter PROCS COMMAND...  run COMMAND in a cgroup, PROCS is its cgroup.procs;\n"
	"                              \"before NS\" on stderr: CPU time that it used outside\n"
	"storm processes N US [JOBS]   N children that burn US us of CPU time each, JOBS at a "
	"time;\n"
	"                              the i-th exits with i % 7, or every 50th by SIGUSR1\n"
	"storm threads N US [JOBS]     as many threads in this process\n"
	"storm crew N                  N threads called crew-1 to crew-N that sleep until this "
	"process "
	"ends\n"
	"storm finish N THREADS        N children one by one, of so many threads more, which end "
	"all "
	"at\n"
	"                              once, by themselves; the i-th exits with i % 7\n"
	"storm idle N                  N children that sleep until this process ends\n"
	"storm switch N                N round trips of a byte between two processes\n"
	"storm cost COMMAND...         run COMMAND; print ms of CPU time, descendants included\n"
	"storm leader                  the first thread ends, another one execs `true`\n"
	"storm orphan MS               the first thread ends, another one burns MS ms of CPU time\n"
	"storm zombie                  a child ends; nobody asks until a line comes on stdin\n"
	"storm lag MS                  a child burns MS ms of CPU time, ends, and hangs in its end "
	"until\n"
	"                              a line comes on stdin\n"
	"storm reuse N                 N children one by one, all with the same process id\n"
	"storm kthread DEVICE          a kernel thread for DEVICE (veth, up, in this network\n"
	"                              namespace) until a line comes on stdin\n"
	"storm net BYTES               send as many by TCP on the loopback, peek, receive them\n"
	"\"PID STATUS\" on stdout for each child, status as wait4(2) has it.\n";

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void burn(uint64_t us)
{
	uint64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + us * 1000;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void reap(void)
{
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		die("wait");
	printf("%d %d\n", pid, status);
}

static void child(long i, uint64_t us)
{
	burn(us);
	if (i % 50 == 49)
		raise(SIGUSR1);
	_exit((int)(i % 7));
}

static void processes(long n, uint64_t us, long jobs)
{
	for (long i = 0; i < n; i++) {
		pid_t pid;

		if (i >= jobs)
			reap();
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			child(i, us);
	}
	for (long i = 0; i < (n < jobs ? n : jobs); i++)
		reap();
}

static void *thread(void *us)
{
	burn((uintptr_t)us);
	return NULL;
}

static void threads(long n, uint64_t us, long jobs)
{
	pthread_t running[64];

	if (jobs > 64)
		jobs = 64;
	for (long i = 0; i < n + jobs; i++) {
		pthread_t *place = &running[i % jobs];

		if (i >= jobs && (errno = pthread_join(*place, NULL)))
			die("pthread_join");
		if (i < n && (errno = pthread_create(place, NULL, thread, (void *)(uintptr_t)us)))
			die("pthread_create");
		if (i >= n && i - jobs + 1 >= n)
			break;
	}
}

/* What the threads of a process wait for. */
struct finish {
	_Atomic long there; /* how many are */
	long all;
	int code;
};

static void *finisher(void *context)
{
	struct finish *finish = context;

	finish->there++;
	while (finish->there < finish->all)
		sched_yield();		 /* nearly to the moment, hence no sleep */
	syscall(SYS_exit, finish->code); /* of this thread alone */
	return NULL;
}

static void finish(long n, long threads)
{
	for (long i = 0; i < n; i++) {
		struct finish wait = {.all = threads + 1, .code = (int)(i % 7)};
		pthread_t other;
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid) {
			reap();
			continue;
		}
		for (long j = 0; j < threads; j++)
			if ((errno = pthread_create(&other, NULL, finisher, &wait)))
				die("pthread_create");
		finisher(&wait);
	}
}

static void *sleeper(void *number)
{
	char name[16];

	snprintf(name, sizeof(name), "crew-%d", (int)(intptr_t)number);
	prctl(PR_SET_NAME, name);
	for (;;)
		pause();
	return NULL;
}

static void crew(long n)
{
	pthread_t member;

	for (intptr_t i = 1; i <= n; i++)
		if ((errno = pthread_create(&member, NULL, sleeper, (void *)i)))
			die("pthread_create");
	for (;;)
		pause();
}

static void idle(long n)
{
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static void switches(long n)
{
	int to[2], from[2];
	char byte = 0;

	if (pipe(to) < 0 || pipe(from) < 0)
		die("pipe");
	if (!fork()) {
		close(to[1]);
		while (read(to[0], &byte, 1) == 1)
			if (write(from[1], &byte, 1) != 1)
				break;
		_exit(0);
	}
	for (long i = 0; i < n; i++)
		if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
			die("pipe");
	close(to[1]);
	wait(NULL);
}

static int cost(char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait4");
	printf("%.3f\n", (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
				 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void *exec_true(void *unused)
{
	(void)unused;
	usleep(20000);
	execlp("true", "true", NULL);
	die("execlp");
}

static void *burn_and_end(void *ms)
{
	usleep(20000);
	burn((uintptr_t)ms * 1000);
	exit(5);
}

static void leader_ends(void *(*go_on)(void *), uintptr_t value)
{
	pthread_t other;

	if ((errno = pthread_create(&other, NULL, go_on, (void *)value)))
		die("pthread_create");
	pthread_exit(NULL);
}

static void zombie(void)
{
	if (!fork())
		_exit(3);
	puts("ready");
	fflush(stdout);
	(void)!getchar();
	reap();
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	return pid;
}

/* The first process of a pid namespace does not end before all others there are waited for, and one
 * that was forked from outside is waited for outside. */
static void lag(long ms)
{
	pid_t first, other;
	int status;

	if (unshare(CLONE_NEWPID) < 0)
		die("pid namespace");
	first = fork_or_die();
	if (!first) {
		char byte;

		burn((uint64_t)ms * 1000);
		_exit(read(STDIN_FILENO, &byte, 1) == 1 ? 4 : 1);
	}
	other = fork_or_die(); /* into the same one */
	if (!other)
		for (;;)
			pause();
	puts("ready");
	fflush(stdout);
	waitid(P_PID, (id_t)other, &(siginfo_t){}, WEXITED | WNOWAIT);
	printf("hangs %d\n", first);
	fflush(stdout);
	(void)!getchar();
	if (waitpid(other, &status, 0) < 0 || waitpid(first, &status, 0) < 0)
		die("waitpid");
	printf("%d %d\n", first, status);
}

static void reuse(long n)
{
	int last = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	pid_t same = fork();

	if (last < 0 || same < 0)
		die("ns_last_pid");
	if (!same)
		_exit(0);
	reap();
	for (long i = 1, tries = 0; i < n && tries < 100 * n; tries++) {
		char text[16];
		pid_t pid;

		snprintf(text, sizeof(text), "%d", same - 1);
		if (pwrite(last, text, strlen(text), 0) < 0)
			die("ns_last_pid");
		pid = fork();
		if (!pid)
			_exit(getpid() == same ? (int)(i % 100) : 0);
		reap();
		i += pid == same;
	}
}

/* Into a file of the kernel's. */
static bool tell(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool told = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return told;
}

/* Packets for the device are handled by a thread called napi/DEVICE-NUMBER. */
static void kthread(const char *device)
{
	struct ethtool_value gro = {.cmd = ETHTOOL_SGRO,
				    .data = 1}; /* else it has no such thread */
	struct ifreq request = {.ifr_data = (void *)&gro};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char path[128];

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	snprintf(path, sizeof(path), "/sys/class/net/%s/threaded", device);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0 || !tell(path, "1"))
		die(device);
	puts("ready");
	fflush(stdout);
	(void)!getchar();
	gro.data = 0; /* "threaded" alone leaves it there before 6.17 */
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		die(device);
	tell(path, "0");
}

static void net(size_t bytes)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), from = socket(AF_INET, SOCK_STREAM, 0), to;
	static char buffer[65536];

	if (bind(listener, (void *)&address, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (void *)&address, &length) < 0 ||
	    connect(from, (void *)&address, length) < 0 || (to = accept(listener, NULL, NULL)) < 0)
		die("socket");
	while (bytes) {
		size_t n = bytes < sizeof(buffer) ? bytes : sizeof(buffer);

		if (send(from, buffer, n, 0) != (ssize_t)n || recv(to, buffer, n, MSG_PEEK) < 1 ||
		    recv(to, buffer, n, MSG_WAITALL) != (ssize_t)n)
			die("send, recv");
		bytes -= n;
	}
}

/* CPU time of a process so far; 0 where the kernel does not tell. */
static unsigned long long cpu_ns(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

static int enter(char **argv)
{
	int gate[2], status, procs;
	pid_t pid;
	char byte;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe2");
	pid = fork();
	if (!pid) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 1)
			_exit(1);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	usleep(20000); /* it waits by now */
	fprintf(stderr, "before %llu\n", cpu_ns(pid));
	procs = open(argv[0], O_WRONLY | O_CLOEXEC);
	if (procs < 0 || dprintf(procs, "%d", pid) < 0)
		die(argv[0]);
	if (write(gate[1], "", 1) != 1 || waitpid(pid, &status, 0) < 0)
		die("child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[2]) : 0, us = argc > 3 ? atol(argv[3]) : 0;
	long jobs = argc > 4 ? atol(argv[4]) : 2;

	if (strcmp(what, "enter") == 0 && argc > 3)
		return enter(argv + 2);
	if (strcmp(what, "cost") == 0 && argc > 2)
		return cost(argv + 2);
	if (strcmp(what, "processes") == 0)
		processes(n, (uint64_t)us, jobs);
	else if (strcmp(what, "threads") == 0)
		threads(n, (uint64_t)us, jobs);
	else if (strcmp(what, "crew") == 0)
		crew(n);
	else if (strcmp(what, "finish") == 0)
		finish(n, us);
	else if (strcmp(what, "idle") == 0)
		idle(n);
	else if (strcmp(what, "switch") == 0)
		switches(n);
	else if (strcmp(what, "leader") == 0)
		leader_ends(exec_true, 0);
	else if (strcmp(what, "orphan") == 0)
		leader_ends(burn_and_end, (uintptr_t)n);
	else if (strcmp(what, "zombie") == 0)
		zombie();
	else if (strcmp(what, "lag") == 0)
		lag(n);
	else if (strcmp(what, "reuse") == 0)
		reuse(n);
	else if (strcmp(what, "kthread") == 0 && argc > 2)
		kthread(argv[2]);
	else if (strcmp(what, "net") == 0)
		net((size_t)n);
	else
		return fputs(usage, stderr), 2;
	return 0;
}

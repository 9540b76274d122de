/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* gettid() */
#include <dirent.h>
#include <linux/magic.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cmocka.h>

#include "lib/parse.h"

#define NO_PID "4194305" /* above the largest that Linux gives out (PID_MAX_LIMIT) */

static void test_error_set(void **state _unused_)
{
	struct error error;

	assert_int_equal(error_set(&error, -ENOENT, "%s %d", "word", 7), -ENOENT);
	assert_string_equal(error.text, "word 7");
	assert_int_equal(error_set(NULL, -EIO, "%s", "nobody reads this"), -EIO);
	assert_int_equal(error_set(&error, -EIO, "%600d", 1), -EIO);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

static void test_uint(void **state _unused_)
{
	uint64_t value = 99;

	assert_int_equal(parse_uint("0", 0, 10, &value, NULL), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_uint("10", 1, 10, &value, NULL), 0);
	assert_int_equal(value, 10);
	assert_int_equal(parse_uint("18446744073709551615", 1, UINT64_MAX, &value, NULL), 0);
	assert_int_equal(value, UINT64_MAX);
}

static void test_uint_refused(void **state _unused_)
{
	static const char *const texts[] = {
		"",
		"0",
		"11",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1x",
		"0x1",
		"1.0",
		"1e1",
		"x",
		"18446744073709551616",
		"184467440737095516150",
	};
	struct error error;
	uint64_t value = 99;
	char want[128];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse_uint(texts[i], 1, 10, &value, &error), -EINVAL);
		snprintf(want, sizeof(want), "%s: not a whole number between 1 and 10", texts[i]);
		assert_string_equal(error.text, want);
	}
	assert_int_equal(parse_uint("0", 1, UINT64_MAX, &value, &error), -EINVAL);
	assert_string_equal(error.text, "0: not a whole number of at least 1");
	assert_int_equal(parse_uint("18446744073709551616", 1, UINT64_MAX, &value, &error),
			 -EINVAL);
	assert_int_equal(value, 99);
}

static void test_duration(void **state _unused_)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"10", 10000000000}, {"1.5", 1500000000},
		{"0.5", 500000000},  {".25", 250000000},
		{"0.000000001", 1},  {"1.0000000019", 1000000001},
		{"007", 7000000000}, {"315360000", 315360000000000000},
	};
	uint64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse_duration(cases[i].text, &ns, NULL), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void test_duration_refused(void **state _unused_)
{
	static const char *const texts[] = {
		"",
		"0",
		"0.0",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1s",
		"1.",
		".",
		"1.x",
		"1.2.3",
		"1e3",
		"inf",
		"nan",
		"0x1",
		"1,5",
		"0.0000000001",
		"315360000.000000001",
		"315360001",
		"99999999999999999999999999999",
	};
	struct error error;
	uint64_t ns = 99;
	char want[160];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse_duration(texts[i], &ns, &error), -EINVAL);
		snprintf(want, sizeof(want),
			 "%s: not a number of seconds above 0 and up to 10 years, "
			 "such as 10 or 0.5",
			 texts[i]);
		assert_string_equal(error.text, want);
	}
	assert_int_equal(ns, 99);
}

static void test_ports(void **state _unused_)
{
	uint16_t ports[4] = {0};
	struct error error;
	size_t n = 0;

	assert_int_equal(parse_ports("443", ports, 4, &n, NULL), 0);
	assert_int_equal(parse_ports("1,65535", ports, 4, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ports[0], 443);
	assert_int_equal(ports[1], 1);
	assert_int_equal(ports[2], 65535);

	assert_int_equal(parse_ports("5,6", ports, 4, &n, &error), -EINVAL);
	assert_string_equal(error.text, "too many ports: at most 4");
	assert_int_equal(n, 3);
	assert_int_equal(parse_ports("5", ports, 4, &n, NULL), 0);
	assert_int_equal(n, 4);
	assert_int_equal(ports[3], 5);
}

static void test_ports_refused(void **state _unused_)
{
	static const struct {
		const char *list, *error;
	} cases[] = {
		{"70000", "port 70000: not between 1 and 65535"},
		{"80,0", "port 0: not between 1 and 65535"},
		{"65536", "port 65536: not between 1 and 65535"},
		{"-80", "port -80: not between 1 and 65535"},
		{"80-90", "port 80-90: not between 1 and 65535"},
		{"80, 90", "port  90: not between 1 and 65535"},
		{"http", "port http: not between 1 and 65535"},
		{"", "list \"\": has an empty item"},
		{"80,", "list \"80,\": has an empty item"},
		{",80", "list \",80\": has an empty item"},
		{"80,,90", "list \"80,,90\": has an empty item"},
	};
	uint16_t ports[4];
	struct error error;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse_ports(cases[i].list, ports, 4, &n, &error), -EINVAL);
		assert_string_equal(error.text, cases[i].error);
		assert_int_equal(n, 0);
	}
}

static void test_item_too_long(void **state _unused_)
{
	char list[300];
	uint16_t ports[1];
	struct error error;
	size_t n = 0;

	memset(list, '0', sizeof(list));
	list[254] = '8';
	list[255] = '\0';
	assert_int_equal(parse_ports(list, ports, 1, &n, &error), 0);
	assert_int_equal(ports[0], 8);
	list[255] = '0';
	list[256] = '\0';
	n = 0;
	assert_int_equal(parse_ports(list, ports, 1, &n, &error), -EINVAL);
	assert_string_equal(error.text, "00000000000000000000000000000000...: "
					"too long for one item of a list");
}

static void test_pids(void **state _unused_)
{
	uint32_t pids[3] = {0};
	struct error error;
	size_t n = 0;
	char list[64];

	snprintf(list, sizeof(list), "%d,1", getpid());
	assert_int_equal(parse_pids(list, pids, 3, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(pids[0], getpid());
	assert_int_equal(pids[1], 1);

	assert_int_equal(parse_pids_exist(pids, n, NULL), 0);
	assert_int_equal(parse_pids(NO_PID, pids, 3, &n, NULL), 0);
	assert_int_equal(parse_pids_exist(pids, n, &error), -ESRCH);
	assert_string_equal(error.text, "process " NO_PID ": does not exist");
	n = 2;
	assert_int_equal(parse_pids("0", pids, 3, &n, &error), -EINVAL);
	assert_string_equal(error.text, "process 0: not a process id");
	assert_int_equal(parse_pids("-1", pids, 3, &n, &error), -EINVAL);
	assert_string_equal(error.text, "process -1: not a process id");
	assert_int_equal(parse_pids("4294967297", pids, 3, &n, &error), -EINVAL);
	assert_string_equal(error.text, "process 4294967297: not a process id");
	assert_int_equal(parse_pids("1,1", pids, 3, &n, &error), -EINVAL);
	assert_string_equal(error.text, "too many processes: at most 3");
	assert_int_equal(n, 2);
}

static void *parse_own_tid(void *ret_error)
{
	char text[16], want[128];
	uint32_t pid;
	size_t n = 0;

	snprintf(text, sizeof(text), "%d", gettid());
	snprintf(want, sizeof(want),
		 "process %s: is a thread, give its process (Tgid in /proc/%s/status)", text, text);
	if (parse_pids(text, &pid, 1, &n, ret_error) < 0 ||
	    parse_pids_exist(&pid, n, ret_error) != -EINVAL ||
	    strcmp(((struct error *)ret_error)->text, want) != 0)
		return NULL;

	return ret_error;
}

static void test_pid_of_thread(void **state _unused_)
{
	struct error error = {0};
	void *result = NULL;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, parse_own_tid, &error), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &error);
}

static void test_users(void **state _unused_)
{
	uint32_t uids[4] = {1, 1, 1, 1};
	struct error error;
	size_t n = 0;

	assert_int_equal(parse_users("root,4000000000", uids, 4, &n, NULL), 0);
	assert_int_equal(parse_users("0", uids, 4, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_int_equal(uids[0], 0);
	assert_int_equal(uids[1], 4000000000);
	assert_int_equal(uids[2], 0);

	assert_int_equal(parse_users("root,no-such-user", uids, 4, &n, &error), -EINVAL);
	assert_string_equal(error.text, "user no-such-user: no such user, and not a user id");
	assert_int_equal(parse_users("4294967295", uids, 4, &n, &error), -EINVAL);
	assert_string_equal(error.text, "user 4294967295: no such user, and not a user id");
	assert_int_equal(parse_users("-1", uids, 4, &n, &error), -EINVAL);
	assert_int_equal(parse_users("1,2", uids, 4, &n, &error), -EINVAL);
	assert_string_equal(error.text, "too many users: at most 4");
	assert_int_equal(n, 3);
}

static void test_cidrs(void **state _unused_)
{
	struct cidr cidrs[4], want[2];
	struct error error;
	size_t n = 0;

	assert_int_equal(cidr_parse("10.0.0.0/8", &want[0], NULL), 0);
	assert_int_equal(cidr_parse("::1", &want[1], NULL), 0);
	assert_int_equal(parse_cidrs("10.0.0.0/8,::1", cidrs, 3, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(cidrs, want, sizeof(want));

	assert_int_equal(parse_cidrs("::2,10.0.0.1/8", cidrs, 4, &n, &error), -EINVAL);
	assert_string_equal(error.text, "address 10.0.0.1/8: bits are set behind the prefix, "
					"did you mean 10.0.0.0/8?");
	assert_int_equal(parse_cidrs("::2,::3", cidrs, 3, &n, &error), -EINVAL);
	assert_string_equal(error.text, "too many address ranges: at most 3");
	assert_int_equal(n, 2);
}

static void test_words(void **state _unused_)
{
	static const char *const words[] = {"tcp", "udp", "icmp", NULL};
	struct error error;
	uint32_t bits = 0;

	assert_int_equal(parse_words("udp", "protocol", words, &bits, NULL), 0);
	assert_int_equal(bits, 0x2);
	assert_int_equal(parse_words("ICMP,Udp", "protocol", words, &bits, NULL), 0);
	assert_int_equal(bits, 0x6);
	assert_int_equal(parse_words("tcp,sctp", "protocol", words, &bits, &error), -EINVAL);
	assert_string_equal(error.text, "protocol sctp: not one of tcp, udp, icmp");
	assert_int_equal(parse_words("tc", "event", words, &bits, &error), -EINVAL);
	assert_string_equal(error.text, "event tc: not one of tcp, udp, icmp");
	assert_int_equal(parse_words("tcp,", "protocol", words, &bits, &error), -EINVAL);
	assert_string_equal(error.text, "list \"tcp,\": has an empty item");
	assert_int_equal(bits, 0x6);
}

/* Where cgroup v2 is on this machine, or NULL. */
static const char *cgroup2_mount(void)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs filesystem;

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		if (statfs(mounts[i], &filesystem) == 0 && filesystem.f_type == CGROUP2_SUPER_MAGIC)
			return mounts[i];

	return NULL;
}

static void assert_cgroup(const char *path, uint64_t want)
{
	struct error error;
	uint64_t id = 0;

	assert_int_equal(parse_cgroup(path, &id, &error), 0);
	assert_int_equal(id, want);
}

static void test_cgroup(void **state _unused_)
{
	const char *mount = cgroup2_mount();
	const struct dirent *entry;
	struct stat status;
	char path[512];
	DIR *dir;

	if (!mount) {
		skip();
		return;
	}

	assert_int_equal(stat(mount, &status), 0);
	assert_cgroup(mount, status.st_ino);
	assert_cgroup("/", status.st_ino);
	assert_cgroup(".", status.st_ino);

	/* Any cgroup that there is: absolute, as in /proc/PID/cgroup, relative. */
	dir = opendir(mount);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", mount, entry->d_name);
		assert_int_equal(stat(path, &status), 0);
		assert_cgroup(path, status.st_ino);
		assert_cgroup(path + strlen(mount), status.st_ino);
		assert_cgroup(entry->d_name, status.st_ino);
		break;
	}
	closedir(dir);
}

static void test_cgroup_refused(void **state _unused_)
{
	const char *mount = cgroup2_mount();
	struct error error;
	uint64_t id = 99;
	char want[512];

	assert_int_equal(parse_cgroup("", &id, &error), -EINVAL);
	assert_string_equal(error.text, "cgroup: empty path");
	if (!mount) {
		skip();
		return;
	}

	assert_int_equal(parse_cgroup("no/such", &id, &error), -ENOENT);
	snprintf(want, sizeof(want),
		 "cgroup no/such: there is no cgroup v2 directory %s/no/such, "
		 "/proc/PID/cgroup shows that of a process",
		 mount);
	assert_string_equal(error.text, want);

	/* Exists, but is on another filesystem. */
	assert_int_equal(parse_cgroup("/proc", &id, &error), -ENOENT);
	snprintf(want, sizeof(want),
		 "cgroup /proc: there is no cgroup v2 directory /proc or %s/proc, "
		 "/proc/PID/cgroup shows that of a process",
		 mount);
	assert_string_equal(error.text, want);

	assert_int_equal(parse_cgroup("cgroup.procs", &id, &error), -ENOTDIR);
	assert_int_equal(parse_cgroup("../../../proc", &id, &error),
			 strcmp(mount, "/sys/fs/cgroup") == 0 ? -EINVAL : -ENOENT);
	assert_int_equal(id, 99);
}

static void test_netns(void **state _unused_)
{
	struct error error;
	uint32_t inode = 0;
	struct stat status;
	char text[32];

	assert_int_equal(stat("/proc/self/ns/net", &status), 0);
	assert_int_equal(parse_netns("/proc/self/ns/net", &inode, &error), 0);
	assert_int_equal(inode, status.st_ino);

	inode = 0;
	snprintf(text, sizeof(text), "%d", getpid());
	assert_int_equal(parse_netns(text, &inode, &error), 0);
	assert_int_equal(inode, status.st_ino);
}

static void test_netns_refused(void **state _unused_)
{
	static const struct {
		const char *text;
		int r;
		const char *error;
	} cases[] = {
		{"", -EINVAL, "network namespace : not a process id, and not a path"},
		{"0", -EINVAL, "network namespace 0: not a process id, and not a path"},
		{"99999999999", -EINVAL,
		 "network namespace 99999999999: not a process id, and not a path"},
		{NO_PID, -ESRCH, "network namespace " NO_PID ": process " NO_PID " does not exist"},
		{"/run/netns/no-such", -ENOENT,
		 "network namespace /run/netns/no-such: No such file or directory, "
		 "give a process id or a path such as /run/netns/NAME"},
		{"/proc/version", -EINVAL,
		 "network namespace /proc/version: is something else, "
		 "give a process id or a path such as /run/netns/NAME"},
		{"/proc/self/ns/mnt", -EINVAL,
		 "network namespace /proc/self/ns/mnt: is something else, "
		 "give a process id or a path such as /run/netns/NAME"},
	};
	struct error error;
	uint32_t inode = 99;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse_netns(cases[i].text, &inode, &error), cases[i].r);
		assert_string_equal(error.text, cases[i].error);
	}
	assert_int_equal(inode, 99);
}

static void test_netns_of_a_pipe_does_not_wait(void **state _unused_)
{
	char dir[] = "/tmp/test_parse.XXXXXX", fifo[64];
	uint32_t inode = 99;
	int r;

	assert_non_null(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(10);
	r = parse_netns(fifo, &inode, NULL);
	alarm(0);
	unlink(fifo);
	rmdir(dir);

	assert_int_equal(r, -EINVAL);
	assert_int_equal(inode, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_set),
		cmocka_unit_test(test_uint),
		cmocka_unit_test(test_uint_refused),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_duration_refused),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_refused),
		cmocka_unit_test(test_item_too_long),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_pid_of_thread),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_cidrs),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_cgroup_refused),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_netns_refused),
		cmocka_unit_test(test_netns_of_a_pipe_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

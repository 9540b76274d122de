/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/procfs: recorded text in a directory that stands for /proc, and this process in the real one.
 */
#define _GNU_SOURCE 1 /* O_PATH, fexecve() */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/procfs.h"

/* Of Linux 6.18; field 22 is 145902. */
#define STAT_TAIL                                                                                  \
	" S 1 4541 2480 0 -1 4194304 102 0 0 0 0 0 0 0 20 0 1 0 145902 3133440 408 "               \
	"18446744073709551615 94354412269568 94354412289449 140726805462336 0 0 0 0 0 0 0 0 0 17 " \
	"0 0 0 0 0 0 94354412305456 94354412307072 94354487398400 140726805469833 "                \
	"140726805469853 140726805469853 140726805471211 0\n"

struct fake {
	char path[64];
	int fd;
	struct process_id id; /* of process 4546, its leader */
};

static void put(const struct fake *fake, const char *name, const char *text, size_t length)
{
	_cleanup_(closep) int fd =
		openat(fake->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
}

static int setup(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	strcpy(fake->path, "/tmp/test_procfs.XXXXXX");
	assert_non_null(mkdtemp(fake->path));
	fake->fd = open(fake->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fake->fd >= 0);
	assert_int_equal(mkdirat(fake->fd, "4546", 0755), 0);
	fake->id.tgid = fake->id.tid = 4546;
	fake->id.start_ns = 145902 * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK)) + 1234567;
	strcpy(fake->id.comm, "cat");
	put(fake, "4546/stat", "4546 (cat)" STAT_TAIL, strlen("4546 (cat)" STAT_TAIL));
	*state = fake;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"4546/task/4600/exe", "4546/task/4600/cmdline",
					    "4546/stat",	  "4546/exe",
					    "4546/cmdline",	  "prog (deleted)"};
	static const char *const folders[] = {"4546/task/4600", "4546/task", "4546"};
	struct fake *fake = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(fake->fd, names[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		unlinkat(fake->fd, folders[i], AT_REMOVEDIR);
	assert_int_equal(rmdir(fake->path), 0);
	close(fake->fd);
	free(fake);
	return 0;
}

static void test_parse(void **state _unused_)
{
	static const struct {
		const char *text, *comm;
		int r;
		uint64_t start;
	} cases[] = {
		{"1 (systemd)" STAT_TAIL, "systemd", 0, 145902},
		{"1 (a) S 1 (b)" STAT_TAIL, "a) S 1 (b", 0, 145902},
		{"1 (a\nb)" STAT_TAIL, "a\nb", 0, 145902},
		{"1 ())" STAT_TAIL, ")", 0, 145902},
		{"1 ()" STAT_TAIL, "", 0, 145902},
		{"1 (\033[31m\xc3)" STAT_TAIL, "\033[31m\xc3", 0, 145902},
		{"1 (kworker/u8:3-events_unbound)" STAT_TAIL, "kworker/u8:3-ev", 0, 145902},
		{"1 (x) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 18446744073709551615", "x",
		 0, UINT64_MAX},
		{"1 (x) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 18446744073709551616", "x",
		 -EBADMSG, 0},
		{"1 (x) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 ", "x", -EBADMSG, 0},
		{"1 (x) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -1", "x", -EBADMSG, 0},
		{"1 (x) R 1 2 3", "x", -EBADMSG, 0},
		{"1 )x( R", "", -EBADMSG, 0},
		{"1 (x", "", -EBADMSG, 0},
		{"", "", -EBADMSG, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct procfs_stat stat = {.start_ticks = 77};
		int r = procfs_parse_stat(cases[i].text, strlen(cases[i].text), &stat);

		if (r != cases[i].r)
			fail_msg("\"%s\": %d", cases[i].text, r);
		if (r < 0) {
			assert_int_equal(stat.start_ticks, 77);
			continue;
		}
		assert_string_equal(stat.comm, cases[i].comm);
		assert_true(stat.start_ticks == cases[i].start);
	}
}

static void test_read(void **state)
{
	struct fake *fake = *state;
	struct procfs_process process;

	assert_int_equal(symlinkat("/usr/bin/cat", fake->fd, "4546/exe"), 0);
	put(fake, "4546/cmdline", "cat\0-u\0", 7);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_string_equal(process.comm, "cat");
	assert_string_equal(process.exe, "/usr/bin/cat");
	assert_false(process.exe_deleted);
	assert_true(process.args_known);
	assert_false(process.args_cut);
	assert_int_equal(process.args_length, 7);
	assert_memory_equal(process.args, "cat\0-u\0", 7);
}

static void test_identity(void **state)
{
	struct fake *fake = *state;
	uint64_t tick_ns = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	struct procfs_process process;
	struct process_id id = fake->id;

	/* One tick is rounding, two are another process. */
	id.start_ns = fake->id.start_ns + tick_ns;
	assert_int_equal(procfs_read(fake->fd, &id, &process), 0);
	id.start_ns = fake->id.start_ns - tick_ns;
	assert_int_equal(procfs_read(fake->fd, &id, &process), 0);
	id.start_ns = fake->id.start_ns + 2 * tick_ns;
	assert_int_equal(procfs_read(fake->fd, &id, &process), -ESTALE);
	id.start_ns = fake->id.start_ns - 2 * tick_ns;
	assert_int_equal(procfs_read(fake->fd, &id, &process), -ESTALE);

	/* The leader had another comm: an exec since then. A thread's comm says nothing. */
	id = fake->id;
	strcpy(id.comm, "sh");
	assert_int_equal(procfs_read(fake->fd, &id, &process), -ESTALE);
	id.tid = 4547;
	assert_int_equal(procfs_read(fake->fd, &id, &process), 0);

	id = fake->id;
	id.tgid = id.tid = 4547;
	assert_int_equal(procfs_read(fake->fd, &id, &process), -ENOENT);
	put(fake, "4546/stat", "nonsense", 8);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), -EBADMSG);
}

/* Neither exe nor cmdline: a zombie, a kernel thread; the latter unreadable: not of this user. */
static void test_unreadable(void **state)
{
	struct fake *fake = *state;
	struct procfs_process process;

	put(fake, "4546/cmdline", "", 0);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_string_equal(process.exe, "");
	assert_false(process.args_known);

	put(fake, "4546/cmdline", "cat\0", 4);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_string_equal(process.exe, "");
	assert_true(process.args_known);
	assert_int_equal(process.args_length, 4);

	/* argc 0 */
	assert_int_equal(symlinkat("/usr/bin/cat", fake->fd, "4546/exe"), 0);
	put(fake, "4546/cmdline", "", 0);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_true(process.args_known);
	assert_int_equal(process.args_length, 0);

	assert_int_equal(unlinkat(fake->fd, "4546/cmdline", 0), 0);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_string_equal(process.exe, "/usr/bin/cat");
	assert_false(process.args_known);
}

static void test_args_cut(void **state)
{
	struct fake *fake = *state;
	struct procfs_process process;
	char args[ARGS_MAX + 1];

	memset(args, 'a', sizeof(args));
	put(fake, "4546/cmdline", args, ARGS_MAX);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_int_equal(process.args_length, ARGS_MAX);
	assert_false(process.args_cut);
	put(fake, "4546/cmdline", args, ARGS_MAX + 1);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_int_equal(process.args_length, ARGS_MAX);
	assert_true(process.args_cut);
}

static void test_deleted(void **state)
{
	struct fake *fake = *state;
	struct procfs_process process;
	char target[128];

	snprintf(target, sizeof(target), "%s/prog (deleted)", fake->path);
	assert_int_equal(symlinkat(target, fake->fd, "4546/exe"), 0);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_true(process.exe_deleted);
	target[strlen(target) - strlen(" (deleted)")] = '\0';
	assert_string_equal(process.exe, target);

	/* A file that is really called that. */
	put(fake, "prog (deleted)", "", 0);
	assert_int_equal(procfs_read(fake->fd, &fake->id, &process), 0);
	assert_false(process.exe_deleted);
	snprintf(target, sizeof(target), "%s/prog (deleted)", fake->path);
	assert_string_equal(process.exe, target);
}

/* The leader has ended, one of its threads goes on. */
static void test_leader_gone(void **state)
{
	struct fake *fake = *state;
	struct procfs_process process;
	struct process_id id = fake->id;

	id.tid = 4600;
	put(fake, "4546/cmdline", "", 0);
	assert_int_equal(mkdirat(fake->fd, "4546/task", 0755), 0);
	assert_int_equal(mkdirat(fake->fd, "4546/task/4600", 0755), 0);
	assert_int_equal(symlinkat("/usr/bin/cat", fake->fd, "4546/task/4600/exe"), 0);
	put(fake, "4546/task/4600/cmdline", "cat\0", 4);
	assert_int_equal(procfs_read(fake->fd, &id, &process), 0);
	assert_string_equal(process.exe, "/usr/bin/cat");
	assert_true(process.args_known);
	assert_int_equal(process.args_length, 4);
}

/* A real process that runs a copy of a program, by a path that is then unlinked, or not. */
static void real_process(const char *path, bool unlinked, const char *exe)
{
	_cleanup_(closep) int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int from = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct procfs_process process;
	struct process_id id = {};
	struct procfs_stat stat;
	char text[4096], stat_path[32];
	_cleanup_(fclosep) FILE *file = NULL;
	int ready[2], status;
	ssize_t n;
	pid_t pid;

	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, text, sizeof(text))) > 0)
		assert_int_equal(write(to, text, (size_t)n), n);
	assert_int_equal(close(to), 0);

	/* The write end closes at the exec. */
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, "sleep", "60", NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], text, 1), 0);
	close(ready[0]);
	if (unlinked)
		assert_int_equal(unlink(path), 0);

	snprintf(stat_path, sizeof(stat_path), "/proc/%d/stat", pid);
	file = fopen(stat_path, "re");
	assert_non_null(file);
	assert_int_equal(procfs_parse_stat(text, fread(text, 1, sizeof(text), file), &stat), 0);
	id.tgid = id.tid = (uint32_t)pid;
	id.start_ns = stat.start_ticks * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
	memcpy(id.comm, stat.comm, COMM_SIZE);

	assert_int_equal(procfs_read(proc_fd, &id, &process), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!unlinked)
		unlink(path);
	assert_string_equal(process.exe, exe);
	assert_int_equal(process.exe_deleted, unlinked);
	assert_int_equal(process.args_length, 9);
	assert_memory_equal(process.args,
			    "sleep\0"
			    "60\0",
			    9);
}

static void test_real(void **state)
{
	struct fake *fake = *state;
	char path[96];

	snprintf(path, sizeof(path), "%s/prog", fake->path);
	real_process(path, false, path);
	real_process(path, true, path);
	snprintf(path, sizeof(path), "%s/prog (deleted)", fake->path);
	real_process(path, false, path);
	real_process(path, true, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_args_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leader_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_real, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

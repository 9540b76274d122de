/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* memrchr(), O_PATH */
#include "lib/procfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base.h"

#define STAT_TEXT_MAX 2048 /* 52 numbers and a comm */
#define START_FIELD   22
#define DELETED	      " (deleted)"

int procfs_parse_stat(const char *text, size_t length, struct procfs_stat *ret_stat)
{
	const char *open = memchr(text, '(', length);
	const char *close = memrchr(text, ')', length);
	const char *end = text + length;
	struct procfs_stat stat = {};
	const char *place;

	if (!open || !close || close < open)
		return -EBADMSG;
	/* The first field behind comm, number 3, follows the first space. */
	place = close + 1;
	for (int field = 3; field <= START_FIELD; field++) {
		place = memchr(place, ' ', (size_t)(end - place));
		if (!place)
			return -EBADMSG;
		place++;
	}
	if (place == end || *place < '0' || *place > '9')
		return -EBADMSG;
	for (; place < end && *place >= '0' && *place <= '9'; place++) {
		if (__builtin_mul_overflow(stat.start_ticks, 10, &stat.start_ticks) ||
		    __builtin_add_overflow(stat.start_ticks, *place - '0', &stat.start_ticks))
			return -EBADMSG;
	}

	length = (size_t)(close - open - 1);
	memcpy(stat.comm, open + 1, length < COMM_SIZE - 1 ? length : COMM_SIZE - 1);
	*ret_stat = stat;
	return 0;
}

/* Returns the bytes read, at most @size, or a negative errno. */
static ssize_t file_read(int dir_fd, const char *name, char *text, size_t size)
{
	_cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	size_t length = 0;

	if (fd < 0)
		return -errno;
	while (length < size) {
		ssize_t n = read(fd, text + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static int stat_read(int dir_fd, struct procfs_stat *ret_stat)
{
	char text[STAT_TEXT_MAX];
	ssize_t length = file_read(dir_fd, "stat", text, sizeof(text));

	if (length < 0)
		return (int)length;
	return procfs_parse_stat(text, (size_t)length, ret_stat);
}

/* The kernel counts whole ticks; one more or less is the rounding of either side. */
static bool start_fits(uint64_t start_ns, uint64_t start_ticks)
{
	long hz = sysconf(_SC_CLK_TCK);
	uint64_t ticks = start_ns / (NSEC_PER_SEC / (hz > 0 ? (uint64_t)hz : 100));

	return ticks <= start_ticks + 1 && start_ticks <= ticks + 1;
}

/* The link's text says " (deleted)" of a file without a name, but a file may be called that. */
static void exe_read(int dir_fd, struct procfs_process *process)
{
	ssize_t length = readlinkat(dir_fd, "exe", process->exe, sizeof(process->exe) - 1);
	size_t suffix = strlen(DELETED);
	struct stat st;

	process->exe[length > 0 ? length : 0] = '\0';
	if (length <= (ssize_t)suffix ||
	    strcmp(process->exe + (size_t)length - suffix, DELETED) != 0)
		return;
	if (!fstatat(dir_fd, "exe", &st, 0) && st.st_nlink)
		return;
	process->exe[(size_t)length - suffix] = '\0';
	process->exe_deleted = true;
}

static void args_read(int dir_fd, struct procfs_process *process)
{
	ssize_t length = file_read(dir_fd, "cmdline", process->args, sizeof(process->args));

	/* Empty also for what has no memory any more; known to be empty only where exe is there. */
	process->args_known = length > 0 || (length == 0 && process->exe[0]);
	process->args_cut = length > ARGS_MAX;
	process->args_length = length < 0 ? 0 : process->args_cut ? ARGS_MAX : (size_t)length;
}

int procfs_read(int proc_fd, const struct process_id *id, struct procfs_process *ret_process)
{
	_cleanup_(closep) int dir_fd = -1;
	_cleanup_(closep) int thread_fd = -1;
	struct procfs_stat stat, again;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%u", id->tgid);
	dir_fd = openat(proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	r = stat_read(dir_fd, &stat);
	if (r < 0)
		return r;
	if (!start_fits(id->start_ns, stat.start_ticks))
		return -ESTALE;
	/* An exec sets the leader's comm: another one now is the only trace that it leaves here. */
	if (id->tid == id->tgid && strncmp(id->comm, stat.comm, COMM_SIZE) != 0)
		return -ESTALE;

	ret_process->exe_deleted = false;
	exe_read(dir_fd, ret_process);
	args_read(dir_fd, ret_process);
	/* A leader that has ended keeps its folder while its threads go on, but has no memory. */
	if (!ret_process->exe[0] && !ret_process->args_known && id->tid != id->tgid) {
		snprintf(path, sizeof(path), "task/%u", id->tid);
		thread_fd = openat(dir_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (thread_fd >= 0) {
			exe_read(thread_fd, ret_process);
			args_read(thread_fd, ret_process);
		}
	}

	r = stat_read(dir_fd, &again);
	if (r < 0)
		return r;
	if (again.start_ticks != stat.start_ticks || strcmp(again.comm, stat.comm) != 0)
		return -ESTALE;
	memcpy(ret_process->comm, stat.comm, COMM_SIZE);
	return 0;
}

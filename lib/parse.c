/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* O_PATH, CLONE_NEWNET */
#include "lib/parse.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "lib/cgroup.h"

#define ITEM_MAX	256 /* bytes of an item of a list with its NUL: user names have up to 255 */
#define DURATION_MAX_NS (10ULL * 365 * 24 * 60 * 60 * NSEC_PER_SEC)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from start to end, and within the bounds. */
static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!is_digit(*text) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	if (value < min || value > max)
		return false;

	*ret_value = value;
	return true;
}

/* Copies the item of @list that *@rest begins with and moves *@rest behind it and its comma, to
 * NULL behind the last one. */
static int next_item(const char *list, const char **rest, char item[ITEM_MAX], struct error *error)
{
	size_t length = strcspn(*rest, ",");

	if (length == 0)
		return error_set(error, -EINVAL, "list \"%s\": has an empty item", list);
	if (length >= ITEM_MAX)
		return error_set(error, -EINVAL, "%.32s...: too long for one item of a list",
				 *rest);

	memcpy(item, *rest, length);
	item[length] = '\0';
	*rest = (*rest)[length] ? *rest + length + 1 : NULL;
	return 0;
}

static int too_many(size_t max, const char *what, struct error *error)
{
	return error_set(error, -EINVAL, "too many %s: at most %zu", what, max);
}

int parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
	       struct error *error)
{
	if (number(text, min, max, ret_value))
		return 0;
	if (max == UINT64_MAX)
		return error_set(error, -EINVAL, "%s: not a whole number of at least %" PRIu64,
				 text, min);

	return error_set(error, -EINVAL, "%s: not a whole number between %" PRIu64 " and %" PRIu64,
			 text, min, max);
}

int parse_duration(const char *text, uint64_t *ret_ns, struct error *error)
{
	uint64_t ns = 0, unit = NSEC_PER_SEC / 10;
	const char *p;
	bool good;

	for (p = text; is_digit(*p); p++) {
		ns = ns * 10 + (uint64_t)(*p - '0') * NSEC_PER_SEC;
		if (ns > DURATION_MAX_NS)
			break;
	}
	good = p > text;
	if (*p == '.') {
		good = is_digit(*++p);
		for (; is_digit(*p); p++) {
			ns += (uint64_t)(*p - '0') * unit;
			unit /= 10;
		}
	}
	if (!good || *p || ns == 0 || ns > DURATION_MAX_NS)
		return error_set(error, -EINVAL,
				 "%s: not a number of seconds above 0 and up to 10 years, "
				 "such as 10 or 0.5",
				 text);

	*ret_ns = ns;
	return 0;
}

int parse_ports(const char *list, uint16_t *ports, size_t max, size_t *n, struct error *error)
{
	const char *rest = list;
	char item[ITEM_MAX];
	size_t count = *n;
	uint64_t port;
	int r;

	while (rest) {
		r = next_item(list, &rest, item, error);
		if (r < 0)
			return r;
		if (!number(item, 1, UINT16_MAX, &port))
			return error_set(error, -EINVAL, "port %s: not between 1 and 65535", item);
		if (count >= max)
			return too_many(max, "ports", error);
		ports[count++] = (uint16_t)port;
	}

	*n = count;
	return 0;
}

static int process_exists(uint32_t pid, struct error *error)
{
	_cleanup_(closep) int fd = -1;

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return error_set(error, -ESRCH, "process %u: does not exist", pid);

	/* kill(2) also finds threads, but no process would ever have such an id.
	 * pidfd_open(2): EINVAL for a thread, ENOENT since Linux 6.15. */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0 && (errno == EINVAL || errno == ENOENT))
		return error_set(error, -EINVAL,
				 "process %u: is a thread, give its process (Tgid in "
				 "/proc/%u/status)",
				 pid, pid);

	return 0;
}

int parse_pids(const char *list, uint32_t *pids, size_t max, size_t *n, struct error *error)
{
	const char *rest = list;
	char item[ITEM_MAX];
	size_t count = *n;
	uint64_t pid;
	int r;

	while (rest) {
		r = next_item(list, &rest, item, error);
		if (r < 0)
			return r;
		if (!number(item, 1, INT32_MAX, &pid))
			return error_set(error, -EINVAL, "process %s: not a process id", item);
		if (count >= max)
			return too_many(max, "processes", error);
		pids[count++] = (uint32_t)pid;
	}

	*n = count;
	return 0;
}

int parse_pids_exist(const uint32_t *pids, size_t n, struct error *error)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = process_exists(pids[i], error);
	return r;
}

int parse_users(const char *list, uint32_t *uids, size_t max, size_t *n, struct error *error)
{
	const struct passwd *entry;
	const char *rest = list;
	char item[ITEM_MAX];
	size_t count = *n;
	uint64_t uid;
	int r;

	while (rest) {
		r = next_item(list, &rest, item, error);
		if (r < 0)
			return r;
		entry = getpwnam(item);
		if (entry)
			uid = entry->pw_uid;
		/* (uid_t)-1 stands for no user, see setreuid(2). */
		else if (!number(item, 0, UINT32_MAX - 1, &uid))
			return error_set(error, -EINVAL, "user %s: no such user, and not a user id",
					 item);
		if (count >= max)
			return too_many(max, "users", error);
		uids[count++] = (uint32_t)uid;
	}

	*n = count;
	return 0;
}

int parse_cidrs(const char *list, struct cidr *cidrs, size_t max, size_t *n, struct error *error)
{
	const char *rest = list;
	char item[ITEM_MAX];
	size_t count = *n;
	int r;

	while (rest) {
		r = next_item(list, &rest, item, error);
		if (r < 0)
			return r;
		if (count >= max)
			return too_many(max, "address ranges", error);
		r = cidr_parse(item, &cidrs[count], error);
		if (r < 0)
			return r;
		count++;
	}

	*n = count;
	return 0;
}

static int unknown_word(const char *word, const char *what, const char *const *words,
			struct error *error)
{
	char all[256] = "";
	size_t used = 0;

	for (size_t i = 0; words[i] && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
					 words[i]);

	return error_set(error, -EINVAL, "%s %s: not one of %s", what, word, all);
}

int parse_words(const char *list, const char *what, const char *const *words, uint32_t *bits,
		struct error *error)
{
	const char *rest = list;
	char item[ITEM_MAX];
	uint32_t found = 0;
	size_t i;
	int r;

	while (rest) {
		r = next_item(list, &rest, item, error);
		if (r < 0)
			return r;
		for (i = 0; words[i] && strcasecmp(words[i], item) != 0; i++)
			;
		if (!words[i])
			return unknown_word(item, what, words, error);
		found |= 1U << i;
	}

	*bits |= found;
	return 0;
}

static int read_cgroup_id(const char *path, uint64_t *ret_id)
{
	_cleanup_(closep) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs filesystem;
	struct stat status;

	if (fd < 0 || fstatfs(fd, &filesystem) < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (filesystem.f_type != CGROUP2_SUPER_MAGIC)
		return -EINVAL;

	*ret_id = status.st_ino;
	return 0;
}

int parse_cgroup(const char *path, uint64_t *ret_id, struct error *error)
{
	char mount[PATH_MAX], below[2 * PATH_MAX];
	bool absolute = *path == '/';
	int r;

	if (!*path)
		return error_set(error, -EINVAL, "cgroup: empty path");
	if (absolute && read_cgroup_id(path, ret_id) == 0)
		return 0;

	r = cgroup_find_mount(mount);
	if (r < 0)
		return error_set(error, r,
				 "cgroup %s: no cgroup v2 hierarchy is mounted, see cgroups(7)",
				 path);
	snprintf(below, sizeof(below), "%s/%s", mount, absolute ? path + 1 : path);
	r = read_cgroup_id(below, ret_id);
	if (r < 0)
		return error_set(error, r,
				 "cgroup %s: there is no cgroup v2 directory %s%s%s, "
				 "/proc/PID/cgroup shows that of a process",
				 path, absolute ? path : "", absolute ? " or " : "", below);

	return 0;
}

int parse_netns_open(const char *text, struct error *error)
{
	bool is_pid = text[strspn(text, "0123456789")] == '\0';
	char path[PATH_MAX];
	uint64_t pid;
	int fd;

	if (!*text || (is_pid && !number(text, 1, INT32_MAX, &pid)))
		return error_set(error, -EINVAL,
				 "network namespace %s: not a process id, and not a path", text);
	if (is_pid)
		snprintf(path, sizeof(path), "/proc/%" PRIu64 "/ns/net", pid);

	/* Never wait for the writer of a pipe that happens to be there. */
	fd = open(is_pid ? path : text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (is_pid && errno == ENOENT)
		return error_set(error, -ESRCH, "network namespace %s: process %s does not exist",
				 text, text);
	if (errno == EACCES || errno == EPERM)
		return error_set(error, -errno, "network namespace %s: %s, this takes root", text,
				 strerror(errno));

	return error_set(error, -errno,
			 "network namespace %s: %s, give a process id or a path such as "
			 "/run/netns/NAME",
			 text, strerror(errno));
}

int parse_netns(const char *text, uint32_t *ret_inode, struct error *error)
{
	_cleanup_(closep) int fd = parse_netns_open(text, error);
	struct statfs filesystem;
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &filesystem) < 0 || fstat(fd, &status) < 0)
		return error_set(error, -errno, "network namespace %s: %s", text, strerror(errno));
	if (filesystem.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return error_set(error, -EINVAL,
				 "network namespace %s: is something else, give a process id or a "
				 "path such as /run/netns/NAME",
				 text);

	*ret_inode = (uint32_t)status.st_ino;
	return 0;
}

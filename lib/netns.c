/* SPDX-License-Identifier: GPL-2.0-only */
#define _GNU_SOURCE 1 /* setns() */
#include "lib/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

int netns_set_add(struct netns_set *set, uint32_t inode, uint32_t pid)
{
	/* sockets of one namespace come one behind the other, mostly */
	for (size_t i = set->n; i > 0; i--)
		if (set->members[i - 1].inode == inode)
			return 0;
	if (set->n == NETNS_MAX)
		return 0;
	if (!set->members) {
		set->members = calloc(NETNS_MAX, sizeof(*set->members));
		if (!set->members)
			return -ENOMEM;
	}
	set->members[set->n++] = (struct netns){.inode = inode, .pid = pid};
	return 0;
}

void netns_set_release(struct netns_set *set)
{
	free(set->members);
	*set = (struct netns_set){};
}

int netns_own(uint32_t *ret_inode)
{
	struct stat own;

	if (stat("/proc/self/ns/net", &own) < 0)
		return -errno;
	*ret_inode = (uint32_t)own.st_ino;
	return 0;
}

/* Descriptor, or a negative errno. */
static int netns_open(const struct netns *netns)
{
	char path[64];
	struct stat there;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/ns/net", netns->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (fstat(fd, &there) < 0 || there.st_ino != netns->inode) {
		close(fd);
		return -ESRCH;
	}
	return fd;
}

int netns_inside_fd(int fd, int (*fn)(void *context), void *context)
{
	_cleanup_(closep) int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	r = fn(context);
	return setns(own, CLONE_NEWNET) < 0 ? -errno : r;
}

int netns_inside(const struct netns *netns, int (*fn)(void *context), void *context)
{
	_cleanup_(closep) int there = netns_open(netns);

	return there < 0 ? there : netns_inside_fd(there, fn, context);
}

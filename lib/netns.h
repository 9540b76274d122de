/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces: which there are, and doing something inside of one. */
#ifndef LIB_NETNS_H
#define LIB_NETNS_H

#include "lib/base.h"

#define NETNS_MAX 4096 /* that are kept in mind; those of more are left out */

/* Namespaces, each with a process that lives in it. All zero is an empty set. */
struct netns_set {
	struct netns {
		uint32_t inode;
		uint32_t pid;
	} * members;
	size_t n;
};

/* Returns 0 or -ENOMEM. */
int netns_set_add(struct netns_set *set, uint32_t inode, uint32_t pid);
void netns_set_release(struct netns_set *set);

/* Inode number of this process's own. Returns 0 or a negative errno. */
int netns_own(uint32_t *ret_inode);

/* Calls @fn inside of @netns and comes back. Returns what @fn returned, or a negative errno: -ESRCH
 * if the process has gone or moved meanwhile, -EPERM without CAP_SYS_ADMIN. The caller has no other
 * threads. */
int netns_inside(const struct netns *netns, int (*fn)(void *context), void *context);

/* The same inside of the one that @fd is a file of. */
int netns_inside_fd(int fd, int (*fn)(void *context), void *context);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the filters look like in read-only data: set by user space before load. */
#ifndef FILTER_H
#define FILTER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#include <stdbool.h>
#endif

#define FILTER_MAP_MAX 1024 /* entries of each filter map at most */
#define FILTER_CIDRS   64   /* address ranges at most */

/* Values in the map `ports`, by port number in host order. */
#define PORT_ANY    0x1 /* -P: matches either end */
#define PORT_LOCAL  0x2 /* -L: matches the local port */
#define PORT_REMOTE 0x4 /* -D: matches the remote port */

struct filter_config {
	__u32 by_process; /* only the processes in the map `processes` */
	__u32 follow;	  /* and their descendants */
	__u32 by_user;	  /* only the users in the map `users` */
	__u32 netns;	  /* only this network namespace (inode number); 0: all */
	__u64 cgroup_id;  /* only this cgroup and below; 0: all */
	__u32 ports;	  /* PORT_* bits of the lists that are given: each of them must match */
	__u32 ipv4_only, ipv6_only;
	__u32 n_cidrs; /* of cidrs that are set: either end must be in one of them */
	struct {
		__u64 address[2]; /* network order, masked */
		__u64 mask[2];
	} cidrs[FILTER_CIDRS];
};

/* Are there processes whose traffic is not wanted, wherever it goes? */
static inline bool filter_selects_processes(const volatile struct filter_config *config)
{
	return config->by_process || config->by_user || config->cgroup_id;
}

#endif

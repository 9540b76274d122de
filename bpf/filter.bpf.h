/* SPDX-License-Identifier: GPL-2.0-only */
/* The filters that the kernel can decide: process, user, cgroup, network namespace, address, port.
 */
#ifndef FILTER_BPF_H
#define FILTER_BPF_H

#include "filter.h"
#include "task.bpf.h"

#define EEXIST 17

#define PROCESS_ENDED 0x80000000U /* with a process id: it has ended, its sockets may be open */

/* Process ids that are traced; with follow, descendants are added at their fork. A process that has
 * ended is in it a second time, with PROCESS_ENDED: that can be put there once only. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* user space says how many */
	__type(key, __u32);
	__type(value, __u8);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_MAP_MAX);
	__type(key, __u32);
	__type(value, __u8);
} users SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_MAP_MAX);
	__type(key, __u16);
	__type(value, __u8); /* PORT_* */
} ports SEC(".maps");

static __always_inline bool filter_wants_tgid(const volatile struct filter_config *config,
					      __u32 tgid)
{
	return !config->by_process || bpf_map_lookup_elem(&processes, &tgid);
}

/* @node: of the task's cgroup (v2). */
static __noinline bool filter_wants_cgroup(const volatile struct filter_config *config,
					   struct kernfs_node *node)
{
	for (int i = 0; i < CGROUP_LEVELS && node; i++) {
		if (READ(node, id) == config->cgroup_id)
			return true;
		node = kernfs_parent(node);
	}
	return false;
}

/* What the filter wants beside the process's id. @id: of @task. */
static __always_inline bool
filter_wants_user_and_cgroup(const volatile struct filter_config *config, struct task_struct *task,
			     const struct process_id *id)
{
	if (config->by_user && !bpf_map_lookup_elem(&users, &id->uid))
		return false;
	if (config->cgroup_id)
		return filter_wants_cgroup(config, READ(task, cgroups, dfl_cgrp, kn));
	return true;
}

/* @id: of @task. */
static __always_inline bool filter_wants_task(const volatile struct filter_config *config,
					      struct task_struct *task, const struct process_id *id)
{
	return filter_wants_tgid(config, id->tgid) &&
	       filter_wants_user_and_cgroup(config, task, id);
}

static __always_inline bool filter_wants_current(const volatile struct filter_config *config,
						 const struct process_id *id)
{
	return filter_wants_task(config, (void *)bpf_get_current_task(), id);
}

/* Addresses: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d, as two words. */
static __always_inline bool address_is_ipv4(const __u64 address[2])
{
	return !address[0] && (__u32)address[1] == bpf_htonl(0xffff);
}

static __always_inline bool address_is_zero(const __u64 address[2])
{
	return !address[0] && !address[1];
}

static __noinline bool filter_wants_address(const volatile struct filter_config *config,
					    const __u64 *local, const __u64 *remote)
{
	for (__u32 i = 0; i < FILTER_CIDRS && i < config->n_cidrs; i++) {
		__u64 mask0 = config->cidrs[i].mask[0], mask1 = config->cidrs[i].mask[1];
		__u64 range0 = config->cidrs[i].address[0], range1 = config->cidrs[i].address[1];

		if ((local[0] & mask0) == range0 && (local[1] & mask1) == range1)
			return true;
		if ((remote[0] & mask0) == range0 && (remote[1] & mask1) == range1)
			return true;
	}
	return false;
}

/* Ports in host order. */
static __always_inline bool filter_wants_traffic(const volatile struct filter_config *config,
						 const __u64 *local, const __u64 *remote,
						 __u16 lport, __u16 rport)
{
	if (config->ports) {
		__u8 *at_local = bpf_map_lookup_elem(&ports, &lport);
		__u8 *at_remote = bpf_map_lookup_elem(&ports, &rport);
		__u8 found = 0;

		if (at_local)
			found |= *at_local & (PORT_ANY | PORT_LOCAL);
		if (at_remote)
			found |= *at_remote & (PORT_ANY | PORT_REMOTE);
		if ((found & config->ports) != config->ports)
			return false;
	}
	if (config->ipv4_only && !address_is_ipv4(local))
		return false;
	if (config->ipv6_only && address_is_ipv4(local))
		return false;
	return !config->n_cidrs || filter_wants_address(config, local, remote);
}

#endif

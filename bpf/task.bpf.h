/* SPDX-License-Identifier: GPL-2.0-only */
/* Who a task is, and where its cgroup stands. */
#ifndef TASK_BPF_H
#define TASK_BPF_H

#include "hook.bpf.h"
#include "read.bpf.h"
#include "records.bpf.h"
#include "text.bpf.h"

#define PF_KTHREAD	  0x00200000
#define CGROUP_LEVELS	  24 /* of a cgroup path that are read; a deeper one is not known */
#define CGROUPS_ANNOUNCED 4096

/* kernfs_node.parent became __parent in 6.15 (commit 741c10b096bc). */
struct kernfs_node___parent {
	struct kernfs_node *parent;
} __attribute__((preserve_access_index));

/* Ids of cgroups whose path user space has been told. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CGROUPS_ANNOUNCED);
	__type(key, __u64);
	__type(value, __u8);
} cgroups_announced SEC(".maps");

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___parent *old = (void *)node;

	if (bpf_core_field_exists(old->parent))
		return READ(old, parent);
	return READ(node, __parent);
}

static __noinline int cgroup_announce(struct kernfs_node *node, __u64 id, __u32 area)
{
	struct kernfs_node *parent = node;
	struct text_scratch *scratch = text_begin(area);
	struct cgroup_record *record;
	__u8 one = 1;
	__u32 used;

	if (!scratch)
		return 0;
	for (int i = 0; i < CGROUP_LEVELS; i++) {
		parent = kernfs_parent(node);
		if (!parent)
			break;
		text_append_part(scratch, READ(node, name));
		node = parent;
	}
	if (parent)
		return 0;
	used = ((volatile struct text_scratch *)scratch)->used;
	if (used > RECORD_DATA_MAX)
		return 0;
	record = (void *)(scratch->text - sizeof(*record));
	record_head(&record->header, RECORD_CGROUP, sizeof(*record) + used);
	record->cgroup_id = id;
	record->path_length = used;
	record->pad = 0;
	if (!record_output(&record->header, sizeof(*record) + used))
		bpf_map_update_elem(&cgroups_announced, &id, &one, BPF_ANY);
	return 0;
}

/* Tells user space the path of the task's cgroup the first time that the cgroup is seen: when a
 * process begins, execs, is listed, or changes its cgroup. @area: TEXT_CGROUP in tracepoints,
 * TEXT_CGROUP_ITER in iterators. */
static __always_inline void task_announce_cgroup(struct task_struct *task, __u64 id, __u32 area)
{
	if (id > CGROUP_ROOT_ID && !bpf_map_lookup_elem(&cgroups_announced, &id))
		cgroup_announce(READ(task, cgroups, dfl_cgrp, kn), id, area);
}

/* Any task. */
static __noinline __attribute__((unused)) int task_read_id(struct task_struct *task,
							   struct process_id *id)
{
	id->start_ns = READ(task, group_leader, start_boottime);
	id->exec_id = READ(task, self_exec_id);
	id->cgroup_id = READ(task, cgroups, dfl_cgrp, kn, id);
	id->tgid = READ(task, tgid);
	id->tid = READ(task, pid);
	id->ppid = READ(task, real_parent, tgid);
	id->uid = READ(task, cred, euid.val);
	id->flags = READ(task, flags) & PF_KTHREAD ? PROCESS_KTHREAD : 0;
	id->pad = 0;
	BPF_CORE_READ_INTO(&id->comm, task, comm);
	return 0;
}

/* The thread that runs. */
static __noinline int current_read_id(struct process_id *id)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	id->start_ns = READ(task, group_leader, start_boottime);
	id->exec_id = READ(task, self_exec_id);
	id->cgroup_id = READ(task, cgroups, dfl_cgrp, kn, id);
	id->tgid = pid_tgid >> 32;
	id->tid = pid_tgid;
	id->ppid = READ(task, real_parent, tgid);
	id->uid = READ(task, cred, euid.val);
	id->flags = READ(task, flags) & PF_KTHREAD ? PROCESS_KTHREAD : 0;
	id->pad = 0;
	bpf_get_current_comm(id->comm, sizeof(id->comm));
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names and lives of processes: hooks on exec, fork and exit, and the iterator over those that run
 * already. A tool includes this file once, behind the definition of `process_filter()`.
 */
#ifndef PROCESS_BPF_H
#define PROCESS_BPF_H

#include "filter.bpf.h"

/* The tool's read-only filter. */
static __always_inline const volatile struct filter_config *process_filter(void);

/* Appends the components of a path, leaf first, through mount points up to the root of the mount
 * tree: what /proc/PID/exe shows, without d_path (not allowed in tracepoints). By probe reads:
 * READ() would save an exec 1 us, and take the verifier 5 ms longer. */
static __always_inline void path_append(volatile struct text_scratch *scratch, struct file *file)
{
	volatile struct process_record *record = (void *)scratch->head;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = container_of(vfsmount, struct mount, mnt);
	struct dentry *root = BPF_CORE_READ(vfsmount, mnt_root);

	if (dentry != root && !BPF_CORE_READ(dentry, d_hash.pprev))
		record->flags |= PROCESS_EXE_DELETED;
	for (int i = 0; i < PATH_PARTS_MAX; i++) {
		struct dentry *parent;

		if (dentry == root) {
			struct mount *up = BPF_CORE_READ(mount, mnt_parent);

			if (up == mount || !up)
				return;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = up;
			root = BPF_CORE_READ(mount, mnt.mnt_root);
			continue;
		}
		text_append_part(scratch, BPF_CORE_READ(dentry, d_name.name));
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry) /* never had a place in a tree: a memfd */
			return;
		dentry = parent;
	}
	record->flags |= PROCESS_EXE_CUT;
}

/* Appends the command line of @task, which is current (pages there: just written by its exec) or,
 * in a sleepable iterator, any. */
static __always_inline void args_append(volatile struct text_scratch *scratch, struct mm_struct *mm,
					struct task_struct *other)
{
	__u64 start = READ(mm, arg_start), end = READ(mm, arg_end);
	__u64 length = end > start ? end - start : 0;
	volatile struct process_record *record = (void *)scratch->head;
	__u32 used = scratch->used;
	long r;

	if (used > TEXT_LAST)
		return;
	if (length > ARGS_MAX) {
		length = ARGS_MAX;
		record->flags |= PROCESS_ARGS_CUT;
	}
	if (other)
		r = bpf_copy_from_user_task((void *)&scratch->text[used], length, (void *)start,
					    other, 0);
	else
		r = bpf_probe_read_user((void *)&scratch->text[used], length, (void *)start);
	if (r)
		return;
	record->flags |= PROCESS_ARGS_KNOWN;
	record->args_length = length;
	scratch->used = used + length;
}

static __always_inline struct process_record *process_begin(struct text_scratch *scratch,
							    __u32 origin)
{
	struct process_record *record = (void *)scratch->head;

	record->parent_start_ns = 0;
	record->parent_exec_id = 0;
	record->parent_tgid = 0;
	record->origin = origin;
	record->flags = 0;
	record->exe_length = record->filename_length = record->interp_length = 0;
	record->args_length = record->kthread_length = record->pad = 0;
	return record;
}

static __always_inline void exe_append(volatile struct text_scratch *scratch, struct mm_struct *mm)
{
	volatile struct process_record *record = (void *)scratch->head;
	struct file *file = READ(mm, exe_file);

	if (!file)
		return;
	path_append(scratch, file);
	record->exe_length = scratch->used;
}

/* Completes the head. Returns the size of the record, 0 if there is none to send. The size is a
 * multiple of 8: iterators write records one behind the other. */
static __always_inline __u32 process_end(volatile struct text_scratch *scratch)
{
	__u32 used = (scratch->used + 7) & ~7U;

	if (used > RECORD_DATA_MAX)
		return 0;
	record_head((void *)scratch->head, RECORD_PROCESS, sizeof(struct process_record) + used);
	return sizeof(struct process_record) + used;
}

static __always_inline void process_exec(struct task_struct *task, struct linux_binprm *bprm)
{
	struct text_scratch *scratch;
	struct process_record *record;
	struct mm_struct *mm = READ(task, mm);
	__u32 size;

	if (!filter_wants_tgid(process_filter(), task->tgid))
		return;
	__sync_fetch_and_add(&counters.execs, 1);
	scratch = text_begin(TEXT_PROCESS);
	if (!scratch)
		return;
	record = process_begin(scratch, PROCESS_EXEC);
	current_read_id(&record->id);
	task_announce_cgroup(task, record->id.cgroup_id, TEXT_CGROUP);
	exe_append(scratch, mm);
	record->filename_length = text_append(scratch, READ(bprm, filename));
	record->interp_length = text_append(scratch, READ(bprm, interp));
	args_append(scratch, mm, NULL);
	size = process_end(scratch);
	if (size)
		record_output(&record->header, size);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	__u32 *working = hook_begin(HOOK_EXEC, false);

	process_exec(task, bprm);
	hook_end(working, HOOK_EXEC, (__u64)task, task->pid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec_stand_in, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	if (hook_was_missed(HOOK_EXEC, (__u64)task, task->pid)) {
		process_exec(task, bprm);
		unpin();
	}
	return 0;
}

/* Is a new process to be told of? Descendants of those in the filter join it. */
static __always_inline bool process_follow(const struct task_struct *parent, __u32 tgid)
{
	const volatile struct filter_config *filter = process_filter();
	__u32 parent_tgid = parent->tgid, ended = tgid | PROCESS_ENDED;
	__u8 one = 1;

	if (!filter->by_process)
		return true;
	/* a process id used again: whoever had it before was another */
	bpf_map_delete_elem(&processes, &ended);
	if (!filter->follow || !bpf_map_lookup_elem(&processes, &parent_tgid)) {
		bpf_map_delete_elem(&processes, &tgid);
		return false;
	}
	if (bpf_map_update_elem(&processes, &tgid, &one, BPF_ANY))
		__sync_fetch_and_add(&counters.follow_lost, 1);
	else
		__sync_fetch_and_add(&counters.followed, 1);
	return true;
}

static __always_inline void process_fork(struct task_struct *parent, struct task_struct *child)
{
	struct process_record *record;

	if (child->pid != child->tgid || !process_follow(parent, child->tgid)) /* or a thread */
		return;
	__sync_fetch_and_add(&counters.forks, 1);
	record = record_reserve(RECORD_PROCESS, sizeof(*record));
	if (!record)
		return;
	record->parent_start_ns = READ(parent, group_leader, start_boottime);
	record->parent_exec_id = parent->self_exec_id;
	record->parent_tgid = parent->tgid;
	record->origin = PROCESS_FORK;
	record->flags = 0;
	record->exe_length = record->filename_length = record->interp_length = 0;
	record->args_length = record->kthread_length = record->pad = 0;
	task_read_id(child, &record->id);
	record_submit(record, sizeof(*record));
	task_announce_cgroup(child, READ(child, cgroups, dfl_cgrp, kn, id), TEXT_CGROUP);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 *working = hook_begin(HOOK_FORK, false);

	process_fork(parent, child);
	hook_end(working, HOOK_FORK, (__u64)child, child->pid);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork_stand_in, struct task_struct *parent, struct task_struct *child)
{
	if (hook_was_missed(HOOK_FORK, (__u64)child, child->pid)) {
		process_fork(parent, child);
		unpin();
	}
	return 0;
}

/* The last thread of a process has exited. Two that exit at the same time may both be taken for it:
 * one of them counts. False: the filter does not want that process. */
static __always_inline bool process_leaves(__u32 tgid)
{
	__u32 ended = tgid | PROCESS_ENDED;
	__u8 one = 1;
	int r; /* before 6.4 the upper half of what the helper returns is not the sign's */

	if (!process_filter()->by_process)
		return true;
	if (!bpf_map_lookup_elem(&processes, &tgid))
		return false;
	r = bpf_map_update_elem(&processes, &ended, &one, BPF_NOEXIST);
	if (r != -EEXIST)
		__sync_fetch_and_sub(&counters.followed, 1);
	return true;
}

/* Nothing more is going to come from a process: it leaves the filter, if it has ended. */
static __always_inline void process_forget(__u32 tgid)
{
	__u32 ended = tgid | PROCESS_ENDED;

	if (!bpf_map_delete_elem(&processes, &ended))
		bpf_map_delete_elem(&processes, &tgid);
}

static __always_inline void process_exit(struct task_struct *task)
{
	struct exit_record *record;

	/* the last thread, whichever it is: a leader may go long before its process does */
	if (READ(task, signal, live.counter) || !process_leaves(task->tgid))
		return;
	record = record_reserve(RECORD_EXIT, sizeof(*record));
	if (!record)
		return;
	current_read_id(&record->id);
	record_submit(record, sizeof(*record));
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 *working = hook_begin(HOOK_EXIT, false);

	process_exit(task);
	hook_end(working, HOOK_EXIT, (__u64)task, task->pid);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_stand_in, struct task_struct *task)
{
	if (hook_was_missed(HOOK_EXIT, (__u64)task, task->pid)) {
		process_exit(task);
		unpin();
	}
	return 0;
}

/* Sockets are closed behind the exit hook: a process leaves the filter only when it is freed. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	if (task->pid == task->tgid)
		process_forget(task->tgid);
	return 0;
}

/* A process, or a thread of it, has moved to another cgroup. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_move, struct cgroup *to, const char *path, struct task_struct *task)
{
	pin();
	if (filter_wants_tgid(process_filter(), task->tgid))
		task_announce_cgroup(task, READ(task, cgroups, dfl_cgrp, kn, id), TEXT_CGROUP);
	unpin();
	return 0;
}

/* struct kthread of a kernel thread: where it hangs moved in 5.17 (commit e32cf5dfbe22). */
static __always_inline const char *kthread_full_name(struct task_struct *task)
{
	struct kthread *kthread = NULL;

	if (!bpf_core_field_exists(task->worker_private) ||
	    !bpf_core_field_exists(kthread->full_name))
		return NULL;
	kthread = READ(task, worker_private);
	return READ(kthread, full_name);
}

/* Puts the full name of a kernel thread together; it is set some us after the fork. Returns the
 * size of the record, 0: it has none beside its comm. */
static __always_inline __u32 kthread_record(struct text_scratch *scratch, struct task_struct *task)
{
	const char *name = kthread_full_name(task);
	struct process_record *record;

	if (!name)
		return 0;
	record = process_begin(scratch, PROCESS_ITER);
	task_read_id(task, &record->id);
	record->kthread_length = text_append(scratch, name);
	return process_end(scratch);
}

static __always_inline int process_list(struct iterator_task *ctx, const bool may_fault)
{
	struct task_struct *task = ctx->task;
	struct text_scratch *scratch;
	struct process_record *record;
	struct mm_struct *mm;
	__u32 size;

	/* a leader that has ended while its process goes on knows nothing any more: ask the others
	 */
	if (!task)
		return 0;
	if (task->pid != task->tgid && READ(task, group_leader, mm))
		return 0;
	scratch = text_begin(TEXT_PROCESS_ITER);
	if (!scratch)
		return 0;
	record = process_begin(scratch, PROCESS_ITER);
	mm = READ(task, mm);
	task_read_id(task, &record->id);
	task_announce_cgroup(task, record->id.cgroup_id, TEXT_CGROUP_ITER);
	BPF_CORE_READ_INTO(&record->id.comm, task, group_leader, comm);
	if (record->id.flags & PROCESS_KTHREAD) {
		record->kthread_length = text_append(scratch, kthread_full_name(task));
	} else if (mm) {
		exe_append(scratch, mm);
		if (may_fault)
			args_append(scratch, mm, task);
	}
	size = process_end(scratch);
	if (size)
		bpf_seq_write(ctx->meta->seq, record, size);
	return 0;
}

/* Sleepable iterators (5.18) read the command lines as well. */
SEC("iter.s/task")
int list_processes(struct iterator_task *ctx)
{
	return process_list(ctx, true);
}

SEC("iter/task")
int list_processes_no_args(struct iterator_task *ctx)
{
	return process_list(ctx, false);
}

#endif

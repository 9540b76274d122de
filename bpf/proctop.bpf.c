// SPDX-License-Identifier: GPL-2.0-only
/* proctop: which event, which record. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "proctop.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct proctop_config settings = {};
struct proctop_counters totals = {};

/* End of the last pass over what there is, CLOCK_BOOTTIME: what began later, none has seen. 0: one
 * is under way. Set by user space. */
volatile __u64 passed_ns = 0;

#include "process.bpf.h"
#include "proctop_task.bpf.h"

#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h */
#define MSG_PEEK	  0x2 /* include/linux/socket.h */
#define MSG_ERRQUEUE	  0x2000

static __always_inline const volatile struct filter_config *process_filter(void)
{
	return &settings.filter;
}

static __always_inline void end_read_parent(struct task_struct *task, struct end_record *record)
{
	struct task_struct *parent = READ(task, real_parent, group_leader);

	record->parent_start_ns = READ(parent, start_boottime);
	record->parent_exec_id = READ(parent, self_exec_id);
	BPF_CORE_READ_INTO(&record->parent_comm, parent, comm);
}

/* What the parent is going to be told. */
static __always_inline __u32 end_exit_code(struct task_struct *task)
{
	if (READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return READ(task, signal, group_exit_code);
	return READ(task, group_leader, exit_code);
}

/* Has no pass seen what began then? Only of such a one all that it used is told if its last record
 * is lost: of others user space knows a part, and which one is not known here. */
static __always_inline bool is_unseen(__u64 start_ns)
{
	__u64 end_ns = passed_ns;

	return end_ns && start_ns >= end_ns;
}

static __always_inline void sums_lost(const struct task_sums *sums)
{
	__sync_fetch_and_add(&totals.lost.cpu_ns, sums->cpu_ns);
	__sync_fetch_and_add(&totals.lost.wait_ns, sums->wait_ns);
	__sync_fetch_and_add(&totals.lost.voluntary, sums->voluntary);
	__sync_fetch_and_add(&totals.lost.involuntary, sums->involuntary);
	__sync_fetch_and_add(&totals.lost.minor_faults, sums->minor_faults);
	__sync_fetch_and_add(&totals.lost.major_faults, sums->major_faults);
	__sync_fetch_and_add(&totals.lost.read_bytes, sums->read_bytes);
	__sync_fetch_and_add(&totals.lost.write_bytes, sums->write_bytes);
}

/* Tells of a thread's final sums. @exited is a copy. */
static __always_inline void task_gone(struct gone_record *record, const struct exited *exited,
				      const struct task_sums *sums, __u32 flags)
{
	record->group = exited->group;
	record->sums = *sums;
	record->task_start_ns = exited->start_ns;
	record->exit_ns = exited->exit_ns;
	record->tgid = exited->tgid;
	record->tid = exited->tid;
	record->flags = flags;
	record->pad = 0;
	record_submit(record, sizeof(*record));
}

static __always_inline void task_exits(struct task_struct *task)
{
	__u64 key = (__u64)task;
	struct exited value = {
		.group = (__u64)READ(task, signal),
		.start_ns = task->start_boottime,
		.exit_ns = bpf_ktime_get_boot_ns(),
		.tgid = task->tgid,
		.tid = task->pid,
	};

	__sync_fetch_and_add(&totals.exited_tasks, 1);
	/* of another task that was there before, and whose free nothing has told of */
	bpf_map_delete_elem(&counted, &key);
	if (!bpf_map_delete_elem(&exited, &key)) {
		__sync_fetch_and_add(&totals.missed_tasks, 1);
		__sync_fetch_and_add(&totals.gone_tasks, 1);
	}
	if (bpf_map_update_elem(&exited, &key, &value, BPF_ANY)) {
		record_count_lost(RECORD_GONE);
		__sync_fetch_and_add(&totals.lost_tasks, 1);
		__sync_fetch_and_add(&totals.gone_tasks, 1);
	}
}

static __always_inline void process_ends(struct task_struct *task, const struct process_id *id,
					 __u32 netns)
{
	__u64 group = (__u64)READ(task, signal);
	struct end_record *record;
	struct traffic bytes;

	traffic_read(id->tgid, &bytes.rx_bytes, &bytes.tx_bytes);
	record = record_reserve(RECORD_END, sizeof(*record));
	if (!record && !is_unseen(id->start_ns))
		return;
	if (!record) {
		__sync_fetch_and_add(&totals.lost_rx, bytes.rx_bytes);
		__sync_fetch_and_add(&totals.lost_tx, bytes.tx_bytes);
		return;
	}
	record->id = *id;
	record->group = group;
	record->end_ns = bpf_ktime_get_boot_ns();
	record->rx_bytes = bytes.rx_bytes;
	record->tx_bytes = bytes.tx_bytes;
	end_read_parent(task, record);
	record->netns = netns;
	record->exit_code = end_exit_code(task);
	record->born = born_read(group);
	record->pad = 0;
	record_submit(record, sizeof(*record));
}

/* Has the end of the process, which began then, been told? The last of its threads to leave may
 * overtake others that have counted themselves out, and are about to come by here. */
static __always_inline bool has_ended(__u64 group, __u64 start_ns)
{
	__u64 *told = bpf_map_lookup_elem(&ended, &group);

	return told && *told == start_ns;
}

/* Is this the end of the process, and has nobody told of it? */
static __always_inline bool is_end(struct task_struct *task, __u64 group, __u64 start_ns)
{
	__u64 *told;

	if (READ(task, signal, live.counter))
		return false;
	told = bpf_map_lookup_elem(&ended, &group);
	if (told && *told == start_ns)
		return false;
	if (told) /* that of another process, before it */
		bpf_map_delete_elem(&ended, &group);
	return !bpf_map_update_elem(&ended, &group, &start_ns, BPF_NOEXIST);
}

static __always_inline void task_end(struct task_struct *task)
{
	const volatile struct filter_config *filter = &settings.filter;
	__u64 start_ns = READ(task, group_leader, start_boottime);
	__u64 group = (__u64)READ(task, signal);
	struct process_id id;
	__u32 netns;
	bool last;

	if (!filter_wants_tgid(filter, task->tgid) && !has_ended(group, start_ns))
		return;
	last = is_end(task, group, start_ns);
	current_read_id(&id);
	netns = task_netns(task);
	if (filter_wants_user_and_cgroup(filter, task, &id) && filter_wants_netns(filter, netns)) {
		task_exits(task);
		if (last && is_new_kthread(task, &id))
			kthread_ends(task);
		if (last)
			process_ends(task, &id, netns);
	}
	if (!last)
		return;
	process_leaves(id.tgid); /* who waits for the last one has its records then */
	__sync_fetch_and_add(&totals.exits, 1);
	bpf_map_delete_elem(&traffic, &id.tgid);
	bpf_map_delete_elem(&born, &group);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct *task)
{
	__u32 *working = hook_begin(HOOK_EXIT, false);

	task_end(task);
	hook_end(working, HOOK_EXIT, (__u64)task, task->pid);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end_stand_in, struct task_struct *task)
{
	if (hook_was_missed(HOOK_EXIT, (__u64)task, task->pid)) {
		task_end(task);
		unpin();
	}
	return 0;
}

/* No room for the record of a thread that is freed. What it used may be among what its process has
 * of those that left, and that a pass can read, until the first of its threads, the last to go, is
 * freed. */
static __always_inline void task_lost(struct task_struct *task, const struct exited *exited,
				      const struct task_sums *sums)
{
	__sync_fetch_and_add(&totals.lost_tasks, 1);
	if (task->pid == task->tgid && is_unseen(exited->start_ns))
		sums_lost(sums);
}

/* At its exit, and even when its parent is told, a thread still runs. When it is freed, its sums
 * are final. The signal_struct outlives it; the leader need not be there any more. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_freed, struct task_struct *task)
{
	__u64 key = (__u64)task;
	struct exited *found = bpf_map_lookup_elem(&exited, &key), copy;
	struct gone_record *record;
	struct task_sums sums;
	__u32 flags;

	if (task->pid == task->tgid) /* all others have exited long since */
		process_forget(task->tgid);
	if (!found) {
		bpf_map_delete_elem(&counted, &key);
		return 0;
	}
	copy = *found;
	if (bpf_map_delete_elem(&exited, &key))
		return 0;
	flags = task_read_sums(task, &sums);
	record = record_reserve(RECORD_GONE, sizeof(*record));
	if (record)
		task_gone(record, &copy, &sums, flags);
	else
		task_lost(task, &copy, &sums);
	__sync_fetch_and_add(&totals.gone_tasks, 1);
	return 0;
}

/* Takes the sums of those that have left their processor for good before they are freed. Their
 * memory may be another task's already, if nothing told of their free. */
SEC("iter/bpf_map_elem")
int list_exited(struct iterator_map *ctx)
{
	__u64 *key = ctx->key, task_key;
	struct exited *value = ctx->value, copy;
	struct gone_record *record;
	struct task_struct *task;
	struct task_sums sums;
	__u32 flags;
	__u8 on_cpu;

	if (!key || !value)
		return 0;
	task_key = *key;
	copy = *value;
	task = (void *)task_key;
	if ((__u64)READ(task, signal) != copy.group ||
	    READ(task, start_boottime) != copy.start_ns) {
		if (!bpf_map_delete_elem(&exited, &task_key)) {
			__sync_fetch_and_add(&totals.missed_tasks, 1);
			__sync_fetch_and_add(&totals.gone_tasks, 1);
		}
		return 0;
	}
	/* in this order: once dead, it is on its processor until it has left it for good */
	if (!(task_raw_state(task) & TASK_DEAD))
		return 0;
	barrier();
	/* a byte since 7.0 or so, an int before: of both the lowest */
	BPF_CORE_READ_INTO(&on_cpu, task, on_cpu);
	if (on_cpu)
		return 0;
	flags = task_probe_sums(task, &sums);
	record = record_try(RECORD_GONE, sizeof(*record));
	if (!record) { /* next time */
		__sync_fetch_and_add(&totals.put_off_tasks, 1);
		return 0;
	}
	if (READ(task, exit_state) & EXIT_ZOMBIE)
		bpf_map_update_elem(&counted, &task_key, &copy.start_ns, BPF_ANY);
	if (copy.tid == copy.tgid)
		process_forget(copy.tgid);
	if (bpf_map_delete_elem(&exited, &task_key)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return 0;
	}
	task_gone(record, &copy, &sums, flags);
	__sync_fetch_and_add(&totals.gone_tasks, 1);
	return 0;
}

/* Another thread of a process, or another process. */
static __always_inline void thread_begins(struct task_struct *child)
{
	__u32 one = 1, *n;
	__u64 group;

	group = (__u64)READ(child, signal);
	if (child->pid == child->tgid) {
		bpf_map_delete_elem(&ended, &group);
		return;
	}
	if (!filter_wants_tgid(&settings.filter, child->tgid))
		return;
	if (!bpf_map_update_elem(&born, &group, &one, BPF_NOEXIST))
		return;
	n = bpf_map_lookup_elem(&born, &group);
	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_thread, struct task_struct *parent, struct task_struct *child)
{
	__u32 *working = hook_begin(HOOK_THREAD, false);

	thread_begins(child);
	hook_end(working, HOOK_THREAD, (__u64)child, child->pid);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_thread_stand_in, struct task_struct *parent, struct task_struct *child)
{
	if (hook_was_missed(HOOK_THREAD, (__u64)child, child->pid)) {
		thread_begins(child);
		unpin();
	}
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int ret, int flags)
{
	__u32 *working;

	if (ret <= 0)
		return 0;
	working = hook_begin(HOOK_SEND, false);
	traffic_add(0, ret);
	hook_end(working, HOOK_SEND, (__u64)sk, ret);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send_stand_in, struct sock *sk, int ret, int flags)
{
	if (ret > 0 && hook_was_missed(HOOK_SEND, (__u64)sk, ret)) {
		traffic_add(0, ret);
		unpin();
	}
	return 0;
}

static __always_inline bool is_received(int ret, int flags)
{
	return ret > 0 && !(flags & (MSG_PEEK | MSG_ERRQUEUE));
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int ret, int flags)
{
	__u32 *working;

	if (!is_received(ret, flags))
		return 0;
	working = hook_begin(HOOK_RECEIVE, false);
	traffic_add(ret, 0);
	hook_end(working, HOOK_RECEIVE, (__u64)sk, ret);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive_stand_in, struct sock *sk, int ret, int flags)
{
	if (is_received(ret, flags) && hook_was_missed(HOOK_RECEIVE, (__u64)sk, ret)) {
		traffic_add(ret, 0);
		unpin();
	}
	return 0;
}

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
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);

	record->parent_start_ns = BPF_CORE_READ(parent, start_boottime);
	record->parent_exec_id = BPF_CORE_READ(parent, self_exec_id);
	BPF_CORE_READ_INTO(&record->parent_comm, parent, comm);
}

/* What the parent is going to be told. */
static __always_inline __u32 end_exit_code(struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct *task)
{
	const volatile struct filter_config *filter = &settings.filter;
	struct end_record *record;
	struct traffic bytes;
	struct process_id id;
	__u32 netns;

	/* the last thread, whichever it is: a leader may go long before its process does */
	if (BPF_CORE_READ(task, signal, live.counter) || !process_leaves(task->tgid))
		return 0;
	__sync_fetch_and_add(&totals.exits, 1);
	current_read_id(&id);
	traffic_read(id.tgid, &bytes.rx_bytes, &bytes.tx_bytes);
	bpf_map_delete_elem(&traffic, &id.tgid);
	netns = task_netns(task);
	if (!filter_wants_user_and_cgroup(filter, task, &id) || !filter_wants_netns(filter, netns))
		return 0;
	record = record_reserve(RECORD_END, sizeof(*record));
	if (!record) {
		__sync_fetch_and_add(&totals.lost_rx, bytes.rx_bytes);
		__sync_fetch_and_add(&totals.lost_tx, bytes.tx_bytes);
		return 0;
	}
	record->id = id;
	record->group = (__u64)BPF_CORE_READ(task, signal);
	record->end_ns = bpf_ktime_get_boot_ns();
	record->rx_bytes = bytes.rx_bytes;
	record->tx_bytes = bytes.tx_bytes;
	end_read_parent(task, record);
	record->netns = netns;
	record->exit_code = end_exit_code(task);
	record->tasks = BPF_CORE_READ(task, signal, sigcnt.refs.counter);
	record->pad = 0;
	record_submit(record, sizeof(*record));
	return 0;
}

static __always_inline void freed_lost(const struct task_sums *sums)
{
	__sync_fetch_and_add(&totals.lost_tasks, 1);
	__sync_fetch_and_add(&totals.lost.cpu_ns, sums->cpu_ns);
	__sync_fetch_and_add(&totals.lost.wait_ns, sums->wait_ns);
	__sync_fetch_and_add(&totals.lost.voluntary, sums->voluntary);
	__sync_fetch_and_add(&totals.lost.involuntary, sums->involuntary);
	__sync_fetch_and_add(&totals.lost.minor_faults, sums->minor_faults);
	__sync_fetch_and_add(&totals.lost.major_faults, sums->major_faults);
	__sync_fetch_and_add(&totals.lost.read_bytes, sums->read_bytes);
	__sync_fetch_and_add(&totals.lost.write_bytes, sums->write_bytes);
}

/* The only moment at which a thread's sums are known to be final: it is off its processor for good
 * (at its exit, or even when its parent is told, it still runs), and the structure goes next. The
 * signal_struct outlives it by a reference of its own; the leader need not be there any more. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_freed, struct task_struct *task)
{
	const volatile struct filter_config *filter = &settings.filter;
	struct process_id id = {.tgid = task->tgid};
	struct freed_record *record;
	struct task_sums sums;
	__u32 flags, tasks;

	if (!filter_wants_tgid(filter, id.tgid))
		return 0;
	if (filter->by_user)
		id.uid = BPF_CORE_READ(task, cred, euid.val);
	tasks = BPF_CORE_READ(task, signal, sigcnt.refs.counter);
	if (tasks == 1)
		process_forget(id.tgid);
	if (!filter_wants_user_and_cgroup(filter, task, &id))
		return 0;
	flags = task_read_sums(task, &sums);
	record = record_reserve(RECORD_FREED, sizeof(*record));
	if (!record) {
		freed_lost(&sums);
		return 0;
	}
	record->group = (__u64)BPF_CORE_READ(task, signal);
	record->sums = sums;
	record->task_start_ns = task->start_boottime;
	record->tgid = id.tgid;
	record->tid = task->pid;
	record->tasks = tasks;
	record->flags = flags;
	record_submit(record, sizeof(*record));
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int ret, int flags)
{
	if (ret > 0)
		traffic_add(0, ret);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int ret, int flags)
{
	if (ret > 0 && !(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		traffic_add(ret, 0);
	return 0;
}

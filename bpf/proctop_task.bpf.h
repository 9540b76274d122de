/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel counts for a thread and its process, and the iterator over those there are. */
#ifndef PROCTOP_TASK_BPF_H
#define PROCTOP_TASK_BPF_H

#include "task.bpf.h"

#define EXIT_DEAD   0x10 /* include/linux/sched.h */
#define EXIT_ZOMBIE 0x20
#define TASK_DEAD   0x80

#define COUNTED_MAX 65536 /* threads that have exited and are still to be seen: zombies */
#define BORN_MAX    32768 /* processes of several threads */
#define ENDED_MAX   16384 /* processes that ended not long ago */
#define TRAFFIC_MAX 16384 /* processes that use the network at one time */

/* Threads that have exited and whose sums are not taken. As long as there is one the map is looked
 * through every 10 ms, which costs as if it were full: some 20 ns for each. */
#define EXITED_MAX 16384

/* A thread that has exited. It goes on running for a while, and when its free is told is up to the
 * kernel: 16 to 50 ms later mostly, seconds at times, and never if BPF programs are kept from the
 * context that it happens in. */
struct exited {
	__u64 group;
	__u64 start_ns; /* of the thread, CLOCK_BOOTTIME */
	__u64 exit_ns;
	__u32 tgid, tid;
};

/* Its sums are not taken yet. Whoever removes it from here takes them: that happens once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EXITED_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* struct task_struct * */
	__type(value, struct exited);
} exited SEC(".maps");

/* Its sums are taken, and it is still to be seen: a zombie. Value: start_ns. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, COUNTED_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} counted SEC(".maps");

/* Threads that began in a process, the first not among them, by struct signal_struct *. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BORN_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} born SEC(".maps");

/* Processes whose end has been told: of two last threads that exit at once, both find that none
 * lives any more. By struct signal_struct *, until that is another process's. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ENDED_MAX);
	__type(key, __u64);
	__type(value, __u64); /* when the process began: the address is used again */
} ended SEC(".maps");

static __always_inline __u32 born_read(__u64 group)
{
	__u32 *n = bpf_map_lookup_elem(&born, &group);

	return n ? *n : 0;
}

/* Network bytes of a process. */
struct traffic {
	__u64 rx_bytes, tx_bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRAFFIC_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32); /* tgid */
	__type(value, struct traffic);
} traffic SEC(".maps");

/* task_struct.state became __state in 5.14 (commit 2f064a59a11f). */
struct task_struct___state {
	volatile long state;
} __attribute__((preserve_access_index));

/* mm_struct.rss_stat became an array of percpu_counter in 6.2 (commit f1a7941243c1). */
struct mm_rss_stat___old {
	atomic_long_t count[4];
} __attribute__((preserve_access_index));

struct mm_struct___old {
	struct mm_rss_stat___old rss_stat;
} __attribute__((preserve_access_index));

/* Sums of a thread: typed loads are a tenth of the cost of a probe read, and these are many. */
static __always_inline __u32 task_read_sums(struct task_struct *task, struct task_sums *sums)
{
	__u32 flags = 0;

	sums->cpu_ns = task->se.sum_exec_runtime;
	sums->voluntary = task->nvcsw;
	sums->involuntary = task->nivcsw;
	sums->minor_faults = task->min_flt;
	sums->major_faults = task->maj_flt;
	sums->wait_ns = sums->read_bytes = sums->write_bytes = 0;
	if (bpf_core_field_exists(task->sched_info.run_delay)) {
		sums->wait_ns = task->sched_info.run_delay;
		flags |= TASK_WAIT_KNOWN;
	}
	if (bpf_core_field_exists(task->ioac.read_bytes)) {
		sums->read_bytes = task->ioac.read_bytes;
		sums->write_bytes = task->ioac.write_bytes;
		flags |= TASK_IO_KNOWN;
	}
	return flags;
}

/* The same of one that the verifier knows nothing of. */
static __always_inline __u32 task_probe_sums(struct task_struct *task, struct task_sums *sums)
{
	__u32 flags = 0;

	sums->cpu_ns = READ(task, se.sum_exec_runtime);
	sums->voluntary = READ(task, nvcsw);
	sums->involuntary = READ(task, nivcsw);
	sums->minor_faults = READ(task, min_flt);
	sums->major_faults = READ(task, maj_flt);
	sums->wait_ns = sums->read_bytes = sums->write_bytes = 0;
	if (bpf_core_field_exists(task->sched_info.run_delay)) {
		sums->wait_ns = READ(task, sched_info.run_delay);
		flags |= TASK_WAIT_KNOWN;
	}
	if (bpf_core_field_exists(task->ioac.read_bytes)) {
		sums->read_bytes = READ(task, ioac.read_bytes);
		sums->write_bytes = READ(task, ioac.write_bytes);
		flags |= TASK_IO_KNOWN;
	}
	return flags;
}

static __always_inline void signal_read_sums(struct signal_struct *signal, struct task_sums *sums)
{
	sums->cpu_ns = READ(signal, sum_sched_runtime);
	sums->wait_ns = sums->read_bytes = sums->write_bytes = 0;
	sums->voluntary = READ(signal, nvcsw);
	sums->involuntary = READ(signal, nivcsw);
	sums->minor_faults = READ(signal, min_flt);
	sums->major_faults = READ(signal, maj_flt);
	if (bpf_core_field_exists(signal->ioac.read_bytes)) {
		sums->read_bytes = READ(signal, ioac.read_bytes);
		sums->write_bytes = READ(signal, ioac.write_bytes);
	}
}

/* Pages in memory: of files, of nobody else, shared. Without what is still in the processors' own
 * parts of the counters. */
static __always_inline __u64 mm_rss_pages(struct mm_struct *mm)
{
	struct mm_struct___old *old = (void *)mm;
	__s64 pages;

	if (bpf_core_field_exists(old->rss_stat.count))
		pages = BPF_CORE_READ(old, rss_stat.count[0].counter) +
			BPF_CORE_READ(old, rss_stat.count[1].counter) +
			BPF_CORE_READ(old, rss_stat.count[3].counter);
	else
		pages = READ(mm, rss_stat[0].count) + READ(mm, rss_stat[1].count) +
			READ(mm, rss_stat[3].count);
	return pages > 0 ? pages : 0;
}

static __always_inline __u64 task_raw_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(old->state))
		return BPF_CORE_READ(old, state);
	return READ(task, __state);
}

/* The letter of fs/proc/array.c. */
static __always_inline __u8 task_state(struct task_struct *task, __u32 exit_state)
{
	__u64 state = task_raw_state(task);

	if (exit_state & EXIT_DEAD)
		return 'X';
	if (exit_state & EXIT_ZOMBIE)
		return 'Z';
	if ((state & 0x402) == 0x402) /* TASK_IDLE */
		return 'I';
	if (state & 0x40) /* TASK_PARKED */
		return 'P';
	if (state & 0x08) /* TASK_TRACED */
		return 't';
	if (state & 0x04) /* TASK_STOPPED */
		return 'T';
	if (state & 0x02)
		return 'D';
	return state & 0x01 ? 'S' : 'R';
}

static __always_inline __u32 task_netns(struct task_struct *task)
{
	struct nsproxy *nsproxy = READ(task, nsproxy);

	return nsproxy ? READ(nsproxy, net_ns, ns.inum) : 0;
}

/* A thread that has begun to leave has no namespaces any more: 0 passes here. */
static __always_inline bool filter_wants_netns(const volatile struct filter_config *config,
					       __u32 netns)
{
	return !config->netns || !netns || config->netns == netns;
}

static __always_inline void traffic_read(__u32 tgid, __u64 *rx_bytes, __u64 *tx_bytes)
{
	struct traffic *bytes = bpf_map_lookup_elem(&traffic, &tgid);

	*rx_bytes = bytes ? bytes->rx_bytes : 0;
	*tx_bytes = bytes ? bytes->tx_bytes : 0;
}

static __always_inline void traffic_add(__u64 rx_bytes, __u64 tx_bytes)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct traffic *bytes;

	if (!filter_wants_tgid(&settings.filter, tgid))
		return;
	bytes = bpf_map_lookup_elem(&traffic, &tgid);
	if (!bytes) {
		struct traffic none = {};

		bpf_map_update_elem(&traffic, &tgid, &none, BPF_NOEXIST);
		bytes = bpf_map_lookup_elem(&traffic, &tgid);
	}
	if (!bytes) {
		__sync_fetch_and_add(&totals.lost_rx, rx_bytes);
		__sync_fetch_and_add(&totals.lost_tx, tx_bytes);
		return;
	}
	if (rx_bytes)
		__sync_fetch_and_add(&bytes->rx_bytes, rx_bytes);
	if (tx_bytes)
		__sync_fetch_and_add(&bytes->tx_bytes, tx_bytes);
}

/* Has it exited, and was wanted as it did? That is known by what is kept of it. */
static __always_inline bool task_is_kept(struct task_struct *task)
{
	__u64 key = (__u64)task, *start_ns = bpf_map_lookup_elem(&counted, &key);

	if (start_ns && *start_ns == task->start_boottime)
		return true;
	return bpf_map_lookup_elem(&exited, &key);
}

/* A process has left the filter by id when it has ended; one that exits has no namespaces. */
static __always_inline bool filter_still_wants(const volatile struct filter_config *config,
					       struct task_struct *task, __u32 netns)
{
	bool known = filter_wants_tgid(config, task->tgid);

	if (known && !(config->netns && !netns))
		return true;
	return (known || task->exit_state) && task_is_kept(task);
}

/* Which of the ways to count does one that has exited go? */
static __always_inline __u32 exited_flags(struct task_struct *task, __u32 exit_state)
{
	__u64 key = (__u64)task, *start_ns = bpf_map_lookup_elem(&counted, &key);
	__u32 flags = exit_state & EXIT_DEAD ? TASK_RELEASING : 0;

	if (start_ns && *start_ns == task->start_boottime)
		return flags | TASK_COUNTED;
	return bpf_map_lookup_elem(&exited, &key) ? flags : flags | TASK_OLD;
}

/* Had no full name yet when hooks or the list of processes could tell it. */
static __always_inline bool is_new_kthread(struct task_struct *task, const struct process_id *id)
{
	return id->flags & PROCESS_KTHREAD && task->start_boottime >= settings.start_ns;
}

/* At each pass, as long as it lives: it is not known when the name is set. */
static __always_inline void kthread_list(struct seq_file *seq, struct task_struct *task)
{
	struct text_scratch *scratch = text_begin(TEXT_PROCESS_ITER);
	__u32 size = scratch ? kthread_record(scratch, task) : 0;

	if (size)
		bpf_seq_write(seq, scratch->head, size);
}

/* Of one that comes and goes between two passes. */
static __always_inline void kthread_ends(struct task_struct *task)
{
	struct text_scratch *scratch = text_begin(TEXT_PROCESS);
	__u32 size = scratch ? kthread_record(scratch, task) : 0;

	if (size)
		record_output((void *)scratch->head, size);
}

SEC("iter/task")
int list_tasks(struct bpf_iter__task *ctx)
{
	const volatile struct filter_config *filter = &settings.filter;
	struct seq_file *seq = ctx->meta->seq; /* here: at each place it would cost some ms */
	struct task_struct *task = ctx->task;
	struct task_record record = {};
	struct signal_struct *signal;
	struct mm_struct *mm;
	__u32 exit_state;

	barrier();
	if (!task)
		return 0;
	record.netns = task_netns(task);
	if (!filter_still_wants(filter, task, record.netns))
		return 0;
	task_read_id(task, &record.id);
	if (!filter_wants_user_and_cgroup(filter, task, &record.id) ||
	    !filter_wants_netns(filter, record.netns))
		return 0;
	signal = READ(task, signal);
	record.group = (__u64)signal;
	signal_read_sums(signal, &record.released);
	barrier(); /* a thread is marked before it is added to those sums */
	exit_state = task->exit_state;
	record.flags = task_read_sums(task, &record.sums);
	if (exit_state)
		record.flags |= exited_flags(task, exit_state);
	record.state = task_state(task, exit_state);
	record.task_start_ns = task->start_boottime;
	record.born = born_read(record.group);
	record.threads = READ(signal, nr_threads);
	mm = READ(task, mm);
	if (mm && !(record.id.flags & PROCESS_KTHREAD))
		record.rss_bytes = mm_rss_pages(mm) * settings.page_bytes;
	traffic_read(record.id.tgid, &record.rx_bytes, &record.tx_bytes);
	record_head(&record.header, RECORD_TASK, sizeof(record));
	bpf_seq_write(seq, &record, sizeof(record));
	if (is_new_kthread(task, &record.id))
		kthread_list(seq, task);
	return 0;
}

#endif

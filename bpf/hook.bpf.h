/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel does not run a program inside of itself: an event that comes on a CPU while the
 * program for such events is under way there is kept from it ("recursion miss"). A packet that
 * interrupts a program is one such case, about one connection in 1,000 on a busy machine; from 7.0
 * on, where tracepoints may be preempted, any other task that runs meanwhile is another. Hooks that
 * this concerns have a second program, the stand-in, which runs behind the first at every event and
 * acts only if the first is under way.
 */
#ifndef HOOK_BPF_H
#define HOOK_BPF_H

#include "read.bpf.h"

/* Tracepoints may be preempted (7.0): set by user space before load. Stand-ins for hooks that are
 * not interrupted but can be preempted are loaded only then. */
const volatile bool preemptible = false;

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

enum hook {
	HOOK_STATE,
	HOOK_DESTROY,
	HOOK_EXEC,
	HOOK_FORK,
	HOOK_EXIT,
	HOOK_THREAD,
	HOOK_SEND,
	HOOK_RECEIVE,
	HOOKS,
};

/* Is the first program of that hook at work on this CPU? */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOKS);
	__type(key, __u32);
	__type(value, __u32);
} at_work SEC(".maps");

/* What is one per CPU (text_scratch) is not shared between these two. */
static __always_inline void pin(void)
{
	if (preemptible)
		bpf_preempt_disable();
}

static __always_inline void unpin(void)
{
	if (preemptible)
		bpf_preempt_enable();
}

/* Around the work of a hook's first program. @interruptible: also where tracepoints are not
 * preempted. */
static __always_inline __u32 *hook_begin(__u32 hook, const bool interruptible)
{
	__u32 *working = NULL;

	if (preemptible || interruptible)
		working = bpf_map_lookup_elem(&at_work, &hook);
	if (working)
		*working = 1;
	barrier();
	pin();
	return working;
}

static __always_inline void hook_end(__u32 *working)
{
	unpin(); /* other tasks may run here */
	barrier();
	if (working)
		*working = 0;
}

/* In the stand-in: has the first program been kept from this event? If so: to be followed by
 * unpin(). */
static __always_inline bool hook_was_missed(__u32 hook)
{
	__u32 *working = bpf_map_lookup_elem(&at_work, &hook);

	if (!working || !*working)
		return false;
	pin();
	return true;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel does not run a program inside of itself: an event that comes on a CPU while the
 * program for such events is under way there is kept from it ("recursion miss"). A packet that
 * interrupts a program is one such case, about one connection in 1,000 on a busy machine; from 7.0
 * on, where tracepoints may be preempted, any other task that runs meanwhile is another. Hooks that
 * this concerns have a second program, the stand-in, which runs behind the first at every event and
 * acts only if the first has been kept from it.
 *
 * Without preemption that is so while the first is under way on this CPU. With it that is no
 * measure: a task may lose the CPU after the kernel has marked the program as running and before
 * the program could say so, for long, and every event there would be missed meanwhile. So the first
 * says which event it has dealt with, and the stand-in looks for its own.
 */
#ifndef HOOK_BPF_H
#define HOOK_BPF_H

#include "read.bpf.h"

/* Tracepoints may be preempted (7.0): set by user space before load. Stand-ins for hooks that are
 * not interrupted but can be preempted are loaded only then. */
const volatile bool preemptible = false;

/* That there may be on this machine: likewise, with `preemptible`. The verifier walks a loop over
 * them step by step. */
const volatile __u32 hook_cpus = 0;

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

/* An event: of what (an address), in which task's context. */
struct hook_event {
	__u64 what; /* 0: none */
	__u64 task;
	__u32 hook;
	__u32 which; /* of those of the same thing */
};

/* The last that the first program has dealt with on this CPU, until its stand-in comes by. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOKS);
	__type(key, __u32);
	__type(value, struct hook_event);
} hook_last SEC(".maps");

/* Those whose stand-in had not come by when the next one was dealt with: preempted in between. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct hook_event);
	__type(value, __u8);
} hook_passed SEC(".maps");

/* An event whose task comes to a CPU beyond these between the two programs is dealt with twice. */
#define HOOK_CPUS_MAX 256

static __always_inline bool hook_takes(struct hook_event *last, const struct hook_event *event)
{
	if (last->what != event->what || last->task != event->task || last->which != event->which)
		return false;
	last->what = 0;
	return true;
}

/* Has the first program dealt with it? Pinned. */
static __noinline bool hook_has_passed(const struct hook_event *event)
{
	__u32 hook = event->hook;
	struct hook_event *last = bpf_map_lookup_elem(&hook_last, &hook);

	if (last && hook_takes(last, event))
		return true;
	for (__u32 cpu = 0; cpu < HOOK_CPUS_MAX && cpu < hook_cpus; cpu++) {
		last = bpf_map_lookup_percpu_elem(&hook_last, &hook, cpu);
		if (!last)
			break;
		if (hook_takes(last, event))
			return true;
	}
	return !bpf_map_delete_elem(&hook_passed, event);
}

/* The first program has dealt with it. Pinned. */
static __noinline int hook_pass(const struct hook_event *event)
{
	__u32 hook = event->hook;
	struct hook_event *last = bpf_map_lookup_elem(&hook_last, &hook);
	__u8 one = 1;

	if (!last)
		return 0;
	if (last->what)
		bpf_map_update_elem(&hook_passed, last, &one, BPF_ANY);
	*last = *event;
	return 0;
}

static __always_inline struct hook_event hook_event(__u32 hook, __u64 what, __u32 which)
{
	return (struct hook_event){what, bpf_get_current_task(), hook, which};
}

/* Around the work of a hook's first program. @interruptible: also where tracepoints are not
 * preempted. */
static __always_inline __u32 *hook_begin(__u32 hook, const bool interruptible)
{
	__u32 *working = NULL;

	if (!preemptible && interruptible)
		working = bpf_map_lookup_elem(&at_work, &hook);
	if (working)
		*working = 1;
	barrier();
	pin();
	return working;
}

/* @what, @which: tell the event from others of the hook. */
static __always_inline void hook_end(__u32 *working, __u32 hook, __u64 what, __u32 which)
{
	if (preemptible) {
		struct hook_event event = hook_event(hook, what, which);

		hook_pass(&event);
	}
	unpin(); /* other tasks may run here */
	barrier();
	if (working)
		*working = 0;
}

/* In the stand-in: has the first program been kept from this event? If so: to be followed by
 * unpin(). */
static __always_inline bool hook_was_missed(__u32 hook, __u64 what, __u32 which)
{
	__u32 *working;

	if (preemptible) {
		struct hook_event event = hook_event(hook, what, which);

		pin();
		if (!hook_has_passed(&event))
			return true;
		unpin();
		return false;
	}
	working = bpf_map_lookup_elem(&at_work, &hook);
	return working && *working;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP connections that arrive, and who accepts them. */
#ifndef CONNECTION_ACCEPT_BPF_H
#define CONNECTION_ACCEPT_BPF_H

#include "connection_connect.bpf.h"

#define OPENER_ANCESTORS 4 /* generations that are asked who accepted a connection */

static __noinline void accept_submit(struct socket_state *state, __u32 flags)
{
	struct accept_record *record;

	/* from here on the row is told or counted, once; in front of the reservation, because
	 * before 6.2 or so the verifier takes a second test of the same record for a leak */
	if (!(flags & ACCEPT_FINAL))
		state->who |= SOCKET_ANNOUNCED;
	/* a late record that finds no room costs its row the better owner, not the row */
	record = record_reserve(flags & ACCEPT_LATE ? RECORD_UPDATE : RECORD_ACCEPT,
				sizeof(*record));
	if (!record)
		return;
	record->header.type = RECORD_ACCEPT;
	if (state->opened_ns)
		record->header.ts_ns = state->opened_ns;
	connection_fill(&record->connection, state, BPF_TCP_ESTABLISHED);
	record->listener_pid = state->listener_pid;
	record->flags = flags;
	record_submit(record, sizeof(*record));
}

/* Accepted before it was established: a connection can be taken from the queue between the moment
 * it gets there and the change of its state, on another CPU. */
struct early_accept {
	struct process_id owner;
	__u32 wanted;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* address of the socket */
	__type(value, struct early_accept);
} early_accepts SEC(".maps");

/* LISTEN -> SYN_RECV: the socket has just been copied from its listener. A list head in it that
 * stands for "empty" points to itself; in the copy it still points into the listener, until the
 * kernel sets it anew behind this event (tcp_create_openreq_child()). */
static __noinline void accept_inherit(struct sock *sk, __u32 place)
{
	struct tcp_sock *tcp = (void *)sk;
	void *listener = READ(tcp, tsorted_sent_queue.next);
	struct socket_state *state;
	__u64 key = (__u64)sk;

	listener -= bpf_core_field_offset(struct tcp_sock, tsorted_sent_queue);
	state = socket_open(listener, place);
	/* what is left of an earlier socket at this address goes */
	if (settings.accept_hook)
		bpf_map_delete_elem(&early_accepts, &key);
	if (state && state->copied)
		state->copied = false;
	if (state && state->flags & SOCKET_LISTENING)
		socket_put(sk, state);
	else
		socket_forget(sk);
}

/* The owner has been found: the last word on who accepted. */
static __noinline void accept_tell(const struct sock *sk, struct socket_state *state)
{
	__u32 late = state->who & SOCKET_ANNOUNCED ? ACCEPT_LATE : 0, flags = ACCEPT_FINAL | late;

	state->who &= ~(SOCKET_UNRESOLVED | SOCKET_ANNOUNCED);
	socket_store_owner(sk, state);
	if (!event_wanted(RECORD_ACCEPT) || settings.failed_only || !traffic_wanted(state))
		return;
	if (!(state->who & SOCKET_WANTED)) {
		if (!late)
			return;
		flags |= ACCEPT_CANCELLED;
	}
	accept_submit(state, flags);
}

/* Whoever takes the entry out, of the two that may be at it at once, has the last word. */
static __always_inline void accept_tell_early(const struct sock *sk, struct socket_state *state)
{
	__u64 key = (__u64)sk;
	struct early_accept *early = bpf_map_lookup_elem(&early_accepts, &key);
	struct early_accept copy;

	if (!early)
		return;
	copy = *early;
	if (bpf_map_delete_elem(&early_accepts, &key))
		return;
	state->owner = copy.owner;
	state->owner_src = OWNER_ACCEPT;
	state->who = (state->who & ~SOCKET_WANTED) | copy.wanted;
	accept_tell(sk, state);
}

/* current has accepted a connection whose establishment is yet to be told. */
static __noinline void accept_early(const struct sock *sk)
{
	struct early_accept early = {};
	struct socket_state *state;
	__u64 key = (__u64)sk;

	current_read_id(&early.owner);
	if (filter_wants_current(&settings.filter, &early.owner))
		early.wanted = SOCKET_WANTED;
	bpf_map_update_elem(&early_accepts, &key, &early, BPF_ANY);
	state = socket_open(sk, PLACE_ACCEPT);
	if (state && state->who & SOCKET_UNRESOLVED)
		accept_tell_early(sk, state);
}

/* SYN_RECV -> ESTABLISHED, in whatever context the packet was handled. The listener's tag has been
 * inherited; who accepts it is seen later, or never. */
static __noinline void accept_begin(struct sock *sk, struct socket_state *state)
{
	__u32 netns = sock_netns(&sk->__sk_common);

	if (!netns_wanted(netns)) {
		state->flags = 0; /* now: behind the next step the slot may be another's */
		socket_forget(sk);
		return;
	}
	if (state->flags & SOCKET_PASSIVE && state->cookie == socket_cookie(sk))
		return; /* told already, as missed */
	if (!(state->flags & SOCKET_LISTENING)) {
		/* no tag: the listener was not known; without a process filter it is still told */
		__builtin_memset(state, 0, __builtin_offsetof(struct socket_state, copied));
		if (!filter_selects_processes(&settings.filter))
			state->who = SOCKET_WANTED;
	}
	state->flags = SOCKET_PASSIVE | SOCKET_OPEN | SOCKET_LIVE;
	state->who &= SOCKET_WANTED;
	state->cookie = socket_cookie(sk);
	state->opened_ns = bpf_ktime_get_ns();
	state->netns = netns;
	sock_read_endpoints(&sk->__sk_common, &state->ends);
	if (state->who & SOCKET_WANTED && event_wanted(RECORD_ACCEPT) && !settings.failed_only &&
	    traffic_wanted(state))
		accept_submit(state, 0);
	barrier();
	state->who |= SOCKET_UNRESOLVED;
	socket_put_copy(sk, state);
	if (settings.accept_hook)
		accept_tell_early(sk, state);
}

/* @task becomes the owner of a connection that it, or a thread of it, accepted. */
static __always_inline void own_by_acceptor(struct socket_state *state, struct task_struct *task)
{
	task_read_id(task, &state->owner);
	state->owner_src = OWNER_ACCEPT;
	socket_judge_owner(state, task);
}

/* current, or an ancestor of it, that opened the socket's file and so accepted the connection;
 * NULL: none of them did. */
static __always_inline struct task_struct *opener_find(const struct cred *opener)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	for (int i = 0; i < OPENER_ANCESTORS; i++) {
		if (READ(task, cred) == opener)
			return task;
		task = READ(task, group_leader, real_parent);
	}
	return NULL;
}

/* A process has touched a socket that nobody was seen to accept: who did? Each way is here once:
 * the verifier walks all of them wherever this is called. */
static __noinline void accept_resolve(const struct sock *sk, struct socket_state *state,
				      __u8 source)
{
	const struct cred *opener = source == OWNER_ACCEPT ? NULL : sock_file_cred(sk);
	struct task_struct *current = (void *)bpf_get_current_task();
	struct task_struct *task = opener ? opener_find(opener) : NULL;

	if (task) {
		own_by_acceptor(state, task);
		/* which of several threads of an ancestor accepted is not known */
		if (task != current && READ(task, signal, nr_threads) > 1)
			state->owner.tid = 0;
	} else if (opener && state->listen_cred == (__u64)opener) {
		/* the listening process: the owner already, by a thread not known */
		state->owner.tid = 0;
		state->owner_src = OWNER_ACCEPT;
	} else {
		own_by_current(state, source);
	}
	accept_tell(sk, state);
}

/* What a change of state means to a connection. */
#define IS_ESTABLISHED	  0x01
#define IS_PASSIVE	  0x02 /* that is, and came by a listener */
#define IS_CLOSED_BY_SELF 0x04 /* by current */
#define IS_LOCAL_FIN	  0x08
#define IS_OVER		  0x10
#define IS_ACTIVE	  0x20 /* established, and began with a connect */

/* The socket is established. @what: IS_*, blurred. Without IS_ESTABLISHED: it is or was, and no
 * hook has been told: some kernels keep programs from what happens in the context of certain
 * processes. Then it is told now, if it had been on its way there, without the time that nobody
 * knows. */
static __noinline int connection_begin(struct sock *sk, struct socket_state *state, __u32 what)
{
	bool missed = !(what & IS_ESTABLISHED);

	if (state->flags & SOCKET_CONNECTING) {
		if (missed)
			state->began_ns = 0;
		connect_established(sk, state);
	} else if (what & IS_PASSIVE || (missed && state->flags & SOCKET_LISTENING)) {
		accept_begin(sk, state);
	} else {
		return 0;
	}
	if (!(blur(what) & IS_ESTABLISHED) && state->flags) {
		state->opened_ns = 0;
		__sync_fetch_and_add(&counters.missed, 1);
	}
	socket_store(sk, state);
	return 0;
}

/* A process touches a socket of which it is not known who accepted it, or that it was. */
static __noinline int socket_touch_first(struct sock *sk, __u8 source, __u32 place)
{
	struct socket_state *state = socket_open(sk, place);

	if (state && state->flags & SOCKET_LISTENING)
		connection_begin(sk, state, blur(0));
	if (state && state->who & SOCKET_UNRESOLVED)
		accept_resolve(sk, state, source);
	return 0;
}

static __always_inline void socket_touch(struct sock *sk, __u8 source, __u32 place)
{
	struct socket_state *state;

	if (sk->sk_protocol != IPPROTO_TCP || sk->__sk_common.skc_state == BPF_TCP_LISTEN)
		return;
	state = socket_find(sk);
	if (!state || !(state->who & SOCKET_UNRESOLVED || state->flags & SOCKET_LISTENING))
		return;
	if (!(state->who & SOCKET_UNRESOLVED) && sk->__sk_common.skc_state == BPF_TCP_SYN_RECV) {
		if (source == OWNER_ACCEPT)
			accept_early(sk);
		return;
	}
	socket_touch_first(sk, source, place);
}

#endif

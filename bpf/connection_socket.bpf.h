/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a TCP socket from its beginning to its end, and who owns it. One table keyed by
 * the address of the socket: every kernel allows it, and it costs a connection 1 us less than
 * storage hung on the socket (measured on 6.18).
 */
#ifndef CONNECTION_SOCKET_BPF_H
#define CONNECTION_SOCKET_BPF_H

#include "filter.bpf.h"
#include "sock.bpf.h"

#define SOCKET_LISTENING  0x01	 /* a listener: children inherit this tag */
#define SOCKET_CONNECTING 0x02	 /* connect has begun, its end not been seen */
#define SOCKET_OPEN	  0x04	 /* established, its close not been seen */
#define SOCKET_PASSIVE	  0x08	 /* came by a listener */
#define SOCKET_LIVE	  0x80	 /* the hooks saw it begin */
#define SOCKET_LOCAL_FIN  0x100	 /* this end closed first */
#define SOCKET_REMOTE_FIN 0x200	 /* the peer closed first */
#define SOCKET_OPENER	  0x400	 /* from an iterator: the owner also opened the socket */
#define SOCKET_CALLING	  0x800	 /* SYN_SENT, and what sees the call return has not run yet */
#define SOCKET_ATTEMPT	  0x1000 /* connect was called, SYN_SENT not been seen */

/* In `who`, a word of its own: `flags` change under the socket's lock, these when a process is seen
 * to use the socket, at the same time perhaps on another CPU. */
#define SOCKET_UNRESOLVED 0x1 /* nobody has been seen to accept it; set behind SOCKET_ANNOUNCED */
#define SOCKET_ANNOUNCED  0x2 /* its accept record without ACCEPT_FINAL is out, or lost */
#define SOCKET_WANTED	  0x4 /* the owner matches the process filter */

/* Addresses are kept, because the kernel zeroes some before the end. */
struct socket_state {
	struct process_id owner;
	struct endpoints ends;
	__u64 cookie;	    /* socket_cookie() */
	__u64 began_ns;	    /* connect was called; 0: before the tool */
	__u64 opened_ns;    /* established; 0: before the tool */
	__u64 listen_cred;  /* listener, inherited: credentials that opened its file, by address */
	__u32 listener_pid; /* process that listened for it */
	__u32 flags;	    /* SOCKET_LISTENING and so on */
	__u32 who;	    /* SOCKET_UNRESOLVED and so on */
	__u32 netns;
	__u8 owner_src; /* enum owner_source */
	__u8 pad[7];
};

/* By address of the struct sock. Entries go as the socket is destroyed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SOCKETS_MAX);
	__type(key, __u64);
	__type(value, struct socket_state);
} sockets SEC(".maps");

static __always_inline struct socket_state *socket_find(const void *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&sockets, &key);
}

/* Returns whether there was room for it. */
static __always_inline bool socket_put(const void *sk, const struct socket_state *state)
{
	__u64 key = (__u64)sk;

	return !bpf_map_update_elem(&sockets, &key, state, BPF_ANY);
}

static __always_inline void socket_forget(const void *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&sockets, &key);
}

/* The number of a socket: the kernel's own where programs may ask for one (5.12) or somebody has;
 * else one that will do inside of this program. */
static __always_inline __u64 socket_cookie(struct sock *sk)
{
	__u64 cookie;

	if (settings.has_cookie)
		return bpf_get_socket_cookie(sk);
	cookie = sk->__sk_common.skc_cookie.counter;
	if (cookie)
		return cookie;
	return COOKIE_OWN | bpf_ktime_get_ns() << 6 | (bpf_get_smp_processor_id() & 0x3f);
}

static __always_inline bool event_wanted(__u32 type)
{
	return settings.events & EVENT_BIT(type);
}

static __always_inline bool netns_wanted(__u32 netns)
{
	return !settings.filter.netns || netns == settings.filter.netns;
}

static __noinline bool traffic_wanted(const struct socket_state *state)
{
	return filter_wants_traffic(&settings.filter, state->ends.laddr, state->ends.raddr,
				    state->ends.lport, state->ends.rport);
}

static __noinline void connection_fill(struct connection *connection,
				       const struct socket_state *state, __u8 tcp_state)
{
	connection->owner = state->owner;
	connection->cookie = state->cookie;
	__builtin_memcpy(connection->laddr, state->ends.laddr, 16);
	__builtin_memcpy(connection->raddr, state->ends.raddr, 16);
	connection->netns = state->netns;
	connection->lport = state->ends.lport;
	connection->rport = state->ends.rport;
	connection->protocol = IPPROTO_TCP;
	connection->owner_src = state->owner_src;
	connection->state = tcp_state;
	connection->pad = 0;
}

static __always_inline void socket_judge_owner(struct socket_state *state, struct task_struct *task)
{
	if (filter_wants_task(&settings.filter, task, &state->owner))
		state->who |= SOCKET_WANTED;
	else
		state->who &= ~SOCKET_WANTED;
}

/* current becomes the owner. */
static __noinline void own_by_current(struct socket_state *state, __u8 source)
{
	current_read_id(&state->owner);
	state->owner_src = source;
	socket_judge_owner(state, (void *)bpf_get_current_task());
}

#endif

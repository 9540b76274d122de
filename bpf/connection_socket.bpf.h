/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a TCP socket from its beginning to its end, and who owns it, by the address of
 * the socket: every kernel allows it, and it costs less than storage hung on the socket.
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
	__u8 copied;	/* it is no entry: see socket_open() */
	__u8 pad[6];
};

/* The state of most stands in a slot that their address says: one step, where a hash takes a
 * search, and to make and delete an entry 0.3 us more (measured on 6.18). Where the kernel can
 * cast. */
struct socket_slot {
	struct socket_state state; /* first: the address of one is that of the other */
	__u64 sk;		   /* its address; 0: nobody's, or not filled in yet */
	__u32 taken;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKET_SLOTS); /* user space adds places, for all CPUs */
	__type(key, __u32);
	__type(value, struct socket_slot);
} socket_slots SEC(".maps");

/* The others, by address of the struct sock: those whose slot is another's, and those that were
 * there before. In either an entry goes as the socket is destroyed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SOCKETS_MAX);
	__type(key, __u64);
	__type(value, struct socket_state);
} sockets SEC(".maps");

/* As many as `sockets` has, or more for a moment. */
__u64 sockets_slotless = 0;

static __always_inline struct socket_slot *socket_slot(const void *sk)
{
	__u64 number;
	__u32 index;

	if (!can_cast)
		return NULL;
	/* all that the verifier makes a number of is the distance between two pointers */
	number = (__u64)TYPED((const struct sock *)sk) - (__u64)&sockets_slotless;
	index = number * 0x9e3779b97f4a7c15 >> (64 - SOCKET_SLOT_BITS);
	return bpf_map_lookup_elem(&socket_slots, &index);
}

/* The entry itself, for a few steps. */
static __always_inline struct socket_state *socket_find(const void *sk)
{
	__u64 key = (__u64)sk;
	struct socket_slot *slot = socket_slot(sk);

	if (slot && slot->sk == key)
		return &slot->state;
	return can_cast && !sockets_slotless ? NULL : bpf_map_lookup_elem(&sockets, &key);
}

/* Zeros: what is copied where there is no entry. */
__u64 socket_unknown[sizeof(struct socket_state) / 8] = {};

/* Copies the entry; zeros if there is none. */
static __noinline int socket_load(const void *sk, struct socket_state *state)
{
	const void *found = socket_find(sk);

	/* in one step for the verifier */
	bpf_probe_read_kernel(state, sizeof(*state), found ? found : socket_unknown);
	return 0;
}

struct socket_brief {
	__u64 cookie;
	__u32 flags, who;
};

/* The same of a few words. */
static __noinline int socket_look(const void *sk, struct socket_brief *brief)
{
	const struct socket_state *found = socket_find(sk);

	if (!found)
		found = (const void *)socket_unknown;
	brief->cookie = found->cookie;
	brief->flags = found->flags;
	brief->who = found->who;
	return 0;
}

/* Which program: some interrupt others. */
enum socket_place {
	PLACE_STATE,
	PLACE_STATE_STAND_IN,
	PLACE_SEND,
	PLACE_RECEIVE,
	PLACE_ACCEPT,
	PLACE_ITERATOR,
};
_Static_assert(PLACE_ITERATOR < SOCKET_PLACES, "socket_place");

/* Where a program may work on what is no entry: behind the slots, or under a key that is no
 * address. */
static __always_inline struct socket_state *socket_place(__u32 place)
{
	__u32 index = SOCKET_SLOTS + bpf_get_smp_processor_id() * SOCKET_PLACES + place;
	struct socket_slot *slot;
	__u64 key = index;

	if (!can_cast)
		return bpf_map_lookup_elem(&sockets, &key);
	slot = bpf_map_lookup_elem(&socket_slots, &index);
	return slot ? &slot->state : NULL;
}

/* An entry to work on: itself, if it stands in its slot, or where there are none; else a copy, all
 * zeros if there is no entry: the flags of one are never 0 before the end. What is changed is to be
 * stored. To the verifier all of these are the same; entries of two tables were two paths through
 * all that follows. NULL: never. */
static __noinline struct socket_state *socket_open(const void *sk, __u32 place)
{
	__u64 key = (__u64)sk;
	struct socket_slot *slot = socket_slot(sk);
	struct socket_state *found = NULL, *state;

	if (slot && slot->sk == key)
		return &slot->state;
	if (!can_cast || sockets_slotless)
		found = bpf_map_lookup_elem(&sockets, &key);
	if (!can_cast && found)
		return found;
	state = socket_place(place);
	if (!state)
		return NULL;
	bpf_probe_read_kernel(state, sizeof(*state), found ? (void *)found : socket_unknown);
	state->copied = true;
	return state;
}

static __noinline int socket_store_copy(const void *sk, const struct socket_state *state)
{
	__u64 key = (__u64)sk;
	struct socket_state *found = bpf_map_lookup_elem(&sockets, &key);

	if (!found)
		return 0;
	found->ends = state->ends;
	found->began_ns = state->began_ns;
	found->opened_ns = state->opened_ns;
	found->flags = state->flags;
	return 0;
}

/* What has been changed in @state, from socket_open(), but for whose the socket is. */
static __always_inline void socket_store(const void *sk, const struct socket_state *state)
{
	if (state->copied)
		socket_store_copy(sk, state);
}

static __noinline int socket_store_owner_copy(const void *sk, const struct socket_state *state)
{
	__u64 key = (__u64)sk;
	struct socket_state *found = bpf_map_lookup_elem(&sockets, &key);

	if (!found)
		return 0;
	found->owner = state->owner;
	found->owner_src = state->owner_src;
	found->who = state->who;
	return 0;
}

/* Whose it is. */
static __always_inline void socket_store_owner(const void *sk, const struct socket_state *state)
{
	if (state->copied)
		socket_store_owner_copy(sk, state);
}

/* Makes an entry that has no slot, or writes over it. Returns whether there was room for it. */
static __noinline int socket_put_slotless(const void *sk, const struct socket_state *state)
{
	__u64 key = (__u64)sk;

	if (!bpf_map_update_elem(&sockets, &key, state, BPF_EXIST))
		return true;
	__sync_fetch_and_add(&sockets_slotless, 1);
	if (!bpf_map_update_elem(&sockets, &key, state, BPF_ANY))
		return true;
	__sync_fetch_and_add(&sockets_slotless, -1);
	return false;
}

/* Makes an entry of what was none, or stores all of a copy. */
static __always_inline void socket_put_copy(const void *sk, struct socket_state *state)
{
	if (!state->copied)
		return;
	state->copied = false;
	socket_put_slotless(sk, state);
	state->copied = true;
}

/* Makes an entry, or writes over the one that there is. Returns whether there was room for it. */
static __noinline int socket_put(const void *sk, const struct socket_state *state)
{
	struct socket_slot *slot;
	__u64 key = (__u64)sk;

	if (!can_cast)
		return !bpf_map_update_elem(&sockets, &key, state, BPF_ANY);
	slot = socket_slot(sk);
	if (slot && slot->sk == key) {
		bpf_probe_read_kernel(&slot->state, sizeof(*state), state);
		return true;
	}
	if (sockets_slotless && !bpf_map_update_elem(&sockets, &key, state, BPF_EXIST))
		return true;
	if (!slot || __sync_val_compare_and_swap(&slot->taken, 0, 1))
		return socket_put_slotless(sk, state);
	slot->state = *state;
	__sync_lock_test_and_set(&slot->sk, key); /* all before it is seen first */
	return true;
}

static __noinline int socket_forget(const void *sk)
{
	__u64 key = (__u64)sk;
	struct socket_slot *slot = socket_slot(sk);

	if (slot && slot->sk == key) {
		slot->sk = 0;
		__sync_lock_test_and_set(&slot->taken, 0);
	} else if ((!can_cast || sockets_slotless) && !bpf_map_delete_elem(&sockets, &key)) {
		__sync_fetch_and_add(&sockets_slotless, -1);
	}
	return 0;
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

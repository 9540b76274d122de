// SPDX-License-Identifier: GPL-2.0-only
/* Connections and flows of datagrams: which event, which record. For connsnoop and flowattr. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "connection.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct connection_config settings = {};

#include "connection_attempt.bpf.h"
#include "connection_close.bpf.h"
#include "connection_datagram.bpf.h"
#include "connection_share.bpf.h"
#include "connection_datagram_exit.bpf.h"
#include "connection_list.bpf.h"
#include "connection_live.bpf.h"
#include "connection_over.bpf.h"
#include "process.bpf.h"

static __always_inline const volatile struct filter_config *process_filter(void)
{
	return &settings.filter;
}

/* @what: IS_*, blurred. Whatever the change of state, its steps are called from this one place: so
 * the verifier walks them once, and not once for each way that leads there. */
static __noinline int state_of_connection(struct sock *sk, int old_state, __u32 what, __u32 place)
{
	struct socket_state *state =
		what & IS_ACTIVE ? connect_open(sk, place) : socket_open(sk, place);

	if (!state)
		return 0;
	if (connect_is_nobodys(state)) {
		if (what & IS_ESTABLISHED)
			return 0; /* told as it ends */
		if (what & IS_CLOSED_BY_SELF)
			close_own(sk, state);
	}
	connection_begin(sk, state, what);
	if (blur(what) & IS_CLOSED_BY_SELF)
		close_by_current(sk, state);
	if (what & IS_LOCAL_FIN && state->flags)
		state->flags |= SOCKET_LOCAL_FIN;
	if (what & IS_OVER)
		close_end(sk, state, old_state);
	if (what & (IS_LOCAL_FIN | IS_OVER))
		socket_store(sk, state);
	return 0;
}

/* What packets and timers do to a socket, in whatever context. @by_process: or a process. */
static __always_inline void state_by_packet(struct sock *sk, int old_state, int new_state,
					    bool by_process, __u32 place)
{
	__u32 what = 0;

	switch (new_state) {
	case BPF_TCP_ESTABLISHED:
		what = IS_ESTABLISHED;
		if (old_state == BPF_TCP_SYN_SENT)
			what |= IS_ACTIVE;
		else if (old_state == BPF_TCP_SYN_RECV)
			what |= IS_PASSIVE;
		break;
	case BPF_TCP_SYN_RECV:
		if (old_state == BPF_TCP_LISTEN)
			accept_inherit(sk, place);
		break;
	case BPF_TCP_FIN_WAIT1:
		what = IS_LOCAL_FIN | (by_process && has_user(sk) ? IS_CLOSED_BY_SELF : 0);
		break;
	case BPF_TCP_LAST_ACK:
		if (by_process && has_user(sk))
			what = IS_CLOSED_BY_SELF;
		break;
	case BPF_TCP_CLOSE:
		if (!was_open(old_state))
			connect_end_failed(sk, old_state, place);
		else
			what = IS_OVER | (is_abort(sk, old_state) ? IS_CLOSED_BY_SELF : 0);
		break;
	}
	if (what)
		state_of_connection(sk, old_state, blur(what), place);
}

/* What a process does to it, in its own context. */
static __always_inline void state_by_process(struct sock *sk, int new_state)
{
	if (new_state == BPF_TCP_SYN_SENT) {
		if (settings.watch_attempts)
			attempt_succeeded(sk);
		connect_begin(sk);
	} else if (new_state == BPF_TCP_LISTEN) {
		listen_begin(sk);
	}
}

static __always_inline bool is_tcp(const struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP;
}

/* @by_process: it may be a process's doing; else a packet that has interrupted one. */
static __always_inline void state_changed(struct sock *sk, int old_state, int new_state,
					  bool by_process, __u32 place)
{
	if (by_process && sk->sk_protocol == IPPROTO_MPTCP)
		mptcp_state(sk, new_state, place);
	if (sk->sk_protocol == IPPROTO_MPTCP)
		return;
	if (by_process)
		state_by_process(sk, new_state);
	state_by_packet(sk, old_state, new_state, by_process, place);
}

/* SCTP binds by itself, and listens as TCP does. */
static __always_inline int state_of_sctp(struct sock *sk, int new_state)
{
	if (selects(SELECT_SCTP) && new_state == BPF_TCP_LISTEN)
		bind_tell(sk, datagram_cookie(sk), IPPROTO_SCTP);
	return 0;
}

/* Only without on_state. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state_sctp, struct sock *sk, int old_state, int new_state)
{
	return sk->sk_protocol == IPPROTO_SCTP ? state_of_sctp(sk, new_state) : 0;
}

/* Of the changes of sockets that lie at the same address, one after another: the port differs. */
static __always_inline __u32 state_which(const struct sock *sk, int new_state)
{
	return (__u32)new_state | (__u32)sk->__sk_common.skc_num << 8;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old_state, int new_state)
{
	__u32 *working;

	if (sk->sk_protocol == IPPROTO_SCTP)
		return state_of_sctp(sk, new_state);
	if (!is_tcp(sk))
		return 0;
	working = hook_begin(HOOK_STATE, true);
	state_changed(sk, old_state, new_state, true, PLACE_STATE);
	hook_end(working, HOOK_STATE, (__u64)sk, state_which(sk, new_state));
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state_stand_in, struct sock *sk, int old_state, int new_state)
{
	if (!is_tcp(sk) || !hook_was_missed(HOOK_STATE, (__u64)sk, state_which(sk, new_state)))
		return 0;
	state_changed(sk, old_state, new_state, preemptible, PLACE_STATE_STAND_IN);
	unpin();
	return 0;
}

/* Ends that no change of state told of. */
static __noinline int socket_ended_unseen(struct sock *sk)
{
	struct socket_state state;

	socket_load(sk, &state);
	if (state.flags & SOCKET_ATTEMPT) {
		attempt_forget(&state);
		return 0;
	}
	__sync_fetch_and_add(&counters.missed, 1);
	if (state.flags & SOCKET_CONNECTING)
		connect_end(&state, CONNECT_ERROR_UNKNOWN);
	else
		close_submit(sk, &state, BPF_TCP_CLOSE, CLOSE_INFERRED);
	return 0;
}

/* The socket is about to be freed. */
static __always_inline void socket_destroyed(struct sock *sk)
{
	struct socket_brief brief;

	socket_look(sk, &brief);
	if (brief.flags & (SOCKET_ATTEMPT | SOCKET_CONNECTING | SOCKET_OPEN))
		socket_ended_unseen(sk);
	socket_forget(sk);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, struct sock *sk)
{
	__u32 *working = hook_begin(HOOK_DESTROY, false);

	socket_destroyed(sk);
	hook_end(working, HOOK_DESTROY, (__u64)sk, 0);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy_stand_in, struct sock *sk)
{
	if (hook_was_missed(HOOK_DESTROY, (__u64)sk, 0)) {
		socket_destroyed(sk);
		unpin();
	}
	return 0;
}

/* Who accepts, exactly and at once, where the kernel lets functions be traced. Parameters of
 * inet_csk_accept() went from four to two in 6.10 (commit 92ef0fd55ac8). */
SEC("fexit/inet_csk_accept")
int BPF_PROG(on_accept, struct sock *listener, void *arg, struct sock *sk)
{
	if (sk)
		socket_touch(sk, OWNER_ACCEPT, PLACE_ACCEPT);
	return 0;
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(on_accept_old, struct sock *listener, int flags, int *error, bool kern,
	     struct sock *sk)
{
	if (sk)
		socket_touch(sk, OWNER_ACCEPT, PLACE_ACCEPT);
	return 0;
}

/* The same where only kprobes can be had. */
SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(on_accept_probe, const struct sock *sk)
{
	struct socket_state *state = sk ? socket_open(sk, PLACE_ACCEPT) : NULL;

	if (!state)
		return 0;
	if (state->who & SOCKET_UNRESOLVED)
		accept_resolve(sk, state, OWNER_ACCEPT);
	else if (state->flags && READ(sk, __sk_common.skc_state) == BPF_TCP_SYN_RECV)
		accept_early(sk);
	return 0;
}

/* Set by user space while accepted sockets may be touched for the first time. */
bool touch_now = false;

static __always_inline bool touch_wanted(void)
{
	return settings.touch && touch_now;
}

static __always_inline void stream_touch(struct sock *sk, __u8 source, __u32 place)
{
	if (sk->sk_protocol == IPPROTO_MPTCP)
		mptcp_touch(sk, source, place);
	else
		socket_touch(sk, source, place);
}

/* Datagrams; and the first touch of an accepted socket, where no function hook tells who accepted
 * it. */
static __always_inline void receive(struct sock *sk, int ret, int flags)
{
	if (!is_stream(sk->sk_type, sk->sk_protocol))
		datagram_received(sk, ret, flags);
	else if (touch_wanted())
		stream_touch(sk, OWNER_RECV, PLACE_RECEIVE);
	share_received(sk, ret, flags);
}

static __always_inline void send(struct sock *sk, int ret)
{
	if (!is_stream(sk->sk_type, sk->sk_protocol))
		datagram_sent(sk, ret);
	else if (touch_wanted())
		stream_touch(sk, OWNER_SEND, PLACE_SEND);
	share_sent(sk, ret);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int ret, int flags)
{
	__u32 *working = hook_begin(HOOK_RECEIVE, false);

	receive(sk, ret, flags);
	hook_end(working, HOOK_RECEIVE, (__u64)sk, ret);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive_stand_in, struct sock *sk, int ret, int flags)
{
	if (hook_was_missed(HOOK_RECEIVE, (__u64)sk, ret)) {
		receive(sk, ret, flags);
		unpin();
	}
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int ret, int flags)
{
	__u32 *working = hook_begin(HOOK_SEND, false);

	send(sk, ret);
	hook_end(working, HOOK_SEND, (__u64)sk, ret);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send_stand_in, struct sock *sk, int ret, int flags)
{
	if (hook_was_missed(HOOK_SEND, (__u64)sk, ret)) {
		send(sk, ret);
		unpin();
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Who calls on TCP sockets, and for how many bytes. Only where it is asked for: it costs at each
 * send and receive. Datagrams are counted by who calls anyway (connection_flow.bpf.h). */
#ifndef CONNECTION_SHARE_BPF_H
#define CONNECTION_SHARE_BPF_H

#include "connection_datagram.bpf.h"

struct share_key {
	__u64 cookie; /* of the socket, socket_cookie() */
	__u32 tgid;
	__u32 pad;
};

struct share {
	struct process_id caller;
	__u64 sk; /* address of the struct sock */
	__u64 tx_bytes, rx_bytes;
	__u32 flags; /* SHARE_* */
	__u32 pad;
};

/* Entries go when a look at all of them (live_shares) finds their socket gone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SHARES_MAX);
	__type(key, struct share_key);
	__type(value, struct share);
} shares SEC(".maps");

static __always_inline void share_fill(struct share_record *record, __u64 cookie,
				       const struct share *share)
{
	record->caller = share->caller;
	record->cookie = cookie;
	record->tx_bytes = share->tx_bytes;
	record->rx_bytes = share->rx_bytes;
	record->flags = share->flags;
	record->pad = 0;
}

/* Tells user space at once: it keeps the names of a process that may be dead when it looks. */
static __noinline struct share *share_begin(const struct sock *sk, const struct share_key *key)
{
	struct share_record *record;
	struct share fresh = {};
	int r;

	current_read_id(&fresh.caller);
	fresh.sk = (__u64)sk;
	if (!filter_wants_current(&settings.filter, &fresh.caller))
		fresh.flags = SHARE_UNWANTED;
	r = bpf_map_update_elem(&shares, key, &fresh, BPF_NOEXIST);
	if (r == -E2BIG || r == -ENOMEM) {
		__sync_fetch_and_add(&flow_counters.no_share, 1);
		return NULL;
	}
	record = record_try(RECORD_SHARE, sizeof(*record));
	if (record) { /* else the next look brings it */
		share_fill(record, key->cookie, &fresh);
		record_submit(record, sizeof(*record));
	}
	return bpf_map_lookup_elem(&shares, key);
}

/* current has sent or received @length bytes. The program that it runs now is what it is called
 * by. */
static __noinline int share_count(struct sock *sk, int length, bool sent)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct share_key key = {.tgid = bpf_get_current_pid_tgid() >> 32};
	struct socket_brief socket;
	struct share *share;

	socket_look(sk, &socket);
	if (!(socket.who & SOCKET_WANTED) || length <= 0)
		return 0;
	key.cookie = socket.cookie;
	share = bpf_map_lookup_elem(&shares, &key);
	if (!share)
		share = share_begin(sk, &key);
	if (!share)
		return 0;
	if (share->caller.exec_id != READ(task, self_exec_id))
		current_read_id(&share->caller);
	__sync_fetch_and_add(sent ? &share->tx_bytes : &share->rx_bytes, length);
	return 0;
}

static __always_inline void share_sent(struct sock *sk, int length)
{
	if (settings.split && sk->sk_protocol == IPPROTO_TCP)
		share_count(sk, length, true);
}

static __always_inline void share_received(struct sock *sk, int length, int flags)
{
	if (settings.split && sk->sk_protocol == IPPROTO_TCP &&
	    !(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		share_count(sk, length, false);
}

/* What each has called for so far; what is of no socket any more goes. */
SEC("iter/bpf_map_elem")
int live_shares(struct iterator_map *ctx)
{
	const struct share_key *found = ctx->key;
	const struct share *value = ctx->value;
	struct share_record record = {};
	struct socket_brief socket;
	struct share_key key;
	struct share share;

	if (!found || !value)
		return 0;
	key = *found;
	share = *value;
	record_head(&record.header, RECORD_SHARE, sizeof(record));
	share_fill(&record, key.cookie, &share);
	if (bpf_seq_write(ctx->meta->seq, &record, sizeof(record)))
		return 0; /* no room: it is shown once more */
	socket_look((const void *)share.sk, &socket);
	if (socket.cookie != key.cookie)
		bpf_map_delete_elem(&shares, &key);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose a packet is: what can be told from the packet's socket and from who runs as it is sent. */
#ifndef PACKETS_SOCKET_BPF_H
#define PACKETS_SOCKET_BPF_H

#include "packets.h"
#include "packets_data.bpf.h"
#include "sock.bpf.h"
#include "task.bpf.h"

#define NEIGHBOURS_MAX 4096 /* that somebody has asked for, kept at most */

#define NEXT_HEADER_ICMPV6 58
#define SOLICITATION	   135 /* types of ICMPv6, RFC 4861 */
#define ADVERTISEMENT	   136
#define IPV6_BYTES	   40
#define ARP_SENDER	   (ETHERNET_BYTES + 14)
#define ARP_TARGET	   (ETHERNET_BYTES + 24) /* where it stands in a packet */
#define ND_NEXT		   (ETHERNET_BYTES + 6)
#define ND_TYPE		   (ETHERNET_BYTES + IPV6_BYTES)
#define ND_TARGET	   (ND_TYPE + 8)

#define CHECKSUM_PARTIAL 3 /* sk_buff.ip_summed */

/* preempt_count(): a hardware interrupt or an NMI, or a softirq under way (not merely kept off). */
#define PREEMPT_INTERRUPT 0x00ff0100

/* Processes that are: the map of the filter, borrowed from the programs that see connections. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
} traced SEC(".maps");

struct neighbour_key {
	__u32 netns, ifindex;
	__u64 address[2]; /* as in struct endpoints */
};

struct neighbour_asker {
	struct process_id id;
	__u32 traced, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NEIGHBOURS_MAX);
	__type(key, struct neighbour_key);
	__type(value, struct neighbour_asker);
} neighbours SEC(".maps");

/* Where arm64 keeps the count. x86 does in a variable per CPU, whose address not every kernel
 * shows: there it is not known. */
struct thread_info___count {
	union {
		__u64 preempt_count;
		struct {
			__u32 count;
		} preempt;
	};
} __attribute__((preserve_access_index));

struct task_struct___count {
	struct thread_info___count thread_info;
} __attribute__((preserve_access_index));

enum acting {
	ACTING_NOT, /* the process that runs is only interrupted by this */
	ACTING_UNKNOWN,
	ACTING, /* it does this itself */
};

static __always_inline enum acting current_acts(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___count *counting = (void *)task;

	if (READ(task, flags) & PF_KTHREAD)
		return ACTING_NOT;
	if (!bpf_core_field_exists(counting->thread_info.preempt.count))
		return ACTING_UNKNOWN;
	if (BPF_CORE_READ(counting, thread_info.preempt.count) & PREEMPT_INTERRUPT)
		return ACTING_NOT;
	return ACTING;
}

static __always_inline bool is_traced(__u32 tgid)
{
	return !settings.by_process || bpf_map_lookup_elem(&traced, &tgid);
}

struct process_id nobody = {}; /* stays so; the verifier does not know */

/* A request to connect or what is left of a closed connection is less than a socket: it begins like
 * one, and ends early. */
static __always_inline bool is_full(__u8 state)
{
	return state != BPF_TCP_TIME_WAIT && state != BPF_TCP_NEW_SYN_RECV;
}

/* Does the device take packets from whoever sends them, with no queue in between? Who empties a
 * queue sends what others have put there, too. */
static __always_inline bool sends_at_once(const struct sk_buff *skb, const struct net_device *dev)
{
	struct netdev_queue *queues = READ(dev, _tx), *queue;
	__u32 n = skb->queue_mapping;

	if (n >= dev->real_num_tx_queues)
		return false;
	queue = (void *)queues + (__u64)n * bpf_core_type_size(struct netdev_queue);
	return !READ(queue, qdisc, enqueue);
}

/* Of a socket in full. */
static __always_inline void record_read_full(struct packet_record *record, struct sock *sk,
					     const bool at_once)
{
	const struct cred *opener = sock_file_cred(sk);
	struct task_struct *task = (void *)bpf_get_current_task();
	enum acting acting = current_acts();

	if (!opener && BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock))
		record->flags |= PACKET_KERNEL;
	if (acting == ACTING_NOT)
		return;
	/* a socket of TCP that a process has locked is used by nobody else, interrupts included */
	if (acting == ACTING_UNKNOWN && sk->sk_protocol == IPPROTO_TCP && sk->sk_lock.owned)
		acting = ACTING;
	if (opener && opener == READ(task, cred))
		record->flags |= PACKET_CURRENT | PACKET_OPENER;
	else if (at_once && acting == ACTING)
		record->flags |= PACKET_CURRENT;
	if (record->flags & PACKET_CURRENT) {
		current_read_id(&record->sender);
		record->traced = is_traced(bpf_get_current_pid_tgid() >> 32);
	}
}

/* What stays of a packet's IP header as it is passed on, translated or not: IPv4's length, id and
 * flags, IPv6's flow, length and next header. */
static __always_inline __u64 packet_kept(const struct sk_buff *skb, const __u8 direction)
{
	const unsigned char *ip =
		direction == PACKET_OUT ? skb->head + skb->network_header : skb->data;
	__u64 kept = 0;

	bpf_probe_read_kernel(&kept, 5, ip + 2);
	return kept << 24;
}

/* With the kernel's address of the packet, which is another's soon. */
static __always_inline void passing_set(__u64 *ret_passing, const struct sk_buff *skb, __u64 kept)
{
	volatile __u64 *passing = ret_passing; /* in a record: there it is a pointer no more */

	*passing = (__u64)skb;
	*passing ^= kept;
}

/* Of a packet that goes out. */
static __always_inline bool is_forwarded(const struct sk_buff *skb)
{
	return !skb->sk && skb->skb_iif;
}

/* Cookie, owner and what else the packet's socket tells. Packets that come in have none yet. */
static __always_inline void record_read_socket(struct packet_record *record,
					       const struct sk_buff *skb,
					       const struct net_device *dev, const __u8 direction)
{
	struct sock *sk = direction == PACKET_OUT ? skb->sk : NULL;

	record->sender = nobody;
	record->flags = record->sk_state = 0;
	record->traced = 0;
	record->cookie = 0;
	if (direction == PACKET_OUT &&
	    BPF_CORE_READ_BITFIELD_PROBED(skb, ip_summed) == CHECKSUM_PARTIAL)
		record->flags |= PACKET_UNSUMMED;
	if (direction == PACKET_OUT && is_forwarded(skb))
		record->flags |= PACKET_FORWARDED;
	if (direction == PACKET_IN && READ(dev, rx_handler))
		record->flags |= PACKET_PORT;
	if (!sk)
		return;
	record->sk_state = sk->__sk_common.skc_state;
	/* not bpf_get_socket_cookie(): newer kernels do not trust this pointer enough */
	record->cookie = sk->__sk_common.skc_cookie.counter;
	if (is_full(record->sk_state)) {
		record_read_full(record, sk, sends_at_once(skb, dev));
	} else if (record->sk_state == BPF_TCP_NEW_SYN_RECV) {
		struct sock *listener = READ(sk, __sk_common.skc_listener);

		if (listener)
			record->cookie = READ(listener, __sk_common.skc_cookie.counter);
		record->flags |= PACKET_LISTENER;
	}
}

/* Keeps in mind who is behind a search for a neighbour that begins. */
static __always_inline void neighbour_note(const struct net_device *dev, int family,
					   const void *address)
{
	struct neighbour_key key = {.ifindex = READ(dev, ifindex)};
	struct neighbour_asker asker = {};

	key.netns = READ(dev, nd_net.net, ns.inum);
	if (settings.netns && key.netns != settings.netns)
		return;
	if (family == AF_INET) {
		__be32 ipv4 = 0;

		bpf_probe_read_kernel(&ipv4, sizeof(ipv4), address);
		address_from_ipv4(key.address, ipv4);
	} else {
		bpf_probe_read_kernel(&key.address, sizeof(key.address), address);
	}
	if (current_acts() == ACTING_NOT) {
		bpf_map_delete_elem(&neighbours, &key);
		return;
	}
	current_read_id(&asker.id);
	asker.traced = is_traced(asker.id.tgid);
	bpf_map_update_elem(&neighbours, &key, &asker, BPF_ANY);
}

/* Which neighbour an ARP packet or a solicitation or advertisement asks for or tells of. */
static __always_inline bool neighbour_of(const struct packet_place *place, const __u8 direction,
					 __u64 address[2])
{
	const unsigned char *start = place->start;
	__u8 next = 0, type = 0;
	__be32 ipv4 = 0;

	if (place->link_type != LINK_ETHERNET)
		return false;
	if (place->protocol == ETH_P_ARP) {
		bpf_probe_read_kernel(&ipv4, sizeof(ipv4),
				      start + (direction == PACKET_OUT ? ARP_TARGET : ARP_SENDER));
		address_from_ipv4(address, ipv4);
		return true;
	}
	if (place->protocol != ETH_P_IPV6)
		return false;
	bpf_probe_read_kernel(&next, sizeof(next), start + ND_NEXT);
	bpf_probe_read_kernel(&type, sizeof(type), start + ND_TYPE);
	if (next != NEXT_HEADER_ICMPV6 ||
	    type != (direction == PACKET_OUT ? SOLICITATION : ADVERTISEMENT))
		return false;
	bpf_probe_read_kernel(address, 2 * sizeof(*address), start + ND_TARGET);
	return true;
}

/* Who is behind a question for a neighbour that is sent, or an answer that comes. */
static __always_inline void neighbour_cause(struct packet_record *record,
					    const struct packet_place *place, const __u8 direction)
{
	struct neighbour_key key = {.netns = place->netns, .ifindex = place->ifindex};
	struct neighbour_asker *cause;

	if (!neighbour_of(place, direction, key.address))
		return;
	cause = bpf_map_lookup_elem(&neighbours, &key);
	if (!cause)
		return;
	record->sender = cause->id;
	record->traced = cause->traced;
	record->flags = (record->flags & ~(PACKET_CURRENT | PACKET_OPENER)) | PACKET_CAUSE;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_owner.h"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/cgroup.h"
#include "tools/flowattr_table.h"

/* That are kept; then the one that was last told of first is forgotten. A connection that has ended
 * may be sent for by the kernel for a minute, out of TIME_WAIT. 200 bytes each. */
#define SENDERS_MAX 65536

/* Both ends as the sender sees them. */
struct sender_key {
	uint8_t laddr[16], raddr[16];
	uint32_t netns;
	uint16_t lport, rport;
	uint32_t protocol;
};

struct sender {
	struct sender_key key;
	struct process_id id;
	UT_hash_handle hh; /* in the order in which they came, or their connection ended */
};

struct owner_finder {
	struct meter *meter;
	int processes_fd;
	struct sender *senders;
	/* what the last answer points into; pinned in the table of processes */
	struct process_id local, peer;
};

int owner_finder_new(struct meter *meter, int processes_fd, struct owner_finder **ret_finder)
{
	struct owner_finder *finder = calloc(1, sizeof(*finder));

	if (!finder)
		return -ENOMEM;
	finder->meter = meter;
	finder->processes_fd = processes_fd;
	*ret_finder = finder;
	return 0;
}

void owner_finder_free(struct owner_finder *finder)
{
	struct sender *sender, *next;

	if (!finder)
		return;
	HASH_ITER (hh, finder->senders, sender, next) {
		HASH_DEL(finder->senders, sender);
		free(sender);
	}
	free(finder);
}

/* The packet's ends as one of them sees them: the one that it comes from, or goes to. */
static struct connection seen_from(const struct packet_tuple *tuple, bool source, uint32_t netns)
{
	struct connection c = {
		.protocol = tuple->protocol,
		.lport = source ? tuple->source_port : tuple->destination_port,
		.rport = source ? tuple->destination_port : tuple->source_port,
		.netns = netns,
	};

	/* the id of an echo is a local port only */
	if (tuple->protocol == IPPROTO_ICMP || tuple->protocol == IPPROTO_ICMPV6)
		c.rport = 0;
	memcpy(c.laddr, source ? tuple->source : tuple->destination, 16);
	memcpy(c.raddr, source ? tuple->destination : tuple->source, 16);
	return c;
}

static struct sender_key key_of(const struct connection *c)
{
	struct sender_key key = {.netns = c->netns,
				 .lport = c->lport,
				 .rport = c->rport,
				 .protocol = c->protocol};

	memcpy(key.laddr, c->laddr, sizeof(key.laddr));
	memcpy(key.raddr, c->raddr, sizeof(key.raddr));
	return key;
}

/* Is a process traced that no flow tells of? */
static bool is_traced(const struct owner_finder *finder, const struct process_id *id)
{
	const struct process_filter *filter = &finder->meter->options->common.process;
	uint8_t state;

	if (finder->processes_fd >= 0 &&
	    bpf_map_lookup_elem(finder->processes_fd, &id->tgid, &state) < 0)
		return false;
	if (filter->cgroup_id && filter->cgroup_id != id->cgroup_id)
		return false;
	for (size_t i = 0; i < filter->n_uids; i++)
		if (filter->uids[i] == id->uid)
			return true;
	return !filter->n_uids;
}

/* @ends: its connection does: it is remembered as if it had come last. */
static void remember_sender(struct owner_finder *finder, const struct connection *c,
			    const struct process_id *id, bool ends)
{
	const struct sender_key key = key_of(c);
	struct sender *sender;

	HASH_FIND(hh, finder->senders, &key, sizeof(key), sender);
	if (sender && ends) {
		HASH_DEL(finder->senders, sender);
		HASH_ADD(hh, finder->senders, key, sizeof(sender->key), sender);
	}
	if (!sender) {
		sender = calloc(1, sizeof(*sender));
		if (!sender)
			return; /* it would only have helped */
		sender->key = key;
		HASH_ADD(hh, finder->senders, key, sizeof(sender->key), sender);
	}
	sender->id = *id;
	if (HASH_COUNT(finder->senders) <= SENDERS_MAX)
		return;
	sender = finder->senders;
	HASH_DEL(finder->senders, sender);
	free(sender);
}

static const struct process_id *find_sender(const struct owner_finder *finder,
					    const struct connection *c)
{
	const struct sender_key key = key_of(c);
	struct sender *sender;

	HASH_FIND(hh, finder->senders, &key, sizeof(key), sender);
	return sender ? &sender->id : NULL;
}

/* Nobody has been seen to accept the connection of a packet of that time, but that may come yet. */
static bool may_be_accepted(const struct owner_finder *finder, uint8_t source, uint64_t ts_ns)
{
	return source == OWNER_LISTEN && ts_ns < finder->meter->arrived_ns + ACCEPT_WAIT_NS;
}

/* The flow of a packet. One of datagrams that had ended before is it only if nothing else comes up:
 * its port may be another's by now, who will be told of. */
static const struct flow *find_flow(const struct owner_finder *finder, const struct connection *end,
				    uint64_t ts_ns, bool last)
{
	const struct flow *flow = flow_table_find(finder->meter->flows, end, ts_ns);

	if (flow && !last && end->protocol != IPPROTO_TCP && flow->ended_ns &&
	    flow->ended_ns < ts_ns)
		return NULL;
	return flow;
}

/* Who is at an end, and how that is known: by its flow, or by what it sent before. */
static const struct process_id *find_at(const struct owner_finder *finder,
					const struct connection *end, uint64_t ts_ns, bool last,
					uint8_t *ret_source)
{
	const struct flow *flow = find_flow(finder, end, ts_ns, last);

	if (flow && flow->connection.owner.tgid) {
		*ret_source = flow->connection.owner_src;
		return &flow->connection.owner;
	}
	*ret_source = OWNER_SEND;
	return find_sender(finder, end);
}

/* At the other end, in whatever namespace that is. */
static const struct process_id *find_peer(const struct owner_finder *finder,
					  const struct connection *local, struct connection *peer,
					  uint64_t ts_ns, bool last, uint8_t *ret_source)
{
	const struct flow *flow = find_flow(finder, local, ts_ns, last);
	const struct flow *there = flow ? flow->peer : NULL;
	const struct process_id *id = NULL;

	if (there && !there->connection.owner.tgid)
		there = NULL;
	if (!there || !flow_was_open(there, ts_ns)) /* one flow of a server may have many */
		id = find_at(finder, peer, ts_ns, last, ret_source);
	if (id || !there ||
	    (!last && local->protocol != IPPROTO_TCP && there->ended_ns && there->ended_ns < ts_ns))
		return id;
	*ret_source = there->connection.owner_src;
	return &there->connection.owner;
}

static void name(struct owner_finder *finder, const struct process_id *id,
		 struct packet_process *ret_process)
{
	bool args = finder->meter->options->output.format == OUTPUT_JSON;

	ret_process->id = *id;
	process_table_find(finder->meter->processes, id, args, &ret_process->names);
	process_table_pin(finder->meter->processes, id); /* until the next packet */
	ret_process->cgroup = cgroup_table_find(finder->meter->cgroups, id->cgroup_id);
}

/* The last answer has been used. */
static void let_go(struct owner_finder *finder)
{
	if (finder->local.tgid)
		process_table_unpin(finder->meter->processes, &finder->local);
	if (finder->peer.tgid)
		process_table_unpin(finder->meter->processes, &finder->peer);
	finder->local = finder->peer = (struct process_id){};
}

/* Who sent it, if that was seen as it happened. */
static const struct process_id *sender_of(const struct owner_finder *finder,
					  const struct packet_record *record)
{
	if (!(record->flags & (PACKET_CURRENT | PACKET_CAUSE)) || record->flags & PACKET_KERNEL)
		return NULL;
	return is_traced(finder, &record->sender) ? &record->sender : NULL;
}

/* What comes behind it is the kernel's to answer, in the name of who had the connection last. */
static bool ends_connection(const struct packet *packet)
{
	return packet->has & PACKET_HAS_TCP &&
	       packet->tcp_flags & (PACKET_TCP_FIN | PACKET_TCP_RST);
}

int owner_find(void *context, const struct packet *packet, const struct packet_record *record,
	       bool last, struct packet_owner *ret_owner)
{
	struct owner_finder *finder = context;
	bool out = record->direction == PACKET_OUT;
	uint64_t ts_ns = record->header.ts_ns;
	struct connection local = seen_from(&packet->tuple, out, record->netns);
	struct connection peer = seen_from(&packet->tuple, !out, 0);
	const struct process_id *sender = sender_of(finder, record), *there = NULL;
	bool inside = !memcmp(record->interface, "lo", 3), waits;
	uint8_t there_src = OWNER_UNKNOWN;

	let_go(finder);
	if (sender)
		ret_owner->owner_src = OWNER_SEND;
	else if (!(record->flags & PACKET_KERNEL) || packet->has & PACKET_HAS_TCP)
		sender = find_at(finder, &local, ts_ns, last, &ret_owner->owner_src);
	if (sender && (record->flags & PACKET_CURRENT || ends_connection(packet)))
		remember_sender(finder, &local, sender, ends_connection(packet));
	/* echo requests are answered by the kernel */
	if (packet->tuple.family && packet->kind == PACKET_IP && !packet_is_echo_request(packet)) {
		peer.netns = inside ? record->netns : 0;
		there = find_peer(finder, &local, &peer, ts_ns, last, &there_src);
	}
	/* what is sent to this machine is somebody's soon */
	waits = !sender || may_be_accepted(finder, ret_owner->owner_src, ts_ns) ||
		may_be_accepted(finder, there_src, ts_ns) ||
		(inside && !there && packet->kind == PACKET_IP && !packet_is_echo_request(packet));
	if (!last && waits)
		return 0;
	if (!sender && record->flags & PACKET_LISTENER) {
		sender = listeners_find(finder->meter->listeners, record->cookie);
		ret_owner->owner_src = sender ? OWNER_LISTEN : OWNER_UNKNOWN;
	}
	if (sender)
		finder->local = *sender;
	if (there)
		finder->peer = *there;
	if (sender)
		name(finder, &finder->local, &ret_owner->local);
	if (there)
		name(finder, &finder->peer, &ret_owner->peer);
	if (sender)
		ret_owner->kind = PACKET_OWNER_PROCESS;
	return sender != NULL;
}

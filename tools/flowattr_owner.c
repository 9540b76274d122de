/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_owner.h"

#include <netinet/in.h>
#include <string.h>

#include "lib/cgroup.h"
#include "lib/cidr.h"
#include "tools/flowattr_senders.h"
#include "tools/flowattr_table.h"

struct owner_finder {
	struct meter *meter;
	struct senders *senders;
	/* what the last answer points into; pinned in the table of processes */
	struct process_id local, peer;
};

int owner_finder_new(struct meter *meter, struct owner_finder **ret_finder)
{
	struct owner_finder *finder = calloc(1, sizeof(*finder));

	if (!finder)
		return -ENOMEM;
	finder->meter = meter;
	*ret_finder = finder;
	return 0;
}

void owner_finder_free(struct owner_finder *finder)
{
	if (!finder)
		return;
	senders_free(finder->senders);
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

/* Is the user traced, and the cgroup, of a process that no flow tells of? */
static bool is_traced(const struct owner_finder *finder, const struct process_id *id)
{
	const struct process_filter *filter = &finder->meter->options->common.process;

	if (filter->cgroup_id && filter->cgroup_id != id->cgroup_id)
		return false;
	for (size_t i = 0; i < filter->n_uids; i++)
		if (filter->uids[i] == id->uid)
			return true;
	return !filter->n_uids;
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
struct found {
	const struct process_id *id; /* NULL: not known who */
	uint32_t netns;
	uint8_t source; /* enum owner_source */
};

static struct found owner_of(const struct flow *flow)
{
	const struct connection *c = &flow->connection;

	return (struct found){&c->owner, c->netns, c->owner_src};
}

static struct found find_at(const struct owner_finder *finder, const struct connection *end,
			    uint64_t ts_ns, bool last)
{
	const struct flow *flow = find_flow(finder, end, ts_ns, last);
	const struct sender *sender;

	if (flow && flow->connection.owner.tgid)
		return owner_of(flow);
	sender = senders_find(finder->senders, end);
	if (sender)
		return (struct found){&sender->id, sender->netns, OWNER_SEND};
	return (struct found){};
}

/* The same of what the other end sees as @seen: where that end's addresses are translated. */
static struct found find_translated(const struct owner_finder *finder,
				    const struct connection *seen, uint64_t ts_ns, bool last)
{
	struct connection end;

	if (!nat_table_find(finder->meter->nat, seen, &end))
		return (struct found){};
	return find_at(finder, &end, ts_ns, last);
}

/* At the other end, in whatever namespace that is. */
static struct found find_peer(const struct owner_finder *finder, const struct connection *local,
			      const struct connection *peer, uint64_t ts_ns, bool last)
{
	const struct flow *flow = find_flow(finder, local, ts_ns, last);
	const struct flow *there = flow ? flow->peer : NULL;
	struct found found = {};

	if (there && !there->connection.owner.tgid)
		there = NULL;
	if (!there || !flow_was_open(there, ts_ns)) /* one flow of a server may have many */
		found = find_at(finder, peer, ts_ns, last);
	if (!found.id && !there)
		found = find_translated(finder, local, ts_ns, last);
	if (found.id || !there ||
	    (!last && local->protocol != IPPROTO_TCP && there->ended_ns && there->ended_ns < ts_ns))
		return found;
	return owner_of(there);
}

static void name(struct owner_finder *finder, const struct found *found,
		 struct process_id *ret_pinned, struct packet_process *ret_process)
{
	bool args = finder->meter->options->output.format == OUTPUT_JSON;

	if (!found->id)
		return;
	*ret_pinned = ret_process->id = *found->id;
	ret_process->netns = found->netns;
	process_table_find(finder->meter->processes, ret_pinned, args, &ret_process->names);
	process_table_pin(finder->meter->processes, ret_pinned); /* until the next packet */
	ret_process->cgroup = cgroup_table_find(finder->meter->cgroups, ret_pinned->cgroup_id);
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
	if (!(record->flags & (PACKET_CURRENT | PACKET_CAUSE)) || record->flags & PACKET_KERNEL ||
	    !record->traced)
		return NULL;
	return is_traced(finder, &record->sender) ? &record->sender : NULL;
}

/* What comes behind it is the kernel's to answer, in the name of who had the connection last. */
static bool ends_connection(const struct packet *packet)
{
	return packet->has & PACKET_HAS_TCP &&
	       packet->tcp_flags & (PACKET_TCP_FIN | PACKET_TCP_RST);
}

/* What it is translated to may be known soon. */
static bool may_be_translated(const struct owner_finder *finder, uint64_t ts_ns)
{
	return ts_ns > finder->meter->translated_ns;
}

/* Of a packet that passes: its ends are elsewhere, or not on this machine at all. */
static int find_ends(struct owner_finder *finder, const struct packet *packet, uint64_t ts_ns,
		     bool last, struct packet_owner *ret_owner)
{
	const struct connection source = seen_from(&packet->tuple, true, 0);
	const struct connection destination = seen_from(&packet->tuple, false, 0);
	struct found from = find_at(finder, &source, ts_ns, last);
	struct found to = find_at(finder, &destination, ts_ns, last);

	if (!from.id)
		from = find_translated(finder, &destination, ts_ns, last);
	if (!to.id)
		to = find_translated(finder, &source, ts_ns, last);
	if (!last && ((!from.id && !to.id) || may_be_translated(finder, ts_ns) ||
		      may_be_accepted(finder, from.source, ts_ns) ||
		      may_be_accepted(finder, to.source, ts_ns)))
		return 0;
	ret_owner->gets = !from.id && to.id;
	ret_owner->owner_src = from.id ? from.source : to.source;
	name(finder, from.id ? &from : &to, &finder->local, &ret_owner->local);
	if (from.id)
		name(finder, &to, &finder->peer, &ret_owner->peer);
	return 1;
}

/* A packet for a process in another namespace has come in here: it will be passed on. */
static bool is_for_elsewhere(const struct owner_finder *finder, const struct packet *packet,
			     const struct packet_record *record)
{
	const struct connection source = seen_from(&packet->tuple, true, 0);
	const struct connection destination = seen_from(&packet->tuple, false, 0);
	uint64_t ts_ns = record->header.ts_ns;
	struct found found;

	if (record->direction != PACKET_IN || packet->kind != PACKET_IP ||
	    address_is_loopback(destination.laddr))
		return false;
	found = find_at(finder, &destination, ts_ns, true);
	if (!found.id)
		found = find_translated(finder, &source, ts_ns, true);
	return found.id && found.netns != record->netns;
}

/* At this end of what is not forwarded. */
static struct found find_local(const struct owner_finder *finder, const struct packet *packet,
			       const struct packet_record *record, const struct connection *local,
			       const struct connection *peer, bool last)
{
	const struct process_id *sender = sender_of(finder, record);
	uint64_t ts_ns = record->header.ts_ns;
	struct found found = {};

	if (sender)
		return (struct found){sender, record->netns, OWNER_SEND};
	if (record->flags & PACKET_KERNEL && !(packet->has & PACKET_HAS_TCP))
		return found;
	found = find_at(finder, local, ts_ns, last);
	if (found.id)
		return found;
	found = find_translated(finder, peer, ts_ns, last);
	return found.netns == record->netns ? found : (struct found){};
}

int owner_find(void *context, const struct packet *packet, const struct packet_record *record,
	       bool last, struct packet_owner *ret_owner)
{
	struct owner_finder *finder = context;
	bool out = record->direction == PACKET_OUT;
	uint64_t ts_ns = record->header.ts_ns;
	struct connection local = seen_from(&packet->tuple, out, record->netns);
	struct connection peer = seen_from(&packet->tuple, !out, record->netns);
	struct found here, there = {};
	bool inside = !memcmp(record->interface, "lo", 3);
	/* echo requests are answered by the kernel */
	bool talks = packet->kind == PACKET_IP && !packet_is_echo_request(packet);

	let_go(finder);
	if (record->flags & PACKET_FORWARDED)
		return find_ends(finder, packet, ts_ns, last, ret_owner);
	here = find_local(finder, packet, record, &local, &peer, last);
	if (here.id && (record->flags & PACKET_CURRENT || ends_connection(packet)))
		senders_remember(&finder->senders, &local, here.id, ends_connection(packet));
	peer.netns = inside ? record->netns : 0;
	if (talks && packet->tuple.family)
		there = find_peer(finder, &local, &peer, ts_ns, last);
	/* what is sent to this machine is somebody's soon */
	if (!last &&
	    (!here.id || may_be_accepted(finder, here.source, ts_ns) ||
	     may_be_accepted(finder, there.source, ts_ns) || (inside && !there.id && talks)))
		return 0;
	if (!here.id && is_for_elsewhere(finder, packet, record)) {
		ret_owner->kind = PACKET_OWNER_FORWARDED;
		return find_ends(finder, packet, ts_ns, true, ret_owner);
	}
	if (!here.id && record->flags & PACKET_LISTENER)
		here = (struct found){listeners_find(finder->meter->listeners, record->cookie),
				      record->netns, OWNER_LISTEN};
	if (!here.id)
		here = (struct found){};
	name(finder, &here, &finder->local, &ret_owner->local);
	name(finder, &there, &finder->peer, &ret_owner->peer);
	ret_owner->owner_src = here.source;
	if (here.id)
		ret_owner->kind = PACKET_OWNER_PROCESS;
	return here.id != NULL;
}

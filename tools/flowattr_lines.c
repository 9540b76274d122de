/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_lines.h"

#include <stdlib.h>
#include <string.h>

#include "tools/flowattr_choice.h"
#include "tools/flowattr_split.h"

/* Flows that a line joins. */
struct group {
	struct group_key {
		uint64_t number; /* of the user, cgroup; start of the process */
		uint32_t pid, pad;
		uint8_t address[16];
	} key;
	struct flow_line line;
	uint64_t last; /* number of the flow that was added last */
	UT_hash_handle hh;
};

struct flow_lines {
	struct flow_line *lines;
	size_t n, max;
};

int flow_lines_new(struct flow_lines **ret_lines)
{
	*ret_lines = calloc(1, sizeof(**ret_lines));
	return *ret_lines ? 0 : -ENOMEM;
}

void flow_lines_free(struct flow_lines *lines)
{
	if (!lines)
		return;
	free(lines->lines);
	free(lines);
}

static int add_line(struct flow_lines *lines, const struct flow_line *line)
{
	if (lines->n == lines->max) {
		size_t max = lines->max ? 2 * lines->max : 256;
		struct flow_line *grown = realloc(lines->lines, max * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		lines->lines = grown;
		lines->max = max;
	}
	lines->lines[lines->n++] = *line;
	return 0;
}

static bool is_shown(const struct flow *flow, const struct flow_lines_options *options)
{
	bool once = options->by == LINES_BY_FLOW || options->by == LINES_BY_REMOTE;

	return !flow_is_waiting(flow, options->now_ns) &&
	       (!once || flow_stands_for_both(flow, options->filter, options->processes));
}

/* Did the part of a flow carry anything in the interval, for somebody who is asked for? */
static bool part_is_shown(const struct flow *part, const struct flow_lines_options *options)
{
	const struct flow_counts counts = flow_in_interval(part);

	return !flow_counts_empty(&counts) &&
	       flow_is_wanted(part, options->filter, options->processes);
}

/* A line for each part; one of them counts as the flow. */
static int add_flow(struct flow_lines *lines, const struct flow *flow,
		    const struct flow_lines_options *options)
{
	const struct flow *part;
	uint64_t flows = 1;

	for (size_t i = 0; (part = split_part(flow, i)); i++) {
		struct flow_line line = {.flow = part,
					 .counts = flow_in_interval(part),
					 .flows = flows};

		if (!part_is_shown(part, options))
			continue;
		if (add_line(lines, &line) < 0)
			return -ENOMEM;
		flows = 0;
	}
	return 0;
}

static int add_flows(struct flow_lines *lines, struct flow_table *table,
		     const struct flow_lines_options *options)
{
	const struct flow *flow;
	int r = 0;

	for (flow = flow_table_first(table); flow && !r; flow = flow->hh.next)
		if (is_shown(flow, options))
			r = add_flow(lines, flow, options);
	return r;
}

static struct group_key key_of(const struct flow *flow, enum flow_lines_by by)
{
	const struct process_id *owner = &flow->connection.owner;
	struct group_key key = {};

	switch (by) {
	case LINES_BY_PROCESS:
		key.number = owner->start_ns;
		key.pid = owner->tgid;
		break;
	case LINES_BY_REMOTE:
		memcpy(key.address, flow->connection.raddr, sizeof(key.address));
		break;
	case LINES_BY_USER: /* none is not the same as root */
		key.number = owner->tgid ? owner->uid : UINT64_MAX;
		break;
	case LINES_BY_CGROUP:
		key.number = owner->cgroup_id;
		break;
	case LINES_BY_FLOW:
		break;
	}
	return key;
}

/* @number: of the flow that @part is one of. */
static int add_to_group(struct group **groups, const struct flow *part, enum flow_lines_by by,
			uint64_t number)
{
	const struct flow_counts counts = flow_in_interval(part);
	struct group_key key = key_of(part, by);
	struct group *group;

	HASH_FIND(hh, *groups, &key, sizeof(key), group);
	if (!group) {
		group = calloc(1, sizeof(*group));
		if (!group)
			return -ENOMEM;
		group->key = key;
		group->line.flow = part;
		HASH_ADD(hh, *groups, key, sizeof(group->key), group);
	}
	flow_counts_add(&group->line.counts, &counts);
	group->line.flows += group->last != number;
	group->last = number;
	return 0;
}

static int add_groups(struct flow_lines *lines, struct flow_table *table,
		      const struct flow_lines_options *options)
{
	struct group *groups = NULL, *group, *next;
	const struct flow *flow, *part;
	uint64_t number = 0;
	int r = 0;

	for (flow = flow_table_first(table); flow && !r; flow = flow->hh.next) {
		number++;
		for (size_t i = 0; !r && is_shown(flow, options) && (part = split_part(flow, i));
		     i++)
			if (part_is_shown(part, options))
				r = add_to_group(&groups, part, options->by, number);
	}
	HASH_ITER (hh, groups, group, next) {
		if (!r)
			r = add_line(lines, &group->line);
		HASH_DEL(groups, group);
		free(group);
	}
	return r;
}

static int add_others(struct flow_lines *lines, const struct flow_others *others,
		      enum flow_lines_by by)
{
	struct flow_line line = {.counts = others->counts, .flows = others->flows};

	if (by != LINES_BY_FLOW && by != LINES_BY_REMOTE)
		line = (struct flow_line){.counts = others->ends_counts, .flows = others->ends};
	return line.flows ? add_line(lines, &line) : 0;
}

static uint64_t number(const struct flow_line *line, enum flow_lines_sort sort)
{
	const struct flow *flow = line->flow;
	const struct flow_counts *counts = &line->counts;

	switch (sort) {
	case LINES_SORT_TX:
		return counts->tx_bytes;
	case LINES_SORT_RX:
		return counts->rx_bytes;
	case LINES_SORT_PACKETS:
		return counts->tx_packets + counts->rx_packets;
	case LINES_SORT_TX_TOTAL:
		return flow ? flow->now.tx_bytes : 0;
	case LINES_SORT_RX_TOTAL:
		return flow ? flow->now.rx_bytes : 0;
	case LINES_SORT_RTT:
		return flow ? flow->rtt_us : 0;
	case LINES_SORT_RETRANSMITS:
		return counts->retransmits;
	case LINES_SORT_FLOWS:
		return line->flows;
	case LINES_SORT_PID:
		return flow ? flow->connection.owner.tgid : 0;
	case LINES_SORT_USER:
		return flow ? flow->connection.owner.uid : 0;
	default:
		return counts->tx_bytes + counts->rx_bytes;
	}
}

static int compare_ends(const uint8_t a[16], uint16_t a_port, const uint8_t b[16], uint16_t b_port)
{
	int r = memcmp(a, b, 16);

	return r ? r : (int)a_port - (int)b_port;
}

/* Lines that are equal so far: by bytes, then as they come. */
static int compare(const void *a, const void *b, void *context)
{
	const struct flow_line *one = a, *other = b;
	enum flow_lines_sort sort = *(const enum flow_lines_sort *)context;
	const struct connection *c = one->flow ? &one->flow->connection : NULL;
	const struct connection *d = other->flow ? &other->flow->connection : NULL;
	uint64_t x = number(one, sort), y = number(other, sort);
	int r = 0;

	if (!c || !d) /* others last */
		return !c - !d;
	if (sort == LINES_SORT_LOCAL)
		r = compare_ends(c->laddr, c->lport, d->laddr, d->lport);
	else if (sort == LINES_SORT_REMOTE)
		r = compare_ends(c->raddr, c->rport, d->raddr, d->rport);
	else if (sort == LINES_SORT_PID || sort == LINES_SORT_USER)
		r = (x > y) - (x < y);
	else
		r = (x < y) - (x > y);
	if (r)
		return r;
	x = number(one, LINES_SORT_BYTES);
	y = number(other, LINES_SORT_BYTES);
	if (x != y)
		return x < y ? 1 : -1;
	return (one->flow->id.cookie > other->flow->id.cookie) -
	       (one->flow->id.cookie < other->flow->id.cookie);
}

/* A name costs a look-up: once for each line. */
struct named {
	struct flow_line line;
	char *name;
};

static int compare_names(const void *a, const void *b)
{
	const struct named *one = a, *other = b;
	enum flow_lines_sort bytes = LINES_SORT_BYTES;
	int r = strcmp(one->name, other->name);

	return r ? r : compare(&one->line, &other->line, &bytes);
}

static int sort_by_name(struct flow_lines *lines, const struct flow_lines_options *options)
{
	struct named *named;
	int r = 0;

	if (!lines->n)
		return 0;
	named = calloc(lines->n, sizeof(*named));
	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < lines->n && !r; i++) {
		struct process_names names = {.name = "\xff"}; /* others: last */

		if (lines->lines[i].flow)
			process_table_find(options->processes,
					   &lines->lines[i].flow->connection.owner, false, &names);
		named[i] = (struct named){lines->lines[i], strdup(names.name)};
		if (!named[i].name)
			r = -ENOMEM;
	}
	if (!r)
		qsort(named, lines->n, sizeof(*named), compare_names);
	for (size_t i = 0; i < lines->n; i++) {
		if (!r)
			lines->lines[i] = named[i].line;
		free(named[i].name);
	}
	free(named);
	return r;
}

ssize_t flow_lines_make(struct flow_lines *lines, struct flow_table *table,
			const struct flow_lines_options *options,
			const struct flow_line **ret_lines)
{
	enum flow_lines_sort sort = options->sort;
	int r;

	lines->n = 0;
	r = options->by == LINES_BY_FLOW ? add_flows(lines, table, options)
					 : add_groups(lines, table, options);
	if (!r)
		r = add_others(lines, flow_table_others(table), options->by);
	if (!r && sort == LINES_SORT_NAME)
		r = sort_by_name(lines, options);
	else if (!r && lines->n)
		qsort_r(lines->lines, lines->n, sizeof(*lines->lines), compare, &sort);
	*ret_lines = lines->lines;
	return r < 0 ? r : (ssize_t)lines->n;
}

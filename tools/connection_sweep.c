/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_sweep.h"

#include <bpf/bpf.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "lib/clock.h"
#include "lib/iterator.h"
#include "lib/privileges.h"

#define IDLE_PARTS 8 /* an idle flow is found within that part of --idle */

int sweep_init(struct sweep *sweep, struct connection_bpf *bpf, uint64_t idle_ns)
{
	int fd;

	if (!bpf_program__autoload(bpf->progs.sweep_flows))
		return 0;
	fd = iterator_link_map(bpf->progs.sweep_flows, bpf_map__fd(bpf->maps.flows));
	if (fd < 0)
		return fd;
	*sweep = (struct sweep){
		.bpf = bpf,
		.link_fd = fd,
		.idle_every_ns = idle_ns / IDLE_PARTS,
		.swept_ns = clock_now_ns(),
	};
	return 0;
}

void sweep_release(struct sweep *sweep)
{
	closep(&sweep->link_fd);
}

static int try_iterator(void *context)
{
	const struct sweep *sweep = context;
	_cleanup_(closep) int fd = bpf_iter_create(sweep->link_fd);

	return fd < 0 ? -errno : 0;
}

bool sweep_needs_rights(struct sweep *sweep)
{
	return sweep->bpf && privileges_run_without(try_iterator, sweep) < 0;
}

static int no_record(void *context _unused_, const struct record_header *record _unused_)
{
	return 0;
}

int sweep_tick(struct sweep *sweep, uint64_t now_ns, bool end)
{
	const struct record_sizes none = {};
	uint64_t wanted;
	int r;

	if (!sweep->bpf)
		return 0;
	wanted = sweep->bpf->bss->flow_counters.sweeps;
	if (!sweep_is_due(sweep, wanted, now_ns, end))
		return 0;
	sweep->done = wanted;
	sweep->swept_ns = clock_now_ns();
	r = iterator_run_link(sweep->link_fd, &none, no_record, NULL);
	sweep->took_ns = clock_now_ns() - sweep->swept_ns;
	return r;
}

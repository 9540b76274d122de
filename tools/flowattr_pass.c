/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_pass.h"

#include <bpf/bpf.h>
#include <string.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "lib/clock.h"
#include "lib/iterator.h"
#include "lib/privileges.h"
#include "tools/connection_existing.h"
#include "tools/connection_list.h"
#include "tools/connection_words.h"

/* One part in so many of the time goes into looking who holds sockets. */
#define HOLDERS_SHARE 100

static int link_map(const struct bpf_program *program, const struct bpf_map *map, int *ret_fd)
{
	if (!bpf_program__autoload(program))
		return 0;
	*ret_fd = iterator_link_map(program, bpf_map__fd(map));
	return *ret_fd < 0 ? *ret_fd : 0;
}

static int on_holder(void *context, const struct record_header *record)
{
	return socket_list_add(context, (const void *)record);
}

/* Not at each interval where there are many descriptors: who holds a socket rarely changes. */
static int look_for_holders(struct pass *pass)
{
	_cleanup_(socket_list_freep) struct socket_list *list = NULL;
	uint64_t begin_ns = clock_now_ns();
	int r;

	if (pass->holders_fd < 0 ||
	    begin_ns - pass->holders_ns < HOLDERS_SHARE * pass->holders_took_ns)
		return 0;
	r = socket_list_new(&list);
	if (!r)
		r = iterator_run_link(pass->holders_fd, &connection_sizes, on_holder, list);
	holders_clear(&pass->meter->holders);
	if (!r)
		r = socket_list_each(list, meter_socket, pass->meter);
	pass->holders_ns = clock_now_ns();
	pass->holders_took_ns = pass->holders_ns - begin_ns;
	return r;
}

int pass_begin(struct pass *pass, struct error *error)
{
	struct connection_bpf *bpf = pass->bpf;
	struct existing_options existing = {
		.process = &pass->meter->options->common.process,
		.loop = pass->loop,
		.on_record = meter_record,
		.on_socket =
			flowattr_options_need_packets(pass->meter->options) ? meter_existing : NULL,
		.context = pass->meter,
	};
	int r = link_map(bpf->progs.live_slots, bpf->maps.socket_slots, &pass->slots_fd);

	if (!r)
		r = link_map(bpf->progs.live_sockets, bpf->maps.sockets, &pass->sockets_fd);
	if (!r)
		r = link_map(bpf->progs.live_flows, bpf->maps.flows, &pass->flows_fd);
	if (!r)
		r = link_map(bpf->progs.live_shares, bpf->maps.shares, &pass->shares_fd);
	if (!r && flowattr_options_show(pass->meter->options, FIELD_HOLDERS)) {
		pass->holders_fd = iterator_link(bpf->progs.list_sockets);
		r = pass->holders_fd < 0 ? pass->holders_fd : 0;
	}
	if (r < 0)
		return error_set(error, r, "cannot make the iterators over flows: %s",
				 strerror(-r));
	r = existing_read(&existing, bpf);
	if (r < 0)
		return error_set(error, r, "cannot list what is open: %s", strerror(-r));
	return 0;
}

void pass_release(struct pass *pass)
{
	closep(&pass->slots_fd);
	closep(&pass->sockets_fd);
	closep(&pass->flows_fd);
	closep(&pass->shares_fd);
	closep(&pass->holders_fd);
}

static int run_link(struct pass *pass, int link_fd)
{
	if (link_fd < 0)
		return 0;
	return iterator_run_link(link_fd, &connection_sizes, meter_listed, pass->meter);
}

int pass_run(struct pass *pass)
{
	int r = loop_drain(pass->loop);

	if (r)
		return r;
	flow_table_pass(pass->meter->flows, clock_now_ns());
	r = run_link(pass, pass->slots_fd);
	if (!r && (pass->slots_fd < 0 || pass->bpf->bss->sockets_slotless))
		r = run_link(pass, pass->sockets_fd);
	if (!r)
		r = run_link(pass, pass->flows_fd);
	if (!r)
		r = look_for_holders(pass);
	if (!r)
		r = loop_drain(pass->loop); /* what ended while it was read */
	if (!r) /* behind the sockets' counters: their bytes have been called for by now */
		r = run_link(pass, pass->shares_fd);
	flow_table_split(pass->meter->flows);
	if (pass->holders_fd >= 0)
		holders_give(&pass->meter->holders, pass->meter->flows);
	if (r)
		return r;
	meter_fold(pass->meter, (const void *)&pass->bpf->bss->flow_counters);
	meter_end_interval(pass->meter, pass->bpf->bss->counters.lost_rows);
	return r;
}

static int try_iterator(void *context)
{
	const struct pass *pass = context;
	_cleanup_(closep) int fd =
		bpf_iter_create(pass->sockets_fd >= 0 ? pass->sockets_fd : pass->flows_fd);

	return fd < 0 ? -errno : 0;
}

bool pass_needs_rights(struct pass *pass)
{
	return privileges_run_without(try_iterator, pass) < 0;
}

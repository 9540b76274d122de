/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_existing.h"

#include "bpf/connection.h"
#include "connection.skel.h"
#include "lib/filter.h"
#include "lib/iterator.h"
#include "lib/loop.h"
#include "lib/netns.h"
#include "tools/connection_words.h"

struct existing {
	const struct existing_options *options;
	struct connection_bpf *bpf;
	struct socket_list *list;
	struct netns_set netns; /* of the sockets in the list */
	uint32_t *pids, *ppids; /* of all processes */
	size_t n_pids, pids_max;
};

static void existing_release(struct existing *existing)
{
	socket_list_free(existing->list);
	netns_set_release(&existing->netns);
	free(existing->pids);
	free(existing->ppids);
}

static int on_process(void *context, const struct record_header *record)
{
	struct existing *existing = context;
	const struct process_record *process = (const void *)record;
	size_t n = existing->n_pids;

	if (n == existing->pids_max) {
		size_t max = n ? 2 * n : 1024;
		uint32_t *pids = realloc(existing->pids, max * sizeof(*pids));
		uint32_t *ppids;

		if (!pids)
			return -ENOMEM;
		existing->pids = pids;
		ppids = realloc(existing->ppids, max * sizeof(*ppids));
		if (!ppids)
			return -ENOMEM;
		existing->ppids = ppids;
		existing->pids_max = max;
	}
	existing->pids[n] = process->id.tgid;
	existing->ppids[n] = process->id.ppid;
	existing->n_pids++;
	return existing->options->on_record(existing->options->context, record, record->length);
}

static int on_unheld(void *context, const struct record_header *record)
{
	struct existing *existing = context;

	return socket_list_add(existing->list, (const void *)record);
}

static int on_socket(void *context, const struct record_header *record)
{
	struct existing *existing = context;
	const struct connection *connection = &((const struct open_record *)record)->connection;
	int r = netns_set_add(&existing->netns, connection->netns, connection->owner.tgid);

	return r < 0 ? r : on_unheld(context, record);
}

static int list_unheld(void *context)
{
	struct existing *existing = context;
	const struct bpf_program *const programs[] = {existing->bpf->progs.list_unheld,
						      existing->bpf->progs.list_unheld_udp};
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(programs); i++)
		if (bpf_program__autoload(programs[i]))
			r = iterator_run(programs[i], &connection_sizes, on_unheld, existing);
	return r;
}

/* The iterator gives those of the network namespace that it is made in. */
static int list_unheld_everywhere(struct existing *existing)
{
	uint32_t own;
	int r = netns_own(&own);

	if (!r)
		r = list_unheld(existing);
	for (size_t i = 0; !r && i < existing->netns.n; i++) {
		if (existing->netns.members[i].inode == own)
			continue;
		r = netns_inside(&existing->netns.members[i], list_unheld, existing);
		if (r == -ESRCH || r == -EPERM || r == -EACCES) /* then they are left out */
			r = 0;
	}
	return r;
}

/* A child that is forked while its parent is not yet in the filter is found by the next pass. */
static int read_processes(struct existing *existing, struct connection_bpf *bpf)
{
	const struct bpf_program *program = bpf_program__autoload(bpf->progs.list_processes)
						    ? bpf->progs.list_processes
						    : bpf->progs.list_processes_no_args;
	const struct process_filter *filter = existing->options->process;
	int r;

	do {
		existing->n_pids = 0;
		r = iterator_run(program, &connection_sizes, on_process, existing);
		if (r < 0 || !filter->follow || !filter->n_pids)
			return r;
		r = filter_add_descendants(bpf_map__fd(bpf->maps.processes), existing->pids,
					   existing->ppids, existing->n_pids);
	} while (r > 0);
	return r;
}

/* As filter_selects_processes() of the kernel side. */
static bool selects_processes(const struct filter_config *filter)
{
	return filter->by_process || filter->by_user || filter->cgroup_id;
}

int existing_read(const struct existing_options *options, struct connection_bpf *bpf)
{
	_cleanup_(existing_release) struct existing existing = {.options = options, .bpf = bpf};
	int r;

	r = read_processes(&existing, bpf);
	if (!r) /* their cgroups come another way; behind it, what closes has been listed before */
		r = loop_drain(options->loop);
	if (r)
		return r;
	r = socket_list_new(&existing.list);
	if (!r)
		r = iterator_run(bpf->progs.list_sockets, &connection_sizes, on_socket, &existing);
	/* a socket without a holder has no process that a filter could want */
	if (!r && options->on_socket && !selects_processes(&bpf->rodata->settings.filter))
		r = list_unheld_everywhere(&existing);
	if (r < 0 || !options->on_socket)
		return r;
	return socket_list_each(existing.list, options->on_socket, options->context);
}

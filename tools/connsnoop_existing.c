/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_existing.h"

#include "bpf/connsnoop.h"
#include "connsnoop.skel.h"
#include "lib/clock.h"
#include "lib/filter.h"
#include "lib/iterator.h"
#include "lib/netns.h"
#include "tools/connsnoop_list.h"

struct existing {
	const struct connsnoop_options *options;
	struct stream *stream;
	struct connsnoop_bpf *bpf;
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
	return stream_record(existing->stream, record, record->length);
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
			r = iterator_run(programs[i], &connsnoop_sizes, on_unheld, existing);
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

/* Under --existing: will the stream tell of this socket by itself, or has it? What began under the
 * hooks' eyes; a connect that goes on; a request that is not a connection yet; one that is over. */
static bool is_told_elsewhere(const struct open_record *record)
{
	switch (record->connection.state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
	case TCP_NEW_SYN_RECV:
	case TCP_TIME_WAIT:
		return true;
	}
	return record->live;
}

static int on_listed(void *context, const struct open_record *record, const uint32_t *holders,
		     size_t n)
{
	struct existing *existing = context;

	if (existing->options->existing && is_told_elsewhere(record))
		return 0;
	return stream_open_socket(existing->stream, record, holders, n);
}

/* A child that is forked while its parent is not yet in the filter is found by the next pass. */
static int read_processes(struct existing *existing, struct connsnoop_bpf *bpf)
{
	const struct bpf_program *program = bpf_program__autoload(bpf->progs.list_processes)
						    ? bpf->progs.list_processes
						    : bpf->progs.list_processes_no_args;
	const struct process_filter *filter = &existing->options->common.process;
	int r;

	do {
		existing->n_pids = 0;
		r = iterator_run(program, &connsnoop_sizes, on_process, existing);
		if (r < 0 || !filter->follow || !filter->n_pids)
			return r;
		r = filter_add_descendants(bpf_map__fd(bpf->maps.processes), existing->pids,
					   existing->ppids, existing->n_pids);
	} while (r > 0);
	return r;
}

int existing_read(const struct connsnoop_options *options, struct connsnoop_bpf *bpf,
		  struct stream *stream)
{
	_cleanup_(existing_release) struct existing existing = {.options = options,
								.stream = stream,
								.bpf = bpf};
	bool print =
		(options->list || options->existing) && options->events & EVENT_BIT(RECORD_OPEN);
	int r;

	r = read_processes(&existing, bpf);
	if (r < 0)
		return r;
	r = socket_list_new(&existing.list);
	if (!r)
		r = iterator_run(bpf->progs.list_sockets, &connsnoop_sizes, on_socket, &existing);
	/* a socket without a holder has no process that a filter could want */
	if (!r && print)
		r = list_unheld_everywhere(&existing);
	if (r < 0 || !print)
		return r;
	return socket_list_each(existing.list, on_listed, &existing);
}

static int on_there(void *context, const struct record_header *record)
{
	stream_socket_is_there(context, &((const struct open_record *)record)->connection);
	return 0;
}

int existing_sweep(struct stream *stream, struct loop *loop, struct connsnoop_bpf *bpf, int link_fd)
{
	uint64_t before_ns = clock_now_ns();
	uint32_t own;
	int r = netns_own(&own);

	if (link_fd < 0)
		return 0;
	if (r < 0)
		return r;
	r = iterator_run_link(link_fd, &connsnoop_sizes, on_there, stream);
	if (r < 0) /* it cannot be looked any more (privileges are gone): nothing is called gone */
		return 0;
	/* what ended meanwhile has its record in the ring buffer */
	r = loop_drain(loop);
	if (r)
		return r;
	return stream_sweep(stream, own, before_ns, clock_now_ns(), bpf->bss->counters.lost_rows);
}

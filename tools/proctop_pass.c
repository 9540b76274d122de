/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_pass.h"

#include <bpf/bpf.h>
#include <string.h>

#include "bpf/proctop.h"
#include "proctop.skel.h"
#include "lib/descend.h"
#include "lib/iterator.h"
#include "lib/loop.h"
#include "lib/privileges.h"

int pass_link(struct pass *pass, struct error *error)
{
	pass->tasks_fd = iterator_link(pass->bpf->progs.list_tasks);
	if (pass->tasks_fd < 0)
		return error_set(error, pass->tasks_fd, "cannot list the threads: %s",
				 strerror(-pass->tasks_fd));
	pass->exited_fd = iterator_link_map(pass->bpf->progs.list_exited,
					    bpf_map__fd(pass->bpf->maps.exited));
	if (pass->exited_fd < 0)
		return error_set(error, pass->exited_fd, "cannot list exited threads: %s",
				 strerror(-pass->exited_fd));
	return 0;
}

void pass_unlink(struct pass *pass)
{
	closep(&pass->tasks_fd);
	closep(&pass->exited_fd);
}

static int try_iterator(void *context)
{
	const struct pass *pass = context;
	_cleanup_(closep) int fd = bpf_iter_create(pass->tasks_fd);

	return fd < 0 ? -errno : 0;
}

bool pass_needs_rights(struct pass *pass)
{
	return privileges_run_without(try_iterator, pass) < 0;
}

struct existing {
	struct meter *meter;
	struct descend descend;
};

static void existing_release(struct existing *existing)
{
	descend_release(&existing->descend);
}

static int on_process(void *context, const struct record_header *record)
{
	struct existing *existing = context;
	int r = descend_note(&existing->descend, (const void *)record);

	return r < 0 ? r : meter_listed(existing->meter, record);
}

int pass_read_processes(struct pass *pass)
{
	_cleanup_(existing_release) struct existing existing = {.meter = pass->meter};
	const struct process_filter *filter = &pass->meter->options->common.process;
	struct proctop_bpf *bpf = pass->bpf;
	const struct bpf_program *program = bpf_program__autoload(bpf->progs.list_processes)
						    ? bpf->progs.list_processes
						    : bpf->progs.list_processes_no_args;
	int r;

	do {
		r = iterator_run(program, &proctop_sizes, on_process, &existing);
		if (r < 0 || !filter->follow || !filter->n_pids)
			return r;
		r = descend_add(&existing.descend, bpf_map__fd(bpf->maps.processes));
	} while (r > 0);
	return r;
}

bool pass_has_exited(const struct pass *pass)
{
	const volatile struct proctop_counters *totals = &pass->bpf->bss->totals;

	return totals->exited_tasks != totals->gone_tasks;
}

int pass_take_exited(struct pass *pass)
{
	if (!pass_has_exited(pass))
		return 0;
	return iterator_run_link(pass->exited_fd, &proctop_sizes, meter_listed, pass->meter);
}

/* The ring buffer need not have room for all that have exited at a time. */
static int take_gone(struct pass *pass)
{
	const volatile struct proctop_counters *totals = &pass->bpf->bss->totals;
	uint64_t put_off;
	int r;

	do {
		put_off = totals->put_off_tasks;
		r = pass_take_exited(pass);
		if (!r)
			r = loop_drain(pass->loop);
	} while (!r && totals->put_off_tasks != put_off);
	return r;
}

int pass_run(struct pass *pass)
{
	int r = take_gone(pass);

	if (r)
		return r;
	meter_begin_pass(pass->meter);
	pass->bpf->bss->passed_ns = 0;
	r = iterator_run_link(pass->tasks_fd, &proctop_sizes, meter_listed, pass->meter);
	if (r < 0)
		return r;
	pass->bpf->bss->passed_ns = clock_boot_now_ns();
	meter_end_pass(pass->meter, &pass->bpf->bss->totals, &pass->bpf->bss->counters);
	return 0;
}

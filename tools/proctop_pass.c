/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_pass.h"

#include <string.h>

#include "bpf/proctop.h"
#include "proctop.skel.h"
#include "lib/iterator.h"
#include "lib/loop.h"

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

int pass_run(struct pass *pass)
{
	int r = pass_take_exited(pass);

	if (!r)
		r = loop_drain(pass->loop);
	if (r)
		return r;
	meter_begin_pass(pass->meter);
	r = iterator_run_link(pass->tasks_fd, &proctop_sizes, meter_listed, pass->meter);
	if (r < 0)
		return r;
	meter_end_pass(pass->meter, &pass->bpf->bss->totals, &pass->bpf->bss->counters);
	return 0;
}

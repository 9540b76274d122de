/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/descend.h"

#include "lib/filter.h"

int descend_note(struct descend *descend, const struct process_record *record)
{
	size_t n = descend->n;

	if (n == descend->max) {
		size_t max = n ? 2 * n : 1024;
		uint32_t *pids = realloc(descend->pids, max * sizeof(*pids));
		uint32_t *ppids;

		if (!pids)
			return -ENOMEM;
		descend->pids = pids;
		ppids = realloc(descend->ppids, max * sizeof(*ppids));
		if (!ppids)
			return -ENOMEM;
		descend->ppids = ppids;
		descend->max = max;
	}
	descend->pids[n] = record->id.tgid;
	descend->ppids[n] = record->id.ppid;
	descend->n++;
	return 0;
}

int descend_add(struct descend *descend, int processes_fd)
{
	size_t n = descend->n;

	descend->n = 0;
	return filter_add_descendants(processes_fd, descend->pids, descend->ppids, n);
}

void descend_release(struct descend *descend)
{
	freep(&descend->pids);
	freep(&descend->ppids);
}

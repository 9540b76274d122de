/* SPDX-License-Identifier: GPL-2.0-only */
/* Descendants that run already of the processes that -p -f names: found by an iterator over all
 * processes, added to the filter. */
#ifndef LIB_DESCEND_H
#define LIB_DESCEND_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "lib/base.h"

/* All zero is an empty one. */
struct descend {
	uint32_t *pids, *ppids; /* of all processes */
	size_t n, max;
};

/* One process that there is. Returns 0 or -ENOMEM. */
int descend_note(struct descend *descend, const struct process_record *record);

/* Adds to the map `processes` those whose ancestors are in it, and forgets all that were noted.
 * Returns how many: as long as there are any, a child may have been forked before its parent was
 * in the filter, and the next pass finds it. Or a negative errno. */
int descend_add(struct descend *descend, int processes_fd);

void descend_release(struct descend *descend);

#endif

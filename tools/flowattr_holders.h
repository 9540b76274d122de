/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processes hold which sockets: gathered in one look at all descriptors, given to the flows.
 */
#ifndef FLOWATTR_HOLDERS_H
#define FLOWATTR_HOLDERS_H

#include "tools/flowattr_table.h"

/* All zero is empty. */
struct holders {
	struct holding {
		uint64_t cookie;
		size_t first, n; /* in pids */
	} * sockets;
	uint32_t *pids;
	size_t n, max, n_pids, pids_max;
};

void holders_release(struct holders *holders);
void holders_clear(struct holders *holders);

/* @pids: @n of them, copied. Returns 0 or -ENOMEM. */
int holders_add(struct holders *holders, uint64_t cookie, const uint32_t *pids, size_t n);

/* Points each flow of the table to the holders of its socket (until the next change here). */
void holders_give(struct holders *holders, struct flow_table *table);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_sockets.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/connection.h"
#include "connection.skel.h"
#include "lib/base.h"

/* As many as this machine can have. */
static uint32_t sockets_max(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t n = pages > 0 ? (uint64_t)pages * (uint64_t)page_bytes / BYTES_FOR_A_SOCKET
			       : SOCKETS_MAX;

	if (n > SOCKETS_MAX)
		return SOCKETS_MAX;
	return n < SOCKETS_MIN ? SOCKETS_MIN : (uint32_t)n;
}

static uint32_t places(const struct connection_bpf *bpf)
{
	return bpf->rodata->hook_cpus * SOCKET_PLACES;
}

void sockets_size(struct connection_bpf *bpf, bool list, bool slots)
{
	uint32_t in_hash = sockets_max() + (slots ? 0 : places(bpf));
	uint32_t in_slots = slots ? SOCKET_SLOTS + places(bpf) : 1;

	bpf_map__set_max_entries(bpf->maps.sockets, list ? 1 : in_hash);
	bpf_map__set_max_entries(bpf->maps.socket_slots, list ? 1 : in_slots);
}

int sockets_make_places(struct connection_bpf *bpf)
{
	_cleanup_(freep) void *zeros = calloc(1, bpf_map__value_size(bpf->maps.sockets));

	if (!zeros)
		return -ENOMEM;
	for (uint64_t i = 0; i < places(bpf); i++) {
		uint64_t key = SOCKET_SLOTS + i;

		if (bpf_map_update_elem(bpf_map__fd(bpf->maps.sockets), &key, zeros, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_programs.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "lib/environment.h"
#include "lib/skeleton.h"
#include "packets.skel.h"
#include "packets_plain.skel.h"

#define RING_BYTES	 (64U << 20) /* bulk traffic on loopback fills 4 MB in a few ms */
#define RING_BYTES_HEADS (8U << 20)  /* if no more than heads of packets are kept */
#define HEADS		 2048	     /* bytes of those */

DEFINE_SKELETON_OPEN(packets)

static void bpfp(struct packets_bpf **bpf)
{
	packets_bpf__destroy(*bpf);
}

static int load(const struct packets_config *config, int traced_fd, bool can_cast, bool neighbours,
		struct packets_bpf **ret_bpf)
{
	_cleanup_(bpfp) struct packets_bpf *bpf = packets_open(can_cast);
	int r;

	if (!bpf)
		return -errno;
	memcpy((void *)&bpf->rodata->settings, config, sizeof(*config));
	bpf_map__set_max_entries(bpf->maps.records,
				 config->snaplen > HEADS ? RING_BYTES : RING_BYTES_HEADS);
	bpf_map__set_max_entries(bpf->maps.text_scratch, 1); /* of what is shared, not used here */
	bpf_map__set_max_entries(bpf->maps.cgroups_announced, 1);
	if (config->by_process) {
		r = bpf_map__reuse_fd(bpf->maps.traced, traced_fd);
		if (r < 0)
			return r;
	}
	bpf_program__set_autoload(bpf->progs.on_neighbour, neighbours);
	environment_skip_modules(bpf->progs.on_transmit);
	r = packets_bpf__load(bpf);
	if (r < 0)
		return r;
	*ret_bpf = bpf;
	bpf = NULL;
	return 0;
}

/* Whether tracing programs may read a packet's pages, only trying tells: quietly. */
static int load_with_pages(const struct packets_config *config, int traced_fd, bool can_cast,
			   bool neighbours, struct packets_bpf **ret_bpf)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct packets_config with = *config;
	int r;

	with.has_dynptr = true;
	r = load(&with, traced_fd, can_cast, neighbours, ret_bpf);
	libbpf_set_print(print);
	return r;
}

int packets_load(const struct packets_config *config, int traced_fd, struct packets_bpf **ret_bpf,
		 struct error *error)
{
	_cleanup_(environment_freep) struct environment *environment = NULL;
	int r = environment_new(&environment, error);
	bool can_cast, neighbours, pages;

	if (r < 0)
		return r;
	can_cast = environment_has_function(environment, "bpf_rdonly_cast");
	pages = environment_has_function(environment, "bpf_dynptr_from_skb");
	neighbours = environment_has_tracepoint(environment, "neigh_create");
	environment_forget_types(environment); /* libbpf reads them once more for itself */
	if (pages && !load_with_pages(config, traced_fd, can_cast, neighbours, ret_bpf))
		return 0;
	r = load(config, traced_fd, can_cast, neighbours, ret_bpf);
	if (r < 0)
		return error_set(error, r,
				 "the kernel refused the BPF programs for packets: %s; -v shows "
				 "its reasons",
				 strerror(-r));
	return 0;
}

void packets_unload(struct packets_bpf *bpf)
{
	packets_bpf__destroy(bpf);
}

int packets_attach(struct packets_bpf *bpf, struct error *error)
{
	int r = packets_bpf__attach(bpf);

	return r < 0 ? error_set(error, r, "cannot attach the BPF programs for packets: %s",
				 strerror(-r))
		     : 0;
}

void packets_detach(struct packets_bpf *bpf)
{
	packets_bpf__detach(bpf);
}

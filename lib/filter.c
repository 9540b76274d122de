/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/filter.h"

#include <bpf/bpf.h>
#include <fnmatch.h>
#include <string.h>

#include "lib/pidns.h"

#define FOLLOWED_MAX 32768 /* processes that are followed at one time */

_Static_assert(FILTER_CIDRS_MAX == FILTER_CIDRS, "address ranges on both sides");

int filter_check(const struct process_filter *process, bool command, struct error *error)
{
	if ((!command && !process->n_pids) || pidns_is_initial("pid"))
		return 0;
	return error_set(error, -EOPNOTSUPP,
			 "in a PID namespace, as containers have one, process ids are not those "
			 "that the kernel goes by: %s cannot be traced; run it outside, or in a "
			 "container with the host's ids (--pid=host)",
			 command ? "a COMMAND" : "-p");
}

void filter_configure(const struct process_filter *process, const struct traffic_filter *traffic,
		      bool command, struct filter_config *ret_config)
{
	struct filter_config *config = ret_config;

	memset(config, 0, sizeof(*config));
	config->by_process = process->n_pids > 0 || command;
	config->follow = process->follow || command;
	config->by_user = process->n_uids > 0;
	config->netns = process->netns;
	config->cgroup_id = process->cgroup_id;
	if (!traffic)
		return;
	config->ports = (traffic->n_ports ? PORT_ANY : 0) |
			(traffic->n_local_ports ? PORT_LOCAL : 0) |
			(traffic->n_remote_ports ? PORT_REMOTE : 0);
	config->ipv4_only = traffic->ipv4_only;
	config->ipv6_only = traffic->ipv6_only;
	config->n_cidrs = traffic->n_cidrs;
	for (size_t i = 0; i < traffic->n_cidrs; i++) {
		memcpy(config->cidrs[i].address, traffic->cidrs[i].address, 16);
		memcpy(config->cidrs[i].mask, traffic->cidrs[i].mask, 16);
	}
}

uint32_t filter_processes_max(const struct filter_config *config)
{
	if (!config->by_process)
		return 1;
	/* one that has ended takes a second entry for a while */
	return 2 * (config->follow ? FOLLOWED_MAX : FILTER_MAP_MAX);
}

static int add_ports(int fd, const uint16_t *ports, size_t n, uint8_t bit)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t bits = 0;

		if (bpf_map_lookup_elem(fd, &ports[i], &bits) < 0)
			bits = 0;
		bits |= bit;
		if (bpf_map_update_elem(fd, &ports[i], &bits, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int filter_add_process(int processes_fd, uint32_t pid)
{
	uint8_t one = 1;

	return bpf_map_update_elem(processes_fd, &pid, &one, BPF_ANY) < 0 ? -errno : 0;
}

int filter_fill_maps(const struct process_filter *process, const struct traffic_filter *traffic,
		     int processes_fd, int users_fd, int ports_fd)
{
	uint8_t one = 1;
	int r = 0;

	for (size_t i = 0; i < process->n_pids && !r; i++)
		r = filter_add_process(processes_fd, process->pids[i]);
	for (size_t i = 0; i < process->n_uids && !r; i++)
		if (bpf_map_update_elem(users_fd, &process->uids[i], &one, BPF_ANY) < 0)
			r = -errno;
	if (!traffic)
		return r;
	if (!r)
		r = add_ports(ports_fd, traffic->ports, traffic->n_ports, PORT_ANY);
	if (!r)
		r = add_ports(ports_fd, traffic->local_ports, traffic->n_local_ports, PORT_LOCAL);
	if (!r)
		r = add_ports(ports_fd, traffic->remote_ports, traffic->n_remote_ports,
			      PORT_REMOTE);
	return r;
}

int filter_add_descendants(int processes_fd, const uint32_t *pids, const uint32_t *ppids, size_t n)
{
	int added = 0, before;

	/* parents may stand behind their children in the list: until nothing is new */
	do {
		before = added;
		for (size_t i = 0; i < n; i++) {
			uint8_t value;
			int r;

			if (bpf_map_lookup_elem(processes_fd, &pids[i], &value) == 0 ||
			    bpf_map_lookup_elem(processes_fd, &ppids[i], &value) < 0)
				continue;
			r = filter_add_process(processes_fd, pids[i]);
			if (r < 0)
				return r;
			added++;
		}
	} while (added > before);
	return added;
}

bool filter_wants_name(const struct process_filter *process, const char *name)
{
	for (size_t i = 0; i < process->n_names; i++)
		if (fnmatch(process->names[i], name, 0) == 0)
			return true;
	return !process->n_names;
}

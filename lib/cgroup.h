/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths of cgroups: by their id, and the container that such a path tells of. */
#ifndef LIB_CGROUP_H
#define LIB_CGROUP_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* The id (or name) of the innermost container that @path, of a cgroup, lies in: points into @path,
 * *@ret_length bytes; NULL: none, and *@ret_length is untouched. Known are
 *   64 hex digits     of docker, containerd, CRI-O, podman: "docker/ID", "kubepods/.../ID",
 *                     "docker-ID.scope", "...slice:cri-containerd:ID"; not those of conmon
 *   lxc.payload.NAME, lxc.payload/NAME, lxc/NAME
 *   machine-NAME.scope of systemd-machined, NAME as systemd escapes it */
const char *cgroup_container(const char *path, size_t *ret_length);

/* Where the cgroup v2 hierarchy is mounted. Returns 0, -ENOENT if it is not, or another negative
 * errno. */
int cgroup_find_mount(char ret_path[PATH_MAX]);

/* Opens the root of that hierarchy; where it is not mounted (`ip netns exec` hides all that is
 * below /sys), by a mount of its own that nobody else sees. Returns a descriptor or a negative
 * errno. */
int cgroup_open_root(void);

struct cgroup_table;

/* @max: bound of the table; when full, the one that was used least lately is forgotten: the kernel
 * side tells of none again that stays in use. 0: the default of 16,384. Returns 0 or -ENOMEM. */
int cgroup_table_new(size_t max, struct cgroup_table **ret_table);
void cgroup_table_free(struct cgroup_table *table);
static inline void cgroup_table_freep(struct cgroup_table **table)
{
	cgroup_table_free(*table);
	*table = NULL;
}

/* Takes a RECORD_CGROUP, of which @length bytes are there. A path seen before is replaced.
 * Returns 0, -EBADMSG if lengths do not add up, or -ENOMEM. */
int cgroup_table_add(struct cgroup_table *table, const struct cgroup_record *record, size_t length);

/* Path of a cgroup, "/" for the root; NULL: unknown. Borrowed until the next add. It counts as a
 * use: what begins a process in a cgroup asks, too, as the kernel side does for its own memory. */
const char *cgroup_table_find(struct cgroup_table *table, uint64_t cgroup_id);

#endif

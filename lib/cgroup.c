/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/cgroup.h"

#include <fcntl.h>
#include <mntent.h>
#include <string.h>
#include <sys/mount.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/base.h"
#include "lib/name.h"
#include "lib/record.h"

#define CGROUPS_MAX	    16384
#define CONTAINER_ID_LENGTH 64

static bool text_begins(struct text text, const char *word)
{
	return text.length > strlen(word) && !memcmp(text.start, word, strlen(word));
}

static bool text_ends(struct text text, const char *word)
{
	size_t length = strlen(word);

	return text.length > length && !memcmp(text.start + text.length - length, word, length);
}

/* [RUNTIME-]ID[.scope], [SLICE:RUNTIME:]ID */
static struct text part_id(struct text part)
{
	struct text id = {.length = CONTAINER_ID_LENGTH};

	if (text_ends(part, ".scope"))
		part.length -= strlen(".scope");
	if (part.length < id.length)
		return (struct text){};
	id.start = part.start + part.length - id.length;
	for (size_t i = 0; i < id.length; i++) {
		if (!id.start[i] || !strchr("0123456789abcdef", id.start[i]))
			return (struct text){};
	}
	part.length -= id.length;
	if (part.length && part.start[part.length - 1] != '-' && part.start[part.length - 1] != ':')
		return (struct text){};
	/* conmon looks after a container from outside of it. */
	if (text_ends(part, "-conmon-"))
		return (struct text){};
	return id;
}

/* The container that one component names; @parent is the component before. */
static struct text part_container(struct text part, struct text parent)
{
	if (text_begins(part, "lxc.payload."))
		return (struct text){.start = part.start + strlen("lxc.payload."),
				     .length = part.length - strlen("lxc.payload.")};
	if ((parent.length == 3 && !memcmp(parent.start, "lxc", 3)) ||
	    (parent.length == 11 && !memcmp(parent.start, "lxc.payload", 11)))
		return part;
	if (text_begins(part, "machine-") && text_ends(part, ".scope") &&
	    part.length > strlen("machine-.scope"))
		return (struct text){.start = part.start + strlen("machine-"),
				     .length = part.length - strlen("machine-.scope")};
	return part_id(part);
}

const char *cgroup_container(const char *path, size_t *ret_length)
{
	struct text parent = {}, found = {};

	while (*path) {
		struct text part = {.start = path, .length = strcspn(path, "/")};
		struct text container = {};

		path += part.length;
		path += strspn(path, "/");
		if (!part.length)
			continue;
		container = part_container(part, parent);
		if (container.start)
			found = container;
		parent = part;
	}
	if (found.start)
		*ret_length = found.length;
	return found.start;
}

struct cgroup {
	uint64_t id;
	UT_hash_handle hh;
	char path[];
};

struct cgroup_table {
	struct cgroup *cgroups; /* uthash; its order is that of use, the longest unused first */
	size_t max;
};

int cgroup_table_new(size_t max, struct cgroup_table **ret_table)
{
	struct cgroup_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->max = max ? max : CGROUPS_MAX;
	*ret_table = table;
	return 0;
}

static void cgroup_remove(struct cgroup_table *table, struct cgroup *cgroup)
{
	HASH_DEL(table->cgroups, cgroup);
	free(cgroup);
}

void cgroup_table_free(struct cgroup_table *table)
{
	if (!table)
		return;
	while (table->cgroups)
		cgroup_remove(table, table->cgroups);
	free(table);
}

static struct cgroup *cgroup_find(const struct cgroup_table *table, uint64_t id)
{
	struct cgroup *cgroup;

	HASH_FIND(hh, table->cgroups, &id, sizeof(id), cgroup);
	return cgroup;
}

/* The last one in order from now on. Returns 0, or -ENOMEM: it is freed. */
static int cgroup_append(struct cgroup_table *table, struct cgroup *cgroup)
{
	HASH_ADD(hh, table->cgroups, id, sizeof(cgroup->id), cgroup);
	if (cgroup->hh.tbl)
		return 0;
	free(cgroup); /* how uthash says it */
	return -ENOMEM;
}

int cgroup_table_add(struct cgroup_table *table, const struct cgroup_record *record, size_t length)
{
	struct cgroup *cgroup, *old;
	size_t path_length;

	if (length < sizeof(*record))
		return -EBADMSG;
	path_length = record->path_length;
	if (path_length > RECORD_DATA_MAX || path_length > length - sizeof(*record) ||
	    (path_length && record->data[path_length - 1] != '\0'))
		return -EBADMSG;

	cgroup = calloc(1, sizeof(*cgroup) + path_length + 2);
	if (!cgroup)
		return -ENOMEM;
	cgroup->id = record->cgroup_id;
	record_join_path(record->data, path_length, cgroup->path);

	old = cgroup_find(table, cgroup->id);
	if (!old && HASH_COUNT(table->cgroups) >= table->max)
		old = table->cgroups;
	if (old)
		cgroup_remove(table, old);
	return cgroup_append(table, cgroup);
}

const char *cgroup_table_find(struct cgroup_table *table, uint64_t cgroup_id)
{
	struct cgroup *cgroup;

	if (cgroup_id == CGROUP_ROOT_ID) /* never announced: it has no name */
		return "/";
	cgroup = cgroup_find(table, cgroup_id);
	if (cgroup && cgroup->hh.next) {
		HASH_DEL(table->cgroups, cgroup);
		if (cgroup_append(table, cgroup) < 0)
			return NULL;
	}
	return cgroup ? cgroup->path : NULL;
}

/* Not always /sys/fs/cgroup, see cgroups(7). */
int cgroup_find_mount(char ret_path[PATH_MAX])
{
	char line[2 * PATH_MAX];
	struct mntent entry;
	int r = -ENOENT;
	FILE *mounts;

	mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return -errno;
	while (r < 0 && getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_type, "cgroup2") != 0 || strlen(entry.mnt_dir) >= PATH_MAX)
			continue;
		memcpy(ret_path, entry.mnt_dir, strlen(entry.mnt_dir) + 1);
		r = 0;
	}
	endmntent(mounts);

	return r;
}

/* A mount that nobody else sees and that goes with its descriptor. */
static int mount_privately(void)
{
	_cleanup_(closep) int context = fsopen("cgroup2", FSOPEN_CLOEXEC);
	int root;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	root = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return root < 0 ? -errno : root;
}

int cgroup_open_root(void)
{
	char path[PATH_MAX];
	int fd;

	if (cgroup_find_mount(path) < 0)
		return mount_privately();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/process.h"

#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "lib/image.h"
#include "lib/procfs.h"

#define PROCESSES_MAX  65536
#define DEAD_BYTES_MAX (32U << 20)

/* How much to believe: of two sayings of the same program, the higher one stays. */
enum rank { RANK_NONE, RANK_PROCFS, RANK_ITER, RANK_FORK, RANK_EXEC };

/* What a process runs after its exec number exec_id. */
struct program {
	struct image *image; /* NULL: nothing is known */
	uint64_t exec_id;
	uint8_t source; /* enum name_source */
	uint8_t rank;	/* enum rank */
	bool visited;	/* procfs was asked */
};

struct entry_key {
	uint64_t start_ns;
	uint64_t tgid;
};

struct entry {
	struct entry_key key;
	struct program now;
	struct program before;	   /* the one before the last exec, if pinned then */
	struct entry *prev, *next; /* in process_table.dead */
	size_t dead_bytes;	   /* its part of process_table.dead_bytes */
	uint32_t pins;
	bool dead;
	UT_hash_handle hh;
};

struct process_table {
	struct entry *entries; /* uthash; its order is that of adding */
	struct entry *dead;    /* utlist: dead and not pinned, the longest dead first */
	size_t max;
	size_t dead_bytes, dead_bytes_max; /* of the names of those in `dead` */
	int proc_fd;
	struct process_table_stats stats;
};

const char *process_name_source(enum name_source source)
{
	static const char *const words[NAME_SOURCES] = {
		[NAME_COMM] = "comm",	  [NAME_EXEC] = "exec",	  [NAME_ITER] = "iter",
		[NAME_FORK] = "fork",	  [NAME_EXE] = "exe",	  [NAME_CMDLINE] = "cmdline",
		[NAME_KERNEL] = "kernel", [NAME_GUESS] = "guess",
	};

	return words[source];
}

int process_table_new(const struct process_table_options *options, struct process_table **ret_table)
{
	struct process_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->proc_fd = options->proc_fd;
	table->max = options->processes_max ? options->processes_max : PROCESSES_MAX;
	table->dead_bytes_max = options->dead_bytes_max ? options->dead_bytes_max : DEAD_BYTES_MAX;
	*ret_table = table;
	return 0;
}

static void dead_remove(struct process_table *table, struct entry *entry)
{
	DL_DELETE(table->dead, entry);
	table->dead_bytes -= entry->dead_bytes;
}

static void entry_remove(struct process_table *table, struct entry *entry)
{
	HASH_DEL(table->entries, entry);
	if (entry->dead && !entry->pins)
		dead_remove(table, entry);
	image_unref(entry->now.image);
	image_unref(entry->before.image);
	free(entry);
}

void process_table_free(struct process_table *table)
{
	if (!table)
		return;
	while (table->entries)
		entry_remove(table, table->entries);
	free(table);
}

/* Names that are shared count for each. */
static void dead_add(struct process_table *table, struct entry *entry)
{
	entry->dead_bytes = entry->now.image ? entry->now.image->bytes : 0;
	table->dead_bytes += entry->dead_bytes;
	DL_APPEND(table->dead, entry);
	while (table->dead_bytes > table->dead_bytes_max) {
		entry_remove(table, table->dead);
		table->stats.evicted++;
	}
}

static struct entry *entry_find(const struct process_table *table, uint32_t tgid, uint64_t start_ns)
{
	struct entry_key key = {.start_ns = start_ns, .tgid = tgid};
	struct entry *entry;

	HASH_FIND(hh, table->entries, &key, sizeof(key), entry);
	return entry;
}

static struct entry *entry_of(const struct process_table *table, const struct process_id *id)
{
	return entry_find(table, id->tgid, id->start_ns);
}

/* A new entry of which nothing is known. A full table forgets who died first, of those that nobody
 * pinned; if all live or are pinned, who was added first. NULL: no memory. */
static struct entry *entry_new(struct process_table *table, const struct process_id *id)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->key = (struct entry_key){.start_ns = id->start_ns, .tgid = id->tgid};
	entry->now.exec_id = id->exec_id;
	if (HASH_COUNT(table->entries) >= table->max) {
		entry_remove(table, table->dead ? table->dead : table->entries);
		table->stats.evicted++;
	}
	HASH_ADD(hh, table->entries, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) { /* how uthash says it */
		free(entry);
		return NULL;
	}
	return entry;
}

static const struct program *entry_program(const struct entry *entry, uint64_t exec_id)
{
	if (entry && entry->now.exec_id == exec_id)
		return &entry->now;
	if (entry && entry->before.image && entry->before.exec_id == exec_id)
		return &entry->before;
	return NULL;
}

/* The process has become another program, of which nothing is known yet. */
static void entry_exec(struct entry *entry, uint64_t exec_id)
{
	image_unrefp(&entry->before.image);
	if (entry->pins)
		entry->before = entry->now;
	else
		image_unref(entry->now.image);
	entry->now = (struct program){.exec_id = exec_id};
}

/* Takes over the reference to @image. */
static void entry_learn(struct entry *entry, struct image *image, enum name_source source,
			enum rank rank)
{
	image_unref(entry->now.image);
	entry->now.image = image;
	entry->now.source = source;
	entry->now.rank = rank;
}

/* A child runs what its parent process ran as it forked; a kernel thread's name is its own. */
static struct image *fork_image(const struct process_table *table,
				const struct process_record *record)
{
	const struct entry *parent =
		entry_find(table, record->parent_tgid, record->parent_start_ns);
	const struct program *program = entry_program(parent, record->parent_exec_id);

	if (!program || program->source == NAME_KERNEL || record->id.flags & PROCESS_KTHREAD)
		return NULL;
	return image_ref(program->image);
}

/* What a record tells of its process, of which @entry is known so far, or NULL. *@ret_image is NULL
 * if it tells nothing. Returns 0 or -ENOMEM. */
static int record_image(const struct process_table *table, const struct process_record *record,
			const struct record_texts *texts, const struct entry *entry,
			struct image **ret_image, enum name_source *ret_source)
{
	const struct image *before = NULL;

	if (record->origin == PROCESS_FORK) {
		*ret_image = fork_image(table, record);
		*ret_source = NAME_FORK;
		return 0;
	}
	if (record->id.flags & PROCESS_KTHREAD) {
		*ret_image = texts->kthread ? image_new_kernel(texts->kthread) : NULL;
		*ret_source = NAME_KERNEL;
		return texts->kthread && !*ret_image ? -ENOMEM : 0;
	}
	/* Only a program that this process itself execed, and execed last. */
	if (entry && entry->now.rank == RANK_EXEC && entry->now.exec_id + 1 == record->id.exec_id)
		before = entry->now.image;
	return image_new_record(record, texts, before, ret_image, ret_source);
}

/* Adds what procfs tells of @entry's program to what is known of it. */
static void entry_visit(struct process_table *table, struct entry *entry,
			const struct process_id *id)
{
	struct procfs_process process;
	const struct image *known;
	enum name_source source;
	struct image *image;

	if (id->exec_id > entry->now.exec_id)
		entry_exec(entry, id->exec_id);
	entry->now.visited = true;
	table->stats.procfs_lookups++;
	if (procfs_read(table->proc_fd, id, &process) < 0)
		return;
	known = entry->now.image;
	image = image_new_procfs(&process, known, &source);
	if (image)
		entry_learn(entry, image, known && !known->undecided ? entry->now.source : source,
			    known ? entry->now.rank : RANK_PROCFS);
}

int process_table_add(struct process_table *table, const struct process_record *record,
		      size_t length)
{
	static const enum rank ranks[] = {
		[PROCESS_EXEC] = RANK_EXEC, [PROCESS_FORK] = RANK_FORK, [PROCESS_ITER] = RANK_ITER};
	_cleanup_(image_unrefp) struct image *image = NULL;
	struct record_texts texts;
	enum name_source source;
	struct entry *entry;
	enum rank rank;
	int r;

	if (image_record_texts(record, length, &texts) < 0 || !record->id.tgid ||
	    !record->id.start_ns || strnlen(record->id.comm, COMM_SIZE) == COMM_SIZE ||
	    record->origin >= ARRAY_SIZE(ranks) || !ranks[record->origin])
		return -EBADMSG;
	rank = ranks[record->origin];
	entry = entry_of(table, &record->id);
	if (entry && (record->id.exec_id < entry->now.exec_id ||
		      (record->id.exec_id == entry->now.exec_id && rank < entry->now.rank)))
		return 0;
	r = record_image(table, record, &texts, entry, &image, &source);
	if (r < 0)
		return r;
	if (!entry)
		entry = entry_new(table, &record->id);
	if (!entry)
		return -ENOMEM;
	if (record->id.exec_id > entry->now.exec_id)
		entry_exec(entry, record->id.exec_id);
	if (image)
		entry_learn(entry, image_ref(image), source, rank);
	/* Kernels before 5.18 tell no arguments of what runs already. Later it may be dead. */
	if (rank == RANK_ITER && image && texts.exe && !image->args && table->proc_fd >= 0)
		entry_visit(table, entry, &record->id);
	return 0;
}

void process_table_exit(struct process_table *table, const struct process_id *id)
{
	struct entry *entry = entry_of(table, id);

	/* Also one that nobody knows: that it is dead is reason enough not to look for it. */
	if (!entry && id->start_ns && !(id->flags & PROCESS_KTHREAD))
		entry = entry_new(table, id);
	if (!entry || entry->dead)
		return;
	entry->dead = true;
	if (!entry->pins)
		dead_add(table, entry);
}

void process_table_pin(struct process_table *table, const struct process_id *id)
{
	struct entry *entry = entry_of(table, id);

	if (!entry)
		return;
	if (entry->dead && !entry->pins)
		dead_remove(table, entry);
	entry->pins++;
}

void process_table_unpin(struct process_table *table, const struct process_id *id)
{
	struct entry *entry = entry_of(table, id);

	/* No pins: pinned, forgotten and met again since then. */
	if (!entry || !entry->pins || --entry->pins)
		return;
	image_unrefp(&entry->before.image);
	if (entry->dead)
		dead_add(table, entry);
}

/* Whether procfs may be asked, and has something to tell. */
static bool entry_wants_visit(const struct process_table *table, const struct entry *entry,
			      const struct process_id *id, bool need_args)
{
	const struct image *image;

	if (table->proc_fd < 0 || !id->start_ns || !id->tgid)
		return false;
	if (!entry || id->exec_id > entry->now.exec_id)
		return !entry || !entry->dead;
	if (entry->dead || entry->now.visited || id->exec_id < entry->now.exec_id)
		return false;
	image = entry->now.image;
	return !image || image->undecided || (need_args && !image->args);
}

/* A kernel thread without a full name. Its comm may have been set since it was last asked for.
 */
static void entry_name_kernel(struct entry *entry, const struct process_id *id)
{
	struct image *image;

	if (entry->now.rank > RANK_PROCFS || entry->now.exec_id != id->exec_id ||
	    image_is_kernel(entry->now.image, id->comm))
		return;
	image = image_new_kernel(id->comm);
	if (image)
		entry_learn(entry, image, NAME_KERNEL, RANK_PROCFS);
}

void process_table_find(struct process_table *table, const struct process_id *id, bool need_args,
			struct process_names *ret_names)
{
	struct process_names names = {.name = id->comm};
	struct entry *entry = entry_of(table, id);
	const struct program *program;

	if (id->flags & PROCESS_KTHREAD) {
		names.source = NAME_KERNEL;
		if (!entry && id->start_ns)
			entry = entry_new(table, id);
		if (entry)
			entry_name_kernel(entry, id);
	} else if (entry_wants_visit(table, entry, id, need_args)) {
		if (!entry)
			entry = entry_new(table, id);
		if (entry)
			entry_visit(table, entry, id);
	}

	program = entry_program(entry, id->exec_id);
	if (program && program->image) {
		names.name = program->image->name;
		names.exe = program->image->exe;
		names.script = program->image->script;
		names.args = program->image->args;
		names.args_length = program->image->args_length;
		names.args_cut = program->image->args_cut;
		names.source = program->source;
	}
	table->stats.found[names.source]++;
	*ret_names = names;
}

void process_table_get_stats(const struct process_table *table,
			     struct process_table_stats *ret_stats)
{
	*ret_stats = table->stats;
}

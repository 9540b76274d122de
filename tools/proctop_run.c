/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_run.h"

#include <string.h>

#include "tools/proctop_sort.h"

struct entry {
	struct line line;
	struct account account; /* a copy of the first one's, for what they have in common */
	UT_hash_handle hh;
	size_t key_length;
	char key[]; /* name, NUL, parent's name, NUL */
};

struct run {
	struct entry *entries; /* uthash */
	struct line others;
	struct line *lines;
};

int run_new(struct run **ret_run)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return -ENOMEM;
	run->others = (struct line){.name = "(others)", .ended = true, .final = true};
	*ret_run = run;
	return 0;
}

void run_free(struct run *run)
{
	struct entry *entry, *next;

	if (!run)
		return;
	HASH_ITER (hh, run->entries, entry, next) {
		HASH_DEL(run->entries, entry);
		free(entry);
	}
	free(run->lines);
	free(run);
}

void run_add_others(struct run *run, const struct usage *usage, uint64_t threads)
{
	usage_add(&run->others.used, usage);
	run->others.cpu_ns += usage->sums.cpu_ns;
	run->others.count += (uint32_t)threads;
}

/* Returns 0, -ENOSPC (no more lines), or -ENOMEM. */
static int entry_new(struct run *run, const struct account *account, const char *key, size_t length,
		     struct entry **ret_entry)
{
	struct entry *entry;

	if (HASH_COUNT(run->entries) >= RUN_MAX)
		return -ENOSPC;
	entry = calloc(1, sizeof(*entry) + length);
	if (!entry)
		return -ENOMEM;
	memcpy(entry->key, key, length);
	entry->key_length = length;
	entry->account = *account;
	entry->line = (struct line){.account = &entry->account,
				    .name = entry->key,
				    .parent = entry->key + strlen(key) + 1,
				    .ended = true,
				    .final = true};
	HASH_ADD(hh, run->entries, key, length, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	*ret_entry = entry;
	return 0;
}

int run_add(struct run *run, const struct account *account, uint64_t age_ns, const char *name,
	    const char *parent)
{
	size_t name_length = strlen(name) + 1, length = name_length + strlen(parent) + 1;
	_cleanup_(freep) char *key = malloc(length);
	struct entry *entry;
	struct line *line;
	int r = 0;

	if (!key)
		return -ENOMEM;
	memcpy(key, name, name_length);
	strcpy(key + name_length, parent);
	HASH_FIND(hh, run->entries, key, length, entry);
	if (!entry)
		r = entry_new(run, account, key, length, &entry);
	if (r == -ENOSPC) {
		run_add_others(run, &account->total, 1);
		return 0;
	}
	if (r < 0)
		return r;
	line = &entry->line;
	usage_add(&line->used, &account->total);
	line->cpu_ns += account->total.sums.cpu_ns;
	line->folded = line->count++ > 0;
	line->final = line->final && account->final;
	line->ended = line->ended && account->ended;
	line->threads += account->threads;
	line->rss_bytes += account->ended ? 0 : account->rss_bytes;
	line->age_ns = age_ns > line->age_ns ? age_ns : line->age_ns;
	line->many_ppids |= entry->account.id.ppid != account->id.ppid;
	line->many_uids |= entry->account.id.uid != account->id.uid;
	line->many_exits |= entry->account.exit_code != account->exit_code;
	return 0;
}

static int compare(const void *a, const void *b, void *field)
{
	return line_compare(a, b, *(const enum proctop_field *)field, false);
}

ssize_t run_lines(struct run *run, enum proctop_field sort, const struct line **ret_lines)
{
	struct line *lines = calloc(HASH_COUNT(run->entries) + 1, sizeof(*lines));
	struct entry *entry, *next;
	size_t n = 0;

	if (!lines)
		return -ENOMEM;
	HASH_ITER (hh, run->entries, entry, next)
		lines[n++] = entry->line;
	if (run->others.count || run->others.cpu_ns)
		lines[n++] = run->others;
	qsort_r(lines, n, sizeof(*lines), compare, &sort);
	free(run->lines);
	run->lines = lines;
	*ret_lines = lines;
	return (ssize_t)n;
}

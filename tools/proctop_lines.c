/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_lines.h"

#include <string.h>
#include <strings.h>

#include "lib/buffer.h"
#include "lib/filter.h"
#include "tools/proctop_sort.h"
#include "tools/proctop_tree.h"

/* A line and what it takes to fold it. */
struct entry {
	struct line line;
	size_t name_at, parent_at; /* in lines.texts */
};

struct lines {
	struct entry *entries;
	struct line *result;
	size_t n, max;
	struct buffer texts; /* names: the table may forget one while another is asked for */
};

int lines_new(struct lines **ret_lines)
{
	*ret_lines = calloc(1, sizeof(**ret_lines));
	return *ret_lines ? 0 : -ENOMEM;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	free(lines->entries);
	free(lines->result);
	buffer_release(&lines->texts);
	free(lines);
}

static int make_room(struct lines *lines, size_t n)
{
	size_t max = n + n / 4;
	struct entry *entries;
	struct line *result;

	if (n <= lines->max)
		return 0;
	entries = realloc(lines->entries, max * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	lines->entries = entries;
	result = realloc(lines->result, max * sizeof(*result));
	if (!result)
		return -ENOMEM;
	lines->result = result;
	lines->max = max;
	return 0;
}

static size_t keep_text(struct lines *lines, const char *text)
{
	size_t at = lines->texts.length;

	buffer_append(&lines->texts, text, strlen(text) + 1);
	return at;
}

bool lines_has_text(const struct process_names *names, const char *text)
{
	char command[ARGS_MAX + 1];
	size_t length = names->args_length;

	if (strcasestr(names->name, text))
		return true;
	if (!names->args || !length)
		return false;
	if (length > ARGS_MAX)
		length = ARGS_MAX;
	if (!names->args[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		command[i] = names->args[i] ? names->args[i] : ' ';
	command[length] = '\0';
	return strcasestr(command, text);
}

static bool wanted(const struct account *account, const struct process_names *names,
		   const struct lines_options *options)
{
	if (options->no_kernel && account->id.flags & PROCESS_KTHREAD)
		return false;
	if (options->by_uid && account->id.uid != options->uid)
		return false;
	if (options->text && !lines_has_text(names, options->text))
		return false;
	return !options->filter || filter_wants_name(options->filter, names->name);
}

void lines_parent_name(struct process_table *processes, const struct account *account,
		       struct buffer *buffer)
{
	struct process_id id = {.tgid = account->id.ppid,
				.start_ns = account->parent_start_ns,
				.exec_id = account->parent_exec_id};
	struct process_names names;

	memcpy(id.comm, account->parent_comm, COMM_SIZE);
	process_table_find(processes, &id, false, &names);
	buffer_append(buffer, names.name, strlen(names.name) + 1);
}

static void add_account(struct lines *lines, struct account *account,
			struct process_table *processes, const struct lines_options *options,
			uint64_t boot_ns)
{
	struct entry *entry = &lines->entries[lines->n];
	struct process_names names;
	bool thread;

	process_table_find(processes, &account->id, options->text, &names);
	if (!wanted(account, &names, options))
		return;
	thread = options->threads && account->id.tid != account->id.tgid;
	*entry = (struct entry){
		.line = {.account = account,
			 .used = usage_since(&account->total, &account->before),
			 .cpu_ns = account->total.sums.cpu_ns,
			 .rss_bytes = account->rss_bytes,
			 .age_ns = account_age_ns(account, boot_ns),
			 .count = !account->shown,
			 .threads = account->threads,
			 .ended = account->over,
			 .final = account->final,
			 .thread = options->threads},
		.name_at = keep_text(lines, thread ? account->id.comm : names.name),
	};
	if (account->over && options->fold) {
		entry->parent_at = lines->texts.length;
		if (options->threads)
			keep_text(lines, names.name);
		else
			lines_parent_name(processes, account, &lines->texts);
	}
	lines->n++;
}

static void add_others(struct lines *lines, const struct ledger_others *others)
{
	if (others->threads == others->threads_before &&
	    memcmp(&others->total, &others->before, sizeof(others->total)) == 0)
		return;
	lines->entries[lines->n++] = (struct entry){
		.line = {.used = usage_since(&others->total, &others->before),
			 .cpu_ns = others->total.sums.cpu_ns,
			 .count = (uint32_t)(others->threads - others->threads_before),
			 .ended = true,
			 .final = true},
		.name_at = keep_text(lines, "(others)"),
	};
}

/* Ended ones first, by name and by parent, so that those that fold stand side by side. */
static int compare_folding(const void *a, const void *b)
{
	const struct line *x = &((const struct entry *)a)->line,
			  *y = &((const struct entry *)b)->line;
	int r;

	if (x->parent == NULL || y->parent == NULL)
		return (x->parent == NULL) - (y->parent == NULL);
	r = strcmp(x->name, y->name);
	return r ? r : strcmp(x->parent, y->parent);
}

static void fold(struct line *into, const struct line *line)
{
	const struct process_id *a = &into->account->id, *b = &line->account->id;

	usage_add(&into->used, &line->used);
	into->cpu_ns += line->cpu_ns;
	into->count += line->count;
	into->folded = true;
	into->final = into->final && line->final;
	into->many_ppids |= a->ppid != b->ppid || line->many_ppids;
	into->many_uids |= a->uid != b->uid || line->many_uids;
	into->many_exits |=
		into->account->exit_code != line->account->exit_code || line->many_exits;
	if (line->age_ns > into->age_ns)
		into->age_ns = line->age_ns;
}

static void fold_ended(struct lines *lines)
{
	size_t to = 0;

	qsort(lines->entries, lines->n, sizeof(*lines->entries), compare_folding);
	for (size_t i = 0; i < lines->n; i++) {
		struct entry *last = to ? &lines->entries[to - 1] : NULL;

		if (last && last->line.parent && compare_folding(last, &lines->entries[i]) == 0)
			fold(&last->line, &lines->entries[i].line);
		else
			lines->entries[to++] = lines->entries[i];
	}
	lines->n = to;
}

static int compare_entries(const void *a, const void *b, void *context)
{
	const struct entry *x = a, *y = b;
	const struct lines_options *options = context;

	return line_compare(&x->line, &y->line, options->sort, options->invert);
}

ssize_t lines_make(struct lines *lines, struct ledger *ledger, struct process_table *processes,
		   const struct lines_options *options, uint64_t boot_ns, struct line **ret_lines)
{
	struct account **accounts;
	ssize_t n = ledger_collect(ledger, &accounts);

	if (n < 0)
		return n;
	if (make_room(lines, (size_t)n + 1) < 0)
		return -ENOMEM;
	lines->n = lines->texts.length = 0;
	keep_text(lines, "");
	for (ssize_t i = 0; i < n; i++)
		if (account_has_news(accounts[i]))
			add_account(lines, accounts[i], processes, options, boot_ns);
	add_others(lines, ledger_get_others(ledger));
	if (lines->texts.failed)
		return -ENOMEM;
	for (size_t i = 0; i < lines->n; i++) {
		struct entry *entry = &lines->entries[i];

		entry->line.name = lines->texts.data + entry->name_at;
		if (entry->parent_at)
			entry->line.parent = lines->texts.data + entry->parent_at;
	}
	if (options->fold)
		fold_ended(lines);
	qsort_r(lines->entries, lines->n, sizeof(*lines->entries), compare_entries,
		(void *)options);
	for (size_t i = 0; i < lines->n; i++)
		lines->result[i] = lines->entries[i].line;
	if (options->tree && tree_order(lines->result, lines->n) < 0)
		return -ENOMEM;
	*ret_lines = lines->result;
	return (ssize_t)lines->n;
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_sort.h"

#include <string.h>

bool line_can_sort(enum proctop_field field)
{
	return field == FIELD_PID || field == FIELD_PPID || field == FIELD_STATE ||
	       field == FIELD_THREADS || field >= FIELD_USER;
}

/* What a column is sorted by; names and commands by their text. */
static uint64_t sort_key(const struct line *line, enum proctop_field field)
{
	const struct account *account = line->account;

	switch (field) {
	case FIELD_CPU_PERCENT:
		return line->used.sums.cpu_ns;
	case FIELD_CPU_TIME:
		return line->cpu_ns;
	case FIELD_WAIT_PERCENT:
		return line->used.sums.wait_ns;
	case FIELD_RSS_SHORT:
		return line->ended ? 0 : line->rss_bytes;
	case FIELD_READ_RATE:
		return line->used.sums.read_bytes;
	case FIELD_WRITE_RATE:
		return line->used.sums.write_bytes;
	case FIELD_RX_RATE:
		return line->used.rx_bytes;
	case FIELD_TX_RATE:
		return line->used.tx_bytes;
	case FIELD_THREADS:
		return line->threads;
	case FIELD_AGE_SHORT:
		return line->age_ns;
	case FIELD_PPID:
		return account ? account->id.ppid : 0;
	case FIELD_USER:
		return account ? account->id.uid : 0;
	case FIELD_STATE:
		return account ? (uint64_t)account->state : 'X';
	case FIELD_EXIT:
		return line->ended && account ? account->exit_code : 0;
	case FIELD_PID:
		return account ? account->id.tgid : 0;
	default:
		return 0;
	}
}

/* From small to great, where that is how people look for something. */
static bool sorts_upwards(enum proctop_field field)
{
	return field == FIELD_PID || field == FIELD_PPID || field == FIELD_USER ||
	       field == FIELD_STATE || field == FIELD_LABEL || field == FIELD_COMMAND;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int line_compare(const struct line *a, const struct line *b, enum proctop_field field, bool invert)
{
	int r = compare_numbers(sort_key(a, field), sort_key(b, field));

	if (field == FIELD_LABEL || field == FIELD_COMMAND)
		r = strcmp(a->name, b->name);
	if (r)
		return sorts_upwards(field) == invert ? -r : r;
	r = compare_numbers(b->cpu_ns, a->cpu_ns);
	return r ? r : compare_numbers(sort_key(a, FIELD_PID), sort_key(b, FIELD_PID));
}

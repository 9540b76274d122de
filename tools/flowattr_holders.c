/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_holders.h"

#include <stdlib.h>
#include <string.h>

void holders_release(struct holders *holders)
{
	free(holders->sockets);
	free(holders->pids);
	memset(holders, 0, sizeof(*holders));
}

void holders_clear(struct holders *holders)
{
	holders->n = holders->n_pids = 0;
}

/* Room for @more elements of @size behind the first @n of *@array. */
static int grow(void **array, size_t size, size_t n, size_t more, size_t *max)
{
	size_t wanted = *max ? *max : 256;
	void *grown;

	while (wanted < n + more)
		wanted *= 2;
	if (wanted == *max)
		return 0;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*max = wanted;
	return 0;
}

int holders_add(struct holders *h, uint64_t cookie, const uint32_t *pids, size_t n)
{
	int r = grow((void **)&h->sockets, sizeof(*h->sockets), h->n, 1, &h->max);

	if (!r)
		r = grow((void **)&h->pids, sizeof(*h->pids), h->n_pids, n, &h->pids_max);
	if (r < 0)
		return r;
	h->sockets[h->n++] = (struct holding){.cookie = cookie, .first = h->n_pids, .n = n};
	if (n)
		memcpy(h->pids + h->n_pids, pids, n * sizeof(*pids));
	h->n_pids += n;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct holding *one = a, *other = b;

	return (one->cookie > other->cookie) - (one->cookie < other->cookie);
}

void holders_give(struct holders *h, struct flow_table *table)
{
	if (h->n)
		qsort(h->sockets, h->n, sizeof(*h->sockets), compare);
	for (struct flow *flow = flow_table_first(table); flow; flow = flow->hh.next) {
		struct holding key = {.cookie = flow->id.cookie}, *found = NULL;

		if (h->n)
			found = bsearch(&key, h->sockets, h->n, sizeof(*h->sockets), compare);
		flow->holders = found && found->n ? h->pids + found->first : NULL;
		flow->n_holders = found ? found->n : 0;
	}
}

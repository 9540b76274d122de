/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_pending.h"

#include <uthash.h>

struct waiting {
	struct accept_record accept;
	struct close_record *close; /* NULL: none yet */
	UT_hash_handle hh;	    /* by accept.connection.cookie; in order of arrival */
};

struct pending {
	struct waiting *table;
	pending_emit_fn emit;
	void *context;
};

int pending_new(pending_emit_fn emit, void *context, struct pending **ret_pending)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending)
		return -ENOMEM;
	pending->emit = emit;
	pending->context = context;
	*ret_pending = pending;
	return 0;
}

static void waiting_remove(struct pending *pending, struct waiting *waiting)
{
	HASH_DEL(pending->table, waiting);
	free(waiting->close);
	free(waiting);
}

void pending_free(struct pending *pending)
{
	struct waiting *waiting, *next;

	if (!pending)
		return;
	HASH_ITER (hh, pending->table, waiting, next)
		waiting_remove(pending, waiting);
	free(pending);
}

static struct waiting *waiting_find(struct pending *pending, uint64_t cookie)
{
	struct waiting *waiting;

	HASH_FIND(hh, pending->table, &cookie, sizeof(cookie), waiting);
	return waiting;
}

/* Emits the accept record as it now is, then the close behind it, and forgets both. */
static int waiting_emit(struct pending *pending, struct waiting *waiting)
{
	int r = pending->emit(pending->context, &waiting->accept.header);

	if (!r && waiting->close)
		r = pending->emit(pending->context, &waiting->close->header);
	waiting_remove(pending, waiting);
	return r;
}

int pending_accept(struct pending *pending, const struct accept_record *record)
{
	struct waiting *waiting = waiting_find(pending, record->connection.cookie);

	if (!(record->flags & ACCEPT_FINAL)) {
		int r = 0;

		if (HASH_COUNT(pending->table) >= PENDING_MAX)
			r = waiting_emit(pending, pending->table);
		waiting = calloc(1, sizeof(*waiting));
		if (!waiting)
			return -ENOMEM;
		waiting->accept = *record;
		HASH_ADD(hh, pending->table, accept.connection.cookie, sizeof(uint64_t), waiting);
		return r;
	}
	if (record->flags & ACCEPT_CANCELLED) {
		if (waiting)
			waiting_remove(pending, waiting);
		return 0;
	}
	if (!waiting) {
		/* a late one: the first waited too long and has gone out, or was lost */
		return record->flags & ACCEPT_LATE ? 0
						   : pending->emit(pending->context, &record->header);
	}
	waiting->accept = *record;
	if (waiting->close && waiting->close->connection.owner_src == OWNER_LISTEN) {
		waiting->close->connection.owner = record->connection.owner;
		waiting->close->connection.owner_src = record->connection.owner_src;
	}
	return waiting_emit(pending, waiting);
}

int pending_close(struct pending *pending, const struct close_record *record)
{
	struct waiting *waiting = waiting_find(pending, record->connection.cookie);

	if (!waiting || waiting->close)
		return pending->emit(pending->context, &record->header);
	waiting->close = malloc(sizeof(*waiting->close));
	if (!waiting->close)
		return -ENOMEM;
	*waiting->close = *record;
	return 0;
}

int pending_expire(struct pending *pending, uint64_t now_ns)
{
	struct waiting *waiting, *next;
	int r = 0;

	HASH_ITER (hh, pending->table, waiting, next) {
		/* in order of arrival: behind the first that is young enough, all are */
		if (now_ns != UINT64_MAX && waiting->accept.header.ts_ns + PENDING_NS > now_ns)
			break;
		r = waiting_emit(pending, waiting);
		if (r)
			break;
	}
	return r;
}

size_t pending_count(const struct pending *pending)
{
	return HASH_COUNT(pending->table);
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_pending.h"

#include <string.h>
#define HASH_NONFATAL_OOM 1 /* then an element without a table has not been added */
#include <uthash.h>

struct waiting {
	union {
		struct record_header header;
		struct accept_record accept;
		struct connect_record connect; /* a tentative one */
	};
	struct close_record *close; /* behind an accept; NULL: none yet */
	uint64_t since_ns;	    /* when it came, CLOCK_MONOTONIC */
	uint64_t cookie;
	UT_hash_handle hh; /* by cookie; in order of arrival */
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
	int r = pending->emit(pending->context, &waiting->header);

	if (!r && waiting->close)
		r = pending->emit(pending->context, &waiting->close->header);
	waiting_remove(pending, waiting);
	return r;
}

/* Keeps a copy of an accept or connect record. */
static int waiting_add(struct pending *pending, const struct record_header *record, size_t size,
		       uint64_t cookie)
{
	struct waiting *waiting;
	int r = 0;

	if (HASH_COUNT(pending->table) >= PENDING_MAX)
		r = waiting_emit(pending, pending->table);
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	memcpy(&waiting->header, record, size);
	waiting->since_ns = record->ts_ns;
	waiting->cookie = cookie;
	HASH_ADD(hh, pending->table, cookie, sizeof(cookie), waiting);
	if (!waiting->hh.tbl) {
		free(waiting);
		return -ENOMEM;
	}
	return r;
}

int pending_connect(struct pending *pending, const struct connect_record *record)
{
	struct waiting *waiting = waiting_find(pending, record->connection.cookie);
	uint64_t began_ns = record->header.ts_ns - record->latency_ns;
	int r = 0;

	if (waiting) {
		const struct connect_record *old = &waiting->connect;

		/* of the same attempt, this one replaces it; else that attempt has failed for good
		 */
		if (old->header.type == RECORD_CONNECT &&
		    old->header.ts_ns - old->latency_ns == began_ns)
			waiting_remove(pending, waiting);
		else
			r = waiting_emit(pending, waiting);
	}
	if (r || record->flags & CONNECT_CANCELLED)
		return r;
	if (!(record->flags & CONNECT_TENTATIVE))
		return pending->emit(pending->context, &record->header);
	return waiting_add(pending, &record->header, sizeof(*record), record->connection.cookie);
}

int pending_accept(struct pending *pending, const struct accept_record *record)
{
	struct waiting *waiting = waiting_find(pending, record->connection.cookie);

	if (!(record->flags & ACCEPT_FINAL))
		return waiting_add(pending, &record->header, sizeof(*record),
				   record->connection.cookie);
	if (record->flags & ACCEPT_CANCELLED) {
		if (waiting)
			waiting_remove(pending, waiting);
		return 0;
	}
	if (!waiting) {
		/* a late one: the first waited too long and has gone out, or was lost */
		return record->flags & ACCEPT_LATE
			       ? 0
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

	if (!waiting || waiting->header.type != RECORD_ACCEPT || waiting->close)
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
		if (now_ns != UINT64_MAX && waiting->since_ns + PENDING_NS > now_ns)
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

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_queue.h"

#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

struct waiting {
	TAILQ_ENTRY(waiting) entry;
	struct came_in *came_in; /* NULL: it goes out */
	TAILQ_ENTRY(waiting) same;
	struct packet_record record; /* and its data */
};

TAILQ_HEAD(waiting_list, waiting);

/* What came in and waits, with one `passing`, the first one first. */
struct came_in {
	struct came_in_key {
		uint64_t passing, netns;
	} key;
	struct waiting_list list; /* by `same` */
	UT_hash_handle hh;
};

struct packet_queue {
	struct waiting_list list; /* by time */
	struct came_in *came_in;
	size_t n;
	size_t bytes;
};

int packet_queue_new(struct packet_queue **ret_queue)
{
	struct packet_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	TAILQ_INIT(&queue->list);
	*ret_queue = queue;
	return 0;
}

static struct came_in *find_came_in(const struct packet_queue *queue, uint64_t passing,
				    uint32_t netns)
{
	const struct came_in_key key = {passing, netns};
	struct came_in *came_in;

	HASH_FIND(hh, queue->came_in, &key, sizeof(key), came_in);
	return came_in;
}

static int add_came_in(struct packet_queue *queue, struct waiting *waiting)
{
	const struct packet_record *record = &waiting->record;
	struct came_in *came_in = find_came_in(queue, record->passing, record->netns);

	if (!came_in) {
		came_in = calloc(1, sizeof(*came_in));
		if (!came_in)
			return -ENOMEM;
		came_in->key = (struct came_in_key){record->passing, record->netns};
		TAILQ_INIT(&came_in->list);
		HASH_ADD(hh, queue->came_in, key, sizeof(came_in->key), came_in);
	}
	TAILQ_INSERT_TAIL(&came_in->list, waiting, same);
	waiting->came_in = came_in;
	return 0;
}

static void remove_came_in(struct packet_queue *queue, struct waiting *waiting)
{
	struct came_in *came_in = waiting->came_in;

	TAILQ_REMOVE(&came_in->list, waiting, same);
	if (!TAILQ_EMPTY(&came_in->list))
		return;
	HASH_DEL(queue->came_in, came_in);
	free(came_in);
}

void packet_queue_forwarded(struct packet_queue *queue, uint64_t passing, uint32_t netns,
			    uint32_t iif)
{
	struct came_in *came_in = find_came_in(queue, passing, netns);
	struct waiting *waiting;

	if (!came_in)
		return;
	waiting = TAILQ_LAST(&came_in->list, waiting_list);
	/* else it is of an earlier packet, and where this one came in is not looked at */
	if (waiting->record.ifindex == iif) {
		waiting->record.flags |= PACKET_FORWARDED;
		waiting = TAILQ_PREV(waiting, waiting_list, same);
	}
	for (; waiting && waiting->record.flags & PACKET_PORT;
	     waiting = TAILQ_PREV(waiting, waiting_list, same))
		waiting->record.flags |= PACKET_FORWARDED;
}

static void remove_first(struct packet_queue *queue)
{
	struct waiting *first = TAILQ_FIRST(&queue->list);

	TAILQ_REMOVE(&queue->list, first, entry);
	if (first->came_in)
		remove_came_in(queue, first);
	queue->n--;
	queue->bytes -= first->record.header.length;
	free(first);
}

void packet_queue_free(struct packet_queue *queue)
{
	if (!queue)
		return;
	while (!TAILQ_EMPTY(&queue->list))
		remove_first(queue);
	free(queue);
}

int packet_queue_add(struct packet_queue *queue, const struct packet_record *record)
{
	size_t length = record->header.length;
	struct waiting *waiting = malloc(offsetof(struct waiting, record) + length), *before;

	if (!waiting)
		return -ENOMEM;
	waiting->came_in = NULL;
	memcpy(&waiting->record, record, length);
	if (record->direction == PACKET_IN && record->passing && add_came_in(queue, waiting) < 0) {
		free(waiting);
		return -ENOMEM;
	}
	/* records of several CPUs may stand in the ring buffer in another order, by a little */
	TAILQ_FOREACH_REVERSE(before, &queue->list, waiting_list, entry)
	if (before->record.header.ts_ns <= record->header.ts_ns)
		break;
	if (before)
		TAILQ_INSERT_AFTER(&queue->list, before, waiting, entry);
	else
		TAILQ_INSERT_HEAD(&queue->list, waiting, entry);
	queue->n++;
	queue->bytes += length;
	return 0;
}

int packet_queue_drain(struct packet_queue *queue, uint64_t now_ns, packet_queue_fn fn,
		       void *context)
{
	struct waiting *first;

	while ((first = TAILQ_FIRST(&queue->list))) {
		uint64_t ts_ns = first->record.header.ts_ns;
		bool last = queue->bytes > PACKET_QUEUE_BYTES_MAX ||
			    (now_ns > ts_ns && now_ns - ts_ns >= PACKET_QUEUE_WAIT_NS);
		int r = fn(context, &first->record, last);

		if (r < 0)
			return r;
		if (r == PACKET_NOT_YET && !last)
			return 0;
		remove_first(queue);
	}
	return 0;
}

size_t packet_queue_count(const struct packet_queue *queue)
{
	return queue->n;
}

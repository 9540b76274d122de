/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_queue.h"

#include <string.h>
#include <sys/queue.h>

struct waiting {
	TAILQ_ENTRY(waiting) entry;
	struct packet_record record; /* and its data */
};

TAILQ_HEAD(waiting_list, waiting);

struct packet_queue {
	struct waiting_list list; /* by time */
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

static void remove_first(struct packet_queue *queue)
{
	struct waiting *first = TAILQ_FIRST(&queue->list);

	TAILQ_REMOVE(&queue->list, first, entry);
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
	memcpy(&waiting->record, record, length);
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

/* SPDX-License-Identifier: GPL-2.0-only */
/* From records to lines: names the process behind each, and prints it. */
#ifndef CONNSNOOP_STREAM_H
#define CONNSNOOP_STREAM_H

#include "lib/process.h"
#include "tools/connsnoop_options.h"

struct stream;

struct stream_stats {
	uint64_t rows; /* printed */
	uint64_t lost; /* rows lost in the kernel, as far as reported */
	uint64_t bad;  /* records that were not whole */
	uint64_t gone; /* connections whose end was not seen */
	int64_t open;  /* connections that began and have not ended */
	struct process_table_stats names;
};

/* @options borrowed. @proc_fd: borrowed, see process_table_options. @output_fd: borrowed. */
int stream_new(const struct connsnoop_options *options, int proc_fd, int output_fd,
	       struct stream **ret_stream);
void stream_free(struct stream *stream);
static inline void stream_freep(struct stream **stream)
{
	stream_free(*stream);
	*stream = NULL;
}

/* One record as it comes out of the ring buffer or an iterator; a loop_event_fn. */
int stream_record(void *stream, const void *data, size_t size);

/* One socket that is open already; a socket_list_fn. */
int stream_open_socket(void *stream, const struct open_record *record, const uint32_t *holders,
		       size_t n);

/* Which connections are still open? In this order: stream_socket_is_there() for each socket there
 * is, taking what the ring buffer holds by then, stream_sweep(): the connections of network
 * namespace
 * @netns that began before @before_ns and are not there get a close record. @lost: as for
 * stream_tick(). As loop_tick_fn. */
void stream_socket_is_there(struct stream *stream, const struct connection *connection);
int stream_sweep(struct stream *stream, uint32_t netns, uint64_t before_ns, uint64_t now_ns,
		 uint64_t lost);

/* Is there a connection that began before @before_ns and has not ended? */
bool stream_has_older(const struct stream *stream, uint64_t before_ns);

/* Are there records that wait for a better one? */
bool stream_is_waiting(const struct stream *stream);

/* After each batch of records: what waited long enough goes out, @lost (the kernel side's count, up
 * to now) is reported, everything pending is written. @end: nothing waits any longer.
 * Returns as loop_tick_fn. */
int stream_tick(struct stream *stream, uint64_t now_ns, uint64_t lost, bool end);

void stream_get_stats(const struct stream *stream, struct stream_stats *ret_stats);

#endif

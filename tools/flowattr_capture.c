/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_capture.h"

#include <bpf/libbpf.h>
#include <malloc.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/filter.h"
#include "lib/loop.h"
#include "lib/record.h"
#include "packets.skel.h"
#include "tools/packets_expression.h"
#include "tools/packets_file.h"
#include "tools/packets_match.h"
#include "tools/packets_owner.h"
#include "tools/packets_programs.h"
#include "tools/packets_queue.h"

#define SYNC_NS	    NSEC_PER_SEC /* so often the clocks are compared */
#define BATCH_BYTES (1U << 20)	 /* of packets at a time: what caches hold */
#define KEEP_BYTES  (128U << 20) /* of free memory: the kernel takes long to give pages */

struct capture {
	struct capture_options options;
	struct packets_bpf *bpf;
	struct ring_buffer *ring;
	struct expression *expression;
	struct packet_queue *queue;
	struct packet_file *file;
	struct output *output; /* JSON, CSV */
	struct buffer lines;   /* for people */
	struct clock clock;
	uint64_t synced_ns, start_ns; /* start_ns: since 1970 */
	uint64_t began_ns;	      /* the same moment, CLOCK_MONOTONIC */
	struct capture_stats stats;
	uint64_t lost; /* packets, before those that are dealt with */
	uint64_t told; /* of them */
	size_t batch;  /* bytes that have been read of it */
	bool done;     /* as many as were wanted are out */
};

/* Is the packet itself wanted, whoever's it is? */
static bool wanted(struct capture *c, const struct packet_record *record)
{
	struct packet packet;

	if (!expression_matches(c->expression, record->link_type, record->data, record->captured,
				record->bytes))
		return false;
	if (!c->options.traffic)
		return true;
	packet_parse(record->data, record->captured, record->bytes, record->link_type, &packet);
	return packet_matches(c->options.traffic, &packet, record->direction);
}

static int on_sample(void *context, void *data, size_t size)
{
	static const struct record_sizes sizes = {
		.least = {[RECORD_PACKET] = sizeof(struct packet_record),
			  [RECORD_FORWARD] = sizeof(struct forward_record)}};
	const struct forward_record *forward = data;
	const struct packet_record *record = data;
	struct capture *c = context;
	int type = record_check(data, size, &sizes), r = 0;

	if (type == RECORD_FORWARD)
		packet_queue_forwarded(c->queue, forward->passing, forward->netns, forward->iif);
	if (type != RECORD_PACKET || record->captured > record->header.length - sizeof(*record) ||
	    record->captured > record->bytes)
		return 0;
	c->stats.seen++;
	if (record->direction == PACKET_OUT && record->flags & PACKET_FORWARDED)
		packet_queue_forwarded(c->queue, record->passing, record->netns, record->iif);
	c->batch += record->header.length;
	if (!c->done && wanted(c, record))
		r = packet_queue_add(c->queue, record);
	return !r && c->batch >= BATCH_BYTES ? -EAGAIN : r; /* ends the walk over the ring buffer */
}

static int new_output(struct capture *c, struct error *error)
{
	const struct output_options options = {
		.format = c->options.format,
		.selected = c->options.selected,
		.selection = c->options.selection,
		.header = c->options.header,
		.fd = STDOUT_FILENO,
	};
	int r;

	if (c->options.file)
		return packet_file_new(c->options.file, "flowattr " VERSION, c->options.snaplen,
				       &c->file, error);
	if (c->options.format == OUTPUT_TABLE && !c->options.selected)
		return 0;
	r = output_new(packet_fields, PACKET_FIELDS, &options, &c->output);
	return r < 0 ? error_set(error, r, "cannot start: %s", strerror(-r)) : 0;
}

static int load(struct capture *c, struct error *error)
{
	struct packets_config config = {
		.netns = c->options.netns     ? c->options.netns
			 : c->options.process ? c->options.process->netns
					      : 0,
		.direction = c->options.direction,
		.snaplen = c->options.snaplen,
		.by_process = c->options.traced_fd >= 0,
		.ipv4_only = c->options.traffic && c->options.traffic->ipv4_only,
		.ipv6_only = c->options.traffic && c->options.traffic->ipv6_only,
	};
	int r;

	if (c->options.interface) {
		size_t length = strlen(c->options.interface);

		if (length >= sizeof(config.interface))
			return error_set(error, -ENODEV, "%s: no interface has such a long name",
					 c->options.interface);
		memcpy(config.interface, c->options.interface, length);
	}
	r = packets_load(&config, c->options.traced_fd, &c->bpf, error);
	if (r < 0)
		return r == -EINVAL ? -EOPNOTSUPP : r; /* the kernel's, not the user's */
	c->ring = ring_buffer__new(bpf_map__fd(c->bpf->maps.records), on_sample, c, NULL);
	return c->ring ? 0 : error_set(error, -errno, "cannot start: %s", strerror(errno));
}

int capture_new(const struct capture_options *options, struct capture **ret_capture,
		struct error *error)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return error_set(error, -ENOMEM, "no memory");
	c->options = *options;
	mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	mallopt(M_MMAP_THRESHOLD, KEEP_BYTES / 4);
	if (!c->options.snaplen)
		c->options.snaplen = options->file ? PACKETS_SNAPLEN_MAX : CAPTURE_SNAPLEN_LINES;
	if (c->options.snaplen > PACKETS_SNAPLEN_MAX)
		c->options.snaplen = PACKETS_SNAPLEN_MAX;
	if (options->expression)
		r = expression_new(options->expression, &c->expression, error);
	if (!r && packet_queue_new(&c->queue) < 0)
		r = error_set(error, -ENOMEM, "no memory");
	if (!r)
		r = load(c, error);
	if (!r && !options->counted)
		r = new_output(c, error);
	if (r < 0) {
		capture_free(c);
		return r;
	}
	*ret_capture = c;
	return 0;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	ring_buffer__free(c->ring);
	packets_unload(c->bpf);
	expression_free(c->expression);
	packet_queue_free(c->queue);
	packet_file_free(c->file);
	output_free(c->output);
	buffer_release(&c->lines);
	free(c);
}

int capture_start(struct capture *c, struct error *error)
{
	clock_sync(&c->clock);
	c->synced_ns = c->began_ns = clock_now_ns();
	c->start_ns = clock_realtime_ns(&c->clock, c->synced_ns);
	return packets_attach(c->bpf, error);
}

int capture_wake_fd(const struct capture *c)
{
	return ring_buffer__epoll_fd(c->ring);
}

static bool is_ours(const struct capture *c, const struct packet_owner *owner)
{
	bool named = !c->options.process || !c->options.process->n_names;

	if (c->options.by_process && !owner->local.id.tgid && !owner->peer.id.tgid)
		return false;
	return named ||
	       (owner->local.id.tgid &&
		filter_wants_name(c->options.process, owner->local.names.name)) ||
	       (owner->peer.id.tgid &&
		filter_wants_name(c->options.process, owner->peer.names.name));
}

/* Says in the stream, where it happened, that packets are missing. */
static int tell_lost(struct capture *c, uint64_t now_ns)
{
	uint64_t count = c->lost - c->told;
	struct row row = {};

	if (!count || c->options.counted)
		return 0;
	c->told = c->lost;
	if (!c->output || c->options.format == OUTPUT_TABLE) {
		fprintf(stderr, "flowattr: %llu packets lost here: output is written too slowly\n",
			(unsigned long long)count);
		return 0;
	}
	packet_lost_row(count, clock_realtime_ns(&c->clock, now_ns), now_ns - c->began_ns, &row);
	return output_row(c->output, &row);
}

static int show(struct capture *c, const struct packet_record *record, const struct packet *packet,
		const struct packet_owner *owner)
{
	const struct packet_view view = {
		.packet = packet,
		.owner = owner,
		.interface = record->interface,
		.interface_length = strnlen(record->interface, sizeof(record->interface)),
		.ts_ns = clock_realtime_ns(&c->clock, record->header.ts_ns),
		.since_ns = record->header.ts_ns - c->began_ns,
		.seconds = c->options.seconds,
		.cookie = record->cookie,
		.bytes = record->bytes,
		.netns = record->netns,
		.direction = record->direction,
	};
	struct row row = {};

	if (c->options.counted) {
		c->options.counted(c->options.counted_context, record, packet, owner);
		return 0;
	}
	if (c->file)
		return packet_file_add(c->file, record, owner, view.ts_ns);
	if (c->output) {
		packet_row(&view, &row);
		return output_row(c->output, &row);
	}
	packet_line(&c->lines, &view);
	if (c->lines.failed)
		return -ENOMEM;
	return c->lines.length > BUFFER_MAX / 16 ? buffer_write(&c->lines, STDOUT_FILENO) : 0;
}

static int take(void *context, const struct packet_record *record, bool last)
{
	struct capture *c = context;
	struct packet_owner owner;
	struct packet packet;
	int r;

	if (c->done)
		return 0;
	if (record->header.lost > c->lost)
		c->lost = record->header.lost;
	packet_parse(record->data, record->captured, record->bytes, record->link_type, &packet);
	if (!packet_find_owner(c->options.owner, c->options.context, &packet, record, last, &owner))
		return PACKET_NOT_YET;
	if (!is_ours(c, &owner))
		return 0;
	r = show(c, record, &packet, &owner);
	if (r < 0)
		return r;
	c->stats.shown++;
	c->stats.unknown += owner.kind == PACKET_OWNER_UNKNOWN && !owner.peer.id.tgid;
	c->done = c->options.count && c->stats.shown >= c->options.count;
	return 0;
}

static int flush(struct capture *c)
{
	if (c->options.counted)
		return 0;
	if (c->file)
		return packet_file_flush(c->file);
	return c->output ? output_flush(c->output) : buffer_write(&c->lines, STDOUT_FILENO);
}

/* One batch; the next tick takes the next, behind what is known of owners by then. Returns 1 if
 * there may be more. */
static int drain(struct capture *c, uint64_t now_ns)
{
	bool more;
	int r;

	c->batch = 0;
	r = ring_buffer__consume(c->ring);
	more = r == -EAGAIN;
	if (r >= 0 || more)
		r = packet_queue_drain(c->queue, now_ns, take, c);
	if (!more && !c->done && !packet_queue_count(c->queue)) /* no packet will tell of these */
		c->lost = c->bpf->bss->counters.lost_rows;
	if (r >= 0)
		r = tell_lost(c, clock_now_ns());
	if (r >= 0)
		r = flush(c);
	return r < 0 ? r : more;
}

static int drain_all(struct capture *c)
{
	int r;

	do
		r = drain(c, UINT64_MAX);
	while (r > 0);
	return r;
}

int capture_tick(struct capture *c, uint64_t now_ns)
{
	int r;

	if (now_ns - c->synced_ns > SYNC_NS) {
		clock_sync(&c->clock);
		c->synced_ns = now_ns;
	}
	r = drain(c, now_ns);
	if (r < 0)
		return r;
	return c->done ? LOOP_STOP : 0;
}

int capture_settle(struct capture *c)
{
	return drain_all(c);
}

int capture_finish(struct capture *c)
{
	uint64_t now_ns;
	int r;

	packets_detach(c->bpf);
	r = drain_all(c);
	if (r < 0 || !c->file)
		return r;
	now_ns = clock_realtime_ns(&c->clock, clock_now_ns());
	return packet_file_end(c->file, (const uint64_t *)c->bpf->bss->lost_by_slot, c->start_ns,
			       now_ns);
}

const char *capture_target(const struct capture *c)
{
	bool named = c->options.file && strcmp(c->options.file, "-") != 0;

	return named ? c->options.file : "standard output";
}

void capture_get_stats(const struct capture *c, struct capture_stats *ret_stats)
{
	*ret_stats = c->stats;
	ret_stats->lost = c->bpf->bss->counters.lost_rows;
}

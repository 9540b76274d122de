/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_gone.h"

#include "connection.skel.h"
#include "lib/clock.h"
#include "lib/iterator.h"
#include "lib/netns.h"
#include "tools/connection_words.h"

static int on_there(void *context, const struct record_header *record)
{
	stream_socket_is_there(context, &((const struct open_record *)record)->connection);
	return 0;
}

int gone_sweep(struct stream *stream, struct loop *loop, struct connection_bpf *bpf, int link_fd)
{
	uint64_t before_ns = clock_now_ns();
	uint32_t own;
	int r = netns_own(&own);

	if (link_fd < 0)
		return 0;
	if (r < 0)
		return r;
	r = iterator_run_link(link_fd, &connection_sizes, on_there, stream);
	if (r < 0) /* it cannot be looked any more (privileges are gone): nothing is called gone */
		return 0;
	/* what ended meanwhile has its record in the ring buffer */
	r = loop_drain(loop);
	if (r)
		return r;
	return stream_sweep(stream, own, before_ns, clock_now_ns(), bpf->bss->counters.lost_rows);
}

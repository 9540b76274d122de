/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connsnoop_touch.h"

#include "bpf/connsnoop.h"
#include "connsnoop.skel.h"
#include "lib/clock.h"
#include "lib/iterator.h"

#define LINGER_NS NSEC_PER_SEC /* so long after the last connection arrived */

int touch_init(struct touch *touch, struct connsnoop_bpf *bpf)
{
	int fd;

	if (!bpf_program__autoload(bpf->progs.on_receive))
		return 0;
	fd = iterator_link(bpf->progs.resolve_accepts);
	if (fd < 0)
		return fd;
	*touch = (struct touch){
		.bpf = bpf,
		.resolve_fd = fd,
		.needed_ns = clock_now_ns(),
		.attached = true,
	};
	return 0;
}

static void detach(struct touch *touch)
{
	bpf_link__destroy(touch->bpf->links.on_receive);
	bpf_link__destroy(touch->bpf->links.on_send);
	touch->bpf->links.on_receive = touch->bpf->links.on_send = NULL;
	touch->attached = false;
}

void touch_release(struct touch *touch)
{
	closep(&touch->resolve_fd);
}

static int no_record(void *context _unused_, const struct record_header *record _unused_)
{
	return 0;
}

static int attach(struct touch *touch)
{
	const struct record_sizes none = {};
	struct connsnoop_bpf *bpf = touch->bpf;

	bpf->links.on_receive = bpf_program__attach(bpf->progs.on_receive);
	if (!bpf->links.on_receive)
		return -errno;
	bpf->links.on_send = bpf_program__attach(bpf->progs.on_send);
	if (!bpf->links.on_send)
		return -errno;
	touch->attached = true;
	return iterator_run_link(touch->resolve_fd, &none, no_record, NULL);
}

int touch_tick(struct touch *touch, uint64_t now_ns, bool waiting)
{
	if (!touch->bpf)
		return 0;
	if (waiting)
		touch->needed_ns = now_ns;
	if (touch->attached && now_ns - touch->needed_ns > LINGER_NS)
		detach(touch);
	return touch->attached || !waiting ? 0 : attach(touch);
}

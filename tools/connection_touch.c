/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/connection_touch.h"

#include "bpf/connection.h"
#include "connection.skel.h"
#include "lib/clock.h"
#include "lib/iterator.h"

#define LINGER_NS NSEC_PER_SEC /* so long after the last connection arrived */

int touch_init(struct touch *touch, struct connection_bpf *bpf)
{
	int fd;

	if (!bpf->rodata->settings.touch || !bpf_program__autoload(bpf->progs.resolve_accepts))
		return 0;
	fd = iterator_link(bpf->progs.resolve_accepts);
	if (fd < 0)
		return fd;
	*touch = (struct touch){
		.bpf = bpf,
		.resolve_fd = fd,
		.needed_ns = clock_now_ns(),
		.attached = true,
		.shared = bpf_program__autoload(bpf->progs.sweep_flows) ||
			  bpf->rodata->settings.split,
		.stays = filter_selects_processes((const void *)&bpf->rodata->settings.filter),
	};
	return 0;
}

static void drop(struct bpf_link **link)
{
	bpf_link__destroy(*link);
	*link = NULL;
}

static void detach(struct touch *touch)
{
	touch->attached = touch->bpf->bss->touch_now = false;
	if (touch->shared)
		return;
	drop(&touch->bpf->links.on_receive_stand_in);
	drop(&touch->bpf->links.on_send_stand_in);
	drop(&touch->bpf->links.on_receive);
	drop(&touch->bpf->links.on_send);
}

void touch_release(struct touch *touch)
{
	closep(&touch->resolve_fd);
}

static int no_record(void *context _unused_, const struct record_header *record _unused_)
{
	return 0;
}

static int hang(struct bpf_program *program, struct bpf_link **ret_link)
{
	if (!bpf_program__autoload(program))
		return 0;
	*ret_link = bpf_program__attach(program);
	return *ret_link ? 0 : -errno;
}

/* Stand-ins behind what they stand in for. */
static int attach_programs(struct connection_bpf *bpf)
{
	int r = hang(bpf->progs.on_receive, &bpf->links.on_receive);

	if (!r)
		r = hang(bpf->progs.on_send, &bpf->links.on_send);
	if (!r)
		r = hang(bpf->progs.on_receive_stand_in, &bpf->links.on_receive_stand_in);
	if (!r)
		r = hang(bpf->progs.on_send_stand_in, &bpf->links.on_send_stand_in);
	return r;
}

static int attach(struct touch *touch)
{
	const struct record_sizes none = {};
	int r = touch->shared ? 0 : attach_programs(touch->bpf);

	if (r < 0)
		return r;
	touch->attached = touch->bpf->bss->touch_now = true;
	return iterator_run_link(touch->resolve_fd, &none, no_record, NULL);
}

int touch_tick(struct touch *touch, uint64_t now_ns, bool waiting)
{
	if (!touch->bpf)
		return 0;
	if (waiting)
		touch->needed_ns = now_ns;
	if (touch->attached && !touch->stays && now_ns - touch->needed_ns > LINGER_NS)
		detach(touch);
	return touch->attached || !waiting ? 0 : attach(touch);
}

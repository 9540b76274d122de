/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/loop.h"

#include <bpf/libbpf.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/signals.h"

struct loop {
	struct loop_options options;
	struct ring_buffer *ring;
	int signal_fd;
	uint64_t tick_ns;
	int stopped; /* what a callback said: LOOP_STOP or a negative errno */
};

static int on_sample(void *context, void *data, size_t size)
{
	struct loop *loop = context;

	loop->stopped = loop->options.on_event(loop->options.context, data, size);
	/* anything but 0 ends the walk over the ring buffer */
	return loop->stopped > 0 ? -ECANCELED : loop->stopped;
}

int loop_new(const struct loop_options *options, struct loop **ret_loop)
{
	_cleanup_(loop_freep) struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->options = *options;
	loop->signal_fd = -1;
	loop->tick_ns = LOOP_TICK_NS;
	loop->ring = ring_buffer__new(options->ring_fd, on_sample, loop, NULL);
	if (!loop->ring)
		return -errno;
	r = signals_block();
	if (r < 0)
		return r;
	loop->signal_fd = signals_open();
	if (loop->signal_fd < 0)
		return loop->signal_fd;
	*ret_loop = loop;
	loop = NULL;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	ring_buffer__free(loop->ring);
	closep(&loop->signal_fd);
	free(loop);
}

void loop_set_tick(struct loop *loop, uint64_t tick_ns)
{
	loop->tick_ns = tick_ns;
}

int loop_drain(struct loop *loop)
{
	int r;

	if (loop->stopped)
		return loop->stopped;
	r = ring_buffer__consume(loop->ring);
	if (loop->stopped)
		return loop->stopped;
	return r < 0 ? r : 0;
}

/* Sleeps until something happens or @timeout_ns have passed. Returns true at a signal or when
 * nobody reads the output any more. */
static bool wait_for_end(struct loop *loop, uint64_t timeout_ns)
{
	struct pollfd fds[] = {
		{.fd = loop->signal_fd, .events = POLLIN},
		{.fd = loop->options.output_fd, .events = 0}, /* POLLERR comes by itself */
		{.fd = ring_buffer__epoll_fd(loop->ring), .events = POLLIN},
		{.fd = loop->options.keyboard ? STDIN_FILENO : -1, .events = POLLIN},
		{.fd = loop->options.wake_fd > 0 ? loop->options.wake_fd : -1, .events = POLLIN},
	};
	struct timespec timeout = {.tv_nsec = (long)timeout_ns};

	if (ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL) <= 0)
		return false;
	return fds[0].revents || fds[1].revents & (POLLERR | POLLHUP);
}

int loop_run(struct loop *loop)
{
	uint64_t start = clock_now_ns(), end = start + loop->options.duration_ns;
	bool ending = false;
	int r;

	while (!ending) {
		uint64_t now = clock_now_ns(), timeout = loop->tick_ns;

		if (loop->options.duration_ns && now >= end)
			ending = true;
		else if (loop->options.duration_ns && end - now < timeout)
			timeout = end - now;
		if (!ending)
			ending = wait_for_end(loop, timeout);
		now = clock_now_ns();
		r = loop_drain(loop);
		if (r)
			return r < 0 ? r : 0;
		r = loop->options.on_tick(loop->options.context, now);
		if (r)
			return r < 0 ? r : 0;
	}
	return 0;
}

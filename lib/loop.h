/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: ring buffer, signals, time, the COMMAND's end, the reader of stdout going away.
 * It looks into the ring buffer every LOOP_TICK_NS by itself, so that the kernel side need not wake
 * it (the dearest thing it could do), and at once when the kernel side says that much is waiting.
 */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"

#define LOOP_TICK_NS (40 * 1000 * 1000ULL)

struct loop;

/* One record; returns 0, LOOP_STOP, or a negative errno that ends the loop. */
typedef int (*loop_event_fn)(void *context, const void *data, size_t size);
/* After each look into the ring buffer; @now_ns: CLOCK_MONOTONIC, of just before that look: what
 * happened until then has been delivered. Returns as loop_event_fn. */
typedef int (*loop_tick_fn)(void *context, uint64_t now_ns);

#define LOOP_STOP 1 /* enough: end the loop without an error */

struct loop_options {
	int ring_fd;	      /* borrowed: the BPF ring buffer map */
	int output_fd;	      /* borrowed: a reader that hangs up ends the loop; -1: none */
	uint64_t duration_ns; /* 0: no end */
	int wake_fd;	      /* borrowed: readable, it wakes the loop, too; 0: none */
	bool keyboard;	      /* standard input wakes the loop, too; on_tick reads it */
	loop_event_fn on_event;
	loop_tick_fn on_tick;
	void *context;
};

/* Has signals end the loop, see signals_block(). Returns 0 or a negative errno. */
int loop_new(const struct loop_options *options, struct loop **ret_loop);
void loop_free(struct loop *loop);
static inline void loop_freep(struct loop **loop)
{
	loop_free(*loop);
	*loop = NULL;
}

/* Looks into the ring buffer more or less often from now on. */
void loop_set_tick(struct loop *loop, uint64_t tick_ns);

/* Takes what is in the ring buffer now. Returns as loop_event_fn. */
int loop_drain(struct loop *loop);

/* Runs until a callback says LOOP_STOP, a signal, the duration, or the reader's end; then takes
 * what the ring buffer still holds (unless a callback had stopped it). Returns 0 or a negative
 * errno. */
int loop_run(struct loop *loop);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What connection tracking says of translated addresses, for the meter: of flowattr's own network
 * namespace, and of that of --netns.
 *
 *	track_open()	before privileges are dropped, and before flows are told of
 *	track_read()	in the loop, before packets are looked at; needs no rights
 *	track_release()
 */
#ifndef FLOWATTR_TRACK_H
#define FLOWATTR_TRACK_H

#include "tools/flowattr_meter.h"

struct track {
	struct meter *meter;	     /* borrowed */
	struct conntrack *spaces[2]; /* NULL: not read */
};

/* Where nothing is tracked, or may not be read, nothing is known of translations, and no more. */
void track_open(struct track *track, struct meter *meter);
void track_release(struct track *track);

/* Takes what has come. Returns 0 or -ENOMEM. */
int track_read(struct track *track);

/* For --stats. */
void track_print_stats(const struct track *track, FILE *file);

#endif

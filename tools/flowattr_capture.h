/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flowattr --packets and -w: packets from the kernel, each with whose it is, to lines, JSON, or a
 * pcapng file.
 *
 *	capture_new()    before the loop: checks the expression, opens the file, loads the programs
 *	capture_start()  attaches them; the caller has attached what tells of owners before, so that
 *	                 no owner is missed; from its return on no packet is
 *	capture_wake_fd() for struct loop_options.wake_fd
 *	capture_tick()   in the loop's on_tick, behind the records of owners
 *	capture_finish() behind the loop: what still waits, the file's end
 *	capture_free()
 *
 * Privileges may be dropped behind capture_start().
 *
 * Whose a packet is, a callback tells, by the socket's cookie, or by the packet's tuple and network
 * namespace. It is asked until it knows, for up to PACKET_QUEUE_WAIT_NS (100 ms) after the packet:
 * flows that have ended must be kept as long. What no table of sockets can know is answered before:
 * see tools/packets_owner.h.
 */
#ifndef FLOWATTR_CAPTURE_H
#define FLOWATTR_CAPTURE_H

#include "bpf/packets.h"
#include "lib/options.h"
#include "tools/packets_owner.h"

#define CAPTURE_SNAPLEN_LINES 512U /* bytes of a packet that lines need */

typedef void (*packet_count_fn)(void *context, const struct packet_record *record,
				const struct packet *packet, const struct packet_owner *owner);

struct capture_options {
	const struct traffic_filter *traffic; /* borrowed, as are the others; NULL: all */
	const struct process_filter *process; /* netns and names are looked at here */
	uint32_t netns;			      /* inode number, whatever `process` says; 0: that */
	int traced_fd;	 /* map of the processes that are traced, borrowed; -1: all are */
	bool by_process; /* processes are filtered: packets without a known owner are not shown */
	const char *expression;	   /* NULL: all */
	const char *interface;	   /* name; NULL: all */
	uint8_t direction;	   /* enum packet_direction; 0: both */
	uint32_t snaplen;	   /* bytes; 0: as much as it takes */
	uint64_t count;		   /* packets; 0: no end */
	const char *file;	   /* pcapng is written there, "-": standard output; NULL: lines */
	enum output_format format; /* of lines */
	bool selected;		   /* -F was given: */
	struct output_selection selection;
	bool header;
	bool seconds; /* lines begin with the seconds since the start */
	packet_owner_fn owner;
	void *context;
	packet_count_fn counted; /* gets each packet in place of lines and file; NULL: those */
	void *counted_context;
};

/* What became of packets. */
struct capture_stats {
	uint64_t seen;	  /* came out of the kernel */
	uint64_t shown;	  /* passed the filters */
	uint64_t lost;	  /* found no room on the way */
	uint64_t unknown; /* of those shown: the owner is not known */
};

struct capture;

/* Returns 0, or a negative errno with an error: -EINVAL for an expression that libpcap does not
 * take (bad usage), else it could not be done. */
int capture_new(const struct capture_options *options, struct capture **ret_capture,
		struct error *error);
void capture_free(struct capture *capture);

/* Returns 0 or a negative errno with an error. */
int capture_start(struct capture *capture, struct error *error);

/* Readable when much is waiting. Borrowed. */
int capture_wake_fd(const struct capture *capture);

/* Takes what has come; @now_ns: CLOCK_MONOTONIC. Returns 0, LOOP_STOP when `count` packets are out,
 * or a negative errno: -EPIPE when the reader of lines or file has gone (no error then); others say
 * that writing failed, see capture_target(). */
int capture_tick(struct capture *capture, uint64_t now_ns);

/* The same for all that waits for an owner: nothing waits any longer. */
int capture_settle(struct capture *capture);

/* Likewise, behind the last packet, then the file's statistics. Returns as capture_tick(). */
int capture_finish(struct capture *capture);

/* Where packets go to, for an error: the file, or "standard output". */
const char *capture_target(const struct capture *capture);

void capture_get_stats(const struct capture *capture, struct capture_stats *ret_stats);

#endif

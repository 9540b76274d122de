/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet and whose it is, as a line, a row, or a comment in a file. Pure. Packets just captured
 * and packets read from a file go the same way.
 */
#ifndef PACKETS_LINES_H
#define PACKETS_LINES_H

#include "bpf/packets.h"
#include "lib/packet.h"
#include "lib/process.h"
#include "lib/row.h"
#include "tools/connection_row.h"

enum packet_owner_kind {
	PACKET_OWNER_UNKNOWN = 0,
	PACKET_OWNER_PROCESS,	/* `local` is set */
	PACKET_OWNER_KERNEL,	/* the kernel's own: replies to pings, RSTs without a socket... */
	PACKET_OWNER_FORWARDED, /* neither comes from here nor goes to here */
	PACKET_OWNER_KINDS,
};

/* A process at one end of a packet; id.tgid 0: none, or none that is known. */
struct packet_process {
	struct process_id id;
	struct process_names names; /* borrowed */
	const char *cgroup;	    /* its path, borrowed; NULL: not known */
	uint32_t netns; /* inode number of its socket's network namespace; 0: not known */
	bool bare;	/* only pid, tid, name and exe are known */
};

/* Whose a packet is. A peer may be known whatever is at this end. What is FORWARDED has no end
 * here: then `local` is who sent it, if that is known, else who gets it (`gets` is set); `peer` is
 * who gets it from `local`. */
struct packet_owner {
	struct packet_process local; /* at this end: who sends what goes out, gets what comes in */
	struct packet_process peer;  /* at the other, if that is on this machine */
	bool gets;		     /* only of what is forwarded */
	uint8_t kind;		     /* enum packet_owner_kind */
	uint8_t owner_src;	     /* enum owner_source of `local` */
};

/* All that is shown of a packet. Everything is borrowed. */
struct packet_view {
	const struct packet *packet;
	const struct packet_owner *owner;
	const char *interface; /* NULL: not known */
	size_t interface_length;
	uint64_t ts_ns;	   /* since 1970; UINT64_MAX: not known */
	uint64_t since_ns; /* since the start, or the file's first packet; UINT64_MAX: not known */
	bool seconds;	   /* lines begin with these, and not with the time of the day */
	uint64_t cookie;   /* of the socket; 0: not known */
	uint32_t bytes;	   /* on the wire */
	uint32_t netns;	   /* 0: not known */
	uint8_t direction; /* enum packet_direction of bpf/packets.h; 0: not known */
	const char *comment; /* of the file, if it says more than `owner`; NULL: none */
	size_t comment_length;
};

/* The fields of a row, for lib/output. */
enum packet_field {
	PACKET_FIELD_TYPE,
	PACKET_FIELD_TS,
	PACKET_FIELD_INTERFACE,
	PACKET_FIELD_DIRECTION,
	PACKET_FIELD_CONNECTION, /* as many as connection_field has, from here */
	PACKET_FIELD_LOCAL = PACKET_FIELD_CONNECTION + CONNECTION_OWNER_SRC + 1,
	PACKET_FIELD_REMOTE,
	PACKET_FIELD_LENGTH,
	PACKET_FIELD_PAYLOAD,
	PACKET_FIELD_OWNER,
	PACKET_FIELD_PEER_PID,
	PACKET_FIELD_PEER_NAME,
	PACKET_FIELD_PEER_NETNS,
	PACKET_FIELD_IFACE_NETNS,
	PACKET_FIELD_TEXT,
	PACKET_FIELD_COMMENT,
	PACKET_FIELD_COUNT,
	PACKET_FIELD_TIME, /* for -T and -t */
	PACKET_FIELD_SECONDS,
	PACKET_FIELDS,
};

extern const struct field packet_fields[PACKET_FIELDS];

/* Appends a line with its newline: time or seconds, interface, direction, what packet_append()
 * says, and whose it is: "pid name", or, if both ends are known, "sender[pid] > receiver[pid]";
 * "kernel" where no process is; "forwarded", and from and to whom as far as that is known, with
 * network namespaces: "forwarded from 123 curl [4026532301] to 77 nginx [4026532400]". */
void packet_line(struct buffer *buffer, const struct packet_view *view);

/* Fills a row; it borrows what the view does. */
void packet_row(const struct packet_view *view, struct row *row);

/* The same for @count packets that are lost; times as struct packet_view has them. */
void packet_lost_row(uint64_t count, uint64_t ts_ns, uint64_t since_ns, struct row *row);

/* Appends what is written into a file as a packet's comment: "pid 123 curl", or "pid 123 curl > pid
 * 77 nginx" with the peer behind, "kernel", "forwarded", "? > pid 77 nginx"; nothing if nobody is
 * known. "forwarded from netns 4026532301 pid 123 curl to netns 4026532400 pid 77 nginx", or one of
 * both, or "forwarded". Names are escaped as lib/text.h does. */
void packet_comment(struct buffer *buffer, const struct packet_owner *owner);

/* The way back: takes kind, peer and namespaces out of a comment of @length bytes; `local` of
 * @owner is what the file says otherwise. Returns false, and leaves @owner, if packet_comment()
 * would not have said that of `local`. The peer's name is kept in @name, of @size bytes. */
bool packet_comment_parse(const char *comment, size_t length, char *name, size_t size,
			  struct packet_owner *owner);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing pcapng, the capture file of Wireshark, with the process of each packet: one section, in
 * this machine's byte order, timestamps in nanoseconds. lib/pcapng_read.h reads it.
 *
 * Sources:
 * - The format: IETF draft-ietf-opsawg-pcapng (until 2025: draft-tuexen-opsawg-pcapng), sections
 *   "General Block Structure", "Options", and one for each block; epb_processid_threadid
 *   is its option 8 of the Enhanced Packet Block.
 * - The process: Apple's libpcap, its private header pcap-ng.h (PCAPNG_BT_PIB 0x80000001,
 *   PCAPNG_PIB_NAME 2, PCAPNG_PIB_PATH 3, PCAPNG_PIB_UUID 4, PCAPNG_EPB_PIB_INDEX 0x8001) and its
 *   writer for PKTAP: the index counts the process blocks from 0, a block stands before the first
 *   packet that refers to it. Wireshark from 4.6 on reads name, uuid and index: in wiretap as
 *   BLOCK_TYPE_LEGACY_DPIB, OPT_DPIB_NAME, OPT_DPIB_UUID and OPT_PKT_DARWIN_PIB_ID; shown by
 *   epan/dissectors/packet-darwin.c as frame.darwin.process_info. It wants the index in the byte
 *   order of the machine that reads, and keeps one table of processes for all sections of a file:
 *   hence one section here.
 */
#ifndef LIB_PCAPNG_H
#define LIB_PCAPNG_H

#include <stdint.h>

#include "lib/buffer.h"

#define PCAPNG_PACKET_MAX      262144U	   /* bytes of a packet: what libpcap takes at most */
#define PCAPNG_TEXT_MAX	       8192U	   /* bytes of a text, before it is escaped */
#define PCAPNG_INTERFACES_MAX  65536U	   /* in a section */
#define PCAPNG_PROCESSES_MAX   (1U << 20)  /* in a section */
#define PCAPNG_TABLE_BYTES_MAX (64U << 20) /* of all blocks of interfaces and processes */
#define PCAPNG_UUID_SIZE       16U

#define PCAPNG_NO_PROCESS UINT32_MAX /* instead of an index */
#define PCAPNG_UNKNOWN	  UINT64_MAX /* instead of a count or a time */

/* Block types */
#define PCAPNG_BLOCK_SECTION	0x0a0d0d0aU
#define PCAPNG_BLOCK_INTERFACE	1U
#define PCAPNG_BLOCK_STATISTICS 5U
#define PCAPNG_BLOCK_PACKET	6U
#define PCAPNG_BLOCK_PROCESS	0x80000001U

#define PCAPNG_BYTE_ORDER    0x1a2b3c4dU /* in the section header, in the writer's byte order */
#define PCAPNG_VERSION_MAJOR 1U
#define PCAPNG_VERSION_MINOR 0U

/* Options of any block, then of each */
#define PCAPNG_OPTION_END     0U
#define PCAPNG_OPTION_COMMENT 1U

#define PCAPNG_SECTION_HARDWARE	   2U
#define PCAPNG_SECTION_OS	   3U
#define PCAPNG_SECTION_APPLICATION 4U

#define PCAPNG_INTERFACE_NAME	     2U
#define PCAPNG_INTERFACE_DESCRIPTION 3U
#define PCAPNG_INTERFACE_RESOLUTION  9U
#define PCAPNG_INTERFACE_OS	     12U
#define PCAPNG_INTERFACE_OFFSET	     14U
#define PCAPNG_INTERFACE_HARDWARE    15U

#define PCAPNG_PROCESS_NAME 2U
#define PCAPNG_PROCESS_PATH 3U
#define PCAPNG_PROCESS_UUID 4U

#define PCAPNG_PACKET_FLAGS	  2U
#define PCAPNG_PACKET_PROCESS_IDS 8U /* epb_processid_threadid */
#define PCAPNG_PACKET_PROCESS	  0x8001U

#define PCAPNG_STATISTICS_START	     2U
#define PCAPNG_STATISTICS_END	     3U
#define PCAPNG_STATISTICS_RECEIVED   4U
#define PCAPNG_STATISTICS_IF_DROPPED 5U
#define PCAPNG_STATISTICS_ACCEPTED   6U
#define PCAPNG_STATISTICS_OS_DROPPED 7U
#define PCAPNG_STATISTICS_DELIVERED  8U

/* struct pcapng_packet.flags: "Enhanced Packet Block Flags Word" */
#define PCAPNG_INBOUND		  (1U << 0)
#define PCAPNG_OUTBOUND		  (2U << 0)
#define PCAPNG_DIRECTION	  (3U << 0) /* mask; 0: not known */
#define PCAPNG_UNICAST		  (1U << 2) /* how it was received */
#define PCAPNG_MULTICAST	  (2U << 2)
#define PCAPNG_BROADCAST	  (3U << 2)
#define PCAPNG_PROMISCUOUS	  (4U << 2)
#define PCAPNG_CHECKSUM_NOT_READY (1U << 9)  /* left to the network card */
#define PCAPNG_CHECKSUM_VALID	  (1U << 10) /* checked already */
#define PCAPNG_SEGMENTED	  (1U << 11) /* several on the wire: TSO, GRO */
#define PCAPNG_FLAGS_RESERVED	  (0xfU << 12)

/*
 * The structs go both ways. Written, a text may be any bytes: it is escaped as lib/text.h does (so
 * it is valid UTF-8 without control characters), and cut at PCAPNG_TEXT_MAX. Read, it is whatever
 * the file had, up to the first NUL: for lib/text.h or lib/json.h before it is shown.
 * An empty text is not written; one that was not there reads as all zero.
 */
struct pcapng_text {
	const char *data; /* not NUL-terminated */
	size_t length;
};

struct pcapng_section {
	struct pcapng_text hardware;
	struct pcapng_text os;
	struct pcapng_text application; /* that wrote the file */
};

struct pcapng_interface {
	struct pcapng_text name;
	struct pcapng_text description;
	struct pcapng_text os;
	struct pcapng_text hardware;
	uint32_t snaplen;   /* bytes kept of a packet; written, 0 is PCAPNG_PACKET_MAX */
	uint16_t link_type; /* LINKTYPE_*, https://www.tcpdump.org/linktypes.html */
};

struct pcapng_process {
	struct pcapng_text name;
	struct pcapng_text path;
	const uint8_t *uuid; /* PCAPNG_UUID_SIZE bytes, or NULL */
	uint32_t pid;
};

struct pcapng_packet {
	const void *data; /* from the link layer on */
	struct pcapng_text comment;
	uint64_t ts_ns;	    /* since 1970; read, PCAPNG_UNKNOWN if it does not fit */
	uint32_t length;    /* of @data in bytes; written, it is cut to the interface's snaplen */
	uint32_t original;  /* length on the wire: >= @length */
	uint32_t interface; /* its number in the section, from 0 */
	uint32_t flags;	    /* PCAPNG_INBOUND... */
	uint32_t process;   /* its number in the section, from 0, or PCAPNG_NO_PROCESS */
	uint32_t pid;	    /* 0: not known */
	uint32_t tid;	    /* 0: not known */
};

/* Since the capture began; PCAPNG_UNKNOWN is not written. */
struct pcapng_statistics {
	uint64_t ts_ns;	     /* when the counts were taken, since 1970 */
	uint64_t start_ns;   /* of the capture, since 1970 */
	uint64_t end_ns;     /* of the capture, since 1970 */
	uint64_t received;   /* packets that the interface had */
	uint64_t if_dropped; /* packets that the interface dropped */
	uint64_t accepted;   /* packets that passed the filter */
	uint64_t os_dropped; /* packets lost on the way to the writer */
	uint64_t delivered;  /* packets that reached the writer */
	uint32_t interface;  /* its number in the section, from 0 */
};

/* A text of a NUL-terminated string, or none of NULL. */
static inline struct pcapng_text pcapng_text(const char *string)
{
	return (struct pcapng_text){.data = string, .length = string ? strlen(string) : 0};
}

/* All zero is a writer at its beginning. */
struct pcapng_writer {
	struct buffer blocks;	/* whole blocks only: for buffer_write() whenever it suits */
	struct buffer snaplens; /* private: a uint32_t for each interface */
	uint32_t n_processes;	/* private */
	size_t table_bytes;	/* private: of blocks of interfaces and processes */
	bool begun;		/* private: the section header is there */
};

/*
 * Each appends one block to @blocks, or nothing and returns a negative errno: -EINVAL for what the
 * format does not allow (the section header must come first and once; an interface or a process
 * before what refers to it; @original < @length; reserved flags), -ENOSPC when one of the bounds
 * above is reached, -ENOMEM when there is no memory or @blocks is at BUFFER_MAX: then write it
 * out, and try again. Nothing that is passed in is kept.
 */
int pcapng_append_section(struct pcapng_writer *writer, const struct pcapng_section *section);
int pcapng_append_interface(struct pcapng_writer *writer, const struct pcapng_interface *interface,
			    uint32_t *ret_interface);
int pcapng_append_process(struct pcapng_writer *writer, const struct pcapng_process *process,
			  uint32_t *ret_process);
int pcapng_append_packet(struct pcapng_writer *writer, const struct pcapng_packet *packet);
int pcapng_append_statistics(struct pcapng_writer *writer,
			     const struct pcapng_statistics *statistics);

/* Frees what is inside; the writer is at its beginning again. */
void pcapng_writer_release(struct pcapng_writer *writer);

#endif

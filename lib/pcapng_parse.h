/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a block of a pcapng file says: the half of lib/pcapng_read.h that knows blocks by their
 * kinds. Lengths inside of a block are checked here, where it begins and ends there.
 */
#ifndef LIB_PCAPNG_PARSE_H
#define LIB_PCAPNG_PARSE_H

#include "lib/pcapng_table.h"

enum pcapng_kind {
	PCAPNG_SECTION,
	PCAPNG_INTERFACE,
	PCAPNG_PROCESS,
	PCAPNG_PACKET,
	PCAPNG_STATISTICS,
};

/* A block. */
struct pcapng_event {
	enum pcapng_kind kind;
	uint32_t number; /* of the interface or process in its section, from 0 */
	union {
		struct pcapng_section section;
		struct pcapng_interface interface;
		struct pcapng_process process;
		struct pcapng_packet packet;
		struct pcapng_statistics statistics;
	};
};

/* All zero is a parser before the first section. */
struct pcapng_parser {
	bool swapped;	 /* the section is of the other byte order: the caller sets it */
	const char *why; /* why the last block was refused: a constant, or NULL */
	struct pcapng_table interfaces;
	struct pcapng_table processes;
};

/*
 * Takes the body of a block: @length bytes, of whole 32-bit words; a section header before any
 * other. Returns 1, 0 for a block that is not known here, or as pcapng_reader_next() does:
 * -EBADMSG, -EPROTONOSUPPORT and -E2BIG with @why, -ENOMEM. What the event points to lasts as long
 * as @data does; of interfaces and processes, as long as the section.
 */
int pcapng_parse(struct pcapng_parser *parser, uint32_t type, const char *data, size_t length,
		 struct pcapng_event *ret_event);

/* Frees what is inside; the parser is as before the first section again. */
void pcapng_parser_release(struct pcapng_parser *parser);

#endif

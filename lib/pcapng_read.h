/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading pcapng files as lib/pcapng.h writes them, block by block, from anything that can be read
 * (pipes too). Also those of other programs: either byte order, any resolution of time, several
 * sections; blocks and options that are not known here are skipped. Nothing that a file says is
 * taken for granted: every length is checked, memory is bounded by PCAPNG_BLOCK_MAX and by what a
 * section may have (PCAPNG_INTERFACES_MAX, PCAPNG_PROCESSES_MAX, and of each
 * PCAPNG_TABLE_BYTES_MAX).
 */
#ifndef LIB_PCAPNG_READ_H
#define LIB_PCAPNG_READ_H

#include "lib/base.h"
#include "lib/pcapng_parse.h"

#define PCAPNG_BLOCK_MAX (8U << 20) /* bytes of a block; a longer one is refused */

struct pcapng_reader;

/* Before each read(2), which may block: returns 0, or a negative errno that ends the reading. */
typedef int (*pcapng_wait_fn)(void *context);

/* A reader of @fd, which stays the caller's, open as long as the reader is there. @wait may be
 * NULL. Returns 0 or -ENOMEM. */
int pcapng_reader_new(int fd, pcapng_wait_fn wait, void *context,
		      struct pcapng_reader **ret_reader);
void pcapng_reader_free(struct pcapng_reader *reader);

static inline void pcapng_reader_freep(struct pcapng_reader **reader)
{
	pcapng_reader_free(*reader);
	*reader = NULL;
}

/*
 * Reads on to the next block that is known. Returns 1 (what the event points to is gone with the
 * next call), 0 at the end of the file, or a negative errno, and says in @error (may be NULL) at
 * which byte and why: -EBADMSG for what is not pcapng, damaged or cut short; -EPROTONOSUPPORT for a
 * section of another version than 1 (the draft would skip it, and nobody would see that its packets
 * are missing); -E2BIG when a bound is reached; -ENOMEM; what read(2) gave. After an error there is
 * nothing more to read.
 *
 * An interface that a packet names is always there. A process may not be: 0x8001 is a code for
 * local use, so other programs may keep it without the block, or mean something else. It reads as
 * PCAPNG_NO_PROCESS then.
 */
int pcapng_reader_next(struct pcapng_reader *reader, struct pcapng_event *ret_event,
		       struct error *error);

/* An interface or a process of the current section, or NULL. Gone with the section. */
const struct pcapng_interface *pcapng_reader_interface(const struct pcapng_reader *reader,
						       uint32_t number);
const struct pcapng_process *pcapng_reader_process(const struct pcapng_reader *reader,
						   uint32_t number);

/* How many blocks were skipped so far because they are not known here. */
uint64_t pcapng_reader_skipped(const struct pcapng_reader *reader);

#endif

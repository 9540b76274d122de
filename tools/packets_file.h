/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets and their processes into a pcapng file (lib/pcapng.h): interfaces and processes as they
 * are first seen. */
#ifndef PACKETS_FILE_H
#define PACKETS_FILE_H

#include "bpf/packets.h"
#include "lib/base.h"
#include "tools/packets_lines.h"

struct packet_file;

/* Begins a file: makes or empties the one at @path; "-": standard output. @program: who writes it,
 * for its header. Returns 0, or a negative errno with the cause. */
int packet_file_new(const char *path, const char *program, uint32_t snaplen,
		    struct packet_file **ret_file, struct error *error);
void packet_file_free(struct packet_file *file);

/* Appends a packet. Returns 0 or a negative errno, as packet_file_flush() does. */
int packet_file_add(struct packet_file *file, const struct packet_record *record,
		    const struct packet_owner *owner, uint64_t ts_ns);

/* Writes what has been gathered. Returns 0 or a negative errno: -EPIPE, -ENOSPC... What is in a
 * regular file then ends with a whole block. */
int packet_file_flush(struct packet_file *file);

/* Appends each interface's statistics, and flushes. @lost: by packets_slot(), PACKETS_SLOTS of
 * them; times since 1970. */
int packet_file_end(struct packet_file *file, const uint64_t *lost, uint64_t start_ns,
		    uint64_t end_ns);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for what records say: events, protocols, states. */
#ifndef CONNECTION_WORDS_H
#define CONNECTION_WORDS_H

#include <stdbool.h>

#include "bpf/connection.h"
#include "lib/record.h"

/* Least lengths of all records that come from the BPF programs. */
extern const struct record_sizes connection_sizes;

/* The words of --events, by bit of EVENT_BIT(); NULL-terminated. */
extern const char *const connection_events[];

/* The words of --proto, by bit of SELECT_*; NULL-terminated. */
extern const char *const connection_protocols[];

/* enum owner_source. */
const char *word_owner_source(uint8_t source);

/* "tcp", "udp"...; NULL: none that is known. */
const char *word_protocol(uint16_t protocol);

/* The state of a socket as ss has it, but TCP's in full; NULL: none. */
const char *word_state(const struct connection *connection);

/* Does the socket send datagrams, rather than have connections? */
bool is_datagram(const struct connection *connection);

/* Is it a UDP socket that anybody may send to? */
bool takes_datagrams(const struct connection *connection);

#endif

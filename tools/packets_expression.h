/* SPDX-License-Identifier: GPL-2.0-only */
/* tcpdump's filter expressions, by libpcap (pcap-filter(7)), run on packets in user space. */
#ifndef PACKETS_EXPRESSION_H
#define PACKETS_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"

struct expression;

/* Compiles it, at first for Ethernet. An expression that has no sense on packets without a link
 * layer ("ether host") matches none of those. Returns 0, -EINVAL with libpcap's message, -ENOMEM.
 */
int expression_new(const char *text, struct expression **ret_expression, struct error *error);
void expression_free(struct expression *expression);

/* @data: @captured bytes of a packet that had @length on the wire; @link_type: LINKTYPE_*. A NULL
 * expression matches every packet. */
bool expression_matches(struct expression *expression, uint16_t link_type, const void *data,
			size_t captured, size_t length);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Address ranges. All addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d (RFC 4291).
 */
#ifndef LIB_CIDR_H
#define LIB_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct cidr {
	uint8_t address[16]; /* bits behind the prefix are 0 */
	uint8_t mask[16];
};

/* "10.0.0.0/8", "192.168.1.1", "2001:db8::/32", "::1". An IPv4 prefix length counts from the IPv4
 * part. Bits set behind the prefix are an error that shows the range that was probably meant.
 * Returns 0 or -EINVAL. */
int cidr_parse(const char *text, struct cidr *ret_cidr, struct error *error);

bool cidr_contains(const struct cidr *cidr, const uint8_t address[16]);

/* Longest text of an address with its NUL. */
#define ADDRESS_TEXT_MAX 46

bool address_is_ipv4(const uint8_t address[16]);
bool address_is_any(const uint8_t address[16]); /* 0.0.0.0 or :: */
bool address_is_loopback(const uint8_t address[16]);

/* As RFC 5952 writes it, IPv4 in dotted form (also for ::ffff:0:0/96). Returns the length. */
size_t address_format(const uint8_t address[16], char text[ADDRESS_TEXT_MAX]);

#endif

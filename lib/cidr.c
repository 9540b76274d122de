/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/cidr.h"

#include <arpa/inet.h>
#include <string.h>

#define GROUPS 8 /* of 16 bits in an IPv6 address */

static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* The number behind the slash: 1 to 3 digits, or -1. */
static int prefix_parse(const char *text, int max)
{
	int value = 0;

	if (!*text || strlen(text) > 3)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
	}

	return value <= max ? value : -1;
}

static bool address_parse(const char *text, uint8_t ret_address[16], bool *ret_ipv4)
{
	uint8_t address[16];
	bool ipv4;

	memcpy(address, ipv4_prefix, sizeof(ipv4_prefix));
	ipv4 = inet_pton(AF_INET, text, address + 12) == 1;
	if (!ipv4 && inet_pton(AF_INET6, text, address) != 1)
		return false;

	memcpy(ret_address, address, sizeof(address));
	*ret_ipv4 = ipv4;
	return true;
}

int cidr_parse(const char *text, struct cidr *ret_cidr, struct error *error)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char address_text[ADDRESS_TEXT_MAX];
	uint8_t address[16];
	struct cidr cidr;
	bool ipv4;
	int prefix;

	if (length >= sizeof(address_text))
		return error_set(error, -EINVAL, "address %s: not an IPv4 or IPv6 address", text);
	memcpy(address_text, text, length);
	address_text[length] = '\0';
	if (!address_parse(address_text, address, &ipv4))
		return error_set(error, -EINVAL,
				 "address %s: not an IPv4 or IPv6 address, "
				 "such as 10.0.0.0/8 or 2001:db8::/32",
				 text);

	prefix = ipv4 ? 32 : 128;
	if (slash) {
		int max = prefix;

		prefix = prefix_parse(slash + 1, max);
		if (prefix < 0)
			return error_set(error, -EINVAL,
					 "address %s: prefix length not between 0 and %d", text,
					 max);
	}
	if (ipv4)
		prefix += 96;

	for (int i = 0; i < 16; i++) {
		int bits = prefix - i * 8;

		cidr.mask[i] = bits >= 8 ? 0xff : bits <= 0 ? 0 : (uint8_t)(0xff << (8 - bits));
		cidr.address[i] = address[i] & cidr.mask[i];
	}
	if (memcmp(cidr.address, address, sizeof(address)) != 0) {
		address_format(cidr.address, address_text);
		/* A range inside ::ffff:0:0/96 is shown as IPv4, whichever way it was written. */
		if (address_is_ipv4(cidr.address))
			prefix -= 96;
		return error_set(error, -EINVAL,
				 "address %s: bits are set behind the prefix, did you mean %s/%d?",
				 text, address_text, prefix);
	}

	*ret_cidr = cidr;
	return 0;
}

bool cidr_contains(const struct cidr *cidr, const uint8_t address[16])
{
	uint8_t different = 0;

	for (int i = 0; i < 16; i++)
		different |= (address[i] & cidr->mask[i]) ^ cidr->address[i];

	return different == 0;
}

bool address_is_ipv4(const uint8_t address[16])
{
	return memcmp(address, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

bool address_is_any(const uint8_t address[16])
{
	static const uint8_t any6[16], any4[4];

	return !memcmp(address, any6, 16) ||
	       (address_is_ipv4(address) && !memcmp(address + 12, any4, 4));
}

bool address_is_loopback(const uint8_t address[16])
{
	static const uint8_t one6[16] = {[15] = 1};

	return !memcmp(address, one6, 16) || (address_is_ipv4(address) && address[12] == 127);
}

static char *decimal_format(uint8_t value, char *out)
{
	if (value >= 100)
		*out++ = (char)('0' + value / 100);
	if (value >= 10)
		*out++ = (char)('0' + value / 10 % 10);
	*out++ = (char)('0' + value % 10);

	return out;
}

static char *ipv4_format(const uint8_t address[4], char *out)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*out++ = '.';
		out = decimal_format(address[i], out);
	}

	return out;
}

/* Hexadecimal without leading zeros (RFC 5952, 4.1 and 4.3). */
static char *group_format(unsigned int group, char *out)
{
	bool started = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned int digit = group >> shift & 0xf;

		started = started || digit || shift == 0;
		if (started)
			*out++ = "0123456789abcdef"[digit];
	}

	return out;
}

/* The groups that "::" stands for: the longest run of zeros, the first of equals, never a single
 * group (RFC 5952, 4.2). Without one, *ret_end is 0. */
static void find_zeros(const unsigned int groups[GROUPS], int *ret_start, int *ret_end)
{
	int start = 0, end = 0;

	for (int i = 0; i < GROUPS; i++) {
		int from = i;

		while (i < GROUPS && groups[i] == 0)
			i++;
		if (i - from >= 2 && i - from > end - start) {
			start = from;
			end = i;
		}
	}

	*ret_start = start;
	*ret_end = end;
}

/* By hand, for inet_ntop(3) writes ::1:2 as ::0.1.0.2, and the address of every row comes here. */
static char *ipv6_format(const uint8_t address[16], char *out)
{
	unsigned int groups[GROUPS];
	int zeros_start, zeros_end;

	for (int i = 0; i < GROUPS; i++)
		groups[i] = (unsigned int)address[2 * i] << 8 | address[2 * i + 1];
	find_zeros(groups, &zeros_start, &zeros_end);

	for (int i = 0; i < GROUPS; i++) {
		if (zeros_end && i == zeros_start) {
			*out++ = ':';
			*out++ = ':';
			i = zeros_end;
			if (i == GROUPS)
				break;
		} else if (i) {
			*out++ = ':';
		}
		out = group_format(groups[i], out);
	}

	return out;
}

size_t address_format(const uint8_t address[16], char text[ADDRESS_TEXT_MAX])
{
	char *end = address_is_ipv4(address) ? ipv4_format(address + 12, text)
					     : ipv6_format(address, text);

	*end = '\0';
	return (size_t)(end - text);
}

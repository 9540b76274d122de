/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cidr.h"

/* 16 bytes of an IPv6 address as inet_pton(3) reads it; IPv4 is written as ::ffff:1.2.3.4 here. */
struct address {
	uint8_t bytes[16];
};

static struct address address(const char *text)
{
	struct address address;

	assert_int_equal(inet_pton(AF_INET6, text, address.bytes), 1);
	return address;
}

static void assert_cidr(const char *text, const char *want_address, const char *want_mask)
{
	struct error error;
	struct cidr cidr;

	assert_int_equal(cidr_parse(text, &cidr, &error), 0);
	assert_memory_equal(cidr.address, address(want_address).bytes, 16);
	assert_memory_equal(cidr.mask, address(want_mask).bytes, 16);
}

static void test_ipv4(void **state _unused_)
{
	assert_cidr("192.168.1.1", "::ffff:192.168.1.1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_cidr("10.0.0.0/8", "::ffff:10.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ff00:0");
	assert_cidr("172.16.0.0/12", "::ffff:172.16.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:fff0:0");
	assert_cidr("0.0.0.0/0", "::ffff:0.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff::");
	assert_cidr("1.2.3.4/32", "::ffff:1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_cidr("1.2.3.4/31", "::ffff:1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
}

static void test_ipv6(void **state _unused_)
{
	assert_cidr("::1", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_cidr("2001:db8::/32", "2001:db8::", "ffff:ffff::");
	assert_cidr("fe80::/10", "fe80::", "ffc0::");
	assert_cidr("::/0", "::", "::");
	assert_cidr("2001:db8::1/128", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_cidr("::ffff:10.0.0.0/104", "::ffff:10.0.0.0",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ff00:0");
}

static void assert_refused(const char *text, const char *want_error)
{
	struct cidr before, cidr;
	struct error error = {0};

	memset(&cidr, 0x5a, sizeof(cidr));
	before = cidr;
	assert_int_equal(cidr_parse(text, &cidr, &error), -EINVAL);
	assert_string_equal(error.text, want_error);
	assert_memory_equal(&cidr, &before, sizeof(cidr));
	assert_int_equal(cidr_parse(text, &cidr, NULL), -EINVAL);
}

static void test_bits_behind_prefix(void **state _unused_)
{
	assert_refused("10.1.2.3/8", "address 10.1.2.3/8: bits are set behind the prefix, "
				     "did you mean 10.0.0.0/8?");
	assert_refused("192.168.1.3/31", "address 192.168.1.3/31: bits are set behind the prefix, "
					 "did you mean 192.168.1.2/31?");
	assert_refused("2001:db8::1/32", "address 2001:db8::1/32: bits are set behind the prefix, "
					 "did you mean 2001:db8::/32?");
	assert_refused("::ffff:10.0.0.1/104",
		       "address ::ffff:10.0.0.1/104: bits are set behind the prefix, "
		       "did you mean 10.0.0.0/8?");
	assert_refused("::ffff:10.0.0.1/90",
		       "address ::ffff:10.0.0.1/90: bits are set behind the prefix, "
		       "did you mean ::ffc0:0:0/90?");
}

static void test_prefix_lengths(void **state _unused_)
{
	static const char *const ipv4[] = {"33", "",   "-1",	    "+8",
					   "8x", " 8", "255.0.0.0", "4294967304"};
	static const char *const ipv6[] = {"129", "", "-1", "0x10", "1000"};
	char text[64], want[128];

	for (size_t i = 0; i < ARRAY_SIZE(ipv4); i++) {
		snprintf(text, sizeof(text), "0.0.0.0/%s", ipv4[i]);
		snprintf(want, sizeof(want), "address %s: prefix length not between 0 and 32",
			 text);
		assert_refused(text, want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ipv6); i++) {
		snprintf(text, sizeof(text), "::/%s", ipv6[i]);
		snprintf(want, sizeof(want), "address %s: prefix length not between 0 and 128",
			 text);
		assert_refused(text, want);
	}
}

static void test_not_addresses(void **state _unused_)
{
	static const char *const texts[] = {
		"",	     "/",
		"/8",	     "10",
		"10.0.0",    "10.0.0.256",
		"localhost", "10.0.0.0.0/8",
		":::",	     "fe80::1%eth0",
		" ::1",	     "1:2:3:4:5:6:7:8:9",
	};
	char want[128];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		snprintf(want, sizeof(want),
			 "address %s: not an IPv4 or IPv6 address, such as 10.0.0.0/8 or "
			 "2001:db8::/32",
			 texts[i]);
		assert_refused(texts[i], want);
	}
	assert_refused("1111111111111111111111111111111111111111111111",
		       "address 1111111111111111111111111111111111111111111111: "
		       "not an IPv4 or IPv6 address");
}

static bool contains(const char *cidr_text, const char *address_text)
{
	struct cidr cidr;

	assert_int_equal(cidr_parse(cidr_text, &cidr, NULL), 0);
	return cidr_contains(&cidr, address(address_text).bytes);
}

static void test_contains(void **state _unused_)
{
	assert_true(contains("10.0.0.0/8", "::ffff:10.255.255.255"));
	assert_true(contains("10.0.0.0/8", "::ffff:10.0.0.0"));
	assert_false(contains("10.0.0.0/8", "::ffff:11.0.0.0"));
	assert_false(contains("10.0.0.0/8", "::ffff:9.255.255.255"));
	assert_true(contains("172.16.0.0/12", "::ffff:172.31.255.255"));
	assert_false(contains("172.16.0.0/12", "::ffff:172.32.0.0"));
	assert_true(contains("0.0.0.0/0", "::ffff:255.1.2.3"));
	assert_false(contains("0.0.0.0/0", "::1"));
	assert_true(contains("::1", "::1"));
	assert_false(contains("::1", "::2"));
	assert_true(contains("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(contains("2001:db8::/32", "2001:db9::"));
	assert_true(contains("::/0", "::ffff:1.2.3.4"));
}

static void assert_format(const char *address_text, const char *want)
{
	char text[ADDRESS_TEXT_MAX];

	memset(text, 'x', sizeof(text));
	assert_int_equal(address_format(address(address_text).bytes, text), strlen(want));
	assert_string_equal(text, want);
}

static void test_format_ipv4(void **state _unused_)
{
	assert_format("::ffff:0.0.0.0", "0.0.0.0");
	assert_format("::ffff:255.255.255.255", "255.255.255.255");
	assert_format("::ffff:1.20.100.209", "1.20.100.209");
	assert_format("::ffff:9.10.99.101", "9.10.99.101");
}

/* RFC 5952, sections 4.1 to 4.3. */
static void test_format_ipv6(void **state _unused_)
{
	assert_format("::", "::");
	assert_format("::1", "::1");
	assert_format("1::", "1::");
	assert_format("2001:0db8::0001", "2001:db8::1");
	assert_format("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
	assert_format("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	assert_format("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	assert_format("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	assert_format("2001:DB8::ABCD", "2001:db8::abcd");
	assert_format("0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7");
	assert_format("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0");
	assert_format("0:0:1:2:3:4:0:0", "::1:2:3:4:0:0");
	assert_format("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::");
	assert_format("100:20:3:f000:a0b:0:10:ff0", "100:20:3:f000:a0b:0:10:ff0");
	assert_format("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	/* Not IPv4, though it ends like it. */
	assert_format("::1.2.3.4", "::102:304");
	assert_format("::1:2", "::1:2");
	assert_format("::fffe:1.2.3.4", "::fffe:102:304");
	assert_format("1::ffff:1.2.3.4", "1::ffff:102:304");
}

static void test_is_any(void **state _unused_)
{
	assert_true(address_is_any(address("::").bytes));
	assert_true(address_is_any(address("::ffff:0.0.0.0").bytes));
	assert_false(address_is_any(address("::1").bytes));
	assert_false(address_is_any(address("::ffff:0.0.0.1").bytes));
}

static void test_is_loopback(void **state _unused_)
{
	assert_true(address_is_loopback(address("::1").bytes));
	assert_true(address_is_loopback(address("::ffff:127.1.2.3").bytes));
	assert_false(address_is_loopback(address("::").bytes));
	assert_false(address_is_loopback(address("::2").bytes));
	assert_false(address_is_loopback(address("::ffff:128.0.0.1").bytes));
	assert_false(address_is_loopback(address("::127.0.0.1").bytes));
}

static void test_is_ipv4(void **state _unused_)
{
	assert_true(address_is_ipv4(address("::ffff:1.2.3.4").bytes));
	assert_true(address_is_ipv4(address("::ffff:0.0.0.0").bytes));
	assert_false(address_is_ipv4(address("::1.2.3.4").bytes));
	assert_false(address_is_ipv4(address("1::ffff:1.2.3.4").bytes));
}

/* Whatever is printed reads back as the same address. */
static void test_round_trip(void **state _unused_)
{
	char text[ADDRESS_TEXT_MAX];
	uint64_t random = 88172645463325252;
	struct address in;
	struct cidr out;

	for (int round = 0; round < 20000; round++) {
		for (int i = 0; i < 16; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Mostly zeros, so that runs of them come up. */
			in.bytes[i] = random % 3 ? 0 : (uint8_t)(random >> 32);
		}
		address_format(in.bytes, text);
		assert_int_equal(cidr_parse(text, &out, NULL), 0);
		assert_memory_equal(out.address, in.bytes, 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_bits_behind_prefix),
		cmocka_unit_test(test_prefix_lengths),
		cmocka_unit_test(test_not_addresses),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_format_ipv4),
		cmocka_unit_test(test_format_ipv6),
		cmocka_unit_test(test_is_ipv4),
		cmocka_unit_test(test_is_any),
		cmocka_unit_test(test_is_loopback),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

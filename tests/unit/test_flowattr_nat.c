/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/flowattr_nat: what is translated, found from either end, until it is over. */
#include "tools/flowattr_nat.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		[10] = 0xff, 0xff, a, b, c, d                                                      \
	}
#define TUPLE(from, from_port, to, to_port, of)                                                    \
	{                                                                                          \
		.source = V4 from, .destination = V4 to, .source_port = (from_port),               \
		.destination_port = (to_port), .protocol = (of)                                    \
	}

#define INSIDE	(10, 0, 0, 2)
#define BESIDE	(10, 0, 0, 3)
#define OUTSIDE (192, 0, 2, 1)
#define ROUTER	(198, 51, 100, 7)
#define HOME	(127, 0, 0, 1)
#define ANY	(0, 0, 0, 0)

/* A client inside is seen outside as the router. */
static const struct conntrack_entry masqueraded = {
	.original = TUPLE(INSIDE, 40000, OUTSIDE, 80, IPPROTO_TCP),
	.reply = TUPLE(OUTSIDE, 80, ROUTER, 1024, IPPROTO_TCP),
	.netns = 5,
};

/* Its neighbour, by the same port to the same server. */
static const struct conntrack_entry neighbour = {
	.original = TUPLE(BESIDE, 40000, OUTSIDE, 80, IPPROTO_TCP),
	.reply = TUPLE(OUTSIDE, 80, ROUTER, 1025, IPPROTO_TCP),
	.netns = 5,
};

static const struct conntrack_entry plain = {
	.original = TUPLE(INSIDE, 40000, OUTSIDE, 80, IPPROTO_TCP),
	.reply = TUPLE(OUTSIDE, 80, INSIDE, 40000, IPPROTO_TCP),
	.netns = 5,
};

/* A port of loopback leads inside. */
static const struct conntrack_entry from_home = {
	.original = TUPLE(HOME, 50000, HOME, 8080, IPPROTO_UDP),
	.reply = TUPLE(INSIDE, 53, ROUTER, 50000, IPPROTO_UDP),
	.netns = 5,
};

static const struct conntrack_entry echo = {
	.original = TUPLE(INSIDE, 7, OUTSIDE, 7, IPPROTO_ICMP),
	.reply = TUPLE(OUTSIDE, 9, ROUTER, 9, IPPROTO_ICMP),
	.netns = 5,
};

static struct connection end_of(const struct conntrack_tuple *tuple, uint32_t netns)
{
	struct connection c = {
		.netns = netns,
		.lport = tuple->source_port,
		.rport = tuple->protocol == IPPROTO_ICMP ? 0 : tuple->destination_port,
		.protocol = tuple->protocol,
	};

	memcpy(c.laddr, tuple->source, 16);
	memcpy(c.raddr, tuple->destination, 16);
	return c;
}

static void assert_found(struct nat_table *table, const struct conntrack_tuple *from,
			 const struct conntrack_tuple *wanted, uint32_t netns)
{
	const struct connection end = end_of(from, netns), to = end_of(wanted, 0);
	struct connection other;

	assert_true(nat_table_find(table, &end, &other));
	assert_memory_equal(other.laddr, to.laddr, 16);
	assert_memory_equal(other.raddr, to.raddr, 16);
	assert_int_equal(other.lport, to.lport);
	assert_int_equal(other.rport, to.rport);
	assert_int_equal(other.protocol, to.protocol);
}

static void assert_unknown(struct nat_table *table, const struct conntrack_tuple *from,
			   uint32_t netns)
{
	const struct connection end = end_of(from, netns);
	struct connection other;

	assert_false(nat_table_find(table, &end, &other));
}

static void add(struct nat_table *table, const struct conntrack_entry *entry, int wanted)
{
	struct nat_ends ends;

	assert_int_equal(nat_table_add(table, entry, &ends), wanted);
	if (wanted != 1)
		return;
	assert_memory_equal(ends.began.laddr, entry->original.source, 16);
	assert_memory_equal(ends.other.raddr, entry->reply.destination, 16);
	assert_int_equal(ends.other.lport, entry->reply.source_port);
}

static struct nat_table *new_table(size_t max)
{
	struct nat_table *table;

	assert_int_equal(nat_table_new(max, &table), 0);
	return table;
}

static void test_both_ends(void **state _unused_)
{
	struct nat_table *table = new_table(0);

	add(table, &masqueraded, 1);
	add(table, &neighbour, 1);
	add(table, &echo, 1);
	assert_found(table, &masqueraded.original, &masqueraded.reply, 1);
	assert_found(table, &masqueraded.reply, &masqueraded.original, 2);
	assert_found(table, &neighbour.original, &neighbour.reply, 1);
	assert_found(table, &neighbour.reply, &neighbour.original, 2);
	assert_found(table, &echo.original, &echo.reply, 1);
	assert_found(table, &echo.reply, &echo.original, 1);
	assert_int_equal(nat_table_size(table), 3);
	nat_table_free(table);
}

static void test_plain(void **state _unused_)
{
	struct nat_table *table = new_table(0);

	add(table, &plain, 0);
	assert_int_equal(nat_table_size(table), 0);
	assert_unknown(table, &plain.original, 1);
	/* and from then on it is not translated any more */
	add(table, &masqueraded, 1);
	add(table, &plain, 0);
	assert_int_equal(nat_table_size(table), 0);
	assert_unknown(table, &masqueraded.reply, 1);
	nat_table_free(table);
}

static void test_over(void **state _unused_)
{
	struct nat_table *table = new_table(0);
	struct conntrack_entry gone = masqueraded;

	gone.gone = true;
	add(table, &gone, 0);
	add(table, &masqueraded, 1);
	add(table, &neighbour, 1);
	add(table, &masqueraded, 1); /* told twice */
	assert_int_equal(nat_table_size(table), 2);
	add(table, &gone, 0);
	assert_unknown(table, &masqueraded.original, 1);
	assert_unknown(table, &masqueraded.reply, 1);
	assert_found(table, &neighbour.original, &neighbour.reply, 1);
	nat_table_free(table);
}

/* A server that is bound to any address; each namespace's own loopback. */
static void test_addresses(void **state _unused_)
{
	static const struct conntrack_tuple any = TUPLE(ANY, 53, ROUTER, 50000, IPPROTO_UDP);
	struct nat_table *table = new_table(0);
	struct connection other, end = end_of(&any, 9);

	add(table, &from_home, 1);
	assert_found(table, &from_home.original, &from_home.reply, 5);
	assert_unknown(table, &from_home.original, 6);
	assert_found(table, &any, &from_home.original, 9);
	assert_true(nat_table_find(table, &end, &other));
	assert_int_equal(other.netns, 5);
	nat_table_free(table);
}

static void test_bound(void **state _unused_)
{
	struct nat_table *table = new_table(1);

	add(table, &masqueraded, 1);
	assert_int_equal(nat_table_forgotten(table), 0);
	add(table, &neighbour, 1);
	assert_int_equal(nat_table_size(table), 1);
	assert_int_equal(nat_table_forgotten(table), 1);
	assert_unknown(table, &masqueraded.original, 1);
	assert_found(table, &neighbour.reply, &neighbour.original, 1);
	nat_table_free(table);
}

/* The client's own namespace tracks it, too, and translates nothing. */
static void test_two_namespaces(void **state _unused_)
{
	struct conntrack_entry own = plain;
	struct nat_table *table;

	own.netns = 6;
	assert_int_equal(nat_table_new(0, &table), 0);
	add(table, &masqueraded, 1);
	add(table, &own, 0);
	assert_found(table, &masqueraded.original, &masqueraded.reply, 6);
	own.gone = true;
	add(table, &own, 0);
	assert_found(table, &masqueraded.original, &masqueraded.reply, 6);
	add(table, &plain, 0);
	assert_int_equal(nat_table_size(table), 0);
	nat_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_over),	  cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_bound),	  cmocka_unit_test(test_two_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/flowattr_senders: who sent, in which namespace, and who is forgotten first. */
#include "tools/flowattr_senders.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base.h"

static struct connection from(uint8_t first, uint16_t port, uint32_t netns)
{
	return (struct connection){
		.protocol = IPPROTO_TCP,
		.laddr = {[10] = 0xff, 0xff, first, 0, 0, 1},
		.raddr = {[10] = 0xff, 0xff, first, 0, 0, 1},
		.lport = port,
		.rport = 80,
		.netns = netns,
	};
}

static uint32_t find(struct senders *senders, uint8_t first, uint16_t port, uint32_t netns)
{
	const struct connection c = from(first, port, netns);
	const struct sender *sender = senders_find(senders, &c);

	return sender ? sender->id.tgid : 0;
}

static void remember(struct senders **senders, const struct connection *c, uint32_t pid, bool ends)
{
	const struct process_id id = {.tgid = pid};

	senders_remember(senders, c, &id, ends);
}

/* Loopback is one in each namespace; what is sent by another address is seen in others, too. */
static void test_namespaces(void **state _unused_)
{
	const struct connection here = from(10, 1000, 5), home = from(127, 1000, 5),
				other_home = from(127, 1000, 6);
	struct senders *senders = NULL;

	assert_int_equal(find(senders, 10, 1000, 5), 0);
	remember(&senders, &here, 1, false);
	remember(&senders, &home, 2, false);
	remember(&senders, &other_home, 3, false);
	assert_int_equal(find(senders, 10, 1000, 5), 1);
	assert_int_equal(find(senders, 10, 1000, 0), 1);
	assert_int_equal(find(senders, 10, 1000, 6), 0);
	assert_int_equal(find(senders, 10, 1001, 5), 0);
	assert_int_equal(find(senders, 127, 1000, 5), 2);
	assert_int_equal(find(senders, 127, 1000, 6), 3);
	assert_int_equal(find(senders, 127, 1000, 0), 0);
	assert_int_equal(senders_find(senders, &here)->netns, 5);
	remember(&senders, &here, 4, false); /* the last one has it */
	assert_int_equal(find(senders, 10, 1000, 5), 4);
	senders_free(senders);
}

/* The first one in goes first, unless its connection has just ended. */
static void test_bound(void **state _unused_)
{
	struct senders *senders = NULL;
	struct connection c;

	for (uint32_t i = 0; i < SENDERS_MAX; i++) {
		c = from((uint8_t)(10 + (i >> 15)), (uint16_t)(i & 0x7fff), 5);
		remember(&senders, &c, i + 1, false);
	}
	c = from(10, 0, 5);
	remember(&senders, &c, 1, true);
	c = from(20, 1, 5);
	remember(&senders, &c, 99, false);
	assert_int_equal(find(senders, 10, 0, 5), 1);
	assert_int_equal(find(senders, 10, 1, 5), 0);
	assert_int_equal(find(senders, 10, 2, 5), 3);
	assert_int_equal(find(senders, 20, 1, 5), 99);
	senders_free(senders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/filter: what the kernel side is told, and names by pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/filter.h"

/* The configuration for these filters; none of what was there before is left in it. */
static struct filter_config configure(const struct process_filter *process,
				      const struct traffic_filter *traffic, bool command)
{
	struct filter_config config;

	memset(&config, 0xa5, sizeof(config));
	filter_configure(process, traffic, command, &config);
	return config;
}

static void check_at(int line, const struct filter_config *config,
		     const struct filter_config *wanted)
{
	if (memcmp(config, wanted, sizeof(*config)) == 0)
		return;
	print_error("%s:%d: not as wanted\n", __FILE__, line);
	assert_memory_equal(config, wanted, sizeof(*config));
}

#define CHECK(config, ...) check_at(__LINE__, config, &(struct filter_config){__VA_ARGS__})

static void test_nothing(void **state _unused_)
{
	static const struct process_filter process;
	static const struct traffic_filter traffic;
	struct filter_config config = configure(&process, &traffic, false);

	CHECK(&config, 0);
	config = configure(&process, NULL, false);
	CHECK(&config, 0);
	assert_int_equal(filter_processes_max(&config), 1);
}

static void test_process(void **state _unused_)
{
	static const struct process_filter pids = {.pids = {1, 2}, .n_pids = 2};
	static const struct process_filter follow = {.pids = {1}, .n_pids = 1, .follow = true};
	static const struct process_filter users = {.uids = {0}, .n_uids = 1};
	static const struct process_filter places = {.cgroup_id = 0x100000001, .netns = 4026531840};
	struct filter_config config = configure(&pids, NULL, false);

	CHECK(&config, .by_process = 1);
	assert_int_equal(filter_processes_max(&config), 2 * FILTER_MAP_MAX);
	config = configure(&follow, NULL, false);
	CHECK(&config, .by_process = 1, .follow = 1);
	assert_int_equal(filter_processes_max(&config), 65536);
	config = configure(&users, NULL, false);
	CHECK(&config, .by_user = 1);
	assert_int_equal(filter_processes_max(&config), 1);
	config = configure(&places, NULL, false);
	CHECK(&config, .cgroup_id = 0x100000001, .netns = 4026531840);
}

static void test_command(void **state _unused_)
{
	static const struct process_filter none, user = {.uids = {5}, .n_uids = 1};
	struct filter_config config = configure(&none, NULL, true);

	/* only the COMMAND and its descendants */
	CHECK(&config, .by_process = 1, .follow = 1);
	assert_int_equal(filter_processes_max(&config), 65536);
	config = configure(&user, NULL, true);
	CHECK(&config, .by_process = 1, .follow = 1, .by_user = 1);
}

static void test_ports(void **state _unused_)
{
	static const struct process_filter process;
	static const struct traffic_filter any = {.ports = {80}, .n_ports = 1};
	static const struct traffic_filter local = {.local_ports = {80}, .n_local_ports = 1};
	static const struct traffic_filter remote = {.remote_ports = {80}, .n_remote_ports = 1};
	static const struct traffic_filter all = {.n_ports = 1,
						  .n_local_ports = 2,
						  .n_remote_ports = 3};
	struct filter_config config = configure(&process, &any, false);

	CHECK(&config, .ports = PORT_ANY);
	config = configure(&process, &local, false);
	CHECK(&config, .ports = PORT_LOCAL);
	config = configure(&process, &remote, false);
	CHECK(&config, .ports = PORT_REMOTE);
	config = configure(&process, &all, false);
	CHECK(&config, .ports = PORT_ANY | PORT_LOCAL | PORT_REMOTE);
}

static void test_families(void **state _unused_)
{
	static const struct process_filter process;
	static const struct traffic_filter ipv4 = {.ipv4_only = true}, ipv6 = {.ipv6_only = true};
	struct filter_config config = configure(&process, &ipv4, false);

	CHECK(&config, .ipv4_only = 1);
	config = configure(&process, &ipv6, false);
	CHECK(&config, .ipv6_only = 1);
}

static void test_addresses(void **state _unused_)
{
	static const struct process_filter process;
	static const uint8_t ten[16] = {[10] = 0xff, 0xff, 10};
	static const uint8_t ten_mask[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					     0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t doc[16] = {0x20, 0x01, 0x0d, 0xb8};
	static const uint8_t doc_mask[16] = {0xff, 0xff, 0xff, 0xff};
	struct traffic_filter traffic = {.n_cidrs = 2};
	struct filter_config config;

	assert_int_equal(cidr_parse("10.0.0.0/8", &traffic.cidrs[0], NULL), 0);
	assert_int_equal(cidr_parse("2001:db8::/32", &traffic.cidrs[1], NULL), 0);
	/* beyond n_cidrs: not looked at */
	assert_int_equal(cidr_parse("::1", &traffic.cidrs[2], NULL), 0);
	config = configure(&process, &traffic, false);
	assert_int_equal(config.n_cidrs, 2);
	assert_memory_equal(config.cidrs[0].address, ten, 16);
	assert_memory_equal(config.cidrs[0].mask, ten_mask, 16);
	assert_memory_equal(config.cidrs[1].address, doc, 16);
	assert_memory_equal(config.cidrs[1].mask, doc_mask, 16);
	assert_int_equal(config.cidrs[2].mask[0] | config.cidrs[2].mask[1], 0);

	/* as many as there may be */
	for (size_t i = 0; i < FILTER_CIDRS_MAX; i++)
		traffic.cidrs[i] = traffic.cidrs[0];
	traffic.n_cidrs = FILTER_CIDRS_MAX;
	config = configure(&process, &traffic, false);
	assert_int_equal(config.n_cidrs, 64);
	assert_memory_equal(config.cidrs[63].address, ten, 16);
}

static void test_names(void **state _unused_)
{
	static const struct process_filter none;
	static const struct process_filter exact = {.names = {"curl"}, .n_names = 1};
	static const struct process_filter globs = {.names = {"ssh*", "[ab]-?", "kworker/\\*"},
						    .n_names = 3};

	assert_true(filter_wants_name(&none, "curl"));
	assert_true(filter_wants_name(&none, ""));

	assert_true(filter_wants_name(&exact, "curl"));
	assert_false(filter_wants_name(&exact, "curl2"));
	assert_false(filter_wants_name(&exact, "Curl"));
	assert_false(filter_wants_name(&exact, ""));

	assert_true(filter_wants_name(&globs, "ssh"));
	assert_true(filter_wants_name(&globs, "sshd"));
	assert_true(filter_wants_name(&globs, "ssh/agent"));	 /* a name is not a path */
	assert_true(filter_wants_name(&globs, "ssh\x1b\xff\n")); /* raw bytes */
	assert_true(filter_wants_name(&globs, "b-x"));
	assert_true(filter_wants_name(&globs, "kworker/*"));
	assert_false(filter_wants_name(&globs, "kworker/1"));
	assert_false(filter_wants_name(&globs, "c-x"));
	assert_false(filter_wants_name(&globs, "b-xx"));
	assert_false(filter_wants_name(&globs, "openssh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	 cmocka_unit_test(test_process),
		cmocka_unit_test(test_command),	 cmocka_unit_test(test_ports),
		cmocka_unit_test(test_families), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/machine.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TICK_NS (NSEC_PER_SEC / 100)

static void test_stat(void **state _unused_)
{
	struct machine_cpus cpus;

	assert_int_equal(machine_parse_stat("cpu  10 1 20 300 40 5 6 7 8 9\n"
					    "cpu0 5 1 10 100 40 5 6 7 0 0\n"
					    "cpu1 5 0 10 200 0 0 0 0 0 0\n"
					    "intr 1 2 3\nctxt 5\n",
					    &cpus),
			 0);
	assert_int_equal(cpus.n, 2);
	assert_int_equal(cpus.all.busy_ns, (10 + 1 + 20 + 5 + 6 + 7) * TICK_NS);
	assert_int_equal(cpus.all.idle_ns, 300 * TICK_NS);
	assert_int_equal(cpus.all.iowait_ns, 40 * TICK_NS);
	assert_int_equal(cpus.all.irq_ns, 5 * TICK_NS);
	assert_int_equal(cpus.all.softirq_ns, 6 * TICK_NS);
	assert_int_equal(cpus.all.steal_ns, 7 * TICK_NS);
	assert_int_equal(cpus.each[1].idle_ns, 200 * TICK_NS);
	assert_int_equal(cpus.each[1].busy_ns, 15 * TICK_NS);

	assert_int_equal(machine_parse_stat("", &cpus), -EBADMSG);
	assert_int_equal(machine_parse_stat("cpu0 1 2 3 4\n", &cpus), -EBADMSG);
	assert_int_equal(machine_parse_stat("cpu  1 2\n", &cpus), -EBADMSG);
	assert_int_equal(machine_parse_stat("cpu  1 2 3 4\ncpu0 x\n", &cpus), -EBADMSG);
	assert_int_equal(machine_parse_stat("cpu  1 2 3 4", &cpus), 0);
	assert_int_equal(cpus.n, 0);
}

static void test_since(void **state _unused_)
{
	struct machine_times then = {.idle_ns = 100, .iowait_ns = 50, .busy_ns = 7};
	struct machine_times now = {.idle_ns = 130, .iowait_ns = 40, .busy_ns = 9, .irq_ns = 1};
	struct machine_times since = machine_times_since(&now, &then);

	assert_int_equal(since.idle_ns, 30);
	assert_int_equal(since.iowait_ns, 0); /* it fell */
	assert_int_equal(since.busy_ns, 2);
	assert_int_equal(since.irq_ns, 1);
	assert_int_equal(since.steal_ns, 0);
}

/* More processors than are told apart. */
static void test_many(void **state _unused_)
{
	static char text[64 * 300];
	struct machine_cpus cpus;
	int n = sprintf(text, "cpu  1 2 3 4\n");

	for (int i = 0; i < 200; i++)
		n += sprintf(text + n, "cpu%d 1 2 3 %d\n", i, i);
	assert_int_equal(machine_parse_stat(text, &cpus), 0);
	assert_int_equal(cpus.n, 200);
	assert_int_equal(cpus.each[MACHINE_CPUS_MAX - 1].idle_ns, (MACHINE_CPUS_MAX - 1) * TICK_NS);
}

static void test_meminfo(void **state _unused_)
{
	struct machine_memory memory;

	assert_int_equal(machine_parse_meminfo("MemTotal:       100 kB\nMemFree: 1 kB\n"
					       "MemAvailable:   60 kB\nBuffers: 5 kB\n"
					       "Cached:  20 kB\nSwapCached: 9 kB\n"
					       "SwapTotal: 50 kB\nSwapFree: 30 kB",
					       &memory),
			 0);
	assert_int_equal(memory.total_bytes, 102400);
	assert_int_equal(memory.available_bytes, 60 * 1024);
	assert_int_equal(memory.cached_bytes, 25 * 1024);
	assert_int_equal(memory.swap_total_bytes, 50 * 1024);
	assert_int_equal(memory.swap_free_bytes, 30 * 1024);
	assert_int_equal(machine_parse_meminfo("", &memory), -EBADMSG);
	assert_int_equal(machine_parse_meminfo("XMemTotal: 1 kB\n", &memory), -EBADMSG);
}

static void test_loadavg(void **state _unused_)
{
	struct machine_load load;

	assert_int_equal(machine_parse_loadavg("0.25 1.50 12.00 1/234 5678\n", &load), 0);
	assert_true(load.minutes[0] == 0.25 && load.minutes[1] == 1.5 && load.minutes[2] == 12);
	assert_int_equal(machine_parse_loadavg("0.25 x", &load), -EBADMSG);
	assert_int_equal(machine_parse_loadavg("", &load), -EBADMSG);
}

static void test_this_one(void **state _unused_)
{
	_cleanup_(closep) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct machine_cpus cpus;
	struct machine_memory memory;
	struct machine_load load;

	assert_int_equal(machine_read_cpus(proc, &cpus), 0);
	assert_int_equal(cpus.n, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(machine_read_memory(proc, &memory), 0);
	assert_true(memory.total_bytes >= memory.available_bytes);
	assert_int_equal(machine_read_load(proc, &load), 0);
	assert_int_equal(machine_read_load(-1, &load), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),	cmocka_unit_test(test_since),
		cmocka_unit_test(test_many),	cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_loadavg), cmocka_unit_test(test_this_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/interfaces: the text of /proc/net/dev, as kernels write it and as none should. */
#include "lib/interfaces.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define HEAD                                                                                       \
	"Inter-|   Receive                                                |  Transmit\n"           \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs " \
	"drop fifo colls carrier compressed\n"
#define LO   "    lo: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n"
#define ETH  "  eth0:  300  3 1 2 3 4 5 6   70  7 0 0 0 0 0 0\n"
#define VLAN "eth0.100:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n"
#define NAME "eth0:1: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n"
#define LONG "abcdefghijklmno:18446744073709551615 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n"

struct sums {
	int r;
	uint64_t tx, rx;
};

/* All that is there, as if none had been at a first look. */
static struct sums parse(const char *text, const char *name)
{
	struct interfaces interfaces = {.looks = 1};
	struct sums sums = {.r = interfaces_take(&interfaces, text, name)};

	sums.tx = interfaces.sum.tx_bytes;
	sums.rx = interfaces.sum.rx_bytes;
	interfaces_release(&interfaces);
	assert_null(interfaces.by_name);
	return sums;
}

static void assert_sums(struct sums sums, uint64_t rx, uint64_t tx)
{
	assert_int_equal(sums.r, 0);
	assert_int_equal(sums.rx, rx);
	assert_int_equal(sums.tx, tx);
}

static void test_sums(void **state _unused_)
{
	assert_sums(parse(HEAD LO ETH VLAN, NULL), 1301, 2072);
	assert_sums(parse(HEAD LO, NULL), 1000, 2000);
	assert_sums(parse(HEAD "lo:0 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0", NULL), 0, 9); /* no newline */
	assert_sums(parse(HEAD, NULL), 0, 0);
	assert_sums(parse(HEAD LONG LO, NULL), 999, 2000); /* wraps */
}

static void test_name(void **state _unused_)
{
	const char *text = HEAD ETH VLAN NAME LO LONG;

	assert_sums(parse(text, "lo"), 1000, 2000);
	assert_sums(parse(text, "eth0"), 300, 70);
	assert_sums(parse(text, "eth0.100"), 1, 2);
	assert_sums(parse(text, "eth0:1"), 5, 6);
	assert_sums(parse(text, "abcdefghijklmno"), UINT64_MAX, 0);
	assert_int_equal(parse(text, "eth").r, -ENODEV);
	assert_int_equal(parse(text, "eth00").r, -ENODEV);
	assert_int_equal(parse(text, "th0").r, -ENODEV);
	assert_int_equal(parse(text, "300").r, -ENODEV);
	assert_int_equal(parse(text, " eth0").r, -ENODEV);
	assert_int_equal(parse(text, "face |bytes").r, -ENODEV);
	assert_int_equal(parse(text, "").r, -ENODEV);
	assert_int_equal(parse(HEAD, "lo").r, -ENODEV);
}

static void test_hostile(void **state _unused_)
{
	static const char *const texts[] = {
		"",
		"\n",
		"no end of line",
		"one line\n",
		HEAD "no colon\n",
		HEAD "no colon\n" LO,
		HEAD LO "\n",
		HEAD LO "\n" LO,
		HEAD "  \t \n",
		HEAD ":\n",
		HEAD "lo:\n",
		HEAD "lo: x\n",
		HEAD "lo: 1 2 3\n",
		HEAD "lo: 1 2 3 4 5 6 7 8\n",
		HEAD "lo: 1 2 3 4 5 6 7 8 x\n",
		HEAD "lo: 1 2 3 4 5 6 7 8\n9 10 11\n",
		HEAD "lo: 1 2 3 4 5 6 7 8 9 : 1\n",
		HEAD "lo: -1 2 3 4 5 6 7 8 9\n",
		HEAD "lo: 1 2 3 4 5 6 7 8 -9\n",
		HEAD "lo: 99999999999999999999 2 3 4 5 6 7 8 9\n",
		HEAD LO "\xff\xfe\n",
		HEAD "abcdefghijklmnop: 1 2 3 4 5 6 7 8 9\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (parse(texts[i], NULL).r != -EBADMSG)
			fail_msg("\"%s\"", texts[i]);
	}
}

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void assert_sum(const struct interfaces *interfaces, uint64_t rx, uint64_t tx)
{
	assert_int_equal(interfaces->sum.rx_bytes, rx);
	assert_int_equal(interfaces->sum.tx_bytes, tx);
}

/* Interfaces come and go, and come again by the same name: no sum falls. */
static void test_looks(void **state _unused_)
{
	static const char later[] = "lo: 1100 0 0 0 0 0 0 0 2200 0\n";
	static const char other[] = "eth0: 40 0 0 0 0 0 0 0 50 0\n";
	struct interfaces all = {}, one = {};
	char text[1000];

	assert_int_equal(interfaces_take(&all, HEAD LO ETH, NULL), 0);
	assert_sum(&all, 0, 0); /* of before the first look */
	snprintf(text, sizeof(text), "%s%s%s", HEAD, later, VLAN);
	assert_int_equal(interfaces_take(&all, text, NULL), 0);
	assert_sum(&all, 101, 202); /* eth0 has gone, eth0.100 has come */
	snprintf(text, sizeof(text), "%s%s%s", HEAD, other, later);
	assert_int_equal(interfaces_take(&all, text, NULL), 0);
	assert_sum(&all, 141, 252);
	snprintf(text, sizeof(text), "%seth0: 41 0 0 0 0 0 0 0 2 0\n", HEAD);
	assert_int_equal(interfaces_take(&all, text, NULL), 0); /* less than before: another */
	assert_sum(&all, 142, 254);
	assert_int_equal(interfaces_take(&all, "", NULL), -EBADMSG);
	assert_sum(&all, 142, 254);

	assert_int_equal(interfaces_take(&one, HEAD ETH, "eth0"), 0);
	assert_int_equal(interfaces_take(&one, HEAD LO, "eth0"), -ENODEV);
	assert_int_equal(interfaces_take(&one, text, "eth0"), 0);
	assert_sum(&one, 41, 2);
	interfaces_release(&all);
	interfaces_release(&one);
}

/* From a file, one longer than a read takes besides. */
static void test_read(void **state _unused_)
{
	char directory[] = "/tmp/test_interfaces.XXXXXX", path[64], text[20000] = HEAD;
	struct interfaces all = {.looks = 1}, one = {.looks = 1};
	size_t length = strlen(text);
	int fd;

	assert_non_null(mkdtemp(directory));
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(interfaces_look(&all, fd, NULL), -ENOENT);
	assert_int_equal(mkdirat(fd, "self", 0700), 0);
	assert_int_equal(mkdirat(fd, "self/net", 0700), 0);
	snprintf(path, sizeof(path), "%s/self/net/dev", directory);
	for (int i = 0; i < 300; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "veth%d: %d 0 0 0 0 0 0 0 1 0\n", i, i);
	write_file(path, text, length);
	assert_int_equal(interfaces_look(&all, fd, NULL), 0);
	assert_int_equal(all.sum.rx_bytes, 299 * 300 / 2);
	assert_int_equal(all.sum.tx_bytes, 300);
	assert_int_equal(interfaces_look(&one, fd, "veth299"), 0);
	assert_int_equal(one.sum.rx_bytes, 299);
	write_file(path, "", 0);
	assert_int_equal(interfaces_look(&all, fd, NULL), -EBADMSG);
	write_file(path, HEAD "lo: 1\0 2 3", sizeof(HEAD "lo: 1\0 2 3") - 1);
	assert_int_equal(interfaces_look(&all, fd, NULL), -EBADMSG);
	assert_int_equal(unlinkat(fd, "self/net/dev", 0), 0);
	assert_int_equal(unlinkat(fd, "self/net", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(fd, "self", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(directory), 0);
	close(fd);
	interfaces_release(&all);
	interfaces_release(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),	cmocka_unit_test(test_name),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_looks),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/cgroup: containers in paths, and the table of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/cgroup.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void test_container(void **state _unused_)
{
	static const struct {
		const char *path, *container;
	} cases[] = {
		{"/system.slice/docker-" ID ".scope", ID},
		{"/system.slice/docker-" ID ".scope/init.scope", ID},
		{"/docker/" ID, ID},
		{"/docker/" ID "/docker/" ID2, ID2},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/"
		 "cri-containerd-" ID ".scope",
		 ID},
		{"/kubepods/besteffort/pod2f1c/" ID, ID},
		{"/kubepods.slice/crio-" ID ".scope", ID},
		{"/kubepods.slice/crio-conmon-" ID ".scope", NULL},
		{"/system.slice/kubepods-pod1.slice:cri-containerd:" ID, ID},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
		 ".scope/container",
		 ID},
		{"/machine.slice/libpod-conmon-" ID ".scope", NULL},
		{"/libpod_parent/libpod-" ID, ID},
		{"/lxc.payload.web/system.slice/nginx.service", "web"},
		{"/lxc.payload/web", "web"},
		{"/lxc.payload.", NULL},
		{"/lxc.monitor.web", NULL},
		{"/lxc/101/ns/init.scope", "101"},
		{"/lxc", NULL},
		{"/lxc.payload.outer/docker/" ID, ID},
		{"/machine.slice/machine-fedora\\x2d39.scope", "fedora\\x2d39"},
		{"/machine.slice/machine-fedora\\x2d39.scope/payload", "fedora\\x2d39"},
		{"/machine.slice/machine-.scope", NULL},
		{"/machine.slice", NULL},
		{"/system.slice/sshd.service", NULL},
		{"/system.slice/docker.service", NULL},
		{"/x/" ID "0", NULL}, /* 65 digits */
		{"/x/g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
		{"/x/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
		{"/x/docker_" ID ".scope", NULL},
		{"/x/.scope", NULL},
		{"/", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t length = 77;
		const char *found = cgroup_container(cases[i].path, &length);

		if (!found != !cases[i].container)
			fail_msg("%s: %s", cases[i].path, found ? found : "none");
		if (!found) {
			assert_int_equal(length, 77);
			continue;
		}
		assert_true(found >= cases[i].path &&
			    found < cases[i].path + strlen(cases[i].path));
		assert_int_equal(length, strlen(cases[i].container));
		assert_memory_equal(found, cases[i].container, length);
	}
}

static int add(struct cgroup_table *table, uint64_t id, const char *parts, size_t length)
{
	struct cgroup_record *record = calloc(1, sizeof(*record) + length);
	int r;

	assert_non_null(record);
	record->cgroup_id = id;
	record->path_length = (uint32_t)length;
	memcpy(record->data, parts, length);
	r = cgroup_table_add(table, record, sizeof(*record) + length);
	free(record);
	return r;
}

static void test_table(void **state _unused_)
{
	_cleanup_(cgroup_table_freep) struct cgroup_table *table = NULL;

	assert_int_equal(cgroup_table_new(3, &table), 0);
	/* The root of the hierarchy is known without a record; 0 is no cgroup at all. */
	assert_string_equal(cgroup_table_find(table, CGROUP_ROOT_ID), "/");
	assert_null(cgroup_table_find(table, 0));
	assert_null(cgroup_table_find(table, 19));
	assert_int_equal(add(table, 19, "", 0), 0);
	assert_int_equal(add(table, 20, "a.service\0system.slice", 23), 0);
	assert_string_equal(cgroup_table_find(table, 19), "/");
	assert_string_equal(cgroup_table_find(table, 20), "/system.slice/a.service");

	/* Seen again: replaced, and now the youngest. */
	assert_int_equal(add(table, 19, "", 0), 0);
	assert_int_equal(add(table, 20, "b", 2), 0);
	assert_string_equal(cgroup_table_find(table, 20), "/b");

	assert_int_equal(add(table, 21, "c", 2), 0);
	assert_int_equal(add(table, 22, "d", 2), 0);
	assert_null(cgroup_table_find(table, 19));
	assert_string_equal(cgroup_table_find(table, 20), "/b");
	assert_string_equal(cgroup_table_find(table, 21), "/c");
	assert_string_equal(cgroup_table_find(table, 22), "/d");
}

/* What is asked for stays, however long ago it was told. */
static void test_used_stays(void **state _unused_)
{
	_cleanup_(cgroup_table_freep) struct cgroup_table *table = NULL;

	assert_int_equal(cgroup_table_new(3, &table), 0);
	assert_int_equal(add(table, 10, "old", 4), 0);
	for (uint64_t id = 20; id < 40; id++) {
		assert_int_equal(add(table, id, "new", 4), 0);
		assert_non_null(cgroup_table_find(table, 10));
		assert_non_null(cgroup_table_find(table, 10)); /* it is the last already */
	}
	assert_string_equal(cgroup_table_find(table, 10), "/old");
	assert_string_equal(cgroup_table_find(table, 39), "/new");
	assert_string_equal(cgroup_table_find(table, 38), "/new");
	assert_null(cgroup_table_find(table, 37));
}

static void test_bad(void **state _unused_)
{
	_cleanup_(cgroup_table_freep) struct cgroup_table *table = NULL;
	_Alignas(struct cgroup_record) char bytes[sizeof(struct cgroup_record) + 4] = {};
	struct cgroup_record *bad = (struct cgroup_record *)bytes;

	bad->cgroup_id = 5;
	bad->path_length = 4;
	memcpy(bad->data, "abcd", 4);
	assert_int_equal(cgroup_table_new(0, &table), 0);
	assert_int_equal(cgroup_table_add(table, bad, sizeof(*bad) - 1), -EBADMSG);
	assert_int_equal(cgroup_table_add(table, bad, sizeof(*bad) + 3), -EBADMSG);
	/* No NUL. */
	assert_int_equal(cgroup_table_add(table, bad, sizeof(bytes)), -EBADMSG);
	bad->path_length = UINT32_MAX;
	assert_int_equal(cgroup_table_add(table, bad, sizeof(bytes)), -EBADMSG);
	assert_null(cgroup_table_find(table, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_used_stays),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/process: which name a process has after which records. */
#define _GNU_SOURCE 1 /* O_PATH */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/process.h"

#define START_NS 5000000000ULL /* of every process here: 500 ticks of 100 a second */

/* The texts of a record with their lengths; exe and args with NULs inside. */
struct texts {
	const char *exe, *filename, *interp, *args, *kthread;
	size_t exe_length, args_length;
	uint32_t flags;
};

#define EXE(text)  .exe = (text), .exe_length = sizeof(text) - 1
#define ARGS(text) .args = (text), .args_length = sizeof(text) - 1, .flags = PROCESS_ARGS_KNOWN

static struct process_id id_of(uint32_t tgid, uint64_t exec_id, const char *comm)
{
	struct process_id id = {.start_ns = START_NS,
				.exec_id = exec_id,
				.tgid = tgid,
				.tid = tgid};

	memcpy(id.comm, comm, strnlen(comm, COMM_SIZE - 1));
	return id;
}

static size_t append(char *data, size_t offset, const char *text, size_t length)
{
	if (text)
		memcpy(data + offset, text, length);
	return offset + length;
}

/* A record in @buffer; returns its length. */
static size_t build(char *buffer, const struct process_id *id, enum process_origin origin,
		    const struct texts *texts)
{
	struct process_record record = {.header.type = RECORD_PROCESS, .id = *id, .origin = origin};
	size_t offset = sizeof(record);

	record.flags = texts->flags;
	record.exe_length = (uint16_t)texts->exe_length;
	record.filename_length = texts->filename ? (uint16_t)strlen(texts->filename) + 1 : 0;
	record.interp_length = texts->interp ? (uint16_t)strlen(texts->interp) + 1 : 0;
	record.args_length = (uint16_t)texts->args_length;
	record.kthread_length = texts->kthread ? (uint16_t)strlen(texts->kthread) + 1 : 0;
	offset = append(buffer, offset, texts->exe, record.exe_length);
	offset = append(buffer, offset, texts->filename, record.filename_length);
	offset = append(buffer, offset, texts->interp, record.interp_length);
	offset = append(buffer, offset, texts->args, record.args_length);
	offset = append(buffer, offset, texts->kthread, record.kthread_length);
	record.header.length = (uint32_t)offset;
	memcpy(buffer, &record, sizeof(record));
	return offset;
}

static int add(struct process_table *table, const struct process_id *id, enum process_origin origin,
	       const struct texts *texts)
{
	_Alignas(struct process_record) char buffer[1024];
	size_t length = build(buffer, id, origin, texts);

	return process_table_add(table, (const struct process_record *)buffer, length);
}

static void add_exec(struct process_table *table, uint32_t tgid, uint64_t exec_id, const char *path)
{
	struct process_id id = id_of(tgid, exec_id, "x");
	char exe[64];

	strcpy(exe, path + 1); /* one component: "/prog" */
	assert_int_equal(add(table, &id, PROCESS_EXEC,
			     &(struct texts){.exe = exe,
					     .exe_length = strlen(exe) + 1,
					     .filename = path,
					     .interp = path,
					     ARGS("prog\0-a\0")}),
			 0);
}

static void add_fork(struct process_table *table, uint32_t tgid, uint64_t exec_id, uint32_t parent,
		     uint64_t parent_exec_id)
{
	struct process_record record = {.id = id_of(tgid, exec_id, "x"),
					.origin = PROCESS_FORK,
					.parent_tgid = parent,
					.parent_start_ns = START_NS,
					.parent_exec_id = parent_exec_id};

	assert_int_equal(process_table_add(table, &record, sizeof(record)), 0);
}

static struct process_names find(struct process_table *table, const struct process_id *id)
{
	struct process_names names;

	memset(&names, 0xff, sizeof(names));
	process_table_find(table, id, false, &names);
	return names;
}

static void check_at(int line, struct process_table *table, uint32_t tgid, uint64_t exec_id,
		     const char *name, enum name_source source)
{
	struct process_id id = id_of(tgid, exec_id, "comm");
	struct process_names names = find(table, &id);

	if (strcmp(names.name, name) != 0 || names.source != source)
		fail_msg("line %d: \"%s\" by %s", line, names.name,
			 process_name_source(names.source));
}

#define CHECK(...) check_at(__LINE__, table, __VA_ARGS__)

static struct process_table *table_new(int proc_fd, size_t max)
{
	struct process_table_options options = {.proc_fd = proc_fd, .processes_max = max};
	struct process_table *table = NULL;

	assert_int_equal(process_table_new(&options, &table), 0);
	return table;
}

#define TABLE(proc_fd, max)                                                                        \
	_cleanup_(process_table_freep) struct process_table *table = table_new(proc_fd, max)

static void test_words(void **state _unused_)
{
	static const char *const words[NAME_SOURCES] = {"comm", "exec",	   "iter",   "fork",
							"exe",	"cmdline", "kernel", "guess"};

	for (size_t i = 0; i < NAME_SOURCES; i++)
		assert_string_equal(process_name_source((enum name_source)i), words[i]);
}

static void test_exec(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = id_of(10, 1, "a-script-with-a");
	struct process_names names;

	assert_int_equal(add(table, &id, PROCESS_EXEC,
			     &(struct texts){EXE("dash\0bin\0usr\0"),
					     .filename = "./a-script-with-a-long-name",
					     .interp = "/bin/sh",
					     ARGS("/bin/sh\0./a-script-with-a-long-name\0")}),
			 0);
	names = find(table, &id);
	assert_string_equal(names.name, "a-script-with-a-long-name");
	assert_string_equal(names.exe, "/usr/bin/dash");
	assert_string_equal(names.script, "./a-script-with-a-long-name");
	assert_int_equal(names.args_length, 36);
	assert_memory_equal(names.args, "/bin/sh\0./a-script-with-a-long-name\0", 36);
	assert_false(names.args_cut);
	assert_int_equal(names.source, NAME_EXEC);
}

static void test_exe_text(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = id_of(10, 1, "prog");
	struct texts texts = {EXE("prog\0tmp\0"), .filename = "/tmp/prog", .interp = "/tmp/prog"};
	struct process_names names;

	texts.flags = PROCESS_EXE_DELETED;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &texts), 0);
	names = find(table, &id);
	assert_string_equal(names.name, "prog");
	assert_string_equal(names.exe, "/tmp/prog (deleted)");
	assert_null(names.args);
	assert_int_equal(names.args_length, 0);

	texts.flags = PROCESS_EXE_CUT | PROCESS_ARGS_KNOWN;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &texts), 0);
	names = find(table, &id);
	assert_string_equal(names.exe, ".../tmp/prog");
	/* argc 0 */
	assert_non_null(names.args);
	assert_int_equal(names.args_length, 0);

	texts = (struct texts){EXE("memfd:foo\0"), .filename = "/dev/fd/3", .interp = "/dev/fd/3"};
	texts.flags = PROCESS_EXE_DELETED;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &texts), 0);
	names = find(table, &id);
	assert_string_equal(names.name, "memfd:foo");
	assert_string_equal(names.exe, "/memfd:foo (deleted)");

	/* Cut within an argument: the NUL is added. */
	texts = (struct texts){.filename = "/tmp/prog", .interp = "/tmp/prog", ARGS("prog\0-ab")};
	texts.flags |= PROCESS_ARGS_CUT;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &texts), 0);
	names = find(table, &id);
	assert_null(names.exe);
	assert_true(names.args_cut);
	assert_int_equal(names.args_length, 9);
	assert_memory_equal(names.args, "prog\0-ab\0", 9);

	/* Not known, whatever is there. */
	texts.flags = 0;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &texts), 0);
	assert_null(find(table, &id).args);
}

static void test_env_chain(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = id_of(10, 1, "app");
	const struct texts env = {EXE("env\0bin\0usr\0"), .filename = "/srv/app",
				  .interp = "/usr/bin/env", ARGS("/usr/bin/env\0foo\0/srv/app\0")};
	const struct texts foo = {EXE("foo\0bin\0usr\0"), .filename = "/usr/bin/foo",
				  .interp = "/usr/bin/foo", ARGS("foo\0/srv/app\0")};

	assert_int_equal(add(table, &id, PROCESS_EXEC, &env), 0);
	CHECK(10, 1, "app", NAME_EXEC);
	id.exec_id = 2;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &foo), 0);
	CHECK(10, 2, "app", NAME_EXEC);
	/* And once more: foo was no env. */
	id.exec_id = 3;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &foo), 0);
	CHECK(10, 3, "foo", NAME_EXEC);

	/* An exec in between was lost. */
	id = id_of(11, 1, "app");
	assert_int_equal(add(table, &id, PROCESS_EXEC, &env), 0);
	id.exec_id = 3;
	assert_int_equal(add(table, &id, PROCESS_EXEC, &foo), 0);
	CHECK(11, 3, "foo", NAME_EXEC);

	/* Of a child that was forked in between, too, it is another program. */
	id = id_of(12, 1, "app");
	assert_int_equal(add(table, &id, PROCESS_EXEC, &env), 0);
	add_fork(table, 13, 1, 12, 1);
	CHECK(13, 1, "app", NAME_FORK);
	id = id_of(13, 2, "foo");
	assert_int_equal(add(table, &id, PROCESS_EXEC, &foo), 0);
	CHECK(13, 2, "foo", NAME_EXEC);
}

static void test_fork(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_names names;
	struct process_id id = id_of(11, 1, "Thread 1");

	add_exec(table, 10, 1, "/parent");
	add_fork(table, 11, 1, 10, 1);
	add_fork(table, 12, 1, 11, 1);
	names = find(table, &id);
	assert_string_equal(names.name, "parent");
	assert_string_equal(names.exe, "/parent");
	assert_int_equal(names.args_length, 8);
	assert_int_equal(names.source, NAME_FORK);
	CHECK(12, 1, "parent", NAME_FORK);

	/* The parent's exec leaves the children what they are; the child's own does not. */
	add_exec(table, 10, 2, "/other");
	CHECK(10, 2, "other", NAME_EXEC);
	CHECK(11, 1, "parent", NAME_FORK);
	add_exec(table, 11, 2, "/child");
	CHECK(11, 2, "child", NAME_EXEC);
	CHECK(12, 1, "parent", NAME_FORK);

	/* Of another program or process than is known, nothing is inherited. */
	add_fork(table, 20, 3, 10, 3);
	CHECK(20, 3, "comm", NAME_COMM);
	add_fork(table, 21, 1, 10, 1);
	CHECK(21, 1, "comm", NAME_COMM);
	add_fork(table, 22, 1, 99, 1);
	CHECK(22, 1, "comm", NAME_COMM);

	/* The names outlive the parent. */
	id = id_of(10, 2, "");
	process_table_exit(table, &id);
	add_fork(table, 23, 2, 10, 2);
	CHECK(23, 2, "other", NAME_FORK);
}

static void test_exec_id(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = id_of(10, 3, "");
	struct process_id reused = id_of(10, 3, "new");

	add_exec(table, 10, 3, "/three");
	CHECK(10, 3, "three", NAME_EXEC);
	CHECK(10, 4, "comm", NAME_COMM);
	CHECK(10, 2, "comm", NAME_COMM);
	CHECK(10, 3, "three", NAME_EXEC);
	/* An old record changes nothing. */
	add_exec(table, 10, 2, "/two");
	CHECK(10, 3, "three", NAME_EXEC);

	/* What is pinned is printed later as what it was. */
	process_table_pin(table, &id);
	add_exec(table, 10, 4, "/four");
	CHECK(10, 3, "three", NAME_EXEC);
	CHECK(10, 4, "four", NAME_EXEC);
	add_exec(table, 10, 5, "/five");
	CHECK(10, 4, "four", NAME_EXEC);
	CHECK(10, 5, "five", NAME_EXEC);
	process_table_unpin(table, &id);
	CHECK(10, 4, "comm", NAME_COMM);
	CHECK(10, 5, "five", NAME_EXEC);

	/* The same process id, another process. */
	reused.start_ns++;
	assert_int_equal(find(table, &reused).source, NAME_COMM);
}

/* Hooks and iterator race: of the same program the better record stays, in either order. */
static void test_order(void **state _unused_)
{
	TABLE(-1, 0);
	const struct texts iter = {EXE("iter\0bin\0usr\0"), ARGS("iter\0")};
	struct process_id id;

	for (uint32_t first = 0; first < 2; first++) {
		id = id_of(10 + first, 1, "iter");
		if (!first)
			assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
		add_exec(table, id.tgid, 1, "/exec");
		if (first)
			assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
		CHECK(id.tgid, 1, "exec", NAME_EXEC);

		id = id_of(20 + first, 1, "iter");
		if (!first)
			assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
		add_fork(table, id.tgid, 1, 10, 1);
		if (first)
			assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
		CHECK(id.tgid, 1, "exec", NAME_FORK);

		/* A fork that knows nothing is worth less. */
		id = id_of(30 + first, 1, "iter");
		if (!first)
			assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
		add_fork(table, id.tgid, 1, 99, 1);
		if (first)
			assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
		CHECK(id.tgid, 1, "iter", NAME_ITER);
	}
	/* A later exec wins, whoever tells of it. */
	id = id_of(10, 2, "iter");
	assert_int_equal(add(table, &id, PROCESS_ITER, &iter), 0);
	CHECK(10, 2, "iter", NAME_ITER);
}

static void test_iter(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = id_of(10, 1, "a-script-with-a");
	struct process_names names;

	assert_int_equal(add(table, &id, PROCESS_ITER,
			     &(struct texts){EXE("dash\0bin\0"),
					     ARGS("/bin/sh\0/srv/a-script-with-a-long-name\0")}),
			 0);
	names = find(table, &id);
	assert_string_equal(names.name, "a-script-with-a-long-name");
	assert_string_equal(names.script, "/srv/a-script-with-a-long-name");
	assert_int_equal(names.source, NAME_ITER);

	id = id_of(11, 1, "python3");
	assert_int_equal(add(table, &id, PROCESS_ITER,
			     &(struct texts){EXE("python3.11\0bin\0"), ARGS("python3\0app.py\0")}),
			 0);
	CHECK(11, 1, "app.py", NAME_GUESS);

	/* Nothing but a comm: a zombie. */
	id = id_of(12, 1, "zombie");
	assert_int_equal(add(table, &id, PROCESS_ITER, &(struct texts){}), 0);
	CHECK(12, 1, "comm", NAME_COMM);
}

static void test_kernel(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = id_of(10, 0, "kworker/u8:2-ev");
	struct process_names names;

	id.flags = PROCESS_KTHREAD;
	names = find(table, &id);
	assert_string_equal(names.name, "[kworker/u8:2-ev]");
	assert_int_equal(names.source, NAME_KERNEL);
	assert_null(names.exe);
	assert_null(names.args);

	assert_int_equal(add(table, &id, PROCESS_ITER,
			     &(struct texts){.kthread = "kworker/u8:2-events_unbound"}),
			 0);
	assert_string_equal(find(table, &id).name, "[kworker/u8:2-events_unbound]");
	assert_int_equal(find(table, &id).source, NAME_KERNEL);

	/* Asked for before its creator has given it a name, and then no longer than comm. */
	id = id_of(12, 0, "kthreadd");
	id.flags = PROCESS_KTHREAD;
	assert_string_equal(find(table, &id).name, "[kthreadd]");
	memcpy(id.comm, "jbd2/sda", sizeof("jbd2/sda"));
	assert_string_equal(find(table, &id).name, "[jbd2/sda]");
	assert_int_equal(add(table, &id, PROCESS_ITER, &(struct texts){.kthread = "full"}), 0);
	assert_string_equal(find(table, &id).name, "[full]");

	/* A user mode helper: forked by a kernel thread, execs. */
	add_fork(table, 11, 0, 10, 0);
	CHECK(11, 0, "comm", NAME_COMM);
	add_exec(table, 11, 1, "/modprobe");
	CHECK(11, 1, "modprobe", NAME_EXEC);
}

static void test_comm(void **state _unused_)
{
	TABLE(-1, 0);
	struct process_id id = {.comm = "nobody"};
	struct process_table_stats stats;

	assert_string_equal(find(table, &id).name, "nobody");
	assert_ptr_equal(find(table, &id).name, id.comm);
	assert_int_equal(find(table, &id).source, NAME_COMM);
	id = id_of(10, 1, "");
	assert_string_equal(find(table, &id).name, "");
	process_table_get_stats(table, &stats);
	assert_int_equal(stats.found[NAME_COMM], 4);
	assert_int_equal(stats.found[NAME_EXEC], 0);
	assert_int_equal(stats.procfs_lookups, 0);
}

static void test_bad(void **state _unused_)
{
	TABLE(-1, 0);
	_Alignas(struct process_record) char buffer[1024];
	struct process_record *record = (struct process_record *)buffer;
	struct process_id id = id_of(10, 1, "prog");
	const struct texts texts = {EXE("prog\0"), .filename = "/prog", .interp = "/prog",
				    ARGS("prog\0-a\0")};
	size_t length = build(buffer, &id, PROCESS_EXEC, &texts);

	for (size_t n = 0; n < length; n++)
		assert_int_equal(process_table_add(table, record, n), -EBADMSG);
	record->origin = 4;
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	record->origin = 0;
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	record->origin = PROCESS_EXEC;
	record->filename_length--;
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	record->filename_length++;
	record->args_length = UINT16_MAX;
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	build(buffer, &id, PROCESS_EXEC, &texts);
	record->id.tgid = 0;
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	build(buffer, &id, PROCESS_EXEC, &texts);
	record->id.start_ns = 0;
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	build(buffer, &id, PROCESS_EXEC, &texts);
	memset(record->id.comm, 'x', COMM_SIZE);
	assert_int_equal(process_table_add(table, record, length), -EBADMSG);
	CHECK(10, 1, "comm", NAME_COMM);

	build(buffer, &id, PROCESS_EXEC, &texts);
	assert_int_equal(process_table_add(table, record, length), 0);
	CHECK(10, 1, "prog", NAME_EXEC);
}

static void exit_of(struct process_table *table, uint32_t tgid)
{
	struct process_id id = id_of(tgid, 1, "");

	process_table_exit(table, &id);
}

static void add_long(struct process_table *table, uint32_t tgid)
{
	struct process_id id = id_of(tgid, 1, "x");
	char args[700];

	memset(args, 'a', sizeof(args));
	assert_int_equal(add(table, &id, PROCESS_EXEC,
			     &(struct texts){.filename = "/long",
					     .args = args,
					     .args_length = sizeof(args),
					     .flags = PROCESS_ARGS_KNOWN}),
			 0);
}

/* Command lines of the dead have a bound of their own; those of the living and the pinned do not
 * count. */
static void test_dead_bytes(void **state _unused_)
{
	static const struct process_table_options options = {.proc_fd = -1, .dead_bytes_max = 2000};
	_cleanup_(process_table_freep) struct process_table *table = NULL;
	struct process_id pinned = id_of(4, 1, "");
	struct process_table_stats stats;

	assert_int_equal(process_table_new(&options, &table), 0);
	for (uint32_t tgid = 1; tgid <= 5; tgid++)
		add_long(table, tgid);
	process_table_pin(table, &pinned);
	exit_of(table, 1);
	exit_of(table, 4);
	exit_of(table, 2);
	CHECK(1, 1, "long", NAME_EXEC);
	exit_of(table, 3);
	CHECK(1, 1, "comm", NAME_COMM);
	CHECK(2, 1, "long", NAME_EXEC);
	process_table_unpin(table, &pinned);
	CHECK(2, 1, "comm", NAME_COMM);
	CHECK(3, 1, "long", NAME_EXEC);
	CHECK(4, 1, "long", NAME_EXEC);
	CHECK(5, 1, "long", NAME_EXEC);
	process_table_get_stats(table, &stats);
	assert_int_equal(stats.evicted, 2);
}

static void test_eviction(void **state _unused_)
{
	TABLE(-1, 4);
	struct process_id pinned = id_of(2, 1, "");
	struct process_table_stats stats;

	add_exec(table, 1, 1, "/one");
	add_exec(table, 2, 1, "/two");
	add_exec(table, 3, 1, "/three");
	add_exec(table, 4, 1, "/four");
	process_table_pin(table, &pinned);
	exit_of(table, 2);
	exit_of(table, 4);
	exit_of(table, 3);
	exit_of(table, 3);

	/* Who died first goes first, but for the pinned. */
	add_exec(table, 5, 1, "/five");
	CHECK(4, 1, "comm", NAME_COMM);
	CHECK(3, 1, "three", NAME_EXEC);
	add_exec(table, 6, 1, "/six");
	CHECK(3, 1, "comm", NAME_COMM);
	CHECK(2, 1, "two", NAME_EXEC);

	/* Nobody dead and not pinned: who was added first. */
	add_exec(table, 7, 1, "/seven");
	CHECK(1, 1, "comm", NAME_COMM);
	CHECK(2, 1, "two", NAME_EXEC);

	/* Each pin wants one unpin; one too many does no harm. */
	process_table_pin(table, &pinned);
	process_table_unpin(table, &pinned);
	process_table_unpin(table, &pinned);
	process_table_unpin(table, &pinned);
	add_exec(table, 8, 1, "/eight");
	CHECK(2, 1, "comm", NAME_COMM);
	CHECK(5, 1, "five", NAME_EXEC);
	CHECK(6, 1, "six", NAME_EXEC);
	CHECK(7, 1, "seven", NAME_EXEC);
	CHECK(8, 1, "eight", NAME_EXEC);
	process_table_get_stats(table, &stats);
	assert_int_equal(stats.evicted, 4);
	assert_int_equal(stats.procfs_lookups, 0);

	/* Pinned after its death. */
	exit_of(table, 5);
	pinned.tgid = 5;
	process_table_pin(table, &pinned);
	exit_of(table, 6);
	add_exec(table, 9, 1, "/nine");
	CHECK(5, 1, "five", NAME_EXEC);
	CHECK(6, 1, "comm", NAME_COMM);

	/* Unknown: nothing happens. */
	pinned.tgid = 77;
	process_table_pin(table, &pinned);
	process_table_unpin(table, &pinned);
}

/* A directory that stands for /proc, with process 10 in it. */
struct fake {
	char path[64];
	int fd;
};

static void put(const struct fake *fake, const char *name, const char *text, size_t length)
{
	_cleanup_(closep) int fd =
		openat(fake->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
}

static void put_process(const struct fake *fake, const char *comm, const char *exe,
			const char *cmdline, size_t length)
{
	char text[256];
	uint64_t ticks = START_NS / (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
	int n = snprintf(text, sizeof(text),
			 "10 (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %llu 0 0\n", comm,
			 (unsigned long long)ticks);

	put(fake, "10/stat", text, (size_t)n);
	put(fake, "10/cmdline", cmdline, length);
	unlinkat(fake->fd, "10/exe", 0);
	if (exe)
		assert_int_equal(symlinkat(exe, fake->fd, "10/exe"), 0);
}

static int setup(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	strcpy(fake->path, "/tmp/test_process.XXXXXX");
	assert_non_null(mkdtemp(fake->path));
	fake->fd = open(fake->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fake->fd >= 0);
	assert_int_equal(mkdirat(fake->fd, "10", 0755), 0);
	*state = fake;
	return 0;
}

static int teardown(void **state)
{
	struct fake *fake = *state;

	unlinkat(fake->fd, "10/stat", 0);
	unlinkat(fake->fd, "10/exe", 0);
	unlinkat(fake->fd, "10/cmdline", 0);
	unlinkat(fake->fd, "10", AT_REMOVEDIR);
	assert_int_equal(rmdir(fake->path), 0);
	close(fake->fd);
	free(fake);
	return 0;
}

static uint64_t lookups(const struct process_table *table)
{
	struct process_table_stats stats;

	process_table_get_stats(table, &stats);
	return stats.procfs_lookups;
}

static void test_procfs(void **state)
{
	struct fake *fake = *state;
	TABLE(fake->fd, 0);
	struct process_id id = id_of(10, 1, "my-very-long-se");
	struct process_names names;

	put_process(fake, "my-very-long-se", "/opt/my-very-long-service", "serve\0-x\0", 9);
	names = find(table, &id);
	assert_string_equal(names.name, "my-very-long-service");
	assert_string_equal(names.exe, "/opt/my-very-long-service");
	assert_int_equal(names.args_length, 9);
	assert_memory_equal(names.args, "serve\0-x\0", 9);
	assert_int_equal(names.source, NAME_EXE);
	process_table_find(table, &id, true, &names);
	assert_int_equal(lookups(table), 1);

	/* An exec was lost: once more, and what was known is not used. */
	id = id_of(10, 2, "dash");
	put_process(fake, "dash", NULL, "-dash\0", 6);
	names = find(table, &id);
	assert_string_equal(names.name, "dash");
	assert_null(names.exe);
	assert_int_equal(names.source, NAME_CMDLINE);
	assert_int_equal(lookups(table), 2);
	CHECK(10, 1, "comm", NAME_COMM);
	assert_int_equal(lookups(table), 2);

	/* Its children inherit; a record of its exec is better. */
	add_fork(table, 11, 2, 10, 2);
	CHECK(11, 2, "dash", NAME_FORK);
	add_exec(table, 10, 2, "/sh");
	CHECK(10, 2, "sh", NAME_EXEC);
	assert_int_equal(lookups(table), 2);

	/* Nothing there: asked once. */
	CHECK(12, 1, "comm", NAME_COMM);
	CHECK(12, 1, "comm", NAME_COMM);
	assert_int_equal(lookups(table), 3);
}

static void test_procfs_dead(void **state)
{
	struct fake *fake = *state;
	TABLE(fake->fd, 0);

	put_process(fake, "comm", "/usr/bin/comm", "comm\0", 5);
	/* Nobody had heard of it before its end. */
	exit_of(table, 10);
	CHECK(10, 1, "comm", NAME_COMM);
	CHECK(10, 2, "comm", NAME_COMM);
	assert_int_equal(lookups(table), 0);
}

static void test_procfs_fork(void **state)
{
	struct fake *fake = *state;
	TABLE(fake->fd, 0);

	put_process(fake, "comm", "/usr/bin/comm", "comm\0", 5);
	add_fork(table, 10, 1, 99, 1);
	assert_int_equal(lookups(table), 0);
	CHECK(10, 1, "comm", NAME_EXE);
	assert_int_equal(lookups(table), 1);
}

static void test_procfs_kernel(void **state)
{
	struct fake *fake = *state;
	TABLE(fake->fd, 0);
	struct process_id id = id_of(10, 0, "kthreadd");

	id.flags = PROCESS_KTHREAD;
	assert_string_equal(find(table, &id).name, "[kthreadd]");
	assert_int_equal(lookups(table), 0);
}

/* The iterator got no command line: procfs has it, and with it the better name. */
static void test_procfs_undecided(void **state)
{
	struct fake *fake = *state;
	TABLE(fake->fd, 0);
	struct process_id id = id_of(10, 1, "ping");
	struct texts texts = {EXE("busybox\0bin\0"), .flags = PROCESS_EXE_DELETED};
	struct process_names names;

	put_process(fake, "ping", NULL, "/bin/ping\0::1\0", 14);
	assert_int_equal(add(table, &id, PROCESS_ITER, &texts), 0);
	names = find(table, &id);
	assert_string_equal(names.name, "ping");
	assert_string_equal(names.exe, "/bin/busybox (deleted)");
	assert_int_equal(names.args_length, 14);
	assert_int_equal(names.source, NAME_CMDLINE);
	find(table, &id);
	assert_int_equal(lookups(table), 1);

	/* A title: the executable's name, deleted or not. */
	id = id_of(10, 2, "idle");
	put_process(fake, "idle", NULL, "busybox\0", 8);
	assert_int_equal(add(table, &id, PROCESS_ITER, &texts), 0);
	names = find(table, &id);
	assert_string_equal(names.name, "busybox");
	assert_string_equal(names.exe, "/bin/busybox (deleted)");
	assert_int_equal(names.source, NAME_EXE);
	assert_int_equal(lookups(table), 2);

	/* Without procfs it stays as the iterator has it. */
	id = id_of(11, 1, "ping");
	assert_int_equal(add(table, &id, PROCESS_ITER, &texts), 0);
	CHECK(11, 1, "busybox", NAME_ITER);
}

static void test_procfs_args(void **state)
{
	struct fake *fake = *state;
	TABLE(fake->fd, 0);
	struct process_id id = id_of(10, 1, "ls");
	struct process_names names;

	put_process(fake, "ls", "/bin/other", "ls\0-l\0", 6);
	assert_int_equal(add(table, &id, PROCESS_EXEC,
			     &(struct texts){EXE("busybox\0bin\0"), .filename = "/bin/ls",
					     .interp = "/bin/ls"}),
			 0);
	process_table_find(table, &id, false, &names);
	assert_null(names.args);
	assert_int_equal(lookups(table), 0);

	/* The command line, and nothing else, is taken from procfs. */
	process_table_find(table, &id, true, &names);
	assert_int_equal(names.args_length, 6);
	assert_memory_equal(names.args, "ls\0-l\0", 6);
	assert_string_equal(names.name, "ls");
	assert_string_equal(names.exe, "/bin/busybox");
	assert_int_equal(names.source, NAME_EXEC);
	process_table_find(table, &id, true, &names);
	assert_int_equal(lookups(table), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exe_text),
		cmocka_unit_test(test_env_chain),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_exec_id),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_iter),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_dead_bytes),
		cmocka_unit_test_setup_teardown(test_procfs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_procfs_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_procfs_fork, setup, teardown),
		cmocka_unit_test_setup_teardown(test_procfs_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_procfs_undecided, setup, teardown),
		cmocka_unit_test_setup_teardown(test_procfs_args, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

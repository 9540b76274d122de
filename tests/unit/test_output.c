/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/output and lib/row: what rows look like, and how they get out. */
#define _GNU_SOURCE 1 /* memfd_create(), pipe2() */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "lib/base.h"
#include "lib/buffer.h"
#include "lib/output.h"
#include "lib/row.h"

enum { TYPE, TS, PID, NAME, ARGS, HOLDERS, DELTA, OK, WHERE, N_FIELDS };

static const struct field fields[N_FIELDS] = {
	[TYPE] = {"type", "TYPE", "kind of record", 7, 0},
	[TS] = {"ts", "TIME", "when", 12, 0},
	[PID] = {"pid", "PID", "process id", 7, FIELD_RIGHT},
	[NAME] = {"name", "NAME", "name of the process", 8, 0},
	[ARGS] = {"args", "COMMAND", "command line", 10, 0},
	[HOLDERS] = {"holders", "PIDS", "all processes", 6, 0},
	[DELTA] = {"delta_ns", "DELTA", "difference, ns", 6, FIELD_RIGHT},
	[OK] = {"ok", "NAMES-OK", "whether it worked", 5, 0},
	[WHERE] = {"where", "PID", "address and port", 12, FIELD_TABLE},
};

#define TIME_NS 1795251600123456789ULL /* 2026-11-21 09:00:00 UTC */

static const uint32_t holders[] = {12, UINT32_MAX};

static void fill(struct row *row)
{
	row_reset(row);
	row_text(row, TYPE, "connect");
	row_time(row, TS, TIME_NS);
	row_uint(row, PID, 4242);
	row_text(row, NAME, "curl");
	row_texts(row, ARGS, "curl\0-o\0a b\0", 12);
	row_uints(row, HOLDERS, holders, ARRAY_SIZE(holders));
	row_int(row, DELTA, -15);
	row_bool(row, OK, true);
	row_text_printf(row, WHERE, "%s:%d", "10.0.0.1", 80);
}

#define OPTIONS(...) (&(struct output_options){__VA_ARGS__})

/* An output into a file of its own, as given but for the descriptor. */
static struct output *new_output(const struct output_options *given, int *ret_fd)
{
	struct output_options options = *given;
	struct output *output = NULL;

	options.fd = memfd_create("test_output", MFD_CLOEXEC);
	assert_true(options.fd >= 0);
	assert_int_equal(output_new(fields, N_FIELDS, &options, &output), 0);
	*ret_fd = options.fd;
	return output;
}

static void assert_printed(const struct output_options *options, const struct row *rows, size_t n,
			   const char *expected)
{
	_cleanup_(output_freep) struct output *output = NULL;
	_cleanup_(closep) int fd = -1;
	char got[4096];
	ssize_t length;

	output = new_output(options, &fd);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(output_row(output, &rows[i]), 0);
	assert_int_equal(output_pending(output), strlen(expected));
	assert_int_equal(output_flush(output), 0);
	assert_int_equal(output_pending(output), 0);
	length = pread(fd, got, sizeof(got) - 1, 0);
	assert_true(length >= 0);
	got[length] = '\0';
	assert_string_equal(got, expected);
}

static void test_row_cells(_unused_ void **state)
{
	static struct row row;
	char text[ROW_TEXT_MAX + 1];

	memset(&row, 0xff, sizeof(row));
	row_reset(&row);
	assert_int_equal(row.text_used, 0);
	for (size_t i = 0; i < ROW_CELLS_MAX; i++)
		assert_int_equal(row.cells[i].kind, CELL_ABSENT);

	row_text(&row, 0, NULL);
	row_text_n(&row, 1, NULL, 3);
	row_texts(&row, 2, NULL, 3);
	row_uints(&row, 3, NULL, 3);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(row.cells[i].kind, CELL_NULL);
	row_text(&row, 0, "abc");
	assert_int_equal(row.cells[0].kind, CELL_TEXT);
	assert_int_equal(row.cells[0].length, 3);

	/* What does not fit, with the NUL of vsnprintf(3), is null; the room stays. */
	memset(text, 'x', sizeof(text));
	text[ROW_TEXT_MAX] = '\0';
	row_text_printf(&row, 4, "%s", text);
	assert_int_equal(row.cells[4].kind, CELL_NULL);
	assert_int_equal(row.text_used, 0);
	row_text_printf(&row, 4, "%d", 12);
	row_text_printf(&row, 5, "%s", text + 3);
	assert_int_equal(row.cells[4].kind, CELL_TEXT);
	assert_int_equal(row.cells[4].length, 2);
	assert_memory_equal(row.cells[4].text, "12x", 3);
	assert_int_equal(row.cells[5].length, ROW_TEXT_MAX - 3);
	assert_memory_equal(row.cells[5].text, text, ROW_TEXT_MAX - 3);
	row_text_printf(&row, 6, "y");
	assert_int_equal(row.cells[6].kind, CELL_NULL);
	row_text_printf(&row, 6, "%s", "");
	assert_int_equal(row.cells[6].kind, CELL_TEXT);
	assert_int_equal(row.cells[6].length, 0);
}

static void test_json(_unused_ void **state)
{
	struct row rows[3];

	fill(&rows[0]);
	row_reset(&rows[1]);
	fill(&rows[2]);
	row_null(&rows[2], PID);
	row_uint(&rows[2], DELTA, UINT64_MAX);
	row_bool(&rows[2], OK, false);
	row_text(&rows[2], NAME, "\x1b\xff\"");
	rows[2].cells[TYPE].kind = rows[2].cells[TS].kind = CELL_ABSENT;
	rows[2].cells[ARGS].length = rows[2].cells[HOLDERS].length = 0;

	assert_printed(OPTIONS(.format = OUTPUT_JSON, .header = true), rows, 3,
		       "{\"type\":\"connect\",\"ts\":\"2026-11-21T09:00:00.123456789Z\","
		       "\"pid\":4242,\"name\":\"curl\",\"args\":[\"curl\",\"-o\",\"a b\"],"
		       "\"holders\":[12,4294967295],\"delta_ns\":-15,\"ok\":true}\n"
		       "{}\n"
		       "{\"pid\":null,\"name\":\"\\u001b\\ufffd\\\"\",\"args\":[],\"holders\":[],"
		       "\"delta_ns\":18446744073709551615,\"ok\":false}\n");
	/* A tool's default columns are not for JSON; keys that were asked for are. */
	assert_printed(OPTIONS(.format = OUTPUT_JSON, .selection = {{WHERE, NAME}, 2}), &rows[2], 1,
		       "{\"pid\":null,\"name\":\"\\u001b\\ufffd\\\"\",\"args\":[],\"holders\":[],"
		       "\"delta_ns\":18446744073709551615,\"ok\":false}\n");
	assert_printed(OPTIONS(.format = OUTPUT_JSON, .selected = true,
			       .selection = {{WHERE, OK, TYPE}, 3}),
		       rows, 2,
		       "{\"where\":\"10.0.0.1:80\",\"ok\":true,\"type\":\"connect\"}\n"
		       "{\"where\":null,\"ok\":null,\"type\":null}\n");
}

/* The text of a second is kept: one after the other, back again, and the ends of what 64 bits of
 * nanoseconds can say. */
static void test_times(_unused_ void **state)
{
	static const uint64_t times[] = {
		TIME_NS,    TIME_NS - 123456789 + 999999999, TIME_NS + 1000000000, TIME_NS, 0,
		UINT64_MAX, 951782400ULL * 1000000000};
	struct row rows[ARRAY_SIZE(times)];

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		row_reset(&rows[i]);
		row_time(&rows[i], TS, times[i]);
	}
	assert_printed(OPTIONS(.format = OUTPUT_JSON), rows, ARRAY_SIZE(times),
		       "{\"ts\":\"2026-11-21T09:00:00.123456789Z\"}\n"
		       "{\"ts\":\"2026-11-21T09:00:00.999999999Z\"}\n"
		       "{\"ts\":\"2026-11-21T09:00:01.123456789Z\"}\n"
		       "{\"ts\":\"2026-11-21T09:00:00.123456789Z\"}\n"
		       "{\"ts\":\"1970-01-01T00:00:00.000000000Z\"}\n"
		       "{\"ts\":\"2554-07-21T23:34:33.709551615Z\"}\n"
		       "{\"ts\":\"2000-02-29T00:00:00.000000000Z\"}\n");
	assert_printed(OPTIONS(.format = OUTPUT_CSV, .selection = {{TS}, 1}), rows, 1,
		       "2026-11-21T09:00:00.123456789Z\n");
	/* 5:45 h east of Greenwich, see main(). */
	assert_printed(OPTIONS(.format = OUTPUT_TABLE, .selection = {{TS}, 1}), rows, 3,
		       "14:45:00.123\n14:45:00.999\n14:45:01.123\n");
}

static void test_csv(_unused_ void **state)
{
	struct row rows[3];

	fill(&rows[0]);
	row_reset(&rows[1]);
	fill(&rows[2]);
	row_null(&rows[2], PID);
	row_text(&rows[2], TYPE, "say \"hi\", all");
	row_text(&rows[2], NAME, "\n\x1b\xff");
	row_texts(&rows[2], ARGS, "sh\0-c\0a,b\0", 11);
	row_uints(&rows[2], HOLDERS, holders, 0);

	assert_printed(OPTIONS(.format = OUTPUT_CSV, .header = true), rows, 3,
		       "type,ts,pid,name,args,holders,delta_ns,ok\n"
		       "connect,2026-11-21T09:00:00.123456789Z,4242,curl,curl -o a b,"
		       "12 4294967295,-15,true\n"
		       ",,,,,,,\n"
		       "\"say \"\"hi\"\", all\",2026-11-21T09:00:00.123456789Z,,\\x0a\\x1b\\xff,"
		       "\"sh -c a,b \",,-15,true\n");
	assert_printed(OPTIONS(.format = OUTPUT_CSV, .selection = {{WHERE, PID}, 2}), rows, 2,
		       "10.0.0.1:80,4242\n,\n");
	assert_printed(OPTIONS(.format = OUTPUT_CSV, .header = true, .selected = true,
			       .selection = {{WHERE, PID}, 2}),
		       NULL, 0, "where,pid\n");
}

static void test_table(_unused_ void **state)
{
	struct row rows[5];

	fill(&rows[0]);
	fill(&rows[1]);
	row_text(&rows[1], TYPE, "connected-at-last");
	row_uint(&rows[1], PID, 1234567);
	fill(&rows[2]);
	row_text(&rows[2], TYPE, "connecting");
	row_uint(&rows[2], PID, 1);
	row_null(&rows[2], NAME);
	row_reset(&rows[3]);
	fill(&rows[4]);
	row_text(&rows[4], NAME, "\x1b[2J\xe2\x80\xae");
	row_text(&rows[4], TYPE, "\xe6\x97\xa5\xe6\x9c\xac");

	assert_printed(OPTIONS(.format = OUTPUT_TABLE, .header = true,
			       .selection = {{TYPE, PID, NAME, DELTA, ARGS}, 5}),
		       rows, 5,
		       "TYPE        PID NAME      DELTA COMMAND\n"
		       "connect    4242 curl        -15 curl -o a b\n"
		       "connected-at-last 1234567 curl -15 curl -o a b\n"
		       "connecting    1 -           -15 curl -o a b\n"
		       "-             - -             - -\n"
		       "\xe6\x97\xa5\xe6\x9c\xac       4242 \\x1b[2J\\xe2\\x80\\xae -15 "
		       "curl -o a b\n");
	/* Pushed right, and back in place as soon as there is slack. */
	row_text(&rows[0], TYPE, "connect-x");
	row_uint(&rows[0], PID, 1234567);
	row_text(&rows[0], NAME, "abcdefg");
	row_text(&rows[1], TYPE, "connect-x");
	row_uint(&rows[1], PID, 1234567);
	row_text(&rows[1], NAME, "abcde");
	assert_printed(OPTIONS(.format = OUTPUT_TABLE,
			       .selection = {{TYPE, PID, NAME, HOLDERS, OK}, 5}),
		       rows, 2,
		       "connect-x 1234567 abcdefg 12 4294967295 true\n"
		       "connect-x 1234567 abcde  12 4294967295 true\n");
	/* Right-aligned first and last, bold header, a header wider than its field. */
	assert_printed(OPTIONS(.format = OUTPUT_TABLE, .header = true, .color = true,
			       .selection = {{DELTA, OK, PID}, 3}),
		       &rows[2], 2,
		       "\033[1m DELTA NAMES-OK     PID\033[0m\n"
		       "   -15 true           1\n"
		       "     - -              -\n");
	/* At once: also without rows. */
	assert_printed(OPTIONS(.format = OUTPUT_TABLE, .header = true,
			       .selection = {{DELTA, OK}, 2}),
		       NULL, 0, " DELTA NAMES-OK\n");
	assert_printed(OPTIONS(.format = OUTPUT_TABLE), &rows[3], 1,
		       "-       -                  - -        -          -           - -        "
		       "-\n");
}

/* An empty text takes no place at all, and a combining character none by itself. */
static void test_table_empty_text(_unused_ void **state)
{
	struct row row;

	fill(&row);
	row_text(&row, TYPE, "");
	row_text(&row, NAME, "");
	assert_printed(OPTIONS(.format = OUTPUT_TABLE, .selection = {{TYPE, PID, NAME}, 3}), &row,
		       1, "           4242\n");
	row_text(&row, TYPE, "\xcc\x81");
	assert_printed(OPTIONS(.format = OUTPUT_TABLE, .selection = {{TYPE, NAME, OK}, 3}), &row, 1,
		       "\xcc\x81                 true\n");
}

static void test_new_refuses(_unused_ void **state)
{
	static const struct field many[ROW_CELLS_MAX + 1];
	struct output *output = (struct output *)&output, *const before = output;

	assert_int_equal(output_new(fields, 0, OPTIONS(.format = OUTPUT_JSON), &output), -EINVAL);
	assert_int_equal(output_new(many, ARRAY_SIZE(many), OPTIONS(.format = OUTPUT_JSON),
				    &output),
			 -EINVAL);
	assert_int_equal(output_new(fields, N_FIELDS,
				    OPTIONS(.format = OUTPUT_JSON, .selected = true), &output),
			 -EINVAL);
	assert_int_equal(output_new(fields, N_FIELDS,
				    OPTIONS(.format = OUTPUT_CSV, .selection = {{N_FIELDS}, 1}),
				    &output),
			 -EINVAL);
	assert_int_equal(output_new(fields, N_FIELDS,
				    OPTIONS(.format = OUTPUT_CSV,
					    .selection = {{0}, ROW_CELLS_MAX + 1}),
				    &output),
			 -EINVAL);
	assert_ptr_equal(output, before);
	output_free(NULL);
}

static void assert_refused(const char *list, const char *expected)
{
	struct output_selection selection = {{7}, 42};
	struct error error = {};

	assert_int_equal(output_select(fields, N_FIELDS, list, &selection, &error), -EINVAL);
	assert_string_equal(error.text, expected);
	assert_int_equal(selection.n, 42);
	assert_int_equal(selection.fields[0], 7);
	assert_int_equal(output_select(fields, N_FIELDS, list, &selection, NULL), -EINVAL);
}

static void test_select(_unused_ void **state)
{
	static const uint8_t expected[] = {OK, PID, ARGS, TYPE, DELTA};
	struct output_selection selection = {};
	struct error error = {};

	/* Keys, headers, any case; "pid" is a key before it is the header of another field. */
	assert_int_equal(output_select(fields, N_FIELDS, "names-ok,PID,command,Type,delta_NS",
				       &selection, &error),
			 0);
	assert_int_equal(selection.n, ARRAY_SIZE(expected));
	assert_memory_equal(selection.fields, expected, sizeof(expected));
	assert_int_equal(output_select(fields, N_FIELDS, "where", &selection, NULL), 0);
	assert_int_equal(selection.n, 1);
	assert_int_equal(selection.fields[0], WHERE);

	assert_refused("", "the list of fields is empty; `-F help` lists them all");
	assert_refused("pid,", "an empty item in the list of fields \"pid,\"");
	assert_refused(",pid", "an empty item in the list of fields \",pid\"");
	assert_refused("pid,,ts", "an empty item in the list of fields \"pid,,ts\"");
	assert_refused("ts,pi,ok", "unknown field \"pi\"; `-F help` lists them all");
	assert_refused("pidd", "unknown field \"pidd\"; `-F help` lists them all");
	assert_refused("ts, pid", "unknown field \" pid\"; `-F help` lists them all");
	assert_refused("delta,ts,delta_ns", "field \"delta_ns\" is listed twice");
}

static void test_help(_unused_ void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	output_help_fields(fields, N_FIELDS, file);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(text, "type      TYPE      kind of record\n"
				  "ts        TIME      when\n"
				  "pid       PID       process id\n"
				  "name      NAME      name of the process\n"
				  "args      COMMAND   command line\n"
				  "holders   PIDS      all processes\n"
				  "delta_ns  DELTA     difference, ns\n"
				  "ok        NAMES-OK  whether it worked\n"
				  "where     PID       address and port\n");
}

/* Rows of 15 bytes: `{"pid":100000}` and a newline. */
#define ROW_BYTES 15

static void number_row(struct row *row, uint64_t i)
{
	row_reset(row);
	row_uint(row, PID, 100000 + i);
}

static void test_writes_by_itself(_unused_ void **state)
{
	_cleanup_(output_freep) struct output *output = NULL;
	_cleanup_(closep) int fd = -1;
	size_t n = 65536 / ROW_BYTES + 1; /* rows that are more than 64 KB */
	struct row row;

	output = new_output(OPTIONS(.format = OUTPUT_JSON), &fd);
	for (size_t i = 0; i < n; i++) {
		number_row(&row, i);
		assert_int_equal(output_row(output, &row), 0);
		assert_int_equal(output_pending(output), (i + 1) * ROW_BYTES);
	}
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_int_equal(output_row(output, &row), 0);
	assert_int_equal(output_pending(output), ROW_BYTES);
	assert_int_equal(lseek(fd, 0, SEEK_END), n * ROW_BYTES);
}

/* A row beyond the bound of the buffer is refused as a whole, those around it are whole too. */
static void test_too_large_a_row(_unused_ void **state)
{
	static const char *const whole[] = {
		[OUTPUT_TABLE] = " 100000 -\n 100000 -\n",
		[OUTPUT_JSON] = "{\"pid\":100000}\n{\"pid\":100000}\n",
		[OUTPUT_CSV] = "100000,\n100000,\n",
	};
	size_t n = BUFFER_MAX;
	_cleanup_(freep) char *text = malloc(n);
	struct row row;

	assert_non_null(text);
	for (int format = OUTPUT_TABLE; format <= OUTPUT_CSV; format++) {
		_cleanup_(output_freep) struct output *output = NULL;
		_cleanup_(closep) int fd = -1;
		char got[64] = {};

		output = new_output(OPTIONS(.format = format, .selection = {{PID, NAME}, 2}), &fd);
		number_row(&row, 0);
		assert_int_equal(output_row(output, &row), 0);
		/* Once in one piece, once byte by byte. */
		row_text_n(&row, NAME, text, n);
		memset(text, 'x', n);
		assert_int_equal(output_row(output, &row), -ENOMEM);
		memset(text, 0xff, n);
		assert_int_equal(output_row(output, &row), -ENOMEM);
		number_row(&row, 0);
		assert_int_equal(output_row(output, &row), 0);
		assert_int_equal(output_flush(output), 0);
		assert_true(pread(fd, got, sizeof(got), 0) > 0);
		assert_string_equal(got, whole[format]);
	}
}

static void test_disk_full(_unused_ void **state)
{
	_cleanup_(output_freep) struct output *output = NULL;
	_cleanup_(closep) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct row row;
	int r = 0;

	assert_true(fd >= 0);
	assert_int_equal(output_new(fields, N_FIELDS, OPTIONS(.format = OUTPUT_JSON, .fd = fd),
				    &output),
			 0);
	assert_int_equal(output_flush(output), 0);
	number_row(&row, 0);
	assert_int_equal(output_row(output, &row), 0);
	assert_int_equal(output_flush(output), -ENOSPC);
	assert_int_equal(output_pending(output), ROW_BYTES);
	for (size_t i = 0; i < 100000 && r == 0; i++)
		r = output_row(output, &row);
	assert_int_equal(r, -ENOSPC);
	/* However often it is tried, no more is gathered. */
	assert_int_equal(output_row(output, &row), -ENOSPC);
	assert_int_equal(output_pending(output), (65536 / ROW_BYTES + 1) * ROW_BYTES);
}

static void test_reader_gone(_unused_ void **state)
{
	_cleanup_(output_freep) struct output *output = NULL;
	int fds[2];
	struct row row;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	assert_int_equal(output_new(fields, N_FIELDS, OPTIONS(.format = OUTPUT_JSON, .fd = fds[1]),
				    &output),
			 0);
	number_row(&row, 0);
	assert_int_equal(output_row(output, &row), 0);
	assert_int_equal(output_flush(output), -EPIPE);
	assert_int_equal(output_pending(output), ROW_BYTES);
	close(fds[1]);
}

static void on_alarm(_unused_ int number)
{
}

/* Writes many rows while a signal interrupts every 100 us; exits with 0 if all went well. */
static void run_writer(int fd, size_t n)
{
	_cleanup_(output_freep) struct output *output = NULL;
	struct itimerval interval = {{0, 100}, {0, 100}};
	struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
	struct row row;

	if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &interval, NULL) < 0 ||
	    output_new(fields, N_FIELDS, OPTIONS(.format = OUTPUT_JSON, .fd = fd), &output) < 0)
		_exit(1);
	for (size_t i = 0; i < n; i++) {
		number_row(&row, i);
		if (output_row(output, &row) < 0)
			_exit(2);
	}
	_exit(output_flush(output) < 0 ? 3 : 0);
}

/* A pipe of one page and a slow reader: every row comes through, whole and in order. */
static void assert_all_arrives(int flags)
{
	const size_t n = 20000;
	char expected[ROW_BYTES + 1], got[ROW_BYTES + 1] = {};
	int fds[2], status;
	FILE *file;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_WRONLY | flags), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		run_writer(fds[1], n);
	}
	close(fds[1]);
	file = fdopen(fds[0], "re");
	assert_non_null(file);
	for (size_t i = 0; i < n; i++) {
		if (i % 2000 == 0)
			usleep(2000);
		snprintf(expected, sizeof(expected), "{\"pid\":%zu}\n", 100000 + i);
		assert_int_equal(fread(got, 1, ROW_BYTES, file), ROW_BYTES);
		assert_string_equal(got, expected);
	}
	assert_int_equal(fread(got, 1, 1, file), 0);
	fclose(file);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_slow_reader(_unused_ void **state)
{
	assert_all_arrives(0);
	assert_all_arrives(O_NONBLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_cells),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_empty_text),
		cmocka_unit_test(test_new_refuses),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_writes_by_itself),
		cmocka_unit_test(test_too_large_a_row),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_slow_reader),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8") || setenv("TZ", "TEST-05:45", 1) < 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

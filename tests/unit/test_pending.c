/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tools/connsnoop_pending: records that wait for a better one. What has gone out stands in a log,
 * one word for each record: its kind, cookie, owner and time, "accept:7:100@1000".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base.h"
#include "tools/connsnoop_pending.h"

#define LISTENER 50 /* process ids */
#define WORKER	 100
#define CLIENT	 200

struct log {
	char text[512];
	size_t n;
	int result; /* what emit returns */
};

static int log_emit(void *context, const struct record_header *record)
{
	static const char *const names[] = {
		[RECORD_CONNECT] = "connect", [RECORD_ACCEPT] = "accept", [RECORD_CLOSE] = "close"};
	const struct connection *connection = (const void *)(record + 1);
	struct log *log = context;
	size_t length = strlen(log->text);

	if (length < sizeof(log->text) - 64)
		snprintf(log->text + length, sizeof(log->text) - length, "%s%s:%llu:%u@%llu",
			 length ? " " : "", names[record->type],
			 (unsigned long long)connection->cookie, connection->owner.tgid,
			 (unsigned long long)record->ts_ns);
	log->n++;
	return log->result;
}

/* Since the last look, exactly @wanted has gone out. */
static void check_log(int line, struct log *log, const char *wanted)
{
	if (strcmp(log->text, wanted) != 0) {
		print_error("%s:%d:\n  got: %s\n  wanted: %s\n", __FILE__, line, log->text, wanted);
		fail();
	}
	log->text[0] = '\0';
}

#define CHECK_LOG(wanted) check_log(__LINE__, &log, wanted)

#define PENDING                                                                                    \
	struct log log = {};                                                                       \
	_cleanup_(pending_freep) struct pending *pending = NULL;                                   \
	assert_int_equal(pending_new(log_emit, &log, &pending), 0)

static struct record_header head(uint32_t type, uint64_t ts_ns, size_t length)
{
	return (struct record_header){.ts_ns = ts_ns, .type = type, .length = (uint32_t)length};
}

static struct connection connection_of(uint64_t cookie, uint32_t pid, enum owner_source source)
{
	return (struct connection){.owner = {.tgid = pid, .start_ns = pid},
				   .cookie = cookie,
				   .owner_src = source};
}

static int listener_accepts(struct pending *pending, uint64_t cookie, uint64_t ts_ns)
{
	const struct accept_record record = {.header = head(RECORD_ACCEPT, ts_ns, sizeof(record)),
					     .connection =
						     connection_of(cookie, LISTENER, OWNER_LISTEN),
					     .listener_pid = LISTENER};

	return pending_accept(pending, &record);
}

static int worker_accepts(struct pending *pending, uint64_t cookie, uint64_t ts_ns, uint32_t flags)
{
	const struct accept_record record = {.header = head(RECORD_ACCEPT, ts_ns, sizeof(record)),
					     .connection =
						     connection_of(cookie, WORKER, OWNER_ACCEPT),
					     .listener_pid = LISTENER,
					     .flags = ACCEPT_FINAL | flags};

	return pending_accept(pending, &record);
}

static int closes(struct pending *pending, uint64_t cookie, uint64_t ts_ns, uint32_t pid,
		  enum owner_source source)
{
	const struct close_record record = {.header = head(RECORD_CLOSE, ts_ns, sizeof(record)),
					    .connection = connection_of(cookie, pid, source)};

	return pending_close(pending, &record);
}

/* An attempt that began @latency_ns before. */
static int connects(struct pending *pending, uint64_t cookie, uint64_t ts_ns, uint64_t latency_ns,
		    uint32_t flags)
{
	const struct connect_record record = {.header = head(RECORD_CONNECT, ts_ns, sizeof(record)),
					      .connection =
						      connection_of(cookie, CLIENT, OWNER_CONNECT),
					      .latency_ns = latency_ns,
					      .error = flags & CONNECT_TENTATIVE ? ENETUNREACH : 0,
					      .flags = flags};

	return pending_connect(pending, &record);
}

static void test_final_at_once(void **state _unused_)
{
	PENDING;

	assert_int_equal(worker_accepts(pending, 7, 1000, 0), 0);
	CHECK_LOG("accept:7:100@1000");
	assert_int_equal(closes(pending, 7, 2000, WORKER, OWNER_ACCEPT), 0);
	CHECK_LOG("close:7:100@2000");
	assert_int_equal(connects(pending, 8, 3000, 10, 0), 0);
	CHECK_LOG("connect:8:200@3000");
	assert_int_equal(pending_count(pending), 0);
}

static void test_hold_and_replace(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 7, 1000), 0);
	CHECK_LOG("");
	assert_int_equal(pending_count(pending), 1);
	assert_int_equal(worker_accepts(pending, 7, 1000, ACCEPT_LATE), 0);
	CHECK_LOG("accept:7:100@1000");
	assert_int_equal(pending_count(pending), 0);

	/* nothing is left that could go out again */
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("");
}

static void test_cancel(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 7, 1000), 0);
	assert_int_equal(closes(pending, 7, 1500, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(worker_accepts(pending, 7, 1000, ACCEPT_LATE | ACCEPT_CANCELLED), 0);
	assert_int_equal(pending_count(pending), 0);

	/* of one that is not there any more */
	assert_int_equal(worker_accepts(pending, 7, 1000, ACCEPT_LATE | ACCEPT_CANCELLED), 0);
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("");
}

static void test_expire(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 7, 1000), 0);
	assert_int_equal(pending_expire(pending, 1000 + PENDING_NS - 1), 0);
	CHECK_LOG("");
	assert_int_equal(pending_expire(pending, 1000 + PENDING_NS), 0);
	CHECK_LOG("accept:7:50@1000");
	assert_int_equal(pending_count(pending), 0);

	/* the better one comes too late: one row is enough */
	assert_int_equal(worker_accepts(pending, 7, 1000, ACCEPT_LATE), 0);
	CHECK_LOG("");
	assert_int_equal(closes(pending, 7, 2000, WORKER, OWNER_ACCEPT), 0);
	CHECK_LOG("close:7:100@2000");
}

static void test_expire_some(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 3, 1000), 0);
	assert_int_equal(listener_accepts(pending, 1, 2000), 0);
	assert_int_equal(listener_accepts(pending, 2, 3000), 0);
	assert_int_equal(pending_expire(pending, 2000 + PENDING_NS), 0);
	CHECK_LOG("accept:3:50@1000 accept:1:50@2000");
	assert_int_equal(pending_count(pending), 1);
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("accept:2:50@3000");
}

static void test_close_waits(void **state _unused_)
{
	PENDING;

	/* the close's owner is as preliminary as the accept's */
	assert_int_equal(listener_accepts(pending, 7, 1000), 0);
	assert_int_equal(closes(pending, 7, 1500, LISTENER, OWNER_LISTEN), 0);
	CHECK_LOG("");
	assert_int_equal(worker_accepts(pending, 7, 1000, ACCEPT_LATE), 0);
	CHECK_LOG("accept:7:100@1000 close:7:100@1500");
	assert_int_equal(pending_count(pending), 0);

	/* an owner that is better known stays */
	assert_int_equal(listener_accepts(pending, 8, 1000), 0);
	assert_int_equal(closes(pending, 8, 1500, 300, OWNER_CLOSE), 0);
	assert_int_equal(worker_accepts(pending, 8, 1000, ACCEPT_LATE), 0);
	CHECK_LOG("accept:8:100@1000 close:8:300@1500");

	/* nobody accepts: both as they came */
	assert_int_equal(listener_accepts(pending, 9, 1000), 0);
	assert_int_equal(closes(pending, 9, 1500, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(pending_expire(pending, 1000 + PENDING_NS), 0);
	CHECK_LOG("accept:9:50@1000 close:9:50@1500");
}

static void test_close_of_another(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 7, 1000), 0);
	assert_int_equal(closes(pending, 8, 1500, WORKER, OWNER_ACCEPT), 0);
	CHECK_LOG("close:8:100@1500");
	assert_int_equal(pending_count(pending), 1);

	/* a socket that is closed twice: none of it is held back or lost */
	assert_int_equal(closes(pending, 7, 1600, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(closes(pending, 7, 1700, LISTENER, OWNER_LISTEN), 0);
	CHECK_LOG("close:7:50@1700");
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("accept:7:50@1000 close:7:50@1600");
}

static void test_tentative(void **state _unused_)
{
	PENDING;

	assert_int_equal(connects(pending, 7, 1000, 10, CONNECT_TENTATIVE), 0);
	CHECK_LOG("");
	assert_int_equal(pending_count(pending), 1);
	assert_int_equal(pending_expire(pending, 1000 + PENDING_NS - 1), 0);
	CHECK_LOG("");
	assert_int_equal(pending_expire(pending, 1000 + PENDING_NS), 0);
	CHECK_LOG("connect:7:200@1000");
}

static void test_tentative_cancelled(void **state _unused_)
{
	PENDING;

	/* a later lookup of the same attempt found a route */
	assert_int_equal(connects(pending, 7, 1000, 10, CONNECT_TENTATIVE), 0);
	assert_int_equal(connects(pending, 7, 1005, 15, CONNECT_TENTATIVE | CONNECT_CANCELLED), 0);
	assert_int_equal(pending_count(pending), 0);
	CHECK_LOG("");
	assert_int_equal(connects(pending, 7, 2000, 900, 0), 0);
	CHECK_LOG("connect:7:200@2000");

	/* of one that has gone out already: too late */
	assert_int_equal(connects(pending, 8, 1000, 10, CONNECT_TENTATIVE | CONNECT_CANCELLED), 0);
	assert_int_equal(pending_count(pending), 0);
	CHECK_LOG("");
}

static void test_tentative_replaced(void **state _unused_)
{
	PENDING;

	/* the second lookup of the same attempt fails in another way: one row */
	assert_int_equal(connects(pending, 7, 1000, 10, CONNECT_TENTATIVE), 0);
	assert_int_equal(connects(pending, 7, 1005, 15, CONNECT_TENTATIVE), 0);
	assert_int_equal(pending_count(pending), 1);
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("connect:7:200@1005");
}

static void test_tentative_again(void **state _unused_)
{
	PENDING;

	/* another attempt of the same socket: the first has failed for good */
	assert_int_equal(connects(pending, 7, 1000, 10, CONNECT_TENTATIVE), 0);
	assert_int_equal(connects(pending, 7, 2000, 10, CONNECT_TENTATIVE), 0);
	CHECK_LOG("connect:7:200@1000");
	assert_int_equal(pending_count(pending), 1);

	/* the third takes back none of the second */
	assert_int_equal(connects(pending, 7, 3000, 10, CONNECT_TENTATIVE | CONNECT_CANCELLED), 0);
	CHECK_LOG("connect:7:200@2000");
	assert_int_equal(pending_count(pending), 0);

	/* and one that succeeds comes out behind the one that failed before it, as does its end */
	assert_int_equal(connects(pending, 8, 4000, 10, CONNECT_TENTATIVE), 0);
	assert_int_equal(connects(pending, 8, 5000, 10, 0), 0);
	CHECK_LOG("connect:8:200@4000 connect:8:200@5000");
	assert_int_equal(closes(pending, 8, 6000, CLIENT, OWNER_CONNECT), 0);
	CHECK_LOG("close:8:200@6000");
	assert_int_equal(pending_count(pending), 0);
}

static void test_close_and_tentative(void **state _unused_)
{
	PENDING;

	/* whatever became of the connect between them: a close is never taken back with a connect
	 */
	assert_int_equal(connects(pending, 7, 1000, 10, CONNECT_TENTATIVE), 0);
	assert_int_equal(closes(pending, 7, 1500, CLIENT, OWNER_CONNECT), 0);
	CHECK_LOG("close:7:200@1500");
	assert_int_equal(connects(pending, 7, 1010, 20, CONNECT_TENTATIVE | CONNECT_CANCELLED), 0);
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("");
}

static void test_accepted_then_connects(void **state _unused_)
{
	PENDING;

	/* a socket that was accepted, disconnected and connected anew keeps its cookie */
	assert_int_equal(listener_accepts(pending, 7, 1000), 0);
	assert_int_equal(connects(pending, 7, 1000, LISTENER, CONNECT_TENTATIVE), 0);
	CHECK_LOG("accept:7:50@1000");
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("connect:7:200@1000");
}

static void test_order(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 1, 1000), 0);
	assert_int_equal(connects(pending, 2, 1100, 10, CONNECT_TENTATIVE), 0);
	assert_int_equal(listener_accepts(pending, 3, 1200), 0);
	assert_int_equal(closes(pending, 1, 1300, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(worker_accepts(pending, 3, 1200, ACCEPT_LATE), 0);
	CHECK_LOG("accept:3:100@1200");
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	CHECK_LOG("accept:1:50@1000 close:1:50@1300 connect:2:200@1100");
	assert_int_equal(pending_count(pending), 0);
}

static void test_bound(void **state _unused_)
{
	PENDING;

	for (uint64_t i = 0; i < PENDING_MAX; i++)
		assert_int_equal(listener_accepts(pending, i, 1000 + i), 0);
	assert_int_equal(log.n, 0);
	assert_int_equal(pending_count(pending), PENDING_MAX);

	/* beyond it the oldest goes out early, with the close behind it */
	assert_int_equal(closes(pending, 0, 900000, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(listener_accepts(pending, PENDING_MAX, 900001), 0);
	CHECK_LOG("accept:0:50@1000 close:0:50@900000");
	assert_int_equal(connects(pending, PENDING_MAX + 1, 900002, 1, CONNECT_TENTATIVE), 0);
	CHECK_LOG("accept:1:50@1001");
	assert_int_equal(pending_count(pending), PENDING_MAX);

	log.n = 0;
	assert_int_equal(pending_expire(pending, UINT64_MAX), 0);
	assert_int_equal(log.n, PENDING_MAX);
	assert_int_equal(pending_count(pending), 0);
}

static void test_emit_fails(void **state _unused_)
{
	PENDING;

	assert_int_equal(listener_accepts(pending, 1, 1000), 0);
	assert_int_equal(closes(pending, 1, 1500, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(listener_accepts(pending, 2, 2000), 0);
	log.result = -EPIPE;
	assert_int_equal(pending_expire(pending, UINT64_MAX), -EPIPE);
	CHECK_LOG("accept:1:50@1000");
	assert_int_equal(worker_accepts(pending, 2, 2000, ACCEPT_LATE), -EPIPE);
	assert_int_equal(worker_accepts(pending, 3, 3000, 0), -EPIPE);
	assert_int_equal(closes(pending, 3, 3500, WORKER, OWNER_ACCEPT), -EPIPE);
	assert_int_equal(connects(pending, 4, 4000, 10, 0), -EPIPE);
	CHECK_LOG("accept:2:100@2000 accept:3:100@3000 close:3:100@3500 connect:4:200@4000");

	log.result = 0;
	assert_int_equal(connects(pending, 5, 5000, 10, CONNECT_TENTATIVE), 0);
	log.result = 1; /* LOOP_STOP */
	assert_int_equal(connects(pending, 5, 6000, 10, CONNECT_TENTATIVE), 1);
	CHECK_LOG("connect:5:200@5000");
	assert_int_equal(pending_count(pending), 0);
}

static void test_free_what_waits(void **state _unused_)
{
	PENDING;

	/* the sanitizers see what is forgotten here */
	assert_int_equal(listener_accepts(pending, 1, 1000), 0);
	assert_int_equal(closes(pending, 1, 1500, LISTENER, OWNER_LISTEN), 0);
	assert_int_equal(connects(pending, 2, 1000, 10, CONNECT_TENTATIVE), 0);
	pending_freep(&pending);
	assert_null(pending);
	CHECK_LOG("");
	pending_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_final_at_once),
		cmocka_unit_test(test_hold_and_replace),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_expire_some),
		cmocka_unit_test(test_close_waits),
		cmocka_unit_test(test_close_of_another),
		cmocka_unit_test(test_tentative),
		cmocka_unit_test(test_tentative_cancelled),
		cmocka_unit_test(test_tentative_replaced),
		cmocka_unit_test(test_tentative_again),
		cmocka_unit_test(test_close_and_tentative),
		cmocka_unit_test(test_accepted_then_connects),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_emit_fails),
		cmocka_unit_test(test_free_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

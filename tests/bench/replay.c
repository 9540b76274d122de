/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay processes|connections OUTPUT: what connsnoop's user space makes of records, without the
 * kernel. They are made ahead, as the kernel side sends them, and go through the tool's own code
 * into JSON. Prints records and rows (JSON lines) per second.
 *   processes    each connection by a process of its own: fork, exec, connect, accept (at first by
 *                the listener, then by who accepted), two closes, exit
 *   connections  the same without fork, exec and exit: all by one client
 */
#include <err.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base.h"
#include "lib/clock.h"
#include "tools/connsnoop_options.h"
#include "tools/connsnoop_stream.h"

#define ROUNDS	   20
#define TURNS	   4096 /* connections in a round */
#define TICK_TURNS 128	/* between two looks at the clock, as a batch of the ring buffer */
#define TURN_MAX   4096 /* bytes of the records of one connection */
#define STEP_NS	   5000 /* between two records */

#define SERVER_PID 100
#define CLIENT_PID 1000
#define CGROUP_ID  7000

/* with the NUL behind the last of them */
static const char exe[] = "a-client-with-a-long-name\0libexec\0local\0usr";
static const char path[] = "/usr/local/libexec/a-client-with-a-long-name";
static const char args[] = "a-client-with-a-long-name\0--retry\0003\0https://example.org/index";
static const char cgroup[] =
	"system.slice\0docker-"
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope";

struct tape {
	char *data;
	size_t length;
	size_t records;
	uint64_t ts_ns; /* of the last record */
	uint64_t turn;	/* connections so far, of all rounds */
};

static void *add(struct tape *tape, uint32_t type, size_t size)
{
	struct record_header *header = (void *)(tape->data + tape->length);

	memset(header, 0, size);
	tape->ts_ns += STEP_NS;
	*header = (struct record_header){.ts_ns = tape->ts_ns,
					 .type = type,
					 .length = (uint32_t)size};
	tape->length += size;
	tape->records++;
	return header;
}

static struct process_id process(uint32_t pid, uint64_t start_ns, uint64_t exec_id)
{
	return (struct process_id){.start_ns = start_ns,
				   .exec_id = exec_id,
				   .cgroup_id = CGROUP_ID,
				   .tgid = pid,
				   .tid = pid,
				   .ppid = 1,
				   .comm = "a-client-with-a"};
}

static void add_names(struct tape *tape, const struct process_id *id, enum process_origin origin)
{
	size_t size = sizeof(struct process_record) + sizeof(exe) + 2 * sizeof(path) + sizeof(args);
	struct process_record *record = add(tape, RECORD_PROCESS, (size + 7) & ~7U);
	char *data = record->data;

	record->id = *id;
	record->origin = origin;
	record->flags = PROCESS_ARGS_KNOWN;
	record->exe_length = sizeof(exe);
	record->filename_length = record->interp_length = sizeof(path);
	record->args_length = sizeof(args);
	data = mempcpy(data, exe, sizeof(exe));
	data = mempcpy(data, path, sizeof(path));
	data = mempcpy(data, path, sizeof(path));
	memcpy(data, args, sizeof(args));
}

static void add_fork(struct tape *tape, const struct process_id *parent,
		     const struct process_id *child)
{
	struct process_record *record = add(tape, RECORD_PROCESS, sizeof(*record));

	record->id = *child;
	record->origin = PROCESS_FORK;
	record->parent_tgid = parent->tgid;
	record->parent_start_ns = parent->start_ns;
	record->parent_exec_id = parent->exec_id;
}

static void add_cgroup(struct tape *tape)
{
	struct cgroup_record *record =
		add(tape, RECORD_CGROUP, (sizeof(*record) + sizeof(cgroup) + 7) & ~7U);

	record->cgroup_id = CGROUP_ID;
	record->path_length = sizeof(cgroup);
	memcpy(record->data, cgroup, sizeof(cgroup));
}

static struct connection connection(const struct process_id *owner, uint64_t cookie,
				    enum owner_source source, uint16_t lport, uint16_t rport)
{
	return (struct connection){
		.owner = *owner,
		.cookie = cookie,
		.laddr = {[10] = 0xff, 0xff, 192, 168, 100, 17},
		.raddr = {[10] = 0xff, 0xff, 192, 168, 100, 18},
		.netns = 4026531840,
		.lport = lport,
		.rport = rport,
		.protocol = 6,
		.owner_src = source,
		.state = TCP_ESTABLISHED,
	};
}

static void add_accept(struct tape *tape, const struct connection *accepted, uint32_t flags,
		       uint64_t ts_ns)
{
	struct accept_record *record = add(tape, RECORD_ACCEPT, sizeof(*record));

	if (ts_ns)
		record->header.ts_ns = ts_ns;
	record->connection = *accepted;
	record->listener_pid = SERVER_PID;
	record->flags = flags;
}

static void add_close(struct tape *tape, const struct connection *closed, uint64_t opened_ns,
		      enum closed_by closed_by)
{
	struct close_record *record = add(tape, RECORD_CLOSE, sizeof(*record));

	record->connection = *closed;
	record->opened_ns = opened_ns;
	record->tx_bytes = 1234;
	record->rx_bytes = 567890;
	record->tx_packets = 12;
	record->rx_packets = 345;
	record->rtt_us = 678;
	record->closed_by = (uint8_t)closed_by;
}

static void add_turn(struct tape *tape, bool processes)
{
	const struct process_id server = process(SERVER_PID, 1, 1);
	uint64_t turn = tape->turn++, cookie = 1000000 + 2 * turn, opened_ns;
	uint16_t port = (uint16_t)(32768 + turn % 28000);
	struct process_id client = process(CLIENT_PID, 2, 1);
	struct connection ours, theirs;
	struct connect_record *connect;

	if (processes) {
		client = process((uint32_t)(CLIENT_PID + turn % 30000), tape->ts_ns, 1);
		add_fork(tape, &server, &client);
		client.exec_id++;
		add_names(tape, &client, PROCESS_EXEC);
	}
	ours = connection(&client, cookie, OWNER_CONNECT, port, 443);
	theirs = connection(&server, cookie + 1, OWNER_LISTEN, 443, port);
	connect = add(tape, RECORD_CONNECT, sizeof(*connect));
	connect->connection = ours;
	connect->latency_ns = 45678;
	opened_ns = tape->ts_ns;
	add_accept(tape, &theirs, 0, 0);
	theirs.owner_src = OWNER_ACCEPT;
	add_accept(tape, &theirs, ACCEPT_FINAL | ACCEPT_LATE, tape->ts_ns);
	add_close(tape, &ours, opened_ns, CLOSED_BY_LOCAL);
	add_close(tape, &theirs, opened_ns, CLOSED_BY_REMOTE);
	if (processes) {
		struct exit_record *record = add(tape, RECORD_EXIT, sizeof(*record));

		record->id = client;
	}
}

/* Takes a tape through the tool's code. */
static void play(struct stream *stream, const struct tape *tape)
{
	uint64_t tick = tape->records / (TURNS / TICK_TURNS), n = 0;
	int r = 0;

	for (size_t at = 0; at < tape->length && !r;) {
		const struct record_header *header = (const void *)(tape->data + at);

		r = stream_record(stream, header, header->length);
		if (!r && ++n % tick == 0)
			r = stream_tick(stream, header->ts_ns, 0, false);
		at += header->length;
	}
	if (!r)
		r = stream_tick(stream, tape->ts_ns, 0, true);
	if (r) {
		errno = -r;
		err(EXIT_FAILURE, "the stream ended");
	}
}

static void first_records(struct tape *tape)
{
	const struct process_id server = process(SERVER_PID, 1, 1);
	const struct process_id client = process(CLIENT_PID, 2, 1);

	add_cgroup(tape);
	add_names(tape, &server, PROCESS_ITER);
	add_names(tape, &client, PROCESS_ITER);
}

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], (char[]){"-j"}, NULL};
	struct tape tape = {.data = calloc(TURNS, TURN_MAX), .ts_ns = clock_now_ns()};
	uint64_t took_ns = 0, records = 0;
	struct connsnoop_options options;
	struct stream_stats stats;
	struct stream *stream;
	bool processes;
	int fd;

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: replay processes|connections OUTPUT");
	processes = !strcmp(argv[1], "processes");
	connsnoop_options_parse(2, arguments, &options);
	fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		err(EXIT_FAILURE, "%s", argv[2]);
	if (!tape.data || stream_new(&options, -1, fd, &stream) < 0)
		errx(EXIT_FAILURE, "no memory");
	first_records(&tape);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start_ns;

		for (int turn = 0; turn < TURNS; turn++)
			add_turn(&tape, processes);
		start_ns = clock_now_ns();
		play(stream, &tape);
		took_ns += clock_now_ns() - start_ns;
		records += tape.records;
		tape.length = tape.records = 0;
	}
	stream_get_stats(stream, &stats);
	if (stats.rows != 4ULL * ROUNDS * TURNS || stats.bad || stats.names.found[NAME_COMM])
		errx(EXIT_FAILURE, "%lu rows, %lu bad records, %lu without a name", stats.rows,
		     stats.bad, stats.names.found[NAME_COMM]);
	printf("%.0f %.0f\n", (double)records * 1e9 / (double)took_ns,
	       (double)stats.rows * 1e9 / (double)took_ns);
	stream_free(stream);
	free(tape.data);
	return EXIT_SUCCESS;
}

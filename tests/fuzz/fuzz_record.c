/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as connsnoop's records, all the way that they go: checked, into the tables of processes
 * and cgroups, waiting or joined by socket, at last as rows whose every cell is read.
 * Input: a byte; if it is even, the rest is a read of an iterator, record behind record. If it is
 * odd, for each record two bytes of length, one of type, one of time, and what stands behind its
 * head.
 */
#include <string.h>

#include "lib/base.h"
#include "lib/cgroup.h"
#include "lib/record.h"
#include "tools/connection_list.h"
#include "tools/connsnoop_pending.h"
#include "tools/connsnoop_row.h"

#define HEAD  sizeof(struct record_header)
#define FRAME 4

static const struct record_sizes sizes = {.least = {
						  [RECORD_PROCESS] = sizeof(struct process_record),
						  [RECORD_EXIT] = sizeof(struct exit_record),
						  [RECORD_CGROUP] = sizeof(struct cgroup_record),
						  [RECORD_CONNECT] = sizeof(struct connect_record),
						  [RECORD_ACCEPT] = sizeof(struct accept_record),
						  [RECORD_LISTEN] = sizeof(struct listen_record),
						  [RECORD_CLOSE] = sizeof(struct close_record),
						  [RECORD_OPEN] = sizeof(struct open_record),
					  }};

struct state {
	struct process_table *processes;
	struct cgroup_table *cgroups;
	struct pending *pending;
	struct socket_list *list;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static void state_release(struct state *state)
{
	process_table_free(state->processes);
	cgroup_table_free(state->cgroups);
	pending_free(state->pending);
	socket_list_free(state->list);
}

/* Reads what a cell points to. A text of several ends with a NUL. */
static void check_cell(const struct cell *cell)
{
	uint32_t sum = 0;

	check(cell->kind <= CELL_UINTS);
	if (cell->kind == CELL_TEXT || cell->kind == CELL_TEXTS)
		for (size_t i = 0; i < cell->length; i++)
			sum += (unsigned char)cell->text[i];
	if (cell->kind == CELL_TEXTS && cell->length)
		check(cell->text[cell->length - 1] == '\0');
	if (cell->kind == CELL_UINTS)
		for (size_t i = 0; i < cell->length; i++)
			check(cell->uints[i] != 0);
	check(sum <= UINT32_MAX / 2);
}

static void show(struct state *state, const struct record_header *record, const uint32_t *holders,
		 size_t n_holders)
{
	static const struct clock clock = {.offset_ns = 1700000000000000000};
	const struct connection *connection = (const void *)(record + 1);
	struct process_names names = {};
	const struct connsnoop_context context = {
		.clock = &clock,
		.start_ns = 1000,
		.names = &names,
		.cgroup = cgroup_table_find(state->cgroups, connection->owner.cgroup_id),
		.holders = holders,
		.n_holders = n_holders,
	};
	struct row row;

	if (connection->owner.tgid)
		process_table_find(state->processes, &connection->owner, true, &names);
	memset(&row, 0xa5, sizeof(row));
	connsnoop_row(record, &context, &row);
	for (size_t i = 0; i < ROW_CELLS_MAX; i++)
		check_cell(&row.cells[i]);
	check(row.cells[FIELD_TYPE].kind == CELL_TEXT);
	check(row.cells[FIELD_TS].kind == CELL_TIME);
	check(row.cells[FIELD_COOKIE].kind == CELL_UINT);
	check((row.cells[FIELD_PID].kind == CELL_UINT) == (connection->owner.tgid != 0));
	check(row.text_used <= ROW_TEXT_MAX);
}

static int show_alone(void *context, const struct record_header *record)
{
	show(context, record, NULL, 0);
	return 0;
}

static int show_open(void *context, const struct open_record *record, const uint32_t *holders,
		     size_t n)
{
	show(context, &record->header, holders, n);
	return 0;
}

static void tool_record(struct state *state, struct record_header *record)
{
	struct connection *connection = (void *)(record + 1);

	/* the kernel writes it so, and process_table_find() relies on it */
	connection->owner.comm[COMM_SIZE - 1] = '\0';
	switch (record->type) {
	case RECORD_CONNECT:
		process_table_pin(state->processes, &connection->owner);
		pending_connect(state->pending, (const void *)record);
		break;
	case RECORD_ACCEPT:
		pending_accept(state->pending, (const void *)record);
		break;
	case RECORD_CLOSE:
		pending_close(state->pending, (const void *)record);
		process_table_unpin(state->processes, &connection->owner);
		break;
	case RECORD_OPEN:
		socket_list_add(state->list, (const void *)record);
		break;
	default:
		show(state, record, NULL, 0);
	}
}

/* One record that passed the check, in a copy of its own size: reading past its end is seen. */
static void take(struct state *state, const struct record_header *header)
{
	size_t length = header->length;
	_cleanup_(freep) struct record_header *record = malloc(length);

	check(record);
	memcpy(record, header, length);
	switch (record->type) {
	case RECORD_PROCESS:
		process_table_add(state->processes, (const void *)record, length);
		break;
	case RECORD_EXIT:
		process_table_exit(state->processes, &((const struct exit_record *)record)->id);
		break;
	case RECORD_CGROUP:
		cgroup_table_add(state->cgroups, (const void *)record, length);
		break;
	default:
		tool_record(state, record);
	}
	pending_expire(state->pending, record->ts_ns);
}

static void take_all(struct state *state, const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *copy = malloc(size ? size : 1);
	const struct record_header *record;
	size_t offset = 0;
	int bad = 0;

	check(copy);
	memcpy(copy, data, size);
	while ((record = record_next(copy, size, &offset, &sizes, &bad))) {
		check(offset <= size && (uintptr_t)record % 8 == 0);
		take(state, record);
	}
	check(bad ? bad == -EBADMSG : offset == size);
}

/* Puts heads in front of what is in @data, so that little of it is needed to pass the check. */
static void take_framed(struct state *state, const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *stream = malloc((size / FRAME + 1) * HEAD + size);
	size_t used = 0;

	check(stream);
	while (size >= FRAME) {
		size_t length = data[0] | (size_t)data[1] << 8;
		struct record_header header = {.type = data[2] % RECORD_TYPES_MAX};

		header.ts_ns = 1000 + data[3] * 1000000ULL;
		if (!(data[2] & 0x80)) /* as the kernel has them */
			length &= ~(size_t)7;
		data += FRAME;
		size -= FRAME;
		length = length < size ? length : size;
		header.length = (uint32_t)(HEAD + length);
		memcpy(stream + used, &header, HEAD);
		memcpy(stream + used + HEAD, data, length);
		used += HEAD + length;
		data += length;
		size -= length;
	}
	take_all(state, stream, used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct process_table_options options = {.proc_fd = -1, .processes_max = 4};
	_cleanup_(state_release) struct state state = {};

	if (size == 0)
		return 0;
	check(process_table_new(&options, &state.processes) == 0);
	check(cgroup_table_new(4, &state.cgroups) == 0);
	check(pending_new(show_alone, &state, &state.pending) == 0);
	check(socket_list_new(&state.list) == 0);
	if (data[0] & 1)
		take_framed(&state, data + 1, size - 1);
	else
		take_all(&state, data + 1, size - 1);
	check(pending_expire(state.pending, UINT64_MAX) == 0);
	check(pending_count(state.pending) == 0);
	check(socket_list_each(state.list, show_open, &state) == 0);
	return 0;
}

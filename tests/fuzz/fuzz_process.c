/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as records into the table of processes, and every name read back in full.
 * Input: per record two bytes of length, one that says what to do besides, then the record.
 */
#include <string.h>

#include "lib/process.h"

static size_t names_read(const struct process_names *names)
{
	size_t sum = strlen(names->name) + strlen(process_name_source(names->source));

	if (names->exe)
		sum += strlen(names->exe);
	if (names->script)
		sum += strlen(names->script);
	if (names->args && names->args_length && names->args[names->args_length - 1] != '\0')
		abort();
	for (size_t i = 0; names->args && i < names->args_length; i++)
		sum += (unsigned char)names->args[i];
	return sum;
}

/* A copy of its own size, so that reading past its end is seen. */
static void step(struct process_table *table, const uint8_t *bytes, size_t length, uint8_t what)
{
	_cleanup_(freep) struct process_record *record = malloc(length ? length : 1);
	struct process_names names;
	struct process_id id;

	if (!record)
		return;
	memcpy(record, bytes, length);
	process_table_add(table, record, length);
	if (length < sizeof(*record))
		return;

	id = record->id;
	id.comm[COMM_SIZE - 1] = '\0';
	if (what & 1)
		process_table_pin(table, &id);
	if (what & 2)
		process_table_exit(table, &id);
	if (what & 4)
		id.exec_id++;
	process_table_find(table, &id, what & 8, &names);
	if (names_read(&names) == SIZE_MAX)
		abort();
	if (what & 16)
		process_table_unpin(table, &id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct process_table_options options = {.proc_fd = -1, .processes_max = 4};
	_cleanup_(process_table_freep) struct process_table *table = NULL;

	if (process_table_new(&options, &table) < 0)
		return 0;
	while (size >= 3) {
		size_t length = data[0] | (size_t)data[1] << 8;
		uint8_t what = data[2];

		data += 3;
		size -= 3;
		if (length > size)
			length = size;
		step(table, data, length, what);
		data += length;
		size -= length;
	}
	return 0;
}

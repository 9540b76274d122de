/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <uthash.h>

#include "lib/pcapng.h"

#define FLUSH_BYTES (1U << 20) /* are gathered at most */

struct interface_key {
	uint32_t netns, ifindex;
	uint32_t link_type;
	char name[PACKETS_INTERFACE_SIZE];
};

struct interface {
	struct interface_key key;
	uint64_t delivered;
	uint32_t number;
	UT_hash_handle hh;
};

struct process_key {
	uint64_t start_ns, exec_id;
	uint64_t tgid;
};

struct process {
	struct process_key key;
	uint32_t number;
	UT_hash_handle hh;
};

struct packet_file {
	struct pcapng_writer writer;
	struct interface *interfaces;
	struct process *processes;
	struct buffer comment;
	off_t written; /* bytes of whole blocks, of a regular file */
	uint32_t snaplen;
	bool regular;
	bool processes_full;
	int fd;
};

static int begin(struct packet_file *file, const char *program)
{
	struct utsname name = {};
	char os[sizeof(name.sysname) + sizeof(name.release) + 1];
	struct pcapng_section section = {.application = pcapng_text(program)};

	if (uname(&name) == 0) {
		snprintf(os, sizeof(os), "%s %s", name.sysname, name.release);
		section.os = pcapng_text(os);
		section.hardware = pcapng_text(name.machine);
	}
	return pcapng_append_section(&file->writer, &section);
}

int packet_file_new(const char *path, const char *program, uint32_t snaplen,
		    struct packet_file **ret_file, struct error *error)
{
	struct packet_file *file = calloc(1, sizeof(*file));
	struct stat status;
	int r = -ENOMEM;

	if (!file)
		return error_set(error, -ENOMEM, "no memory");
	file->snaplen = snaplen;
	if (strcmp(path, "-") == 0)
		file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file->fd < 0) {
		r = error_set(error, -errno, "cannot write %s: %s", path, strerror(errno));
	} else {
		file->regular = strcmp(path, "-") != 0 && fstat(file->fd, &status) == 0 &&
				S_ISREG(status.st_mode);
		r = begin(file, program);
		if (r < 0)
			error_set(error, r, "cannot begin %s: %s", path, strerror(-r));
	}
	if (r < 0) {
		packet_file_free(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

void packet_file_free(struct packet_file *file)
{
	struct interface *interface, *next_interface;
	struct process *process, *next_process;

	if (!file)
		return;
	HASH_ITER (hh, file->interfaces, interface, next_interface) {
		HASH_DEL(file->interfaces, interface);
		free(interface);
	}
	HASH_ITER (hh, file->processes, process, next_process) {
		HASH_DEL(file->processes, process);
		free(process);
	}
	pcapng_writer_release(&file->writer);
	buffer_release(&file->comment);
	closep(&file->fd);
	free(file);
}

/* Bytes of the blocks that are whole within the first @n. */
static size_t whole_blocks(const struct buffer *blocks, size_t n)
{
	size_t whole = 0;
	uint32_t length;

	while (n - whole >= 2 * sizeof(length)) {
		memcpy(&length, blocks->data + whole + sizeof(length), sizeof(length));
		if (length > n - whole)
			break;
		whole += length;
	}
	return whole;
}

/* To a file that can be cut where the disk was full. */
static int write_regular(struct packet_file *file)
{
	struct buffer *blocks = &file->writer.blocks;
	size_t done = 0, whole;
	int r = 0;

	while (done < blocks->length && !r) {
		ssize_t n = write(file->fd, blocks->data + done, blocks->length - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	whole = r ? whole_blocks(blocks, done) : done;
	file->written += (off_t)whole;
	buffer_consume(blocks, whole);
	if (r && ftruncate(file->fd, file->written) < 0)
		return r; /* it ends in the middle of a block, and readers say so */
	return r;
}

int packet_file_flush(struct packet_file *file)
{
	if (!file->writer.blocks.length)
		return 0;
	return file->regular ? write_regular(file) : buffer_write(&file->writer.blocks, file->fd);
}

static int new_interface(struct packet_file *file, const struct interface_key *key,
			 struct interface **ret_interface)
{
	struct interface *interface = calloc(1, sizeof(*interface));
	char description[32];
	const struct pcapng_interface block = {
		.name = {key->name, strnlen(key->name, sizeof(key->name))},
		.description = {description, (size_t)snprintf(description, sizeof(description),
							      "netns %u", key->netns)},
		.snaplen = file->snaplen,
		.link_type = (uint16_t)key->link_type,
	};
	int r;

	if (!interface)
		return -ENOMEM;
	interface->key = *key;
	r = pcapng_append_interface(&file->writer, &block, &interface->number);
	if (r < 0) {
		free(interface);
		return r;
	}
	HASH_ADD(hh, file->interfaces, key, sizeof(interface->key), interface);
	*ret_interface = interface;
	return 0;
}

static int find_interface(struct packet_file *file, const struct packet_record *record,
			  struct interface **ret_interface)
{
	struct interface_key key = {.netns = record->netns,
				    .ifindex = record->ifindex,
				    .link_type = record->link_type};
	struct interface *interface;

	memcpy(key.name, record->interface, sizeof(key.name));
	HASH_FIND(hh, file->interfaces, &key, sizeof(key), interface);
	if (!interface)
		return new_interface(file, &key, ret_interface);
	*ret_interface = interface;
	return 0;
}

static int new_process(struct packet_file *file, const struct packet_process *owner,
		       const struct process_key *key, uint32_t *ret_number)
{
	const struct pcapng_process block = {
		.pid = owner->id.tgid,
		.name = pcapng_text(owner->names.name ? owner->names.name : owner->id.comm),
		.path = pcapng_text(owner->names.exe),
	};
	struct process *process = calloc(1, sizeof(*process));
	int r;

	if (!process)
		return -ENOMEM;
	process->key = *key;
	r = pcapng_append_process(&file->writer, &block, &process->number);
	if (r < 0) {
		free(process);
		file->processes_full = file->processes_full || r == -ENOSPC;
		return r == -ENOSPC ? 0 : r;
	}
	HASH_ADD(hh, file->processes, key, sizeof(process->key), process);
	*ret_number = process->number;
	return 0;
}

/* The number of the process's block, PCAPNG_NO_PROCESS if it has none. */
static int find_process(struct packet_file *file, const struct packet_process *owner,
			uint32_t *ret_number)
{
	const struct process_key key = {owner->id.start_ns, owner->id.exec_id, owner->id.tgid};
	struct process *process;

	*ret_number = PCAPNG_NO_PROCESS;
	if (!owner->id.tgid)
		return 0;
	HASH_FIND(hh, file->processes, &key, sizeof(key), process);
	if (process)
		*ret_number = process->number;
	else if (!file->processes_full)
		return new_process(file, owner, &key, ret_number);
	return 0;
}

static uint32_t flags_of(const struct packet_record *record)
{
	/* by PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST */
	static const uint32_t received[] = {PCAPNG_UNICAST, PCAPNG_BROADCAST, PCAPNG_MULTICAST,
					    PCAPNG_PROMISCUOUS};
	uint32_t flags = record->direction == PACKET_OUT ? PCAPNG_OUTBOUND : PCAPNG_INBOUND;

	if (record->direction == PACKET_IN && record->pkt_type < ARRAY_SIZE(received))
		flags |= received[record->pkt_type];
	if (record->flags & PACKET_UNSUMMED)
		flags |= PCAPNG_CHECKSUM_NOT_READY;
	if (record->segments > 1)
		flags |= PCAPNG_SEGMENTED;
	return flags;
}

static int append(struct packet_file *file, const struct packet_record *record,
		  const struct packet_owner *owner, uint64_t ts_ns)
{
	struct pcapng_packet packet = {
		.data = record->data,
		.ts_ns = ts_ns,
		.length = record->captured,
		.original = record->bytes,
		.flags = flags_of(record),
		.pid = owner->local.id.tgid,
		.tid = owner->local.id.tid,
	};
	struct interface *interface;
	int r = find_interface(file, record, &interface);

	if (!r)
		r = find_process(file, &owner->local, &packet.process);
	if (r < 0)
		return r;
	file->comment.length = 0;
	packet_comment(&file->comment, owner);
	if (!file->comment.failed)
		packet.comment = (struct pcapng_text){file->comment.data, file->comment.length};
	packet.interface = interface->number;
	r = pcapng_append_packet(&file->writer, &packet);
	if (!r)
		interface->delivered++;
	return r;
}

int packet_file_add(struct packet_file *file, const struct packet_record *record,
		    const struct packet_owner *owner, uint64_t ts_ns)
{
	int r = append(file, record, owner, ts_ns);

	if (r == 0 && file->writer.blocks.length >= FLUSH_BYTES)
		r = packet_file_flush(file);
	return r;
}

int packet_file_end(struct packet_file *file, const uint64_t *lost, uint64_t start_ns,
		    uint64_t end_ns)
{
	_cleanup_(freep) bool *told = calloc(PACKETS_SLOTS, sizeof(*told));
	struct interface *interface, *next;

	if (!told)
		return -ENOMEM;
	HASH_ITER (hh, file->interfaces, interface, next) {
		uint32_t slot = packets_slot(interface->key.netns, interface->key.ifindex);
		struct pcapng_statistics statistics = {
			.interface = interface->number,
			.ts_ns = end_ns,
			.start_ns = start_ns,
			.end_ns = end_ns,
			.received = PCAPNG_UNKNOWN,
			.if_dropped = PCAPNG_UNKNOWN,
			.accepted = PCAPNG_UNKNOWN,
			.os_dropped = told[slot] ? 0 : lost[slot], /* once in all */
			.delivered = interface->delivered,
		};
		int r = pcapng_append_statistics(&file->writer, &statistics);

		if (r < 0)
			return r;
		told[slot] = true;
	}
	return packet_file_flush(file);
}

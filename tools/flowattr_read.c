/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_read.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "lib/filter.h"
#include "tools/packets_event.h"
#include "tools/packets_expression.h"
#include "tools/packets_match.h"

#define FLUSH_BYTES 65536

struct reading {
	const struct flowattr_read_options *options;
	struct pcapng_reader *reader;
	struct expression *expression;
	struct packet_event *event;
	struct output *output; /* JSON, CSV */
	struct buffer lines;
	uint64_t shown;
	uint64_t first_ns; /* when the file's first packet passed; UINT64_MAX: not known yet */
};

static void reading_release(struct reading *r)
{
	pcapng_reader_free(r->reader);
	expression_free(r->expression);
	free(r->event);
	output_free(r->output);
	buffer_release(&r->lines);
}

static bool has_pid(const struct process_filter *process, uint32_t pid)
{
	for (size_t i = 0; i < process->n_pids; i++)
		if (process->pids[i] == pid)
			return true;
	return !process->n_pids;
}

static bool is_wanted_process(const struct process_filter *filter,
			      const struct packet_process *process)
{
	return process->id.tgid && has_pid(filter, process->id.tgid) &&
	       filter_wants_name(filter, process->names.name ? process->names.name : "");
}

static bool wants_owner(const struct flowattr_read_options *o, const struct packet_owner *owner)
{
	if (!o->process || (!o->process->n_pids && !o->process->n_names))
		return true;
	return is_wanted_process(o->process, &owner->local) ||
	       is_wanted_process(o->process, &owner->peer);
}

static bool wants(struct reading *r, const struct pcapng_packet *packet)
{
	const struct flowattr_read_options *o = r->options;
	const struct packet_view *view = &r->event->view;

	if (o->direction && view->direction != o->direction)
		return false;
	if (o->interface && (view->interface_length != strlen(o->interface) ||
			     memcmp(view->interface, o->interface, view->interface_length) != 0))
		return false;
	if (!expression_matches(r->expression, r->event->link_type, packet->data, packet->length,
				packet->original))
		return false;
	if (o->traffic && !packet_matches(o->traffic, &r->event->packet, view->direction))
		return false;
	return wants_owner(o, &r->event->owner);
}

static int flush(struct reading *r)
{
	return r->output ? output_flush(r->output) : buffer_write(&r->lines, STDOUT_FILENO);
}

static int show(struct reading *r)
{
	struct row row = {};

	r->shown++;
	if (r->output) {
		packet_row(&r->event->view, &row);
		return output_row(r->output, &row);
	}
	packet_line(&r->lines, &r->event->view);
	if (r->lines.failed)
		return -ENOMEM;
	return r->lines.length >= FLUSH_BYTES ? flush(r) : 0;
}

/* A file may have a packet in front of an earlier one: that has passed 0 s behind the first. */
static void read_since(struct reading *r)
{
	struct packet_view *view = &r->event->view;

	view->seconds = r->options->seconds;
	if (view->ts_ns == UINT64_MAX)
		return;
	if (r->first_ns == UINT64_MAX)
		r->first_ns = view->ts_ns;
	view->since_ns = view->ts_ns > r->first_ns ? view->ts_ns - r->first_ns : 0;
}

/* Returns 0 or what is wrong with the file (which is explained) or the output (which is not). */
static int read_all(struct reading *r, struct error *error)
{
	struct pcapng_event event;
	int result;

	while ((result = pcapng_reader_next(r->reader, &event, error)) > 0) {
		if (event.kind != PCAPNG_PACKET)
			continue;
		packet_event_read(r->reader, &event.packet, r->event);
		read_since(r);
		if (!wants(r, &event.packet))
			continue;
		result = show(r);
		if (result < 0)
			return result;
		if (r->options->count && r->shown >= r->options->count)
			return 0;
	}
	return result;
}

static int begin(struct reading *r, int fd, struct error *error)
{
	const struct flowattr_read_options *o = r->options;
	const struct output_options output = {
		.format = o->format,
		.selected = o->selected,
		.selection = o->selection,
		.header = o->header,
		.fd = STDOUT_FILENO,
	};
	int result = pcapng_reader_new(fd, &r->reader);

	if (!result && (o->format != OUTPUT_TABLE || o->selected))
		result = output_new(packet_fields, PACKET_FIELDS, &output, &r->output);
	r->event = calloc(1, sizeof(*r->event));
	if (result < 0 || !r->event)
		return error_set(error, result < 0 ? result : -ENOMEM, "cannot start: %s",
				 strerror(result < 0 ? -result : ENOMEM));
	return o->expression ? expression_new(o->expression, &r->expression, error) : 0;
}

int flowattr_read(const struct flowattr_read_options *options, struct error *error)
{
	_cleanup_(reading_release) struct reading r = {.options = options, .first_ns = UINT64_MAX};
	bool standard = strcmp(options->file, "-") == 0;
	_cleanup_(closep) int fd = -1;
	struct error why = {};
	int result, last;

	signal(SIGPIPE, SIG_IGN);
	if (standard)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		fd = open(options->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, errno == EINVAL ? -EIO : -errno, "cannot read %s: %s",
				 options->file, strerror(errno));
	result = begin(&r, fd, error);
	if (result < 0)
		return result;
	result = read_all(&r, &why);
	last = flush(&r);
	if (result == -EPIPE || last == -EPIPE)
		return 0;
	if (why.text[0])
		return error_set(error, result == -EINVAL ? -EIO : result, "%s: %s",
				 standard ? "standard input" : options->file, why.text);
	if (result < 0 || last < 0)
		return error_set(error, result < 0 ? result : last, "cannot write: %s",
				 strerror(result < 0 ? -result : -last));
	return 0;
}

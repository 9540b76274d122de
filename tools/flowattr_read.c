/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_read.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "lib/filter.h"
#include "lib/signals.h"
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
	int fd, signal_fd;
	uint64_t first_ns; /* when the file's first packet passed; UINT64_MAX: not known yet */
};

static void reading_release(struct reading *r)
{
	pcapng_reader_free(r->reader);
	expression_free(r->expression);
	free(r->event);
	output_free(r->output);
	buffer_release(&r->lines);
	closep(&r->fd);
	closep(&r->signal_fd);
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

/* What comes out of a pipe is shown before more is waited for. A signal ends the reading. */
static int wait_readable(void *context)
{
	struct reading *r = context;
	struct pollfd fds[] = {{.fd = r->fd, .events = POLLIN},
			       {.fd = r->signal_fd, .events = POLLIN}};
	int result = 0;

	if (poll(fds, ARRAY_SIZE(fds), 0) == 0) {
		result = flush(r);
		poll(fds, ARRAY_SIZE(fds), -1);
	}
	return !result && fds[1].revents ? -ECANCELED : result;
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

static int begin(struct reading *r, struct error *error)
{
	const struct flowattr_read_options *o = r->options;
	const struct output_options output = {
		.format = o->format,
		.selected = o->selected,
		.selection = o->selection,
		.header = o->header,
		.fd = STDOUT_FILENO,
	};
	int result = signals_block();

	r->signal_fd = result < 0 ? result : signals_open();
	result = r->signal_fd < 0 ? r->signal_fd
				  : pcapng_reader_new(r->fd, wait_readable, r, &r->reader);
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
	_cleanup_(reading_release) struct reading r = {.options = options,
						       .fd = -1,
						       .signal_fd = -1,
						       .first_ns = UINT64_MAX};
	bool standard = strcmp(options->file, "-") == 0;
	struct error why = {};
	int result, last;

	if (standard)
		r.fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		r.fd = open(options->file, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0)
		return error_set(error, errno == EINVAL ? -EIO : -errno, "cannot read %s: %s",
				 options->file, strerror(errno));
	result = begin(&r, error);
	if (result < 0)
		return result;
	result = read_all(&r, &why);
	last = flush(&r);
	if (result == -EPIPE || result == -ECANCELED || last == -EPIPE)
		return 0;
	if (why.text[0] && last >= 0)
		return error_set(error, result == -EINVAL ? -EIO : result, "%s: %s",
				 standard ? "standard input" : options->file, why.text);
	if (result < 0 || last < 0)
		return error_set(error, last < 0 ? last : result, "cannot write: %s",
				 strerror(last < 0 ? -last : -result));
	return 0;
}

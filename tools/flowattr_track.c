/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_track.h"

#include <inttypes.h>

#include "lib/netns.h"
#include "lib/parse.h"

struct opening {
	struct conntrack **conntrack;
	uint32_t netns;
};

static int open_here(void *context)
{
	struct opening *opening = context;

	return conntrack_open(opening->netns, opening->conntrack);
}

void track_open(struct track *track, struct meter *meter)
{
	const struct process_filter *filter = &meter->options->common.process;
	struct opening own = {&track->spaces[0], meter->netns};
	struct opening named = {&track->spaces[1], filter->netns};
	_cleanup_(closep) int fd = -1;

	track->meter = meter;
	open_here(&own);
	if (filter->netns_path && filter->netns != meter->netns)
		fd = parse_netns_open(filter->netns_path, NULL);
	if (fd >= 0)
		netns_inside_fd(fd, open_here, &named);
	if (!track->spaces[0] && !track->spaces[1])
		meter->translated_ns = UINT64_MAX; /* there is nothing to wait for */
}

void track_release(struct track *track)
{
	for (size_t i = 0; i < ARRAY_SIZE(track->spaces); i++)
		conntrack_close(track->spaces[i]);
	*track = (struct track){};
}

static int on_entry(void *context, const struct conntrack_entry *entry)
{
	struct meter *meter = context;
	struct nat_ends ends;
	int r = nat_table_add(meter->nat, entry, &ends);

	return r > 0 ? flow_table_translate(meter->flows, &ends) : r;
}

int track_read(struct track *track)
{
	uint64_t now_ns = clock_now_ns();
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(track->spaces) && !r; i++)
		if (track->spaces[i])
			r = conntrack_read(track->spaces[i], on_entry, track->meter);
	if (track->meter->translated_ns != UINT64_MAX)
		track->meter->translated_ns = now_ns;
	return r;
}

void track_print_stats(const struct track *track, FILE *file)
{
	uint64_t lost = 0;

	if (!track->spaces[0] && !track->spaces[1]) {
		fputs("translations: no connection tracking to read\n", file);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(track->spaces); i++)
		if (track->spaces[i])
			lost += conntrack_lost(track->spaces[i]);
	fprintf(file,
		"translations: %zu known, %" PRIu64
		" forgotten for want of room, events lost %" PRIu64 " times\n",
		nat_table_size(track->meter->nat), nat_table_forgotten(track->meter->nat), lost);
}

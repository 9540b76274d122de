/* SPDX-License-Identifier: GPL-2.0-only */
/* The full-screen view. */
#ifndef PROCTOP_VIEW_H
#define PROCTOP_VIEW_H

#include "lib/buffer.h"
#include "lib/screen.h"
#include "tools/proctop_meter.h"

#define VIEW_INPUT_MAX	64     /* bytes that can be typed into a prompt */
#define VIEW_COLUMNS	FIELDS /* that are shown, at most */
#define VIEW_NAME_MAX	40     /* columns of NAME; a longer one is marked as cut */
#define VIEW_HEAD_LINES 4

/* What the foot line is for. */
enum view_mode {
	VIEW_LIST,
	VIEW_SEARCH,
	VIEW_FILTER,
	VIEW_USER,
	VIEW_SIGNAL,
	VIEW_HELP,
};

struct view {
	const struct proctop_options *options;
	struct meter *meter;
	struct screen *screen;
	struct lines_options wanted;
	struct line *lines; /* of the interval */
	size_t n;
	size_t top, selected;	   /* places among them */
	struct process_id subject; /* of the selected line, or of the prompt */
	enum view_mode mode;
	char input[VIEW_INPUT_MAX];  /* of the prompt, NUL-terminated */
	char filter[VIEW_INPUT_MAX]; /* what `wanted` points to */
	char search[VIEW_INPUT_MAX];
	char message[128]; /* in the foot line, until the next key */
	bool paused, follow, no_command;
	size_t skip; /* columns that are scrolled out to the left */
	size_t name_width;
	enum proctop_field columns[VIEW_COLUMNS]; /* shown */
	size_t n_columns;
	struct machine_memory memory;
	struct machine_load load;
	struct proctop_total total;
	struct row row;
	struct buffer text; /* of the line that is being drawn */
};

/* Takes the terminal. @options, @meter: borrowed. Returns 0 or a negative errno with an error. */
int view_new(const struct proctop_options *options, struct meter *meter, struct view **ret_view,
	     struct error *error);
void view_free(struct view *view);
static inline void view_freep(struct view **view)
{
	view_free(*view);
	*view = NULL;
}

/* After a pass: shows the interval. What it shows must stay until the next: see
 * meter_next_interval(). Returns 0 or -ENOMEM. */
int view_interval(struct view *view);

/* Takes all keys that were pressed. Returns 0, LOOP_STOP, or a negative errno. */
int view_keys(struct view *view);

/* For the view's own parts. */
int view_make_lines(struct view *view);
void view_draw(struct view *view);
void view_select(struct view *view, size_t place);
bool view_rows_fit(struct view *view, size_t *ret_rows);
void view_search(struct view *view, bool next);

/* One of the lines above the table, 0 to VIEW_HEAD_LINES - 1, into an empty buffer. */
void view_head(const struct view *view, int line, size_t width, struct buffer *text);

#endif

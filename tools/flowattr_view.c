/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/buffer.h"
#include "lib/loop.h"
#include "lib/screen.h"

#define HEAD_LINES 2  /* the sum, the titles of the columns */
#define STEP	   20 /* columns that Left and Right move by */
#define SHIFT_MAX  1000
#define FOOT	   "q quit  Z pause  Left Right scroll  sort: Bytes Tx Rx Pid Name User Destination"

struct view {
	struct flowattr_options *options;
	struct screen *screen;
	struct buffer text; /* the interval on show */
	bool limited;	    /* the user gave --max */
	uint64_t rows_max;
	bool paused;
	int shift; /* columns of the table that are left of the screen */
	int fd;
};

/* As many rows as there is room for. */
static void set_rows(struct view *view)
{
	int columns, lines;
	uint64_t room;

	screen_size(view->screen, &columns, &lines);
	room = lines > HEAD_LINES + 2 ? (uint64_t)lines - HEAD_LINES - 1 : 1;
	view->options->rows_max = view->limited && view->rows_max < room ? view->rows_max : room;
}

int view_new(struct flowattr_options *options, struct view **ret_view, struct error *error)
{
	_cleanup_(view_freep) struct view *view = calloc(1, sizeof(*view));
	int r;

	if (!view)
		return error_set(error, -ENOMEM, "out of memory");
	view->options = options;
	view->limited = options->rows_max;
	view->rows_max = options->rows_max;
	view->fd = memfd_create("table", MFD_CLOEXEC);
	if (view->fd < 0)
		return error_set(error, -errno, "cannot make a memfd: %s", strerror(errno));
	r = screen_new(&view->screen, error);
	if (r < 0)
		return r;
	set_rows(view);
	*ret_view = view;
	view = NULL;
	return 0;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	screen_free(view->screen);
	buffer_release(&view->text);
	closep(&view->fd);
	free(view);
}

int view_fd(const struct view *view)
{
	return view->fd;
}

bool view_is_paused(const struct view *view)
{
	return view->paused;
}

/* The table moves under the sum, which stays. */
static void draw_line(struct view *view, int line, const char *text, size_t length)
{
	enum screen_style style = line == HEAD_LINES - 1 ? SCREEN_TITLE : SCREEN_PLAIN;
	size_t left = line ? screen_fitting(text, length, view->shift) : 0;

	screen_line(view->screen, line, style, text + left, length - left);
}

static void draw(struct view *view)
{
	const char *at = view->text.data, *end = at + view->text.length;
	int columns, lines, line = 0;

	screen_size(view->screen, &columns, &lines);
	while (at && at < end && line < lines - 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);

		if (length) /* an empty one stands between two tables */
			draw_line(view, line++, at, length);
		at += length + 1;
	}
	screen_clear_from(view->screen, line);
	screen_line(view->screen, lines - 1, view->paused ? SCREEN_ALERT : SCREEN_DIM,
		    view->paused ? "paused: Z goes on" : FOOT,
		    strlen(view->paused ? "paused: Z goes on" : FOOT));
	screen_show(view->screen);
}

/* Reads what was written to the file, and empties it. */
static int take_text(struct view *view)
{
	off_t size = lseek(view->fd, 0, SEEK_CUR);
	char *to;

	view->text.length = 0;
	if (size <= 0)
		return size < 0 ? -errno : 0;
	to = buffer_reserve(&view->text, (size_t)size);
	if (!to)
		return -ENOMEM;
	if (pread(view->fd, to, (size_t)size, 0) != size)
		return -EIO;
	view->text.length = (size_t)size;
	if (ftruncate(view->fd, 0) < 0 || lseek(view->fd, 0, SEEK_SET) < 0)
		return -errno;
	return 0;
}

int view_show(struct view *view)
{
	int r = take_text(view);

	if (r < 0)
		return r;
	set_rows(view);
	draw(view);
	return 0;
}

static int on_key(struct view *view, int key)
{
	enum flow_lines_sort *sort = &view->options->sort;

	switch (key) {
	case 'q':
	case 'Q':
	case SCREEN_END:
	case SCREEN_F1 + 9:
		return LOOP_STOP;
	case 'Z':
	case 'z':
	case ' ':
		view->paused = !view->paused;
		break;
	case SCREEN_LEFT:
		view->shift -= view->shift ? STEP : 0;
		break;
	case SCREEN_RIGHT:
		view->shift += view->shift < SHIFT_MAX ? STEP : 0;
		break;
	case 'B':
		*sort = LINES_SORT_BYTES;
		break;
	case 'T':
		*sort = LINES_SORT_TX;
		break;
	case 'R':
		*sort = LINES_SORT_RX;
		break;
	case 'P':
		*sort = LINES_SORT_PID;
		break;
	case 'N':
		*sort = LINES_SORT_NAME;
		break;
	case 'U':
		*sort = LINES_SORT_USER;
		break;
	case 'D':
		*sort = LINES_SORT_REMOTE;
		break;
	}
	return 0;
}

int view_keys(struct view *view)
{
	int key, r = 0;
	bool any = false;

	while (!r && (key = screen_key(view->screen)) != SCREEN_NO_KEY) {
		any = true;
		r = on_key(view, key);
	}
	if (any && !r)
		draw(view);
	return r;
}

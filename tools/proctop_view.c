/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_view.h"

#include <string.h>
#include <wchar.h>

#include "lib/text.h"

#define ELLIPSIS "\342\200\246"

/* All columns in order, and which go first if there is no room: the greatest number. */
static const struct {
	enum proctop_field field;
	int dispensable;
} columns[] = {
	{FIELD_PID, 0},		 {FIELD_PPID, 7},	 {FIELD_USER, 2},
	{FIELD_STATE, 1},	 {FIELD_CPU_PERCENT, 0}, {FIELD_CPU_TIME, 1},
	{FIELD_WAIT_PERCENT, 3}, {FIELD_RSS_SHORT, 1},	 {FIELD_READ_RATE, 5},
	{FIELD_WRITE_RATE, 5},	 {FIELD_RX_RATE, 4},	 {FIELD_TX_RATE, 4},
	{FIELD_THREADS, 6},	 {FIELD_AGE_SHORT, 3},	 {FIELD_EXIT, 2},
	{FIELD_LABEL, 0},	 {FIELD_COMMAND, 0},
};

int view_new(const struct proctop_options *options, struct meter *meter, struct view **ret_view,
	     struct error *error)
{
	_cleanup_(view_freep) struct view *view = calloc(1, sizeof(*view));
	int r;

	if (!view)
		return error_set(error, -ENOMEM, "no memory");
	view->options = options;
	view->meter = meter;
	view->row.limit = FIELDS;
	view->wanted = (struct lines_options){.filter = &options->common.process,
					      .fold = true,
					      .sort = options->sort};
	r = screen_new(&view->screen, error);
	if (r < 0)
		return r;
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
	free(view);
}

static size_t column_width(const struct view *view, enum proctop_field field)
{
	size_t header = strlen(proctop_fields[field].header);
	size_t width = field == FIELD_LABEL ? view->name_width : proctop_fields[field].width;

	if (field == FIELD_PID || field == FIELD_PPID)
		width = 7;
	return width > header ? width : header;
}

/* Those that the user asked for, or all that fit so that names still do. */
static void choose_columns(struct view *view, size_t width)
{
	const struct output_selection *asked = &view->options->output.selection;
	size_t n = 0, used;
	int most = 10;

	if (view->options->output.selected) {
		for (n = 0; n < asked->n && n < VIEW_COLUMNS; n++)
			view->columns[n] = (enum proctop_field)asked->fields[n];
		view->n_columns = n;
		return;
	}
	do {
		used = n = 0;
		for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
			enum proctop_field field = columns[i].field;

			if (columns[i].dispensable >= most ||
			    (field == FIELD_COMMAND && view->no_command))
				continue;
			view->columns[n++] = field;
			if (field != FIELD_COMMAND)
				used += column_width(view, field) + 1;
		}
		view->n_columns = n;
	} while (used > width && --most > 0);
}

static size_t text_width(const char *text, size_t length)
{
	size_t width = 0;

	for (size_t at = 0; at < length;) {
		uint32_t code;
		size_t n = text_decode(text + at, length - at, &code);
		int columns_taken = n ? wcwidth((wchar_t)code) : 1;

		width += columns_taken < 0 ? 1 : (size_t)columns_taken;
		at += n ? n : 1;
	}
	return width;
}

/* Cuts what was appended since @start to @width columns, marked with an ellipsis. Returns its
 * width. */
static size_t cut(struct buffer *text, size_t start, size_t width)
{
	size_t have = text_width(text->data + start, text->length - start);

	if (have <= width)
		return have;
	while (have > width - 1) {
		do
			text->length--;
		while (((unsigned char)text->data[text->length] & 0xc0) == 0x80);
		have = text_width(text->data + start, text->length - start);
	}
	buffer_append_string(text, ELLIPSIS);
	return have + 1;
}

static void append_cell(struct buffer *text, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_UINT:
		buffer_append_uint(text, cell->u);
		break;
	case CELL_BOOL:
		buffer_append_string(text, cell->u ? "true" : "false");
		break;
	case CELL_TEXT:
		text_append(text, cell->text, cell->length);
		break;
	case CELL_TEXTS:
		for (size_t at = 0, n; at < cell->length; at += n + 1) {
			n = strnlen(cell->text + at, cell->length - at);
			if (at > 0)
				buffer_append_char(text, ' ');
			text_append(text, cell->text + at, n);
		}
		break;
	default:
		buffer_append_char(text, '-');
	}
}

/* Puts what was appended since @start into its column. The last one has all the room it takes. */
static void place(struct view *view, size_t column, size_t start)
{
	enum proctop_field field = view->columns[column];
	bool last = column + 1 == view->n_columns;
	size_t width = column_width(view, field), have;
	struct buffer *text = &view->text;

	if (last)
		return;
	have = cut(text, start, width);
	if (proctop_fields[field].flags & FIELD_RIGHT) {
		buffer_append_spaces(text, width - have);
		memmove(text->data + start + width - have, text->data + start,
			text->length - start - (width - have));
		memset(text->data + start, ' ', width - have);
		buffer_append_char(text, ' ');
	} else {
		buffer_append_spaces(text, width - have + 1);
	}
}

/* The first column stays where it is. */
static bool is_skipped(const struct view *view, size_t column)
{
	return column > 0 && column <= view->skip;
}

static void draw_titles(struct view *view, int line)
{
	size_t sorted_at = 0, sorted_length = 0;

	view->text.length = 0;
	for (size_t i = 0; i < view->n_columns; i++) {
		size_t start = view->text.length;

		if (is_skipped(view, i))
			continue;
		buffer_append_string(&view->text, proctop_fields[view->columns[i]].header);
		place(view, i, start);
		if (view->columns[i] != view->wanted.sort)
			continue;
		sorted_at = start;
		sorted_length = view->text.length - start;
	}
	screen_line(view->screen, line, SCREEN_TITLE, view->text.data, view->text.length);
	if (sorted_length)
		screen_part(view->screen, line, (int)sorted_at, SCREEN_SELECTED,
			    view->text.data + sorted_at, sorted_length);
}

static void make_row(struct view *view, const struct line *line)
{
	struct proctop_context context = meter_context(view->meter);
	struct process_names names;

	if (line->account && !line->folded)
		meter_name(view->meter, line->account, true, &names, &context);
	proctop_row(line, &context, &view->row);
	view->text.length = 0;
	for (size_t i = 0; i < view->n_columns; i++) {
		size_t start = view->text.length;

		if (is_skipped(view, i))
			continue;
		append_cell(&view->text, &view->row.cells[view->columns[i]]);
		place(view, i, start);
	}
}

bool view_rows_fit(struct view *view, size_t *ret_rows)
{
	int width, height, head = VIEW_HEAD_LINES;

	screen_size(view->screen, &width, &height);
	if (height < 12)
		head = height < 6 ? 0 : 1;
	*ret_rows = height > head + 2 ? (size_t)(height - head - 2) : 1;
	return head > 1;
}

/* Names have the room that the longest on the screen takes; it does not go back, so that nothing
 * jumps. */
static void widen_names(struct view *view, size_t rows)
{
	size_t width = view->name_width ? view->name_width : 15;

	for (size_t i = view->top; i < view->n && i < view->top + rows; i++) {
		const struct line *line = &view->lines[i];
		size_t length = strlen(line->name) + 2 * (size_t)line->depth;

		if (line->count > 1)
			length += 8;
		width = length > width ? length : width;
	}
	view->name_width = width < VIEW_NAME_MAX ? width : VIEW_NAME_MAX;
}

static void draw_rows(struct view *view, int from, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		size_t place_of = view->top + i;
		enum screen_style style = SCREEN_PLAIN;

		if (place_of >= view->n) {
			screen_clear_from(view->screen, from + (int)i);
			break;
		}
		make_row(view, &view->lines[place_of]);
		if (view->lines[place_of].ended)
			style = SCREEN_DIM;
		if (place_of == view->selected)
			style = SCREEN_SELECTED;
		screen_line(view->screen, from + (int)i, style, view->text.data, view->text.length);
	}
}

static void draw_foot(struct view *view, int line)
{
	static const char *const prompts[] = {
		[VIEW_SEARCH] = "Search: ",
		[VIEW_FILTER] = "Only lines with (nothing: all): ",
		[VIEW_USER] = "Only user (nothing: all): ",
		[VIEW_SIGNAL] = "Signal for ",
	};
	static const char keys[] = "F1 ? Help  F3 / Search  F4 \\ Filter  F5 t Tree  F9 k Kill  "
				   "F10 q Quit";
	enum screen_style style = SCREEN_PLAIN;

	view->text.length = 0;
	if (view->mode == VIEW_LIST || view->mode == VIEW_HELP) {
		buffer_append_string(&view->text, view->message[0] ? view->message : keys);
		style = view->message[0] ? SCREEN_ALERT : SCREEN_DIM;
	} else {
		char who[64] = "";

		style = SCREEN_ALERT;
		if (view->mode == VIEW_SIGNAL)
			snprintf(who, sizeof(who),
				 "process %u (TERM; Esc: none): ", view->subject.tgid);
		buffer_append_string(&view->text, prompts[view->mode]);
		buffer_append_string(&view->text, who);
		text_append(&view->text, view->input, strlen(view->input));
		buffer_append_char(&view->text, '_');
		if (view->message[0]) {
			buffer_append_spaces(&view->text, 2);
			buffer_append_string(&view->text, view->message);
		}
	}
	screen_line(view->screen, line, style, view->text.data, view->text.length);
}

static void draw_help(struct view *view, int height)
{
	static const char *const help[] = {
		"proctop: who uses the machine, the short-lived included",
		"",
		"P M T N   sort by CPU%, RSS, TIME+, PID      < >  another column, I upside down",
		"t F5      tree                               / F3 search, n the next",
		"\\ F4      only lines with a text             u    only a user",
		"H         threads                            K    kernel threads",
		"c         command line or name               Z    pause",
		"F         the selection follows its process  k F9 send a signal",
		"arrows PgUp PgDn Home End  move              ? F1 this help, q F10 quit",
		"",
		"CPU% 100: one processor; WAIT% runnable without one; RD WR storage; RX TX net",
		"Dim lines have ended, folded by name and parent. Any key goes back.",
	};

	screen_clear_from(view->screen, 0);
	for (int i = 0; i < (int)ARRAY_SIZE(help) && i < height; i++)
		screen_line(view->screen, i, i ? SCREEN_PLAIN : SCREEN_BOLD, help[i],
			    strlen(help[i]));
}

void view_draw(struct view *view)
{
	int width, height, line = 0;
	size_t rows;
	bool head = view_rows_fit(view, &rows);

	screen_size(view->screen, &width, &height);
	if (view->mode == VIEW_HELP) {
		draw_help(view, height);
		screen_show(view->screen);
		return;
	}
	if (view->selected < view->top)
		view->top = view->selected;
	if (view->selected >= view->top + rows)
		view->top = view->selected - rows + 1;
	widen_names(view, rows);
	choose_columns(view, (size_t)width);
	for (int i = 0; i < VIEW_HEAD_LINES && (head || (i == 0 && height >= 6)); i++) {
		view->text.length = 0;
		view_head(view, i, (size_t)width, &view->text);
		screen_line(view->screen, line++, i ? SCREEN_PLAIN : SCREEN_BOLD, view->text.data,
			    view->text.length);
	}
	draw_titles(view, line++);
	draw_rows(view, line, rows);
	draw_foot(view, height - 1);
	screen_show(view->screen);
}

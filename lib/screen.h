/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A full-screen table: head lines, one line of column titles, rows that can be selected, a foot
 * line, and windows of text above them. It knows nothing of what it shows. Only what has changed
 * goes to the terminal. The terminal is as it was before as soon as the screen is freed, while the
 * program is stopped (SIGTSTP), and after a crash.
 */
#ifndef LIB_SCREEN_H
#define LIB_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base.h"

struct screen;

/* Takes the terminal of standard output, keys from standard input. Returns 0, or a negative errno
 * with the cause and the remedy: not a terminal, TERM not set or not known. One screen at a time.
 */
int screen_new(struct screen **ret_screen, struct error *error);
void screen_free(struct screen *screen);
static inline void screen_freep(struct screen **screen)
{
	screen_free(*screen);
	*screen = NULL;
}

/* Width and height of the terminal now, both at least 1. */
void screen_size(struct screen *screen, int *ret_columns, int *ret_lines);

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_BOLD,
	SCREEN_DIM,	 /* what is over */
	SCREEN_TITLE,	 /* column titles */
	SCREEN_SELECTED, /* the row that keys act on */
	SCREEN_ALERT,	 /* what went wrong, or asks for an answer */
};

/* How many bytes of this text @room columns hold. */
size_t screen_fitting(const char *text, size_t length, int room);

/* Writes @length bytes of UTF-8, as far as the line goes, and clears the rest of it; a text that is
 * longer than the line ends with an ellipsis.
 * Text must be safe to show (lib/text.h). Outside of the screen it does nothing. */
void screen_line(struct screen *screen, int line, enum screen_style style, const char *text,
		 size_t length);

/* Writes over a part of a line that is there, in another style. */
void screen_part(struct screen *screen, int line, int column, enum screen_style style,
		 const char *text, size_t length);

/* Clears all lines from this one on. */
void screen_clear_from(struct screen *screen, int line);

/* Shows what was written since the last time. */
void screen_show(struct screen *screen);

/* Keys beside characters. */
enum screen_key {
	SCREEN_NO_KEY = -1,    /* nothing was pressed */
	SCREEN_END = -2,       /* nobody is at the keyboard any more */
	SCREEN_KEY = 0x110000, /* behind all characters */
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_LEFT,
	SCREEN_RIGHT,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_LAST,
	SCREEN_ENTER,
	SCREEN_ESCAPE,
	SCREEN_BACKSPACE,
	SCREEN_RESIZED, /* the terminal has another size: draw all anew */
	SCREEN_F1,	/* up to F12 */
	SCREEN_F12 = SCREEN_F1 + 11,
};

/* The next key, without waiting: a character (Unicode), or one of enum screen_key. */
int screen_key(struct screen *screen);

#endif

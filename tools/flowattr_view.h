/* SPDX-License-Identifier: GPL-2.0-only */
/* The table on a terminal, refreshed in place. */
#ifndef FLOWATTR_VIEW_H
#define FLOWATTR_VIEW_H

#include "tools/flowattr_options.h"

struct view;

/* Takes the terminal. @options: borrowed; rows_max and sort are set as the terminal's size and the
 * keys want it. Returns 0, or a negative errno with the cause and the remedy. */
int view_new(struct flowattr_options *options, struct view **ret_view, struct error *error);
void view_free(struct view *view);
static inline void view_freep(struct view **view)
{
	view_free(*view);
	*view = NULL;
}

/* Where an interval's table is to be written; borrowed. */
int view_fd(const struct view *view);

/* Shows what was written there since the last time. Returns 0 or a negative errno. */
int view_show(struct view *view);

/* Takes the keys that were pressed. Returns 0, or LOOP_STOP: the user has had enough. */
int view_keys(struct view *view);

/* Nothing is to be refreshed. */
bool view_is_paused(const struct view *view);

#endif

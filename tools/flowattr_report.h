/* SPDX-License-Identifier: GPL-2.0-only */
/* An interval as a table, as JSON, or as CSV. */
#ifndef FLOWATTR_REPORT_H
#define FLOWATTR_REPORT_H

#include "tools/flowattr_meter.h"

struct report;

/* @options, @meter: borrowed. Returns 0 or a negative errno. */
int report_new(const struct flowattr_options *options, struct meter *meter, int output_fd,
	       struct report **ret_report);
void report_free(struct report *report);
static inline void report_freep(struct report **report)
{
	report_free(*report);
	*report = NULL;
}

/* Prints the interval that has just ended and begins the next. Returns 0, LOOP_STOP (as many rows
 * or intervals as were wanted), or a negative errno. */
int report_interval(struct report *report);

/* An empty table at once, which is none of COUNT. Returns 0 or a negative errno. */
int report_begin(struct report *report);

/* Rows printed. */
uint64_t report_rows(const struct report *report);

/* Has all been printed that was asked for: COUNT intervals, or -c rows? */
bool report_is_complete(const struct report *report);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Batch mode: an interval as a table, as JSON, or as CSV. */
#ifndef PROCTOP_REPORT_H
#define PROCTOP_REPORT_H

#include "tools/proctop_meter.h"

struct report;

/* @options, @meter: borrowed. Returns 0 or a negative errno. */
int report_new(const struct proctop_options *options, struct meter *meter, int output_fd,
	       struct report **ret_report);
void report_free(struct report *report);
static inline void report_freep(struct report **report)
{
	report_free(*report);
	*report = NULL;
}

/* Prints the interval and begins the next; under proctop_options_sum_up() only @last prints.
 * @last: ends that were not final are told, too. Returns 0, LOOP_STOP (as many rows or intervals as
 * were wanted), or a negative errno. */
int report_interval(struct report *report, bool last);

/* Rows printed. */
uint64_t report_rows(const struct report *report);

/* Has all been printed that was asked for: COUNT intervals, or -c rows? */
bool report_is_complete(const struct report *report);

#endif

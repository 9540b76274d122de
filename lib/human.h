/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for people, in a few columns. */
#ifndef LIB_HUMAN_H
#define LIB_HUMAN_H

#include <stdint.h>

#define HUMAN_MAX 24 /* bytes of such a text, with its NUL */

/* Powers of ten, five columns at most: 0, 512, 1.2k, 34M, 999G. */
void human_bytes(uint64_t bytes, char text[HUMAN_MAX]);

/* Five columns at most: 950us, 1.2ms, 34ms, 5.6s, 59s, 12m, 3.4h, 23h, 6d, 412d. */
void human_duration(uint64_t ns, char text[HUMAN_MAX]);

/* As top(1) has it: minutes, seconds, hundredths, "0:00.05", "123:45.67"; from 10,000 minutes on
 * hours and minutes, "166h40". */
void human_cpu_time(uint64_t ns, char text[HUMAN_MAX]);

/* @part of @whole in percent, one decimal below 1000: 0.0, 12.3, 100.0, 1600. 0.0 of nothing. */
void human_percent(uint64_t part, uint64_t whole, char text[HUMAN_MAX]);

/* Groups of three digits: 1,127. */
void human_count(uint64_t count, char text[HUMAN_MAX + 8]);

#endif

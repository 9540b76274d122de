/* SPDX-License-Identifier: GPL-2.0-only */
/* A line of stdout, put together piece by piece: JSON that says what is expected. */
#ifndef GENERATOR_LINE_H
#define GENERATOR_LINE_H

#include <stdarg.h>
#include <stddef.h>

struct line {
	size_t n;
	char text[16384];
};

void line_vadd(struct line *line, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As a JSON string. ASCII only: a test that uses other names compares them by itself. */
void line_string(struct line *line, const char *text);

/* One write(2): lines of several processes never mix. */
void line_print(const struct line *line);

#endif

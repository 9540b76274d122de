// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <unistd.h>

#include "tests/generator/die.h"
#include "tests/generator/line.h"

void line_vadd(struct line *line, const char *format, va_list arguments)
{
	int n = vsnprintf(line->text + line->n, sizeof(line->text) - line->n, format, arguments);

	if (n < 0 || (size_t)n >= sizeof(line->text) - line->n)
		die("line too long");
	line->n += (size_t)n;
}

void line_add(struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_vadd(line, format, arguments);
	va_end(arguments);
}

void line_string(struct line *line, const char *text)
{
	line_add(line, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			line_add(line, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			line_add(line, "\\u%04x", *text);
		else
			line_add(line, "%c", *text);
	}
	line_add(line, "\"");
}

void line_print(const struct line *line)
{
	if (write(STDOUT_FILENO, line->text, line->n) != (ssize_t)line->n)
		die("write to stdout");
}

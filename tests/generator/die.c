// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/generator/die.h"

void die(const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "%s %d: ", generator_name, getpid());
	vfprintf(stderr, format, arguments);
	fprintf(stderr, " (errno %s)\n", strerrorname_np(saved));
	va_end(arguments);
	_exit(1);
}

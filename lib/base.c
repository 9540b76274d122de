/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/base.h"

#include <stdarg.h>

int error_set(struct error *error, int r, const char *format, ...)
{
	va_list args;

	if (!error)
		return r;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);

	return r;
}

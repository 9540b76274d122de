/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/human.h"

#include <stdio.h>
#include <string.h>

#include "lib/base.h"

/* Two digits at least: one decimal below ten. */
static void format_short(double value, const char *unit, char text[HUMAN_MAX])
{
	snprintf(text, HUMAN_MAX, value < 9.95 ? "%.1f%s" : "%.0f%s", value, unit);
}

void human_bytes(uint64_t bytes, char text[HUMAN_MAX])
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
	double value = (double)bytes;
	size_t unit = 0;

	if (!bytes) { /* most are: a tenth of the time */
		strcpy(text, "0");
		return;
	}
	while (value >= 999.5 && unit < ARRAY_SIZE(units) - 1) {
		value /= 1000;
		unit++;
	}
	if (unit)
		format_short(value, units[unit], text);
	else
		snprintf(text, HUMAN_MAX, "%u", (unsigned int)bytes);
}

void human_duration(uint64_t ns, char text[HUMAN_MAX])
{
	double seconds = (double)ns / 1e9;

	if (ns < 999500) /* what is more is rounded to 1.0ms, not to 1000us */
		snprintf(text, HUMAN_MAX, "%.0fus", (double)ns / 1e3);
	else if (ns < 999500000)
		format_short(seconds * 1e3, "ms", text);
	else if (seconds < 59.5)
		format_short(seconds, "s", text);
	else if (seconds < 59.5 * 60)
		format_short(seconds / 60, "m", text);
	else if (seconds < 23.5 * 3600)
		format_short(seconds / 3600, "h", text);
	else
		format_short(seconds / 86400, "d", text);
}

void human_cpu_time(uint64_t ns, char text[HUMAN_MAX])
{
	uint64_t hundredths = ns / (NSEC_PER_SEC / 100), minutes = hundredths / 6000;

	if (minutes < 10000)
		snprintf(text, HUMAN_MAX, "%u:%02u.%02u", (unsigned int)minutes,
			 (unsigned int)(hundredths / 100 % 60), (unsigned int)(hundredths % 100));
	else
		snprintf(text, HUMAN_MAX, "%lluh%02u", (unsigned long long)(minutes / 60),
			 (unsigned int)(minutes % 60));
}

void human_percent(uint64_t part, uint64_t whole, char text[HUMAN_MAX])
{
	double percent = whole ? 100 * (double)part / (double)whole : 0;

	if (!part) { /* as above */
		strcpy(text, "0.0");
		return;
	}
	snprintf(text, HUMAN_MAX, percent < 999.95 ? "%.1f" : "%.0f", percent);
}

void human_count(uint64_t count, char text[HUMAN_MAX + 8])
{
	char digits[HUMAN_MAX];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);

	for (int i = 0; i < n; i++) {
		*text++ = digits[i];
		if (i + 1 < n && (n - i - 1) % 3 == 0)
			*text++ = ',';
	}
	*text = '\0';
}

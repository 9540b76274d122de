/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/interval.h"

#include "lib/options.h"
#include "lib/parse.h"

#define INTERVAL_MIN (NSEC_PER_SEC / 10)

void interval_word(struct interval *interval, const char *word, const char *hint)
{
	struct error error;

	if (!interval->given) {
		if (parse_duration(word, &interval->ns, &error) < 0)
			options_usage("INTERVAL %s; %s", error.text, hint);
		if (interval->ns < INTERVAL_MIN)
			options_usage("INTERVAL %s: 0.1 seconds at least", word);
		interval->given = true;
	} else if (!interval->count) {
		if (parse_uint(word, 1, UINT64_MAX, &interval->count, &error) < 0)
			options_usage("COUNT %s", error.text);
	} else {
		options_usage("unexpected argument %s: a COMMAND goes behind \"--\"", word);
	}
}

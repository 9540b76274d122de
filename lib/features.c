/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/features.h"

#include <string.h>

#include "lib/json.h"

static void append_json(struct buffer *buffer, const char *tool, const struct feature *feature)
{
	buffer_append_string(buffer, "{\"type\":\"feature\",\"tool\":");
	json_append_text(buffer, tool, strlen(tool));
	buffer_append_string(buffer, ",\"name\":");
	json_append_text(buffer, feature->name, strlen(feature->name));
	buffer_append_string(buffer, ",\"available\":");
	buffer_append_string(buffer, feature->available ? "true" : "false");
	buffer_append_string(buffer, ",\"used\":");
	buffer_append_string(buffer, feature->used ? "true" : "false");
	buffer_append_string(buffer, ",\"gives\":");
	json_append_text(buffer, feature->gives, strlen(feature->gives));
	buffer_append_string(buffer, "}\n");
}

static const char *yes_or_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* The texts are this program's own: no comma, no quotation mark. */
static void append_csv(struct buffer *buffer, const char *tool, const struct feature *feature)
{
	const char *const cells[] = {"feature",
				     tool,
				     feature->name,
				     feature->available ? "true" : "false",
				     feature->used ? "true" : "false",
				     feature->gives};

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		if (i)
			buffer_append_char(buffer, ',');
		buffer_append_string(buffer, cells[i]);
	}
	buffer_append_char(buffer, '\n');
}

static void append_cell(struct buffer *buffer, const char *text, size_t width)
{
	size_t length = strlen(text);

	buffer_append_string(buffer, text);
	buffer_append_spaces(buffer, length < width ? width - length + 1 : 1);
}

static void append_line(struct buffer *buffer, const char *name, const char *available,
			const char *used, const char *gives)
{
	append_cell(buffer, name, 17);
	append_cell(buffer, available, 6);
	append_cell(buffer, used, 4);
	buffer_append_string(buffer, gives);
	buffer_append_char(buffer, '\n');
}

int features_print(FILE *file, const char *tool, const struct feature *features, size_t n,
		   enum output_format format, bool header)
{
	_cleanup_(buffer_release) struct buffer buffer = {};

	if (header && format == OUTPUT_CSV)
		buffer_append_string(&buffer, "type,tool,name,available,used,gives\n");
	if (header && format == OUTPUT_TABLE)
		append_line(&buffer, "FEATURE", "KERNEL", "USED", "GIVES");
	for (size_t i = 0; i < n; i++) {
		if (format == OUTPUT_JSON)
			append_json(&buffer, tool, &features[i]);
		else if (format == OUTPUT_CSV)
			append_csv(&buffer, tool, &features[i]);
		else
			append_line(&buffer, features[i].name, yes_or_no(features[i].available),
				    yes_or_no(features[i].used), features[i].gives);
	}
	if (buffer.failed)
		return -ENOMEM;
	if (fwrite(buffer.data, 1, buffer.length, file) != buffer.length || fflush(file))
		return -errno;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of fields that -F takes; declared in lib/output.h. */
#include "lib/output.h"

#include <string.h>
#include <strings.h>

static bool names(const struct field *field, const char *word, size_t length, bool by_header)
{
	const char *name = by_header ? field->header : field->key;

	return strlen(name) == length && strncasecmp(name, word, length) == 0;
}

/* Index of the field that the word names, or @n_fields. A key wins over another's header. */
static size_t find_field(const struct field *fields, size_t n_fields, const char *word,
			 size_t length)
{
	for (int by_header = 0; by_header < 2; by_header++)
		for (size_t i = 0; i < n_fields; i++)
			if (names(&fields[i], word, length, by_header))
				return i;
	return n_fields;
}

int output_select(const struct field *fields, size_t n_fields, const char *list,
		  struct output_selection *ret_selection, struct error *error)
{
	struct output_selection selection = {};
	bool seen[ROW_CELLS_MAX] = {};

	if (!*list)
		return error_set(error, -EINVAL,
				 "the list of fields is empty; `-F help` lists them all");
	for (const char *word = list;; word++) {
		size_t length = strcspn(word, ",");
		size_t i = find_field(fields, n_fields, word, length);

		if (length == 0)
			return error_set(error, -EINVAL,
					 "an empty item in the list of fields \"%s\"", list);
		if (i == n_fields)
			return error_set(error, -EINVAL,
					 "unknown field \"%.*s\"; `-F help` lists them all",
					 (int)length, word);
		if (seen[i])
			return error_set(error, -EINVAL, "field \"%.*s\" is listed twice",
					 (int)length, word);
		seen[i] = true;
		selection.fields[selection.n++] = (uint8_t)i;
		word += length;
		if (!*word)
			break;
	}
	*ret_selection = selection;
	return 0;
}

void output_select_front(struct output_selection *selection, uint8_t field)
{
	for (size_t i = 0; i < selection->n; i++)
		if (selection->fields[i] == field)
			return;
	memmove(selection->fields + 1, selection->fields, selection->n);
	selection->fields[0] = field;
	selection->n++;
}

void output_help_fields(const struct field *fields, size_t n_fields, FILE *file)
{
	int key_width = 0, header_width = 0;

	for (size_t i = 0; i < n_fields; i++) {
		int key = (int)strlen(fields[i].key), header = (int)strlen(fields[i].header);

		key_width = key > key_width ? key : key_width;
		header_width = header > header_width ? header : header_width;
	}
	for (size_t i = 0; i < n_fields; i++)
		fprintf(file, "%-*s  %-*s  %s\n", key_width, fields[i].key, header_width,
			fields[i].header, fields[i].help);
}

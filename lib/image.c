/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/image.h"

#include <string.h>

#include "lib/record.h"

#define DELETED " (deleted)"
#define CUT	"..." /* in front of a path whose beginning is missing */

/* Appends a string made of two pieces, NUL behind it. */
static const char *text_append(char **end, struct text text, const char *suffix)
{
	char *start = *end;

	memcpy(start, text.start, text.length);
	strcpy(start + text.length, suffix);
	*end += text.length + strlen(suffix) + 1;
	return start;
}

struct image *image_new(const struct name_choice *choice, const struct name_facts *facts,
			const struct image *like)
{
	struct text exe = {.start = facts->exe, .length = facts->exe ? strlen(facts->exe) : 0};
	struct text args = {.start = facts->args, .length = facts->args ? facts->args_length : 0};
	const char *suffix = like->exe_deleted ? DELETED : "";
	size_t bytes = sizeof(struct image) + choice->name.length + choice->script.length +
		       exe.length + strlen(suffix) + args.length + 4;
	struct image *image;
	char *end;

	image = calloc(1, bytes);
	if (!image)
		return NULL;
	image->bytes = bytes;
	image->references = 1;
	image->env = choice->env;
	image->undecided = choice->undecided;
	image->exe_deleted = like->exe_deleted;
	image->args_cut = like->args_cut;

	end = image->name;
	text_append(&end, choice->name, "");
	if (exe.start)
		image->exe = text_append(&end, exe, suffix);
	if (choice->script.start)
		image->script = text_append(&end, choice->script, "");
	if (args.start) {
		/* What was cut, or rewritten by the process itself, may lack the last NUL. */
		image->args_length = args.length;
		if (args.length && args.start[args.length - 1] != '\0')
			image->args_length++;
		image->args = text_append(&end, args, "");
	}
	return image;
}

struct image *image_new_kernel(const char *name)
{
	char text[RECORD_DATA_MAX + 3];
	struct name_choice choice = {.name.start = text};

	choice.name.length = (size_t)snprintf(text, sizeof(text), "[%s]", name);
	return image_new(&choice, &(struct name_facts){}, &(struct image){});
}

bool image_is_kernel(const struct image *image, const char *name)
{
	size_t length = strlen(name);

	return image && strlen(image->name) == length + 2 &&
	       memcmp(image->name + 1, name, length) == 0;
}

/* The next @length bytes; strings end with a NUL. */
static int text_take(const char **data, size_t *left, size_t length, bool string,
		     const char **ret_text)
{
	if (length > *left || (string && length && (*data)[length - 1] != '\0'))
		return -EBADMSG;
	*ret_text = length ? *data : NULL;
	*data += length;
	*left -= length;
	return 0;
}

int image_record_texts(const struct process_record *record, size_t length,
		       struct record_texts *ret_texts)
{
	const char *data = record->data;
	struct record_texts texts;
	size_t left;

	if (length < sizeof(*record))
		return -EBADMSG;
	left = length - sizeof(*record);
	if (left > RECORD_DATA_MAX)
		left = RECORD_DATA_MAX;
	if (text_take(&data, &left, record->exe_length, true, &texts.exe) < 0 ||
	    text_take(&data, &left, record->filename_length, true, &texts.filename) < 0 ||
	    text_take(&data, &left, record->interp_length, true, &texts.interp) < 0 ||
	    text_take(&data, &left, record->args_length, false, &texts.args) < 0 ||
	    text_take(&data, &left, record->kthread_length, true, &texts.kthread) < 0)
		return -EBADMSG;
	if (!(record->flags & PROCESS_ARGS_KNOWN))
		texts.args = NULL;
	else if (!texts.args)
		texts.args = data; /* an empty list, not an unknown one */
	*ret_texts = texts;
	return 0;
}

int image_new_record(const struct process_record *record, const struct record_texts *texts,
		     const struct image *before, struct image **ret_image,
		     enum name_source *ret_source)
{
	char exe[RECORD_DATA_MAX + sizeof(CUT) + 2];
	struct name_facts facts = {.filename = texts->filename,
				   .interp = texts->interp,
				   .comm = record->id.comm,
				   .args = texts->args,
				   .args_length = record->args_length};
	struct image like = {.exe_deleted = record->flags & PROCESS_EXE_DELETED,
			     .args_cut = record->flags & PROCESS_ARGS_CUT};
	struct name_choice choice;
	struct image *image = NULL;
	bool known;

	if (texts->exe) {
		memcpy(exe, CUT, strlen(CUT));
		record_join_path(texts->exe, record->exe_length, exe + strlen(CUT));
		facts.exe = record->flags & PROCESS_EXE_CUT ? exe : exe + strlen(CUT);
	}
	if (record->origin == PROCESS_EXEC) {
		facts.before_script = before ? before->script : NULL;
		facts.before_env = before && before->env;
		known = name_at_exec(&facts, &choice);
	} else {
		known = name_running(&facts, &choice);
		if (known && choice.source != NAME_GUESS)
			choice.source = NAME_ITER;
	}
	if (known) {
		image = image_new(&choice, &facts, &like);
		if (!image)
			return -ENOMEM;
		*ret_source = choice.source;
	}
	*ret_image = image;
	return 0;
}

/* The name that procfs gives a program of which @known was known, or NULL. False: no better. */
static bool procfs_choice(const struct image *known, struct procfs_process *process,
			  struct name_facts *facts, struct name_choice *ret_choice)
{
	/* The kernel's own word on exe is there already, without the need to be allowed to read it.
	 */
	if (known && known->exe) {
		size_t length = strlen(known->exe);

		if (known->exe_deleted)
			length -= strlen(" (deleted)");
		if (length >= sizeof(process->exe))
			return false;
		memcpy(process->exe, known->exe, length);
		process->exe[length] = '\0';
		process->exe_deleted = known->exe_deleted;
	}
	facts->exe = process->exe[0] ? process->exe : NULL;
	if (known && !known->undecided) {
		*ret_choice = (struct name_choice){
			.name = {.start = known->name, .length = strlen(known->name)},
			.script = {.start = known->script,
				   .length = known->script ? strlen(known->script) : 0},
			.env = known->env};
		return true;
	}
	return name_running(facts, ret_choice);
}

struct image *image_new_procfs(struct procfs_process *process, const struct image *known,
			       enum name_source *ret_source)
{
	struct name_facts facts = {.comm = process->comm,
				   .args = process->args_known ? process->args : NULL,
				   .args_length = process->args_length};
	struct name_choice choice;

	if ((known && !facts.args) || !procfs_choice(known, process, &facts, &choice))
		return NULL;
	choice.undecided = false;
	*ret_source = choice.source;
	return image_new(&choice, &facts,
			 &(struct image){.exe_deleted = process->exe_deleted,
					 .args_cut = process->args_cut});
}

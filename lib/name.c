/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/name.h"

#include <string.h>

/*
 * How an interpreter reads its command line. Letters are options with one dash, which may be joined
 * ("-eu"); words are options in full, between spaces.
 */
struct interpreter {
	const char *name;	 /* a version may follow: python3.11 */
	const char *none;	 /* there is no script: code, a module, or standard input instead */
	const char *value;	 /* takes a value: the rest of the word, else the next word */
	const char *rest;	 /* the rest of the word is its value, if any */
	const char *script;	 /* its value is the script */
	const char *none_words;	 /* as the letters */
	const char *value_words; /* "--word value"; "--word=value" needs no entry */
	const char *script_words; /* "--word script" and "--word=script" */
	bool shell; /* values of joined options follow as words of their own; "+x", "-" as "--" */
};

#define SHELL .none = "cs", .value = "oO", .shell = true
#define NODE                                                                                       \
	.none = "ep", .value = "rC", .none_words = " --eval --print --run --test ",                \
	.value_words = " --require --import --loader --experimental-loader --conditions "          \
		       "--env-file --title --watch-path "
#define PYTHON .none = "cm", .value = "WXQ", .value_words = " --check-hash-based-pycs "
#define PHP                                                                                        \
	.none = "rBRE", .value = "cdzSt", .script = "fF", .none_words = " --run ",                 \
	.value_words = " --php-ini --define --server --docroot ", .script_words = " --file "

static const struct interpreter interpreters[] = {
	{"sh", SHELL},
	{"bash", SHELL, .value_words = " --rcfile --init-file "},
	{"rbash", SHELL, .value_words = " --rcfile --init-file "},
	{"dash", SHELL},
	{"ash", SHELL},
	{"zsh", SHELL, .value_words = " --emulate "},
	{"ksh", SHELL},
	{"mksh", SHELL},
	{"yash", SHELL},
	{"fish", .none = "c", .value = "CdDfop", .none_words = " --command ",
	 .value_words = " --init-command --debug --debug-output --features --profile "},
	{"python", PYTHON},
	{"pypy", PYTHON},
	{"perl", .none = "eE", .value = "I", .rest = "MmiFxCdDV"},
	{"ruby", .none = "e", .value = "IrCE", .rest = "KFixTW",
	 .value_words = " --encoding --external-encoding --internal-encoding "},
	{"node", NODE},
	{"nodejs", NODE},
	{"php", PHP},
	{"php-cgi", PHP},
	{"lua", .value = "el"},
	{"luajit", .none = "b", .value = "ejl", .rest = "O"},
	{"tclsh", .value_words = " -encoding "},
	{"expect", .value = "c", .script = "fb"},
	{"Rscript", .none = "e"},
	{"R", .none = "e", .value = "gd", .script = "f", .none_words = " --args ",
	 .script_words = " --file "},
};

static bool text_is(struct text text, const char *word)
{
	return text.length == strlen(word) && !memcmp(text.start, word, text.length);
}

static struct text text_of(const char *string)
{
	return (struct text){.start = string, .length = string ? strlen(string) : 0};
}

/* Behind the last slash; none instead of an empty name. */
static struct text text_base(struct text path)
{
	const char *slash = path.start ? memrchr(path.start, '/', path.length) : NULL;

	if (slash) {
		path.length -= (size_t)(slash + 1 - path.start);
		path.start = slash + 1;
	}
	return path.length ? path : (struct text){};
}

/* The next string of a command line. An end without NUL was cut, or is a title: only the first
 * string is of use then. */
static bool args_next(const struct name_facts *facts, size_t *offset, struct text *ret_word)
{
	size_t left = facts->args_length - *offset;
	const char *start, *nul;

	if (!facts->args || !left)
		return false;
	start = facts->args + *offset;
	nul = memchr(start, '\0', left);
	if (!nul && *offset)
		return false;

	ret_word->start = start;
	ret_word->length = nul ? (size_t)(nul - start) : left;
	*offset += nul ? ret_word->length + 1 : left;
	return true;
}

static const struct interpreter *interpreter_find(struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(interpreters); i++) {
		size_t length = strlen(interpreters[i].name);

		if (name.length < length || memcmp(name.start, interpreters[i].name, length) != 0)
			continue;
		if (name.length == length ||
		    (name.start[length] >= '0' && name.start[length] <= '9'))
			return &interpreters[i];
	}
	return NULL;
}

static bool letters_have(const char *letters, char letter)
{
	return letters && letter && strchr(letters, letter);
}

static bool words_have(const char *words, struct text word)
{
	const char *place = words;

	if (!words || !word.length)
		return false;
	while ((place = memmem(place, strlen(place), word.start, word.length))) {
		if (place > words && place[-1] == ' ' && place[word.length] == ' ')
			return true;
		place++;
	}
	return false;
}

/* What an option means for finding the script. */
struct option_meaning {
	bool none;   /* there is no script */
	bool script; /* the script is .value, or the next word */
	size_t skip; /* words to pass over */
	struct text value;
};

static struct option_meaning option_read(const struct interpreter *in, struct text option)
{
	const char *equals = memchr(option.start, '=', option.length);
	const char *end = option.start + option.length;
	struct text word = option;
	size_t skip = 0;

	if (equals)
		word.length = (size_t)(equals - option.start);
	if (words_have(in->none_words, word))
		return (struct option_meaning){.none = true};
	if (words_have(in->value_words, word))
		return (struct option_meaning){.skip = equals ? 0 : 1};
	if (words_have(in->script_words, word))
		return (struct option_meaning){.script = true,
					       .value = {.start = equals ? equals + 1 : NULL,
							 .length =
								 equals ? (size_t)(end - equals - 1)
									: 0}};
	if (option.start[1] == '-')
		return (struct option_meaning){};

	for (const char *letter = option.start + 1; letter < end; letter++) {
		struct text rest = {.start = letter + 1, .length = (size_t)(end - letter - 1)};

		if (letters_have(in->none, *letter))
			return (struct option_meaning){.none = true};
		if (letters_have(in->script, *letter))
			return (struct option_meaning){.script = true,
						       .value = rest.length ? rest
									    : (struct text){}};
		if (letters_have(in->value, *letter) && !in->shell)
			return (struct option_meaning){.skip = rest.length ? 0 : 1};
		if (letters_have(in->value, *letter))
			skip++;
		if (letters_have(in->rest, *letter))
			break;
	}
	return (struct option_meaning){.skip = skip};
}

/* A file descriptor, or whatever runs there: such a path names nothing. */
static bool path_is_handle(struct text path)
{
	struct text base = text_base(path);
	bool proc = path.length > 6 && !memcmp(path.start, "/proc/", 6);
	bool dev = path.length > 8 && !memcmp(path.start, "/dev/fd/", 8);

	if (!base.start || (!proc && !dev))
		return false;
	if (proc && text_is(base, "exe"))
		return true;
	for (size_t i = 0; i < base.length; i++) {
		if (base.start[i] < '0' || base.start[i] > '9')
			return false;
	}
	return base.start - path.start >= 4 && !memcmp(base.start - 4, "/fd/", 4);
}

/* The script that an interpreter was told to run; none if there is none or it has no name. */
static struct text interpreter_script(const struct interpreter *in, const struct name_facts *facts)
{
	struct text word, script = {};
	size_t offset = 0;

	args_next(facts, &offset, &word);
	while (args_next(facts, &offset, &word)) {
		struct option_meaning meaning;

		if (!word.length)
			return (struct text){};
		if (text_is(word, "--") || (in->shell && text_is(word, "-"))) {
			args_next(facts, &offset, &script);
			break;
		}
		if (word.start[0] != '-' && !(in->shell && word.start[0] == '+')) {
			script = word;
			break;
		}
		if (word.length == 1)
			return (struct text){};

		meaning = option_read(in, word);
		if (meaning.none)
			return (struct text){};
		if (meaning.script) {
			script = meaning.value;
			if (!script.start)
				args_next(facts, &offset, &script);
			break;
		}
		while (meaning.skip-- && args_next(facts, &offset, &word))
			;
	}
	if (!text_base(script).start || path_is_handle(script))
		return (struct text){};
	return script;
}

/* A program called like @program may be an interpreter that runs a script: takes the script's
 * name. */
static void choice_guess(struct name_choice *choice, struct text program,
			 const struct name_facts *facts)
{
	const struct interpreter *in = interpreter_find(program);
	struct text script = in ? interpreter_script(in, facts) : (struct text){};

	if (!script.start)
		return;
	choice->script = script;
	choice->name = text_base(script);
	choice->source = NAME_GUESS;
	/* `exec tclsh "$0"`: what was a script before still is the same one. */
	if (facts->before_script && text_is(script, facts->before_script))
		choice->source = NAME_EXEC;
}

/* `#!/usr/bin/env foo`: env runs `foo script`, whatever foo is. */
static bool choice_carry(struct name_choice *choice, const struct name_facts *facts)
{
	struct text word, script = text_of(facts->before_script);
	size_t offset = 0;

	if (!script.start || !facts->before_env)
		return false;
	args_next(facts, &offset, &word);
	while (args_next(facts, &offset, &word)) {
		if (!text_is(word, script.start))
			continue;
		choice->script = word;
		choice->name = text_base(word);
		return choice->name.start;
	}
	return false;
}

bool name_at_exec(const struct name_facts *facts, struct name_choice *ret_choice)
{
	struct name_choice choice = {.source = NAME_EXEC};
	struct text filename = text_of(facts->filename);
	struct text exe = text_base(text_of(facts->exe));
	bool handle = path_is_handle(filename);
	struct text program = handle ? exe : text_base(filename);

	if (!program.start) {
		if (!name_running(facts, &choice))
			return false;
		if (choice.source != NAME_GUESS)
			choice.source = NAME_EXEC;
		*ret_choice = choice;
		return true;
	}

	choice.name = program;
	if (facts->interp && strcmp(facts->interp, facts->filename) != 0) {
		struct text interp = text_base(text_of(facts->interp));

		choice.script = handle ? (struct text){} : filename;
		choice.env = !handle && interp.start && text_is(interp, "env");
	} else if (!choice_carry(&choice, facts)) {
		choice_guess(&choice, program, facts);
	}
	*ret_choice = choice;
	return true;
}

/* Could @comm be what exec made of a file called @name? It keeps the first 15 bytes. */
static bool comm_fits(const char *comm, struct text name)
{
	size_t length = comm ? strnlen(comm, COMM_SIZE - 1) : 0;

	if (!length || name.length < length || memcmp(name.start, comm, length) != 0)
		return false;
	return name.length == length || length == COMM_SIZE - 1;
}

/* "chrome" of "/opt/chrome --type=x", "nginx" of "nginx: worker", "bash" of "-bash". */
static struct text title_program(struct text title)
{
	const char *space = memchr(title.start, ' ', title.length);

	if (space)
		title.length = (size_t)(space - title.start);
	if (title.length && title.start[title.length - 1] == ':')
		title.length--;
	if (title.length && title.start[0] == '-') {
		title.start++;
		title.length--;
	}
	return text_base(title);
}

/* Finds the word of the command line that comm was made of: argv[0], or what a #! line or a
 * multi-call program put behind it. */
static bool choice_match(struct name_choice *choice, const struct name_facts *facts, bool script)
{
	size_t offset = 0;
	struct text word, base;

	for (size_t i = 0; args_next(facts, &offset, &word); i++) {
		if (i && word.length && word.start[0] == '-')
			continue;
		base = i ? text_base(word) : title_program(word);
		/* A path with a space in a folder's name; a title has its spaces at the end. */
		if (!i && !comm_fits(facts->comm, base)) {
			base = text_base(word);
			if (base.start && memchr(base.start, ' ', base.length))
				continue;
		}
		if (!base.start || !comm_fits(facts->comm, base))
			continue;
		choice->name = base;
		choice->source = NAME_CMDLINE;
		if (i && script)
			choice->script = word;
		return true;
	}
	return false;
}

bool name_running(const struct name_facts *facts, struct name_choice *ret_choice)
{
	struct text exe = text_base(text_of(facts->exe));
	bool interpreter = exe.start && interpreter_find(exe);
	bool fits = exe.start && comm_fits(facts->comm, exe);
	struct name_choice choice = {.name = exe, .source = NAME_EXE};
	struct text first = {};
	size_t offset = 0;

	if (args_next(facts, &offset, &first))
		first = title_program(first);
	if (!fits && !choice_match(&choice, facts, interpreter) && !exe.start) {
		choice.name = first;
		choice.source = NAME_CMDLINE;
	}
	if (!choice.name.start)
		return false;

	choice.undecided = !facts->args && (!fits || interpreter);
	/* Only where argv[0] says an interpreter's name is this a command line and not a title. */
	if (!choice.script.start && first.start && interpreter_find(first))
		choice_guess(&choice, choice.name, facts);
	*ret_choice = choice;
	return true;
}

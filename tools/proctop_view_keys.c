/* SPDX-License-Identifier: GPL-2.0-only */
/* The full-screen view: what it shows, and what keys do. */
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>

#include "lib/loop.h"
#include "lib/parse.h"
#include "lib/procfs.h"
#include "tools/proctop_sort.h"
#include "tools/proctop_view.h"

static bool is_subject(const struct view *view, const struct line *line)
{
	return line->account && !line->folded && line->account->id.tgid == view->subject.tgid &&
	       line->account->id.start_ns == view->subject.start_ns &&
	       (!view->meter->threads || line->account->id.tid == view->subject.tid);
}

void view_select(struct view *view, size_t place)
{
	if (place >= view->n)
		place = view->n ? view->n - 1 : 0;
	view->selected = place;
	view->subject = (struct process_id){};
	if (view->n && view->lines[place].account && !view->lines[place].folded)
		view->subject = view->lines[place].account->id;
}

int view_make_lines(struct view *view)
{
	struct meter *meter = view->meter;
	ssize_t n;
	size_t place = view->selected;

	view->wanted.threads = meter->threads != NULL;
	n = lines_make(meter->lines, meter->threads ? meter->threads : meter->ledger,
		       meter->processes, &view->wanted, meter->boot_ns, &view->lines);
	view->n = n < 0 ? 0 : (size_t)n;
	if (n < 0)
		return (int)n;
	if (view->options->rows_max && view->n > view->options->rows_max)
		view->n = view->options->rows_max;
	view->total.processes = 0;
	for (size_t i = 0; i < view->n; i++) {
		view->total.processes += view->lines[i].account ? view->lines[i].count : 0;
		if (view->follow && is_subject(view, &view->lines[i]))
			place = i;
	}
	view_select(view, place);
	return 0;
}

int view_interval(struct view *view)
{
	struct meter *meter = view->meter;
	int r;

	/* what cannot be read is shown as it was */
	machine_read_memory(meter->proc_fd, &view->memory);
	machine_read_load(meter->proc_fd, &view->load);
	meter_total(meter, &view->total);
	r = view_make_lines(view);
	meter_tell_all(meter);
	if (r < 0)
		return r;
	view_draw(view);
	return 0;
}

static bool contains(const struct view *view, const struct line *line)
{
	struct process_names names;

	if (strcasestr(line->name, view->search))
		return true;
	if (!line->account || line->folded)
		return false;
	process_table_find(view->meter->processes, &line->account->id, true, &names);
	return lines_has_text(&names, view->search);
}

void view_search(struct view *view, bool next)
{
	for (size_t i = next; view->search[0] && i < view->n + next; i++) {
		size_t place = (view->selected + i) % view->n;

		if (contains(view, &view->lines[place])) {
			view_select(view, place);
			return;
		}
	}
	if (view->search[0])
		snprintf(view->message, sizeof(view->message), "Nothing with \"%.40s\"",
			 view->search);
}

/* A number, or a name with or without "SIG"; nothing: TERM. 0: none such. */
static int parse_signal(const char *text)
{
	struct error error;
	uint64_t number;

	if (!*text)
		return SIGTERM;
	if (parse_uint(text, 1, 64, &number, &error) == 0)
		return (int)number;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, text) == 0)
			return i;
	}
	return 0;
}

/* Only to the very process that was shown: its id may be another's by now. */
static int send_signal(struct view *view, int signal)
{
	_cleanup_(closep) int fd = (int)syscall(SYS_pidfd_open, view->subject.tgid, 0);
	struct procfs_process process;
	int r;

	if (fd < 0)
		return -errno;
	r = procfs_read(view->meter->proc_fd, &view->subject, &process);
	if (r < 0)
		return r == -ESTALE || r == -ENOENT ? -ESRCH : r;
	return syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0 ? -errno : 0;
}

static void end_signal(struct view *view)
{
	int signal = parse_signal(view->input), r;

	if (!signal) {
		snprintf(view->message, sizeof(view->message), "No signal \"%.30s\"", view->input);
		return;
	}
	r = send_signal(view, signal);
	snprintf(view->message, sizeof(view->message), "%s to process %u: %s", sigabbrev_np(signal),
		 view->subject.tgid, r < 0 ? strerror(-r) : "sent");
}

static void end_user(struct view *view)
{
	struct error error;
	size_t n = 0;

	view->wanted.by_uid = false;
	if (view->input[0] && parse_users(view->input, &view->wanted.uid, 1, &n, &error) < 0)
		snprintf(view->message, sizeof(view->message), "%.100s", error.text);
	else
		view->wanted.by_uid = n > 0;
}

static int end_prompt(struct view *view)
{
	enum view_mode mode = view->mode;

	view->mode = VIEW_LIST;
	switch (mode) {
	case VIEW_SIGNAL:
		end_signal(view);
		return 0;
	case VIEW_USER:
		end_user(view);
		return view_make_lines(view);
	default:
		return 0;
	}
}

/* Searching and filtering happen as one types. */
static int typed(struct view *view)
{
	if (view->mode == VIEW_SEARCH) {
		strcpy(view->search, view->input);
		view->message[0] = '\0';
		view_search(view, false);
	} else if (view->mode == VIEW_FILTER) {
		strcpy(view->filter, view->input);
		view->wanted.text = view->filter[0] ? view->filter : NULL;
		return view_make_lines(view);
	}
	return 0;
}

static int prompt_key(struct view *view, int key)
{
	size_t length = strlen(view->input);
	int r;

	if (key == SCREEN_ENTER)
		return end_prompt(view);
	if (key == SCREEN_ESCAPE) {
		view->input[0] = '\0';
		r = typed(view);
		view->mode = VIEW_LIST;
		return r;
	}
	if (key == SCREEN_BACKSPACE) {
		while (length && ((unsigned char)view->input[--length] & 0xc0) == 0x80)
			;
		view->input[length] = '\0';
		return typed(view);
	}
	if (key >= ' ' && key < 0x7f && length + 1 < VIEW_INPUT_MAX) {
		view->input[length] = (char)key;
		view->input[length + 1] = '\0';
		return typed(view);
	}
	return 0;
}

static void begin_prompt(struct view *view, enum view_mode mode)
{
	if (mode == VIEW_SIGNAL && (!view->subject.tgid || view->lines[view->selected].ended)) {
		snprintf(view->message, sizeof(view->message), "No living process is selected");
		return;
	}
	view->mode = mode;
	view->input[0] = '\0';
}

/* The column to the left or right of the one that is sorted by, among those that are shown. */
static void sort_by_neighbour(struct view *view, int step)
{
	int n = (int)view->n_columns, at = 0;

	while (at < n && view->columns[at] != view->wanted.sort)
		at++;
	for (int i = 0; i < n; i++) {
		at = (at + step + n) % n;
		if (line_can_sort(view->columns[at]))
			break;
	}
	view->wanted.sort = view->columns[at];
}

static bool sort_key(struct view *view, int key)
{
	switch (key) {
	case 'P':
		view->wanted.sort = FIELD_CPU_PERCENT;
		break;
	case 'M':
		view->wanted.sort = FIELD_RSS_SHORT;
		break;
	case 'T':
		view->wanted.sort = FIELD_CPU_TIME;
		break;
	case 'N':
		view->wanted.sort = FIELD_PID;
		break;
	case '<':
	case '>':
		sort_by_neighbour(view, key == '<' ? -1 : 1);
		return true;
	case 'I':
		view->wanted.invert = !view->wanted.invert;
		return true;
	default:
		return false;
	}
	view->wanted.invert = false;
	return true;
}

static bool move_key(struct view *view, int key)
{
	size_t rows, at = view->selected;

	view_rows_fit(view, &rows);
	switch (key) {
	case SCREEN_UP:
		at -= at > 0;
		break;
	case SCREEN_DOWN:
		at++;
		break;
	case SCREEN_PAGE_UP:
		at -= at < rows ? at : rows;
		break;
	case SCREEN_PAGE_DOWN:
		at += rows;
		break;
	case SCREEN_HOME:
		at = view->top = 0;
		break;
	case SCREEN_LAST:
		at = view->n;
		break;
	case SCREEN_LEFT:
		view->skip -= view->skip > 0;
		break;
	case SCREEN_RIGHT:
		view->skip += view->skip + 2 < view->n_columns;
		break;
	default:
		return false;
	}
	view_select(view, at);
	return true;
}

/* Keys that change what is shown. */
static bool switch_key(struct view *view, int key)
{
	switch (key) {
	case 't':
	case SCREEN_F1 + 4:
		view->wanted.tree = !view->wanted.tree;
		return true;
	case 'H':
		meter_watch_threads(view->meter, !view->meter->threads);
		return true;
	case 'K':
		view->wanted.no_kernel = !view->wanted.no_kernel;
		return true;
	case 'c':
		view->no_command = !view->no_command;
		return true;
	case 'F':
		view->follow = !view->follow;
		snprintf(view->message, sizeof(view->message), "The selection %s",
			 view->follow ? "follows its process" : "stays where it is");
		return true;
	case 'Z':
		view->paused = !view->paused;
		return true;
	}
	return false;
}

static int list_key(struct view *view, int key)
{
	view->message[0] = '\0';
	if (move_key(view, key))
		return 0;
	if (sort_key(view, key) || switch_key(view, key))
		return view_make_lines(view);
	switch (key) {
	case 'q':
	case SCREEN_F1 + 9:
		return LOOP_STOP;
	case '?':
	case 'h':
	case SCREEN_F1:
		view->mode = VIEW_HELP;
		break;
	case '/':
	case SCREEN_F1 + 2:
		begin_prompt(view, VIEW_SEARCH);
		break;
	case 'n':
		view_search(view, true);
		break;
	case '\\':
	case SCREEN_F1 + 3:
		begin_prompt(view, VIEW_FILTER);
		break;
	case 'u':
		begin_prompt(view, VIEW_USER);
		break;
	case 'k':
	case SCREEN_F1 + 8:
		begin_prompt(view, VIEW_SIGNAL);
		break;
	}
	return 0;
}

int view_keys(struct view *view)
{
	bool drawn = true;
	int key, r = 0;

	while (!r && (key = screen_key(view->screen)) != SCREEN_NO_KEY) {
		if (key == SCREEN_END)
			return LOOP_STOP;
		drawn = false;
		if (key == SCREEN_RESIZED || key == SCREEN_KEY)
			continue;
		if (view->mode == VIEW_HELP)
			view->mode = VIEW_LIST;
		else if (view->mode == VIEW_LIST)
			r = list_key(view, key);
		else
			r = prompt_key(view, key);
	}
	if (!drawn && !r)
		view_draw(view);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-only */
#define NCURSES_WIDECHAR 1
#include "lib/screen.h"

#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <ucontext.h>

#include "lib/text.h"

#define CRASH_STACK (64 * 1024) /* bytes */
#define RESTORE_MAX 256		/* bytes that put a terminal back */

#define ELLIPSIS      0x2026 /* what a line that is cut ends with, where the locale has it */
#define TIMES	      0xd7   /* of how many there are */
#define ELLIPSIS_UTF8 "\342\200\246"

/* What a signal handler needs to put the terminal back. A handler has no argument of its own, and
 * this lies where it finds it: right behind its stack. */
struct crash {
	struct termios termios;
	size_t length;
	char restore[RESTORE_MAX];
};

struct screen {
	SCREEN *curses;
	void *stack; /* CRASH_STACK bytes, then a struct crash */
	struct termios termios;
	attr_t styles[SCREEN_ALERT + 1];
};

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
				    SIGABRT, SIGSYS, SIGTRAP, SIGQUIT};

static void on_crash(int signal, siginfo_t *info _unused_, void *context)
{
	const ucontext_t *where = context;
	const struct crash *crash =
		(const void *)((const char *)where->uc_stack.ss_sp + CRASH_STACK);
	ssize_t n = write(STDOUT_FILENO, crash->restore, crash->length);

	(void)n; /* nobody is left to be told */
	tcsetattr(STDIN_FILENO, TCSANOW, &crash->termios);
	raise(signal); /* as nobody caught it: SA_RESETHAND */
}

static void crash_add(struct crash *crash, const char *text)
{
	size_t length = text && text != (char *)-1 ? strlen(text) : 0;

	if (length > sizeof(crash->restore) - crash->length)
		return;
	memcpy(crash->restore + crash->length, text ? text : "", length);
	crash->length += length;
}

/* A capability of the terminal. Its name is a char * in older versions of curses. */
static const char *capability(const char *name)
{
	return tigetstr((char *)name);
}

static int catch_crashes(struct screen *screen)
{
	struct sigaction action = {.sa_sigaction = on_crash,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
	stack_t stack = {.ss_size = CRASH_STACK};
	struct crash *crash;

	stack.ss_sp = mmap(NULL, CRASH_STACK + sizeof(*crash), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return -errno;
	screen->stack = stack.ss_sp;
	crash = (void *)((char *)stack.ss_sp + CRASH_STACK);
	crash->termios = screen->termios;
	crash_add(crash, capability("sgr0"));
	crash_add(crash, capability("cnorm"));
	crash_add(crash, capability("rmkx"));
	crash_add(crash, capability("rmcup"));
	if (sigaltstack(&stack, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++)
		sigaction(crash_signals[i], &action, NULL);
	return 0;
}

static void let_crash(struct screen *screen)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	if (!screen->stack)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++)
		signal(crash_signals[i], SIG_DFL);
	sigaltstack(&none, NULL);
	munmap(screen->stack, CRASH_STACK + sizeof(struct crash));
}

static void choose_styles(struct screen *screen)
{
	screen->styles[SCREEN_BOLD] = A_BOLD;
	screen->styles[SCREEN_DIM] = A_DIM;
	screen->styles[SCREEN_TITLE] = A_REVERSE;
	screen->styles[SCREEN_SELECTED] = A_REVERSE | A_BOLD;
	screen->styles[SCREEN_ALERT] = A_BOLD | A_REVERSE;
	if (getenv("NO_COLOR") || !has_colors() || start_color() == ERR ||
	    use_default_colors() == ERR)
		return;
	init_pair(1, COLOR_BLACK, COLOR_GREEN);
	init_pair(2, COLOR_BLACK, COLOR_CYAN);
	init_pair(3, COLOR_WHITE, COLOR_RED);
	screen->styles[SCREEN_TITLE] = (attr_t)COLOR_PAIR(1);
	screen->styles[SCREEN_SELECTED] = (attr_t)COLOR_PAIR(2);
	screen->styles[SCREEN_ALERT] = (attr_t)COLOR_PAIR(3) | A_BOLD;
}

int screen_new(struct screen **ret_screen, struct error *error)
{
	_cleanup_(screen_freep) struct screen *screen = calloc(1, sizeof(*screen));
	const char *term = getenv("TERM");
	int r;

	if (!screen)
		return error_set(error, -ENOMEM, "no memory");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &screen->termios) < 0)
		return error_set(error, -ENOTTY, "no terminal for a full-screen view: use -b");
	if (!term || !*term)
		return error_set(error, -ENOTTY,
				 "TERM is not set: set it to your terminal's type, or use -b");
	screen->curses = newterm(term, stdout, stdin);
	if (!screen->curses)
		return error_set(error, -ENOTTY,
				 "a terminal of type \"%s\" is not known, or cannot show a "
				 "full-screen view: set TERM, install ncurses-term, or use -b",
				 term);
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	choose_styles(screen);
	r = catch_crashes(screen);
	if (r < 0)
		return error_set(error, r, "no memory for a signal stack");
	*ret_screen = screen;
	screen = NULL;
	return 0;
}

void screen_free(struct screen *screen)
{
	if (!screen)
		return;
	if (screen->curses) {
		curs_set(1);
		endwin();
		delscreen(screen->curses);
	}
	let_crash(screen);
	free(screen);
}

void screen_size(struct screen *screen _unused_, int *ret_columns, int *ret_lines)
{
	*ret_columns = COLS > 0 ? COLS : 1;
	*ret_lines = LINES > 0 ? LINES : 1;
}

size_t screen_fitting(const char *text, size_t length, int room)
{
	size_t at = 0;

	while (at < length) {
		uint32_t code;
		size_t n = text_decode(text + at, length - at, &code);
		int width = n ? wcwidth((wchar_t)code) : 1;

		if (width < 0)
			width = 1;
		if (width > room)
			break;
		room -= width;
		at += n ? n : 1;
	}
	return at;
}

/* Where characters are bytes curses would show each byte of one that is more by a name of its own.
 */
static void put(const char *text, size_t length)
{
	size_t at = 0, n;
	uint32_t code;

	while (MB_CUR_MAX == 1 && at < length && (n = text_decode(text + at, length - at, &code))) {
		addch(n == 1 ? (chtype)code : code == TIMES ? 'x' : code == ELLIPSIS ? '>' : '?');
		at += n;
	}
	addnstr(text + at, (int)(length - at));
}

void screen_part(struct screen *screen, int line, int column, enum screen_style style,
		 const char *text, size_t length)
{
	if (line < 0 || line >= LINES || column < 0 || column >= COLS)
		return;
	attrset(screen->styles[style]);
	move(line, column);
	put(text, screen_fitting(text, length, COLS - column));
	attrset(A_NORMAL);
}

/* Curses would go on in the next line. */
static void put_line(int line, const char *text, size_t length)
{
	size_t fit = screen_fitting(text, length, COLS);

	if (fit < length)
		fit = screen_fitting(text, length, COLS - 1);
	move(line, 0);
	put(text, fit);
	if (fit < length)
		addstr(wcwidth((wchar_t)ELLIPSIS) == 1 ? ELLIPSIS_UTF8 : ">");
}

void screen_line(struct screen *screen, int line, enum screen_style style, const char *text,
		 size_t length)
{
	int x, y;

	if (line < 0 || line >= LINES)
		return;
	attrset(screen->styles[style]);
	put_line(line, text, length);
	getyx(stdscr, y, x);
	if (y == line && (x > 0 || length == 0)) {
		if (style == SCREEN_TITLE || style == SCREEN_SELECTED)
			hline(' ' | screen->styles[style], COLS - x);
		else
			clrtoeol();
	}
	attrset(A_NORMAL);
}

void screen_clear_from(struct screen *screen _unused_, int line)
{
	if (line < 0 || line >= LINES)
		return;
	move(line, 0);
	clrtobot();
}

void screen_show(struct screen *screen _unused_)
{
	refresh();
}

/* A signal handler of curses notes a new size; the first key that is asked for afterwards says so.
 */
static int special_key(int key)
{
	static const struct {
		int curses, key;
	} keys[] = {
		{KEY_UP, SCREEN_UP},	      {KEY_DOWN, SCREEN_DOWN},
		{KEY_LEFT, SCREEN_LEFT},      {KEY_RIGHT, SCREEN_RIGHT},
		{KEY_PPAGE, SCREEN_PAGE_UP},  {KEY_NPAGE, SCREEN_PAGE_DOWN},
		{KEY_HOME, SCREEN_HOME},      {KEY_END, SCREEN_LAST},
		{KEY_ENTER, SCREEN_ENTER},    {KEY_BACKSPACE, SCREEN_BACKSPACE},
		{KEY_RESIZE, SCREEN_RESIZED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	if (key >= KEY_F(1) && key <= KEY_F(12))
		return SCREEN_F1 + key - KEY_F(1);
	return SCREEN_KEY; /* no meaning */
}

/* A terminal that is gone is always readable, and never has anything. */
static bool is_gone(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	int n = 0;

	if (poll(&fd, 1, 0) <= 0)
		return false;
	if (fd.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return fd.revents & POLLIN && ioctl(STDIN_FILENO, FIONREAD, &n) == 0 && n == 0;
}

int screen_key(struct screen *screen _unused_)
{
	wint_t key;

	switch (get_wch(&key)) {
	case KEY_CODE_YES:
		return special_key((int)key);
	case OK:
		if (key == '\r' || key == '\n')
			return SCREEN_ENTER;
		if (key == 0x1b)
			return SCREEN_ESCAPE;
		if (key == 0x7f || key == '\b')
			return SCREEN_BACKSPACE;
		return (int)key;
	}
	return is_gone() ? SCREEN_END : SCREEN_NO_KEY;
}

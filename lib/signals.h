/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signals that end a tool: SIGINT, SIGTERM, SIGHUP. One that was ignored as the tool began is
 * none of them: `nohup`, or a script's job in the background, has asked for that.
 */
#ifndef LIB_SIGNALS_H
#define LIB_SIGNALS_H

/* Blocks them for the process, and ignores SIGPIPE. From then on who waits looks at signals_open(),
 * too. Returns 0 or a negative errno. */
int signals_block(void);

/* Opens a descriptor that is readable from the first of them on, for good: nobody takes them.
 * Returns it, or a negative errno. */
int signals_open(void);

/* The way back, for a child: SIGPIPE, too. */
void signals_unblock(void);

#endif

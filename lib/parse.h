/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the command line into values. Each returns 0 or -EINVAL (or what the system said), with
 * an error that names the word and says what would be right; outputs are untouched on failure. */
#ifndef LIB_PARSE_H
#define LIB_PARSE_H

#include <stdint.h>

#include "lib/base.h"
#include "lib/cidr.h"

/* "0.5", "10", "1.5": seconds as a decimal number, > 0, at most 10 years, into ns. */
int parse_duration(const char *text, uint64_t *ret_ns, struct error *error);
/* A decimal number between @min and @max, nothing around it. */
int parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
	       struct error *error);
/* Comma-separated ports, 1 to 65535, appended to the array at *@n up to @max. */
int parse_ports(const char *list, uint16_t *ports, size_t max, size_t *n, struct error *error);
/* Comma-separated process ids. */
int parse_pids(const char *list, uint32_t *pids, size_t max, size_t *n, struct error *error);
/* Returns 0 if each is a process that exists (kill(2) with signal 0 does not say ESRCH). */
int parse_pids_exist(const uint32_t *pids, size_t n, struct error *error);
/* Comma-separated user names or numbers; getpwnam(3) first, then decimal. */
int parse_users(const char *list, uint32_t *uids, size_t max, size_t *n, struct error *error);
/* Comma-separated address ranges, see cidr_parse(). */
int parse_cidrs(const char *list, struct cidr *cidrs, size_t max, size_t *n, struct error *error);
/* Comma-separated words out of @words (NULL-terminated, at most 32); case does not matter. Adds the
 * bit of each, by its place in @words, to *@bits. @what is what errors call a word ("protocol"). */
int parse_words(const char *list, const char *what, const char *const *words, uint32_t *bits,
		struct error *error);
/* A path of a cgroup v2 directory: absolute, or as in /proc/PID/cgroup below the cgroup2 mount.
 * The id is its inode number. An error says which path was tried and what to do. */
int parse_cgroup(const char *path, uint64_t *ret_id, struct error *error);
/* Path of a namespace file (such as /run/netns/NAME), or a process id: inode number of the
 * network namespace. */
int parse_netns(const char *text, uint32_t *ret_inode, struct error *error);
/* The same: a descriptor of that file, the caller's to close. */
int parse_netns_open(const char *text, struct error *error);

#endif

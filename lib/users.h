/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of users, each looked up once. */
#ifndef LIB_USERS_H
#define LIB_USERS_H

#include <stddef.h>
#include <stdint.h>

#define USERS_MAX 256 /* names that are remembered; then the first is forgotten */

struct users;

/* Returns 0 or -ENOMEM. */
int users_new(struct users **ret_users);
void users_free(struct users *users);
static inline void users_freep(struct users **users)
{
	users_free(*users);
	*users = NULL;
}

/* The name of a user, or its number as text if it has none. Borrowed until the next call. */
const char *users_name(struct users *users, uint32_t uid);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/users.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "lib/base.h"

#define NAME_BYTES 33 /* useradd(8) allows 32 */

struct users {
	struct {
		uint32_t uid;
		char name[NAME_BYTES];
	} known[USERS_MAX];
	size_t n;    /* known */
	size_t next; /* place of the next one, in a circle */
	size_t last; /* place of the one that was asked for last */
};

int users_new(struct users **ret_users)
{
	*ret_users = calloc(1, sizeof(**ret_users));
	return *ret_users ? 0 : -ENOMEM;
}

void users_free(struct users *users)
{
	free(users);
}

static void look_up(uint32_t uid, char name[NAME_BYTES])
{
	char buffer[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
	    *found->pw_name && strlen(found->pw_name) < NAME_BYTES)
		strcpy(name, found->pw_name);
	else
		snprintf(name, NAME_BYTES, "%u", uid);
}

const char *users_name(struct users *users, uint32_t uid)
{
	size_t i = users->last;

	if (users->n && users->known[i].uid == uid)
		return users->known[i].name;
	for (i = 0; i < users->n && users->known[i].uid != uid; i++)
		;
	if (i == users->n) {
		i = users->next;
		users->next = (i + 1) % USERS_MAX;
		users->n += users->n < USERS_MAX;
		users->known[i].uid = uid;
		look_up(uid, users->known[i].name);
	}
	users->last = i;
	return users->known[i].name;
}

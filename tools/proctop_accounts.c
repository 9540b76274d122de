/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/proctop_accounts.h"

#include <stdlib.h>
#include <utlist.h>

void accounts_release(struct accounts *accounts)
{
	struct account *account, *next;

	DL_FOREACH_SAFE (accounts->list, account, next)
		accounts_remove(accounts, account);
}

static bool is_of(const struct account *account, uint32_t tgid, uint64_t start_ns)
{
	return account->id.tgid == tgid &&
	       (!start_ns || !account->id.start_ns || account->id.start_ns == start_ns);
}

/* Among those that have no number any more, and have news to come. */
static struct account *find_retired(const struct accounts *accounts, uint64_t group, uint32_t tgid,
				    uint64_t start_ns, uint64_t at_ns)
{
	struct account *account;

	DL_FOREACH (accounts->list, account)
		if (account->group == group && !account->hh.tbl && !account->final &&
		    is_of(account, tgid, start_ns) && account->id.start_ns <= at_ns)
			return account;
	return NULL;
}

struct account *accounts_find(struct accounts *accounts, uint64_t group, uint32_t tgid,
			      uint64_t start_ns, uint64_t at_ns)
{
	struct account *account;

	HASH_FIND(hh, accounts->numbered, &group, sizeof(group), account);
	if (account && account->id.start_ns > at_ns)
		return find_retired(accounts, group, tgid, start_ns, at_ns);
	if (!account || is_of(account, tgid, start_ns))
		return account;
	/* of a process before; what tells of its end has still to come, or did not get through */
	account->here = false;
	accounts_retire(accounts, account);
	return NULL;
}

struct account *accounts_add(struct accounts *accounts, uint64_t group)
{
	struct account *account = calloc(1, sizeof(*account)), *other;

	if (!account)
		return NULL;
	account->group = group;
	HASH_FIND(hh, accounts->numbered, &group, sizeof(group), other);
	if (!other)
		HASH_ADD(hh, accounts->numbered, group, sizeof(account->group), account);
	if (!other && !account->hh.tbl) {
		free(account);
		return NULL;
	}
	DL_APPEND(accounts->list, account);
	accounts->n++;
	return account;
}

void accounts_retire(struct accounts *accounts, struct account *account)
{
	if (account->hh.tbl)
		HASH_DEL(accounts->numbered, account);
	account->hh.tbl = NULL;
}

void accounts_remove(struct accounts *accounts, struct account *account)
{
	accounts_retire(accounts, account);
	DL_DELETE(accounts->list, account);
	accounts->n--;
	free(account);
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/flowattr_nat.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "lib/cidr.h"

/* One end, among those with the same remote end and the same local port. */
struct nat_end {
	uint8_t laddr[16];
	struct nat_bucket *bucket;
	struct nat_entry *entry;
	LIST_ENTRY(nat_end) next;
};

struct nat_bucket {
	struct nat_key {
		uint8_t raddr[16];
		uint32_t netns; /* 0, unless an address is loopback */
		uint16_t protocol, lport, rport, pad;
	} key;
	LIST_HEAD(, nat_end) ends;
	UT_hash_handle hh;
};

struct nat_entry {
	struct nat_end began, other;
	uint32_t netns; /* whose tracking has told of it */
	TAILQ_ENTRY(nat_entry) age;
};

struct nat_table {
	struct nat_bucket *buckets;
	TAILQ_HEAD(, nat_entry) entries; /* the oldest first */
	size_t n, max;
	uint64_t forgotten;
};

int nat_table_new(size_t max, struct nat_table **ret_table)
{
	struct nat_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->max = max ? max : NAT_MAX;
	TAILQ_INIT(&table->entries);
	*ret_table = table;
	return 0;
}

static void remove_end(struct nat_table *table, struct nat_end *end)
{
	struct nat_bucket *bucket = end->bucket;

	LIST_REMOVE(end, next);
	if (!LIST_EMPTY(&bucket->ends))
		return;
	HASH_DEL(table->buckets, bucket);
	free(bucket);
}

static void remove_entry(struct nat_table *table, struct nat_entry *entry)
{
	remove_end(table, &entry->began);
	remove_end(table, &entry->other);
	TAILQ_REMOVE(&table->entries, entry, age);
	table->n--;
	free(entry);
}

void nat_table_free(struct nat_table *table)
{
	if (!table)
		return;
	while (!TAILQ_EMPTY(&table->entries))
		remove_entry(table, TAILQ_FIRST(&table->entries));
	free(table);
}

static struct connection end_of(const struct conntrack_tuple *tuple, uint32_t netns)
{
	bool echo = tuple->protocol == IPPROTO_ICMP || tuple->protocol == IPPROTO_ICMPV6;
	bool loopback =
		address_is_loopback(tuple->source) || address_is_loopback(tuple->destination);
	struct connection end = {
		.protocol = tuple->protocol,
		.lport = tuple->source_port,
		.rport = echo ? 0 : tuple->destination_port,
		.netns = loopback ? netns : 0,
	};

	memcpy(end.laddr, tuple->source, sizeof(end.laddr));
	memcpy(end.raddr, tuple->destination, sizeof(end.raddr));
	return end;
}

static struct nat_key key_of(const struct connection *end)
{
	bool loopback = address_is_loopback(end->laddr) || address_is_loopback(end->raddr);
	struct nat_key key = {
		.netns = loopback ? end->netns : 0,
		.protocol = end->protocol,
		.lport = end->lport,
		.rport = end->rport,
	};

	memcpy(key.raddr, end->raddr, sizeof(key.raddr));
	return key;
}

static struct nat_bucket *find_bucket(const struct nat_table *table, const struct nat_key *key)
{
	struct nat_bucket *bucket;

	HASH_FIND(hh, table->buckets, key, sizeof(*key), bucket);
	return bucket;
}

/* @any: an end at any address will do. */
static struct nat_end *find_end(const struct nat_table *table, const struct connection *wanted,
				bool any)
{
	const struct nat_key key = key_of(wanted);
	struct nat_bucket *bucket = find_bucket(table, &key);
	struct nat_end *end;

	if (!bucket)
		return NULL;
	LIST_FOREACH(end, &bucket->ends, next)
	if (any || !memcmp(end->laddr, wanted->laddr, sizeof(end->laddr)))
		return end;
	return NULL;
}

static int add_end(struct nat_table *table, const struct connection *from, struct nat_entry *entry,
		   struct nat_end *end)
{
	const struct nat_key key = key_of(from);
	struct nat_bucket *bucket = find_bucket(table, &key);

	if (!bucket) {
		bucket = calloc(1, sizeof(*bucket));
		if (!bucket)
			return -ENOMEM;
		bucket->key = key;
		HASH_ADD(hh, table->buckets, key, sizeof(bucket->key), bucket);
	}
	memcpy(end->laddr, from->laddr, sizeof(end->laddr));
	end->bucket = bucket;
	end->entry = entry;
	LIST_INSERT_HEAD(&bucket->ends, end, next);
	return 0;
}

static int add_entry(struct nat_table *table, const struct nat_ends *ends, uint32_t netns)
{
	struct nat_entry *entry = calloc(1, sizeof(*entry));

	if (!entry || add_end(table, &ends->began, entry, &entry->began) < 0) {
		free(entry);
		return -ENOMEM;
	}
	if (add_end(table, &ends->other, entry, &entry->other) < 0) {
		remove_end(table, &entry->began);
		free(entry);
		return -ENOMEM;
	}
	entry->netns = netns;
	TAILQ_INSERT_TAIL(&table->entries, entry, age);
	table->n++;
	return 0;
}

/* What was known between these addresses is over. @netns: if it was told of there; 0: anywhere. */
static void forget(struct nat_table *table, const struct connection *wanted, uint32_t netns)
{
	struct nat_end *end = find_end(table, wanted, false);

	if (end && (!netns || end->entry->netns == netns))
		remove_entry(table, end->entry);
}

static bool is_translated(const struct nat_ends *ends)
{
	return memcmp(ends->began.laddr, ends->other.raddr, 16) != 0 ||
	       memcmp(ends->began.raddr, ends->other.laddr, 16) != 0 ||
	       (ends->began.rport ? ends->began.lport != ends->other.rport ||
					    ends->began.rport != ends->other.lport
				  : ends->began.lport != ends->other.lport);
}

int nat_table_add(struct nat_table *table, const struct conntrack_entry *entry,
		  struct nat_ends *ret_ends)
{
	const struct nat_ends ends = {end_of(&entry->original, entry->netns),
				      end_of(&entry->reply, entry->netns)};
	bool translated = is_translated(&ends);
	int r;

	/* what one namespace leaves as it is another one on the way may translate */
	forget(table, &ends.began, translated ? 0 : entry->netns);
	if (!translated)
		return 0;
	forget(table, &ends.other, 0);
	if (entry->gone)
		return 0;
	r = add_entry(table, &ends, entry->netns);
	if (r < 0)
		return r;
	if (table->n > table->max) {
		remove_entry(table, TAILQ_FIRST(&table->entries));
		table->forgotten++;
	}
	*ret_ends = ends;
	return 1;
}

bool nat_table_find(const struct nat_table *table, const struct connection *end,
		    struct connection *ret_other)
{
	const struct nat_end *found = find_end(table, end, address_is_any(end->laddr)), *other;

	if (!found)
		return false;
	other = found == &found->entry->began ? &found->entry->other : &found->entry->began;
	*ret_other = (struct connection){
		.protocol = other->bucket->key.protocol,
		.lport = other->bucket->key.lport,
		.rport = other->bucket->key.rport,
		.netns = other->bucket->key.netns,
	};
	memcpy(ret_other->laddr, other->laddr, sizeof(ret_other->laddr));
	memcpy(ret_other->raddr, other->bucket->key.raddr, sizeof(ret_other->raddr));
	return true;
}

size_t nat_table_size(const struct nat_table *table)
{
	return table->n;
}

uint64_t nat_table_forgotten(const struct nat_table *table)
{
	return table->forgotten;
}

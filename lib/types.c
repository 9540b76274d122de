/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/types.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"

#define SLOTS_MIN 64

/* Open addressing: an id lies in the first free slot from that of its name on. */
struct types {
	const struct btf *btf;
	uint32_t mask;
	uint32_t slots[]; /* ids; 0: free */
};

/* FNV-1a */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 16777619U;
	return h;
}

static bool is_wanted(const struct btf_type *type)
{
	return btf_is_func(type) || btf_is_typedef(type);
}

static uint32_t slots_for(const struct btf *btf, uint32_t n)
{
	uint32_t wanted = 0, slots = SLOTS_MIN;

	for (uint32_t id = 1; id < n; id++)
		wanted += is_wanted(btf__type_by_id(btf, id));
	while (slots < 2 * wanted)
		slots *= 2;
	return slots;
}

int types_new(const struct btf *btf, struct types **ret_types)
{
	uint32_t n = btf__type_cnt(btf), slots = slots_for(btf, n);
	struct types *types = calloc(1, sizeof(*types) + slots * sizeof(types->slots[0]));

	if (!types)
		return -ENOMEM;
	types->btf = btf;
	types->mask = slots - 1;
	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		uint32_t slot;

		if (!is_wanted(type))
			continue;
		slot = hash(btf__name_by_offset(btf, type->name_off)) & types->mask;
		while (types->slots[slot])
			slot = (slot + 1) & types->mask;
		types->slots[slot] = id;
	}
	*ret_types = types;
	return 0;
}

void types_free(struct types *types)
{
	free(types);
}

uint32_t types_find(const struct types *types, const char *name, uint32_t kind)
{
	for (uint32_t slot = hash(name) & types->mask; types->slots[slot];
	     slot = (slot + 1) & types->mask) {
		const struct btf_type *type = btf__type_by_id(types->btf, types->slots[slot]);

		if (btf_kind(type) == kind &&
		    !strcmp(btf__name_by_offset(types->btf, type->name_off), name))
			return types->slots[slot];
	}
	return 0;
}

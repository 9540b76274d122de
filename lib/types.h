/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's functions and typedefs by their names. libbpf looks at each of 150,000 types in turn
 * for every name; this reads them once. */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdint.h>

struct btf;
struct types;

/* @btf: borrowed. Returns 0 or -ENOMEM. */
int types_new(const struct btf *btf, struct types **ret_types);
void types_free(struct types *types);

/* @kind: BTF_KIND_FUNC or BTF_KIND_TYPEDEF. Returns the id of the type, the first of several; 0:
 * there is none. */
uint32_t types_find(const struct types *types, const char *name, uint32_t kind);

#endif

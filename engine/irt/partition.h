/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The items of a bank divided into groups. Immutable. */
#ifndef IRT_PARTITION_H
#define IRT_PARTITION_H

#include "base/limits.h"

#include <stddef.h>
#include <stdint.h>

struct partition;

/* group_of [n_item], each below n_group, or n_group for an item of no group; n_group is 1 to
 * LIMIT_GROUPS. NULL without memory. */
struct partition *partition_new(const uint8_t *group_of, size_t n_item, size_t n_group);
void partition_free(struct partition *partition);  // NULL is fine

size_t partition_n_group(const struct partition *partition);
size_t partition_group_of(const struct partition *partition, size_t item);

/* The items of a group, ascending. */
const uint32_t *partition_items(const struct partition *partition, size_t group, size_t *out_n);

#endif

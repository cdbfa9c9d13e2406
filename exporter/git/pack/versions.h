/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_VERSIONS_H
#define EXPORTER_GIT_PACK_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/hash.h"
#include "exporter/git/pack/object.h"

/*
 * versions - which objects are versions of one path, in which order, and which of them a
 * version is stored as a delta of. Ids only: no object is read. A zeroed one is empty.
 *
 * The first version of a path is stored whole. A later one is a delta of an earlier one, not
 * always of the one before: then a version would be read through all before it. Versions are
 * numbered from 0, and the base of a version follows from its number alone, so that further
 * versions change nothing in what is stored already:
 *
 * - Large: the number without its last digit that is not 0, in base 32. So the 1,000th version
 *   is read through two deltas. A delta spans 16 changes for each digit, on average.
 * - Small: the number less one in its last digit that is not 0, in base 13. So a delta spans one
 *   change for each digit, and at most 48 deltas are read: git never makes more than 50.
 */

struct version {
	uint8_t id[OBJECT_ID];
	uint32_t group; /* in versions.group */
	uint32_t next;  /* the next version, in versions.version */
};
#define VERSIONS_NONE UINT32_MAX

struct version_group {
	uint32_t first, last; /* in versions.version */
	uint32_t count;
	uint32_t path; /* a hash; 0: unknown */
	bool done;     /* for the caller; false at first */
};

struct versions {
	struct version *version;
	struct version_group *group;
	/* The rest is private. */
	size_t count, cap, groups, groups_cap;
	struct hash table;
};

/* The version of this id, in versions.version; VERSIONS_NONE: there is none. */
uint32_t versions_find(const struct versions *versions, const uint8_t id[OBJECT_ID]);
/* Begins a group, of a path that is not known, unless the id is known. */
void versions_begin(struct versions *versions, const uint8_t id[OBJECT_ID]);
/* Adds the next version to the group of `first`, unless the id is known. */
void versions_append(struct versions *versions, const uint8_t first[OBJECT_ID],
		     const uint8_t id[OBJECT_ID]);
/*
 * The object `new` has come in the place of `old` (NULL: one that is not stored here) at the
 * path with this hash. Calls come in the order of time. If both stand at other paths as well,
 * a group is that of the path that is named first. Returns false if `new` is known already.
 */
bool versions_replace(struct versions *versions, const uint8_t *old,
		      const uint8_t new[OBJECT_ID], uint32_t path);
void versions_release(struct versions *versions);

/* The number of the base of version `number`, which is not 0. */
uint32_t versions_base(uint32_t number, bool large);
/* More versions do not fit into a group of small ones: the next one is stored whole. */
#define VERSIONS_SMALL_MAX (13u * 13 * 13 * 13)
/* Bodies from this size on are large: what counts is how often they are copied. */
#define VERSIONS_LARGE ((size_t)64 << 10)

#endif

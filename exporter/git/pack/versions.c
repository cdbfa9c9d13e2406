/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/versions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

uint32_t versions_find(const struct versions *versions, const uint8_t id[OBJECT_ID])
{
	uint32_t hash = hash_bytes(id, OBJECT_ID, 0), n;
	size_t at = 0;

	do {
		n = hash_next(&versions->table, hash, &at);
	} while (n && memcmp(versions->version[n - 1].id, id, OBJECT_ID) != 0);
	return n ? n - 1 : VERSIONS_NONE;
}

static void add_version(struct versions *versions, const uint8_t *id, uint32_t group)
{
	struct version_group *into = &versions->group[group];
	uint32_t n = (uint32_t)versions->count;

	versions->version = xgrow(versions->version, versions->count, &versions->cap,
				  sizeof(*versions->version));
	versions->version[n] = (struct version){.group = group, .next = VERSIONS_NONE};
	memcpy(versions->version[n].id, id, OBJECT_ID);
	versions->count++;
	hash_add(&versions->table, hash_bytes(id, OBJECT_ID, 0), n + 1);
	if (into->count) {
		versions->version[into->last].next = n;
	} else {
		into->first = n;
	}
	into->last = n;
	into->count++;
}

static void begin(struct versions *versions, const uint8_t *id, uint32_t path)
{
	versions->group = xgrow(versions->group, versions->groups, &versions->groups_cap,
				sizeof(*versions->group));
	versions->group[versions->groups] = (struct version_group){.path = path};
	add_version(versions, id, (uint32_t)versions->groups++);
}

void versions_begin(struct versions *versions, const uint8_t id[OBJECT_ID])
{
	if (versions_find(versions, id) == VERSIONS_NONE) {
		begin(versions, id, 0);
	}
}

void versions_append(struct versions *versions, const uint8_t first[OBJECT_ID],
		     const uint8_t id[OBJECT_ID])
{
	uint32_t n = versions_find(versions, first);

	assert(n != VERSIONS_NONE);
	if (versions_find(versions, id) == VERSIONS_NONE) {
		add_version(versions, id, versions->version[n].group);
	}
}

bool versions_replace(struct versions *versions, const uint8_t *old,
		      const uint8_t new[OBJECT_ID], uint32_t path)
{
	uint32_t into = VERSIONS_NONE;

	if (versions_find(versions, new) != VERSIONS_NONE) {
		return false;
	}
	if (old) {
		versions_begin(versions, old);
		into = versions->version[versions_find(versions, old)].group;
		if (!versions->group[into].path) {
			versions->group[into].path = path;
		}
	}
	if (into != VERSIONS_NONE && versions->group[into].path == path) {
		add_version(versions, new, into);
	} else {
		begin(versions, new, path);
	}
	return true;
}

void versions_release(struct versions *versions)
{
	free(versions->version);
	free(versions->group);
	hash_release(&versions->table);
	*versions = (struct versions){0};
}

#define LARGE_BASE 32
#define SMALL_BASE 13

uint32_t versions_base(uint32_t number, bool large)
{
	uint32_t base = large ? LARGE_BASE : SMALL_BASE, place = 1;

	assert(number);
	while (number / place % base == 0) {
		place *= base;
	}
	return number - (large ? number / place % base : 1) * place;
}

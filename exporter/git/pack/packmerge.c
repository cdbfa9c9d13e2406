/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/packmerge.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/git/pack/packfile.h"
#include "exporter/git/pack/packindex.h"

struct source {
	const char *name;
	struct packindex index;
	struct packindex_place *place;
};

struct packmerge {
	struct source *source; /* the largest first */
	size_t sources;
	struct packfile_entry *entry; /* of all objects that are copied */
	size_t count;
	struct packfile *packs;
};

void packmerge_free(struct packmerge *merge)
{
	if (merge) {
		for (size_t i = 0; i < merge->sources; i++) {
			packindex_close(&merge->source[i].index);
			free(merge->source[i].place);
		}
		packfile_free(merge->packs);
		free(merge->source);
		free(merge->entry);
		free(merge);
	}
}

/* Opens one chosen pack. *deltas: it has some. */
static int open_source(struct packmerge *merge, bool *deltas, const char *dir,
		       const char *name, struct err *err)
{
	struct source *source = &merge->source[merge->sources++];
	int rc;

	*source = (struct source){.name = name};
	*deltas = false;
	rc = packindex_open(&source->index, dir, name, err);
	rc = rc ? rc : packindex_places(&source->place, &source->index, name, err);
	for (uint32_t i = 0; !rc && !*deltas && i < source->index.count; i++) {
		*deltas = packindex_is_delta(&source->index, &source->place[i]);
	}
	return rc;
}

/* Opens all chosen packs. *compact: some have deltas. The largest pack comes first. It is
 * usually the oldest, and then few objects are looked up in many packs: each object is
 * copied from the first pack that has it. */
static int open_sources(struct packmerge *merge, bool *compact, const char *dir,
			struct packset *set, struct err *err)
{
	size_t objects = 0;
	int rc = 0;

	*compact = false;
	merge->source = xreallocarray(NULL, set->count, sizeof(*merge->source));
	for (size_t i = set->count; !rc && i-- > 0;) {
		struct packset_pack *pack = &set->pack[i];
		bool deltas;

		if (!pack->chosen) {
			continue;
		}
		rc = open_source(merge, &deltas, dir, pack->name, err);
		if (!rc && deltas) {
			pack->chosen = false;
			pack->compact = true;
			*compact = true;
		}
		objects += merge->source[merge->sources - 1].index.count;
	}
	merge->entry = xreallocarray(NULL, objects + 1, sizeof(*merge->entry));
	return rc;
}

/* Whether one of the first `sources` has the object. */
static bool is_copied(const struct packmerge *merge, size_t sources, const uint8_t *id)
{
	uint32_t n;

	for (size_t i = 0; i < sources; i++) {
		if (packindex_find(&n, &merge->source[i].index, id)) {
			return true;
		}
	}
	return false;
}

static int copy_object(struct packmerge *merge, const struct source *source,
		       const struct packindex_place *place, struct err *err)
{
	const uint8_t *id = packindex_id(&source->index, place->n);
	const uint8_t *bytes = packindex_bytes(&source->index, place);
	uint32_t crc = packindex_crc(&source->index, place->n);
	char hex[OBJECT_HEX + 1];

	if (is_copied(merge, (size_t)(source - merge->source), id)) {
		return 0;
	}
	if (object_crc(bytes, place->len) != crc) {
		object_hex(hex, id);
		return err_set(err, ERR_FAIL, "object %s in %s is damaged", hex,
			       source->name);
	}
	memcpy(merge->entry[merge->count].id, id, OBJECT_ID);
	merge->entry[merge->count].crc = crc;
	return packfile_add(merge->packs, merge->entry, merge->count++, bytes, place->len,
			    err);
}

int packmerge_make(struct packmerge **out, struct buf *names, const char *dir,
		   struct packset *set, struct err *err)
{
	struct packmerge *merge = xzalloc(sizeof(*merge));
	bool compact;
	int rc = open_sources(merge, &compact, dir, set, err);

	packfile_new(&merge->packs, dir);
	for (size_t i = 0; !rc && !compact && i < merge->sources; i++) {
		const struct source *source = &merge->source[i];

		for (uint32_t n = 0; !rc && n < source->index.count; n++) {
			rc = copy_object(merge, source, &source->place[n], err);
		}
	}
	if (!rc && !compact) {
		rc = packfile_seal(merge->packs, merge->entry, merge->count, names, err);
	}
	if (rc || compact) {
		packmerge_free(merge);
		merge = NULL;
	}
	*out = merge;
	return rc;
}

int packmerge_install(struct packmerge *merge, struct err *err)
{
	return packfile_install(merge->packs, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "exporter/git/maintain_inner.h"
#include "exporter/git/pack/packfile.h"
#include "exporter/git/pack/packindex.h"

/*
 * Objects are copied as they stand in a pack, deflated: what it costs is reading
 * them, a CRC and writing them. The largest pack comes first. It is the oldest, as
 * a rule, and few objects are then looked for in many packs: each one is taken from
 * the first pack that has it.
 */

struct source {
	const char *name;
	struct packindex index;
	struct packindex_place *place;
};

struct merge {
	const char *dir;
	struct source *source;
	size_t sources;
	struct packfile_entry *entry; /* of all objects that are copied */
	size_t count;
	struct packfile **file; /* all full and sealed but the last */
	size_t files;
	size_t file_from; /* number of the first object of the last file */
};

static void release(struct merge *m)
{
	for (size_t i = 0; i < m->sources; i++) {
		packindex_close(&m->source[i].index);
		free(m->source[i].place);
	}
	for (size_t i = 0; i < m->files; i++) {
		packfile_free(m->file[i]);
	}
	free(m->source);
	free(m->entry);
	free(m->file);
}

/* Opens one chosen pack. *deltas: it has some. */
static int open_source(struct merge *m, const char *name, bool *deltas, struct err *err)
{
	struct source *source = &m->source[m->sources++];
	int rc;

	*source = (struct source){.name = name};
	*deltas = false;
	rc = packindex_open(&source->index, m->dir, name, err);
	if (!rc) {
		rc = packindex_places(&source->place, &source->index, name, err);
	}
	for (uint32_t i = 0; !rc && !*deltas && i < source->index.count; i++) {
		*deltas = packindex_is_delta(&source->index, &source->place[i]);
	}
	return rc;
}

/* Opens all chosen packs, the largest first. *compact: some have deltas. */
static int open_sources(struct merge *m, struct packset *set, bool *compact,
			struct err *err)
{
	size_t objects = 0;
	int rc = 0;

	*compact = false;
	m->source = xreallocarray(NULL, set->count, sizeof(*m->source));
	for (size_t i = set->count; !rc && i-- > 0;) {
		struct packset_pack *pack = &set->pack[i];
		bool deltas;

		if (!pack->chosen) {
			continue;
		}
		rc = open_source(m, pack->name, &deltas, err);
		if (!rc && deltas) {
			pack->chosen = false;
			pack->compact = true;
			*compact = true;
		}
		objects += m->source[m->sources - 1].index.count;
	}
	m->entry = xreallocarray(NULL, objects + 1, sizeof(*m->entry));
	return rc;
}

static int seal(struct merge *m, struct err *err)
{
	return packfile_seal(m->file[m->files - 1], m->entry + m->file_from,
			     m->count - m->file_from, err);
}

/* Makes sure that there is a file with room for another object. */
static int make_room(struct merge *m, struct err *err)
{
	int rc = 0;

	if (m->files && !packfile_full(m->file[m->files - 1])) {
		return 0;
	}
	if (m->files) {
		rc = seal(m, err);
	}
	m->file = xreallocarray(m->file, m->files + 1, sizeof(*m->file));
	packfile_open(&m->file[m->files++], m->dir);
	m->file_from = m->count;
	return rc;
}

static bool is_copied(const struct merge *m, size_t sources, const uint8_t *id)
{
	for (size_t i = 0; i < sources; i++) {
		if (packindex_has(&m->source[i].index, id)) {
			return true;
		}
	}
	return false;
}

static int copy_object(struct merge *m, const struct source *source,
		       const struct packindex_place *place, struct err *err)
{
	const uint8_t *id = packindex_id(&source->index, place->n);
	const uint8_t *bytes = packindex_bytes(&source->index, place);
	struct packfile_entry *entry;
	char hex[OBJECT_HEX + 1];
	int rc;

	if (is_copied(m, (size_t)(source - m->source), id)) {
		return 0;
	}
	if (object_crc(bytes, place->len) != packindex_crc(&source->index, place->n)) {
		object_hex(hex, id);
		return err_set(err, ERR_FAIL, "object %s in %s is damaged", hex,
			       source->name);
	}
	rc = make_room(m, err);
	if (rc) {
		return rc;
	}
	entry = &m->entry[m->count++];
	memcpy(entry->id, id, OBJECT_ID);
	entry->crc = packindex_crc(&source->index, place->n);
	return packfile_add(m->file[m->files - 1], &entry->offset, bytes, place->len,
			    err);
}

static int copy_all(struct merge *m, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->sources; i++) {
		const struct source *source = &m->source[i];

		for (uint32_t n = 0; !rc && n < source->index.count; n++) {
			rc = copy_object(m, source, &source->place[n], err);
		}
	}
	return rc || !m->files ? rc : seal(m, err);
}

int maintain_merge(struct buf *names, struct snapshot_repo *repo, const char *dir,
		   struct packset *set, struct err *err)
{
	struct merge m = {.dir = dir};
	bool compact;
	int rc = open_sources(&m, set, &compact, err);

	if (rc || compact) {
		goto out;
	}
	rc = copy_all(&m, err);
	for (size_t i = 0; !rc && i < m.files; i++) {
		packfile_name(m.file[i], names);
	}
	if (!rc) {
		rc = maintain_note(repo, set, names->data, err);
	}
	for (size_t i = 0; !rc && i < m.files; i++) {
		rc = packfile_install(m.file[i], err);
	}
	if (!rc) {
		rc = file_sync_dir(dir, err);
	}
	if (rc) {
		buf_clear(names);
	}
out:
	release(&m);
	return rc;
}

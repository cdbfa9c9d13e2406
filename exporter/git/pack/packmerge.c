/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/packmerge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/git/pack/delta.h"
#include "exporter/git/pack/packfile.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/unpack.h"
#include "exporter/git/pack/versions.h"

/*
 * An object is read through at most so many deltas: as many as git makes; but a large body is
 * copied once for each.
 */
#define DEPTH_MAX 50
#define DEPTH_LARGE_MAX 4
/* A delta that has more than three quarters of what the object has does not pay. */
#define PAYS_OF(size) ((size) / 4 * 3)

struct source {
	char name[PACKSET_NAME + 1];
	struct packindex index;
	uint32_t *order;   /* the objects as they stand in the pack */
	uint32_t *written; /* by object: its number in merge->entry; NONE: not written */
	bool has_deltas;
	enum packmerge_kind kind;
	bool *checked; /* by object: it has its id; NULL: none was checked */
	bool *gone;    /* by object: it is not to be written; NULL: none */
};
#define NONE UINT32_MAX

/* An object as it stands in a pack. */
struct stored {
	struct source *source;
	struct packindex_place place;
	struct object_head head;
	const uint8_t *id, *bytes;
	size_t base; /* where its base begins in the pack; 0: it is no delta, or none is there */
};

/* Where an object stands now. */
struct placed {
	uint16_t pack; /* the number of the new pack */
	uint8_t depth; /* deltas through which it is read */
	bool copied;   /* it says what it says in the pack from which it is taken */
};

/* A body that was read. */
struct body {
	uint32_t version; /* in merge->versions; NONE: empty */
	enum object_type type;
	struct buf bytes;
};

struct packmerge {
	struct source *source; /* the last one is asked first */
	size_t sources, cap;
	struct objects *objects;
	packmerge_keep_fn *keep; /* NULL: all */
	void *payload;
	struct versions versions;

	struct packfile_entry *entry; /* of all objects that are written */
	struct placed *placed;        /* likewise */
	size_t count;
	struct packfile *packs;

	/* While the versions of a path are written: */
	uint32_t *member; /* in merge->versions */
	size_t member_cap;
	struct body base, body;
	struct delta_index index; /* of `base`, if `indexed` is its version */
	uint32_t indexed;
	struct object_deflater *deflater;
	struct unpack *unpack; /* NULL: not needed yet */
	struct buf delta, bytes, check;
};

void packmerge_new(struct packmerge **out, const char *dir, struct objects *objects)
{
	struct packmerge *merge = xzalloc(sizeof(*merge));

	merge->objects = objects;
	merge->base.version = merge->body.version = merge->indexed = NONE;
	packfile_new(&merge->packs, dir);
	*out = merge;
}

void packmerge_only(struct packmerge *merge, packmerge_keep_fn *keep, void *payload)
{
	merge->keep = keep;
	merge->payload = payload;
}

static void source_release(struct source *source)
{
	packindex_close(&source->index);
	free(source->order);
	free(source->written);
	free(source->checked);
	free(source->gone);
}

void packmerge_free(struct packmerge *merge)
{
	if (!merge) {
		return;
	}
	for (size_t i = 0; i < merge->sources; i++) {
		source_release(&merge->source[i]);
	}
	packfile_free(merge->packs);
	versions_release(&merge->versions);
	object_deflater_free(merge->deflater);
	unpack_free(merge->unpack);
	delta_index_release(&merge->index);
	buf_release(&merge->base.bytes);
	buf_release(&merge->body.bytes);
	buf_release(&merge->delta);
	buf_release(&merge->bytes);
	buf_release(&merge->check);
	free(merge->source);
	free(merge->member);
	free(merge->placed);
	free(merge->entry);
	free(merge);
}

/* --- what there is --- */

static int damaged(const struct stored *stored, struct err *err)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, stored->id);
	return err_set(err, ERR_FAIL, "object %s in %s is damaged", hex,
		       stored->source->name);
}

static int look(struct stored *stored, struct source *source,
		struct packindex_place place, struct err *err)
{
	uint32_t n;

	*stored = (struct stored){.source = source,
				  .place = place,
				  .id = packindex_id(&source->index, place.n),
				  .bytes = packindex_bytes(&source->index, &place)};
	if (!object_head_read(&stored->head, stored->bytes, place.len)) {
		return damaged(stored, err);
	}
	if (stored->head.type == OBJECT_OFS_DELTA && stored->head.distance < place.at) {
		stored->base = place.at - stored->head.distance;
	} else if (stored->head.type == OBJECT_REF_DELTA &&
		   packindex_find(&n, &source->index, stored->head.base)) {
		stored->base = packindex_offset(&source->index, n);
	}
	return 0;
}

static bool is_delta(const struct stored *stored)
{
	return stored->head.type > OBJECT_TAG;
}

static bool is_gone(const struct source *source, uint32_t n)
{
	return source->gone && source->gone[n];
}

/* The pack from which the object is taken; NULL: none has it, or it is not to be written. */
static struct source *find_source(uint32_t *n, const struct packmerge *merge,
				  const uint8_t *id)
{
	for (size_t i = merge->sources; i-- > 0;) {
		struct source *source = &merge->source[i];

		if (packindex_find(n, &source->index, id)) {
			return is_gone(source, *n) ? NULL : source;
		}
	}
	return NULL;
}

static int find_stored(struct stored *stored, const struct packmerge *merge,
		       const uint8_t *id, struct err *err)
{
	struct packindex_place place;
	uint32_t n;
	struct source *source = find_source(&n, merge, id);

	*stored = (struct stored){0};
	assert(source);
	if (!packindex_place_at(&place, &source->index, source->order,
				packindex_offset(&source->index, n))) {
		assert(false); /* it is where some object begins */
	}
	/* Two objects that begin at one place are damage. */
	return place.n == n ? look(stored, source, place, err)
			    : err_set(err, ERR_FAIL, "the index of %s is damaged",
				      source->name);
}

static void find_gone(const struct packmerge *merge, struct source *source)
{
	if (!merge->keep) {
		return;
	}
	source->gone = xzalloc(source->index.count + 1);
	for (uint32_t n = 0; n < source->index.count; n++) {
		source->gone[n] =
			!merge->keep(packindex_id(&source->index, n), merge->payload);
	}
}

/* Takes deltas whose base is between them and the beginning of the run for versions of one
 * path. Any other object begins a run. */
static int read_runs(struct packmerge *merge, struct source *source, struct err *err)
{
	const uint8_t *first = NULL; /* NULL: not begun, or all so far are gone */
	size_t from = SIZE_MAX;

	for (uint32_t i = 0; i < source->index.count; i++) {
		struct stored stored;
		int rc = look(&stored, source,
			      packindex_place(&source->index, source->order, i), err);

		if (rc) {
			return rc;
		}
		source->has_deltas = source->has_deltas || is_delta(&stored);
		if (stored.base < from || stored.base >= stored.place.at) {
			first = NULL;
			from = stored.place.at;
		}
		if (is_gone(source, stored.place.n)) {
			continue;
		}
		if (!first) {
			first = stored.id;
		} else if (source->kind == PACKMERGE_RUNS) {
			versions_begin(&merge->versions, first);
			versions_append(&merge->versions, first, stored.id);
		}
	}
	return 0;
}

static int add(struct packmerge *merge, const char *dir, const char *name,
	       enum packmerge_kind kind, struct err *err)
{
	struct source source = {.kind = kind};
	int rc;

	memcpy(source.name, name, sizeof(source.name));
	rc = packindex_open(&source.index, dir, name, err);
	rc = rc ? rc : packindex_order(&source.order, &source.index, name, err);
	if (!rc) {
		find_gone(merge, &source);
	}
	rc = rc ? rc : read_runs(merge, &source, err);
	if (rc) {
		source_release(&source);
		return rc;
	}
	merge->source =
		xgrow(merge->source, merge->sources, &merge->cap, sizeof(*merge->source));
	merge->source[merge->sources++] = source;
	return 0;
}

int packmerge_add(struct packmerge *merge, const char *dir, const struct packset *set,
		  enum packmerge_kind kind, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < set->count; i++) {
		if (set->pack[i].chosen) {
			rc = add(merge, dir, set->pack[i].name, kind, err);
		}
	}
	return rc;
}

void packmerge_commits(const struct packmerge *merge, struct buf *ids)
{
	for (size_t i = 0; i < merge->sources; i++) {
		const struct source *source = &merge->source[i];

		for (uint32_t n = 0; !source->has_deltas && n < source->index.count;
		     n++) {
			struct packindex_place place =
				packindex_place(&source->index, source->order, n);
			struct object_head head;

			if (object_head_read(&head,
					     packindex_bytes(&source->index, &place),
					     place.len) &&
			    head.type == OBJECT_COMMIT && !is_gone(source, place.n)) {
				buf_add(ids, packindex_id(&source->index, place.n),
					OBJECT_ID);
			}
		}
	}
}

bool packmerge_replace(const uint8_t old[OBJECT_ID], const uint8_t new[OBJECT_ID],
		       uint32_t path, void *payload)
{
	struct packmerge *merge = payload;
	const struct source *source;
	uint32_t n;

	source = find_source(&n, merge, new);
	/* There deltas show what there is to know, and a few bytes of a delta may be a
	 * folder that takes a second to read. */
	return source && !(source->kind == PACKMERGE_RUNS && source->has_deltas) &&
	       versions_replace(&merge->versions,
				find_source(&n, merge, old) ? old : NULL, new, path);
}

bool packmerge_is_later(const struct packmerge *merge, const uint8_t id[OBJECT_ID])
{
	uint32_t n = versions_find(&merge->versions, id);

	return n != VERSIONS_NONE &&
	       merge->versions.group[merge->versions.version[n].group].first != n;
}

/* --- whether an object is what it is said to be --- */

/*
 * What is copied is not read: that its CRC is that of the index is enough for git, too. But a
 * stranger's index can give one object the id of another. That stays what it was, but it must
 * not take the place of a good copy in another pack, nor may a delta get another base than it
 * was made of. So these are read.
 */

/* More than this need not be kept twice: objects_read keeps bases, too. */
#define CHECKED_LARGE ((size_t)1 << 20)

/* Whether object `n` of the pack is of its id. */
static int check_id(struct packmerge *merge, struct source *source, uint32_t n,
		    struct err *err)
{
	const uint8_t *id = packindex_id(&source->index, n);
	char hex[OBJECT_HEX + 1];
	uint8_t actual[OBJECT_ID];
	enum object_type type;
	bool good;

	if (source->checked && source->checked[n]) {
		return 0;
	}
	if (!merge->unpack) {
		merge->unpack = unpack_new();
	}
	good = unpack_read(&merge->check, &type, merge->unpack, &source->index,
			   packindex_offset(&source->index, n), OBJECT_MAX, NULL) == 0;
	if (good) {
		object_hash(actual, type, merge->check.data, merge->check.len);
		good = memcmp(actual, id, OBJECT_ID) == 0;
	}
	if (merge->check.len > CHECKED_LARGE) {
		unpack_forget(merge->unpack);
	}
	buf_empty(&merge->check);
	if (!good) {
		object_hex(hex, id);
		return err_set(err, ERR_FAIL, "object %s in %s is damaged", hex,
			       source->name);
	}
	if (!source->checked) {
		source->checked = xzalloc(source->index.count);
	}
	source->checked[n] = true;
	return 0;
}

/* Checks an object that is in another pack, too. */
static int check_twin(struct packmerge *merge, const struct stored *stored,
		      struct err *err)
{
	struct source *source = stored->source;
	uint32_t n;

	/* Packs that were asked before do not have it. */
	for (size_t i = (size_t)(source - merge->source);
	     source->kind != PACKMERGE_MADE && i-- > 0;) {
		if (packindex_find(&n, &merge->source[i].index, stored->id)) {
			return check_id(merge, source, stored->place.n, err);
		}
	}
	return 0;
}

/* Checks that the base of a delta, object `n` of its pack, is what was written as number `at`
 * under the base's id. */
static int check_base(struct packmerge *merge, struct source *source, uint32_t n,
		      uint32_t at, struct err *err)
{
	return source->written[n] == at && merge->placed[at].copied
		       ? 0
		       : check_id(merge, source, n, err);
}

/* --- writing one object --- */

/* Adds the object as `bytes`, its form in a pack, to the new pack. */
static int write_bytes(struct packmerge *merge, const struct stored *stored,
		       struct placed placed, uint32_t crc, const void *bytes, size_t len,
		       struct err *err)
{
	size_t pack, n = merge->count++;

	packfile_next(&pack, merge->packs);
	placed.pack = (uint16_t)pack;
	memcpy(merge->entry[n].id, stored->id, OBJECT_ID);
	merge->entry[n].crc = crc;
	merge->placed[n] = placed;
	stored->source->written[stored->place.n] = (uint32_t)n;
	return packfile_add(merge->packs, merge->entry, n, bytes, len, err);
}

/* Adds the object as it was put into merge->bytes. */
static int write_made(struct packmerge *merge, const struct stored *stored,
		      struct placed placed, struct err *err)
{
	return write_bytes(merge, stored, placed,
			   object_crc(merge->bytes.data, merge->bytes.len),
			   merge->bytes.data, merge->bytes.len, err);
}

static int check_crc(const struct stored *stored, struct err *err)
{
	return object_crc(stored->bytes, stored->place.len) ==
			       packindex_crc(&stored->source->index, stored->place.n)
		       ? 0
		       : damaged(stored, err);
}

/* The number of an object among those in the pack that is being written; NONE: it is not
 * there. */
static uint32_t find_written(const struct packmerge *merge, const uint8_t *id)
{
	uint32_t n, at = NONE;
	const struct source *source = find_source(&n, merge, id);
	size_t pack;

	packfile_next(&pack, merge->packs);
	if (source) {
		at = source->written[n];
	}
	return at != NONE && merge->placed[at].pack == pack ? at : NONE;
}

/* How far before the next object the object `n` begins. */
static size_t distance_to(const struct packmerge *merge, uint32_t n)
{
	size_t pack;

	return packfile_next(&pack, merge->packs) - merge->entry[n].offset;
}

/* Copies an object as it stands, or with its base where that is now. *done false: it has more
 * than `most` deltas on its way, or its base is not there. */
static int copy(struct packmerge *merge, bool *done, const struct stored *stored,
		unsigned most, struct err *err)
{
	struct placed placed = {.copied = true};
	struct packindex_place base;
	uint32_t n = NONE;
	int rc = check_crc(stored, err);

	rc = rc ? rc : check_twin(merge, stored, err);
	*done = !rc && !is_delta(stored);
	if (*done) {
		return write_bytes(merge, stored, placed,
				   packindex_crc(&stored->source->index, stored->place.n),
				   stored->bytes, stored->place.len, err);
	}
	if (!rc && stored->base &&
	    packindex_place_at(&base, &stored->source->index, stored->source->order,
			       stored->base)) {
		n = find_written(merge, packindex_id(&stored->source->index, base.n));
	}
	*done = n != NONE && merge->placed[n].depth < most;
	rc = rc || !*done ? rc : check_base(merge, stored->source, base.n, n, err);
	if (rc || !*done) {
		return rc;
	}
	buf_clear(&merge->bytes);
	object_head_add(&merge->bytes, stored->head.size, distance_to(merge, n));
	buf_add(&merge->bytes, stored->bytes + stored->head.len,
		stored->place.len - stored->head.len);
	placed.depth = (uint8_t)(merge->placed[n].depth + 1);
	return write_made(merge, stored, placed, err);
}

/* The size of the body. */
static int measure(size_t *size, const struct packmerge *merge,
		   const struct stored *stored, struct err *err)
{
	enum object_type type;

	*size = stored->head.size;
	return is_delta(stored)
		       ? objects_head(size, &type, merge->objects, stored->id, err)
		       : 0;
}

static int read_object(struct buf *body, enum object_type *type,
		       const struct packmerge *merge, const uint8_t *id, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	struct err why = {0};
	int rc;

	buf_clear(body);
	rc = objects_read(body, type, merge->objects, id, &why);
	object_hex(hex, id);
	return rc ? err_set(err, ERR_FAIL, "object %s is damaged: %s", hex,
			    rc == ERR_NOTFOUND ? "it is missing" : why.msg)
		  : 0;
}

static int write_whole(struct packmerge *merge, const struct stored *stored,
		       struct err *err)
{
	enum object_type type;
	bool done;
	int rc;

	if (!is_delta(stored)) {
		return copy(merge, &done, stored, 0, err);
	}
	merge->body.version = NONE;
	rc = read_object(&merge->body.bytes, &type, merge, stored->id, err);
	if (rc) {
		return rc;
	}
	buf_clear(&merge->bytes);
	object_pack(&merge->bytes, merge->deflater, type, merge->body.bytes.data,
		    merge->body.bytes.len);
	return write_made(merge, stored, (struct placed){0}, err);
}

/* --- the versions of a path --- */

static const uint8_t *id_of(const struct packmerge *merge, uint32_t version)
{
	return merge->versions.version[version].id;
}

static int read_version(struct packmerge *merge, struct body *body, uint32_t version,
			struct err *err)
{
	int rc;

	if (body->version == version) {
		return 0;
	}
	body->version = NONE;
	rc = read_object(&body->bytes, &body->type, merge, id_of(merge, version), err);
	body->version = rc ? NONE : version;
	return rc;
}

/* Reads the base, and indexes it. It is often the version that was read last. */
static int read_base(struct packmerge *merge, uint32_t version, struct err *err)
{
	int rc;

	if (merge->body.version == version && merge->base.version != version) {
		struct body swap = merge->base;

		merge->base = merge->body;
		merge->body = swap;
		merge->indexed = NONE;
	}
	rc = read_version(merge, &merge->base, version, err);
	if (!rc && merge->indexed != version) {
		delta_index(&merge->index, merge->base.bytes.data, merge->base.bytes.len);
		merge->indexed = version;
	}
	return rc;
}

/* Makes the delta of two versions, of at most `most` bytes, and applies it again, as nothing
 * but the delta will be left. *made false: it would be larger. */
static int make_delta(struct packmerge *merge, bool *made, uint32_t base,
		      uint32_t version, size_t most, struct err *err)
{
	const struct buf *old = &merge->base.bytes, *new = &merge->body.bytes;
	size_t from, to;
	const uint8_t *at;
	int rc = read_base(merge, base, err);

	*made = false;
	rc = rc ? rc : read_version(merge, &merge->body, version, err);
	if (rc || merge->base.type != merge->body.type) {
		return rc;
	}
	buf_clear(&merge->delta);
	*made = delta_make(&merge->delta, &merge->index, new->data, new->len, most);
	if (!*made) {
		return 0;
	}
	at = delta_sizes(&from, &to, merge->delta.data, merge->delta.len);
	if (!at || from != old->len || to != new->len ||
	    !delta_apply(&merge->check, old->data, from, at,
			 (const uint8_t *)merge->delta.data + merge->delta.len, to) ||
	    memcmp(merge->check.data, new->data, to) != 0) {
		return err_set(err, ERR_FAIL, "a delta does not give its object back");
	}
	return 0;
}

/* Versions that are written one after the other; of all but the first, the base is one of
 * them. */
struct run {
	uint32_t start; /* in merge->member */
	size_t size;    /* of the first body */
	bool large;
};
/* What a reader of a version reads first is the first one: it may have so many times the size,
 * if it is large. */
#define FIRST_TIMES 4

/* Writes member `n` as a new delta. *done false: that does not pay, or the base is not where
 * it has to be. */
static int write_delta(struct packmerge *merge, bool *done, const struct run *run,
		       const struct stored *stored, uint32_t n, unsigned most,
		       struct err *err)
{
	uint32_t base =
		merge->member[run->start + versions_base(n - run->start, run->large)];
	uint32_t at = find_written(merge, id_of(merge, base));
	size_t size, base_size, whole;
	struct placed placed = {0};
	struct stored other;
	int rc;

	*done = false;
	if (at == NONE || merge->placed[at].depth >= most) {
		return 0;
	}
	rc = find_stored(&other, merge, id_of(merge, base), err);
	rc = rc ? rc : measure(&base_size, merge, &other, err);
	rc = rc ? rc : measure(&size, merge, stored, err);
	if (rc || size > DELTA_BODY_MAX || base_size > DELTA_BODY_MAX ||
	    (run->large && run->size / FIRST_TIMES > size)) {
		return rc;
	}
	/* A body deflates to a third or so. */
	whole = is_delta(stored) ? size / 3 : stored->place.len;
	rc = make_delta(merge, done, base, merge->member[n], whole, err);
	if (rc || !*done) {
		return rc;
	}
	buf_clear(&merge->bytes);
	object_pack_delta(&merge->bytes, merge->deflater, distance_to(merge, at),
			  &merge->delta);
	placed.depth = (uint8_t)(merge->placed[at].depth + 1);
	*done = merge->bytes.len <= PAYS_OF(whole);
	return *done ? write_made(merge, stored, placed, err) : 0;
}

static int write_member(struct packmerge *merge, struct run *run, uint32_t n,
			struct err *err)
{
	unsigned most = run->large ? DEPTH_LARGE_MAX : DEPTH_MAX;
	struct stored stored;
	bool done = false;
	int rc = find_stored(&stored, merge, id_of(merge, merge->member[n]), err);

	if (!rc && (n == 0 || is_delta(&stored))) {
		rc = copy(merge, &done, &stored, n ? most : DEPTH_MAX, err);
	}
	if (!rc && !done && n > run->start &&
	    (run->large || n - run->start < VERSIONS_SMALL_MAX)) {
		rc = write_delta(merge, &done, run, &stored, n, most, err);
	}
	if (rc || (done && n)) {
		return rc;
	}
	/* The first one, or one that has no use for the others: a new beginning. */
	run->start = n;
	rc = measure(&run->size, merge, &stored, err);
	run->large = run->size >= VERSIONS_LARGE;
	return rc || done ? rc : write_whole(merge, &stored, err);
}

static int write_group(struct packmerge *merge, const struct version_group *group,
		       struct err *err)
{
	struct run run = {0};
	uint32_t version = group->first;
	int rc = 0;

	if (group->count > merge->member_cap) {
		merge->member_cap = group->count;
		merge->member = xreallocarray(merge->member, merge->member_cap,
					      sizeof(*merge->member));
	}
	for (uint32_t n = 0; n < group->count; n++) {
		merge->member[n] = version;
		version = merge->versions.version[version].next;
	}
	for (uint32_t n = 0; !rc && n < group->count; n++) {
		rc = write_member(merge, &run, n, err);
	}
	return rc;
}

/* --- all of it --- */

/* Writes an object, or the group of its versions, unless that is done or it is taken from
 * another pack. */
static int write_one(struct packmerge *merge, struct source *source,
		     struct packindex_place place, struct err *err)
{
	struct stored stored;
	uint32_t n;
	bool done;
	int rc = look(&stored, source, place, err);

	if (rc || source->written[place.n] != NONE ||
	    find_source(&n, merge, stored.id) != source) {
		return rc;
	}
	n = versions_find(&merge->versions, stored.id);
	if (n != VERSIONS_NONE) {
		struct version_group *group =
			&merge->versions.group[merge->versions.version[n].group];
		bool first = !group->done;

		group->done = true;
		return first ? write_group(merge, group, err) : 0;
	}
	rc = copy(merge, &done, &stored, DEPTH_MAX, err);
	return rc || done ? rc : write_whole(merge, &stored, err);
}

/* Writes what the delta is made of, down to a whole object, if that stands behind it: git
 * ends a fetched pack so. Without it, each delta became a whole object. */
static int write_bases(struct packmerge *merge, const struct stored *delta,
		       struct err *err)
{
	struct source *source = delta->source;
	struct packindex_place base[DEPTH_MAX];
	struct stored at = *delta;
	unsigned count = 0;
	int rc = 0;

	while (!rc && count < DEPTH_MAX && at.base &&
	       packindex_place_at(&base[count], &source->index, source->order, at.base) &&
	       source->written[base[count].n] == NONE) {
		rc = look(&at, source, base[count++], err);
	}
	while (!rc && count) {
		rc = write_one(merge, source, base[--count], err);
	}
	return rc;
}

static int write_object(struct packmerge *merge, struct source *source, uint32_t i,
			struct err *err)
{
	struct packindex_place place = packindex_place(&source->index, source->order, i);
	struct stored first;
	uint32_t n;
	int rc = 0;

	if (source->written[place.n] != NONE || is_gone(source, place.n)) {
		return 0;
	}
	n = versions_find(&merge->versions, packindex_id(&source->index, place.n));
	if (n == VERSIONS_NONE) {
		rc = look(&first, source, place, err);
	} else {
		n = merge->versions.group[merge->versions.version[n].group].first;
		rc = find_stored(&first, merge, id_of(merge, n), err);
	}
	rc = rc ? rc : write_bases(merge, &first, err);
	return rc ? rc : write_one(merge, source, place, err);
}

int packmerge_make(struct packmerge *merge, uint64_t *count, struct buf *names,
		   struct err *err)
{
	size_t objects = 0;
	int rc = 0;

	for (size_t i = 0; i < merge->sources; i++) {
		struct source *source = &merge->source[i];
		size_t bytes = source->index.count * sizeof(*source->written);

		source->written = xmalloc(bytes + 1);
		memset(source->written, 0xff, bytes); /* NONE */
		objects += source->index.count;
	}
	merge->entry = xreallocarray(NULL, objects + 1, sizeof(*merge->entry));
	merge->placed = xreallocarray(NULL, objects + 1, sizeof(*merge->placed));
	merge->deflater = object_deflater_new();
	for (size_t i = merge->sources; !rc && i-- > 0;) {
		for (uint32_t n = 0; !rc && n < merge->source[i].index.count; n++) {
			rc = write_object(merge, &merge->source[i], n, err);
		}
	}
	*count = merge->count;
	return rc ? rc
		  : packfile_seal(merge->packs, merge->entry, merge->count, names, err);
}

int packmerge_install(struct packmerge *merge, struct err *err)
{
	return packfile_install(merge->packs, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/reach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/base/hex.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/tree/tree.h"

/*
 * Two neighbours in history have nearly all entries of their trees in common. So the ids that
 * were seen last are kept in a slot each, which spares a search in all packs for each entry of
 * each tree of each snapshot.
 */
#define SLOTS ((size_t)1 << 18)

struct source {
	struct packindex index;
	uint8_t *reached; /* by object: 1 */
};

/* An object that was found, but not read yet. */
struct item {
	uint8_t id[OBJECT_ID];
	enum object_type type; /* 0: unknown */
};

struct reach {
	struct snapshot_repo *repo;
	struct packset set;
	struct source *source; /* of each pack of the set */
	size_t last;           /* the pack in which the last object was found */
	uint8_t *loose;        /* ids, sorted */
	uint8_t *loose_reached;
	size_t loose_count, loose_cap;
	uint64_t loose_bytes;
	uint8_t (*slot)[OBJECT_ID];
	struct item *todo;
	size_t count, cap;
};

/* --- what there is --- */

static int open_packs(struct reach *reach, struct err *err)
{
	struct buf dir = {0};
	int rc;

	buf_addf(&dir, "%s/objects/pack", reach->repo->path);
	rc = packset_read_all(&reach->set, dir.data, err);
	if (!rc) {
		reach->source = xzalloc((reach->set.count + 1) * sizeof(*reach->source));
	}
	for (size_t i = 0; !rc && i < reach->set.count; i++) {
		struct source *source = &reach->source[i];

		rc = packindex_open(&source->index, dir.data, reach->set.pack[i].name,
				    err);
		if (!rc) {
			source->reached = xzalloc((size_t)source->index.count + 1);
		}
	}
	buf_release(&dir);
	return rc;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_ID);
}

static void add_loose(struct reach *reach, const char *folder, const char *name, int fd)
{
	char hex[OBJECT_HEX + 1];
	struct stat st;
	uint8_t *id;

	if (strlen(name) != OBJECT_HEX - 2) {
		return;
	}
	memcpy(hex, folder, 2);
	memcpy(hex + 2, name, OBJECT_HEX - 1);
	reach->loose =
		xgrow(reach->loose, reach->loose_count, &reach->loose_cap, OBJECT_ID);
	id = reach->loose + reach->loose_count * OBJECT_ID;
	if (object_unhex(id, hex) && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		reach->loose_count++;
		reach->loose_bytes += (uint64_t)st.st_size;
	}
}

static int list_loose(struct reach *reach, struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	for (unsigned first = 0; !rc && first < 256; first++) {
		struct dirent *entry;
		char folder[3];
		DIR *dir;

		snprintf(folder, sizeof(folder), "%02x", first);
		buf_clear(&path);
		buf_addf(&path, "%s/objects/%s", reach->repo->path, folder);
		dir = opendir(path.data);
		if (!dir && errno != ENOENT) {
			rc = err_sys(err, "cannot open folder '%s'", path.data);
		}
		while (dir && (entry = readdir(dir))) {
			add_loose(reach, folder, entry->d_name, dirfd(dir));
		}
		if (dir) {
			closedir(dir);
		}
	}
	if (reach->loose_count) {
		qsort(reach->loose, reach->loose_count, OBJECT_ID, compare_ids);
	}
	reach->loose_reached = xzalloc(reach->loose_count + 1);
	buf_release(&path);
	return rc;
}

int reach_open(struct reach **out, struct snapshot_repo *repo, struct err *err)
{
	struct reach *reach = xzalloc(sizeof(*reach));
	int rc;

	reach->repo = repo;
	reach->slot = xzalloc(SLOTS * OBJECT_ID);
	rc = open_packs(reach, err);
	rc = rc ? rc : list_loose(reach, err);
	if (rc) {
		reach_close(reach);
		reach = NULL;
	}
	*out = reach;
	return rc;
}

void reach_close(struct reach *reach)
{
	if (!reach) {
		return;
	}
	for (size_t i = 0; reach->source && i < reach->set.count; i++) {
		packindex_close(&reach->source[i].index);
		free(reach->source[i].reached);
	}
	packset_release(&reach->set);
	free(reach->source);
	free(reach->loose);
	free(reach->loose_reached);
	free(reach->slot);
	free(reach->todo);
	free(reach);
}

/* --- reaching --- */

/* The pack that was asked last is asked first. Returns its number; the count of packs: none
 * has the object. */
static size_t find(uint32_t *n, const struct reach *reach, const uint8_t *id)
{
	for (size_t i = 0; i < reach->set.count; i++) {
		size_t which = (reach->last + i) % reach->set.count;

		if (packindex_find(n, &reach->source[which].index, id)) {
			return which;
		}
	}
	return reach->set.count;
}

static uint8_t *find_loose(const struct reach *reach, const uint8_t *id)
{
	const uint8_t *at = reach->loose_count
				    ? bsearch(id, reach->loose, reach->loose_count,
					      OBJECT_ID, compare_ids)
				    : NULL;

	return at ? reach->loose_reached + (size_t)(at - reach->loose) / OBJECT_ID : NULL;
}

/* Marks every copy. *fresh: none was marked before. False: there is no such object. */
static bool mark(bool *fresh, struct reach *reach, const uint8_t *id)
{
	uint8_t *loose = find_loose(reach, id);
	uint32_t n;
	size_t first = find(&n, reach, id);
	bool packed = first < reach->set.count;

	*fresh = packed ? !reach->source[first].reached[n] : loose && !*loose;
	if (*fresh && loose) {
		*loose = 1;
	}
	for (size_t i = 0; *fresh && i < reach->set.count; i++) {
		if (packindex_find(&n, &reach->source[i].index, id)) {
			reach->source[i].reached[n] = 1;
		}
	}
	reach->last = packed ? first : reach->last;
	return packed || loose;
}

static int missing(const struct reach *reach, const uint8_t *id, const uint8_t *in,
		   struct err *err)
{
	char hex[OBJECT_HEX + 1], in_hex[OBJECT_HEX + 1] = "";

	object_hex(hex, id);
	object_hex(in_hex, in);
	return err_set(err, ERR_FAIL,
		       "object %s, which %s needs, is missing from '%s'; restore its "
		       "pack from a copy or a clone",
		       hex, in_hex, reach->repo->path);
}

/* Reaches an object that the object `in` names. */
static int visit(struct reach *reach, const uint8_t *id, enum object_type type,
		 const uint8_t *in, struct err *err)
{
	uint8_t *slot = reach->slot[be32_get(id) % SLOTS];
	bool fresh;

	if (memcmp(slot, id, OBJECT_ID) == 0) {
		return 0;
	}
	if (!mark(&fresh, reach, id)) {
		return missing(reach, id, in, err);
	}
	memcpy(slot, id, OBJECT_ID);
	if (fresh && type != OBJECT_BLOB) {
		reach->todo = xgrow(reach->todo, reach->count, &reach->cap,
				    sizeof(*reach->todo));
		reach->todo[reach->count].type = type;
		memcpy(reach->todo[reach->count++].id, id, OBJECT_ID);
	}
	return 0;
}

static int visit_tree(struct reach *reach, const struct item *item,
		      const struct buf *body, struct err *err)
{
	struct tree_cursor cursor = {.at = body->data, .end = body->data + body->len};
	struct tree_entry entry;
	int rc = 0;

	while (!rc && body->len && tree_next(&cursor, &entry)) {
		/* A submodule's commit is in another repository. */
		if (entry.mode_len != 6 || memcmp(entry.mode, "160000", 6) != 0) {
			rc = visit(reach, entry.id,
				   entry.is_tree ? OBJECT_TREE : OBJECT_BLOB, item->id,
				   err);
		}
	}
	return rc ? rc : tree_end(&cursor, item->id, err);
}

/* Reads "NAME ID" from a line. */
static bool read_line(uint8_t id[OBJECT_ID], const char **at, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(*at, name, len) != 0 || !object_unhex(id, *at + len) ||
	    (*at)[len + OBJECT_HEX] != '\n') {
		return false;
	}
	*at += len + OBJECT_HEX + 1;
	return true;
}

static int malformed(const struct item *item, struct err *err)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, item->id);
	return err_set(err, ERR_INPUT, "object %s is malformed", hex);
}

static int visit_commit(struct reach *reach, const struct item *item,
			const struct buf *body, const struct shallow *shallow,
			struct err *err)
{
	bool cut = shallow_has(shallow, item->id);
	const char *at = body->len ? body->data : "";
	uint8_t id[OBJECT_ID];
	int rc;

	if (!read_line(id, &at, "tree ")) {
		return malformed(item, err);
	}
	rc = visit(reach, id, OBJECT_TREE, item->id, err);
	while (!rc && read_line(id, &at, "parent ")) {
		rc = cut ? 0 : visit(reach, id, OBJECT_COMMIT, item->id, err);
	}
	return rc;
}

static int visit_tag(struct reach *reach, const struct item *item, const struct buf *body,
		     struct err *err)
{
	const char *at = body->len ? body->data : "";
	uint8_t id[OBJECT_ID];

	return read_line(id, &at, "object ") ? visit(reach, id, 0, item->id, err)
					     : malformed(item, err);
}

/* Reads an object, and reaches what it names. A tag may lead to a file. */
static int visit_next(struct reach *reach, const struct shallow *shallow,
		      struct buf *body, struct err *err)
{
	struct item item = reach->todo[--reach->count];
	enum object_type type = item.type;
	size_t size;
	int rc = 0;

	if (!type) {
		rc = objects_head(&size, &type, reach->repo->objects, item.id, err);
	}
	if (rc || type == OBJECT_BLOB) {
		return rc == ERR_NOTFOUND ? missing(reach, item.id, item.id, err) : rc;
	}
	buf_empty(body);
	rc = repo_object(reach->repo, body, item.id, type, err);
	if (rc) {
		return rc;
	}
	return type == OBJECT_TREE     ? visit_tree(reach, &item, body, err)
	       : type == OBJECT_COMMIT ? visit_commit(reach, &item, body, shallow, err)
				       : visit_tag(reach, &item, body, err);
}

int reach_from(struct reach *reach, const uint8_t id[OBJECT_ID],
	       const struct shallow *shallow, struct err *err)
{
	struct buf body = {0};
	int rc = visit(reach, id, 0, id, err);

	while (!rc && reach->count) {
		rc = visit_next(reach, shallow, &body, err);
	}
	buf_release(&body);
	return rc;
}

/* --- what was reached --- */

bool reach_has(const uint8_t id[OBJECT_ID], void *payload)
{
	struct reach *reach = payload;
	uint8_t *loose;
	uint32_t n;
	size_t which = find(&n, reach, id);

	if (which < reach->set.count) {
		reach->last = which;
		return reach->source[which].reached[n];
	}
	loose = find_loose(reach, id);
	return loose && *loose;
}

static void choose(struct reach *reach)
{
	for (size_t i = 0; i < reach->set.count; i++) {
		reach->set.pack[i].chosen = memchr(reach->source[i].reached, 0,
						   reach->source[i].index.count) != NULL;
	}
}

struct packset *reach_packs(struct reach *reach)
{
	choose(reach);
	return &reach->set;
}

static int sum_pack(struct reach_sum *all, struct reach_sum *reached,
		    const struct source *source, const char *name, struct err *err)
{
	uint32_t *order = NULL;
	int rc = packindex_order(&order, &source->index, name, err);

	for (uint32_t i = 0; !rc && i < source->index.count; i++) {
		struct packindex_place place = packindex_place(&source->index, order, i);

		all->objects++;
		all->bytes += place.len;
		reached->objects += source->reached[place.n];
		reached->bytes += source->reached[place.n] ? place.len : 0;
	}
	free(order);
	return rc;
}

int reach_sum(struct reach_sum *all, struct reach_sum *reached, const struct reach *reach,
	      struct err *err)
{
	int rc = 0;

	*all = (struct reach_sum){reach->loose_count, reach->loose_bytes};
	*reached = (struct reach_sum){0};
	for (size_t i = 0; i < reach->loose_count; i++) {
		reached->objects += reach->loose_reached[i];
	}
	for (size_t i = 0; !rc && i < reach->set.count; i++) {
		rc = sum_pack(all, reached, &reach->source[i], reach->set.pack[i].name,
			      err);
	}
	return rc;
}

void reach_loose(const struct reach *reach, struct buf *ids)
{
	uint32_t n;

	for (size_t i = 0; i < reach->loose_count; i++) {
		const uint8_t *id = reach->loose + i * OBJECT_ID;

		if (reach->loose_reached[i] && find(&n, reach, id) == reach->set.count) {
			buf_add(ids, id, OBJECT_ID);
		}
	}
}

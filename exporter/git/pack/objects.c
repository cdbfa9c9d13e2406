/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/objects.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/hex.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/unpack.h"

struct pack {
	char *path; /* without suffix */
	struct packindex index;
	bool is_listed; /* the last listing found it */
};

struct objects {
	pthread_mutex_t lock;
	char *dir; /* ".../objects" */
	/* Each pack stays where it is in memory: `unpack` knows it by its address. */
	struct pack **pack;
	size_t count, cap;
	size_t last; /* the pack in which the last object was found */
	struct unpack *unpack;
	struct buf path; /* scratch */
	/* With `looked`: the folders of loose objects that there were, by the first byte of
	 * their ids. */
	bool looked, loose[256];
};

/* --- listing --- */

static struct pack *find_pack(const struct objects *objects, const char *path)
{
	for (size_t i = 0; i < objects->count; i++) {
		if (strcmp(objects->pack[i]->path, path) == 0) {
			return objects->pack[i];
		}
	}
	return NULL;
}

static void close_pack(struct pack *pack)
{
	packindex_close(&pack->index);
	free(pack->path);
	free(pack);
}

static void open_pack(struct objects *objects, const char *dir, const char *name)
{
	struct pack *pack = xzalloc(sizeof(*pack));
	struct err ignored;

	if (packindex_map(&pack->index, dir, name, &ignored)) {
		free(pack);
		return;
	}
	pack->path = xstrdup(objects->path.data);
	pack->is_listed = true;
	objects->pack = xgrow(objects->pack, objects->count, &objects->cap,
			      sizeof(*objects->pack));
	objects->pack[objects->count++] = pack;
}

/* Drops those of the packs from `first` on whose indexes are damaged. */
static void check(struct objects *objects, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < objects->count; i++) {
		if (packindex_check(&objects->pack[i]->index)) {
			objects->pack[kept++] = objects->pack[i];
		} else {
			close_pack(objects->pack[i]);
		}
	}
	objects->count = kept;
}

/* Opens packs that are new. False: the folder cannot be read. */
static bool list(struct objects *objects)
{
	size_t known_before = objects->count;
	struct buf folder = {0};
	struct dirent *entry;
	DIR *stream;

	buf_addf(&folder, "%s/pack", objects->dir);
	stream = opendir(folder.data);
	for (size_t i = 0; i < objects->count; i++) {
		objects->pack[i]->is_listed = false;
	}
	while (stream && (entry = readdir(stream))) {
		size_t len = strlen(entry->d_name);
		struct pack *known;

		if (strncmp(entry->d_name, "pack-", 5) != 0 || len < 10 ||
		    strcmp(entry->d_name + len - 4, ".idx") != 0) {
			continue;
		}
		entry->d_name[len - 4] = '\0';
		buf_clear(&objects->path);
		buf_addf(&objects->path, "%s/%s", folder.data, entry->d_name);
		known = find_pack(objects, objects->path.data);
		if (known) {
			known->is_listed = true;
		} else {
			open_pack(objects, folder.data, entry->d_name);
		}
	}
	if (stream) {
		closedir(stream);
	}
	check(objects, known_before);
	buf_release(&folder);
	return stream != NULL;
}

/* Closes the packs that the last listing did not find: what is mapped keeps its space on the
 * disk. */
static void drop_gone(struct objects *objects)
{
	size_t kept = 0;

	for (size_t i = 0; i < objects->count; i++) {
		if (objects->pack[i]->is_listed) {
			objects->pack[kept++] = objects->pack[i];
		} else {
			close_pack(objects->pack[i]);
		}
	}
	if (kept < objects->count) {
		/* It knows packs by their address, which may be used again. */
		unpack_forget(objects->unpack);
		objects->last = 0;
	}
	objects->count = kept;
}

void objects_open(struct objects **out, const char *dir)
{
	struct objects *objects = xzalloc(sizeof(*objects));

	pthread_mutex_init(&objects->lock, NULL);
	objects->dir = xstrdup(dir);
	objects->unpack = unpack_new();
	list(objects);
	*out = objects;
}

void objects_close(struct objects *objects)
{
	if (!objects) {
		return;
	}
	for (size_t i = 0; i < objects->count; i++) {
		close_pack(objects->pack[i]);
	}
	free(objects->dir);
	unpack_free(objects->unpack);
	free(objects->pack);
	buf_release(&objects->path);
	pthread_mutex_destroy(&objects->lock);
	free(objects);
}

void objects_refresh(struct objects *objects)
{
	pthread_mutex_lock(&objects->lock);
	if (list(objects)) {
		drop_gone(objects);
	}
	objects->looked = false;
	pthread_mutex_unlock(&objects->lock);
}

/* --- finding --- */

/* The next pack that has the object, after *tried ones; NULL: none has it. */
static struct pack *find(uint32_t *n, struct objects *objects, size_t *tried,
			 const uint8_t id[OBJECT_ID])
{
	while (*tried < objects->count) {
		size_t which = (objects->last + (*tried)++) % objects->count;

		if (packindex_find(n, &objects->pack[which]->index, id) &&
		    packindex_has_pack(&objects->pack[which]->index)) {
			return objects->pack[which];
		}
	}
	return NULL;
}

/* The file of a loose object. */
static const char *loose_path(struct objects *objects, const uint8_t id[OBJECT_ID])
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, id);
	buf_clear(&objects->path);
	buf_addf(&objects->path, "%s/%.2s/%s", objects->dir, hex, hex + 2);
	return objects->path.data;
}

/* Mostly there are no loose objects: one look spares one for each object of an export. An
 * object that somebody makes later passes for missing until objects_refresh, and is then
 * written once more. */
static bool may_be_loose(struct objects *objects, const uint8_t id[OBJECT_ID])
{
	static const char digit[] = "0123456789abcdef";
	struct dirent *entry;
	DIR *stream = objects->looked ? NULL : opendir(objects->dir);

	while (stream && (entry = readdir(stream))) {
		const char *high = strchr(digit, entry->d_name[0]), *low;

		low = high && *high ? strchr(digit, entry->d_name[1]) : NULL;
		if (low && *low && !entry->d_name[2]) {
			objects->loose[(high - digit) * 16 + (low - digit)] = true;
		}
	}
	if (stream) {
		closedir(stream);
		objects->looked = true;
	}
	return !objects->looked || objects->loose[id[0]];
}

static bool has(struct objects *objects, const uint8_t id[OBJECT_ID])
{
	size_t tried = 0;
	uint32_t n;

	return find(&n, objects, &tried, id) ||
	       (may_be_loose(objects, id) && access(loose_path(objects, id), F_OK) == 0);
}

bool objects_has(struct objects *objects, const uint8_t id[OBJECT_ID])
{
	bool found;

	pthread_mutex_lock(&objects->lock);
	found = has(objects, id);
	pthread_mutex_unlock(&objects->lock);
	return found;
}

/* --- reading --- */

/* Reads one copy. `size` NULL: the body as well, and whether it is of this id. */
static int read_copy(struct buf *body, size_t *size, enum object_type *type,
		     struct objects *objects, const struct pack *pack, uint32_t n,
		     const uint8_t id[OBJECT_ID], struct err *err)
{
	size_t at = packindex_offset(&pack->index, n);
	uint8_t actual[OBJECT_ID];
	int rc = size ? unpack_head(size, type, objects->unpack, &pack->index, at, err)
		      : unpack_read(body, type, objects->unpack, &pack->index, at,
				    OBJECT_MAX, err);

	if (!rc && !size) {
		object_hash(actual, *type, body->data, body->len);
		if (memcmp(actual, id, OBJECT_ID) != 0) {
			rc = err_set(err, ERR_INPUT, "it is another object");
		}
	}
	return rc;
}

static int read_loose(struct buf *body, enum object_type *type, struct objects *objects,
		      const uint8_t id[OBJECT_ID], struct err *err)
{
	uint8_t actual[OBJECT_ID];
	struct err why;
	int rc = unpack_loose(body, type, objects->unpack, loose_path(objects, id), &why);

	if (!rc) {
		object_hash(actual, *type, body->data, body->len);
		rc = memcmp(actual, id, OBJECT_ID) == 0
			     ? 0
			     : err_set(&why, ERR_INPUT, "it is another object");
	}
	/* What a copy in a pack was found to be is not forgotten for a missing file. */
	return rc && rc != ERR_NOTFOUND ? err_set(err, rc, "%s", why.msg) : rc;
}

/* Goes through all copies until one is good. */
static int read_any(struct buf *body, size_t *size, enum object_type *type,
		    struct objects *objects, const uint8_t id[OBJECT_ID], struct err *err)
{
	int rc = ERR_NOTFOUND, loose;
	struct pack *pack;
	size_t tried = 0;
	uint32_t n;

	while (rc && (pack = find(&n, objects, &tried, id))) {
		rc = read_copy(body, size, type, objects, pack, n, id, err);
	}
	if (!rc) {
		objects->last = (objects->last + tried - 1) % objects->count;
		return 0;
	}
	loose = read_loose(body, type, objects, id, err);
	if (!loose && size) {
		*size = body->len;
	}
	return loose == ERR_NOTFOUND ? rc : loose;
}

static int read_twice(struct buf *body, size_t *size, enum object_type *type,
		      struct objects *objects, const uint8_t id[OBJECT_ID],
		      struct err *err)
{
	int rc = read_any(body, size, type, objects, id, err);

	if (rc == ERR_NOTFOUND) {
		list(objects);
		rc = read_any(body, size, type, objects, id, err);
	}
	return rc;
}

int objects_read(struct buf *body, enum object_type *type, struct objects *objects,
		 const uint8_t id[OBJECT_ID], struct err *err)
{
	struct buf made = {0};
	int rc;

	pthread_mutex_lock(&objects->lock);
	rc = read_twice(body->len ? &made : body, NULL, type, objects, id, err);
	pthread_mutex_unlock(&objects->lock);
	if (!rc && made.len) {
		buf_add(body, made.data, made.len);
	}
	buf_release(&made);
	return rc;
}

int objects_head(size_t *size, enum object_type *type, struct objects *objects,
		 const uint8_t id[OBJECT_ID], struct err *err)
{
	struct buf body = {0};
	int rc;

	pthread_mutex_lock(&objects->lock);
	rc = read_twice(&body, size, type, objects, id, err);
	pthread_mutex_unlock(&objects->lock);
	buf_release(&body);
	return rc;
}

/* --- by the first digits --- */

static bool begins_with(const uint8_t id[OBJECT_ID], const uint8_t prefix[OBJECT_ID],
			size_t digits)
{
	return memcmp(id, prefix, digits / 2) == 0 &&
	       (digits % 2 == 0 || id[digits / 2] >> 4 == prefix[digits / 2] >> 4);
}

struct search {
	const uint8_t *prefix;
	size_t digits;
	uint8_t *found;
	int rc; /* ERR_NOTFOUND, 0, or ERR_INPUT: two differ */
};

static void consider(struct search *search, const uint8_t id[OBJECT_ID])
{
	if (search->rc == ERR_NOTFOUND) {
		memcpy(search->found, id, OBJECT_ID);
		search->rc = 0;
	} else if (memcmp(search->found, id, OBJECT_ID) != 0) {
		search->rc = ERR_INPUT;
	}
}

static void search_pack(struct search *search, struct packindex *index)
{
	if (!packindex_has_pack(index)) {
		return;
	}
	for (uint32_t n = packindex_lower(index, search->prefix);
	     search->rc != ERR_INPUT && n < index->count &&
	     begins_with(packindex_id(index, n), search->prefix, search->digits);
	     n++) {
		consider(search, packindex_id(index, n));
	}
}

static void search_loose(struct search *search, const struct objects *objects)
{
	uint8_t id[OBJECT_ID];
	struct buf folder = {0};
	struct dirent *entry;
	DIR *stream;

	buf_addf(&folder, "%s/%02x", objects->dir, search->prefix[0]);
	stream = opendir(folder.data);
	id[0] = search->prefix[0];
	while (stream && (entry = readdir(stream))) {
		if (strlen(entry->d_name) == OBJECT_HEX - 2 &&
		    hex_read(id + 1, OBJECT_ID - 1, entry->d_name) &&
		    begins_with(id, search->prefix, search->digits)) {
			consider(search, id);
		}
	}
	if (stream) {
		closedir(stream);
	}
	buf_release(&folder);
}

int objects_prefix(uint8_t found[OBJECT_ID], struct objects *objects,
		   const uint8_t id[OBJECT_ID], size_t digits)
{
	struct search search = {id, digits, found, ERR_NOTFOUND};

	pthread_mutex_lock(&objects->lock);
	for (size_t i = 0; i < objects->count; i++) {
		search_pack(&search, &objects->pack[i]->index);
	}
	if (digits >= 2) {
		search_loose(&search, objects);
	}
	pthread_mutex_unlock(&objects->lock);
	return search.rc;
}

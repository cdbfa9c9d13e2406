/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/hex.h"
#include "data/base/log.h"
#include "data/base/threads.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/unpack.h"

/* Attempts to list the packs while another process merges them. */
#define TRIES 10
#define BLOCK_BYTES ((size_t)256 << 10)
#define LARGE_BYTES ((size_t)8 << 20) /* larger objects are read one at a time */
#define THREAD_FROM 1000 /* objects of a pack that are worth a second thread */

struct paths {
	char **path;
	size_t count, cap;
};

struct pack {
	struct packindex index;
	const char *path; /* without suffix; in `indexes` */
	uint8_t *state;   /* of each object, by its number: enum state */
};

/* An object's state. LARGE: its thread has left it for later. */
enum state { GOOD, BAD, LARGE };

struct loose {
	uint8_t id[OBJECT_ID];
	bool bad;
};

struct verify_store {
	struct verify_report *report;
	size_t own;             /* bytes of paths before "objects/" */
	char *dir;              /* ".../objects" */
	struct paths indexes;   /* of packs, without their suffix .idx */
	struct paths checksums; /* other files that end with their own SHA-1 */
	struct loose *loose;    /* sorted by id */
	size_t looses, loose_cap;
	struct pack *pack;
	size_t packs, last; /* last: the pack in which the last object was found */
	struct unpack *unpack;
	uint64_t objects;
};

/* --- listing --- */

static void paths_add(struct paths *paths, const char *path, size_t len)
{
	paths->path = xgrow(paths->path, paths->count, &paths->cap, sizeof(*paths->path));
	paths->path[paths->count++] = xmemdup0(path, len);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void paths_sort(struct paths *paths)
{
	if (paths->count) {
		qsort(paths->path, paths->count, sizeof(*paths->path), compare_paths);
	}
}

static void paths_release(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++) {
		free(paths->path[i]);
	}
	free(paths->path);
	*paths = (struct paths){0};
}

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

/* Whether a file, named from objects/ on, ends with its own SHA-1. git ignores a pack
 * without an index, which a writer may leave, but it has a checksum all the same. An
 * index has one too: packindex_open compares it. */
static bool has_checksum(const char *name)
{
	if (begins_with(name, "pack/pack-")) {
		return ends_with(name, ".pack") || ends_with(name, ".rev") ||
		       ends_with(name, ".bitmap") || ends_with(name, ".mtimes");
	}
	return (begins_with(name, "pack/multi-pack-index") &&
		!ends_with(name, ".lock")) ||
	       strcmp(name, "info/commit-graph") == 0 ||
	       (begins_with(name, "info/commit-graphs/") && ends_with(name, ".graph"));
}

static void add_loose(struct verify_store *store, const char *name)
{
	struct loose loose = {0};

	if (strlen(name) != OBJECT_HEX + 1 || name[2] != '/' ||
	    !hex_read(loose.id, 1, name) ||
	    !hex_read(loose.id + 1, OBJECT_ID - 1, name + 3)) {
		return;
	}
	store->loose = xgrow(store->loose, store->looses, &store->loose_cap,
			     sizeof(*store->loose));
	store->loose[store->looses++] = loose;
}

/* Lists the files of one folder in that of the objects. */
static void list_folder(struct verify_store *store, const char *folder)
{
	size_t base = strlen(store->dir) + 1;
	struct buf path = {0};
	struct dirent *entry;
	DIR *dir;

	buf_addf(&path, "%s/%s", store->dir, folder);
	dir = opendir(path.data);
	while (dir && (entry = readdir(dir))) {
		const char *name;

		buf_clear(&path);
		buf_addf(&path, "%s/%s/%s", store->dir, folder, entry->d_name);
		name = path.data + base;
		if (begins_with(name, "pack/pack-") && ends_with(name, ".idx")) {
			paths_add(&store->indexes, path.data, path.len - strlen(".idx"));
		} else if (has_checksum(name)) {
			paths_add(&store->checksums, path.data, path.len);
		} else {
			add_loose(store, name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
}

static int compare_loose(const void *a, const void *b)
{
	const struct loose *left = a, *right = b;

	return memcmp(left->id, right->id, OBJECT_ID);
}

static void list_files(struct verify_store *store)
{
	list_folder(store, "pack");
	list_folder(store, "info");
	list_folder(store, "info/commit-graphs");
	for (unsigned first = 0; first < 256; first++) {
		char folder[3];

		snprintf(folder, sizeof(folder), "%02x", first & 0xff);
		list_folder(store, folder);
	}
	paths_sort(&store->indexes);
	paths_sort(&store->checksums);
	if (store->looses) {
		qsort(store->loose, store->looses, sizeof(*store->loose), compare_loose);
	}
}

/* --- opening --- */

/* The path as people know it: from objects/ on, in the repository's own folder. */
static const char *shown(const struct verify_store *store, const char *path)
{
	size_t len = strlen(store->dir);

	return strncmp(path, store->dir, len) == 0 && path[len] == '/' ? path + store->own
								       : path;
}

static void close_packs(struct verify_store *store)
{
	for (size_t i = 0; i < store->packs; i++) {
		packindex_close(&store->pack[i].index);
		free(store->pack[i].state);
	}
	free(store->pack);
	store->pack = NULL;
	store->packs = 0;
}

/* Opens all packs that were listed. ERR_CHANGED: one is no longer there; in the last
 * attempt that is a failure like any other. */
static int open_packs(struct verify_store *store, bool last)
{
	store->pack = xzalloc((store->indexes.count + 1) * sizeof(*store->pack));
	for (size_t i = 0; i < store->indexes.count; i++) {
		struct pack *pack = &store->pack[store->packs];
		char *path = store->indexes.path[i], *slash = strrchr(path, '/');
		struct err err;
		int rc;

		*slash = '\0';
		rc = packindex_open(&pack->index, path, slash + 1, &err);
		*slash = '/';
		pack->path = path;
		if (rc == ERR_NOTFOUND && !last) {
			return ERR_CHANGED;
		}
		if (rc) {
			verify_report_fail(store->report, shown(store, path), "%s",
					   err.msg);
			continue;
		}
		pack->state = xzalloc(pack->index.count + 1);
		store->packs++;
	}
	return 0;
}

static void forget_files(struct verify_store *store)
{
	close_packs(store);
	paths_release(&store->indexes);
	paths_release(&store->checksums);
	store->looses = 0;
}

int verify_store_open(struct verify_store **out, const char *git_dir,
		      struct verify_report *report, struct err *err)
{
	struct verify_store *store = xzalloc(sizeof(*store));
	struct buf objects = {0};
	struct stat st;
	int rc = 0;

	buf_addf(&objects, "%s/objects", git_dir);
	store->own = strlen(git_dir) + 1;
	store->dir = objects.data;
	store->report = report;
	store->unpack = unpack_new();
	if (stat(objects.data, &st) < 0) {
		rc = err_set(err, ERR_FAIL, "'%s' has no folder 'objects'", git_dir);
		verify_store_close(store);
		store = NULL;
	}
	/* While packs are merged, the objects of one that has gone are in a new one. */
	for (unsigned tries = 1; !rc; tries++) {
		list_files(store);
		if (open_packs(store, tries == TRIES) == 0) {
			break;
		}
		forget_files(store);
	}
	*out = store;
	return rc;
}

void verify_store_close(struct verify_store *store)
{
	if (store) {
		forget_files(store);
		unpack_free(store->unpack);
		free(store->dir);
		free(store->loose);
		free(store);
	}
}

/* --- checking --- */

/* Whether hardly any of a large file is on the disk. Nothing that git writes is like that, and
 * a terabyte of holes would take an hour to hash. */
static bool is_hole(const struct stat *st)
{
	return st->st_size > (64 << 20) && st->st_blocks < st->st_size / 512 / 64;
}

/* Whether the file ends with the SHA-1 of all before. */
static bool has_own_sha1(int fd)
{
	uint8_t *block = xmalloc(BLOCK_BYTES + OBJECT_ID), digest[OBJECT_ID];
	struct sha1_ctx ctx;
	size_t held = 0;
	ssize_t n;

	sha1_init(&ctx);
	/* The last bytes read are held back: they may be the end. */
	while ((n = read(fd, block + held, BLOCK_BYTES)) > 0) {
		held += (size_t)n;
		if (held > OBJECT_ID) {
			sha1_update(&ctx, held - OBJECT_ID, block);
			memmove(block, block + held - OBJECT_ID, OBJECT_ID);
			held = OBJECT_ID;
		}
	}
	sha1_digest(&ctx, OBJECT_ID, digest);
	n = n < 0 || held < OBJECT_ID ? 1 : memcmp(digest, block, OBJECT_ID);
	free(block);
	return n == 0;
}

static void check_file(struct verify_store *store, const char *path)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		return;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || is_hole(&st) ||
	    !has_own_sha1(fd)) {
		verify_report_fail(store->report, shown(store, path),
				   "the file is damaged: it does not end with its SHA-1");
	}
	if (fd >= 0) {
		close(fd);
	}
}

/* Reads an object of at most `most` bytes. BAD: *how says what is wrong with it. */
static enum state find_damage(const char **how, struct unpack *unpack,
			      const struct pack *pack,
			      const struct packindex_place *place, size_t most,
			      struct buf *body, struct err *err)
{
	uint8_t actual[OBJECT_ID];
	enum object_type type;
	int rc;

	*how = NULL;
	if (object_crc(packindex_bytes(&pack->index, place), place->len) !=
	    packindex_crc(&pack->index, place->n)) {
		*how = "the index has another CRC for it";
		return BAD;
	}
	rc = unpack_read(body, &type, unpack, &pack->index, place->at, most, err);
	if (rc) {
		*how = err->msg;
		return rc == ERR_LARGE && most < OBJECT_MAX ? LARGE : BAD;
	}
	object_hash(actual, type, body->data, body->len);
	if (memcmp(actual, packindex_id(&pack->index, place->n), OBJECT_ID) != 0) {
		*how = "it is another object";
	}
	return *how ? BAD : GOOD;
}

/* Some objects of a pack, to be checked by one thread. */
struct part {
	struct pack *pack;
	const uint32_t *order;
	uint32_t from, to; /* in the order */
	struct unpack *unpack;
	struct log_progress *progress; /* NULL: another part has it */
};

static void *check_part(void *payload)
{
	struct part *part = payload;
	struct buf body = {0};
	const char *how;
	struct err err;

	for (uint32_t i = part->from; i < part->to; i++) {
		struct packindex_place place =
			packindex_place(&part->pack->index, part->order, i);

		part->pack->state[place.n] = (uint8_t)find_damage(
			&how, part->unpack, part->pack, &place, LARGE_BYTES, &body, &err);
		if (part->progress) {
			log_progress_step(part->progress, 1);
		}
	}
	buf_release(&body);
	return NULL;
}

/* Marks bad and large objects; in a large pack with a second thread. */
static void check_objects(struct verify_store *store, struct pack *pack,
			  const uint32_t *order, struct log_progress *progress)
{
	uint32_t count = pack->index.count, middle = 0;
	bool threaded = count >= THREAD_FROM && threads_pay();
	struct part first = {pack, order, 0, count, store->unpack, progress};
	struct part second = first;
	pthread_t thread;

	if (threaded) {
		while (middle < count && packindex_offset(&pack->index, order[middle]) <
						 pack->index.pack_len / 2) {
			middle++;
		}
		first.to = middle;
		second = (struct part){pack, order, middle, count, unpack_new(), NULL};
		threaded = threads_start(&thread, check_part, &second);
	}
	check_part(&first);
	if (threaded) {
		pthread_join(thread, NULL);
	} else if (middle) {
		check_part(&second);
	}
	if (middle) {
		log_progress_step(progress, second.to - second.from);
		unpack_free(second.unpack);
	}
}

static void check_pack(struct verify_store *store, struct pack *pack,
		       struct log_progress *progress)
{
	uint32_t *order = NULL;
	struct buf path = {0}, body = {0};
	uint32_t count = pack->index.count;
	struct err err;

	/* Each pack has a hundred failures of its own. */
	verify_report_at(store->report, NULL, 0);
	buf_addf(&path, "%s.pack", shown(store, pack->path));
	if (packindex_order(&order, &pack->index, path.data, &err)) {
		verify_report_fail(store->report, path.data, "%s", err.msg);
		memset(pack->state, BAD, count);
	} else {
		check_objects(store, pack, order, progress);
	}
	for (uint32_t i = 0; order && i < count && !verify_report_is_full(store->report);
	     i++) {
		struct packindex_place place = packindex_place(&pack->index, order, i);
		uint32_t n = place.n;
		char hex[OBJECT_HEX + 1];

		const char *how = NULL;

		/* A bad object is read again, for the message. */
		if (pack->state[n] != GOOD) {
			enum state now = find_damage(&how, store->unpack, pack, &place,
						     OBJECT_MAX, &body, &err);

			pack->state[n] = pack->state[n] == LARGE ? (uint8_t)now : BAD;
			buf_empty(&body);
		}
		store->objects += pack->state[n] == GOOD;
		if (pack->state[n] == BAD) {
			object_hex(hex, packindex_id(&pack->index, n));
			verify_report_fail(store->report, path.data,
					   "object %s, at byte %zu, is damaged: %s", hex,
					   place.at,
					   how ? how : "it changed while it was read");
		}
	}
	free(order);
	buf_release(&path);
	buf_release(&body);
}

static int read_loose(struct buf *body, enum object_type *type,
		      struct verify_store *store, const struct loose *loose,
		      struct buf *path, struct err *err)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, loose->id);
	buf_clear(path);
	buf_addf(path, "%s/%.2s/%s", store->dir, hex, hex + 2);
	return unpack_loose(body, type, store->unpack, path->data, err);
}

static void check_loose(struct verify_store *store, struct loose *loose, struct buf *body,
			struct buf *path)
{
	uint8_t actual[OBJECT_ID];
	enum object_type type;
	struct err err;
	int rc = read_loose(body, &type, store, loose, path, &err);

	if (rc == ERR_NOTFOUND) {
		/* It has been packed meanwhile. */
		return;
	}
	if (!rc) {
		object_hash(actual, type, body->data, body->len);
		loose->bad = memcmp(actual, loose->id, OBJECT_ID) != 0;
	} else {
		loose->bad = true;
	}
	store->objects += !loose->bad;
	if (loose->bad) {
		verify_report_fail(store->report, shown(store, path->data),
				   "the object is damaged: %s",
				   rc ? err.msg : "it is another object");
	}
}

void verify_store_check(struct verify_store *store)
{
	struct buf body = {0}, path = {0};
	struct log_progress progress;
	uint64_t total = store->looses;

	for (size_t i = 0; i < store->packs; i++) {
		total += store->pack[i].index.count;
	}
	log_progress_start(&progress, "reading objects", total);
	for (size_t i = 0; i < store->checksums.count; i++) {
		check_file(store, store->checksums.path[i]);
	}
	for (size_t i = 0; i < store->packs && !verify_report_is_full(store->report);
	     i++) {
		check_pack(store, &store->pack[i], &progress);
	}
	verify_report_at(store->report, NULL, 0);
	for (size_t i = 0; i < store->looses && !verify_report_is_full(store->report);
	     i++) {
		check_loose(store, &store->loose[i], &body, &path);
		log_progress_step(&progress, 1);
	}
	log_progress_end(&progress);
	buf_release(&body);
	buf_release(&path);
}

uint64_t verify_store_objects(const struct verify_store *store)
{
	return store->objects;
}

/* --- reading --- */

/* Where an object is that is not damaged: in a pack, or in a file of its own. */
struct found {
	const struct pack *pack;
	uint32_t n;
	const struct loose *loose;
};

/* Searches the pack that had the last object first. */
static int find(struct found *found, struct verify_store *store,
		const uint8_t id[OBJECT_ID])
{
	struct loose key = {0};
	int rc = ERR_NOTFOUND;

	*found = (struct found){0};
	for (size_t i = 0; i < store->packs; i++) {
		size_t which = (store->last + i) % store->packs;
		const struct pack *pack = &store->pack[which];
		uint32_t n;

		if (packindex_find(&n, &pack->index, id)) {
			if (pack->state[n] == GOOD) {
				*found = (struct found){.pack = pack, .n = n};
				store->last = which;
				return 0;
			}
			rc = ERR_INPUT;
		}
	}
	memcpy(key.id, id, OBJECT_ID);
	found->loose = store->looses ? bsearch(&key, store->loose, store->looses,
					       sizeof(key), compare_loose)
				     : NULL;
	return !found->loose ? rc : found->loose->bad ? ERR_INPUT : 0;
}

int verify_store_look(struct verify_store *store, const uint8_t id[OBJECT_ID])
{
	struct found found;

	return find(&found, store, id);
}

int verify_store_read(struct buf *body, enum object_type *type,
		      struct verify_store *store, const uint8_t id[OBJECT_ID])
{
	struct buf path = {0};
	struct found found;
	struct err err;
	int rc = find(&found, store, id);

	buf_empty(body);
	if (!rc && found.pack) {
		rc = unpack_read(body, type, store->unpack, &found.pack->index,
				 packindex_offset(&found.pack->index, found.n),
				 OBJECT_MAX, &err);
		rc = rc ? ERR_INPUT : 0;
	} else if (!rc) {
		rc = read_loose(body, type, store, found.loose, &path, &err);
	}
	buf_release(&path);
	return rc;
}

size_t verify_store_pack(const struct verify_store *store, const char *name)
{
	size_t from = 0, to = store->packs, len = strlen(name);

	if (!ends_with(name, ".idx")) {
		return VERIFY_STORE_NONE;
	}
	len -= strlen(".idx");
	while (from < to) { /* by their paths, of one folder */
		size_t middle = from + (to - from) / 2;
		const char *own = strrchr(store->pack[middle].path, '/') + 1;
		int order = strncmp(own, name, len);

		order = order ? order : own[len] != '\0';
		if (order == 0) {
			return middle;
		}
		from = order < 0 ? middle + 1 : from;
		to = order < 0 ? to : middle;
	}
	return VERIFY_STORE_NONE;
}

bool verify_store_is_at(const struct verify_store *store, size_t pack,
			const uint8_t id[OBJECT_ID], uint64_t at)
{
	const struct packindex *index = &store->pack[pack].index;
	uint32_t n;

	return packindex_find(&n, index, id) && packindex_offset(index, n) == at;
}

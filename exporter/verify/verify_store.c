/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_store.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/log.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/verify/verify_files.h"
#include "exporter/verify/verify_unpack.h"

/* So many damaged objects of one pack are told one by one. */
#define TOLD_MAX 20
/* So often packs that go while they are opened are looked for again. */
#define TRIES 10

struct pack {
	struct packindex index;
	char *path;   /* for people */
	uint8_t *bad; /* a bit for each object */
	bool deltas;  /* it has some */
};

struct verify_store {
	struct verify_report *report;
	struct verify_files files;
	struct pack *pack;
	size_t packs, last; /* last: the pack that had what was asked for last */
	struct verify_unpack *unpack;
	uint64_t objects;
};

/* --- opening --- */

static void close_packs(struct verify_store *store)
{
	for (size_t i = 0; i < store->packs; i++) {
		packindex_close(&store->pack[i].index);
		free(store->pack[i].path);
		free(store->pack[i].bad);
	}
	free(store->pack);
	store->pack = NULL;
	store->packs = 0;
}

static int open_pack(struct pack *pack, const struct verify_files *files,
		     const struct verify_file *file, struct err *err)
{
	struct buf path = {0};
	int rc = packindex_open(&pack->index, files->dir[file->dir], file->name, err);

	if (!rc) {
		verify_files_path(&path, files, file->dir, file->name);
		buf_addstr(&path, ".pack");
		pack->path = path.data;
		pack->bad = xzalloc(pack->index.count / 8 + 1);
	}
	return rc;
}

/* Opens what was listed. ERR_CHANGED: a pack has gone since; with `last` that is a
 * failure like any other. */
static int open_packs(struct verify_store *store, bool last)
{
	const struct verify_files *files = &store->files;
	struct buf path = {0};
	int rc = 0;

	store->pack = xzalloc((files->packs + 1) * sizeof(*store->pack));
	for (size_t i = 0; rc != ERR_CHANGED && i < files->packs; i++) {
		const struct verify_file *file = &files->pack[i];
		struct err err;

		rc = open_pack(&store->pack[store->packs], files, file, &err);
		if (rc == ERR_NOTFOUND && !last) {
			rc = ERR_CHANGED;
		} else if (rc) {
			verify_files_path(&path, files, file->dir, file->name);
			verify_report_fail(store->report, path.data, "%s", err.msg);
		} else {
			store->packs++;
		}
	}
	buf_release(&path);
	return rc == ERR_CHANGED ? rc : 0;
}

int verify_store_open(struct verify_store **out, const char *git_dir,
		      struct verify_report *report, struct err *err)
{
	struct verify_store *store = xzalloc(sizeof(*store));
	unsigned tries = 0;
	int rc;

	store->report = report;
	store->unpack = verify_unpack_new();
	/* Somebody may be merging packs: what has gone is in one that has come. */
	do {
		close_packs(store);
		verify_files_release(&store->files);
		rc = verify_files_list(&store->files, git_dir, err);
	} while (!rc && open_packs(store, ++tries == TRIES) == ERR_CHANGED);
	if (rc) {
		verify_store_close(store);
		store = NULL;
	}
	*out = store;
	return rc;
}

void verify_store_close(struct verify_store *store)
{
	if (store) {
		close_packs(store);
		verify_files_release(&store->files);
		verify_unpack_free(store->unpack);
		free(store);
	}
}

/* --- checking --- */

static bool is_bad(const struct pack *pack, uint32_t n)
{
	return pack->bad[n / 8] >> n % 8 & 1;
}

/* Marks an object as damaged, and tells it. */
static void mark_bad(struct verify_store *store, struct pack *pack,
		     const struct packindex_place *place, uint64_t *told, const char *how)
{
	char hex[OBJECT_HEX + 1];

	pack->bad[place->n / 8] |= (uint8_t)(1 << place->n % 8);
	if ((*told)++ < TOLD_MAX) {
		object_hex(hex, packindex_id(&pack->index, place->n));
		verify_report_fail(store->report, pack->path,
				   "object %s, at byte %zu, is damaged: %s", hex,
				   place->at, how);
	}
}

static void check_object(struct verify_store *store, struct pack *pack,
			 const struct packindex_place *place, struct buf *body,
			 uint64_t *told)
{
	uint8_t actual[OBJECT_ID];
	enum object_type type;
	struct err err;

	if (object_crc(packindex_bytes(&pack->index, place), place->len) !=
	    packindex_crc(&pack->index, place->n)) {
		mark_bad(store, pack, place, told, "the index has another CRC of it");
		return;
	}
	if (verify_unpack_read(body, &type, store->unpack, &pack->index, place->at,
			       pack->deltas, &err)) {
		mark_bad(store, pack, place, told, err.msg);
		return;
	}
	object_hash(actual, type, body->data, body->len);
	if (memcmp(actual, packindex_id(&pack->index, place->n), OBJECT_ID) != 0) {
		mark_bad(store, pack, place, told, "it is another object");
		return;
	}
	store->objects++;
}

static void check_pack(struct verify_store *store, struct pack *pack,
		       struct log_progress *progress)
{
	struct packindex_place *place = NULL;
	struct buf body = {0};
	uint64_t told = 0;
	struct err err;

	if (packindex_check(&pack->index, pack->path, &err)) {
		verify_report_fail(store->report, pack->path,
				   "the pack does not have its own SHA-1");
	}
	if (packindex_places(&place, &pack->index, pack->path, &err)) {
		verify_report_fail(store->report, "", "%s", err.msg);
		memset(pack->bad, 0xff, pack->index.count / 8 + 1);
		return;
	}
	for (uint32_t i = 0; i < pack->index.count; i++) {
		pack->deltas |= packindex_is_delta(&pack->index, &place[i]);
	}
	for (uint32_t i = 0; i < pack->index.count; i++) {
		check_object(store, pack, &place[i], &body, &told);
		log_progress_step(progress, 1);
	}
	if (told > TOLD_MAX) {
		verify_report_fail(store->report, pack->path,
				   "%" PRIu64 " more objects are damaged",
				   told - TOLD_MAX);
	}
	free(place);
	buf_release(&body);
}

static int read_loose(struct buf *body, enum object_type *type,
		      struct verify_store *store, const struct verify_loose *loose,
		      struct err *err)
{
	char name[OBJECT_HEX + 2];
	struct buf path = {0};
	int rc;

	verify_files_loose_name(name, loose);
	buf_addf(&path, "%s/%s", store->files.dir[loose->dir], name);
	rc = verify_unpack_loose(body, type, store->unpack, path.data, err);
	buf_release(&path);
	return rc;
}

static void check_loose(struct verify_store *store, struct verify_loose *loose,
			struct buf *body)
{
	struct buf path = {0};
	uint8_t actual[OBJECT_ID];
	char name[OBJECT_HEX + 2];
	enum object_type type;
	struct err err;
	int rc = read_loose(body, &type, store, loose, &err);

	if (rc == ERR_NOTFOUND) {
		/* Packed meanwhile. */
		return;
	}
	if (!rc) {
		object_hash(actual, type, body->data, body->len);
	}
	if (!rc && memcmp(actual, loose->id, OBJECT_ID) == 0) {
		store->objects++;
		return;
	}
	loose->bad = true;
	verify_files_loose_name(name, loose);
	verify_files_path(&path, &store->files, loose->dir, name);
	verify_report_fail(store->report, path.data, "the object is damaged: %s",
			   rc ? err.msg : "it is another object");
	buf_release(&path);
}

void verify_store_check(struct verify_store *store)
{
	struct buf body = {0};
	struct log_progress progress;
	uint64_t total = store->files.looses;

	for (size_t i = 0; i < store->packs; i++) {
		total += store->pack[i].index.count;
	}
	log_progress_start(&progress, "reading objects", total);
	verify_files_check(&store->files, store->report);
	for (size_t i = 0; i < store->packs; i++) {
		check_pack(store, &store->pack[i], &progress);
	}
	for (size_t i = 0; i < store->files.looses; i++) {
		check_loose(store, &store->files.loose[i], &body);
		log_progress_step(&progress, 1);
	}
	log_progress_end(&progress);
	buf_release(&body);
}

uint64_t verify_store_objects(const struct verify_store *store)
{
	return store->objects;
}

/* --- reading --- */

/* Finds the object in the packs, the one that had the last first. */
static struct pack *find_packed(uint32_t *n, bool *damaged, struct verify_store *store,
				const uint8_t id[OBJECT_ID])
{
	for (size_t i = 0; i < store->packs; i++) {
		size_t which = (store->last + i) % store->packs;
		struct pack *pack = &store->pack[which];

		if (packindex_find(n, &pack->index, id)) {
			if (!is_bad(pack, *n)) {
				store->last = which;
				return pack;
			}
			*damaged = true;
		}
	}
	return NULL;
}

int verify_store_look(struct verify_store *store, const uint8_t id[OBJECT_ID])
{
	const struct verify_loose *loose;
	bool damaged = false;
	uint32_t n;

	if (find_packed(&n, &damaged, store, id)) {
		return 0;
	}
	loose = verify_files_find(&store->files, id);
	if (loose && !loose->bad) {
		return 0;
	}
	return loose || damaged ? ERR_INPUT : ERR_NOTFOUND;
}

int verify_store_read(struct buf *body, enum object_type *type,
		      struct verify_store *store, const uint8_t id[OBJECT_ID])
{
	const struct verify_loose *loose;
	int rc = verify_store_look(store, id);
	bool damaged;
	struct pack *pack;
	struct err err;
	uint32_t n;

	buf_clear(body);
	if (rc) {
		return rc;
	}
	pack = find_packed(&n, &damaged, store, id);
	if (pack) {
		rc = verify_unpack_read(body, type, store->unpack, &pack->index,
					packindex_offset(&pack->index, n), pack->deltas,
					&err);
		return rc ? ERR_INPUT : 0;
	}
	loose = verify_files_find(&store->files, id);
	return loose ? read_loose(body, type, store, loose, &err) : ERR_NOTFOUND;
}

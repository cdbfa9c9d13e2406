/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_store.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"

static bool known(const uint8_t id[OBJECT_ID], void *payload)
{
	return repo_has(payload, id);
}

void erase_store_open(struct erase_store *store, struct snapshot_repo *repo, bool dry)
{
	struct buf dir = {0};

	*store = (struct erase_store){.repo = repo, .history = history_new(repo)};
	store->bodies.dir = dry ? file_temp_folder() : snapshot_path(repo);
	buf_addf(&dir, "%s/objects/pack", snapshot_path(repo));
	pack_open(&store->pack, dry ? NULL : dir.data, dry ? 0 : repo->threads, known,
		  repo);
	buf_release(&dir);
}

void erase_store_close(struct erase_store *store)
{
	pack_close(store->pack);
	history_free(store->history);
	digest_keep_close(store->known);
	spill_release(&store->bodies);
	hash_release(&store->table);
	free(store->object);
	*store = (struct erase_store){0};
}

static const struct erase_store_object *find(const struct erase_store *store,
					     const uint8_t id[OBJECT_ID], uint32_t hash)
{
	size_t at = 0;
	uint32_t n;

	while ((n = hash_next(&store->table, hash, &at))) {
		if (memcmp(store->object[n - 1].id, id, OBJECT_ID) == 0) {
			return &store->object[n - 1];
		}
	}
	return NULL;
}

/* Keeps bytes under the id. */
static void keep(struct erase_store *store, const uint8_t id[OBJECT_ID], uint32_t hash,
		 const void *bytes, size_t len)
{
	struct erase_store_object object = {.at = spill_length(&store->bodies),
					    .len = (uint32_t)len};

	memcpy(object.id, id, OBJECT_ID);
	spill_add(&store->bodies, bytes, len);
	store->object = xgrow(store->object, store->table.count, &store->cap,
			      sizeof(*store->object));
	store->object[store->table.count] = object;
	hash_add(&store->table, hash, (uint32_t)store->table.count + 1);
}

void erase_store_add(struct erase_store *store, uint8_t id[OBJECT_ID],
		     enum object_type type, const void *body, size_t len)
{
	uint8_t sha256[DIGEST_ID];
	uint32_t hash;

	if (pack_add_id(store->pack, id, type, body, len) == PACK_KNOWN) {
		return;
	}
	hash = hash_bytes(id, OBJECT_ID, 0);
	if (type == OBJECT_TREE) {
		keep(store, id, hash, body, len);
	} else if (type == OBJECT_BLOB && store->digests) {
		digest_object(sha256, OBJECT_BLOB, body, len);
		keep(store, id, hash, sha256, sizeof(sha256));
	}
}

int erase_store_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err)
{
	struct erase_store *store = payload;
	const struct tree_store *trees = history_trees(store->history);
	const struct erase_store_object *new =
		find(store, id, hash_bytes(id, OBJECT_ID, 0));

	return new ? spill_read(&store->bodies, body, new->at, new->len, err)
		   : trees->read(body, id, trees->payload, err);
}

void erase_store_write(uint8_t id[OBJECT_ID], const void *body, size_t len, void *payload)
{
	erase_store_add(payload, id, OBJECT_TREE, body, len);
}

int erase_store_sha256(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		       void *payload, struct err *err)
{
	struct erase_store *store = payload;
	const struct erase_store_object *new =
		find(store, id, hash_bytes(id, OBJECT_ID, 0));
	struct buf bytes = {0};
	int rc;

	if (!new && store->known &&
	    digest_keep_get(sha256, store->known, id, NULL) == 0) {
		return 0;
	}
	rc = new ? spill_read(&store->bodies, &bytes, new->at, new->len, err)
		 : repo_object(store->repo, &bytes, id, OBJECT_BLOB, err);

	if (!rc && new) {
		memcpy(sha256, bytes.data, DIGEST_ID);
	} else if (!rc) {
		digest_object(sha256, OBJECT_BLOB, bytes.data, bytes.len);
	}
	buf_release(&bytes);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_STORE_H
#define EXPORTER_ERASE_ERASE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/hash.h"
#include "exporter/evidence/digest.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/pack/spill.h"
#include "exporter/git/repo.h"

/*
 * erase_store - the objects of an erasure: those of the repository, and the new ones, which are
 * in packs that cannot be read yet. So new trees are also kept in a file without a name, and of
 * new blobs their SHA-256 is, for the digest of signed snapshots.
 *
 * Memory: about 100 bytes for each new tree and blob, the pack's own included.
 */
struct erase_store {
	struct snapshot_repo *repo;
	struct history *history; /* the cache of old trees */
	struct pack *pack;
	struct digest_keep *known;     /* SHA-256 of old objects; NULL: none */
	struct erase_records *records; /* for the caller */
	bool digests;                  /* keep the SHA-256 of new blobs */
	struct spill bodies;           /* of new trees, and the SHA-256 of new blobs */
	struct erase_store_object {
		uint8_t id[OBJECT_ID];
		uint32_t len;
		uint64_t at;
	} * object;
	size_t cap;
	struct hash table; /* of numbers in `object`, less 1 */
};

/* `dry`: nothing is written. The repository is open for writing, or for reading if dry. */
void erase_store_open(struct erase_store *store, struct snapshot_repo *repo, bool dry);
void erase_store_close(struct erase_store *store);

/* Adds an object that the repository may have already. Failures stick in the pack. */
void erase_store_add(struct erase_store *store, uint8_t id[OBJECT_ID],
		     enum object_type type, const void *body, size_t len);
/* The function `read` of a tree_store, whose payload is the erase_store; and its `write`. */
int erase_store_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err);
void erase_store_write(uint8_t id[OBJECT_ID], const void *body, size_t len,
		       void *payload);
/* For digest_source. */
int erase_store_sha256(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		       void *payload, struct err *err);

#endif

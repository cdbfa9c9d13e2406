/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_DIGEST_H
#define EXPORTER_EVIDENCE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/digest_keep.h"
#include "exporter/git/pack/object.h"

/*
 * digest - the SHA-256 of a whole snapshot, so that its signature does not rest on
 * git's SHA-1. It is the id that git itself gives the tree in a SHA-256 repository:
 *
 *	blob: SHA-256 of "blob LENGTH\0" and the file's bytes
 *	tree: SHA-256 of "tree LENGTH\0" and, for each entry in git's order,
 *	      "MODE NAME\0" and the 32 bytes of the entry's own SHA-256
 *
 * LENGTH is in decimal and counts what follows the NUL; MODE is as the tree has it
 * (100644 for a file, 40000 for a folder). The message of a signed snapshot has
 * that of its root tree in the trailer Albumen-Tree-SHA256, in lower case hex.
 *
 * A calculator keeps the SHA-256 of each object by its SHA-1 (digest_keep.h). Of another
 * snapshot it reads only what it has not seen: the folders on the way to a change, and the
 * changed files.
 *
 *	digest_open(&digest, NULL, err);
 *	for each snapshot, in any order:
 *		digest_tree(sha256, digest, &source, tree, err);
 *	digest_close(digest);
 */

#define DIGEST_HEX 64
#define DIGEST_TRAILER "Albumen-Tree-SHA256"

/* DIGEST_HEX lower case digits and a NUL. */
void digest_hex(char hex[DIGEST_HEX + 1], const uint8_t sha256[DIGEST_ID]);

/* The SHA-256 of a blob or tree by its body; of a tree, its body as a SHA-256
 * repository has it. */
void digest_object(uint8_t sha256[DIGEST_ID], enum object_type type, const void *body,
		   size_t len);

/* Where the objects are. */
struct digest_source {
	/* Appends the (SHA-1) body of the tree `id`: tree_store's `read`. */
	int (*tree)(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		    struct err *err);
	/* The SHA-256 of the blob `id`. */
	int (*blob)(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID], void *payload,
		    struct err *err);
	void *payload;
};

struct digest;

/* The folder in a repository in which calculators keep what they have computed. */
#define DIGEST_FOLDER "albumen-exporter.digests"

/* Opens a calculator. `dir` is a folder that keeps what it computes for the next process
 * (digest_keep_open); NULL: nothing is known at first, nor kept. */
int digest_open(struct digest **out, const char *dir, struct err *err);
/* The same for a process that does not hold the repository's lock: digest_keep_open_reader. */
void digest_open_reader(struct digest **out, const char *dir);
/* Saves what was computed since the last time, if there is a folder. */
int digest_save(struct digest *digest, struct err *err);
/* NULL is allowed. What was not saved is computed again the next time. */
void digest_close(struct digest *digest);

/* Computes the SHA-256 of the tree `tree`, and keeps it. ERR_INPUT: it is no tree, or
 * has a submodule, which no snapshot has. */
int digest_tree(uint8_t sha256[DIGEST_ID], struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		struct err *err);
/* Appends the body that the tree of the folder `path` ("" for the root, "api/v1/") has in a
 * SHA-256 repository. */
int digest_body(struct buf *body, struct digest *digest,
		const struct digest_source *source, const uint8_t tree[OBJECT_ID],
		const char *path, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as trees that name each other, compared, searched, and merged with edits. The
 * input is cut at each "\n\n" into the bodies of up to 32 trees; the first byte of an id
 * says which tree it is of, so that a tree may be below itself. What must hold:
 *
 * - a walk that asks which paths may be there ends, and reads each tree for a shard once;
 * - it finds only what fits, in the order of trees, and by its path each of that again;
 * - a merge ends, and its tree holds the edits.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/git/tree/tree.h"
#include "exporter/snapshot/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREES_MAX 32
/* Each walk may read the root, the folders on the way to shards, 65,536 shards of a kind in
 * theory; of 32 trees of this size far fewer fit. */
#define READS_MAX 100000

struct world {
	struct buf tree[TREES_MAX];
	size_t count, reads;
	const uint8_t *root;
	struct buf last, made;
};

static struct err err;

static void must(bool condition)
{
	if (!condition) {
		abort();
	}
}

static int read_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *why)
{
	struct world *world = payload;

	must(++world->reads < READS_MAX);
	if (id[0] == 0xff && world->made.len) {
		buf_add(body, world->made.data, world->made.len);
		return 0;
	}
	if (id[0] % TREES_MAX >= world->count) {
		return err_set(why, ERR_INPUT, "there is no such tree");
	}
	buf_add(body, world->tree[id[0] % TREES_MAX].data,
		world->tree[id[0] % TREES_MAX].len);
	return 0;
}

/* Of all that is written, only the root, the last, is kept. */
static void write_tree(uint8_t id[OBJECT_ID], const void *body, size_t len, void *payload)
{
	struct world *world = payload;

	buf_clear(&world->made);
	buf_add(&world->made, body, len);
	memset(id, 0xff, OBJECT_ID);
}

static const uint8_t *blob_id(uint32_t object, void *payload)
{
	static const uint8_t blob[OBJECT_ID] = {0x42};

	(void)object;
	(void)payload;
	return blob;
}

static int see(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
	       void *payload)
{
	struct world *world = payload;

	must(old_blob || new_blob);
	must(!response_walk_fault(path, false));
	must(!world->last.len || strcmp(world->last.data, path) < 0);
	buf_clear(&world->last);
	buf_addstr(&world->last, path);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t id[2][OBJECT_ID] = {{0}, {1}};
	struct world world = {.root = id[0]};
	struct tree_store store = {.read = read_tree,
				   .write = write_tree,
				   .object = blob_id,
				   .fault = response_walk_fault,
				   .payload = &world};
	const char *at = (const char *)data, *end = at + size;
	uint8_t blob[OBJECT_ID], root[OBJECT_ID];
	struct tree_delta delta;
	struct edits edits = {0};

	while (at < end && world.count < TREES_MAX) {
		const char *cut = memmem(at, (size_t)(end - at), "\n\n", 2);
		const char *stop = cut ? cut : end;

		buf_add(&world.tree[world.count++], at, (size_t)(stop - at));
		at = cut ? cut + 2 : end;
	}
	tree_diff(&store, response_walk_fault, NULL, id[0], see, &world, &err);
	buf_clear(&world.last);
	world.reads = 0;
	tree_diff(&store, response_walk_fault, id[0], id[1], see, &world, &err);
	tree_find(blob, &store, id[0], "api/v1/tag_images/2f/94/N.json", &err);
	edits_add(&edits, "api/v1/tag_images/2f/94/N.json", 1, &err);
	edits_add(&edits, "audit/x", EDITS_REMOVE, &err);
	edits_sort(&edits);
	world.reads = 0;
	for (int fresh = 0; fresh < 2; fresh++) {
		tree_merge(root, &store, id[0], &edits, fresh, &delta, &err);
	}
	edits_release(&edits);
	for (size_t i = 0; i < world.count; i++) {
		buf_release(&world.tree[i]);
	}
	buf_release(&world.last);
	buf_release(&world.made);
	return 0;
}

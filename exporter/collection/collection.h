/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COLLECTION_COLLECTION_H
#define EXPORTER_COLLECTION_COLLECTION_H

#include <stddef.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * collection - every live tag image of a snapshot in one array, by (created_at,
 * id): what `GET api/v1/tag_images` answers without image_ids[]. Made of the
 * snapshot's own files, so any snapshot has it, whatever the index is at by now.
 * Costs the whole data: that is why it is asked for by --collections.
 */

#define COLLECTION_PATH "api/v1/tag_images.json"

/* Hands the tree's collection to `sink` piece by piece, once all of it was found to
 * be good. Memory: about 90 bytes a tag image. ERR_INPUT: a file of the snapshot is
 * not what albumen writes. */
typedef void collection_sink(const void *bytes, size_t len, void *payload);
int collection_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		    collection_sink *sink, void *payload, struct err *err);

#endif

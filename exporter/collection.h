/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COLLECTION_H
#define EXPORTER_COLLECTION_H

#include "data/base/err.h"
#include "exporter/place.h"
#include "exporter/snapshot.h"

/*
 * collection - every live tag image of a snapshot in one array, by (created_at,
 * id): what `GET api/v1/tag_images` answers without image_ids[]. Made of the
 * snapshot's own files, so any snapshot has it, whatever the index is at by now.
 * Costs the whole data: that is why it is asked for by --collections.
 */

#define COLLECTION_PATH "api/v1/tag_images.json"

/* Writes COLLECTION_PATH of the tree. Memory: about 90 bytes a tag image. After a
 * failure the place is to be closed. ERR_INPUT: a file of the snapshot is not
 * what albumen writes. */
int collection_write(struct place *place, struct snapshot_repo *repo,
		     const struct snapshot_id *tree, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COLLECTION_COLLECTION_H
#define EXPORTER_COLLECTION_COLLECTION_H

#include <stddef.h>

#include "data/base/err.h"
#include "data/format/record.h"
#include "exporter/git/snapshot.h"
#include "exporter/snapshot/response.h"

/*
 * collection - the responses that are collected from all files of one snapshot (the rows of
 * response_table with `collected`), in order of (created_at, id). They are made of the
 * snapshot's own files, so any snapshot has them, whatever the index is at by now. Each is
 * one pass over the snapshot and an external sort of what it holds: a site has them only
 * where --collections asks for it.
 */

/* Takes the files of a row, one after the other. */
struct collection_sink {
	/* `id`: what `*` stands for in the row's path; empty where it has none. */
	int (*begin)(const struct record_id *id, void *payload, struct err *err);
	int (*write)(const void *bytes, size_t len, void *payload, struct err *err);
	int (*end)(void *payload, struct err *err);
	void *payload;
};

/* Hands all files of the row to the sink, once all of them were found to be good.
 * `folder` takes temporary files without a name. Memory: about 40 MiB.
 * ERR_INPUT: a file of the snapshot is not what albumen writes. */
int collection_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		    const struct response *row, const char *folder,
		    const struct collection_sink *sink, struct err *err);

#endif

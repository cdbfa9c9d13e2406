/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COLLECTION_COLLECTION_H
#define EXPORTER_COLLECTION_COLLECTION_H

#include <stdbool.h>

#include "data/base/err.h"
#include "data/format/record.h"
#include "exporter/git/snapshot.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"

/*
 * collection - the responses that are collected from all files of one snapshot (the rows of
 * response_table with `collected`), in order of (created_at, id). They are made of the
 * snapshot's own files, so any snapshot has them, whatever the index is at by now. They cost
 * one pass over the snapshot and an external sort of what it holds: a site has them only
 * where --collections asks for it.
 */

/* Says which of those rows it wants, and takes their files, one after the other. */
struct collection_sink {
	bool (*wants)(const struct response *row, void *payload);
	/* `id`: what `*` stands for in the row's path; empty where it has none. `whole`:
	 * false if it would lack records of a response that is oversize; then nothing is
	 * written to it, and `end` is not called. */
	int (*begin)(const struct response *row, const struct record_id *id, bool whole,
		     void *payload, struct err *err);
	int (*write)(const void *bytes, size_t len, void *payload, struct err *err);
	int (*end)(void *payload, struct err *err);
	void *payload;
};

/* Hands all files of the rows to the sink, once all of them were found to be good: all that
 * the sink wants are collected in one pass. `oversize` (NULL: nothing) is what the snapshot
 * does not have: it is not known which records that would add, but each tag's file counts its
 * tag images. `folder` takes temporary files without a name. Memory: about 40 MiB.
 * ERR_INPUT: a file of the snapshot is not what albumen writes. */
int collection_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		    const struct oversize *oversize, const char *folder,
		    const struct collection_sink *sink, struct err *err);

#endif

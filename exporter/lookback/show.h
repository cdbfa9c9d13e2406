/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_SHOW_H
#define EXPORTER_LOOKBACK_SHOW_H

#include <stddef.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/request.h"

/*
 * show - the body that a request was answered with when a snapshot was the last one,
 * byte for byte: read from the snapshot, and put together as the edge does it.
 *
 *	request_read(&request, "/api/v1/albums/885999a5/images/untag", err);
 *	show_body(repo, &info.tree, &request, sink, payload, err);
 *
 * Costs what it prints, and a few trees for each id; tag images of all images cost
 * the whole snapshot.
 */

/* Takes the next bytes of the body. */
typedef void show_sink(const void *bytes, size_t len, void *payload);

/* ERR_NOTFOUND, quietly: nothing was answered. `sink` is called only where there is
 * a body, and a body that ends early is a failure. */
int show_body(struct snapshot_repo *repo, const struct snapshot_id *tree,
	      const struct request *request, show_sink *sink, void *payload,
	      struct err *err);

#endif

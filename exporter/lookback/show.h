/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_SHOW_H
#define EXPORTER_LOOKBACK_SHOW_H

#include <stddef.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/request.h"

/*
 * show - the body with which a request was answered while a snapshot was the last one,
 * byte for byte: read from the snapshot, and joined as the edge joins it.
 *
 *	request_read(&request, "/api/v1/albums/885999a5/images/untag", err);
 *	show_body(repo, &info.tree, &request, sink, payload, err);
 *
 * Costs what it prints, and a few trees for each id; a collected response costs the
 * whole snapshot.
 */

/* Takes the next bytes of the body. */
typedef void show_sink(const void *bytes, size_t len, void *payload);

/* ERR_NOTFOUND (no message): there was no answer. ERR_LARGE: the snapshot does not have the
 * body, or one of those that are joined or collected, as it is too large (oversize.h). Calls
 * `sink` only if there is a body; if the body ends early, returns an error. */
int show_body(struct snapshot_repo *repo, const struct snapshot_info *info,
	      const struct request *request, show_sink *sink, void *payload,
	      struct err *err);

#endif

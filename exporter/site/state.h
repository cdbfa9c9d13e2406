/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_STATE_H
#define EXPORTER_SITE_STATE_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/page_site.h"

/*
 * state - snapshot.json, by which a site says what it is at (CONTRACT.md, section 5).
 *
 *	state_read(&state, "site");
 *	if (strcmp(state.commit.hex, info.commit.hex) != 0) { ...
 *		state_write(&text, &info, collections, mark);
 */

#define STATE_FILE "snapshot.json"

/* All zero where the file is absent, or none of ours. */
struct state {
	struct snapshot_id commit, tree;
	bool collections;
	char mark[PAGE_SITE_MARK + 1]; /* of the audit page; "": there is none */
};

void state_read(struct state *out, const char *site);
/* Appends the file's text. The commit alone decides, so that a snapshot is the same
 * wherever it is published. */
void state_write(struct buf *out, const struct snapshot_info *info, bool collections,
		 const char *mark);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_STATE_H
#define EXPORTER_SITE_STATE_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/page_site.h"
#include "exporter/site/place.h"

/*
 * state - snapshot.json, the file that says which snapshot a site is at (albumen(7)).
 *
 *	state_read(&state, place, err);
 *	if (strcmp(state.commit.hex, info.commit.hex) != 0) { ...
 *		state_write(&text, &info, collections, mark);
 *
 * To add a member, print it in state_write. If publish has to read it again, add it to
 * struct state and state_read, too. albumen(7), "SITE", lists the members, and
 * tests/unit/exporter/test_site.c has the whole text.
 */

/* What publish reads. All zero if the file is missing or not ours. */
struct state {
	struct snapshot_id commit, tree;
	bool collections;
	char mark[PAGE_SITE_MARK + 1]; /* of the audit page; "": there is none */
};

int state_read(struct state *out, struct place *place, struct err *err);
/* Appends the text of the file. It depends on the snapshot and the options alone, so a
 * snapshot gives the same bytes wherever it is published. */
void state_write(struct buf *out, const struct snapshot_info *info, bool collections,
		 const char *mark);

#endif

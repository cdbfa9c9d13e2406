/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REFSWAP_H
#define EXPORTER_GIT_REFSWAP_H

#include <stddef.h>

#include "data/base/err.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/repo.h"
#include "exporter/git/repo_note.h"

/*
 * refswap - moves, makes and removes several references at once, and with them the file
 * `shallow`. A reader sees all of them before or all of them afterwards, and so does whoever
 * comes after a kill or a power loss.
 *
 * How: under git's own locks all references are packed as they are, and their files are
 * removed, so that the file packed-refs alone says where each is. Then one rename replaces
 * packed-refs. A note (repo_note.h) lets the next writer complete or undo the rest:
 *
 *	packs get their names	(nothing refers to them yet)
 *	packed-refs, as it was	durable; then the references' own files go
 *	shallow			gains those of its new lines that name new objects, which
 *				means nothing to the old history
 *	packed-refs		THE CHANGE
 *	shallow			becomes what it should be
 *
 * The caller holds the writer's lock, and has begun no edit.
 */

struct refswap_move {
	const char *name; /* "refs/tags/x" */
	const char *from; /* an id in hex; "": there is no such reference yet */
	const char *to;   /* "": it goes */
};

struct refswap {
	struct pack *pack; /* what is new; NULL: nothing */
	/* At least one. The first, a branch or tag, must change and not go: by it recovery
	 * tells whether the swap was done. */
	const struct refswap_move *move;
	size_t count;
	/* The new file `shallow`: an id in each line, or "" for none. NULL: it stays. */
	const char *shallow;
};

/* ERR_CHANGED: a reference is not at `from`; ERR_LOCKED: another program holds a lock of
 * git's. Then nothing has changed. After any other failure recovery decides when the
 * repository is locked the next time. */
int refswap_run(struct snapshot_repo *repo, const struct refswap *swap, struct err *err);

/* Completes or undoes the swap of this note, all but its packs. *done: it was done. For
 * advance_recover. */
int refswap_recover(bool *done, struct snapshot_repo *repo, const struct repo_note *note,
		    struct err *err);

#endif

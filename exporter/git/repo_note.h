/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_NOTE_H
#define EXPORTER_GIT_REPO_NOTE_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * repo_note - the file albumen-exporter.packs, in which a writer notes what it is about to
 * do until that is done. The next writer completes or undoes what it says, and removes
 * no other packs than those that it names.
 *
 * A note with a reference: packs get their names, then the reference moves from `from` to
 * `to`, then the folder of the reference is flushed. If the reference is still at `from`,
 * nothing refers to the packs, and they are removed. If it is at `to`, it may not be
 * durable, and is written again.
 * A note with a swap (refswap.h): the reference is one of those that move at once, with
 * packed-refs, and then `shallow` changes. If it is still at `from`, `shallow` is put back,
 * else it is brought to what it should be. This note is flushed.
 * A note without a reference: packs come and go that hold the same objects. Those without
 * an index are removed.
 *
 * A note with a single reference is not flushed, because that would slow down each change. It
 * survives a kill. After a power loss it may be missing or cut short, and is then ignored:
 * the reference is where the disk has it, and a pack that nothing refers to, perhaps
 * without its index, stays. That is untidy but sound. A note without a reference is durable
 * before the first pack is removed.
 */
struct repo_note {
	struct buf ref;            /* empty: packs only */
	char from[OBJECT_HEX + 1]; /* "": there is no such reference yet */
	char to[OBJECT_HEX + 1];
	struct buf packs; /* names, a newline after each */
	bool swap;
	/* With swap: the file `shallow` before and afterwards; empty: there is none. */
	struct buf shallow_from, shallow_to;
};

int repo_note_write(const char *path, const struct repo_note *note, struct err *err);
/* ERR_NOTFOUND (no message): there is no note. A note that was cut short is empty. */
int repo_note_read(struct repo_note *out, const char *path, struct err *err);
bool repo_note_exists(const char *path);
void repo_note_release(struct repo_note *note);

/* Cuts a list of packs to those that the repository does not have yet: a pack that it has
 * is not ours to remove, wherever the reference is. */
void repo_note_only_new(struct buf *packs, const char *path);
/* Makes a `.keep` beside each pack: git's own mark for a pack that nothing refers to yet
 * and that `git repack` must not drop. */
int repo_note_keep(const char *path, const char *packs, struct err *err);

enum repo_note_flags {
	REPO_NOTE_PACKS = 1 << 0, /* remove all packs of the note */
	REPO_NOTE_KEEP = 1 << 1,  /* remove what repo_note_keep made */
};
/* Removes the note, and first those of `packs` that have no index. */
int repo_note_remove(const char *path, const char *packs, unsigned flags,
		     struct err *err);

#endif

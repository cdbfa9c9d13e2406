/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REFLIST_H
#define EXPORTER_GIT_REFLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "exporter/git/repo.h"

/*
 * reflist - all references of a repository at once, in files of their own and packed, and the
 * text of the file packed-refs.
 *
 *	struct reflist list = {0};
 *
 *	rc = reflist_read(&list, repo, err);
 *	reflist_find(&list, "refs/heads/main")
 *	reflist_release(&list);
 */

struct reflist_ref {
	char *name;               /* "refs/heads/main" */
	char id[OBJECT_HEX + 1];  /* what it names */
	char end[OBJECT_HEX + 1]; /* what the tag leads to; "" where `id` is no tag */
	bool loose;               /* it has a file of its own */
};

/* Sorted by the bytes of the names. Zeroed is empty. */
struct reflist {
	struct reflist_ref *ref;
	size_t count, cap;
};

/* Reads them, without HEAD. A symbolic reference leads to another one, and is left out. Where
 * both exist, the file of its own counts. ERR_INPUT: one cannot be read; it must not be lost,
 * nor what it led to. */
int reflist_read(struct reflist *out, struct snapshot_repo *repo, struct err *err);
struct reflist_ref *reflist_find(const struct reflist *list, const char *name);
/* Adds the reference, or changes it; "" for `id` removes it. What it leads to is looked up. */
int reflist_set(struct reflist *list, struct snapshot_repo *repo, const char *name,
		const char *id, struct err *err);
/* Whether they name the same. */
bool reflist_is_same(const struct reflist *a, const struct reflist *b);
/* Appends the text of packed-refs. */
void reflist_print(struct buf *out, const struct reflist *list);
void reflist_release(struct reflist *list);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_COMMITS_H
#define EXPORTER_ERASE_ERASE_COMMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/hash.h"
#include "exporter/git/reflist.h"
#include "exporter/git/repo.h"

/*
 * erase_commits - the snapshots that an erasure goes through, each after its parent, and what
 * becomes of them.
 */

#define ERASE_NONE UINT32_MAX

struct erase_commit {
	uint8_t old[OBJECT_ID], new[OBJECT_ID];
	uint8_t old_tree[OBJECT_ID], new_tree[OBJECT_ID];
	uint64_t number; /* of the snapshot; 0: it is none of ours */
	uint32_t
		parent; /* among the commits; ERASE_NONE: there is none, or the repository
			  * does not have it */
	bool is_root;   /* it has no parent at all */
};

/* A line of snapshots: [from, to). */
struct erase_line {
	uint32_t from, to;
};

struct erase_commits {
	struct erase_commit *commit;
	uint32_t count;
	/* The first one is main's; the others are what only labels lead to. */
	struct erase_line *line;
	size_t lines;
	/* Private. */
	size_t cap, line_cap;
	struct hash table;
};

/* Lists main's line and those of the labels. ERR_REFUSED: a commit has several parents, or a
 * label leads to no commit. */
int erase_commits_list(struct erase_commits *out, struct snapshot_repo *repo,
		       const struct reflist *refs, struct err *err);
/* The commit that had this id, or ERASE_NONE. */
uint32_t erase_commits_find(const struct erase_commits *commits,
			    const uint8_t old[OBJECT_ID]);
void erase_commits_release(struct erase_commits *commits);

/* Finds, for each reference but main and labels, the commits of main's line that it reaches.
 * *last is the latest of them, and *name the reference; ERASE_NONE: none does. */
int erase_commits_reached(uint32_t *last, const char **name,
			  const struct erase_commits *commits, struct snapshot_repo *repo,
			  const struct reflist *refs, struct err *err);

#endif

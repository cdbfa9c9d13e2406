/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_LINE_H
#define EXPORTER_VERIFY_VERIFY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/evidence/declared.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_line - reads the commits of main as one line, from the tip back to the first
 * one. That has no parent, or a label declares that the history begins with it. Then the
 * snapshots that are held, of before, belong to the line, too: each by itself, but all of one
 * history, so that its numbers and times grow.
 */

/* The head of a commit or tag object. */
struct verify_commit {
	uint8_t id[OBJECT_ID];
	uint8_t tree[OBJECT_ID];   /* of a tag: what it is of */
	uint8_t parent[OBJECT_ID]; /* the first, if it has any */
	unsigned parents;
	int64_t time_s;  /* of the committer or tagger */
	uint64_t number; /* in the line: 1 for the first snapshot of all */
	bool is_signed;
	bool is_read; /* the ids above are set */
};

struct verify_line {
	struct verify_commit *commit; /* the oldest first */
	size_t count, cap;
	size_t held; /* so many at the beginning are held, and no part of main */
	bool cut;    /* the first snapshots of main are missing */
};

/* Reads the line, up to a commit that cannot be read or to the declared beginning (NULL: none
 * is declared). Numbers it. */
void verify_line_read(struct verify_line *line, struct verify_store *store,
		      struct verify_report *report, const uint8_t tip[OBJECT_ID],
		      const struct declared_pruned *begin);
void verify_line_release(struct verify_line *line);

/* Where the commit stands in the line; line->count: it does not. */
size_t verify_line_find(const struct verify_line *line, const uint8_t id[OBJECT_ID]);

/* Reads the head of a commit, or of a tag (`type`). *message points into the body.
 * Returns NULL, or a static string that says what is wrong. */
const char *verify_commit_parse(struct verify_commit *out, const char **message,
				enum object_type type, const struct buf *body);

/* Reads a commit, and what its message says of itself: its number, or 0. *message points into
 * *body; "" if there is none. As verify_store_read; what is wrong with it besides is
 * not reported. */
int verify_commit_read(struct verify_commit *out, const char **message, struct buf *body,
		       struct verify_store *store, const uint8_t id[OBJECT_ID]);

#endif

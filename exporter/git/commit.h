/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_COMMIT_H
#define EXPORTER_GIT_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/git/pack/object.h"

/*
 * commit - the body of a commit, as bytes. libgit2's own commits cost several times as
 * much, and its cache would hold every commit that a walk has passed.
 */

#define COMMIT_AUTHOR "albumen-exporter <albumen@localhost>"

struct commit {
	uint8_t tree[OBJECT_ID];
	uint8_t parent[OBJECT_ID]; /* the first one; if has_parent */
	bool has_parent;
	int64_t time_s;      /* committer time, Unix seconds */
	const char *message; /* commit_parse: borrowed from the body */
};

/* False: git does not write commits like that. */
bool commit_parse(struct commit *out, const struct buf *body);
/* Appends the body of a commit by COMMIT_AUTHOR, in UTC. */
void commit_write(struct buf *body, const struct commit *commit);

/* The trailers of a commit message, which are the lines of its last paragraph. */
struct commit_trailers {
	const char *at, *end; /* borrowed from the message */
};
struct commit_trailers commit_trailers(const char *message);
/* Sets *value to that of the next trailer `name` ("Albumen-Drop"). False: there is no
 * other one. */
bool commit_trailers_next(struct commit_trailers *trailers, const char *name,
			  struct buf *value);
/* Appends the value of the last trailer `name` ("Albumen-Sequence"). ERR_NOTFOUND (no
 * message). */
int commit_trailer(const char *message, const char *name, struct buf *value);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_INPUT_H
#define INDEXER_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/claim.h"

/*
 * input - one metadata file, read through a window that moves on and grows only
 * as far as one record asks for. Knows lines and columns, and whether the file
 * stayed as it was while it was read.
 *
 *	struct input in = {.fd = -1};
 *	input_open(&in, rootfd, path, err);
 *	input_more(&in, err) until enough of it stands in input_at(&in);
 *	input_skip(&in, n);	(done with n bytes)
 *	input_is_steady(&in)
 *	input_close(&in);
 *
 * A closed one keeps its memory for the next file.
 */
struct input {
	int fd; /* -1: closed */
	char *data;
	size_t begin, end, cap; /* the window: data[begin .. end) */
	uint64_t base;          /* offset in the file of data[0] */
	bool eof;               /* the window reaches to the end of the file */
	struct claim_file file; /* as it was when it was opened */
	bool regular;
	/* Line counting: line `line` begins at `line_at`, all up to `counted` was
	 * looked at (both offsets in the file). */
	uint64_t line, line_at, counted;
};

/* The stat values that tell an unchanged file; the rest of *out is zeroed. */
struct stat;
void input_stat(struct claim_file *out, const struct stat *st);
/* True where both have the same stat values. */
bool input_same(const struct claim_file *a, const struct claim_file *b);

/* Opens `path` below `rootfd`: never waits (a FIFO), follows no link. Returns 0
 * or -1 with errno; looks at in->regular before reading. Racy is set where the
 * file changed so close to now that a later change might not show in its stat. */
int input_open(struct input *in, int rootfd, const char *path);
void input_close(struct input *in);
void input_release(struct input *in);

/* Reads on: about as much again as the window holds, at least INPUT_CHUNK, all of
 * a small file. Sets eof at the end. Returns 0 or -1 with errno. */
#define INPUT_CHUNK (1u << 20)
int input_more(struct input *in);

/* From the start of the file again. */
int input_rewind(struct input *in);

/* The window. Its bytes move with input_more. */
const char *input_at(const struct input *in);
size_t input_left(const struct input *in);
/* Done with the first `n` bytes of the window. */
void input_skip(struct input *in, size_t n);

/* Line and column (from 1) of the byte `off` of the window; never before one
 * that was asked for already. */
void input_position(struct input *in, size_t off, size_t *line, size_t *column);

/* True if the file's stat values are now as they were when it was opened. */
bool input_is_steady(const struct input *in);

#endif

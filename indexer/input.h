/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_INPUT_H
#define INDEXER_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/claim.h"

/*
 * input - reads one metadata file through a window, which moves on and grows only as far
 * as one record needs. Counts lines and columns, and tells whether the file changed while
 * it was read.
 *
 *	struct input in = {.fd = -1};
 *	input_open(&in, rootfd, path);
 *	input_more(&in) until enough of the file is at input_at(&in);
 *	input_skip(&in, n);	(done with n bytes)
 *	input_is_steady(&in)
 *	input_close(&in);
 *
 * A closed input keeps its memory for the next file.
 */
struct input {
	int fd; /* -1: closed */
	char *data;
	size_t begin, end, cap; /* the window: data[begin .. end) */
	uint64_t base;          /* offset in the file of data[0] */
	bool eof;               /* the window ends at the end of the file */
	struct claim_file file; /* its stat values when it was opened */
	bool regular;
	/* Line `line` begins at `line_at`, and the newlines up to `counted` have been
	 * counted (both are offsets in the file). */
	uint64_t line, line_at, counted;
};

/* Sets the stat values by which a file counts as unchanged; zeroes the rest of *out. */
struct stat;
void input_stat(struct claim_file *out, const struct stat *st);
/* True if both have the same stat values. */
bool input_same(const struct claim_file *a, const struct claim_file *b);

/* True if the file changed so recently that these stat values, read just now, may hide a
 * change that is still to come. */
bool input_is_racy(const struct claim_file *file);

/* Opens `path` below `rootfd`; follows no symbolic link, and does not wait for a FIFO.
 * Returns 0, or -1 with errno. The caller reads only if in->regular is set. Sets
 * in->file.racy. */
int input_open(struct input *in, int rootfd, const char *path);
void input_close(struct input *in);
void input_release(struct input *in);

/* Reads as much again as the window holds, but at least INPUT_CHUNK: all of a small
 * file. Sets eof at the end. Returns 0, or -1 with errno. */
#define INPUT_CHUNK (1u << 20)
int input_more(struct input *in);

/* Goes back to the start of the file. */
int input_rewind(struct input *in);

/* The window. Its bytes move with input_more. */
const char *input_at(const struct input *in);
size_t input_left(const struct input *in);
/* Drops the first `n` bytes of the window. */
void input_skip(struct input *in, size_t n);

/* Line and column (from 1) of the byte `off` of the window, which must not lie before the
 * one of an earlier call. */
void input_position(struct input *in, size_t off, size_t *line, size_t *column);

/* True if the file has the stat values that it had when it was opened. */
bool input_is_steady(const struct input *in);

#endif

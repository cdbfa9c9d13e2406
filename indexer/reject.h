/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_REJECT_H
#define INDEXER_REJECT_H

#include <stdint.h>

#include "data/base/buf.h"

/*
 * reject - the reasons of rejects, in kinds: what log and status limit and group. Reasons
 * that differ only in what they quote, in numbers, or behind the first semicolon (what to
 * do about it) are of one kind. A stranger may still make many kinds, so callers keep a
 * limited number of them, and put the rest together.
 */
uint32_t reject_kind(const char *reason);

/* Appends `path:line:column: reason`, or without a line (0) `path: reason`. */
void reject_add(struct buf *out, const char *path, size_t len, uint64_t line,
		uint64_t column, const char *reason);

#endif

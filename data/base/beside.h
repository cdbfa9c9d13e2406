/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_BESIDE_H
#define DATA_BASE_BESIDE_H

#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * beside - finds files that come with the program at run time: in FOLDER beside the
 * program (a build), or in ../share/albumen/FOLDER (an installation).
 */

/* Appends the path of the folder that holds `file`. ERR_NOTFOUND: neither folder
 * does. */
int beside_find(struct buf *out, const char *folder, const char *file, struct err *err);

/* Appends the text of `file` in the folder `path`. Follows links: an installation may
 * consist of links. */
int beside_read(struct buf *out, const char *path, const char *file, struct err *err);

/* A word of a template, as "@SITE@", and the text that replaces it. */
struct beside_word {
	const char *word;
	const struct buf *text;
};

/* Appends the template with every such word replaced. */
void beside_fill(struct buf *out, const char *template, const struct beside_word *words,
		 size_t count);

#endif

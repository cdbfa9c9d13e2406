/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_ACCEPT_H
#define EXPORTER_EXPORT_ACCEPT_H

#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * accept - `--accept WHAT` allows, once, what a command refuses otherwise. Each check is
 * in the module that it is about, such as note_check.
 */

/* All WHATs, in the order of the help and of trailers. */
#define ACCEPT_TABLE(ROW)                                                                \
	ROW(ACCEPT_HISTORY, "history")                                                   \
	ROW(ACCEPT_INDEX, "index")                                                       \
	ROW(ACCEPT_NAME, "name")                                                         \
	ROW(ACCEPT_REDACTION, "redaction")                                               \
	ROW(ACCEPT_SITE, "site")                                                         \
	ROW(ACCEPT_UNSIGNED, "unsigned")

#define ACCEPT_ENUM(what, name) what,
enum accept_what {
	ACCEPT_TABLE(ACCEPT_ENUM) ACCEPT_COUNT,
};

/* Their names as a literal, each after a space. */
#define ACCEPT_SPACED(what, name) " " name
#define ACCEPT_NAMES ACCEPT_TABLE(ACCEPT_SPACED)

/* Sets of 1 << enum accept_what. */
struct accept {
	unsigned given; /* on the command line */
	unsigned used;  /* those of them that were needed */
};

/* Reads the values of the option. ERR_USAGE: one is unknown. */
int accept_read(struct accept *out, const char *const *what, size_t count,
		struct err *err);

/*
 * Decides about a refusal, whose reason is in *err. 0: it is accepted, which is logged
 * and recorded in accept->used. Else ERR_REFUSED, with the option in the message.
 * `accept` may be NULL: nothing is accepted.
 */
int accept_check(struct accept *accept, enum accept_what what, struct err *err);

/* Appends a trailer "Albumen-Accepted: WHAT" for each member of the set `used`. */
void accept_trailers(struct buf *out, unsigned used);

#endif

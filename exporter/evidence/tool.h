/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_TOOL_H
#define EXPORTER_EVIDENCE_TOOL_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"

/*
 * tool - runs another program (git, ssh-keygen) to its end, without a shell.
 *
 * The program has no terminal, so it cannot prompt, and no environment that changes what
 * it does: no GIT_* variables, no askpass, no configuration of git by the user or the
 * system, messages in English.
 *
 *	const char *argv[] = {"ssh-keygen", "-Y", "sign", ..., NULL};
 *	struct tool tool = {.argv = argv, .input = &text, .output = &signature};
 *	rc = tool_run(&tool, err);
 *	if (!rc && tool.status) { ... tool.errors ... }
 *	tool_release(&tool);
 */

/* The name of `file` for the program. */
#define TOOL_FILE "/proc/self/fd/3"

struct tool {
	const char *const *argv; /* argv[0] is searched in $PATH; ends with NULL */
	const struct buf *input; /* its stdin; NULL: empty */
	const struct buf *file;  /* the bytes of TOOL_FILE; NULL: there is none */
	struct buf *output;      /* its stdout is appended; NULL: discarded */
	int limit_s;             /* it is killed after this many seconds; 0: never */
	size_t memory_max;       /* bytes of memory that it may ask for; 0: any */
	struct stop *stop;       /* a requested stop ends it; may be NULL */

	/* Filled in by tool_run. */
	int status;        /* its exit status, or 128 plus the signal that ended it */
	struct buf errors; /* its stderr */
};

/* Returns 0 also if the program fails: see `status`. ERR_NOTFOUND: there is no such
 * program. ERR_STOPPED. */
int tool_run(struct tool *tool, struct err *err);
/* The first line of its stderr; borrowed. */
const char *tool_why(struct tool *tool);
void tool_release(struct tool *tool);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_TOOL_H
#define EXPORTER_EVIDENCE_TOOL_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"

/*
 * tool - runs another program (git, ssh-keygen) to its end, without a shell.
 *
 * It has no terminal, so it cannot ask anybody anything, and an environment of which
 * nothing changes what it does: no GIT_* variables, no askpass, no configuration of
 * the user's or the system's for git, messages in English.
 *
 *	const char *argv[] = {"ssh-keygen", "-Y", "sign", ..., NULL};
 *	struct tool tool = {.argv = argv, .input = &text, .output = &signature};
 *	rc = tool_run(&tool, err);
 *	if (!rc && tool.status) { ... tool.errors ... }
 *	tool_release(&tool);
 */

/* What `file` is named for the program. */
#define TOOL_FILE "/proc/self/fd/3"

struct tool {
	const char *const *argv; /* argv[0] is looked for in $PATH; ends with NULL */
	const struct buf *input; /* what it reads; NULL: nothing */
	const struct buf *file;  /* a file for it, named TOOL_FILE; NULL: none */
	struct buf *output;      /* what it writes is appended; NULL: thrown away */
	int limit_s;             /* it is killed after that; 0: never */
	struct stop *stop;       /* a stop that is asked for ends it; NULL: nobody asks */

	/* Filled in by tool_run. */
	int status;        /* its exit status; 128 and the signal where one ended it */
	struct buf errors; /* what it wrote to stderr */
};

/* ERR_NOTFOUND: there is no such program. A program that fails is no error: see
 * `status`. ERR_STOPPED. */
int tool_run(struct tool *tool, struct err *err);
/* The first line of what it said of its failure; borrowed. */
const char *tool_why(struct tool *tool);
void tool_release(struct tool *tool);

#endif

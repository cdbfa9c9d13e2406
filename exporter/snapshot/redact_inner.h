/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_REDACT_INNER_H
#define EXPORTER_SNAPSHOT_REDACT_INNER_H

#include <stddef.h>

#include "data/base/cli.h"

/* redact_inner - what is asked for, taken apart: between redact.c, which does it,
 * and redact_path.c, which reads it. */

#define REDACT_PATHS_MOST CLI_LIST_MAX
#define REDACT_NAMES_MOST 64 /* names in one path */

struct redact_path {
	char *text;                    /* as it was given */
	int kind;                      /* enum record_kind, or 0: of all kinds */
	char *name[REDACT_NAMES_MOST]; /* canonical, in quotes */
	size_t names;
};

struct redact {
	struct redact_path path[REDACT_PATHS_MOST]; /* by text, each once */
	size_t count;
	int decimals; /* -1: nothing is rounded */
};

#endif

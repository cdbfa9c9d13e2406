/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLI_NEAR_H
#define DATA_BASE_CLI_NEAR_H

#include <stddef.h>

/*
 * cli_near - which of several names a mistyped word was meant to be.
 *
 *	struct cli_near near = {.word = "sacn", .len = 4};
 *	cli_near_consider(&near, "scan");
 *	cli_near_consider(&near, "watch");
 *	if (near.name) { ... "did you mean '%s'?" ... }
 */
struct cli_near {
	const char *word;
	size_t len;
	const char *name; /* the nearest, borrowed; NULL: none is near */
	unsigned distance;
};

/* One that begins with the word is near, too. */
void cli_near_consider(struct cli_near *near, const char *name);
/* The same for a name of an environment variable with `prefix` letters that all have in
 * common; its beginning is not near. */
void cli_near_variable(struct cli_near *near, const char *name, size_t prefix);

#endif

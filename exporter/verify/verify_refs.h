/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_REFS_H
#define EXPORTER_VERIFY_VERIFY_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"

/*
 * verify_refs - reads the references of a repository from its files: main, and the tags.
 * What would make git show another history than the one that is verified is a failure:
 * grafts, replacements, a bare repository's HEAD that is not on main, other branches, two
 * references of one name, and one that git takes for main or for a label, as refs/main.
 * (A shallow clone: verify_begin.) References of remotes, notes and the like are ignored.
 *
 * libgit2 lists references too, but silently leaves out those that are damaged.
 */

struct verify_ref {
	char *name; /* "refs/tags/..." */
	uint8_t id[OBJECT_ID];
	bool is_packed;
	bool has_peeled; /* packed-refs says which commit the tag is of */
	uint8_t peeled[OBJECT_ID];
};

struct verify_refs {
	bool has_main;
	uint8_t main[OBJECT_ID];
	struct verify_ref *ref; /* all, sorted by name */
	size_t count, cap;
};

void verify_refs_read(struct verify_refs *refs, const char *git_dir,
		      struct verify_report *report);
void verify_refs_release(struct verify_refs *refs);

#endif

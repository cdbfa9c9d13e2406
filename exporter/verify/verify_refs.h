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
 * verify_refs - the references of a repository, read from its files: where main is,
 * and the tags. What would let plain git show another history than the one that is
 * verified is a failure: grafts, replacements, a shallow clone, a HEAD of a bare
 * repository that is elsewhere, branches beside main. References of remotes, notes
 * and the like are not looked at.
 */

struct verify_ref {
	char *name; /* "refs/tags/..." */
	uint8_t id[OBJECT_ID];
	bool has_peeled; /* the packed ones also say what a tag is of */
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

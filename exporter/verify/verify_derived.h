/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_DERIVED_H
#define EXPORTER_VERIFY_VERIFY_DERIVED_H

#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_derived - the files that git makes of objects, and then reads in place of them without
 * comparing: the commit-graph (gitformat-commit-graph(5): trees, parents and times of commits)
 * and the multi-pack-index (gitformat-pack(5): where objects are). git gc writes the first by
 * itself, so they are not wrong as such; but with another content git shows another history,
 * or another answer, than the objects hold. (git does not read a commit-graph where the
 * history begins late.)
 *
 * verify_store_check has compared their checksums, which whoever forges them writes anew.
 */
void verify_derived_check(const char *git_dir, const struct verify_line *line,
			  struct verify_store *store, struct verify_report *report);

#endif

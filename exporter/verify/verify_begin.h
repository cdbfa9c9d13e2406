/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_BEGIN_H
#define EXPORTER_VERIFY_VERIFY_BEGIN_H

#include "exporter/verify/verify_labels.h"

/*
 * verify_begin - whether the history may begin where git shows that it does.
 *
 * The file `shallow` names commits whose parents git takes for absent. Anybody can write it, so
 * it must be exactly what one label pruned/ declares (declared.h): the first snapshot and those
 * that are held. A commit that has no parent anyway need not stand there. If the first
 * snapshot is signed, so is the label.
 */

/* Returns the label that declares the file `shallow` of the repository `git_dir`. NULL: there
 * is no such file, or, which is reported, no such label. */
const struct verify_label *verify_begin(const struct verify_labels *labels,
					const char *git_dir, struct verify_store *store,
					struct verify_report *report);

#endif

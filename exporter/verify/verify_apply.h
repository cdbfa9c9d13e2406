/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_APPLY_H
#define EXPORTER_VERIFY_VERIFY_APPLY_H

#include "exporter/verify/verify_tree.h"

/* verify_apply - brings the rows (verify_rows.h; `payload`) to a file that differs, and marks
 * those that this touches: a verify_tree_fn. Reports what is wrong with the file by itself. */
void verify_apply(const struct verify_tree_change *change, void *payload);

#endif

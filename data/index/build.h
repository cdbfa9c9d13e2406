/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_BUILD_H
#define DATA_INDEX_BUILD_H

#include "data/base/err.h"
#include "data/index/index.h"

/*
 * build - the first filling of an index: claims are only collected, and all that
 * follows from them is derived at the end, in sorted passes. Inside of the index:
 * programs call build_end.
 *
 * Record by record, a random place in each of eight tables is rewritten, which at
 * a million images costs 32 KiB of writing a record. Derived at the end, every
 * table is written once, from its first key to its last.
 *
 * Until it has ended nobody may export (index_is_built), and a kill before leaves
 * nothing to keep: the next writer starts from nothing.
 */

/*
 * Ends the building: the folder has been read to its end. The caller that fills an index
 * always calls this; it does nothing where the index is not being built. No transaction
 * may be open.
 */
int build_end(struct index *index, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_BUILD_H
#define DATA_INDEX_BUILD_H

#include "data/base/err.h"
#include "data/index/index.h"

/*
 * build - the first filling of an index. Claims are only collected; at the end all
 * other tables are derived from them in sorted passes.
 *
 * Kept up record by record, each record would rewrite a random place in eight tables:
 * 32 KiB of writing a record at a million images. Derived at the end, each table is
 * written once, from its first key to its last.
 *
 * Until the end nothing may be exported (index_is_built). After a kill the next writer
 * starts over.
 */

/*
 * Ends the building: the folder was read completely. Every caller that fills an index
 * must call it; it does nothing if the index is not being built. No transaction may be
 * open.
 */
int build_end(struct index *index, struct err *err);

#endif

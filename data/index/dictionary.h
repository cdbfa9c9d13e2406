/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_DICTIONARY_H
#define DATA_INDEX_DICTIONARY_H

#include <stdint.h>

#include "data/index/txn.h"

/*
 * dictionary - the index's dictionaries for texts, one for each kind of record: trained
 * on stored texts once there are enough, stored in a table, and given to the codecs. The
 * writer's codec follows the transaction; other threads have codecs of their own, which
 * dictionary_copy brings up to date.
 */

struct dictionary;

struct dictionary *dictionary_new(void);
void dictionary_free(struct dictionary *dictionary); /* NULL is allowed */

/* The codec that dictionary_load loads; borrowed. */
struct codec *dictionary_codec(struct dictionary *dictionary);
/* Gives that codec the dictionaries that this transaction sees, and no others. */
int dictionary_load(struct index_txn *txn, struct err *err);

/* Counts another text of the kind. Trains the dictionary of the kind if it has none and
 * there are enough texts. */
void dictionary_learn(struct index_txn *txn, enum record_kind kind);

/* Gives `codec` the current dictionaries of the index, unless *have (0 at first) says
 * that it has them. Any thread may call it while another one writes. */
void dictionary_copy(struct dictionary *dictionary, struct codec *codec, uint64_t *have);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_TABLES_H
#define DATA_INDEX_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/index/index.h"
#include "data/index/row.h"
#include "data/index/store.h"
#include "data/index/text.h"

/*
 * tables - the inside of the index, for the files of data/ that work on it:
 * index.c, claim.c, version.c, relate.c, query.c and check.c. Programs do not
 * include this. The tables are described at the top of index.c.
 */

enum table {
	TABLE_META,
	TABLE_DICTIONARY,
	TABLE_FILE,
	TABLE_CLAIM,
	TABLE_REJECT,
	TABLE_ID,
	TABLE_RECORD,
	TABLE_VERSION,
	TABLE_TAG_IMAGES,
	TABLE_IMAGE_TAGS,
	TABLE_ALBUM_IMAGES,
	TABLE_ALBUM_UNTAGGED,
	TABLE_FEED,
	TABLE_COUNT,
};

/* What the table meta says, but for the format version. */
struct tables_meta {
	uint64_t sequence;    /* last one given out */
	uint64_t floor;       /* index_feed_floor */
	uint64_t next_number; /* of records */
	uint64_t next_file;   /* of files */
	bool building;        /* data/index/build.h: only collects claims yet */
	uint32_t dictionary[TEXT_KINDS]; /* text_dictionary_id of each; 0: none */
	char uuid[37];
	struct index_counts counts;
	struct index_health health;
};

struct index_txn {
	struct index *index;
	struct store_txn *store;
	struct text_codec *codec; /* index's */
	struct build *build;      /* index's, while it is building; else NULL */
	bool write;
	bool examined;          /* by check: damage does not fail the transaction */
	bool was_building;      /* when the transaction began */
	uint64_t base_sequence; /* the sequence when the transaction began */
	struct tables_meta meta;
	uint64_t last_version; /* greatest record that has one; UINT64_MAX: ask */
	struct buf row;        /* scratch of the record functions below */
	struct buf text;       /* scratch of version.c */
};

/* Why something stored cannot be true. Fails the transaction: nothing that is done
 * in it afterwards counts, whoever passes over the result. (Only check, which looks
 * at what is damaged, goes on.) `txn` is NULL where there is none yet. Fills `err`,
 * unless it is NULL, and returns ERR_FORMAT. */
int tables_damaged(struct index_txn *txn, struct err *err, const char *what);

/* Gives `codec` the dictionaries that the index has now, where *have (0 at first)
 * says that they are not the ones it has. May be called on any thread, while
 * another one writes. */
void tables_copy_dictionaries(struct index *index, struct text_codec *codec,
			      uint64_t *have);

/* The record with this number. ERR_FORMAT where its row is damaged or missing: numbers
 * are given out with their rows, and nothing takes one back. */
int tables_record_get(struct index_txn *txn, uint64_t number, struct row_record *out);
/* Removes a row that is there: damage, if it is not. */
void tables_remove(struct index_txn *txn, enum table table, const void *key, size_t len,
		   const char *what);
/* Whether the record with this number is (kind, id). */
bool tables_record_is(struct index_txn *txn, uint64_t number, unsigned kind,
		      const struct record_id *id);
/* Writes it back (the number exists). */
void tables_record_put(struct index_txn *txn, uint64_t number,
		       const struct row_record *row);

/* The number of (kind, id); 0 where it has none. Numbers start at 1. */
uint64_t tables_number(struct index_txn *txn, unsigned kind, const struct record_id *id);
/* Whether that of (kind, id) is `number`: what tables_record_get said of it goes by this
 * id, and nothing else does. Fails the transaction if not. */
bool tables_number_is(struct index_txn *txn, unsigned kind, const struct record_id *id,
		      uint64_t number);
/* The same as tables_number, giving it one, and the row that holds its place, where it has
 * none. Numbers fit 32 bits, as the tables of numbers in memory need; the transaction fails
 * where none is left. */
uint64_t tables_intern(struct index_txn *txn, unsigned kind, const struct record_id *id);

/* Keys of two or three numbers, as the relation tables have them. */
struct tables_key {
	unsigned char bytes[24];
	size_t len;
};
struct tables_key tables_key2(uint64_t a, uint64_t b);
struct tables_key tables_key3(uint64_t a, uint64_t b, uint64_t c);

/* Trains the dictionary of `kind` from the versions stored, once there are
 * enough of them; does nothing where there is one. */
void tables_train(struct index_txn *txn, enum record_kind kind);

#endif

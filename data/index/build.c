/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/build.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/index/build_ids.h"
#include "data/index/build_read.h"
#include "data/index/feed.h"
#include "data/index/ids.h"
#include "data/index/txn.h"

/*
 * Each table is written from its first key to its last: `id`, while the versions are read
 * (build_read.h); then the relations, while the rows of records are encoded; then these
 * rows, and the feed.
 *
 * Memory: 13 bytes a record for the facts, and 16 for each id of one kind while these are
 * sorted; then 4 for each record, and 8 for each row, of a relation.
 */

/* Rows written in one transaction; most have about 60 bytes. */
#define CHUNK 200000

struct derive {
	struct index *index;
	struct index_txn *txn;
	const struct build_facts *facts;
	uint64_t rows; /* written in this transaction */
	struct err *err;
};

/* Counts a written row, and commits after CHUNK of them. */
static int wrote(struct derive *d)
{
	int rc;

	if (++d->rows < CHUNK) {
		return 0;
	}
	rc = index_commit(&d->txn, d->err);
	d->rows = 0;
	return rc ? rc : index_begin(&d->txn, d->index, true, d->err);
}

static int write_id(unsigned kind, const char *id, size_t len, uint64_t number,
		    void *payload)
{
	struct derive *d = payload;
	unsigned char key[RECORD_ID_MAX + 1];
	struct row_key value = row_key1(number);

	len = ids_key(key, kind, id, len);
	store_append(d->txn->store, TABLE_ID, key, len, value.bytes, value.len);
	return wrote(d);
}

/* --- relations ----------------------------------------------------------------- */

/* Numbers of known records of one kind. */
struct list {
	uint32_t *number;
	size_t count;
};

static struct list all_of(const struct build_facts *facts, unsigned kind, size_t count)
{
	struct list list = {.number = xreallocarray(NULL, count, sizeof(*list.number))};

	for (uint64_t n = 1; n < facts->numbers && list.count < count; n++) {
		if (build_facts_know(facts, n, kind)) {
			list.number[list.count++] = (uint32_t)n;
		}
	}
	return list;
}

static uint32_t of(const struct build_fact *fact)
{
	return fact->of;
}

static uint32_t tag(const struct build_fact *fact)
{
	return fact->tag;
}

/* Sorts the list by the number that `by` takes from the facts; equal ones stay in their
 * order. */
static void sort(struct list *list, const struct build_facts *facts,
		 uint32_t (*by)(const struct build_fact *))
{
	uint32_t *sorted = xreallocarray(NULL, list->count, sizeof(*sorted));
	uint32_t *at = xzalloc((facts->numbers + 1) * sizeof(*at));

	for (size_t i = 0; i < list->count; i++) {
		at[by(&facts->fact[list->number[i]]) + 1]++;
	}
	for (uint64_t n = 1; n <= facts->numbers; n++) {
		at[n] += at[n - 1];
	}
	for (size_t i = 0; i < list->count; i++) {
		uint32_t number = list->number[i];

		sorted[at[by(&facts->fact[number])]++] = number;
	}
	free(at);
	free(list->number);
	list->number = sorted;
}

static int write_relation(struct derive *d, enum table table, const struct list *list)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		uint32_t n = list->number[i];
		const struct build_fact *f = &d->facts->fact[n];
		struct row_key key = table == TABLE_TAG_IMAGES
					     ? row_key3(f->tag, f->of, n)
					     : row_key2(f->of, n);

		if (table == TABLE_ALBUM_UNTAGGED && f->live_count) {
			continue;
		}
		store_append(d->txn->store, table, key.bytes, key.len, "", 0);
		rc = wrote(d);
	}
	return rc;
}

static int write_relations(struct derive *d)
{
	const struct index_counts *counts = &d->facts->counts;
	struct list list = all_of(d->facts, RECORD_IMAGE, counts->images);
	int rc;

	sort(&list, d->facts, of);
	rc = write_relation(d, TABLE_ALBUM_IMAGES, &list);
	rc = rc ? rc : write_relation(d, TABLE_ALBUM_UNTAGGED, &list);
	free(list.number);
	list = all_of(d->facts, RECORD_TAG_IMAGE, counts->tag_images);
	sort(&list, d->facts, of);
	rc = rc ? rc : write_relation(d, TABLE_IMAGE_TAGS, &list);
	sort(&list, d->facts, tag);
	rc = rc ? rc : write_relation(d, TABLE_TAG_IMAGES, &list);
	free(list.number);
	return rc;
}

/* --- records and the feed ------------------------------------------------------- */

static int write_rows(struct derive *d, const struct build_rows *rows)
{
	size_t begin = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rows->count; i++) {
		uint64_t n = rows->first + i;
		struct row_key key = row_key1(n);

		store_append(d->txn->store, TABLE_RECORD, key.bytes, key.len,
			     rows->bytes.data + begin, rows->end[i] - begin);
		begin = rows->end[i];
		if (build_facts_know(d->facts, n, RECORD_IMAGE)) {
			feed_append(d->txn, n, QUERY_TAG_IMAGES);
		} else if (build_facts_know(d->facts, n, RECORD_TAG)) {
			feed_append(d->txn, n, QUERY_TAG);
		}
		rc = wrote(d);
	}
	return rc;
}

static int write_records(struct derive *d, struct build_read *read)
{
	const struct build_rows *rows;
	int rc;

	while ((rc = build_read_rows(&rows, read, d->err)) == 0 && rows) {
		rc = write_rows(d, rows);
		if (rc) {
			return rc;
		}
	}
	for (uint64_t n = 1; rc == 0 && n < d->facts->numbers; n++) {
		if (build_facts_know(d->facts, n, ROW_ALBUM)) {
			feed_append(d->txn, n, QUERY_UNTAGGED);
			feed_append(d->txn, n, QUERY_IMAGES);
			rc = wrote(d);
		}
	}
	return rc;
}

/* --------------------------------------------------------------------------------- */

static int derive_all(struct derive *d, struct build_read *read)
{
	int rc = build_ids_each(d->txn->ids, write_id, d);

	rc = rc ? rc : build_read_facts(&d->facts, read, d->err);
	rc = rc ? rc : write_relations(d);
	return rc ? rc : write_records(d, read);
}

/* The counts of claims and files are kept while the index is built. */
static void set_counts(struct index_counts *counts, const struct index_counts *derived)
{
	struct index_counts kept = *counts;

	*counts = *derived;
	counts->claims = kept.claims;
	counts->files = kept.files;
	counts->rejects = kept.rejects;
	counts->rejected_files = kept.rejected_files;
}

int build_end(struct index *index, struct err *err)
{
	struct derive d = {.index = index, .err = err};
	struct build_read *read = NULL;
	int rc;

	if (!index_is_building(index)) {
		return 0;
	}
	rc = index_begin(&d.txn, index, true, err);
	if (rc) {
		return rc;
	}
	/* Much of a large index was written to the disk and is no longer in memory. */
	store_read_ahead(d.txn->store);
	rc = build_read_new(&read, index, d.txn->ids, err);
	rc = rc ? rc : derive_all(&d, read);
	if (!rc) {
		set_counts(&d.txn->meta.counts, &d.facts->counts);
		d.txn->meta.building = false;
	}
	build_read_free(read);
	if (rc || !d.txn) {
		index_abort(&d.txn);
		return rc;
	}
	return index_commit(&d.txn, err);
}

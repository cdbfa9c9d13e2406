/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/build.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/index/build_ids.h"
#include "data/index/feed.h"
#include "data/index/ids.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * The passes of build_end, each over one table in key order:
 *
 *	versions	elect the winners: which records are known, and what they name
 *	memory		which tag images are live, and all counts
 *	versions	write the record rows and the feed; collect the ids
 *	memory		sort the relations, append them (a thread sorts the ids)
 *	memory		append the ids
 *
 * Memory: 20 bytes a record for the facts, about 48 for its id, and 24 for each row of
 * the largest relation while it is sorted.
 */

/* Rows written in one transaction. */
#define CHUNK 50000

/* What follows from a record's winner. */
struct fact {
	uint32_t a, b;               /* image: album, -; tag image: image, tag */
	uint32_t live_count, joined; /* as in struct row_record */
	unsigned char kind;
	bool known, live;
};

struct derive {
	struct index *index;
	struct index_txn *txn;
	struct fact *fact; /* by number */
	uint64_t numbers;  /* one more than the greatest */
	uint64_t rows;     /* written in this transaction */
	struct build_ids *ids;
	struct index_counts counts;
	struct err *err;
};

/* --- transactions -------------------------------------------------------------- */

/* Commits the rows written so far. */
static int commit_rows(struct derive *d)
{
	int rc = index_commit(&d->txn, d->err);

	d->rows = 0;
	return rc ? rc : index_begin(&d->txn, d->index, true, d->err);
}

/* Counts a written row, and commits after CHUNK of them. No cursor may be open. */
static int wrote(struct derive *d)
{
	return ++d->rows < CHUNK ? 0 : commit_rows(d);
}

/* --- winners ------------------------------------------------------------------- */

/* Elects the winner of the record under the cursor, and moves the cursor to the first
 * version of the next record. *known is false if the record has no claim. */
static int next_winner(struct derive *d, struct store_cursor *c, uint64_t *number,
		       struct row_version_key *best, struct row_version *row, bool *known)
{
	bool tied = false;
	int rc = 0;

	*number = be64_get(store_key(c).data);
	*known = false;
	while (rc == 0 && be64_get(store_key(c).data) == *number) {
		struct row_version_key key;
		struct row_version next;
		struct store_value v = store_cursor_value(c);

		if (row_version_get(&next, store_key(c).data, v.data, v.len) < 0) {
			return txn_damaged(d->txn, d->err, "a version");
		}
		row_version_key_get(&key, store_key(c).data);
		if (next.claims) {
			tied = *known && stamp_compare(&best->stamp, &key.stamp) == 0;
			*best = key;
			*row = next;
			*known = true;
		}
		rc = store_next(c);
	}
	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	if (tied) {
		/* Rare: the texts decide. */
		int elected = version_elect(d->txn, *number, best, d->err);

		elected = elected ? elected : version_facts(d->txn, best, row, d->err);
		return elected ? elected : rc;
	}
	return rc;
}

/* Calls `each` for the winner of every record, in the order of numbers. */
static int each_winner(struct derive *d, int (*each)(struct derive *, uint64_t number,
						     const struct row_version_key *,
						     const struct row_version *))
{
	uint64_t from = 0;
	int rc = 0;

	while (rc == 0) {
		struct store_cursor *c = store_cursor_open(d->txn->store, TABLE_VERSION);
		struct row_key key = row_key1(from);

		rc = store_seek(c, key.bytes, key.len);
		while (rc == 0 && d->rows < CHUNK) {
			struct row_version_key best;
			struct row_version row;
			uint64_t number;
			bool known;
			int end = next_winner(d, c, &number, &best, &row, &known);

			if (end && end != ERR_NOTFOUND) {
				rc = end;
				break;
			}
			from = number + 1;
			rc = known ? each(d, number, &best, &row) : 0;
			rc = rc ? rc : end;
		}
		store_cursor_close(c);
		rc = rc ? rc : commit_rows(d);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int note_winner(struct derive *d, uint64_t number,
		       const struct row_version_key *key, const struct row_version *row)
{
	struct fact *f = &d->fact[number];

	(void)key;
	f->kind = (unsigned char)row->kind;
	f->known = true;
	f->a = (uint32_t)(row->kind == RECORD_IMAGE ? row->album : row->image);
	f->b = (uint32_t)row->tag;
	return 0;
}

/* Computes which tag images are live, and all counts. */
static void spread(struct derive *d)
{
	for (uint64_t n = 1; n < d->numbers; n++) {
		struct fact *f = &d->fact[n];

		if (!f->known || f->kind == ROW_ALBUM) {
			continue;
		}
		d->counts.images += f->kind == RECORD_IMAGE;
		d->counts.tags += f->kind == RECORD_TAG;
		d->counts.tag_images += f->kind == RECORD_TAG_IMAGE;
		if (f->kind == RECORD_IMAGE) {
			struct fact *album = &d->fact[f->a];

			d->counts.albums += !album->known;
			album->kind = ROW_ALBUM;
			album->known = true;
			album->live_count++;
		} else if (f->kind == RECORD_TAG_IMAGE) {
			struct fact *image = &d->fact[f->a], *tag = &d->fact[f->b];

			f->live = image->known && tag->known;
			image->joined++;
			tag->joined++;
			image->live_count += f->live;
			tag->live_count += f->live;
			d->counts.live_tag_images += f->live;
		}
	}
	for (uint64_t n = 1; n < d->numbers; n++) {
		const struct fact *f = &d->fact[n];

		if (f->known && f->kind == RECORD_IMAGE && !f->live_count) {
			d->counts.untagged++;
			d->fact[f->a].joined++;
		}
	}
}

/* --- rows ---------------------------------------------------------------------- */

static int write_winner(struct derive *d, uint64_t number,
			const struct row_version_key *key,
			const struct row_version *facts)
{
	const struct fact *f = &d->fact[number];
	struct row_record row;

	if (txn_record_get(d->txn, number, &row) < 0) {
		return txn_damaged(d->txn, d->err, "a record");
	}
	build_ids_add(d->ids, row.kind, &row.id, number);
	row.known = true;
	row.live = f->live;
	row.version = *key;
	row.created = facts->created;
	row.album = facts->album;
	row.image = facts->image;
	row.tag = facts->tag;
	row.live_count = f->live_count;
	row.joined = f->joined;
	if (row.kind == RECORD_IMAGE) {
		feed_mark(d->txn, number, &row, QUERY_TAG_IMAGES);
	} else if (row.kind == RECORD_TAG) {
		feed_mark(d->txn, number, &row, QUERY_TAG);
	}
	txn_record_put(d->txn, number, &row);
	d->rows++;
	return 0;
}

static int write_albums(struct derive *d)
{
	int rc = 0;

	for (uint64_t n = 1; rc == 0 && n < d->numbers; n++) {
		const struct fact *f = &d->fact[n];
		struct row_record row;

		if (f->kind != ROW_ALBUM || !f->known) {
			continue;
		}
		if (txn_record_get(d->txn, n, &row) < 0) {
			return txn_damaged(d->txn, d->err, "an album");
		}
		build_ids_add(d->ids, row.kind, &row.id, n);
		row.known = true;
		row.live_count = f->live_count;
		row.joined = f->joined;
		feed_mark(d->txn, n, &row, QUERY_UNTAGGED);
		feed_mark(d->txn, n, &row, QUERY_IMAGES);
		txn_record_put(d->txn, n, &row);
		rc = wrote(d);
	}
	return rc;
}

/* --- relations ----------------------------------------------------------------- */

struct relation {
	uint32_t part[3];
};

static int by_parts(const void *left, const void *right)
{
	const struct relation *a = left, *b = right;

	for (int i = 0; i < 3; i++) {
		if (a->part[i] != b->part[i]) {
			return a->part[i] < b->part[i] ? -1 : 1;
		}
	}
	return 0;
}

/* The row of a record in a relation table; false: it has none. */
static bool relation_of(const struct derive *d, enum table table, uint64_t number,
			struct relation *out)
{
	const struct fact *f = &d->fact[number];
	uint32_t n = (uint32_t)number;

	if (!f->known) {
		return false;
	}
	switch (table) {
	case TABLE_TAG_IMAGES:
		*out = (struct relation){{f->b, f->a, n}};
		return f->kind == RECORD_TAG_IMAGE;
	case TABLE_IMAGE_TAGS:
		*out = (struct relation){{f->a, n, 0}};
		return f->kind == RECORD_TAG_IMAGE;
	case TABLE_ALBUM_IMAGES:
		*out = (struct relation){{f->a, n, 0}};
		return f->kind == RECORD_IMAGE;
	default:
		*out = (struct relation){{f->a, n, 0}};
		return f->kind == RECORD_IMAGE && !f->live_count;
	}
}

static int write_relations(struct derive *d, enum table table, uint64_t count)
{
	struct relation *all = xreallocarray(NULL, count, sizeof(*all));
	size_t n = 0;
	int rc = 0;

	for (uint64_t number = 1; number < d->numbers; number++) {
		struct relation row;

		if (n < count && relation_of(d, table, number, &row)) {
			all[n++] = row;
		}
	}
	qsort(all, n, sizeof(*all), by_parts);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const uint32_t *p = all[i].part;
		struct row_key key = table == TABLE_TAG_IMAGES
					     ? row_key3(p[0], p[1], p[2])
					     : row_key2(p[0], p[1]);

		store_append(d->txn->store, table, key.bytes, key.len, "", 0);
		rc = wrote(d);
	}
	free(all);
	return rc;
}

/* --- ids ----------------------------------------------------------------------- */

/* Collects the ids of records that others name but no file claims. */
static int add_unknown(struct derive *d)
{
	struct row_record row;
	int rc = 0;

	for (uint64_t n = 1; rc == 0 && n < d->numbers; n++) {
		if (d->fact[n].known) {
			continue;
		}
		if (txn_record_get(d->txn, n, &row) < 0) {
			return txn_damaged(d->txn, d->err, "a record");
		}
		build_ids_add(d->ids, row.kind, &row.id, n);
		if (d->fact[n].joined) {
			row.joined = d->fact[n].joined;
			txn_record_put(d->txn, n, &row);
			rc = wrote(d);
		}
	}
	return rc;
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

/* --------------------------------------------------------------------------------- */

static int derive_all(struct derive *d)
{
	int rc = each_winner(d, note_winner);

	if (!rc) {
		spread(d);
		rc = each_winner(d, write_winner);
	}
	rc = rc ? rc : write_albums(d);
	rc = rc ? rc : add_unknown(d);
	if (!rc) {
		build_ids_sort(d->ids);
		rc = write_relations(d, TABLE_TAG_IMAGES, d->counts.tag_images);
	}
	rc = rc ? rc : write_relations(d, TABLE_IMAGE_TAGS, d->counts.tag_images);
	rc = rc ? rc : write_relations(d, TABLE_ALBUM_IMAGES, d->counts.images);
	rc = rc ? rc : write_relations(d, TABLE_ALBUM_UNTAGGED, d->counts.untagged);
	return rc ? rc : build_ids_each(d->ids, write_id, d);
}

int build_end(struct index *index, struct err *err)
{
	struct derive d = {.index = index, .err = err};
	int rc;

	if (!index_is_building(index)) {
		return 0;
	}
	rc = index_begin(&d.txn, index, true, err);
	if (rc) {
		return rc;
	}
	hash_release(d.txn->numbers);
	/* Much of a large index was written to the disk and is no longer in memory. */
	store_read_ahead(d.txn->store);
	d.numbers = d.txn->meta.next_number;
	d.fact = xzalloc(d.numbers * sizeof(*d.fact));
	d.ids = build_ids_new();
	rc = derive_all(&d);
	build_ids_free(d.ids);
	free(d.fact);
	if (rc || !d.txn) {
		index_abort(&d.txn);
		return rc;
	}
	d.counts.claims = d.txn->meta.counts.claims;
	d.counts.files = d.txn->meta.counts.files;
	d.counts.rejects = d.txn->meta.counts.rejects;
	d.counts.rejected_files = d.txn->meta.counts.rejected_files;
	d.txn->meta.counts = d.counts;
	d.txn->meta.building = false;
	return index_commit(&d.txn, err);
}

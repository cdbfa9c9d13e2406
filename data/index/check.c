/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/check.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/hash.h"
#include "data/index/claim.h"
#include "data/format/json.h"
#include "data/index/query.h"
#include "data/index/ids.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * The order: files and claims first, since everything follows from what files say; then
 * versions against claims, winners against versions, and the rest against the winners.
 * Each table is walked and its rows are looked up in others, so memory follows the
 * number of versions and files, not the size of the data.
 *
 * Whether two tables agree is checked row by row from one side, and then by the number
 * of rows of the other: surplus rows are counted, not named.
 */

struct check {
	struct index_txn *txn;
	check_fn *each;
	void *payload;
	uint64_t differences;
	struct index_counts counts; /* as recomputed */
	uint64_t feed_entries;      /* that the rows of records name */
	struct record_reader reader;
	struct buf text;
	struct hash holds; /* of the keys of versions: a place in `held`, plus one */
	struct held {
		uint64_t key;          /* a hash of the version's key */
		uint32_t claims, pins; /* as counted */
	} * held;
	size_t held_cap;
	uint64_t claims_met, pins, pins_met; /* met: of the stored versions */
	struct noted_file {
		bool there;
		bool has_path;                 /* a row with the path of its rejects */
		uint32_t claims, claims_noted; /* their sums */
		uint32_t rejects;              /* rows found */
		uint64_t rejects_noted;        /* according to the row of the file */
	} * file;                              /* by number */
	uint64_t files;                        /* one more than the greatest number */
	uint64_t feed_last;                    /* sequence of the last entry */
};

static void differ(struct check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void differ(struct check *check, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	check->differences++;
	check->each(line, check->payload);
}

static void expect(struct check *check, bool good, const char *what,
		   const struct record_id *id)
{
	if (!good) {
		differ(check, "%s: '%.*s'", what, id->len, id->bytes);
	}
}

/* Calls `row` for each row of a table until it returns non-zero. */
static int walk(struct check *check, enum table table,
		int (*row)(struct check *, const struct store_cursor *))
{
	struct store_cursor *c = store_cursor_open(check->txn->store, table);
	int rc = 0;

	for (rc = store_first(c, NULL, 0); rc == 0; rc = store_next(c)) {
		rc = row(check, c);
		if (rc) {
			break;
		}
	}
	return store_walk_end(c, rc);
}

/* --- files and their rejects --------------------------------------------------- */

static int file_row(struct check *check, const struct store_cursor *c)
{
	struct store_value key = store_key(c), v = store_cursor_value(c);
	struct buf path_key = {0};
	struct noted_file *file;
	struct row_file row;

	if (row_file_get(&row, key.data, key.len, v.data, v.len) < 0) {
		differ(check, "a file's row is damaged");
		return 0;
	}
	if (row.path) {
		row_path_key(&path_key, row.path, row.path_len);
		if (path_key.len != key.len ||
		    memcmp(path_key.data, key.data, key.len) != 0) {
			differ(check, "a file is not found by its path");
		}
		buf_release(&path_key);
	}
	check->counts.files++;
	check->counts.rejects += row.file.rejects;
	check->counts.rejected_files += row.file.rejects > 0;
	if (row.file.number == 0 || row.file.number >= check->files) {
		differ(check, "a file's number was never given out: '%.*s'", (int)key.len,
		       (const char *)key.data);
		return 0;
	}
	file = &check->file[row.file.number];
	if (file->there) {
		differ(check, "two files have one number: '%.*s'", (int)key.len,
		       (const char *)key.data);
	}
	file->there = true;
	file->rejects_noted = row.file.rejects;
	file->claims_noted = row.file.claims;
	return 0;
}

/* The file whose number begins the key; NULL: there is none. */
static struct noted_file *file_of(struct check *check, struct store_value key)
{
	uint64_t number = be64_get(key.data);

	return number < check->files && check->file[number].there ? &check->file[number]
								  : NULL;
}

/* The row that has the path of a file with rejects. */
static int reject_path_row(struct check *check, struct noted_file *file, uint64_t number,
			   const struct store_value *path)
{
	struct row_file row;

	if (claim_file_load(check->txn, path->data, path->len, &row) != 0 ||
	    row.file.number != number) {
		differ(check, "rejects of file %llu have another path: '%.*s'",
		       (unsigned long long)number, (int)path->len,
		       (const char *)path->data);
	}
	file->has_path = true;
	return 0;
}

static int reject_row(struct check *check, const struct store_cursor *c)
{
	struct store_value key = store_key(c), v = store_cursor_value(c);
	bool is_path = key.len == 8 && v.len > 0;
	struct noted_file *file = is_path || (key.len == 16 && v.len >= ROW_REJECT_SIZE)
					  ? file_of(check, key)
					  : NULL;

	if (!file) {
		differ(check, "a reject of no file");
	} else if (is_path) {
		return reject_path_row(check, file, be64_get(key.data), &v);
	} else {
		file->rejects++;
	}
	return 0;
}

static int check_files(struct check *check)
{
	int rc;

	check->files = check->txn->meta.next_file;
	check->file = xzalloc((check->files + 1) * sizeof(*check->file));
	rc = walk(check, TABLE_FILE, file_row);
	rc = rc ? rc : walk(check, TABLE_REJECT, reject_row);
	for (uint64_t n = 0; !rc && n < check->files; n++) {
		const struct noted_file *file = &check->file[n];
		uint64_t kept = file->rejects_noted < CLAIM_REJECTS_KEPT
					? file->rejects_noted
					: CLAIM_REJECTS_KEPT;

		if (file->rejects != kept) {
			differ(check, "rejects of file %llu: %llu stored, %lu found",
			       (unsigned long long)n, (unsigned long long)kept,
			       (unsigned long)file->rejects);
		}
		if (file->has_path != (kept > 0)) {
			differ(check, "rejects of file %llu: %s path",
			       (unsigned long long)n, kept ? "no" : "a needless");
		}
	}
	return rc;
}

/* --- claims and pins, counted by version --------------------------------------- */

/* The counts of a version; valid until the next call. */
static struct held *held(struct check *check, const struct row_version_key *version)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];
	unsigned char hash[ROW_HASH_SIZE];
	uint64_t key;
	uint32_t n;
	size_t at = 0;

	row_version_key_put(bytes, version);
	row_hash(hash, bytes, sizeof(bytes));
	key = be64_get(hash);
	while ((n = hash_next(&check->holds, (uint32_t)key, &at))) {
		assert(check->held);
		if (check->held[n - 1].key == key) {
			return &check->held[n - 1];
		}
	}
	check->held = xgrow(check->held, check->holds.count, &check->held_cap,
			    sizeof(*check->held));
	n = (uint32_t)check->holds.count + 1;
	check->held[n - 1] = (struct held){.key = key};
	hash_add(&check->holds, (uint32_t)key, n);
	return &check->held[n - 1];
}

static int claim_row(struct check *check, const struct store_cursor *c)
{
	struct store_value key = store_key(c), v = store_cursor_value(c);
	struct row_version_key version;
	struct noted_file *file;

	if (key.len != 16 || v.len != ROW_VERSION_ID_SIZE) {
		differ(check, "a claim is damaged");
		return 0;
	}
	row_version_id_get(&version, be64_get((const char *)key.data + 8), v.data);
	file = file_of(check, key);
	if (file) {
		file->claims += row_claim_sum(&version);
	} else {
		struct row_record of;

		txn_record_get(check->txn, version.number, &of);
		expect(check, false, "a claim of no file", &of.id);
	}
	held(check, &version)->claims++;
	check->counts.claims++;
	return 0;
}

static int pin_row(struct check *check, const struct store_cursor *c)
{
	struct store_value key = store_key(c), v = store_cursor_value(c);
	struct row_version row;

	if (key.len == ROW_VERSION_KEY_SIZE &&
	    row_version_get(&row, key.data, v.data, v.len) == 0 && row.embedded) {
		held(check, &row.image_version)->pins++;
		held(check, &row.tag_version)->pins++;
		check->pins += 2;
	}
	return 0;
}

static int count_holds(struct check *check)
{
	int rc = walk(check, TABLE_CLAIM, claim_row);

	for (uint64_t n = 0; !rc && n < check->files; n++) {
		if (check->file[n].claims != check->file[n].claims_noted) {
			differ(check,
			       "the claims of file %llu do not have their stored sum",
			       (unsigned long long)n);
		}
	}
	return rc ? rc : walk(check, TABLE_VERSION, pin_row);
}

/* --- versions ------------------------------------------------------------------ */

/* Checks that the text has the hash of its key, and agrees with its row. */
static void text_facts(struct check *check, const struct row_version_key *key,
		       const struct row_version *row, const struct row_record *of)
{
	const struct record *record = &check->reader.record[0];
	unsigned char hash[ROW_HASH_SIZE];

	row_hash(hash, check->text.data, check->text.len);
	if (memcmp(hash, key->hash, ROW_HASH_SIZE) != 0 ||
	    record_read(&check->reader, check->text.data, check->text.len) < 0) {
		differ(check, "a stored text does not have its hash: '%.*s'", of->id.len,
		       of->id.bytes);
		return;
	}
	expect(check,
	       record->kind == row->kind && record->kind == of->kind &&
		       record->id.len == of->id.len &&
		       memcmp(record->id.bytes, of->id.bytes, of->id.len) == 0 &&
		       stamp_compare(&record->stamp, &key->stamp) == 0 &&
		       stamp_compare(&record->created, &row->created) == 0,
	       "a version's facts differ from its text", &of->id);
	if (row->kind == RECORD_IMAGE) {
		expect(check,
		       ids_number(check->txn, ROW_ALBUM, &record->album) == row->album,
		       "an image's album differs from its text", &of->id);
	} else if (row->kind == RECORD_TAG_IMAGE) {
		expect(check,
		       ids_number(check->txn, RECORD_IMAGE, &record->image) ==
				       row->image &&
			       ids_number(check->txn, RECORD_TAG, &record->tag) ==
				       row->tag,
		       "a tag image's image or tag differs from its text", &of->id);
	}
}

static int version_row(struct check *check, const struct store_cursor *c)
{
	struct store_value key = store_key(c), v = store_cursor_value(c);
	struct row_version_key version;
	struct row_version row;
	struct row_record of;
	struct err err = {0};
	const struct held *counted;

	if (key.len != ROW_VERSION_KEY_SIZE ||
	    row_version_get(&row, key.data, v.data, v.len) < 0) {
		differ(check, "a version is damaged");
		return 0;
	}
	row_version_key_get(&version, key.data);
	counted = held(check, &version);
	check->claims_met += counted->claims;
	check->pins_met += counted->pins;
	if (txn_record_get(check->txn, version.number, &of) < 0) {
		differ(check, "a version of no record");
		return 0;
	}
	expect(check, counted->claims == row.claims, "a version's claims are miscounted",
	       &of.id);
	expect(check, counted->pins == row.pins, "a version's pins are miscounted",
	       &of.id);
	expect(check, row.claims || row.pins, "nothing claims a stored version", &of.id);
	buf_clear(&check->text);
	if (version_text(check->txn, &version, &check->text, &err) < 0) {
		differ(check, "%s: '%.*s'", err.msg, of.id.len, of.id.bytes);
		return 0;
	}
	text_facts(check, &version, &row, &of);
	return 0;
}

/* --- records ------------------------------------------------------------------- */

static bool pair_there(struct check *check, enum table table, struct row_key key)
{
	struct store_value v;

	return store_get(check->txn->store, table, key.bytes, key.len, &v) == 0;
}

static void expect_entry(struct check *check, uint64_t number, struct row_record *row,
			 enum query_response response)
{
	uint64_t sequence = *feed_last(row, response);
	struct row_key key = row_key1(sequence);
	struct store_cursor *c;
	struct query_key entry;

	if (!sequence) {
		expect(check, !row->known, "a response has no feed entry", &row->id);
		return;
	}
	check->feed_entries++;
	c = store_cursor_open(check->txn->store, TABLE_FEED);
	expect(check,
	       store_first(c, key.bytes, key.len) == 0 &&
		       feed_entry_get(&entry, c) == 0 && entry.response == response &&
		       entry.number == number,
	       "a response's feed entry is missing", &row->id);
	store_cursor_close(c);
}

/* Counts the rows of a relation table that start with `number`; with `live`, only those
 * of live tag images, whose numbers end the keys. */
static uint64_t related(struct check *check, enum table table, uint64_t number, bool live)
{
	struct store_cursor *c = store_cursor_open(check->txn->store, table);
	struct row_key prefix = row_key1(number);
	struct row_record row;
	uint64_t n = 0;

	for (int rc = store_first(c, prefix.bytes, prefix.len); rc == 0;
	     rc = store_next(c)) {
		struct store_value key = store_key(c);
		uint64_t other = be64_get((const char *)key.data + key.len - 8);

		n += !live || (txn_record_get(check->txn, other, &row) == 0 && row.live);
	}
	store_cursor_close(c);
	return n;
}

static void image_row(struct check *check, uint64_t number, struct row_record *row)
{
	uint64_t live = related(check, TABLE_IMAGE_TAGS, number, true);
	struct row_key key = row_key2(row->album, number);

	expect(check, live == row->live_count, "live tag images are miscounted",
	       &row->id);
	expect(check, related(check, TABLE_IMAGE_TAGS, number, false) == row->joined,
	       "an image's tag images are miscounted", &row->id);
	expect_entry(check, number, row, QUERY_TAG_IMAGES);
	if (!row->known) {
		return;
	}
	check->counts.images++;
	check->counts.untagged += live == 0;
	expect(check, pair_there(check, TABLE_ALBUM_IMAGES, key),
	       "an image is missing from its album", &row->id);
	expect(check, pair_there(check, TABLE_ALBUM_UNTAGGED, key) == (live == 0),
	       "an image is wrongly listed as untagged or not", &row->id);
}

static void tag_row(struct check *check, uint64_t number, struct row_record *row)
{
	expect(check, related(check, TABLE_TAG_IMAGES, number, true) == row->live_count,
	       "a tag's live tag images are miscounted", &row->id);
	expect(check, related(check, TABLE_TAG_IMAGES, number, false) == row->joined,
	       "a tag's tag images are miscounted", &row->id);
	expect_entry(check, number, row, QUERY_TAG);
	check->counts.tags += row->known;
}

static void tag_image_row(struct check *check, uint64_t number,
			  const struct row_record *row)
{
	struct row_record image, tag;
	bool live = row->known && txn_record_get(check->txn, row->image, &image) == 0 &&
		    image.known && txn_record_get(check->txn, row->tag, &tag) == 0 &&
		    tag.known;

	expect(check, live == row->live, "a tag image is wrongly live or not live",
	       &row->id);
	check->counts.live_tag_images += live;
	if (row->known) {
		check->counts.tag_images++;
		expect(check,
		       pair_there(check, TABLE_TAG_IMAGES,
				  row_key3(row->tag, row->image, number)) &&
			       pair_there(check, TABLE_IMAGE_TAGS,
					  row_key2(row->image, number)),
		       "a tag image is missing from its tag or image", &row->id);
	}
}

static void winner(struct check *check, uint64_t number, const struct row_record *row)
{
	struct row_version_key best = {.number = number};
	struct row_version facts;
	int rc = version_elect(check->txn, number, &best, NULL);

	expect(check, row->known == (rc == 0), "a record is wrongly known or not known",
	       &row->id);
	if (rc == 0 && row->known) {
		expect(check, row_version_equal(&best, &row->version),
		       "a record's winner is wrong", &row->id);
		buf_clear(&check->text);
		expect(check,
		       version_get(check->txn, &best, &facts, &check->text, NULL) == 0 &&
			       stamp_compare(&facts.created, &row->created) == 0 &&
			       facts.album == row->album && facts.image == row->image &&
			       facts.tag == row->tag,
		       "a record differs from its winner", &row->id);
	}
}

static int record_row(struct check *check, const struct store_cursor *c)
{
	struct store_value key = store_key(c), v = store_cursor_value(c);
	struct row_record row;
	uint64_t number;

	if (key.len != 8 || row_record_get(&row, be64_get(key.data), v.data, v.len) < 0) {
		differ(check, "a record is damaged");
		return 0;
	}
	number = be64_get(key.data);
	expect(check, ids_number(check->txn, row.kind, &row.id) == number,
	       "a record is not found by its id", &row.id);
	if (row.kind == ROW_ALBUM) {
		uint64_t images = related(check, TABLE_ALBUM_IMAGES, number, false);

		expect(check, images == row.live_count && row.known == (images > 0),
		       "an album's images are miscounted", &row.id);
		expect(check,
		       related(check, TABLE_ALBUM_UNTAGGED, number, false) == row.joined,
		       "an album's untagged images are miscounted", &row.id);
		expect_entry(check, number, &row, QUERY_UNTAGGED);
		expect_entry(check, number, &row, QUERY_IMAGES);
		check->counts.albums += images > 0;
		return 0;
	}
	winner(check, number, &row);
	if (row.kind == RECORD_IMAGE) {
		image_row(check, number, &row);
	} else if (row.kind == RECORD_TAG) {
		tag_row(check, number, &row);
	} else {
		tag_image_row(check, number, &row);
	}
	return 0;
}

/* --- the feed ------------------------------------------------------------------- */

/* Checks that the row of the record names this entry. */
static int feed_row(struct check *check, const struct store_cursor *c)
{
	struct query_key entry;
	struct row_record row;

	if (feed_entry_get(&entry, c) < 0) {
		differ(check, "an entry of the feed is damaged");
		return 0;
	}
	check->feed_last = entry.sequence;
	if (txn_record_get(check->txn, entry.number, &row) < 0 ||
	    row.kind != feed_kind(entry.response) ||
	    *feed_last(&row, entry.response) != entry.sequence) {
		differ(check, "no record names the feed entry with sequence %llu",
		       (unsigned long long)check->feed_last);
	}
	return 0;
}

/* --- totals --------------------------------------------------------------------- */

static void total(struct check *check, const char *what, uint64_t stored,
		  uint64_t counted)
{
	if (stored != counted) {
		differ(check, "%s: %llu stored, %llu counted", what,
		       (unsigned long long)stored, (unsigned long long)counted);
	}
}

static void totals(struct check *check)
{
	const struct index_counts *is = &check->txn->meta.counts;
	const struct index_counts *want = &check->counts;
	struct store_txn *store = check->txn->store;

	total(check, "files", is->files, want->files);
	total(check, "rejects", is->rejects, want->rejects);
	total(check, "rejected files", is->rejected_files, want->rejected_files);
	total(check, "images", is->images, want->images);
	total(check, "tags", is->tags, want->tags);
	total(check, "tag images", is->tag_images, want->tag_images);
	total(check, "live tag images", is->live_tag_images, want->live_tag_images);
	total(check, "albums", is->albums, want->albums);
	total(check, "untagged images", is->untagged, want->untagged);
	total(check, "claims", is->claims, want->claims);
	total(check, "claims of stored versions", check->counts.claims,
	      check->claims_met);
	total(check, "pins of stored versions", check->pins, check->pins_met);
	total(check, "rows of tag_images", store_count(store, TABLE_TAG_IMAGES),
	      want->tag_images);
	total(check, "rows of image_tags", store_count(store, TABLE_IMAGE_TAGS),
	      want->tag_images);
	total(check, "rows of album_images", store_count(store, TABLE_ALBUM_IMAGES),
	      want->images);
	total(check, "rows of album_untagged", store_count(store, TABLE_ALBUM_UNTAGGED),
	      want->untagged);
	total(check, "entries of the feed", store_count(store, TABLE_FEED),
	      check->feed_entries);
	total(check, "rows of id", store_count(store, TABLE_ID),
	      store_count(store, TABLE_RECORD));
	total(check, "records", check->txn->meta.next_number - 1,
	      store_count(store, TABLE_RECORD));
	if (check->feed_last > check->txn->meta.sequence ||
	    check->txn->meta.floor > check->txn->meta.sequence) {
		differ(check, "the feed goes beyond the last sequence, %llu",
		       (unsigned long long)check->txn->meta.sequence);
	}
}

int check_index(struct index_txn *txn, check_fn *each, void *payload,
		uint64_t *differences, struct err *err)
{
	struct check check = {.txn = txn, .each = each, .payload = payload};
	bool examined = txn->examined;
	int rc;

	store_read_ahead(txn->store);
	txn->examined = true;
	rc = check_files(&check);
	rc = rc ? rc : count_holds(&check);
	rc = rc ? rc : walk(&check, TABLE_VERSION, version_row);
	rc = rc ? rc : walk(&check, TABLE_RECORD, record_row);
	rc = rc ? rc : walk(&check, TABLE_FEED, feed_row);
	if (!rc) {
		totals(&check);
		rc = store_status(txn->store, err);
	}
	record_reader_release(&check.reader);
	buf_release(&check.text);
	hash_release(&check.holds);
	free(check.held);
	free(check.file);
	*differences = check.differences;
	txn->examined = examined;
	return rc;
}

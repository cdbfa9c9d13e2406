/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/claim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/bits.h"
#include "data/base/buf.h"
#include "data/base/hash.h"
#include "data/index/build_ids.h"
#include "data/index/dictionary.h"
#include "data/index/ids.h"
#include "data/index/relate.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * Taking claims, and why merging is enough.
 *
 * A reading adds claims before it withdraws any, so a record that moved within a file,
 * or between two files read in one transaction, always has a claim. Claims are
 * withdrawn only after a reading that ended without a reject: a half-written file does
 * not deny what it does not contain.
 *
 * Of one file and record only the greatest claim counts, so one row holds it. When a
 * file is read again, it may state a smaller claim (its record was set back). If the
 * reading ends without a reject, the smaller claim must replace the old one; otherwise
 * the old one stays. While a file is streamed, the end is unknown. So a merging reading
 * keeps the old claim, and notes that it met a smaller one. If it then ends without a
 * reject, which is rare, the caller reads the file once more with CLAIM_REPLACE: the
 * first claim of the reading on a record replaces the old one, later ones count if they
 * are greater.
 *
 * A kill between the transactions of a long reading leaves all added claims, and none
 * is withdrawn. The row of the file says `unread`, so the next scan reads it again.
 */

/* The last image or tag given to claim_add: a tag image that embeds it follows, and
 * needs it. */
struct embedded {
	struct row_version_key key;
	struct row_version facts;
};

struct claim_reading {
	struct index_txn *txn;
	enum claim_mode mode;
	char *path;
	size_t path_len;
	struct claim_file file; /* number, rejects */
	bool is_new;            /* the file had neither a row nor a claim */
	bool lowered;           /* a claim was smaller than the old claim of the file */
	bool anew;              /* the file was marked CLAIM_ANEW */
	uint64_t refused;       /* the number of rejects for secrets */
	uint64_t had;           /* rejects of the last reading */
	struct hash old;        /* the hashes of those that were stored */
	struct bits seen;       /* the records that this reading claimed */
	struct embedded image, tag;
	struct buf packed, own; /* scratch */
};

static uint32_t reject_hash(const void *value, size_t len)
{
	return hash_bytes(value, len, 0) | 1; /* a set has no 0 */
}

/* `old` (NULL: not wanted) gets the hashes of the rejects. */
static void forget_rejects(struct index_txn *txn, struct claim_file *file,
			   struct hash *old)
{
	struct index_counts *counts = &txn->meta.counts;
	struct store_value v;
	struct row_key key;

	if (!file->rejects) {
		return;
	}
	for (uint64_t n = 0; n < file->rejects && n < CLAIM_REJECTS_KEPT; n++) {
		key = row_key2(file->number, n);
		if (old &&
		    store_get(txn->store, TABLE_REJECT, key.bytes, key.len, &v) == 0) {
			hash_put(old, reject_hash(v.data, v.len));
		}
		txn_remove(txn, TABLE_REJECT, key.bytes, key.len, "a reject");
	}
	key = row_key1(file->number);
	txn_remove(txn, TABLE_REJECT, key.bytes, key.len, "the path of rejects");
	counts->rejects -= file->rejects;
	counts->rejected_files--;
	file->rejects = 0;
}

int claim_begin(struct claim_reading **out, struct index_txn *txn, const char *path,
		size_t len, enum claim_mode mode, struct err *err)
{
	struct claim_reading *reading;
	struct row_file row;
	int rc = claim_file_load(txn, path, len, &row);

	*out = NULL;
	if (rc && rc != ERR_NOTFOUND) {
		return txn_damaged(txn, err, "a file");
	}
	reading = xzalloc(sizeof(*reading));
	reading->txn = txn;
	reading->mode = mode;
	reading->path = xmemdup0(path, len);
	reading->path_len = len;
	if (rc == ERR_NOTFOUND) {
		reading->is_new = true;
		reading->file.number = txn->meta.next_file++;
		txn->meta.counts.files++;
	} else {
		reading->file = row.file;
		reading->anew = row.file.size == CLAIM_ANEW;
		reading->had = row.file.rejects;
		forget_rejects(txn, &reading->file, &reading->old);
	}
	*out = reading;
	return 0;
}

static void free_reading(struct claim_reading **reading)
{
	struct claim_reading *r = *reading;

	*reading = NULL;
	bits_release(&r->seen);
	hash_release(&r->old);
	buf_release(&r->packed);
	buf_release(&r->own);
	free(r->path);
	free(r);
}

void claim_hash(struct claim_ids *ids, const struct record *record)
{
	*ids = (struct claim_ids){{build_ids_hash(record->kind, &record->id)}};
	if (record->kind == RECORD_IMAGE) {
		ids->hash[1] = build_ids_hash(ROW_ALBUM, &record->album);
	} else if (record->kind == RECORD_TAG_IMAGE) {
		ids->hash[1] = build_ids_hash(RECORD_IMAGE, &record->image);
		ids->hash[2] = build_ids_hash(RECORD_TAG, &record->tag);
	}
}

void claim_expect(const struct claim_reading *reading, const struct claim_ids *ids)
{
	for (size_t i = 0; reading->txn->ids && i < 3; i++) {
		build_ids_expect(reading->txn->ids, ids->hash[i]);
	}
}

/* Makes the key and the facts of the version that a record states. Gives numbers to the
 * ids that it names. */
static void read_facts(struct claim_reading *reading, const struct record *record,
		       const char *canon, const struct claim_ids *ids,
		       const struct claim_text *text, struct row_version_key *key,
		       struct row_version *facts)
{
	struct index_txn *txn = reading->txn;
	const uint32_t *hash;
	struct claim_ids own;

	*facts = (struct row_version){.kind = record->kind, .created = record->created};
	if (!ids) {
		claim_hash(&own, record);
	}
	hash = ids ? ids->hash : own.hash;
	key->number = ids_intern_hashed(txn, hash[0], record->kind, &record->id);
	key->stamp = record->stamp;
	if (text) {
		memcpy(key->hash, text->hash, sizeof(key->hash));
	} else {
		row_hash(key->hash, canon + record->text.off, record->text.len);
	}
	if (record->kind == RECORD_IMAGE) {
		facts->album = ids_intern_hashed(txn, hash[1], ROW_ALBUM, &record->album);
	} else if (record->kind == RECORD_TAG_IMAGE) {
		facts->image =
			ids_intern_hashed(txn, hash[1], RECORD_IMAGE, &record->image);
		facts->tag = ids_intern_hashed(txn, hash[2], RECORD_TAG, &record->tag);
		facts->embedded = record->embedded;
		if (record->embedded && !store_status(txn->store, NULL)) {
			facts->image_version = reading->image.key;
			facts->tag_version = reading->tag.key;
			assert(facts->image == facts->image_version.number);
			assert(facts->tag == facts->tag_version.number);
		}
	}
}

/* Makes the version that a tag image embeds, if it does not exist: it was not made if a
 * greater claim of the same file hid it. A pin holds it until the tag image has its
 * own. Returns whether it was made. */
static bool keep_embedded(struct claim_reading *reading, const struct embedded *what,
			  const char *text, size_t len)
{
	struct index_txn *txn = reading->txn;
	struct row_version facts = what->facts;

	if (version_hold(txn, &what->key, VERSION_PIN) == 0) {
		version_release(txn, &what->key, VERSION_PIN);
		return false;
	}
	buf_clear(&reading->packed);
	codec_pack(txn->codec, &reading->packed, facts.kind, text, len);
	facts.packed = (const unsigned char *)reading->packed.data;
	facts.packed_len = reading->packed.len;
	version_make(txn, &what->key, VERSION_PIN, &facts);
	return true;
}

/* Makes the version that a record claims. */
static void make_version(struct claim_reading *reading, const struct record *record,
			 const char *canon, const struct claim_text *text,
			 const char *packed, const struct row_version_key *key,
			 struct row_version *facts)
{
	const char *json = canon + record->text.off;
	struct json_span image = record->image_slot.value, tag = record->tag_slot.value;
	bool held_image = false, held_tag = false;

	if (record->embedded) {
		held_image = keep_embedded(reading, &reading->image, json + image.off,
					   image.len);
		held_tag = keep_embedded(reading, &reading->tag, json + tag.off, tag.len);
	}
	/* Pack the text again if it was packed with a dictionary of a transaction that
	 * was aborted. */
	if (text && codec_can_unpack(reading->txn->codec, packed + text->packed.off,
				     text->packed.len)) {
		facts->image_first = text->image_first;
		facts->image_at = text->image_at;
		facts->tag_at = text->tag_at;
		facts->packed = (const unsigned char *)packed + text->packed.off;
		facts->packed_len = text->packed.len;
	} else {
		buf_clear(&reading->packed);
		version_pack(reading->txn->codec, &reading->packed, facts, record, canon,
			     &reading->own);
		facts->packed = (const unsigned char *)reading->packed.data;
		facts->packed_len = reading->packed.len;
	}
	version_make(reading->txn, key, VERSION_CLAIM, facts);
	if (held_image) {
		version_release(reading->txn, &reading->image.key, VERSION_PIN);
	}
	if (held_tag) {
		version_release(reading->txn, &reading->tag.key, VERSION_PIN);
	}
}

/* After a new claim: the version wins if it is greater than the winner. */
static int challenge(struct index_txn *txn, enum record_kind kind,
		     const struct row_version_key *key, const char *text, size_t len,
		     struct err *err)
{
	struct row_record row;
	int order = -1;
	int rc;

	if (txn->meta.building) {
		dictionary_learn(txn, kind);
		return 0;
	}
	rc = txn_record_get(txn, key->number, &row);

	if (!rc && row.known) {
		rc = version_compare_text(txn, &row.version, key, text, len, &order, err);
	}
	if (!rc && order < 0) {
		rc = relate_winner(txn, key->number, key, err);
	}
	if (!rc && !row.known) {
		dictionary_learn(txn, kind);
	}
	return rc;
}

/* After a withdrawn claim: if it was the last one of the winner, elects another winner,
 * or none. */
static int retire(struct index_txn *txn, const struct row_version_key *key,
		  struct err *err)
{
	struct row_version_key best;
	struct row_record row;
	int rc;

	if (version_release(txn, key, VERSION_CLAIM) > 0 || txn->meta.building) {
		return 0;
	}
	rc = txn_record_get(txn, key->number, &row);
	if (rc || !row_version_equal(&row.version, key)) {
		return rc;
	}
	rc = version_elect(txn, key->number, &best, err);
	if (rc == ERR_NOTFOUND) {
		return relate_winner(txn, key->number, NULL, err);
	}
	return rc ? rc : relate_winner(txn, key->number, &best, err);
}

/* The version that the file claims for a record. ERR_NOTFOUND: none. */
static int get_claim(struct index_txn *txn, uint64_t file, uint64_t number,
		     struct row_version_key *out)
{
	struct row_key key = row_key2(file, number);
	struct store_value v;
	int rc = store_get(txn->store, TABLE_CLAIM, key.bytes, key.len, &v);

	if (!rc && v.len != ROW_VERSION_ID_SIZE) {
		rc = txn_damaged(txn, NULL, "a claim");
	}
	if (!rc) {
		row_version_id_get(out, number, v.data);
	}
	return rc;
}

static void put_claim(struct index_txn *txn, uint64_t file,
		      const struct row_version_key *version)
{
	struct row_key key = row_key2(file, version->number);
	unsigned char id[ROW_VERSION_ID_SIZE];

	row_version_id_put(id, version);
	/* Of a build nearly all come last. Otherwise the end of the table may be on the
	 * disk. */
	(txn->ids ? store_put_last : store_put)(txn->store, TABLE_CLAIM, key.bytes,
						key.len, id, sizeof(id));
}

/* Whether this claim replaces the old claim of the file. */
static int replaces(struct claim_reading *reading, const struct row_version_key *old,
		    const struct row_version_key *key, const char *text, size_t len,
		    bool *yes, struct err *err)
{
	bool seen = bits_has(&reading->seen, key->number);
	int order;
	int rc;

	*yes = false;
	if (row_version_equal(old, key)) {
		bits_put(&reading->seen, key->number);
		return 0;
	}
	if ((reading->mode == CLAIM_REPLACE || reading->anew) && !seen) {
		*yes = true;
		return 0;
	}
	rc = version_compare_text(reading->txn, old, key, text, len, &order, err);
	if (!rc) {
		*yes = order < 0;
		reading->lowered |= order > 0 && !seen;
	}
	return rc;
}

static int add(struct claim_reading *reading, const struct record *record,
	       const char *canon, const struct claim_ids *ids,
	       const struct claim_text *text, const char *packed, struct err *err)
{
	struct index_txn *txn = reading->txn;
	const char *json = canon + record->text.off;
	struct row_version_key key, old;
	struct row_version facts;
	bool had = false, yes = true;
	int rc = 0;

	read_facts(reading, record, canon, ids, text, &key, &facts);
	rc = store_status(txn->store, err);
	if (rc) {
		return rc; /* a number is missing */
	}
	if (record->kind == RECORD_IMAGE) {
		reading->image = (struct embedded){.key = key, .facts = facts};
	} else if (record->kind == RECORD_TAG) {
		reading->tag = (struct embedded){.key = key, .facts = facts};
	}
	if (!reading->is_new || bits_has(&reading->seen, key.number)) {
		rc = get_claim(txn, reading->file.number, key.number, &old);
		had = rc == 0;
	}
	if (had) {
		rc = replaces(reading, &old, &key, json, record->text.len, &yes, err);
	}
	if ((rc && rc != ERR_NOTFOUND) || !yes) {
		return rc;
	}
	bits_put(&reading->seen, key.number);
	if (version_hold(txn, &key, VERSION_CLAIM) < 0) {
		make_version(reading, record, canon, text, packed, &key, &facts);
	}
	put_claim(txn, reading->file.number, &key);
	reading->file.claims += row_claim_sum(&key) - (had ? row_claim_sum(&old) : 0);
	txn->meta.counts.claims += !had;
	rc = challenge(txn, record->kind, &key, json, record->text.len, err);
	if (!rc && had) {
		rc = retire(txn, &old, err);
	}
	return rc;
}

void claim_add(struct claim_reading *reading, const struct record *record,
	       const char *canon, const struct claim_ids *ids,
	       const struct claim_text *text, const char *packed)
{
	struct err err = {0};

	if (!store_status(reading->txn->store, NULL) &&
	    add(reading, record, canon, ids, text, packed, &err) < 0) {
		if (!err.code) {
			txn_damaged(reading->txn, &err, "a claim");
		}
		store_fail(reading->txn->store, &err);
	}
}

bool claim_reject(struct claim_reading *reading, size_t line, size_t column,
		  const char *reason)
{
	uint64_t n = reading->file.rejects++;
	struct row_key key = row_key2(reading->file.number, n);
	struct buf value = {0};
	bool is_new;

	if (n >= CLAIM_REJECTS_KEPT) {
		return n >= reading->had;
	}
	if (!n) {
		struct row_key file = row_key1(reading->file.number);

		store_put(reading->txn->store, TABLE_REJECT, file.bytes, file.len,
			  reading->path, reading->path_len);
	}
	buf_addu64(&value, line);
	buf_addu64(&value, column);
	buf_addstr(&value, reason);
	store_put(reading->txn->store, TABLE_REJECT, key.bytes, key.len, value.data,
		  value.len);
	is_new = !hash_has(&reading->old, reject_hash(value.data, value.len));
	buf_release(&value);
	return is_new;
}

bool claim_reject_secret(struct claim_reading *reading, size_t line, size_t column,
			 const char *reason)
{
	reading->refused++;
	return claim_reject(reading, line, column, reason);
}

/* Stores that the file must be read again, with the rejects so far. */
static void put_unread(struct claim_reading *reading)
{
	struct claim_file file = {.number = reading->file.number,
				  .size = reading->anew ? CLAIM_ANEW : -1,
				  .rejects = reading->file.rejects,
				  .claims = reading->file.claims};

	claim_file_store(reading->txn, reading->path, reading->path_len, &file, true);
}

static void count_rejects(struct claim_reading *reading, bool up)
{
	struct index_counts *counts = &reading->txn->meta.counts;
	uint64_t n = reading->file.rejects;

	if (n) {
		counts->rejects += up ? n : (uint64_t)0 - n;
		counts->rejected_files += up ? 1 : (uint64_t)-1;
	}
}

void claim_pause(struct claim_reading *reading)
{
	put_unread(reading);
	count_rejects(reading, true);
	reading->txn = NULL;
}

int claim_resume(struct claim_reading *reading, struct index_txn *txn, struct err *err)
{
	const struct claim_file *own = &reading->file;
	struct row_file row;
	int rc = claim_file_load(txn, reading->path, reading->path_len, &row);

	if (rc && rc != ERR_NOTFOUND) {
		return txn_damaged(txn, err, "a file");
	}
	/* Is the row as claim_pause left it? */
	if (rc || !row.unread || row.file.number != own->number ||
	    row.file.claims != own->claims || row.file.rejects != own->rejects) {
		return ERR_CHANGED;
	}
	reading->txn = txn;
	count_rejects(reading, false);
	return 0;
}

int claim_withdraw(struct index_txn *txn, uint64_t file, uint64_t number,
		   uint32_t *claims, struct err *err)
{
	struct row_key key = row_key2(file, number);
	struct row_version_key version;
	int rc = get_claim(txn, file, number, &version);

	if (rc) {
		return txn_damaged(txn, err, "a claim");
	}
	txn_remove(txn, TABLE_CLAIM, key.bytes, key.len, "a claim");
	txn->meta.counts.claims--;
	*claims -= row_claim_sum(&version);
	return retire(txn, &version, err);
}

/* Whether the record is an image that no file claims. */
static bool is_unknown_image(struct index_txn *txn, uint64_t number)
{
	struct row_record row;

	return txn_record_get(txn, number, &row) == 0 && row.kind == RECORD_IMAGE &&
	       !row.known;
}

uint64_t claim_count_unknown(struct index_txn *txn, const void *numbers, size_t count)
{
	const char *at = numbers;
	uint64_t unknown = 0;

	for (size_t i = 0; i < count; i++) {
		unknown += is_unknown_image(txn, be64_get(at + 8 * i));
	}
	return unknown;
}

/* Withdraws the claims of the file on all records but those in `keep`. This writes the
 * table, so the cursor seeks again after each of them. `lost`: see claim_end. */
static int withdraw_others(struct index_txn *txn, struct claim_file *file,
			   const struct bits *keep, struct buf *lost, struct err *err)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_CLAIM);
	struct row_key key = row_key2(file->number, 0);
	uint32_t left = file->claims; /* the part of the sum that is not met yet */
	int rc = store_seek(c, key.bytes, key.len);

	while (rc == 0 && store_has_prefix(c, key.bytes, 8)) {
		struct row_version_key version;
		uint64_t number;

		if (store_key(c).len != 16 ||
		    store_cursor_value(c).len != ROW_VERSION_ID_SIZE) {
			rc = txn_damaged(txn, err, "a claim");
			break;
		}
		number = be64_get((const char *)store_key(c).data + 8);
		row_version_id_get(&version, number, store_cursor_value(c).data);
		left -= row_claim_sum(&version);
		if (bits_has(keep, number)) {
			rc = store_next(c);
			continue;
		}
		rc = claim_withdraw(txn, file->number, number, &file->claims, err);
		if (rc) {
			break;
		}
		if (lost && !txn->meta.building && is_unknown_image(txn, number)) {
			buf_addu64(lost, number);
		}
		key = row_key2(file->number, number);
		rc = store_seek(c, key.bytes, key.len);
	}
	rc = store_walk_end(c, rc);
	return !rc && left ? txn_damaged(txn, err, "the claims of a file") : rc;
}

/* The first failure of the transaction comes before its consequences, and always has a
 * message. */
static int first_failure(struct index_txn *txn, int rc, struct err *err)
{
	int failed = store_status(txn->store, err);

	return failed ? failed : rc;
}

int claim_end(struct claim_reading **reading, struct claim_file *file, struct buf *lost,
	      struct err *err)
{
	struct claim_reading *r = *reading;
	bool clean = r->file.rejects == (r->anew ? r->refused : 0);
	int rc = 0;

	file->number = r->file.number;
	file->rejects = r->file.rejects;
	if (!r->file.rejects && r->lowered) {
		put_unread(r);
		rc = err_set(err, ERR_CHANGED, "'%s' must be read again", r->path);
	} else {
		if (clean && !r->is_new) {
			/* With a reject, it is the reject that explains a loss. */
			rc = withdraw_others(r->txn, &r->file, &r->seen,
					     r->file.rejects ? NULL : lost, err);
		}
		file->claims = r->file.claims;
		count_rejects(r, true);
		claim_file_store(r->txn, r->path, r->path_len, file, false);
	}
	rc = first_failure(r->txn, rc, err);
	free_reading(reading);
	return rc;
}

void claim_drop(struct claim_reading **reading)
{
	if (*reading) {
		if ((*reading)->txn) {
			put_unread(*reading);
			count_rejects(*reading, true);
		}
		free_reading(reading);
	}
}

int claim_withdraw_file(struct index_txn *txn, const char *path, size_t len,
			struct err *err)
{
	struct bits none = {0};
	struct buf key = {0};
	struct row_file row;
	int rc = claim_file_load(txn, path, len, &row);

	if (rc == ERR_NOTFOUND) {
		return 0;
	}
	if (rc) {
		return txn_damaged(txn, err, "a file");
	}
	forget_rejects(txn, &row.file, NULL);
	rc = withdraw_others(txn, &row.file, &none, NULL, err);
	row_path_key(&key, path, len);
	txn_remove(txn, TABLE_FILE, key.data, key.len, "a file");
	txn->meta.counts.files--;
	buf_release(&key);
	return first_failure(txn, rc, err);
}

/* --- files ---------------------------------------------------------------------- */

int claim_file_load(struct index_txn *txn, const char *path, size_t len,
		    struct row_file *out)
{
	struct buf key = {0};
	struct store_value v;
	int rc;

	row_path_key(&key, path, len);
	rc = store_get(txn->store, TABLE_FILE, key.data, key.len, &v);
	if (!rc && row_file_get(out, key.data, key.len, v.data, v.len) < 0) {
		rc = txn_damaged(txn, NULL, "a file");
	}
	buf_release(&key);
	return rc;
}

void claim_file_store(struct index_txn *txn, const char *path, size_t len,
		      const struct claim_file *file, bool unread)
{
	struct row_file row = {.file = *file, .unread = unread};
	struct buf key = {0}, value = {0};

	row_path_key(&key, path, len);
	row_file_put(&value, &row, path, len);
	store_put(txn->store, TABLE_FILE, key.data, key.len, value.data, value.len);
	buf_release(&key);
	buf_release(&value);
}

int claim_file_get(struct index_txn *txn, const char *path, size_t len,
		   struct claim_file *out)
{
	struct row_file row;
	int rc = claim_file_load(txn, path, len, &row);

	if (!rc) {
		*out = row.file;
	}
	return rc;
}

int claim_file_each(struct index_txn *txn, const char *prefix, size_t prefix_len,
		    int (*each)(const char *path, size_t len,
				const struct claim_file *file, void *payload),
		    void *payload, struct err *err)
{
	/* A key contains the first ROW_PATH_KEY_MAX bytes of a path; a longer prefix is
	 * compared with the whole path. */
	size_t seek_len = prefix_len < ROW_PATH_KEY_MAX ? prefix_len : ROW_PATH_KEY_MAX;
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_FILE);
	uint64_t met = 0;
	int rc;

	for (rc = store_first(c, prefix, seek_len); rc == 0; rc = store_next(c)) {
		struct store_value key = store_key(c), v = store_cursor_value(c);
		const char *path = key.data;
		size_t len = key.len;
		struct row_file row;

		if (row_file_get(&row, key.data, key.len, v.data, v.len) < 0) {
			rc = txn_damaged(txn, err, "a file");
			break;
		}
		if (row.path) {
			path = row.path;
			len = row.path_len;
		}
		if (len < prefix_len || memcmp(path, prefix, prefix_len) != 0) {
			continue;
		}
		met++;
		rc = each(path, len, &row.file, payload);
		if (rc) {
			break;
		}
	}
	rc = store_walk_end(c, rc);
	if (!rc && !prefix_len && met != txn->meta.counts.files) {
		return txn_damaged(txn, err, "the files");
	}
	return rc;
}

uint64_t claim_file_numbers(const struct index_txn *txn)
{
	return txn->meta.next_file;
}

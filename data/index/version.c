/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/version.h"

#include <assert.h>
#include <string.h>

#include "data/format/json.h"
#include "data/index/ids.h"
#include "data/index/recent.h"
#include "data/index/txn.h"

/* ERR_NOTFOUND (no message), or ERR_FORMAT. out->packed points into the store. */
static int get_row(struct index_txn *txn, const struct row_version_key *key,
		   struct row_version *out)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];
	struct store_value v;
	int rc;

	row_version_key_put(bytes, key);
	rc = store_get(txn->store, TABLE_VERSION, bytes, sizeof(bytes), &v);
	if (!rc && row_version_get(out, bytes, v.data, v.len) < 0) {
		rc = txn_damaged(txn, NULL, "a version");
	}
	return rc;
}

int version_facts_at(struct store_cursor *versions, struct index_txn *txn,
		     const struct row_version_key *key, struct row_version *out)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];
	struct store_value v;

	row_version_key_put(bytes, key);
	if (store_find(versions, bytes, sizeof(bytes)) == 0) {
		v = store_cursor_value(versions);
		if (row_version_get(out, bytes, v.data, v.len) == 0) {
			return 0;
		}
	}
	return txn_damaged(txn, NULL, "a version");
}

int version_facts(struct index_txn *txn, const struct row_version_key *key,
		  struct row_version *out, struct err *err)
{
	int rc = get_row(txn, key, out);

	return rc ? txn_damaged(txn, err, "a version") : 0;
}

static void put_raw(struct index_txn *txn, const struct row_version_key *key,
		    const struct buf *row)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];

	row_version_key_put(bytes, key);
	store_put(txn->store, TABLE_VERSION, bytes, sizeof(bytes), row->data, row->len);
}

/* Whether the record comes after all that have versions. */
static bool is_last(struct index_txn *txn, uint64_t number)
{
	if (txn->last_version == UINT64_MAX) {
		struct store_cursor *c = store_cursor_open(txn->store, TABLE_VERSION);
		bool any = store_seek_last(c, NULL, 0) == 0;

		txn->last_version = any ? be64_get(store_key(c).data) : 0;
		store_cursor_close(c);
	}
	return number > txn->last_version;
}

/* Writes a new version. A version of a new record is the last in the table; appending
 * it fills the pages completely. */
static void put_new(struct index_txn *txn, const struct row_version_key *key,
		    const struct buf *row)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];

	if (!is_last(txn, key->number)) {
		put_raw(txn, key, row);
		return;
	}
	row_version_key_put(bytes, key);
	store_append(txn->store, TABLE_VERSION, bytes, sizeof(bytes), row->data,
		     row->len);
	txn->last_version = key->number;
}

static void encode(struct index_txn *txn, const struct row_version_key *key,
		   const struct row_version *row)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];

	row_version_key_put(bytes, key);
	buf_clear(&txn->text);
	row_version_put(&txn->text, bytes, row);
}

int version_hold(struct index_txn *txn, const struct row_version_key *key,
		 enum version_hold hold)
{
	struct row_version row;
	/* Of a build nearly all records are new. Otherwise the end of the table may be on
	 * the disk. */
	int rc = txn->ids && is_last(txn, key->number) ? ERR_NOTFOUND
						       : get_row(txn, key, &row);

	if (rc) {
		return rc;
	}
	row.claims += hold == VERSION_CLAIM;
	row.pins += hold == VERSION_PIN;
	encode(txn, key, &row);
	put_raw(txn, key, &txn->text);
	return 0;
}

/* Pins a version that must exist. */
static void pin(struct index_txn *txn, const struct row_version_key *key)
{
	if (version_hold(txn, key, VERSION_PIN) == ERR_NOTFOUND) {
		txn_damaged(txn, NULL, "a tag image's image or tag");
	}
}

void version_make(struct index_txn *txn, const struct row_version_key *key,
		  enum version_hold hold, const struct row_version *facts)
{
	struct row_version row = *facts;

	row.claims = hold == VERSION_CLAIM;
	row.pins = hold == VERSION_PIN;
	encode(txn, key, &row);
	put_new(txn, key, &txn->text);
	if (row.embedded) {
		pin(txn, &row.image_version);
		pin(txn, &row.tag_version);
	}
}

uint32_t version_release(struct index_txn *txn, const struct row_version_key *key,
			 enum version_hold hold)
{
	unsigned char bytes[ROW_VERSION_KEY_SIZE];
	struct row_version row;

	if (get_row(txn, key, &row) != 0 ||
	    !(hold == VERSION_CLAIM ? row.claims : row.pins)) {
		txn_damaged(txn, NULL, "a version");
		return 0;
	}
	row.claims -= hold == VERSION_CLAIM;
	row.pins -= hold == VERSION_PIN;
	if (row.claims || row.pins) {
		encode(txn, key, &row);
		put_raw(txn, key, &txn->text);
		return row.claims;
	}
	row_version_key_put(bytes, key);
	txn_remove(txn, TABLE_VERSION, bytes, sizeof(bytes), "a version");
	if (row.embedded) {
		version_release(txn, &row.image_version, VERSION_PIN);
		version_release(txn, &row.tag_version, VERSION_PIN);
	}
	return 0;
}

/* Appends the text of a tag image without the members for its image and tag, and sets
 * their places. */
static void own_text(struct buf *out, struct row_version *row,
		     const struct record *record, const char *text)
{
	struct json_span image = record->image_slot.member;
	struct json_span tag = record->tag_slot.member;
	bool image_first = image.off < tag.off;
	struct json_span first = image_first ? image : tag;
	struct json_span second = image_first ? tag : image;
	size_t middle = first.off + first.len, end = second.off + second.len;

	row->image_first = image_first;
	row->image_at = (uint32_t)(image.off - (image_first ? 0 : tag.len));
	row->tag_at = (uint32_t)(tag.off - (image_first ? image.len : 0));
	buf_add(out, text, first.off);
	buf_add(out, text + middle, second.off - middle);
	buf_add(out, text + end, record->text.len - end);
}

void version_pack(struct codec *codec, struct buf *packed, struct row_version *row,
		  const struct record *record, const char *canon, struct buf *own)
{
	const char *text = canon + record->text.off;

	if (record->kind != RECORD_TAG_IMAGE) {
		codec_pack(codec, packed, record->kind, text, record->text.len);
		return;
	}
	buf_clear(own);
	own_text(own, row, record, text);
	codec_pack(codec, packed, record->kind, own->data, own->len);
}

bool version_places_fit(const struct row_version *row, size_t len)
{
	return row->image_at <= len && row->tag_at <= len &&
	       (row->image_first ? row->image_at <= row->tag_at
				 : row->tag_at <= row->image_at);
}

int version_get(struct index_txn *txn, const struct row_version_key *key,
		struct row_version *row, struct buf *text, struct err *err)
{
	size_t start = text->len;

	if (version_facts(txn, key, row, err) < 0) {
		return ERR_FORMAT;
	}
	if (codec_unpack(txn->codec, text, row->packed, row->packed_len, err) < 0) {
		return txn_damaged(txn, err, "a stored text");
	}
	if (!version_places_fit(row, text->len - start)) {
		buf_setlen(text, start);
		return txn_damaged(txn, err, "a tag image's places");
	}
	return 0;
}

int version_winner(struct index_txn *txn, enum record_kind kind, uint64_t number,
		   struct buf *out, struct err *err)
{
	bool keep = kind == RECORD_TAG && !txn->write;
	size_t start = out->len;
	struct row_record row;
	struct row_version facts = {0};
	int rc;

	if (keep && recent_get(txn->tags, number, out) == 0) {
		return 0;
	}
	if (txn_record_get(txn, number, &row) < 0 || !row.known ||
	    row.kind != (unsigned)kind) {
		return txn_damaged(txn, err, "a record that is not known");
	}
	rc = version_get(txn, &row.version, &facts, out, err);
	if (!rc && keep) {
		recent_put(&txn->tags, number, out->data + start, out->len - start);
	}
	return rc;
}

static char *put(char *to, const void *bytes, size_t len)
{
	if (len) {
		memcpy(to, bytes, len);
	}
	return to + len;
}

char *version_compose(char *to, const struct row_version *row, const char *own,
		      size_t own_len, struct version_part image, struct version_part tag)
{
	struct version_part first = row->image_first ? image : tag;
	struct version_part second = row->image_first ? tag : image;
	size_t first_at = row->image_first ? row->image_at : row->tag_at;
	size_t second_at = row->image_first ? row->tag_at : row->image_at;

	assert(version_places_fit(row, own_len));
	to = put(to, own, first_at);
	to = put(to, first.at, first.len);
	to = put(to, own + first_at, second_at - first_at);
	to = put(to, second.at, second.len);
	return put(to, own + second_at, own_len - second_at);
}

/* Appends the member that the file contained for the image or tag. */
static int written_member(struct index_txn *txn, const struct row_version *row,
			  bool image, struct buf *out, struct err *err)
{
	struct record_id id;
	int rc;

	if (row->embedded) {
		buf_addstr(out, image ? "\"image\":" : "\"tag\":");
		return version_text(txn, image ? &row->image_version : &row->tag_version,
				    out, err);
	}
	rc = ids_name(txn, image ? row->image : row->tag, &id);
	if (rc) {
		return txn_damaged(txn, err, "a tag image's reference");
	}
	buf_addstr(out, image ? "\"image_id\":" : "\"tag_id\":");
	json_quote(out, id.bytes, id.len);
	return 0;
}

int version_text(struct index_txn *txn, const struct row_version_key *key,
		 struct buf *out, struct err *err)
{
	struct buf own = {0}, image = {0}, tag = {0};
	struct row_version row = {0};
	int rc = version_get(txn, key, &row, &own, err);

	if (!rc && row.kind != RECORD_TAG_IMAGE) {
		buf_add(out, own.data, own.len);
	} else if (!rc) {
		rc = written_member(txn, &row, true, &image, err);
		rc = rc ? rc : written_member(txn, &row, false, &tag, err);
		if (!rc) {
			size_t len = own.len + image.len + tag.len;

			buf_grow(out, len);
			version_compose(out->data + out->len, &row, own.data, own.len,
					(struct version_part){image.data, image.len},
					(struct version_part){tag.data, tag.len});
			buf_filled(out, len);
		}
	}
	buf_release(&own);
	buf_release(&image);
	buf_release(&tag);
	return rc;
}

int version_compare_text(struct index_txn *txn, const struct row_version_key *a,
			 const struct row_version_key *b, const char *text, size_t len,
			 int *order, struct err *err)
{
	struct buf left = {0};
	size_t common;
	int rc;

	*order = stamp_compare(&a->stamp, &b->stamp);
	if (*order || memcmp(a->hash, b->hash, ROW_HASH_SIZE) == 0) {
		return 0;
	}
	rc = version_text(txn, a, &left, err);
	if (!rc) {
		common = left.len < len ? left.len : len;
		*order = memcmp(left.data, text, common);
		if (!*order) {
			*order = left.len < len ? -1 : 1;
		}
	}
	buf_release(&left);
	return rc;
}

int version_elect(struct index_txn *txn, uint64_t number, struct row_version_key *out,
		  struct err *err)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_VERSION);
	unsigned char prefix[8];
	struct buf best = {0};
	bool found = false;
	int rc;

	be64_put(prefix, number);
	/* From the greatest stamp down to the first smaller one that is claimed. */
	for (rc = store_seek_last(c, prefix, sizeof(prefix)); rc == 0;
	     rc = store_previous(c)) {
		struct row_version_key key;
		struct row_version row;
		struct store_value v = store_cursor_value(c);
		int order;

		if (!store_has_prefix(c, prefix, sizeof(prefix))) {
			break;
		}
		if (store_key(c).len != ROW_VERSION_KEY_SIZE ||
		    row_version_get(&row, store_key(c).data, v.data, v.len) < 0) {
			rc = txn_damaged(txn, err, "a version");
			break;
		}
		row_version_key_get(&key, store_key(c).data);
		if (!row.claims) {
			continue;
		}
		if (found && stamp_compare(&key.stamp, &out->stamp) < 0) {
			break;
		}
		if (!found) {
			*out = key;
			found = true;
			continue;
		}
		buf_clear(&best);
		rc = version_text(txn, out, &best, err);
		rc = rc ? rc
			: version_compare_text(txn, &key, out, best.data, best.len,
					       &order, err);
		if (rc) {
			break;
		}
		if (order > 0) {
			*out = key;
		}
	}
	buf_release(&best);
	rc = store_walk_end(c, rc);
	return rc ? rc : found ? 0 : ERR_NOTFOUND;
}

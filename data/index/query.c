/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/query.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/index/claim.h"
#include "data/index/ids.h"
#include "data/index/list.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/* Reads the entry under the cursor, and checks that the row of its record names it, and
 * that no other record has the same id and would be answered in its place. */
static int feed_entry(struct index_txn *txn, struct store_cursor *c,
		      struct query_key *out)
{
	struct row_record row;

	if (feed_entry_get(out, c) < 0 || txn_record_get(txn, out->number, &row) < 0 ||
	    row.kind != feed_kind(out->response) ||
	    *feed_last(&row, out->response) != out->sequence ||
	    !ids_is(txn, row.kind, &row.id, out->number)) {
		return ERR_FORMAT;
	}
	return 0;
}

int query_feed(struct index_txn *txn, uint64_t after, struct query_key *out,
	       struct err *err)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_FEED);
	struct row_key key = row_key1(after + 1);
	int rc = store_seek(c, key.bytes, key.len);

	if (!rc) {
		rc = feed_entry(txn, c, out);
		/* The seek passed over no entry. */
		if (!rc && out->sequence <= after) {
			rc = ERR_FORMAT;
		}
		if (!rc && store_previous(c) == 0 &&
		    (store_key(c).len != 8 || be64_get(store_key(c).data) > after)) {
			rc = ERR_FORMAT;
		}
	} else if (rc == ERR_NOTFOUND && after < txn->meta.sequence) {
		rc = ERR_FORMAT; /* the last sequence always has an entry (feed.c) */
	}
	store_cursor_close(c);
	if (rc && rc != ERR_NOTFOUND) {
		txn_damaged(txn, NULL, "the feed");
		return store_status(txn->store, err);
	}
	return rc;
}

void query_read_ahead(struct index_txn *txn)
{
	store_read_ahead(txn->store);
}

uint64_t query_feed_count(struct index_txn *txn, uint64_t after, uint64_t limit)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_FEED);
	struct row_key key = row_key1(after + 1);
	bool whole = after == 0;
	uint64_t n = 0;

	for (int rc = store_seek(c, key.bytes, key.len); rc == 0 && n < limit;
	     rc = store_next(c)) {
		uint64_t sequence =
			store_key(c).len == 8 ? be64_get(store_key(c).data) : 0;

		/* An entry out of order would not be found by a seek. */
		if (sequence <= after) {
			txn_damaged(txn, NULL, "the feed");
			break;
		}
		after = sequence;
		n++;
	}
	store_cursor_close(c);
	/* The whole feed was counted: the table says how many entries it has. */
	if (whole && n < limit && n != store_count(txn->store, TABLE_FEED)) {
		txn_damaged(txn, NULL, "the feed");
	}
	return n;
}

int query_id(struct index_txn *txn, uint64_t number, struct record_id *out,
	     struct err *err)
{
	struct row_record row;
	int rc = txn_record_get(txn, number, &row);

	if (rc) {
		return txn_damaged(txn, err, "a record");
	}
	*out = row.id;
	return 0;
}

static_assert(QUERY_ALBUM == ROW_ALBUM, "albums have their own kind of id");

bool query_is_known(struct index_txn *txn, unsigned kind, const struct record_id *id)
{
	uint64_t number = ids_number(txn, kind, id);
	struct row_record row;

	return number && txn_record_get(txn, number, &row) == 0 && row.known;
}

/* The shortest record of an array, with its comma: {"public_id":"A","album_id":"B"} */
#define RECORD_LEAST 33

/* Whether an array of so many records must become longer than `most` bytes. */
static bool is_too_many(uint64_t records, size_t least, size_t most)
{
	return records > most / least;
}

static int images_body(struct index_txn *txn, const struct row_record *album,
		       bool untagged, size_t most, struct buf *body, struct err *err)
{
	struct list list = {0};
	int rc;

	if (is_too_many(untagged ? album->joined : album->live_count, RECORD_LEAST,
			most)) {
		return ERR_LARGE;
	}
	rc = list_fill(&list, txn, untagged ? TABLE_ALBUM_UNTAGGED : TABLE_ALBUM_IMAGES,
		       album, err);
	rc = rc ? rc : list_write(body, &list, txn, NULL, most, err);
	list_release(&list);
	return rc;
}

static int tag_images_body(struct index_txn *txn, const struct row_record *image,
			   size_t most, struct buf *body, struct err *err)
{
	struct list list = {0};
	struct buf member = {0};
	int rc;

	if (is_too_many(image->live_count, RECORD_LEAST, most)) {
		return ERR_LARGE;
	}
	rc = list_fill(&list, txn, TABLE_IMAGE_TAGS, image, err);
	if (!rc && list.count) {
		buf_addstr(&member, "\"image\":");
		rc = version_winner(txn, RECORD_IMAGE, image->version.number, &member,
				    err);
	}
	rc = rc ? rc : list_write(body, &list, txn, &member, most, err);
	buf_release(&member);
	list_release(&list);
	return rc;
}

static int tag_body(struct index_txn *txn, const struct row_record *row, struct buf *body,
		    struct err *err)
{
	int rc;

	buf_addstr(body, "{\"tag\":");
	rc = version_winner(txn, RECORD_TAG, row->version.number, body, err);
	buf_addf(body, ",\"tag_images\":%" PRIu64 "}", row->live_count);
	return rc;
}

static int album_of_body(struct index_txn *txn, const struct row_record *image,
			 struct buf *body, struct err *err)
{
	struct row_record album;

	if (txn_record_get(txn, image->album, &album) < 0 || album.kind != ROW_ALBUM) {
		return txn_damaged(txn, err, "an image's album");
	}
	json_quote(body, album.id.bytes, album.id.len);
	return 0;
}

int query_body(struct index_txn *txn, const struct query_key *key, size_t most,
	       struct buf *body, struct err *err)
{
	size_t start = body->len;
	struct row_record row;
	int rc = txn_record_get(txn, key->number, &row);

	if (rc || row.kind != feed_kind(key->response)) {
		return txn_damaged(txn, err, "the feed");
	}
	if (!row.known) {
		return ERR_NOTFOUND;
	}
	switch (key->response) {
	case QUERY_TAG_IMAGES:
		rc = tag_images_body(txn, &row, most, body, err);
		break;
	case QUERY_UNTAGGED:
	case QUERY_IMAGES:
		rc = images_body(txn, &row, key->response == QUERY_UNTAGGED, most, body,
				 err);
		break;
	case QUERY_TAG:
		rc = tag_body(txn, &row, body, err);
		break;
	case QUERY_ALBUM_OF:
		rc = album_of_body(txn, &row, body, err);
		break;
	default:
		rc = txn_damaged(txn, err, "the feed");
		break;
	}
	if (!rc && body->len - start > most) {
		rc = ERR_LARGE;
	}
	if (rc) {
		buf_setlen(body, start);
	}
	return rc;
}

struct reject_walk {
	struct index_txn *txn;
	query_reject_fn *each;
	void *payload;
	struct err *err;
};

struct reject {
	uint64_t line, column;
	char *reason; /* heap */
};

/* Reads the row under the cursor. -1: it is none of a reject. */
static int reject_read(struct reject *out, const struct store_cursor *c)
{
	struct store_value v = store_cursor_value(c);

	if (v.len < ROW_REJECT_SIZE || store_key(c).len != row_key2(0, 0).len) {
		return -1;
	}
	out->line = be64_get(v.data);
	out->column = be64_get((const char *)v.data + 8);
	out->reason =
		xmemdup0((const char *)v.data + ROW_REJECT_SIZE, v.len - ROW_REJECT_SIZE);
	return 0;
}

static int rejects_of_file(const char *path, size_t len, const struct claim_file *file,
			   void *payload)
{
	struct reject_walk *walk = payload;
	struct row_key prefix = row_key1(file->number);
	struct store_cursor *c;
	uint64_t n = 0;
	int rc;

	if (!file->rejects) {
		return 0;
	}
	c = store_cursor_open(walk->txn->store, TABLE_REJECT);
	rc = store_first(c, prefix.bytes, prefix.len);
	rc = rc ? rc : store_next(c); /* the first row is the path */
	while (rc == 0) {
		struct reject reject;
		int each;

		if (reject_read(&reject, c) < 0) {
			rc = txn_damaged(walk->txn, walk->err, "a reject");
			break;
		}
		n++;
		rc = store_next(c);
		/* The last one kept also reports those that were not. */
		each = walk->each(path, len, reject.line, reject.column, reject.reason,
				  rc == 0 ? 0 : file->rejects - n, walk->payload);
		free(reject.reason);
		rc = each ? each : rc;
	}
	return store_walk_end(c, rc);
}

int query_rejects(struct index_txn *txn, query_reject_fn *each, void *payload,
		  struct err *err)
{
	struct reject_walk walk = {
		.txn = txn, .each = each, .payload = payload, .err = err};

	return claim_file_each(txn, "", 0, rejects_of_file, &walk, err);
}

int query_some_rejects(struct index_txn *txn, size_t most, query_reject_fn *each,
		       void *payload, struct err *err)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_REJECT);
	struct buf path = {0};
	int rc = store_first(c, NULL, 0);

	for (size_t n = 0; rc == 0 && n < most; rc = rc ? rc : store_next(c)) {
		struct reject reject;

		if (store_key(c).len == row_key1(0).len) {
			buf_clear(&path);
			buf_add(&path, store_cursor_value(c).data,
				store_cursor_value(c).len);
		} else if (!path.len || reject_read(&reject, c) < 0) {
			rc = txn_damaged(txn, err, "a reject");
		} else {
			rc = each(path.data, path.len, reject.line, reject.column,
				  reject.reason, 0, payload);
			free(reject.reason);
			n++;
		}
	}
	buf_release(&path);
	return store_walk_end(c, rc);
}

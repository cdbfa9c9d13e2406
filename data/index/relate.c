/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/relate.h"

#include <string.h>

#include "data/index/feed.h"
#include "data/index/ids.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * How the change of one record spreads. There are three kinds of records, with one rule
 * each:
 *
 *	image		is in one album. Its tag images are live only while it is known.
 *			Its text is in both lists of its album and in its own tag images.
 *	tag		Its tag images are live only while it is known. Its text is in the
 *			tag images of every image that it tags.
 *	tag image	While it is live, its image and its tag count it, and one response
 *			shows it.
 *
 * Rows are loaded, changed and stored one at a time: no function holds a row while it
 * calls one that may load the same row.
 */

/* Loads a row that must exist. False: it cannot be read, which has failed the
 * transaction, so the caller may stop. */
static bool load(struct index_txn *txn, uint64_t number, struct row_record *row)
{
	return txn_record_get(txn, number, row) == 0;
}

/* The number to add to a counter to count up or down. */
static uint64_t step(bool up)
{
	return up ? 1 : (uint64_t)-1;
}

#define NO_RESPONSE 0

/* Adds to the counts of a row (negative numbers wrap around) and marks a response as
 * changed. */
static void change(struct index_txn *txn, uint64_t number, uint64_t live, uint64_t joined,
		   enum query_response response)
{
	struct row_record row;

	if (load(txn, number, &row)) {
		row.live_count += live;
		row.joined += joined;
		if (response) {
			feed_mark(txn, number, &row, response);
		}
		txn_record_put(txn, number, &row);
	}
}

static void put_pair(struct index_txn *txn, enum table table, uint64_t a, uint64_t b,
		     bool there)
{
	struct row_key key = row_key2(a, b);

	if (there) {
		store_put(txn->store, table, key.bytes, key.len, "", 0);
	} else {
		txn_remove(txn, table, key.bytes, key.len, "a relation");
	}
}

/* The album's list of untagged images gains or loses one. */
static void set_untagged(struct index_txn *txn, uint64_t album, uint64_t image,
			 bool untagged)
{
	put_pair(txn, TABLE_ALBUM_UNTAGGED, album, image, untagged);
	txn->meta.counts.untagged += step(untagged);
	change(txn, album, 0, step(untagged), QUERY_UNTAGGED);
}

/* Counts a live tag image of an image up or down. The response of the image becomes
 * stale; after the first or the last one, so does the untagged list of its album. */
static void count_live(struct index_txn *txn, uint64_t image, bool up)
{
	struct row_record row;
	bool was_tagged;

	if (!load(txn, image, &row)) {
		return;
	}
	was_tagged = row.live_count > 0;
	row.live_count += step(up);
	txn->meta.counts.live_tag_images += step(up);
	feed_mark(txn, image, &row, QUERY_TAG_IMAGES);
	txn_record_put(txn, image, &row);
	if (row.known && was_tagged != (row.live_count > 0)) {
		set_untagged(txn, row.album, image, was_tagged);
	}
}

/* Checks the number of rows of a relation table that begin with a record against its
 * row. */
static void expect_joined(struct index_txn *txn, uint64_t number, uint64_t met)
{
	struct row_record row;

	if (load(txn, number, &row) && row.joined != met) {
		txn_damaged(txn, NULL, "a relation");
	}
}

static bool is_known(struct index_txn *txn, uint64_t number)
{
	struct row_record row;

	return load(txn, number, &row) && row.known;
}

/* Stores whether a tag image is live; returns whether that has changed. */
static bool set_live(struct index_txn *txn, uint64_t number, bool live)
{
	struct row_record row;

	if (!load(txn, number, &row) || row.live == live) {
		return false;
	}
	row.live = live;
	txn_record_put(txn, number, &row);
	return true;
}

/* An image came into its album (`came` > 0), left it (< 0), or changed in it (0). */
static void place_image(struct index_txn *txn, uint64_t album, uint64_t image,
			bool untagged, int came)
{
	struct row_record row;

	if (!load(txn, album, &row)) {
		return;
	}
	if (came) {
		put_pair(txn, TABLE_ALBUM_IMAGES, album, image, came > 0);
		if (came > 0 ? row.live_count == 0 : row.live_count == 1) {
			row.known = came > 0;
			txn->meta.counts.albums += step(row.known);
			/* The untagged list appears or disappears with the album, even
			 * if it is empty. */
			feed_mark(txn, album, &row, QUERY_UNTAGGED);
		}
		row.live_count += step(came > 0);
	}
	feed_mark(txn, album, &row, QUERY_IMAGES);
	if (untagged) {
		feed_mark(txn, album, &row, QUERY_UNTAGGED);
		if (came) {
			put_pair(txn, TABLE_ALBUM_UNTAGGED, album, image, came > 0);
			row.joined += step(came > 0);
			txn->meta.counts.untagged += step(came > 0);
		}
	}
	txn_record_put(txn, album, &row);
}

/* Updates the tag images of an image that has become known or unknown. */
static void revive_image(struct index_txn *txn, uint64_t image, bool known)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_IMAGE_TAGS);
	struct row_key prefix = row_key1(image);
	uint64_t changed = 0, met = 0;

	for (int rc = store_first(c, prefix.bytes, prefix.len); rc == 0;
	     rc = store_next(c)) {
		uint64_t number = be64_get((const char *)store_key(c).data + 8);
		struct row_record row;
		bool live;

		if (!load(txn, number, &row)) {
			break;
		}
		if (row.kind != RECORD_TAG_IMAGE || !row.known || row.image != image) {
			txn_damaged(txn, NULL, "a relation");
			break;
		}
		met++;
		live = known && is_known(txn, row.tag);
		if (set_live(txn, number, live)) {
			changed++;
			change(txn, row.tag, step(live), 0, QUERY_TAG);
		}
	}
	store_cursor_close(c);
	expect_joined(txn, image, met);
	if (changed) {
		change(txn, image, step(known) * changed, 0, NO_RESPONSE);
		txn->meta.counts.live_tag_images += step(known) * changed;
	}
}

/* Updates the tag images of a tag whose text changed (`flipped` false), or that has
 * become known or unknown (true). */
static void retell_tag(struct index_txn *txn, uint64_t tag, bool known, bool flipped)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_TAG_IMAGES);
	struct row_key prefix = row_key1(tag);
	uint64_t changed = 0, met = 0;

	for (int rc = store_first(c, prefix.bytes, prefix.len); rc == 0;
	     rc = store_next(c)) {
		uint64_t image = be64_get((const char *)store_key(c).data + 8);
		uint64_t number = be64_get((const char *)store_key(c).data + 16);
		struct row_record row;

		if (!load(txn, number, &row)) {
			break;
		}
		if (row.kind != RECORD_TAG_IMAGE || !row.known || row.tag != tag ||
		    row.image != image) {
			txn_damaged(txn, NULL, "a relation");
			break;
		}
		met++;
		if (!is_known(txn, image)) {
			continue;
		}
		if (!flipped) {
			change(txn, image, 0, 0, QUERY_TAG_IMAGES);
		} else if (set_live(txn, number, known)) {
			count_live(txn, image, known);
			changed++;
		}
	}
	store_cursor_close(c);
	expect_joined(txn, tag, met);
	change(txn, tag, step(known) * changed, 0, QUERY_TAG);
}

static void image_winner(struct index_txn *txn, uint64_t number,
			 const struct row_record *old, const struct row_record *new)
{
	bool moved = old->album != new->album;
	struct row_record row;

	if (old->known != new->known) {
		txn->meta.counts.images += step(new->known);
	}
	/* It leaves its album with its old tag images. */
	if (old->known && (!new->known || moved)) {
		place_image(txn, old->album, number, old->live_count == 0, -1);
	}
	if (old->known != new->known) {
		revive_image(txn, number, new->known);
	}
	if (!load(txn, number, &row)) {
		return;
	}
	/* Its own response appears, disappears, or shows the image in tag images; the
	 * response that names its album changes with it. */
	if (old->known != new->known || moved || row.live_count) {
		feed_mark(txn, number, &row, QUERY_TAG_IMAGES);
		txn_record_put(txn, number, &row);
	}
	if (new->known) {
		place_image(txn, new->album, number, row.live_count == 0,
			    !old->known || moved ? 1 : 0);
	}
}

static void tag_winner(struct index_txn *txn, uint64_t number,
		       const struct row_record *old, const struct row_record *new)
{
	if (old->known != new->known) {
		txn->meta.counts.tags += step(new->known);
	}
	retell_tag(txn, number, new->known, old->known != new->known);
}

static void join(struct index_txn *txn, uint64_t number, const struct row_record *row,
		 bool there)
{
	struct row_key key = row_key3(row->tag, row->image, number);

	change(txn, row->image, 0, step(there), NO_RESPONSE);
	change(txn, row->tag, 0, step(there), NO_RESPONSE);
	put_pair(txn, TABLE_IMAGE_TAGS, row->image, number, there);
	if (there) {
		store_put(txn->store, TABLE_TAG_IMAGES, key.bytes, key.len, "", 0);
	} else {
		txn_remove(txn, TABLE_TAG_IMAGES, key.bytes, key.len, "a relation");
	}
}

static void tag_image_winner(struct index_txn *txn, uint64_t number,
			     const struct row_record *old, const struct row_record *new)
{
	bool live = new->known &&is_known(txn, new->image) && is_known(txn, new->tag);
	bool moved = old->image != new->image || old->tag != new->tag;

	if (old->known != new->known) {
		txn->meta.counts.tag_images += step(new->known);
	}
	if (old->known && (!new->known || moved)) {
		join(txn, number, old, false);
	}
	if (new->known && (!old->known || moved)) {
		join(txn, number, new, true);
	}
	set_live(txn, number, live);
	if (old->live && (!live || old->tag != new->tag)) {
		change(txn, old->tag, (uint64_t)-1, 0, QUERY_TAG);
	}
	if (live && (!old->live || old->tag != new->tag)) {
		change(txn, new->tag, 1, 0, QUERY_TAG);
	}
	if (old->live && (!live || old->image != new->image)) {
		count_live(txn, old->image, false);
	}
	if (live && (!old->live || old->image != new->image)) {
		count_live(txn, new->image, true);
	} else if (live) {
		change(txn, new->image, 0, 0, QUERY_TAG_IMAGES);
	}
}

int relate_winner(struct index_txn *txn, uint64_t number,
		  const struct row_version_key *key, struct err *err)
{
	struct row_record old, new;
	struct row_version facts;

	if (txn_record_get(txn, number, &old) < 0) {
		return store_status(txn->store, err);
	}
	/* Otherwise another number has the same id, and two records would be answered
	 * as one. */
	if (!ids_is(txn, old.kind, &old.id, number)) {
		return store_status(txn->store, err);
	}
	new = old;
	new.known = key != NULL;
	new.version = (struct row_version_key){.number = number};
	new.created = (struct stamp){{0}};
	new.album = new.image = new.tag = 0;
	if (key) {
		if (version_facts(txn, key, &facts, err) < 0) {
			return ERR_FORMAT;
		}
		new.version = *key;
		new.created = facts.created;
		new.album = facts.album;
		new.image = facts.image;
		new.tag = facts.tag;
	}
	txn_record_put(txn, number, &new);
	switch (old.kind) {
	case RECORD_IMAGE:
		image_winner(txn, number, &old, &new);
		break;
	case RECORD_TAG:
		tag_winner(txn, number, &old, &new);
		break;
	default:
		tag_image_winner(txn, number, &old, &new);
		break;
	}
	return store_status(txn->store, err);
}

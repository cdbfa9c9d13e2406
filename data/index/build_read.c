/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/build_read.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/threads.h"
#include "data/index/build_ids.h"
#include "data/index/txn.h"
#include "data/index/version.h"

#define THREAD_FROM 4096 /* numbers for which a thread pays */
#define RING 64 /* blocks: 17 MB of rows, which are encoded while relations are written */

/* The state of a number: the kind of a known record, and more. */
enum { STATE_KIND = 7, STATE_LIVE = 8 };

struct build_read {
	const struct build_ids *ids;
	/* The thread's, if there is one. */
	struct index_txn *txn;
	struct store_cursor *versions;
	uint64_t next;        /* number to encode */
	uint64_t feed, album; /* sequences to give out: to records, to albums */
	struct err failure;
	/* Both threads'; from `looked` on, both only read it. */
	struct build_facts facts;
	/* Both threads', under the mutex. Block n is ring[n % RING]. */
	bool threaded;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct build_rows ring[RING];
	uint64_t encoded, taken;
	bool looked, ended, stop;
	int rc;
	/* The caller's */
	bool holds; /* the block that was taken last */
};

bool build_facts_know(const struct build_facts *facts, uint64_t number, unsigned kind)
{
	return (facts->state[number] & STATE_KIND) == kind;
}

/* --- winners ------------------------------------------------------------------- */

/* Elects the winner of the record under the cursor, and moves the cursor to the first
 * version of the next record. *known is false if the record has no claim. */
static int next_winner(struct build_read *r, uint64_t *number,
		       struct row_version_key *best, struct row_version *row, bool *known)
{
	struct store_cursor *c = r->versions;
	bool tied = false;
	int rc = 0;

	*number = be64_get(store_key(c).data);
	*known = false;
	while (rc == 0 && be64_get(store_key(c).data) == *number) {
		struct row_version_key key;
		struct row_version next;
		struct store_value v = store_cursor_value(c);

		if (*number >= r->facts.numbers ||
		    row_version_get(&next, store_key(c).data, v.data, v.len) < 0) {
			return txn_damaged(r->txn, &r->failure, "a version");
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
		return store_status(r->txn->store, &r->failure);
	}
	if (tied) {
		/* Rare: the texts decide. */
		int elected = version_elect(r->txn, *number, best, &r->failure);

		elected =
			elected ? elected : version_facts(r->txn, best, row, &r->failure);
		return elected ? elected : rc;
	}
	return rc;
}

static int note_winners(struct build_read *r)
{
	int rc = store_seek(r->versions, NULL, 0);

	while (rc == 0) {
		struct row_version_key best;
		struct row_version row;
		struct build_fact *f;
		uint64_t number;
		bool known;

		rc = next_winner(r, &number, &best, &row, &known);
		if ((rc && rc != ERR_NOTFOUND) || !known) {
			continue;
		}
		f = &r->facts.fact[number];
		r->facts.state[number] = (unsigned char)row.kind;
		f->of = (uint32_t)(row.kind == RECORD_IMAGE ? row.album : row.image);
		f->tag = (uint32_t)row.tag; /* of others 0: no live tag image yet */
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Computes which tag images are live, and all counts. */
static void spread(struct build_facts *facts)
{
	struct index_counts *counts = &facts->counts;

	for (uint64_t n = 1; n < facts->numbers; n++) {
		const struct build_fact *f = &facts->fact[n];

		if (build_facts_know(facts, n, RECORD_IMAGE)) {
			counts->images++;
			counts->albums += !facts->state[f->of];
			facts->state[f->of] = ROW_ALBUM;
			facts->fact[f->of].live_count++;
		} else if (build_facts_know(facts, n, RECORD_TAG)) {
			counts->tags++;
		} else if (build_facts_know(facts, n, RECORD_TAG_IMAGE)) {
			struct build_fact *image = &facts->fact[f->of];
			struct build_fact *tag = &facts->fact[f->tag];
			bool live = facts->state[f->of] && facts->state[f->tag];

			facts->state[n] |= live ? STATE_LIVE : 0;
			image->joined++;
			tag->joined++;
			image->live_count += live;
			tag->live_count += live;
			counts->tag_images++;
			counts->live_tag_images += live;
		}
	}
	for (uint64_t n = 1; n < facts->numbers; n++) {
		if (build_facts_know(facts, n, RECORD_IMAGE) &&
		    !facts->fact[n].live_count) {
			counts->untagged++;
			facts->fact[facts->fact[n].of].joined++;
		}
	}
}

static int look(struct build_read *r)
{
	int rc = note_winners(r);

	if (!rc) {
		spread(&r->facts);
		r->next = 1;
		r->feed = r->txn->meta.sequence + 1;
		r->album = r->feed + r->facts.counts.images + r->facts.counts.tags;
		rc = store_seek(r->versions, NULL, 0);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* --- rows ---------------------------------------------------------------------- */

/* Makes the row of number `n`. The cursor is at its winner, or at a record before it that
 * nobody claims. */
static int make_row(struct build_read *r, uint64_t n, struct row_record *row)
{
	const struct build_fact *f = &r->facts.fact[n];
	unsigned state = r->facts.state[n];
	struct row_version facts;
	uint64_t number;
	bool known;
	int rc;

	*row = (struct row_record){.known = state != 0, .live = state & STATE_LIVE};
	row->kind = build_ids_get(r->ids, n, &row->id);
	if (row->kind != RECORD_TAG_IMAGE) {
		row->joined = f->joined;
		row->live_count = f->live_count;
	}
	if (row->known && row->kind == ROW_ALBUM) {
		row->feed[0] = r->album++;
		row->feed[1] = r->album++;
	}
	if (!row->known || row->kind == ROW_ALBUM) {
		return 0;
	}
	do {
		rc = next_winner(r, &number, &row->version, &facts, &known);
	} while (!rc && number < n);
	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	if (number != n || !known || facts.kind != row->kind) {
		return txn_damaged(r->txn, &r->failure, "a version");
	}
	row->created = facts.created;
	row->album = facts.album;
	row->image = facts.image;
	row->tag = facts.tag;
	if (row->kind != RECORD_TAG_IMAGE) {
		row->feed[0] = r->feed++;
	}
	return 0;
}

static int encode(struct build_read *r, struct build_rows *rows)
{
	int rc = 0;

	buf_clear(&rows->bytes);
	rows->first = r->next;
	rows->count = 0;
	while (!rc && rows->count < BUILD_ROWS && r->next < r->facts.numbers) {
		struct row_record row;

		rc = make_row(r, r->next, &row);
		row_record_put(&rows->bytes, r->next++, &row);
		rows->end[rows->count++] = rows->bytes.len;
	}
	return rc;
}

/* --- the two threads ------------------------------------------------------------- */

static void *run(void *payload)
{
	struct build_read *r = payload;
	int rc = look(r);

	pthread_mutex_lock(&r->mutex);
	r->looked = true;
	for (;;) {
		r->rc = rc;
		r->ended = rc || r->next == r->facts.numbers;
		pthread_cond_broadcast(&r->changed);
		while (!r->stop && r->encoded - r->taken == RING) {
			pthread_cond_wait(&r->changed, &r->mutex);
		}
		if (r->stop || r->ended) {
			break;
		}
		pthread_mutex_unlock(&r->mutex);
		rc = encode(r, &r->ring[r->encoded % RING]);
		pthread_mutex_lock(&r->mutex);
		r->encoded++;
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

int build_read_new(struct build_read **out, struct index *index,
		   const struct build_ids *ids, struct err *err)
{
	struct build_read *r = xzalloc(sizeof(*r));
	int rc = index_begin_beside(&r->txn, index, err);

	*out = NULL;
	if (rc) {
		free(r);
		return rc;
	}
	r->ids = ids;
	r->versions = store_cursor_open(r->txn->store, TABLE_VERSION);
	r->facts.numbers = r->txn->meta.next_number;
	r->facts.fact = xzalloc(r->facts.numbers * sizeof(*r->facts.fact));
	r->facts.state = xzalloc(r->facts.numbers);
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->threaded = r->facts.numbers >= THREAD_FROM && threads_pay() &&
		      threads_start(&r->thread, run, r);
	*out = r;
	return 0;
}

void build_read_free(struct build_read *r)
{
	if (!r) {
		return;
	}
	if (r->threaded) {
		pthread_mutex_lock(&r->mutex);
		r->stop = true;
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->mutex);
		pthread_join(r->thread, NULL);
	}
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mutex);
	for (size_t i = 0; i < RING; i++) {
		buf_release(&r->ring[i].bytes);
	}
	store_cursor_close(r->versions);
	index_abort(&r->txn);
	free(r->facts.fact);
	free(r->facts.state);
	free(r);
}

/* Returns `rc`; a failure with its message. */
static int result(const struct build_read *r, int rc, struct err *err)
{
	if (rc) {
		*err = r->failure;
	}
	return rc;
}

int build_read_facts(const struct build_facts **out, struct build_read *r,
		     struct err *err)
{
	int rc;

	*out = &r->facts;
	if (!r->threaded) {
		return result(r, look(r), err);
	}
	pthread_mutex_lock(&r->mutex);
	while (!r->looked) {
		pthread_cond_wait(&r->changed, &r->mutex);
	}
	rc = r->rc;
	pthread_mutex_unlock(&r->mutex);
	return result(r, rc, err);
}

int build_read_rows(const struct build_rows **out, struct build_read *r, struct err *err)
{
	struct build_rows *rows = &r->ring[0];
	int rc;

	*out = NULL;
	if (!r->threaded) {
		rc = encode(r, rows);
		*out = rows->count ? rows : NULL;
		return result(r, rc, err);
	}
	pthread_mutex_lock(&r->mutex);
	if (r->holds) {
		r->taken++;
		pthread_cond_broadcast(&r->changed);
	}
	while (r->taken == r->encoded && !r->ended) {
		pthread_cond_wait(&r->changed, &r->mutex);
	}
	rc = r->rc;
	r->holds = !rc && r->taken < r->encoded;
	if (r->holds) {
		*out = &r->ring[r->taken % RING];
	}
	pthread_mutex_unlock(&r->mutex);
	return result(r, rc, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/dictionary.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct dictionary {
	struct codec *codec;
	uint32_t id[CODEC_KINDS];       /* of those that the codec has; 0: none */
	uint64_t versions[CODEC_KINDS]; /* texts so far while the index is built */
	/* Copies for other threads, and the number of changes to them. */
	pthread_mutex_t mutex;
	struct buf copy[CODEC_KINDS];
	atomic_uint_fast64_t changes;
};

struct dictionary *dictionary_new(void)
{
	struct dictionary *dictionary = xzalloc(sizeof(*dictionary));

	dictionary->codec = codec_new();
	pthread_mutex_init(&dictionary->mutex, NULL);
	return dictionary;
}

void dictionary_free(struct dictionary *dictionary)
{
	if (dictionary) {
		codec_free(dictionary->codec);
		for (unsigned kind = 0; kind < CODEC_KINDS; kind++) {
			buf_release(&dictionary->copy[kind]);
		}
		pthread_mutex_destroy(&dictionary->mutex);
		free(dictionary);
	}
}

struct codec *dictionary_codec(struct dictionary *dictionary)
{
	return dictionary->codec;
}

/* The only way that the codec gets a dictionary, or loses one (len 0). */
static void set(struct dictionary *dictionary, unsigned kind, const void *bytes,
		size_t len)
{
	codec_set_dictionary(dictionary->codec, kind, bytes, len);
	dictionary->id[kind] = codec_dictionary_id(bytes, len);
	pthread_mutex_lock(&dictionary->mutex);
	buf_clear(&dictionary->copy[kind]);
	buf_add(&dictionary->copy[kind], bytes, len);
	dictionary->changes++;
	pthread_mutex_unlock(&dictionary->mutex);
}

void dictionary_copy(struct dictionary *dictionary, struct codec *codec, uint64_t *have)
{
	if (*have == dictionary->changes) {
		return;
	}
	pthread_mutex_lock(&dictionary->mutex);
	*have = dictionary->changes;
	for (unsigned kind = 0; kind < CODEC_KINDS; kind++) {
		const struct buf *copy = &dictionary->copy[kind];

		if (copy->len || codec_has_dictionary(codec, kind)) {
			codec_set_dictionary(codec, kind, copy->data, copy->len);
		}
	}
	pthread_mutex_unlock(&dictionary->mutex);
}

int dictionary_load(struct index_txn *txn, struct err *err)
{
	struct dictionary *dictionary = txn->dictionary;

	for (unsigned kind = 0; kind < CODEC_KINDS; kind++) {
		uint32_t want = txn->meta.dictionary[kind];
		unsigned char key = (unsigned char)kind;
		struct store_value v = {0};

		if (want == dictionary->id[kind]) {
			continue;
		}
		if (want && store_get(txn->store, TABLE_DICTIONARY, &key, 1, &v) == 0) {
			store_expect_value(txn->store, &v);
		}
		if (want && (!v.len || codec_dictionary_id(v.data, v.len) != want)) {
			return txn_damaged(txn, err, "a dictionary");
		}
		set(dictionary, kind, v.data, v.len);
	}
	return 0;
}

/* The number of texts that are read to find CODEC_TRAIN_COUNT of one kind. */
#define TRAIN_LOOK 65536
#define TRAIN_BYTES ((size_t)8 << 20)

static void train(struct index_txn *txn, enum record_kind kind)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_VERSION);
	struct buf samples = {0}, trained = {0};
	size_t *sizes = xreallocarray(NULL, CODEC_TRAIN_COUNT, sizeof(*sizes));
	unsigned char key = (unsigned char)kind;
	unsigned count = 0;
	/* From the end, where the latest texts are. */
	int rc = store_seek_last(c, NULL, 0);

	for (int looked = 0; rc == 0 && looked < TRAIN_LOOK; looked++) {
		struct row_version row;
		struct store_value v = store_cursor_value(c);
		size_t before = samples.len;

		if (row_version_get(&row, store_key(c).data, v.data, v.len) < 0 ||
		    (row.kind == kind && codec_unpack(txn->codec, &samples, row.packed,
						      row.packed_len, NULL) < 0)) {
			txn_damaged(txn, NULL, "a version");
			break;
		}
		if (row.kind == kind) {
			sizes[count++] = samples.len - before;
		}
		if (count == CODEC_TRAIN_COUNT || samples.len > TRAIN_BYTES) {
			break;
		}
		rc = store_previous(c);
	}
	store_cursor_close(c);
	if (count && codec_train(&trained, samples.data, sizes, count) == 0) {
		store_put(txn->store, TABLE_DICTIONARY, &key, 1, trained.data,
			  trained.len);
		/* The codec has it even if the transaction is aborted: the next one
		 * compares with what is stored (dictionary_load). */
		set(txn->dictionary, kind, trained.data, trained.len);
		txn->meta.dictionary[kind] = txn->dictionary->id[kind];
	}
	buf_release(&samples);
	buf_release(&trained);
	free(sizes);
}

void dictionary_learn(struct index_txn *txn, enum record_kind kind)
{
	const struct index_counts *c = &txn->meta.counts;
	uint64_t texts = txn->meta.building     ? ++txn->dictionary->versions[kind]
			 : kind == RECORD_IMAGE ? c->images
			 : kind == RECORD_TAG   ? c->tags
						: c->tag_images;

	/* If the texts were too different, it tries again at twice their number. */
	if (texts >= CODEC_TRAIN_COUNT && (texts & (texts - 1)) == 0 &&
	    !codec_has_dictionary(txn->codec, kind)) {
		train(txn, kind);
	}
}

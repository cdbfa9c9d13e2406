/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/list.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hash.h"
#include "data/base/threads.h"
#include "data/index/dictionary.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * The length of each text is known before it is unpacked, so each has its place before the
 * first is there. Threads take parts of the list, and unpack it into its place. Only the
 * caller's thread reads the index: what the others read lies in the map.
 */

#define PART_RECORDS 256
/* Sorted, the texts lie anywhere in the map: one that comes so much later is asked for. */
#define AHEAD 4
/* So many bytes pay for a thread. */
#define THREAD_FROM ((size_t)2 << 20)

/* The members for the tags: many tag images of an image name the same one. */
struct tags {
	struct buf text;
	struct hash table; /* numbers from 1, under the hashes of tags */
	struct tag {
		uint64_t tag;
		size_t at, len;
	} * tag;
	size_t count, cap;
	uint32_t *of; /* the number of the tag of each record */
};

struct write {
	const struct list *list;
	const struct buf *image; /* NULL: the records are images */
	const struct tags *tags;
	char *body;
	size_t *part; /* where each part begins in the body */
	size_t parts;
	atomic_size_t next;
	atomic_bool damaged;
	struct codec *beside; /* of the thread */
};

static void tags_release(struct tags *tags)
{
	buf_release(&tags->text);
	hash_release(&tags->table);
	free(tags->tag);
	free(tags->of);
}

/* The number of the member for a tag. */
static int find_tag(uint32_t *n, struct tags *tags, struct index_txn *txn, uint64_t tag,
		    struct err *err)
{
	size_t at = 0, start = tags->text.len;
	int rc;

	while ((*n = hash_next(&tags->table, hash_number(tag), &at)) &&
	       tags->tag[*n - 1].tag != tag) {
	}
	if (*n) {
		return 0;
	}
	buf_addstr(&tags->text, "\"tag\":");
	rc = version_winner(txn, RECORD_TAG, tag, &tags->text, err);
	tags->tag = xgrow(tags->tag, tags->count, &tags->cap, sizeof(*tags->tag));
	tags->tag[tags->count++] =
		(struct tag){.tag = tag, .at = start, .len = tags->text.len - start};
	*n = (uint32_t)tags->count;
	hash_add(&tags->table, hash_number(tag), *n);
	return rc;
}

static struct version_part tag_of(const struct tags *tags, size_t i)
{
	const struct tag *tag = &tags->tag[tags->of[i] - 1];

	return (struct version_part){tags->text.data + tag->at, tag->len};
}

static int find_tags(struct tags *tags, const struct list *list, struct index_txn *txn,
		     size_t most, struct err *err)
{
	int rc = 0;

	tags->of = xreallocarray(NULL, list->count, sizeof(*tags->of));
	for (size_t i = 0; !rc && i < list->count; i++) {
		rc = find_tag(&tags->of[i], tags, txn, list->item[i].tag, err);
		if (!rc && tags->text.len > most) {
			rc = ERR_LARGE; /* each stands in the array */
		}
	}
	return rc;
}

/* Finds the places of the parts, and the length of all. ERR_LARGE. */
static int measure(size_t *len, struct write *write, size_t most)
{
	size_t at = 1;

	write->parts = (write->list->count + PART_RECORDS - 1) / PART_RECORDS;
	write->part = xreallocarray(NULL, write->parts, sizeof(*write->part));
	for (size_t i = 0; i < write->list->count; i++) {
		if (i % PART_RECORDS == 0) {
			write->part[i / PART_RECORDS] = at;
		}
		at += (i > 0) + write->list->item[i].text_len;
		if (write->image) {
			at += write->image->len + tag_of(write->tags, i).len;
		}
		if (at >= most) {
			return ERR_LARGE;
		}
	}
	*len = at + 1;
	return 0;
}

/* `own`: room for the own text of a tag image. */
static char *write_record(char *to, const struct write *write, size_t i,
			  struct codec *codec, struct buf *own)
{
	const struct list_item *item = &write->list->item[i];
	struct row_version row = {.image_at = item->image_at,
				  .tag_at = item->tag_at,
				  .image_first = item->image_first};
	char *text = to;

	if (write->image) {
		buf_clear(own);
		buf_grow(own, item->text_len);
		text = own->data;
	}
	if (codec_unpack_to(text, item->text_len, codec, item->packed, item->packed_len) <
	    0) {
		return NULL;
	}
	return write->image ? version_compose(to, &row, text, item->text_len,
					      (struct version_part){write->image->data,
								    write->image->len},
					      tag_of(write->tags, i))
			    : to + item->text_len;
}

static void write_parts(struct write *write, struct codec *codec)
{
	const struct list *list = write->list;
	struct buf own = {0};
	size_t part;

	while ((part = atomic_fetch_add(&write->next, 1)) < write->parts &&
	       !atomic_load(&write->damaged)) {
		size_t from = part * PART_RECORDS, to = from + PART_RECORDS;
		char *at = write->body + write->part[part];

		for (size_t i = from; at && i < to && i < list->count; i++) {
			if (i + AHEAD < list->count) {
				__builtin_prefetch(list->item[i + AHEAD].packed);
			}
			if (i) {
				*at++ = ',';
			}
			at = write_record(at, write, i, codec, &own);
		}
		if (!at) {
			atomic_store(&write->damaged, true);
		}
	}
	buf_release(&own);
}

static void *run(void *payload)
{
	struct write *write = payload;

	write_parts(write, write->beside);
	return NULL;
}

/* Writes all parts, large ones on two threads. */
static void write_all(struct write *write, struct index_txn *txn, size_t len)
{
	pthread_t thread;
	uint64_t have = 0;
	bool threaded = false;

	if (len >= THREAD_FROM && write->parts > 1 && threads_pay()) {
		write->beside = codec_new();
		dictionary_copy(txn->dictionary, write->beside, &have);
		threaded = threads_start(&thread, run, write);
	}
	write_parts(write, txn->codec);
	if (threaded) {
		pthread_join(thread, NULL);
	}
	codec_free(write->beside);
}

int list_write(struct buf *body, const struct list *list, struct index_txn *txn,
	       const struct buf *image, size_t most, struct err *err)
{
	struct tags tags = {0};
	struct write write = {.list = list, .image = image, .tags = &tags};
	size_t len;
	int rc = image ? find_tags(&tags, list, txn, most, err) : 0;

	rc = rc ? rc : measure(&len, &write, most);
	if (!rc) {
		buf_grow(body, len);
		write.body = body->data + body->len;
		write.body[0] = '[';
		write.body[len - 1] = ']';
		write_all(&write, txn, len);
		rc = write.damaged ? txn_damaged(txn, err, "a stored text") : 0;
	}
	if (!rc) {
		buf_filled(body, len);
	}
	free(write.part);
	tags_release(&tags);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/pack.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hash.h"
#include "data/base/threads.h"
#include "exporter/git/pack/packfile.h"
#include "exporter/git/pack/press.h"

/*
 * An object gets its number when it is added. It is looked up and written when the press
 * returns its bytes, always in the order of numbers. So neither the content of a pack nor
 * the place where one pack ends depends on threads. Without a press an object is hashed,
 * looked up and written at once, so that an object that the repository has is not deflated
 * (but see write_large).
 */

/* The object with this number starts the threads. */
#define THREADS_FROM 256
/* A larger body is not worth copying for a thread. */
#define LARGE_BODY ((size_t)1 << 20)
#define NO_OBJECT UINT32_MAX

/* Bodies as small as this repeat: an image without tags, the name of an album. Hashing them
 * at once costs little, and saves a number and the press's work for each. */
#define SMALL_BODY 256

struct pack {
	unsigned threads;
	pack_known_fn *known;
	void *payload;

	struct packfile_entry *entry; /* by number */
	uint32_t count;
	size_t cap;
	struct hash written; /* or known */
	struct hash small;   /* bodies of at most SMALL_BODY, written or not */

	struct packfile *files; /* NULL: only ids are computed */
	struct press *press;    /* NULL: not (yet) threaded */
	struct object_deflater *deflater;
	struct buf packed;
	size_t large_len; /* of the last large body */
	bool large_known; /* it was not written */
	int rc;           /* the failure that stuck */
	struct err err;
};

void pack_open(struct pack **out, const char *dir, unsigned threads, pack_known_fn *known,
	       void *payload)
{
	struct pack *pack = xzalloc(sizeof(*pack));

	if (dir) {
		packfile_new(&pack->files, dir);
		pack->threads = threads;
	}
	pack->known = known;
	pack->payload = payload;
	*out = pack;
}

void pack_close(struct pack *pack)
{
	if (!pack) {
		return;
	}
	press_free(pack->press);
	packfile_free(pack->files);
	object_deflater_free(pack->deflater);
	buf_release(&pack->packed);
	hash_release(&pack->written);
	hash_release(&pack->small);
	free(pack->entry);
	free(pack);
}

/* The number of the object in the table, or NO_OBJECT. The table holds numbers from 1. */
static uint32_t find(const struct pack *pack, const struct hash *table, const uint8_t *id)
{
	size_t at = 0;
	uint32_t n;

	while ((n = hash_next(table, be32_get(id), &at)) &&
	       memcmp(pack->entry[n - 1].id, id, OBJECT_ID) != 0) {
	}
	return n - 1;
}

static void remember(struct pack *pack, struct hash *table, uint32_t number)
{
	hash_add(table, be32_get(pack->entry[number].id), number + 1);
}

/* Writes the object `number`, whose id is in its entry. */
static int write_object(struct pack *pack, uint32_t number, const char *bytes, size_t len,
			uint32_t crc)
{
	pack->entry[number].crc = crc;
	remember(pack, &pack->written, number);
	return packfile_add(pack->files, pack->entry, number, bytes, len, &pack->err);
}

/* Sets the id of object `number`. False: the pack or the repository has it. `asked`: the
 * caller has asked the repository. */
static bool is_new(struct pack *pack, uint32_t number, const uint8_t *id, bool asked)
{
	struct packfile_entry *entry = &pack->entry[number];

	memcpy(entry->id, id, OBJECT_ID);
	entry->offset = PACKFILE_NONE;
	if (find(pack, &pack->written, id) != NO_OBJECT) {
		return false;
	}
	if (!asked && pack->known && pack->known(id, pack->payload)) {
		remember(pack, &pack->written, number);
		return false;
	}
	return true;
}

static void write_batch(struct pack *pack, const struct press_batch *batch)
{
	for (size_t i = 0; i < batch->count && !pack->rc; i++) {
		const struct press_item *item = &batch->item[i];

		if (is_new(pack, item->number, item->id, item->hashed)) {
			pack->rc = write_object(pack, item->number,
						batch->out.data + item->out,
						item->out_len, item->crc);
		}
	}
}

/* Writes what the press has done: all of it, or what is overdue. */
static void drain(struct pack *pack, bool all)
{
	const struct press_batch *batch;

	while (pack->press && (batch = press_take(pack->press, all))) {
		write_batch(pack, batch);
		press_return(pack->press);
	}
}

/* Puts the form that an object has in a pack into pack->packed. */
static void deflate(struct pack *pack, enum object_type type, const void *body,
		    size_t len)
{
	if (!pack->deflater) {
		pack->deflater = object_deflater_new();
	}
	buf_clear(&pack->packed);
	object_pack(&pack->packed, pack->deflater, type, body, len);
}

static void write_deflated(struct pack *pack, uint32_t number)
{
	pack->rc = write_object(pack, number, pack->packed.data, pack->packed.len,
				object_crc(pack->packed.data, pack->packed.len));
	if (pack->packed.cap > LARGE_BODY) {
		buf_release(&pack->packed);
	}
}

/* Writes an object without the press; `id` NULL: it is not known yet. */
static void write_now(struct pack *pack, uint32_t number, const uint8_t *id,
		      enum object_type type, const void *body, size_t len)
{
	uint8_t hash[OBJECT_ID];
	bool asked = id != NULL;

	if (!id) {
		object_hash(hash, type, body, len);
		id = hash;
	}
	if (!is_new(pack, number, id, asked)) {
		return;
	}
	if (!pack->files) {
		remember(pack, &pack->written, number);
		return;
	}
	deflate(pack, type, body, len);
	write_deflated(pack, number);
}

struct hashing {
	uint8_t id[OBJECT_ID];
	enum object_type type;
	const void *body;
	size_t len;
};

static void *hash_beside(void *payload)
{
	struct hashing *hashing = payload;

	object_hash(hashing->id, hashing->type, hashing->body, hashing->len);
	return NULL;
}

/* Writes a large body: it is hashed on a thread while it is deflated here. That is in vain
 * where the object is not new, and deflating takes four times as long as hashing. So a body
 * is hashed first where it may be an equal one, as both lists of an album without tags are,
 * and after one that was not new, as in an export of everything into a full repository. */
static void write_large(struct pack *pack, uint32_t number, enum object_type type,
			const void *body, size_t len)
{
	struct hashing hashing = {.type = type, .body = body, .len = len};
	bool doubtful = pack->large_known || len == pack->large_len;
	pthread_t thread;

	pack->large_len = len;
	if (doubtful || !pack->threads ||
	    !threads_start(&thread, hash_beside, &hashing)) {
		write_now(pack, number, NULL, type, body, len);
		pack->large_known = pack->entry[number].offset == PACKFILE_NONE;
		return;
	}
	deflate(pack, type, body, len);
	pthread_join(thread, NULL);
	pack->large_known = !is_new(pack, number, hashing.id, false);
	if (!pack->large_known) {
		write_deflated(pack, number);
	}
}

static uint32_t add(struct pack *pack, const uint8_t *id, enum object_type type,
		    const void *body, size_t len)
{
	uint32_t number = pack->count;

	assert(number < NO_OBJECT);
	pack->entry = xgrow(pack->entry, pack->count, &pack->cap, sizeof(*pack->entry));
	memset(&pack->entry[number], 0, sizeof(*pack->entry));
	pack->entry[number].offset = PACKFILE_NONE;
	pack->count++;
	if (pack->rc) {
		return number;
	}
	if (pack->threads && !pack->press && number >= THREADS_FROM) {
		pack->press = press_new(pack->threads);
	}
	if (len > LARGE_BODY && !id) {
		drain(pack, true);
		write_large(pack, number, type, body, len);
	} else if (!pack->press || len > LARGE_BODY) {
		drain(pack, true);
		write_now(pack, number, id, type, body, len);
	} else {
		press_put(pack->press, type, number, id, body, len);
		drain(pack, false);
	}
	return number;
}

uint32_t pack_add(struct pack *pack, enum object_type type, const void *body, size_t len)
{
	uint8_t id[OBJECT_ID];
	uint32_t number;

	if (len > SMALL_BODY) {
		return add(pack, NULL, type, body, len);
	}
	object_hash(id, type, body, len);
	number = find(pack, &pack->small, id);
	if (number == NO_OBJECT) {
		number = add(pack, NULL, type, body, len);
		memcpy(pack->entry[number].id, id, OBJECT_ID);
		remember(pack, &pack->small, number);
	}
	return number;
}

uint32_t pack_add_id(struct pack *pack, uint8_t id[OBJECT_ID], enum object_type type,
		     const void *body, size_t len)
{
	object_hash(id, type, body, len);
	if (find(pack, &pack->written, id) != NO_OBJECT ||
	    (pack->known && pack->known(id, pack->payload))) {
		return PACK_KNOWN;
	}
	return add(pack, id, type, body, len);
}

int pack_check(const struct pack *pack, struct err *err)
{
	if (pack->rc && err) {
		*err = pack->err;
	}
	return pack->rc;
}

int pack_wait(struct pack *pack, struct err *err)
{
	drain(pack, true);
	return pack_check(pack, err);
}

const uint8_t *pack_id(const struct pack *pack, uint32_t number)
{
	assert(number < pack->count);
	return pack->entry[number].id;
}

bool pack_find(const struct pack *pack, uint32_t *number, const uint8_t id[OBJECT_ID])
{
	*number = find(pack, &pack->written, id);
	return *number != NO_OBJECT;
}

int pack_seal(struct pack *pack, struct buf *names, struct err *err)
{
	drain(pack, true);
	if (!pack->rc) {
		pack->rc = packfile_seal(pack->files, pack->entry, pack->count, names,
					 &pack->err);
	}
	return pack_check(pack, err);
}

int pack_install(struct pack *pack, struct err *err)
{
	if (!pack->rc) {
		pack->rc = packfile_install(pack->files, &pack->err);
	}
	return pack_check(pack, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A pack of a few objects, of which the input says everything but the compression: types,
 * sizes, distances and ids of bases, and the bytes, which stand in it unpacked, so that
 * deltas are reached at once. What must hold: whatever is read, is read twice alike.
 *
 * The input is a sequence of objects: a byte of flags (the low three bits are the type,
 * 0x08: the size in the head is the next byte's, not the true one; 0x10: bytes are cut
 * from the deflated end), a base (a distance in objects, or the number of one), the number
 * of bytes, and these bytes.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OBJECTS_MAX 16
#define HEAD 12

struct source {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct source *source)
{
	if (!source->left) {
		return 0;
	}
	source->left--;
	return *source->at++;
}

static void add_size(struct buf *pack, unsigned type, size_t size)
{
	unsigned byte = type << 4 | (size & 15);

	for (size >>= 4; size; size >>= 7) {
		buf_addch(pack, (char)(byte | 0x80));
		byte = size & 0x7f;
	}
	buf_addch(pack, (char)byte);
}

/* As git does: every byte but the last has its high bit set and one more to it. */
static void add_distance(struct buf *pack, size_t distance)
{
	uint8_t bytes[10];
	size_t at = sizeof(bytes);

	bytes[--at] = distance & 0x7f;
	while (distance >>= 7) {
		bytes[--at] = (uint8_t)(--distance & 0x7f) | 0x80;
	}
	buf_add(pack, bytes + at, sizeof(bytes) - at);
}

/* The bytes deflated: fewer than 256 are stored as they are. */
static void add_deflated(struct buf *pack, const uint8_t *bytes, size_t len, bool cut)
{
	static struct object_deflater *deflater;
	struct buf object = {0};
	size_t head = len > 15 ? 2 : 1;

	deflater = deflater ? deflater : object_deflater_new();
	object_pack(&object, deflater, OBJECT_BLOB, bytes, len);
	buf_add(pack, object.data + head, object.len - head - (cut ? 4 : 0));
	buf_release(&object);
}

/* Each object's id is its number. */
static void make_id(uint8_t id[OBJECT_ID], size_t number)
{
	memset(id, 0, OBJECT_ID);
	id[0] = (uint8_t)(number * 16);
}

static void add_object(struct buf *pack, struct source *source, const size_t *at,
		       size_t number)
{
	uint8_t flags = take(source), base = take(source), len = take(source);
	uint8_t id[OBJECT_ID];
	unsigned type = flags & 7;
	size_t said;

	len = len > source->left ? (uint8_t)source->left : len;
	said = flags & 8 ? (size_t)base << (flags >> 5) * 4 : len;
	add_size(pack, type, said);
	if (type == 6) {
		size_t back = base % (number + 1);

		add_distance(pack,
			     pack->len - at[number - back] + (flags & 8 ? base : 0));
	} else if (type == 7) {
		make_id(id, base % OBJECTS_MAX);
		buf_add(pack, id, OBJECT_ID);
	}
	add_deflated(pack, source->at, len, flags & 0x10);
	source->at += len;
	source->left -= len;
}

static void make_index(struct buf *idx, const size_t *at, size_t count)
{
	uint8_t id[OBJECT_ID];

	buf_add(idx, "\377tOc\0\0\0\2", 8);
	for (unsigned first = 0; first < 256; first++) {
		size_t below = first / 16 + 1;

		buf_addu32(idx, (uint32_t)(below < count ? below : count));
	}
	for (size_t i = 0; i < count; i++) {
		make_id(id, i);
		buf_add(idx, id, OBJECT_ID);
	}
	for (size_t i = 0; i < count; i++) {
		buf_addu32(idx, 0);
	}
	for (size_t i = 0; i < count; i++) {
		buf_addu32(idx, (uint32_t)at[i]);
	}
	buf_add(idx, "0123456789012345678901234567890123456789", 40);
}

/* Making one takes longer than a pack, so it is used for many; what it keeps is of the
 * address of a pack. */
#define PACKS 4096
static struct packindex packs[PACKS];
static struct unpack *unpack;

static const struct packindex *next_pack(const struct packindex *pack)
{
	static size_t used = PACKS;

	if (used == PACKS) {
		unpack_free(unpack);
		unpack = unpack_new();
		used = 0;
	}
	packs[used] = *pack;
	return &packs[used++];
}

static void read_all(const struct packindex *pack)
{
	struct buf first = {0}, second = {0};

	for (uint32_t n = 0; n < pack->count; n++) {
		size_t at = packindex_offset(pack, n);
		enum object_type type = OBJECT_BLOB, again = OBJECT_BLOB;
		struct err err;
		int rc = unpack_read(&first, &type, unpack, pack, at, OBJECT_MAX, &err);

		if (unpack_read(&second, &again, unpack, pack, at, OBJECT_MAX, &err) !=
			    rc ||
		    (!rc && (type != again || first.len != second.len ||
			     memcmp(first.data, second.data, first.len) != 0))) {
			abort();
		}
	}
	buf_release(&first);
	buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source source = {data, size};
	struct buf pack = {0}, idx = {0};
	size_t at[OBJECTS_MAX], count = 0;

	buf_add(&pack, "PACK\0\0\0\2\0\0\0\0", HEAD);
	while (source.left && count < OBJECTS_MAX) {
		at[count] = pack.len;
		add_object(&pack, &source, at, count);
		count++;
	}
	buf_add(&pack, "01234567890123456789", OBJECT_ID);
	make_index(&idx, at, count);
	read_all(next_pack(&(struct packindex){.count = (uint32_t)count,
					       .idx = (const uint8_t *)idx.data,
					       .idx_len = idx.len,
					       .pack = (const uint8_t *)pack.data,
					       .pack_len = pack.len}));
	buf_release(&pack);
	buf_release(&idx);
	return 0;
}

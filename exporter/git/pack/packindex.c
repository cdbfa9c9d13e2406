/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/packindex.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"

/* "\377tOc" and 2; how many ids begin with at most 00, 01, ... ff; the ids; CRCs;
 * offsets; offsets of 64 bits; SHA-1 of the pack, and of all before. */
#define IDX_FANOUT 8
#define IDX_IDS (IDX_FANOUT + 256 * 4)
#define IDX_END (2 * OBJECT_ID)
#define PACK_HEAD 12
#define LARGE_OFFSET UINT32_C(0x80000000)

/* A file of at most this size is read ahead by the kernel, whole. */
#define SMALL ((size_t)128 << 10)
/* How much of a larger pack the kernel is asked for at once: first, and at most. */
#define AHEAD_FIRST ((size_t)32 << 10)
#define AHEAD_MOST ((size_t)4 << 20)

/* Of a pack whose objects are looked up one by one. */
struct packindex_ahead {
	char *path;      /* of a pack that is not mapped yet; else NULL */
	size_t from, to; /* the part of the pack that the kernel was asked for */
};

/* --- reading ahead --- */

/* Has the kernel read a part of a map, without waiting for it. */
static void read_part(const uint8_t *map, size_t len, size_t from, size_t to)
{
	from -= from % (size_t)sysconf(_SC_PAGESIZE);
	to = to < len ? to : len;
	if (from < to) {
		madvise((void *)(map + from), to - from, MADV_WILLNEED);
	}
}

static void read_ends(const uint8_t *map, size_t len)
{
	if (len > SMALL) {
		madvise((void *)map, len, MADV_RANDOM);
		read_part(map, len, 0, 1);
		read_part(map, len, len - 1, len);
	} else {
		read_part(map, len, 0, len);
	}
}

void packindex_expect(const struct packindex *index, size_t at, size_t len)
{
	struct packindex_ahead *ahead = index->ahead;
	size_t last;

	if (!ahead || index->pack_len <= SMALL) {
		return;
	}
	last = ahead->to - ahead->from;
	if (at >= ahead->from && at < ahead->to && len <= ahead->to - at) {
		/* A reader that comes near the end of a part gets twice as much next. */
		if (ahead->to - at > last / 2) {
			return;
		}
		ahead->from = ahead->to;
		len = 2 * last;
	} else {
		ahead->from = at;
	}
	len = len > AHEAD_MOST ? AHEAD_MOST : len;
	ahead->to = ahead->from + (len < AHEAD_FIRST ? AHEAD_FIRST : len);
	read_part(index->pack, index->pack_len, ahead->from, ahead->to);
}

/* --- opening --- */

/* Maps a whole file for reading. `singly`: of a large one the kernel reads what it is asked
 * for; and it begins to read what the checks look at. */
static int map_file(const uint8_t **out, size_t *len, const char *path, bool singly,
		    struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	void *map;
	int rc = 0;

	if (fd < 0) {
		return err_sys_find(err, "cannot open '%s'", path);
	}
	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot read '%s'", path);
	} else if (st.st_size < PACK_HEAD + OBJECT_ID) {
		rc = err_set(err, ERR_INPUT, "'%s' is cut short", path);
	} else {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED) {
			rc = err_sys(err, "cannot map '%s'", path);
		} else {
			*out = map;
			*len = (size_t)st.st_size;
			if (singly) {
				read_ends(*out, *len);
			}
		}
	}
	close(fd);
	return rc;
}

static int damaged(const char *path, const char *how, struct err *err)
{
	return err_set(err, ERR_INPUT, "'%s' %s", path, how);
}

static int check_idx(struct packindex *index, const char *path, struct err *err)
{
	static const uint8_t magic[] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};
	uint32_t below = 0;
	uint64_t len;

	if (index->idx_len < IDX_IDS + IDX_END ||
	    memcmp(index->idx, magic, sizeof(magic)) != 0) {
		return damaged(path, "is not a pack index of version 2", err);
	}
	for (size_t i = 0; i < 256; i++) {
		uint32_t n = be32_get(index->idx + IDX_FANOUT + 4 * i);

		if (n < below) {
			return damaged(
				path, "is damaged: its fan-out table is not sorted", err);
		}
		below = n;
	}
	index->count = below;
	len = IDX_IDS + (uint64_t)below * (OBJECT_ID + 8) + IDX_END;
	if (index->idx_len < len) {
		return damaged(path, "is cut short", err);
	}
	/* At most each object has an offset of 64 bits. */
	if (index->idx_len > len + (uint64_t)below * 8) {
		return damaged(path, "is damaged: it is longer than its ids are", err);
	}
	return 0;
}

/* Each id is greater than the one before, and the fan-out table leads to it: else an object
 * would not be found, or be found twice. */
static bool is_sorted(const struct packindex *index)
{
	for (uint32_t n = 0; n < index->count; n++) {
		const uint8_t *id = packindex_id(index, n);
		const uint8_t *fanout = index->idx + IDX_FANOUT + 4 * (size_t)id[0];

		if (n >= be32_get(fanout) || (id[0] && n < be32_get(fanout - 4)) ||
		    (n && memcmp(id - OBJECT_ID, id, OBJECT_ID) >= 0)) {
			return false;
		}
	}
	return true;
}

static int check_ids(const struct packindex *index, const char *path, struct err *err)
{
	uint8_t digest[OBJECT_ID];
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, index->idx_len - OBJECT_ID, index->idx);
	sha1_digest(&ctx, OBJECT_ID, digest);
	if (memcmp(digest, index->idx + index->idx_len - OBJECT_ID, OBJECT_ID) != 0) {
		return damaged(path, "is damaged: its SHA-1 does not match", err);
	}
	if (!is_sorted(index)) {
		return damaged(path, "is damaged: its ids are not sorted", err);
	}
	return 0;
}

/* Checks the beginning and the end. */
static int check_pack(const struct packindex *index, const char *path, struct err *err)
{
	const uint8_t *trailer = index->idx + index->idx_len - IDX_END;

	if (memcmp(index->pack, "PACK", 4) != 0 || be32_get(index->pack + 4) != 2) {
		return damaged(path, "is not a pack of version 2", err);
	}
	if (be32_get(index->pack + 8) != index->count ||
	    memcmp(index->pack + index->pack_len - OBJECT_ID, trailer, OBJECT_ID) != 0) {
		return damaged(path, "does not belong to its index", err);
	}
	return 0;
}

static int map_pack(struct packindex *index, const char *path, bool singly,
		    struct err *err)
{
	int rc = map_file(&index->pack, &index->pack_len, path, singly, err);

	rc = rc ? rc : check_pack(index, path, err);
	if (rc && index->pack) {
		munmap((void *)index->pack, index->pack_len);
		index->pack = NULL;
	}
	return rc;
}

int packindex_open(struct packindex *out, const char *dir, const char *name,
		   struct err *err)
{
	struct packindex index = {0};
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/%s.idx", dir, name);
	rc = map_file(&index.idx, &index.idx_len, path.data, false, err);
	rc = rc ? rc : check_idx(&index, path.data, err);
	rc = rc ? rc : check_ids(&index, path.data, err);
	buf_clear(&path);
	buf_addf(&path, "%s/%s.pack", dir, name);
	rc = rc ? rc : map_pack(&index, path.data, false, err);
	if (rc) {
		packindex_close(&index);
	}
	*out = index;
	buf_release(&path);
	return rc;
}

int packindex_map(struct packindex *out, const char *dir, const char *name,
		  struct err *err)
{
	struct packindex index = {0};
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/%s.idx", dir, name);
	rc = map_file(&index.idx, &index.idx_len, path.data, true, err);
	if (!rc) {
		index.ahead = xzalloc(sizeof(*index.ahead));
		buf_setlen(&path, path.len - strlen("idx"));
		buf_addstr(&path, "pack");
		index.ahead->path = xstrdup(path.data);
	}
	*out = index;
	buf_release(&path);
	return rc;
}

bool packindex_check(struct packindex *index)
{
	struct err ignored;

	return check_idx(index, "", &ignored) == 0;
}

bool packindex_has_pack(struct packindex *index)
{
	struct packindex_ahead *ahead = index->ahead;
	struct err ignored;

	if (ahead && ahead->path && map_pack(index, ahead->path, true, &ignored) == 0) {
		free(ahead->path);
		ahead->path = NULL;
	}
	return index->pack != NULL;
}

void packindex_close(struct packindex *index)
{
	if (index->idx) {
		munmap((void *)index->idx, index->idx_len);
	}
	if (index->pack) {
		munmap((void *)index->pack, index->pack_len);
	}
	if (index->ahead) {
		free(index->ahead->path);
		free(index->ahead);
	}
	*index = (struct packindex){0};
}

const uint8_t *packindex_id(const struct packindex *index, uint32_t n)
{
	return index->idx + IDX_IDS + (size_t)n * OBJECT_ID;
}

uint32_t packindex_crc(const struct packindex *index, uint32_t n)
{
	return be32_get(packindex_id(index, index->count) + (size_t)n * 4);
}

/* How often packindex_lower guesses, if ids are not as random as they should be. */
#define GUESSES 16

uint32_t packindex_lower(const struct packindex *index, const uint8_t id[OBJECT_ID])
{
	const uint8_t *fanout = index->idx + IDX_FANOUT;
	uint32_t low = id[0] ? be32_get(fanout + 4 * (id[0] - 1)) : 0;
	uint32_t high = be32_get(fanout + 4 * id[0]);
	/* Ids are as good as random, so their next four bytes say where one is, but for a
	 * page: halving would read four pages of a large index one after the other. */
	uint64_t from = 0, to = UINT64_C(1) << 32, want = be32_get(id + 1);

	for (unsigned guess = 0; low < high; guess++) {
		uint32_t at = low + (high - low) / 2;
		int order;

		if (guess < GUESSES && want >= from && want < to) {
			at = low + (uint32_t)((want - from) * (high - low) / (to - from));
		}
		order = memcmp(packindex_id(index, at), id, OBJECT_ID);
		if (order < 0) {
			low = at + 1;
			from = be32_get(packindex_id(index, at) + 1);
		} else {
			high = at;
			to = (uint64_t)be32_get(packindex_id(index, at) + 1) + 1;
		}
	}
	return low;
}

bool packindex_find(uint32_t *n, const struct packindex *index,
		    const uint8_t id[OBJECT_ID])
{
	*n = packindex_lower(index, id);
	return *n < index->count && memcmp(packindex_id(index, *n), id, OBJECT_ID) == 0;
}

size_t packindex_offset(const struct packindex *index, uint32_t n)
{
	const uint8_t *offsets =
		packindex_id(index, index->count) + (size_t)index->count * 4;
	const uint8_t *large = offsets + (size_t)index->count * 4;
	size_t larges = (size_t)(index->idx + index->idx_len - IDX_END - large) / 8;
	uint32_t offset = be32_get(offsets + (size_t)n * 4);

	if (!(offset & LARGE_OFFSET)) {
		return offset;
	}
	offset &= ~LARGE_OFFSET;
	return offset < larges ? be64_get(large + (size_t)offset * 8) : 0;
}

static int compare_offsets(const void *a, const void *b, void *payload)
{
	size_t left = packindex_offset(payload, *(const uint32_t *)a);
	size_t right = packindex_offset(payload, *(const uint32_t *)b);

	return (left > right) - (left < right);
}

int packindex_order(uint32_t **out, const struct packindex *index, const char *name,
		    struct err *err)
{
	uint32_t *order = xreallocarray(NULL, (size_t)index->count + 1, sizeof(*order));
	struct packindex sorted = *index;
	size_t end = PACK_HEAD;

	for (uint32_t i = 0; i < index->count; i++) {
		order[i] = i;
	}
	qsort_r(order, index->count, sizeof(*order), compare_offsets, &sorted);
	for (uint32_t i = 0; i < index->count; i++) {
		struct packindex_place place = packindex_place(index, order, i);

		if ((i == 0 && place.at != end) || place.at + place.len <= place.at ||
		    place.at + place.len > index->pack_len - OBJECT_ID) {
			free(order);
			return err_set(err, ERR_INPUT,
				       "the index of '%s' is damaged: its objects do "
				       "not fill the pack",
				       name);
		}
	}
	*out = order;
	return 0;
}

struct packindex_place packindex_place(const struct packindex *index,
				       const uint32_t *order, uint32_t i)
{
	size_t at = packindex_offset(index, order[i]);
	size_t end = i + 1 < index->count ? packindex_offset(index, order[i + 1])
					  : index->pack_len - OBJECT_ID;

	return (struct packindex_place){.n = order[i], .at = at, .len = end - at};
}

bool packindex_place_at(struct packindex_place *place, const struct packindex *index,
			const uint32_t *order, size_t at)
{
	uint32_t low = 0, high = index->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (packindex_offset(index, order[middle]) < at) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == index->count) {
		return false;
	}
	*place = packindex_place(index, order, low);
	return place->at == at;
}

const uint8_t *packindex_from(const struct packindex *index, size_t at, size_t *left)
{
	size_t end = index->pack_len - OBJECT_ID;

	if (at < PACK_HEAD || at >= end) {
		return NULL;
	}
	*left = end - at;
	packindex_expect(index, at, 1);
	return index->pack + at;
}

const uint8_t *packindex_bytes(const struct packindex *index,
			       const struct packindex_place *place)
{
	return index->pack + place->at;
}

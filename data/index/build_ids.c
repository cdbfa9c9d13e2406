/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/build_ids.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/hash.h"
#include "data/index/row.h"

#define KINDS (ROW_ALBUM + 1)
#define UNIT 4

struct build_ids {
	struct hash numbers;
	struct buf
		bytes; /* of each id its kind, its length and its bytes, padded to UNIT */
	uint32_t *at;  /* of number n: at[n - 1], in units */
	size_t count, cap;
};

struct build_ids *build_ids_new(void)
{
	return xzalloc(sizeof(struct build_ids));
}

void build_ids_free(struct build_ids *ids)
{
	if (ids) {
		hash_release(&ids->numbers);
		buf_release(&ids->bytes);
		free(ids->at);
		free(ids);
	}
}

static const char *entry(const struct build_ids *ids, uint64_t number)
{
	return ids->bytes.data + (size_t)ids->at[number - 1] * UNIT;
}

static unsigned kind_of(const char *entry)
{
	return (unsigned char)entry[0];
}

static size_t len_of(const char *entry)
{
	return (unsigned char)entry[1];
}

static const char *id_of(const char *entry)
{
	return entry + 2;
}

static bool is(const char *entry, unsigned kind, const struct record_id *id)
{
	return kind_of(entry) == kind && len_of(entry) == id->len &&
	       memcmp(id_of(entry), id->bytes, id->len) == 0;
}

uint32_t build_ids_hash(unsigned kind, const struct record_id *id)
{
	return hash_bytes(id->bytes, id->len, kind);
}

void build_ids_expect(const struct build_ids *ids, uint32_t hash)
{
	hash_expect(&ids->numbers, hash);
}

uint64_t build_ids_number(const struct build_ids *ids, uint32_t hash, unsigned kind,
			  const struct record_id *id)
{
	uint32_t number;
	size_t at = 0;

	do {
		number = hash_next(&ids->numbers, hash, &at);
	} while (number && !is(entry(ids, number), kind, id));
	return number;
}

uint64_t build_ids_add(struct build_ids *ids, uint32_t hash, unsigned kind,
		       const struct record_id *id)
{
	char head[2] = {(char)kind, (char)id->len};

	assert(ids->count < UINT32_MAX && ids->bytes.len / UNIT <= UINT32_MAX);
	ids->at = xgrow(ids->at, ids->count, &ids->cap, sizeof(*ids->at));
	ids->at[ids->count++] = (uint32_t)(ids->bytes.len / UNIT);
	buf_add(&ids->bytes, head, sizeof(head));
	buf_add(&ids->bytes, id->bytes, id->len);
	buf_add(&ids->bytes, "\0\0\0", (size_t)-ids->bytes.len % UNIT);
	hash_add(&ids->numbers, hash, (uint32_t)ids->count);
	return ids->count;
}

unsigned build_ids_get(const struct build_ids *ids, uint64_t number, struct record_id *id)
{
	const char *p = entry(ids, number);

	assert(number && number <= ids->count);
	id->len = (unsigned char)len_of(p);
	memcpy(id->bytes, id_of(p), id->len);
	id->bytes[id->len] = '\0';
	return kind_of(p);
}

void build_ids_cut(struct build_ids *ids, uint64_t next)
{
	for (; ids->count >= next; ids->count--) {
		const char *p = entry(ids, ids->count);

		hash_remove(&ids->numbers, hash_bytes(id_of(p), len_of(p), kind_of(p)),
			    (uint32_t)ids->count);
		buf_setlen(&ids->bytes, (size_t)(p - ids->bytes.data));
	}
}

/* An id while it is sorted. Most differ in their first eight bytes, so that the rest is
 * not read. */
struct place {
	uint64_t first; /* big-endian; a shorter id is padded with zeros */
	uint32_t number;
};

#define FIRST sizeof(uint64_t)
#define AHEAD 8 /* ids between the fetching of memory and its use */

static uint64_t first_of(const char *entry)
{
	unsigned char first[FIRST] = {0};

	memcpy(first, id_of(entry), len_of(entry) < FIRST ? len_of(entry) : FIRST);
	return be64_get(first);
}

/* Compares ids whose first eight bytes are equal. */
static int by_id(const void *left, const void *right, void *payload)
{
	const char *p = entry(payload, ((const struct place *)left)->number);
	const char *q = entry(payload, ((const struct place *)right)->number);
	size_t p_len = len_of(p), q_len = len_of(q);
	int order = memcmp(id_of(p), id_of(q), p_len < q_len ? p_len : q_len);

	return order ? order : (p_len > q_len) - (p_len < q_len);
}

/* Sorts by the first eight bytes, a byte at a time, from the last; `spare` has room for as
 * many. Returns which of the two has the result. */
static struct place *sort_by_first(struct place *place, struct place *spare, size_t count)
{
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t at[257] = {0};
		struct place *sorted = spare;

		for (size_t i = 0; i < count; i++) {
			at[(place[i].first >> shift & 255) + 1]++;
		}
		if (at[(place[0].first >> shift & 255) + 1] == count) {
			continue; /* all have the same byte here */
		}
		for (unsigned byte = 1; byte < 256; byte++) {
			at[byte] += at[byte - 1];
		}
		for (size_t i = 0; i < count; i++) {
			sorted[at[place[i].first >> shift & 255]++] = place[i];
		}
		spare = place;
		place = sorted;
	}
	return place;
}

/* Sorts those that are equal in these bytes. */
static void sort_equals(struct place *place, size_t count, struct build_ids *ids)
{
	size_t end;

	for (size_t i = 0; i < count; i = end) {
		end = i + 1;
		while (end < count && place[end].first == place[i].first) {
			end++;
		}
		if (end - i > 1) {
			qsort_r(place + i, end - i, sizeof(*place), by_id, ids);
		}
	}
}

/* The ids of one kind. */
static int each_of(struct build_ids *ids, unsigned kind, size_t count, build_ids_fn *each,
		   void *payload)
{
	struct place *both = xreallocarray(NULL, count, 2 * sizeof(*both)), *place = both;
	size_t n = 0;
	int rc = 0;

	for (uint64_t number = 1; number <= ids->count; number++) {
		const char *p = entry(ids, number);

		if (kind_of(p) == kind) {
			place[n++] = (struct place){first_of(p), (uint32_t)number};
		}
	}
	place = sort_by_first(both, both + n, n);
	sort_equals(place, n, ids);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *p = entry(ids, place[i].number);

		if (i + AHEAD < n) {
			__builtin_prefetch(entry(ids, place[i + AHEAD].number));
		}
		rc = each(kind, id_of(p), len_of(p), place[i].number, payload);
	}
	free(both);
	return rc;
}

int build_ids_each(struct build_ids *ids, build_ids_fn *each, void *payload)
{
	size_t count[KINDS] = {0};
	int rc = 0;

	hash_release(&ids->numbers);
	for (uint64_t number = 1; number <= ids->count; number++) {
		count[kind_of(entry(ids, number))]++;
	}
	for (unsigned kind = 0; rc == 0 && kind < KINDS; kind++) {
		rc = count[kind] ? each_of(ids, kind, count[kind], each, payload) : 0;
	}
	return rc;
}

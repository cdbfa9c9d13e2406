/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/tree/edits.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* NULL, or what is wrong with the path. */
static const char *path_fault(const char *path)
{
	size_t depth = 0;

	if (strlen(path) > EDITS_PATH_MAX) {
		return "is too long";
	}
	for (const char *name = path;; name++) {
		size_t len = strcspn(name, "/");

		if (len == 0 || (len == 1 && name[0] == '.') ||
		    (len == 2 && name[0] == '.' && name[1] == '.') ||
		    (len == 4 && strncasecmp(name, ".git", 4) == 0)) {
			return "has a name that git does not take";
		}
		if (++depth > EDITS_DEPTH_MAX) {
			return "is too deep";
		}
		name += len;
		if (!*name) {
			return NULL;
		}
	}
}

int edits_add(struct edits *edits, const char *path, uint32_t object, struct err *err)
{
	const char *fault = path_fault(path);
	struct edit *edit;

	if (fault) {
		return err_set(err, ERR_INPUT, "path '%.256s' %s", path, fault);
	}
	if (edits->paths.len > UINT32_MAX) {
		return err_set(err, ERR_FAIL,
			       "too many changes for one snapshot: over 4 GiB of paths");
	}
	edits->edit = xgrow(edits->edit, edits->count, &edits->cap, sizeof(*edits->edit));
	edit = &edits->edit[edits->count++];
	*edit = (struct edit){.path = (uint32_t)edits->paths.len, .object = object};
	buf_add(&edits->paths, path, strlen(path) + 1);
	return 0;
}

const char *edits_path(const struct edits *edits, size_t i)
{
	return edits->paths.data + edits->edit[i].path;
}

/* Eight bytes of the path from `off`, the first one highest, with zeroes after its end. A last
 * byte of zero means that the path has ended. */
static uint64_t key_at(const struct edits *edits, const struct edit *edit, size_t off)
{
	const unsigned char *p =
		(const unsigned char *)edits->paths.data + edit->path + off;
	uint64_t key = 0;

	for (unsigned i = 0; i < 8; i++) {
		key = key << 8 | *p;
		p += *p != 0;
	}
	return key;
}

static int compare_keys(const void *a, const void *b)
{
	const struct edit *left = a;
	const struct edit *right = b;

	if (left->key != right->key) {
		return left->key < right->key ? -1 : 1;
	}
	return left->path < right->path ? -1 : 1;
}

/* qsort takes as much memory again as it sorts, so more edits are partitioned first. */
#define QSORT_MAX 65536

/* Partitions the edits in place by the byte of their keys at `shift`: each edit goes to the
 * place of its byte, and the edit that was there goes on from there. (American flag sort:
 * McIlroy, Bostic and McIlroy, "Engineering Radix Sort", 1993.) end: where the edits of
 * each byte end. */
static void partition(struct edit *edit, size_t count, unsigned shift, size_t end[256])
{
	size_t at[256], sum = 0;

	memset(end, 0, 256 * sizeof(*end));
	for (size_t i = 0; i < count; i++) {
		end[edit[i].key >> shift & 0xff]++;
	}
	for (unsigned byte = 0; byte < 256; byte++) {
		at[byte] = sum;
		sum += end[byte];
		end[byte] = sum;
	}
	for (unsigned byte = 0; byte < 256; byte++) {
		while (at[byte] < end[byte]) {
			struct edit moved = edit[at[byte]];
			unsigned to;

			while ((to = moved.key >> shift & 0xff) != byte) {
				struct edit there = edit[at[to]];

				edit[at[to]++] = moved;
				moved = there;
			}
			edit[at[byte]++] = moved;
		}
	}
}

/* Sorts by key and, if the key says that the paths are equal, by age. */
static void sort_keys(struct edit *edit, size_t count, unsigned shift)
{
	size_t end[256], from = 0;

	if (count <= QSORT_MAX) {
		qsort(edit, count, sizeof(*edit), compare_keys);
		return;
	}
	partition(edit, count, shift, end);
	for (unsigned byte = 0; byte < 256; from = end[byte++]) {
		if (shift) {
			sort_keys(edit + from, end[byte] - from, shift - 8);
		} else if (byte == 0) {
			qsort(edit, end[0], sizeof(*edit), compare_keys);
		}
	}
}

/*
 * Sorts `count` edits whose paths agree before `off`. Comparing whole paths would miss the
 * cache at every step. So eight bytes are fetched once and compared in place, and only edits
 * that agree in them go on to the next eight. Most paths begin alike: a round in which all
 * agree needs no sort, unless the paths end in it, as partitioning does not keep their order.
 */
static void sort_range(struct edits *edits, struct edit *edit, size_t count, size_t off)
{
	bool agree = true;

	for (size_t i = 0; i < count; i++) {
		edit[i].key = key_at(edits, &edit[i], off);
		agree = agree && edit[i].key == edit[0].key;
	}
	if (!agree || (edit[0].key & 0xff) == 0) {
		sort_keys(edit, count, 56);
	}
	for (size_t from = 0, to; from < count; from = to) {
		to = from + 1;
		while (to < count && edit[to].key == edit[from].key) {
			to++;
		}
		if (to - from > 1 && (edit[from].key & 0xff) != 0) {
			sort_range(edits, edit + from, to - from, off + 8);
		}
	}
}

void edits_sort(struct edits *edits)
{
	size_t kept = 0;

	if (edits->count > 1) {
		sort_range(edits, edits->edit, edits->count, 0);
	}
	for (size_t i = 0; i < edits->count; i++) {
		if (i + 1 < edits->count &&
		    strcmp(edits_path(edits, i), edits_path(edits, i + 1)) == 0) {
			continue;
		}
		edits->edit[kept++] = edits->edit[i];
	}
	edits->count = kept;
}

void edits_release(struct edits *edits)
{
	if (edits) {
		buf_release(&edits->paths);
		free(edits->edit);
		*edits = (struct edits){0};
	}
}

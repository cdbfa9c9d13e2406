/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_PAGE_PAGE_ALBUMS_H
#define EXPORTER_PAGE_PAGE_ALBUMS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/page/page.h"

/*
 * page_albums - albums with their counts, for the audit page of a site: gathered
 * from responses, sorted, and as the rows of a file. Zeroed is empty.
 */

#define PAGE_SHARDS 256 /* the snapshot's folders api/v1/albums/XX */

struct page_album {
	uint32_t id; /* offset in page_albums::ids */
	uint8_t len; /* of the id */
	uint8_t shard;
	uint64_t images, untagged; /* PAGE_UNKNOWN: not noted */
};

struct page_albums {
	struct page_album *album;
	size_t count, cap;
	struct buf ids;
};
void page_albums_release(struct page_albums *albums);

/* Notes what is known of an album; an album may be noted twice.
 * Ids are no longer than RECORD_ID_MAX. */
void page_albums_note(struct page_albums *albums, unsigned shard, const char *id,
		      size_t len, uint64_t images, uint64_t untagged);
/* Sorts by shard, then id, and makes one of two notes about one album. */
void page_albums_sort(struct page_albums *albums);

/* Brings `old` (NULL: none; sorted, of one shard) up to noted[from ..]. Albums without
 * images go. Returns 0, or -1 where some count is not known; that album is left out. */
int page_albums_merge(struct page_albums *out, const struct page_albums *old,
		      const struct page_albums *noted, size_t from, size_t count);

/* The untagged images of an album of sorted ones; 0 if it is not there. */
uint64_t page_albums_untagged(const struct page_albums *albums, unsigned shard,
			      const char *id, size_t len);

/* Appends a JSON array with a line for each: ["ID",images,untagged]. */
void page_albums_add(struct buf *out, const struct page_albums *albums);
/* Reads such text. Returns 0, or -1 if it is none. */
int page_albums_parse(struct page_albums *out, unsigned shard, const char *text,
		      size_t len);

/* The number of elements of a response's array. */
uint64_t page_images_count(const struct buf *body);
/* Appends the images of a response as a JSON array with a line for each:
 * ["ID",created_at,thumbnail]; null stands for what is not a string. ERR_INPUT: the file
 * `path` of the snapshot, which holds `bytes`, is not an array of images. */
int page_images_add(struct buf *out, const char *path, const struct buf *bytes,
		    struct err *err);

#endif

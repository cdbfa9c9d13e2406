/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_PAGE_PAGE_ALBUMS_H
#define EXPORTER_PAGE_PAGE_ALBUMS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/page/page.h"

/*
 * page_albums - albums with their counts, for the audit page of a site: noted from responses,
 * sorted, joined, and printed as the rows of a file. Zeroed is empty.
 *
 *	page_albums_note(&albums, shard, id, len, images, PAGE_UNKNOWN, 0);
 *	page_albums_note(&albums, shard, id, len, PAGE_UNKNOWN, untagged, oldest);
 *	page_albums_finish(&albums);
 *	page_albums_add(&text, &albums);
 *	page_albums_release(&albums);
 */

#define PAGE_HEAD 256   /* untagged images in the first file of an album */
#define PAGE_SHARDS 256 /* the snapshot's folders api/v1/albums/XX */

struct page_album {
	uint32_t id; /* offset in page_albums::ids */
	uint8_t len; /* of the id */
	uint8_t shard;
	uint64_t images, untagged; /* PAGE_UNKNOWN: not noted; or PAGE_TOO_LARGE */
	int64_t oldest;            /* goes with `untagged` */
};

struct page_albums {
	struct page_album *album;
	size_t count, cap;
	struct buf ids;
};
void page_albums_release(struct page_albums *albums);

/* Notes the counts of an album; another note may have the count that is PAGE_UNKNOWN here.
 * `oldest`: when the first of the untagged images was created, Unix seconds, or
 * PAGE_NO_TIME. Ids have at most RECORD_ID_MAX bytes. */
void page_albums_note(struct page_albums *albums, unsigned shard, const char *id,
		      size_t len, uint64_t images, uint64_t untagged, int64_t oldest);
/* Sorts by shard, then id, and joins notes about the same album: a known count of the
 * later note replaces that of the earlier one. */
void page_albums_sort(struct page_albums *albums);
/* Sorts, and removes albums without images. Returns 0; or -1 if an album lacks a count, and
 * removes it. */
int page_albums_finish(struct page_albums *albums);

/* Appends a JSON array with a line for each: ["ID",images,untagged,oldest]. */
void page_albums_add(struct buf *out, const struct page_albums *albums);
/* Notes the albums of such an array; *out must be empty. Returns 0, or -1 if the text is not
 * as page_albums_add writes it. */
int page_albums_parse(struct page_albums *out, unsigned shard, const char *text,
		      size_t len);

/* --- images of an album (page_images.c) --- */

/* The number of elements of a response's array. */
uint64_t page_images_count(const struct buf *body);
/* Appends the images of a response as JSON arrays with a line for each image:
 * ["ID",created,title,thumbnail], where `created` is as page_add_created has it, and null
 * stands for what is not a string. The first `split` images go to *head, the others to *rest,
 * which stays empty if there are none. *oldest: when the first image was created. ERR_INPUT:
 * the file `path` of the snapshot, which holds `bytes`, is not an array of images. */
int page_images_add(struct buf *head, struct buf *rest, int64_t *oldest, size_t split,
		    const char *path, const struct buf *bytes, struct err *err);

#endif

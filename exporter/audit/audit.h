/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_H
#define EXPORTER_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/arena.h"
#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/format/stamp.h"
#include "exporter/git/pack/spill.h"
#include "exporter/git/snapshot.h"

/*
 * audit - what one snapshot says about its albums: how many images each has, how many
 * of them are untagged and since when, which tags they show, and who tagged last.
 * audit_collect.h makes one from a repository, audit_order.h gives the untagged images of all
 * albums together, audit_print.h prints it.
 *
 * Since when an image is untagged is known in two ways. Snapshots show it: audit_image::since
 * is the first one of those, up to the audited one, that all have the image untagged. But an
 * image that was untagged already when it first appeared in a snapshot may have been so since
 * its creation. So audit_image::from_s is the instant that counts: ages, the order of images
 * and what is the oldest one are all taken from it, whatever prints them.
 *
 * Texts: ids are UTF-8 as they are, with a NUL behind. Members of records
 * (created_at, name, label, by, title, thumbnail) are canonical JSON, quotes and escapes
 * included, so they can be copied into JSON as they are; NULL means that the record
 * does not say. All of it lives as long as the audit.
 *
 * Memory: about 150 bytes for each untagged image, and 200 for each album. Titles and
 * thumbnails' addresses, which may be long, are kept in a file without a name in TMPDIR, unless
 * they are few. Tagged images only add to the counts.
 */

/* A snapshot in which an image was untagged, and has been in every snapshot from then
 * to the audited one. */
struct audit_since {
	char commit[SNAPSHOT_HEX + 1];
	int64_t time_s; /* commit time, Unix seconds */
};

/* An untagged image. */
struct audit_image {
	const char *id;
	/* JSON, or NULL: absent or null, or not known, as the album's list is oversize. */
	const char *created_at;
	/* For audit_texts. */
	uint64_t texts_at;
	uint32_t title_len, thumbnail_len;
	/* From when on it was observed to be untagged. */
	const struct audit_since *since;
	/* Its tag images (a blob) when it was last tagged in the history. NULL: it never was, or
	 * they are not known; or AUDIT_WAS was not asked for and another snapshot lies between. */
	const uint8_t *was;
	int64_t from_s; /* the instant that counts, Unix seconds */
	/* `since` is the first snapshot of a history that begins late (a pruned repository, a
	 * shallow clone): the image has been untagged since then or earlier. */
	bool earlier;
	/* No snapshot before `since` holds the image, and the history does not begin late there. */
	bool first;
	bool from_created;    /* from_s is the image's creation, not since->time_s */
	struct stamp created; /* created_at as an instant */
};

struct audit_tag {
	const char *id;
	const char *name, *label; /* JSON, or NULL */
};

struct audit_tag_count {
	const struct audit_tag *tag;
	uint64_t images; /* that show it */
};

/* The live tag image with the greatest (created_at, id). */
struct audit_last {
	const char *tag_image; /* id; NULL: there is no tag image at all */
	const char *image;     /* id */
	const char *created_at;
	const char *by; /* its `user` if that is a string; NULL: unknown */
};

struct audit_counts {
	uint64_t images, untagged;
	const struct audit_image *oldest; /* untagged for longest; NULL: none untagged */
	struct audit_last last;
	struct audit_tag_count *tag; /* the most images first, then by id */
	size_t tag_count;
};

struct audit_album {
	const char *id;
	struct audit_counts counts;
	struct audit_image
		*image; /* counts.untagged of them, untagged for longest first */
};

struct audit {
	struct snapshot_id commit;
	uint64_t number;     /* Albumen-Snapshot; 0: the snapshot does not say */
	int64_t time_s;      /* commit time */
	const char *library; /* Albumen-Name, UTF-8; NULL: the snapshot does not say */
	int64_t as_of_s;     /* the instant that ages are counted to */
	/* Of the audited albums together. */
	struct audit_counts all;
	struct audit_album *album; /* the most untagged first, then by id */
	size_t album_count;
	bool count_observed; /* AUDIT_OBSERVED */
	bool has_earlier;    /* an image is audit_image::earlier */
	/* Paths of the responses of the audited albums that the snapshot lacks because they are
	 * too large (exporter/snapshot/oversize.h): NUL-terminated. An image whose tag images
	 * are among them counts as tagged, but not for its tags, nor for who tagged last. */
	const char **oversize;
	size_t oversize_count;
	struct arena arena;  /* what the texts live in */
	struct spill *texts; /* what audit_texts reads */
};

/* NULL is allowed. */
void audit_free(struct audit *audit);

/* What an image is called (words_title), and the address of its thumbnail, its thumbnails.mini
 * (only AUDIT_THUMBNAILS). JSON; NULL: the image does not say. */
struct audit_texts {
	const char *title, *thumbnail;
};
/* Reads them into *scratch, from which they are borrowed. ERR_FAIL: the file cannot be read. */
int audit_texts(struct audit_texts *out, struct buf *scratch, const struct audit *audit,
		const struct audit_image *image, struct err *err);

/* The instant of a created_at; absent (zero) for NULL and for what is not an instant. */
struct stamp audit_stamp(const char *created_at);

/* untagged / images in ten-thousandths, rounded half up; 0 if there are no images. */
unsigned audit_share(const struct audit_counts *counts);

#endif

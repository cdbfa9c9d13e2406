/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_H
#define EXPORTER_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/arena.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * audit - what one snapshot says of its albums: how many images, how many of them
 * untagged and since when, which tags, and who tagged last. It is read from the
 * repository alone, so a clone will do.
 *
 *	struct audit *audit = NULL;
 *	audit_collect(&audit, repo, &info, as_of_s, NULL, 0, err);
 *	... audit->all, audit->album[0 .. audit->album_count - 1] ...
 *	audit_free(audit);
 *
 * Texts: ids are UTF-8 as they are, with a NUL behind. Members of records
 * (created_at, name, label, by, thumbnail) are canonical JSON as it stands in the
 * snapshot, quotes and escapes included, so they may go into JSON as they are; NULL
 * stands for what the record does not say. All of it lives as long as the audit.
 *
 * Memory: about 130 bytes for each untagged image (and its thumbnail's address,
 * where asked for), and 200 for each album. Tagged images leave nothing behind but
 * what they add to the counts.
 */

/* The first snapshot that showed some image untagged, without a break up to the
 * audited one. */
struct audit_since {
	char commit[SNAPSHOT_HEX + 1];
	int64_t time_s; /* commit time, Unix seconds */
};

/* An untagged image. */
struct audit_image {
	const char *id;
	const char *created_at; /* JSON, or NULL: absent or null */
	const char *thumbnail;  /* JSON: its thumbnails.mini; only AUDIT_THUMBNAILS */
	/* NULL: unknown. So it is in a clone that is too shallow to tell. */
	const struct audit_since *since;
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
	const char *tag_image; /* id; NULL: there is none at all */
	const char *image;     /* id */
	const char *created_at;
	const char *by; /* its `user` if that is a string; NULL: unknown */
};

struct audit_counts {
	uint64_t images, untagged;
	const struct audit_image *oldest; /* by (created_at, id); NULL: none untagged */
	struct audit_last last;
	struct audit_tag_count *tag; /* by images down, then id */
	size_t tag_count;
};

struct audit_album {
	const char *id;
	struct audit_counts counts;
	struct audit_image *image; /* counts.untagged of them, by (created_at, id) */
};

struct audit {
	struct snapshot_id commit;
	uint64_t number; /* Albumen-Snapshot; 0: the snapshot does not say */
	int64_t time_s;  /* commit time */
	int64_t as_of_s; /* the instant that ages are counted to */
	/* Of the audited albums together. */
	struct audit_counts all;
	struct audit_album *album; /* by untagged down, then id */
	size_t album_count;
	/* Where history ends in this clone before everything was known: for how long
	 * the images without a `since` have been untagged at least. */
	const struct audit_since *horizon;
	struct arena arena; /* what the texts live in */
};

enum audit_flags {
	AUDIT_THUMBNAILS = 1 << 0, /* also read the addresses of thumbnails */
	AUDIT_NO_SINCE = 1 << 1,   /* leave every `since` unknown: history is not read */
};

/*
 * Audits the snapshot `info`; with `album` that album alone: ERR_NOTFOUND if the
 * snapshot has none of that id. ERR_INPUT: the snapshot contradicts itself, or is of
 * a version of albumen that could not be audited yet.
 *
 * Costs: the tag images of the audited images are read, once; history is read back
 * to the snapshot that answers the last `since`, and of it only what differs there
 * from one snapshot to the next.
 */
int audit_collect(struct audit **out, struct snapshot_repo *repo,
		  const struct snapshot_info *info, int64_t as_of_s, const char *album,
		  unsigned flags, struct err *err);
/* NULL is allowed. */
void audit_free(struct audit *audit);

/* untagged / images in ten-thousandths, rounded (a half up); 0 for no images. */
unsigned audit_share(const struct audit_counts *counts);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_INNER_H
#define EXPORTER_AUDIT_AUDIT_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/log.h"
#include "data/format/stamp.h"
#include "exporter/audit/audit.h"
#include "exporter/body/body.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/tree/tree.h"

/*
 * audit, from the inside: what audit.c (the parts together), audit_collect.c (albums
 * and images), audit_read.c (bodies), audit_count.c (tags by album) and audit_since.c
 * (history) are to each other. For these alone.
 */

/* --- audit_read.c: the bodies of responses --- */

/* Reads bodies; reuse one to save allocations. Zeroed is ready for use. */
struct audit_reader {
	struct body body;
	/* scratch */
	struct body_object inner;
	struct buf ids;
};
void audit_reader_release(struct audit_reader *reader);

/* What record `n` of reader->body says as an image; the texts go into `arena`. False:
 * body_fail() says why. */
bool audit_read_image(struct audit_reader *reader, size_t n, struct arena *arena,
		      unsigned flags, struct audit_image *out);

/* What a tag image says: JSON texts (absent: not said), and the ids as C strings.
 * Borrowed until the next audit_read_*. */
struct audit_tagging {
	struct body_text created_at, user, name, label;
	struct stamp created;
	const char *id, *tag;
};
bool audit_read_tagging(struct audit_reader *reader, size_t n, struct audit_tagging *out);
/* The instant of a created_at as an audit has it; NULL is absent. */
struct stamp audit_read_stamp(const char *created_at);

/* --- audit_count.c: which tags there are, and how many images show them --- */

struct audit_counter;
struct audit_counter *audit_counter_new(struct arena *arena);
/* NULL is allowed. */
void audit_counter_free(struct audit_counter *counter);
/* One more tagging of the image that is being counted. */
void audit_counter_see(struct audit_counter *counter,
		       const struct audit_tagging *tagging);
/* The image, of the album with this number, has no further taggings. */
void audit_counter_next(struct audit_counter *counter, uint32_t album);
/* The tags of one album, by images down, then id; the albums' numbers must be asked
 * for in ascending order, each once. */
void audit_counter_album(struct audit_counter *counter, uint32_t album,
			 struct audit_counts *out);
/* The tags of all albums. */
void audit_counter_all(struct audit_counter *counter, struct audit_counts *out);

/* --- audit_collect.c: a snapshot's albums and images --- */

/* Appends the id that a path is about: it ends in "/N" and `suffix`. False: not so. */
bool audit_path_id(struct buf *id, const char *path, const char *suffix);
/* The id of the folder `path` in a snapshot's tree. ERR_NOTFOUND, quietly. */
int audit_find_tree(uint8_t id[OBJECT_ID], const struct tree_store *trees,
		    const uint8_t root[OBJECT_ID], const char *path, struct err *err);

/* An album, with what is only of use until the end. */
struct audit_draft {
	struct audit_album album;
	uint8_t mark[OBJECT_ID]; /* the blob beside its images that names it */
	uint64_t listed;         /* images in its untagged list */
	struct stamp last;       /* of counts.last, whose texts are on the heap */
};

struct audit_collect {
	struct audit *audit;
	struct history *history;
	const struct tree_store *trees;
	uint8_t commit[OBJECT_ID], tree[OBJECT_ID];
	const char *only; /* the album asked for, or NULL */
	unsigned flags;
	struct audit_reader reader;
	struct audit_counter *counter;
	struct audit_draft *draft;
	size_t count, cap;
	/* The album that the image `image_name` lies in, as was met just before it. */
	struct audit_draft *here;
	struct buf image_name;
	struct buf id;
	struct log_progress progress;
	struct err *err;
};

/* Goes through the albums and images of the snapshot: fills the drafts (but for their
 * tags) and the counter. */
int audit_collect_drafts(struct audit_collect *collect);
/* ERR_INPUT: what the snapshot says about this album cannot all be true. */
int audit_collect_contradiction(struct audit_collect *collect, const char *album,
				const char *what);
/* Frees the texts, and forgets them. */
void audit_collect_drop_last(struct audit_last *last);

/* --- audit_since.c --- */

/* Finds for every image of the audit of the snapshot `commit`, whose tree is `tree`,
 * since when it has been untagged. With `few`, it is few images in a large snapshot. */
int audit_since_find(struct audit *audit, struct history *history,
		     const uint8_t commit[OBJECT_ID], const uint8_t tree[OBJECT_ID],
		     bool few, struct err *err);

#endif

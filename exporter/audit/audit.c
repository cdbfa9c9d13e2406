/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/audit/audit_inner.h"
#include "exporter/snapshot/message.h"

/*
 * An audit in three passes: the albums, the images (audit_collect.c), and history
 * back to the answer of the last `since` (audit_since.c).
 */

void audit_free(struct audit *audit)
{
	if (audit) {
		arena_release(&audit->arena);
		free(audit->album);
		free(audit);
	}
}

/* --- when all is collected --- */

static const char *settle_text(struct arena *arena, const char *heap)
{
	const char *text = heap ? arena_text(arena, heap, strlen(heap)) : NULL;

	free((char *)(uintptr_t)heap);
	return text;
}

/* Completes the counts of an album: its texts are on the heap no longer. */
static int settle(struct audit_collect *c, uint32_t number)
{
	struct audit_draft *draft = &c->draft[number];
	struct audit_counts *counts = &draft->album.counts;
	struct arena *arena = &c->audit->arena;
	struct audit_last *last = &counts->last;

	if (counts->untagged != draft->listed || counts->images == 0) {
		return audit_collect_contradiction(
			c, draft->album.id,
			"other images are listed than have no tag image");
	}
	counts->oldest = counts->untagged ? draft->album.image : NULL;
	last->tag_image = settle_text(arena, last->tag_image);
	last->image = settle_text(arena, last->image);
	last->created_at = settle_text(arena, last->created_at);
	last->by = settle_text(arena, last->by);
	audit_counter_album(c->counter, number, counts);
	return 0;
}

static bool is_older(const struct audit_image *a, const struct audit_image *b)
{
	struct stamp x = audit_read_stamp(a->created_at);
	struct stamp y = audit_read_stamp(b->created_at);
	int order = stamp_compare(&x, &y);

	return order ? order < 0 : strcmp(a->id, b->id) < 0;
}

static bool is_later(const struct audit_last *a, const struct audit_last *b)
{
	struct stamp x = audit_read_stamp(a->created_at);
	struct stamp y = audit_read_stamp(b->created_at);
	int order = stamp_compare(&x, &y);

	return order ? order > 0 : strcmp(a->tag_image, b->tag_image) > 0;
}

/* Adds an album to those of all together. */
static void sum_up(struct audit_counts *all, const struct audit_counts *album)
{
	all->images += album->images;
	all->untagged += album->untagged;
	if (album->oldest && (!all->oldest || is_older(album->oldest, all->oldest))) {
		all->oldest = album->oldest;
	}
	if (album->last.tag_image &&
	    (!all->last.tag_image || is_later(&album->last, &all->last))) {
		all->last = album->last;
	}
}

static int compare_albums(const void *a, const void *b)
{
	const struct audit_album *x = a, *y = b;

	if (x->counts.untagged != y->counts.untagged) {
		return x->counts.untagged > y->counts.untagged ? -1 : 1;
	}
	return strcmp(x->id, y->id);
}

static int finish(struct audit_collect *c)
{
	struct audit *audit = c->audit;
	int rc = 0;

	audit->album = xreallocarray(NULL, c->count + 1, sizeof(*audit->album));
	audit->album_count = c->count;
	for (size_t i = 0; !rc && i < c->count; i++) {
		rc = settle(c, (uint32_t)i);
		if (!rc) {
			audit->album[i] = c->draft[i].album;
			c->draft[i].album.counts.last = (struct audit_last){0};
			sum_up(&audit->all, &audit->album[i].counts);
		}
	}
	if (!rc) {
		audit_counter_all(c->counter, &audit->all);
		qsort(audit->album, audit->album_count, sizeof(*audit->album),
		      compare_albums);
	}
	return rc;
}

static int collect(struct audit_collect *c)
{
	int rc = audit_collect_drafts(c);

	log_progress_end(&c->progress);
	if (!rc) {
		rc = finish(c);
	}
	if (!rc && !(c->flags & AUDIT_NO_SINCE)) {
		rc = audit_since_find(c->audit, c->history, c->commit, c->tree, c->only,
				      c->err);
	}
	return rc;
}

static void release(struct audit_collect *c)
{
	for (size_t i = 0; i < c->count; i++) {
		audit_collect_drop_last(&c->draft[i].album.counts.last);
	}
	free(c->draft);
	audit_counter_free(c->counter);
	audit_reader_release(&c->reader);
	history_free(c->history);
	buf_release(&c->image_name);
	buf_release(&c->id);
}

int audit_collect(struct audit **out, struct snapshot_repo *repo,
		  const struct snapshot_info *info, int64_t as_of_s, const char *album,
		  unsigned flags, struct err *err)
{
	struct audit_collect c = {.only = album, .flags = flags, .err = err};
	int rc;

	*out = NULL;
	if (!object_unhex(c.commit, info->commit.hex) ||
	    !object_unhex(c.tree, info->tree.hex)) {
		return err_set(err, ERR_INPUT, "'%s' is not a snapshot",
			       info->commit.hex);
	}
	c.audit = xzalloc(sizeof(*c.audit));
	c.audit->commit = info->commit;
	c.audit->number = message_count(info->message, MESSAGE_NUMBER, 0);
	c.audit->time_s = info->time_s;
	c.audit->as_of_s = as_of_s;
	c.history = history_new(repo);
	c.trees = history_trees(c.history);
	c.counter = audit_counter_new(&c.audit->arena);
	log_progress_start(&c.progress, "auditing",
			   album ? 0 : message_count(info->message, MESSAGE_IMAGES, 0));
	rc = collect(&c);
	release(&c);
	if (rc) {
		audit_free(c.audit);
		return rc;
	}
	*out = c.audit;
	return 0;
}

unsigned audit_share(const struct audit_counts *counts)
{
	if (!counts->images) {
		return 0;
	}
	return (unsigned)((counts->untagged * 10000 + counts->images / 2) /
			  counts->images);
}

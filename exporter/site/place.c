/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place.h"

#include <stdlib.h>

void place_free(struct place *place)
{
	if (place) {
		place_close(place);
		free(place->name);
		buf_release(&place->dry_path);
		place->kind->free(place);
	}
}

const char *place_name(const struct place *place)
{
	return place->name;
}

const char *place_folder(const struct place *place)
{
	return place->kind->is_folder ? place->name : NULL;
}

int place_read(struct buf *out, struct place *place, const char *path, size_t limit,
	       struct err *err)
{
	return place->kind->read(out, place, path, limit, err);
}

void place_set_stop(struct place *place, struct stop *stop)
{
	if (place->kind->set_stop) {
		place->kind->set_stop(place, stop);
	}
}

bool place_is_blind(const struct place *place)
{
	return !place->kind->has_file;
}

bool place_has_file(struct place *place, const char *path)
{
	return !place->kind->has_file || place->kind->has_file(place, path);
}

int place_is_bare(bool *bare, struct place *place, struct err *err)
{
	return place->kind->is_bare(bare, place, err);
}

int place_is_site(bool *is, struct place *place, struct err *err)
{
	return place->kind->is_site(is, place, err);
}

int place_find_entry(struct buf *name, struct place *place, struct err *err)
{
	return place->kind->find_entry(name, place, err);
}

/* --- opening and closing --- */

int place_open(struct place *place, struct snapshot_repo *repo, const char *holder,
	       struct err *err)
{
	int rc = place->kind->open(place, repo, holder, err);

	if (rc) {
		place_close(place);
	}
	return rc;
}

int place_open_look(struct place *place, struct snapshot_repo *repo, const char *holder,
		    struct err *err)
{
	int rc = place->kind->open_look(place, repo, holder, err);

	if (rc) {
		place_close(place);
	}
	return rc;
}

int place_open_dry(struct place *place, struct err *err)
{
	int rc = place->kind->open_dry ? place->kind->open_dry(place, err) : 0;

	if (rc && rc != ERR_NOTFOUND) {
		place_close(place);
		return rc;
	}
	place->dry = true;
	place->absent = rc == ERR_NOTFOUND;
	return 0;
}

void place_close(struct place *place)
{
	if (place) {
		place->dry = place->absent = place->doubted = false;
		place->kind->close(place);
	}
}

/* --- what a publication has begun with --- */

int place_pending_read(struct buf *lines, bool *unfinished, struct place *place,
		       struct err *err)
{
	return place->kind->pending_read(lines, unfinished, place, err);
}

int place_pending_check(struct place *place, struct err *err)
{
	return place->kind->pending_check ? place->kind->pending_check(place, err) : 0;
}

int64_t place_pending_since_s(struct place *place)
{
	return place->kind->pending_since_s(place);
}

int place_pending_begin(struct place *place, const char *lines, size_t len,
			bool unfinished, struct err *err)
{
	return place->dry
		       ? 0
		       : place->kind->pending_begin(place, lines, len, unfinished, err);
}

int place_pending_end(struct place *place, struct err *err)
{
	return place->dry ? 0 : place->kind->pending_end(place, err);
}

/* --- files --- */

static void count_extra(const char *path, enum place_fault fault, void *payload)
{
	uint64_t *extra = payload;

	(void)path;
	*extra += fault == PLACE_EXTRA;
}

/* In a dry run: from here on, what would remove a file counts it, if it is there. */
static void look_for_extra(struct place *place, bool on)
{
	place->extra = 0;
	place->kind->set_look(place, on ? count_extra : NULL, &place->extra);
}

/* Returns how many were found. */
static uint64_t take_extra(struct place *place)
{
	uint64_t extra = place->extra;

	place->extra = 0;
	return extra;
}

void place_set_many(struct place *place, bool many)
{
	if (place->kind->set_many && !place->dry) {
		place->kind->set_many(place, many);
	}
}

void place_doubt(struct place *place)
{
	if (place->dry && !place->absent) {
		place->doubted = true;
		look_for_extra(place, true);
	} else if (place->kind->doubt && !place->dry) {
		place->kind->doubt(place);
	}
}

int place_flush(struct place *place, struct err *err)
{
	return place->dry ? 0 : place->kind->flush(place, err);
}

int place_build_begin(struct place *place, struct err *err)
{
	return place->kind->build_begin && !place->dry
		       ? place->kind->build_begin(place, err)
		       : 0;
}

int place_build_end(struct place *place, struct err *err)
{
	return place->kind->build_end && !place->dry ? place->kind->build_end(place, err)
						     : 0;
}

int place_begin(struct place *place, const char *path, struct err *err)
{
	if (place->dry) {
		buf_clear(&place->dry_path);
		buf_addstr(&place->dry_path, path);
		return 0;
	}
	return place->kind->begin(place, path, err);
}

void place_write(struct place *place, const void *bytes, size_t len)
{
	if (!place->dry) {
		place->kind->write(place, bytes, len);
	}
}

int place_end(struct place *place, struct err *err)
{
	return place->dry ? 0 : place->kind->end(place, err);
}

int place_put(struct place *place, const char *path, const void *body, size_t len,
	      struct err *err)
{
	int rc;

	if (place->kind->put && !place->dry) {
		return place->kind->put(place, path, body, len, err);
	}
	rc = place_begin(place, path, err);
	if (rc) {
		return rc;
	}
	place_write(place, body, len);
	return place_end(place, err);
}

bool place_was_there(struct place *place)
{
	if (place->dry) {
		return place_has_file(place, place->dry_path.data);
	}
	return !place->kind->was_there || place->kind->was_there(place);
}

int place_put_state(struct place *place, const void *body, size_t len, struct err *err)
{
	return place->dry ? 0 : place->kind->put_state(place, body, len, err);
}

void place_set_look(struct place *place, place_found_fn *found, void *payload)
{
	place->kind->set_look(place, found, payload);
}

int place_has(bool *has, struct place *place, const char *path, const void *body,
	      size_t len, struct err *err)
{
	if (place->absent) {
		*has = false;
		return 0;
	}
	return place->kind->has(has, place, path, body, len, err);
}

int place_remove(struct place *place, const char *path, uint64_t *removed,
		 struct err *err)
{
	int rc;

	if (place->dry && !place->doubted) {
		*removed += place_has_file(place, path);
		return 0;
	}
	rc = place->kind->remove(place, path, removed, err);
	*removed += take_extra(place);
	return rc;
}

int place_remove_folder(struct place *place, const char *path, struct err *err)
{
	return place->kind->remove_folder && !place->dry
		       ? place->kind->remove_folder(place, path, err)
		       : 0;
}

int place_prune(struct place *place, const char *path, place_keep_fn *keep, void *payload,
		uint64_t *removed, struct err *err)
{
	int rc;

	if (!place->dry) {
		return place->kind->prune(place, path, keep, payload, removed, err);
	}
	if (place->absent) {
		return 0;
	}
	if (!place->doubted) {
		look_for_extra(place, true);
	}
	rc = place->kind->prune(place, path, keep, payload, removed, err);
	*removed += take_extra(place);
	if (!place->doubted) {
		look_for_extra(place, false);
	}
	return rc;
}

uint64_t place_requests(const struct place *place, uint64_t puts, uint64_t removals)
{
	return place->kind->requests ? place->kind->requests(place, puts, removals) : 0;
}

int place_put_beside(struct place *place, const char *path, const void *body, size_t len,
		     struct err *err)
{
	return place->kind->put_beside(place, path, body, len, err);
}

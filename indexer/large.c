/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/large.h"

#include <errno.h>
#include <sys/stat.h>

#include "data/index/claim.h"
#include "indexer/input.h"
#include "indexer/walk.h"

static bool is_in_round(const struct large *large)
{
	return dirty_count(&large->round) > 0;
}

bool large_is_busy(const struct large *large)
{
	return is_in_round(large) || dirty_count(&large->next) > 0;
}

void large_add(struct large *large, int list, const char *path, size_t len)
{
	dirty_add(&large->next, list, path, len);
}

uint64_t large_rounds(const struct large *large)
{
	return large->ended + (is_in_round(large) ? 2 : 1);
}

int large_list(const struct large *large)
{
	return large->list;
}

static void close_reading(struct large *large)
{
	apply_free(large->reading);
	large->reading = NULL;
}

void large_end(struct large *large, int rc)
{
	struct err ignored = {0};

	if (large->reading) {
		apply_end(large->reading, rc ? rc : ERR_STOPPED, NULL, &ignored);
		close_reading(large);
	}
	dirty_release(&large->round);
	dirty_release(&large->next);
}

static void begin_round(struct large *large)
{
	large->round = large->next;
	large->next = (struct dirty){0};
	large->list = 0;
	large->at = 0;
}

static void end_round(struct large *large)
{
	dirty_release(&large->round);
	large->ended++;
}

/* Whether the index has read the file as it is: a path can be in several lists, and in
 * two rounds. */
static int is_read(struct large *large, const char *path, size_t len, bool *yes,
		   struct err *err)
{
	struct index_txn *txn = NULL;
	struct claim_file known, now;
	struct stat st;
	int rc = index_begin(&txn, large->apply.index, false, err);

	*yes = false;
	if (!rc && claim_file_get(txn, path, len, &known) == 0 &&
	    walk_stat(large->apply.rootfd, path, &st) == 0) {
		input_stat(&now, &st);
		*yes = input_same(&known, &now) && !known.racy;
	}
	return index_end(&txn, rc, err);
}

/* Whether the path still means the file that is read. */
static bool is_there(const struct large *large, const char *path)
{
	struct claim_file now;
	struct stat st;

	if (walk_stat(large->apply.rootfd, path, &st) < 0) {
		return !walk_is_gone(errno);
	}
	input_stat(&now, &st);
	return now.dev == large->opened.dev && now.ino == large->opened.ino;
}

static int withdraw(struct large *large, struct err *err)
{
	const char *path;
	size_t at = 0, len;
	int rc = 0;

	large->reading = apply_new(&large->apply);
	while (!rc && paths_next(&large->round.list[DIRTY_REMOVAL], &at, &path, &len)) {
		rc = apply_withdraw(large->reading, path, len, err);
	}
	rc = apply_end(large->reading, rc, NULL, err);
	close_reading(large);
	if (!rc) {
		end_round(large);
	}
	return rc;
}

/* Begins the next file of the round; withdraws, after the last one. */
static int next_file(struct large *large, struct err *err)
{
	size_t at = large->at, len = 0;
	const char *path = NULL;
	struct stat st;
	bool skip;
	int rc;

	while (large->list < DIRTY_REMOVAL &&
	       !paths_next(&large->round.list[large->list], &at, &path, &len)) {
		at = large->at = 0;
		large->list++;
	}
	if (large->list >= DIRTY_REMOVAL) {
		return withdraw(large, err);
	}
	rc = is_read(large, path, len, &skip, err);
	if (rc || skip) {
		large->at = rc ? large->at : at;
		return rc;
	}
	large->opened = (struct claim_file){0};
	if (walk_stat(large->apply.rootfd, path, &st) == 0) {
		input_stat(&large->opened, &st);
	}
	large->reading = apply_new(&large->apply);
	return apply_begin(large->reading, path, len, dirty_attempt(large->list), err);
}

/* A slice of the file that is being read. */
static int read_on(struct large *large, int64_t until_ms, struct err *err)
{
	size_t at = large->at, len;
	const char *path = "";
	bool gone;
	int rc = 0;

	paths_next(&large->round.list[large->list], &at, &path, &len);
	/* What has taken its place, or that it was removed, is reported by itself. */
	gone = !is_there(large, path);
	if (!gone) {
		rc = apply_more(large->reading, until_ms, err);
	}
	if (!rc && !gone && apply_is_busy(large->reading)) {
		return 0;
	}
	rc = apply_end(large->reading, gone ? ERR_STOPPED : rc, NULL, err);
	close_reading(large);
	if (gone) {
		rc = 0;
	}
	if (!rc) {
		large->at = at;
	}
	return rc;
}

int large_step(struct large *large, int64_t until_ms, struct err *err)
{
	int rc = 0;

	if (!is_in_round(large)) {
		begin_round(large);
	}
	if (!large->reading) {
		rc = next_file(large, err);
	}
	if (rc) {
		close_reading(large);
		return rc;
	}
	return large->reading ? read_on(large, until_ms, err) : 0;
}

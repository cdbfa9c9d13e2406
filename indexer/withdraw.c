/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/withdraw.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "data/base/brake.h"
#include "data/base/hash.h"
#include "data/base/log.h"
#include "data/index/claim.h"
#include "indexer/ingest.h"
#include "indexer/unmounted.h"
#include "indexer/walk.h"

#define TICK_FILES 256

static bool is_too_much(const struct withdraw *withdraw, uint64_t missing)
{
	return !withdraw->accept && brake_holds(missing, withdraw->known);
}

/* Adds the numbers of the records in the batch. */
static void note_stated(struct hash *stated, struct index_txn *txn,
			const struct batch *batch)
{
	for (size_t i = 0; i < batch->records; i++) {
		uint64_t number = claim_number(txn, &batch->record[i].record);

		if (number) {
			hash_put(stated, number);
		}
	}
}

/* Finds what the file states. What changes while it is read does not count. */
static int read_file(struct hash *stated, struct index_txn *txn, struct ingest *ingest,
		     struct batch *batch, const char *path, size_t len,
		     const struct apply_options *options, struct err *err)
{
	unsigned flags = options->allow_secrets ? INGEST_SECRETS : 0;
	int rc = ingest_begin(ingest, path, len, flags, err);

	while (!rc && ingest_is_busy(ingest)) {
		note_stated(stated, txn, batch);
		batch_clear(batch);
		ingest_more(ingest);
		rc = options->tick ? options->tick(options->payload, err) : 0;
	}
	ingest_stop(ingest);
	note_stated(stated, txn, batch);
	batch_clear(batch);
	return rc;
}

/* Finds the numbers of the records that the dirty files state. */
static int read_dirty(struct hash *stated, struct index_txn *txn,
		      const struct paths *dirty, const struct apply_options *options,
		      struct err *err)
{
	struct batch batch = {0};
	struct ingest *ingest = ingest_new(options->rootfd, &batch);
	struct log_progress progress;
	const char *path;
	size_t at = 0, len;
	uint64_t files = 0;
	int rc = 0;

	log_progress_start(&progress, "looking for files that were renamed",
			   dirty->count);
	while (!rc && paths_next(dirty, &at, &path, &len)) {
		rc = read_file(stated, txn, ingest, &batch, path, len, options, err);
		log_progress_step(&progress, 1);
		if (!rc && options->tick && ++files % TICK_FILES == 0) {
			rc = options->tick(options->payload, err);
		}
	}
	log_progress_end(&progress);
	ingest_free(ingest);
	batch_release(&batch);
	return rc;
}

/* The numbers of the files that the index knows. */
static int find_numbers(struct index_txn *txn, const struct paths *paths,
			uint64_t **files, size_t *count, struct err *err)
{
	const char *path;
	size_t at = 0, len;

	*files = xmalloc((paths->count + 1) * sizeof(**files));
	while (paths_next(paths, &at, &path, &len)) {
		struct claim_file file;
		int rc = claim_file_get(txn, path, len, &file);

		if (rc && rc != ERR_NOTFOUND) {
			return err_set(err, rc,
				       "the index is damaged; delete the index "
				       "folder and scan again");
		}
		if (!rc) {
			(*files)[(*count)++] = file.number;
		}
	}
	return 0;
}

int withdraw_check(const struct withdraw *withdraw, const struct paths *missing,
		   const struct paths *dirty, struct err *err)
{
	struct index_txn *txn = NULL;
	struct hash stated = {0};
	uint64_t *files = NULL;
	uint64_t lost = 0, empty = 0;
	size_t count = 0;
	int rc;

	if (!is_too_much(withdraw, missing->count)) {
		return 0;
	}
	rc = index_begin(&txn, withdraw->options->index, false, err);
	if (!rc && dirty) {
		rc = read_dirty(&stated, txn, dirty, withdraw->options, err);
	}
	rc = rc ? rc : find_numbers(txn, missing, &files, &count, err);
	if (!rc) {
		rc = claim_loss(txn, files, count, &stated, &lost, &empty, err);
	}
	rc = index_end(&txn, rc, err);
	free(files);
	hash_release(&stated);
	/* Files that claim nothing are no loss by themselves. Beside others that are,
	 * they count as missing, too. */
	if (rc || !lost || !is_too_much(withdraw, lost + empty)) {
		return rc;
	}
	return err_set(err, ERR_REFUSED,
		       "%llu of %llu known files are gone, which looks like a disk that "
		       "is not mounted; nothing was withdrawn; if they are really gone, "
		       "say so with --accept-withdrawal",
		       (unsigned long long)(lost + empty),
		       (unsigned long long)withdraw->known);
}

int withdraw_run(const struct withdraw *withdraw, struct apply *apply,
		 const struct paths *missing, struct err *err)
{
	struct log_progress progress;
	const char *path;
	size_t at = 0, len;
	int rc = 0;

	if (is_too_much(withdraw, missing->count)) {
		rc = apply_commit(apply, NULL, err);
		rc = rc ? rc : withdraw_check(withdraw, missing, NULL, err);
	}
	if (rc) {
		return rc;
	}
	log_progress_start(&progress, "withdrawing", missing->count);
	while (!rc && paths_next(missing, &at, &path, &len)) {
		rc = apply_withdraw(apply, path, len, err);
		log_progress_step(&progress, 1);
	}
	log_progress_end(&progress);
	return rc;
}

int withdraw_sort(struct index *index, int rootfd, const struct paths *absent,
		  const struct paths *unmounted, struct paths *missing,
		  struct paths *held, struct paths *back, struct err *err)
{
	struct index_txn *txn = NULL;
	const char *path;
	size_t at = 0, len;
	int rc = index_begin(&txn, index, false, err);

	while (!rc && paths_next(absent, &at, &path, &len)) {
		struct claim_file file;
		struct stat st;
		bool there;

		if (claim_file_get(txn, path, len, &file) < 0) {
			continue; /* an event has withdrawn it meanwhile */
		}
		there = walk_stat(rootfd, path, &st) == 0 ? S_ISREG(st.st_mode)
							  : !walk_is_gone(errno);
		if (there) {
			paths_append(back, path, len);
		} else if (unmounted_holds(unmounted, path, len)) {
			paths_add(held, path, len);
		} else {
			paths_append(missing, path, len);
		}
	}
	return index_end(&txn, rc, err);
}

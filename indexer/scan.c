/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "data/base/log.h"
#include "data/index/build.h"
#include "data/index/claim.h"
#include "data/index/gate.h"
#include "data/index/query.h"
#include "indexer/folder.h"
#include "indexer/input.h"
#include "indexer/walk.h"
#include "indexer/withdraw.h"

/*
 * A scan first looks and then changes.
 *
 * Look (one read transaction): compare the stat values of every file in the folder with
 * those in the index, list the files that differ, and mark the known files that are
 * there. If fewer are marked than known, go through all known files for the missing
 * ones. So both lists are complete before anything is changed, and the brake
 * (indexer/withdraw.h) can refuse.
 *
 * Change: read the files that differ, then withdraw the missing ones. In this order, the
 * claims of a renamed file stand under its new name before they fall under its old one.
 * A file that vanishes meanwhile is missing like the others.
 */

#define READ_AHEAD_FROM 10000 /* known files, from which query_read_ahead pays */
#define TICK_FILES 256        /* files between two ticks */

struct look {
	const struct scan_options *options;
	struct scan_counts *counts;
	struct index_txn *txn;
	struct paths *dirty, *missing;
	unsigned char *seen; /* a bit for each number of a known file */
	uint64_t numbers;
	uint64_t known_seen;
	enum gate_change gate;
};

static void mark(struct look *look, uint64_t number)
{
	unsigned char bit = (unsigned char)(1u << number % 8);

	if (number < look->numbers && !(look->seen[number / 8] & bit)) {
		look->seen[number / 8] |= bit;
		look->known_seen++;
	}
}

static bool is_marked(const struct look *look, uint64_t number)
{
	return number < look->numbers && look->seen[number / 8] >> number % 8 & 1;
}

static int look_at_file(const struct walk_file *file, void *payload, struct err *err)
{
	struct look *look = payload;
	const struct apply_options *options = &look->options->apply;
	struct claim_file known, now;
	struct stat st;
	int rc = 0;

	if (fstatat(file->dirfd, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (walk_is_gone(errno)) {
			return 0;
		}
		st = (struct stat){.st_mode = S_IFREG};
	}
	if (!S_ISREG(st.st_mode)) {
		return 0;
	}
	look->counts->files++;
	input_stat(&now, &st);
	if (claim_file_get(look->txn, file->path, file->len, &known) < 0) {
		paths_append(look->dirty, file->path, file->len);
	} else {
		mark(look, known.number);
		if (known.racy || !input_same(&known, &now) ||
		    gate_must_read(look->gate, &known)) {
			paths_append(look->dirty, file->path, file->len);
		} else {
			look->counts->unchanged++;
		}
	}
	if (look->counts->files % TICK_FILES == 0 && options->tick) {
		rc = options->tick(options->payload, err);
	}
	return rc;
}

static int enter_folder(int dirfd, const char *path, size_t len, void *payload,
			struct err *err)
{
	struct look *look = payload;

	return look->options->folder
		       ? folder_enter(dirfd, path, len, look->options->folder, err)
		       : 0;
}

static int mark_known(const char *path, size_t len, const struct claim_file *file,
		      void *payload)
{
	(void)path;
	(void)len;
	mark(payload, file->number);
	return 0;
}

/* The files in a folder that cannot be read are not known to be gone. */
static int keep_unreadable(const char *path, size_t len, int error, void *payload,
			   struct err *err)
{
	struct look *look = payload;
	struct buf prefix = {0};
	int rc;

	if (!len) {
		errno = error;
		return err_sys(err, "cannot read the metadata folder");
	}
	log_warning("cannot read folder '%s': %s; the index keeps what it knows of its "
		    "files",
		    path, strerror(error));
	look->counts->unreadable++;
	if (look->options->folder) {
		folder_note_denied(look->options->folder, path, len);
	}
	buf_addf(&prefix, "%.*s/", (int)len, path);
	rc = claim_file_each(look->txn, prefix.data, prefix.len, mark_known, look, err);
	buf_release(&prefix);
	return rc;
}

static void count_too_long(void *payload)
{
	struct look *look = payload;

	look->counts->unreadable++;
}

static int note_missing(const char *path, size_t len, const struct claim_file *file,
			void *payload)
{
	struct look *look = payload;

	if (!is_marked(look, file->number)) {
		paths_append(look->missing, path, len);
	}
	return 0;
}

int scan_look(struct scan_counts *counts, struct paths *dirty, struct paths *missing,
	      const char *path, size_t len, const struct scan_options *options,
	      struct err *err)
{
	struct look look = {
		.options = options, .counts = counts, .dirty = dirty, .missing = missing};
	struct walk_visitor visitor = {.enter = enter_folder,
				       .file = look_at_file,
				       .unreadable = keep_unreadable,
				       .too_long = count_too_long,
				       .payload = &look};
	struct index_counts known;
	struct buf prefix = {0};
	int rc = index_begin(&look.txn, options->apply.index, false, err);

	if (rc) {
		return rc;
	}
	look.gate = gate_compare(look.txn, options->apply.allow_secrets);
	look.numbers = claim_file_numbers(look.txn);
	look.seen = xzalloc((size_t)(look.numbers / 8 + 1));
	index_counts(look.txn, &known);
	rc = walk_run(options->apply.rootfd, path, len, &visitor, err);
	if (!rc && look.known_seen < known.files) {
		if (len) {
			buf_addf(&prefix, "%.*s/", (int)len, path);
		}
		rc = claim_file_each(look.txn, prefix.len ? prefix.data : "", prefix.len,
				     note_missing, &look, err);
	}
	rc = index_end(&look.txn, rc, err);
	free(look.seen);
	buf_release(&prefix);
	return rc;
}

static int read_dirty(struct apply *apply, const struct paths *paths, struct err *err)
{
	struct log_progress progress;
	const char *path;
	size_t at = 0, len;
	int rc = 0;

	log_progress_start(&progress, "reading", paths->count);
	while (!rc && paths_next(paths, &at, &path, &len)) {
		rc = apply_path(apply, path, len, 0, err);
		log_progress_step(&progress, 1);
	}
	log_progress_end(&progress);
	return rc;
}

struct outcomes {
	const struct scan_options *options;
	struct paths changed; /* files that changed while they were read */
	struct paths *gone;   /* files that are gone; NULL: they are not collected */
	bool large;           /* large files were left out */
	bool missing;         /* missing files were reported to the caller */
};

static int pass_tick(void *payload, struct err *err)
{
	const struct apply_options *options =
		&((struct outcomes *)payload)->options->apply;

	return options->tick ? options->tick(options->payload, err) : 0;
}

static void note_outcome(const char *path, size_t len,
			 const struct ingest_outcome *outcome, void *payload)
{
	struct outcomes *outcomes = payload;
	const struct apply_options *options = &outcomes->options->apply;

	outcomes->large |= outcome->large;
	if (outcome->changed) {
		paths_append(&outcomes->changed, path, len);
	} else if (outcome->gone && outcomes->gone) {
		paths_append(outcomes->gone, path, len);
	} else if (options->done) {
		options->done(path, len, outcome, options->payload);
	}
}

/* Reads again, a few times, the files that changed while they were read. */
static int read_changed(struct apply *apply, struct outcomes *outcomes, struct err *err)
{
	int rc = apply_finish(apply, err);

	for (unsigned attempt = 1; !rc && outcomes->changed.count; attempt++) {
		struct paths paths = outcomes->changed;
		const char *path;
		size_t at = 0, len;

		outcomes->changed = (struct paths){0};
		while (!rc && paths_next(&paths, &at, &path, &len)) {
			rc = apply_path(apply, path, len, attempt, err);
		}
		paths_release(&paths);
		rc = rc ? rc : apply_finish(apply, err);
	}
	return rc;
}

/* Withdraws the missing files, or reports them to the caller. */
static int end_missing(struct apply *apply, const struct withdraw *withdraw,
		       const struct paths *missing, struct outcomes *outcomes,
		       struct err *err)
{
	const struct scan_options *options = outcomes->options;
	const char *path;
	size_t at = 0, len;
	int rc;

	outcomes->gone = NULL;
	if (options->withdraw && !outcomes->large) {
		rc = withdraw_run(withdraw, apply, missing, err);
		/* A file that is back is read, and may change while it is read. */
		return rc ? rc : read_changed(apply, outcomes, err);
	}
	outcomes->missing = missing->count > 0;
	while (paths_next(missing, &at, &path, &len)) {
		options->missing(path, len, options->apply.payload);
	}
	return 0;
}

static int change(struct scan_counts *counts, const struct withdraw *withdraw,
		  const struct paths *dirty, struct paths *missing,
		  struct index_health *health, const struct scan_options *options,
		  struct err *err)
{
	struct outcomes outcomes = {.options = options, .gone = missing};
	struct apply_options apply_options = options->apply;
	struct apply *apply;
	int rc;

	apply_options.tick = pass_tick;
	apply_options.done = note_outcome;
	apply_options.payload = &outcomes;
	apply = apply_new(&apply_options);
	rc = read_dirty(apply, dirty, err);
	rc = rc ? rc : read_changed(apply, &outcomes, err);
	if (!rc) {
		rc = end_missing(apply, withdraw, missing, &outcomes, err);
	}
	if (!rc && options->folder) {
		rc = folder_drain(options->folder, err);
	}
	if (!rc) {
		health->reconcile =
			(options->folder && folder_is_lost(options->folder)) ||
			outcomes.missing;
		health->rescans++;
		health->walked_s = (int64_t)time(NULL);
	}
	rc = apply_end(apply, rc, health, err);
	counts->applied = *apply_counts(apply);
	apply_free(apply);
	paths_release(&outcomes.changed);
	return rc;
}

int scan_run(struct scan_counts *counts, const struct scan_options *options,
	     struct err *err)
{
	struct index *index = options->apply.index;
	struct withdraw withdraw = {.options = &options->apply,
				    .accept = options->accept_withdrawal};
	struct paths dirty = {0}, missing = {0};
	struct index_txn *txn = NULL;
	struct index_counts known;
	struct index_health health;
	int rc = index_begin(&txn, index, false, err);

	*counts = (struct scan_counts){0};
	if (rc) {
		return rc;
	}
	index_counts(txn, &known);
	index_health(txn, &health);
	withdraw.known = known.files;
	if (known.files >= READ_AHEAD_FROM) {
		query_read_ahead(txn);
	}
	index_abort(&txn);
	rc = scan_look(counts, &dirty, &missing, "", 0, options, err);
	if (!rc && options->withdraw) {
		rc = withdraw_check(&withdraw, &missing, &dirty, err);
	}
	rc = rc ? rc : gate_set(index, options->apply.allow_secrets, err);
	if (!rc) {
		rc = change(counts, &withdraw, &dirty, &missing, &health, options, err);
	}
	rc = rc ? rc : build_end(index, err);
	if (!rc && !counts->files && !counts->unreadable) {
		log_warning(SCAN_NOTHING);
	}
	paths_release(&dirty);
	paths_release(&missing);
	return rc;
}

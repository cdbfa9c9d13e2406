/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/pace.h"
#include "data/base/ready.h"
#include "data/index/claim.h"
#include "indexer/dirty.h"
#include "indexer/folder.h"
#include "indexer/input.h"
#include "indexer/large.h"
#include "indexer/later.h"
#include "indexer/paths.h"
#include "indexer/room.h"
#include "indexer/root.h"
#include "indexer/scan.h"
#include "indexer/apply.h"
#include "indexer/unmounted.h"
#include "indexer/walk.h"
#include "indexer/withdraw.h"

/*
 * Paths that may have changed come from three sources: events, paths that are due for
 * another look (later), and folders that are polled because they cannot be watched. All
 * of them go to the lists of dirty paths, one list for each reason. A commit goes
 * through the lists: it compares each path with the index, and reads the files that
 * differ. So a commit costs what its paths cost, however large the library is.
 *
 * The next commit withdraws the claims of a file that an event reports as removed. A
 * file that is only not found is *absent*: another file system may be mounted over it, or
 * its own may be unmounted. Absent files are collected for some seconds, so that the brake
 * (indexer/withdraw.h) counts all of them at once. Those that it refuses to withdraw stay
 * absent, and are looked at again until they are back.
 *
 * A large file is not read by a commit. It is read in slices (large) while there is nothing
 * else to do, and withdrawals wait for it, as it may state the same records.
 *
 * A full disk loses nothing: the lists stay, and the commit is retried.
 */

#define COMMIT_MS 200
#define COMMIT_PATHS 10000
#define POLL_MS 5000   /* least time between two polls */
#define POLL_SHARE 20  /* a pause is at least this many times as long as the last poll */
#define ABSENT_MS 3000 /* absent files are collected: longer than LATER_RACY waits */
#define ROOT_MS 60000  /* between two checks of the root */
#define FIND_MS 1000   /* between two attempts to find the root again */

struct watch {
	struct root root;
	struct stop *stop;
	struct index *index;
	struct scan_options scan;
	const struct watch_options *options;
	struct pace pace; /* of options->report */
	struct folder *folder;
	struct dirty dirty;
	struct later later;
	struct large large;
	struct paths absent;
	uint64_t absent_after; /* see large_rounds */
	size_t held;           /* absent files below an unmounted file system */
	uint64_t known;        /* files known before the first of the others was missed */
	struct paths unmounted; /* see indexer/unmounted.h */
	int64_t poll_at_ms;
	int64_t root_at_ms;
	int64_t absent_at_ms; /* 0: no time is set */
	struct room room;
	int reading;      /* the list of the paths that are being read */
	bool refused;     /* the last withdrawal */
	bool out_of_step; /* recorded in the index */
	bool rescan;      /* the whole folder must be walked */
	bool root_gone;
};

static void add_absent(struct watch *watch, const char *path, size_t len,
		       int64_t delay_ms)
{
	int64_t at = clock_now_ms() + delay_ms;

	paths_add(&watch->absent, path, len);
	watch->absent_after = large_rounds(&watch->large);
	if (!watch->absent_at_ms || at < watch->absent_at_ms) {
		watch->absent_at_ms = at;
	}
}

/* A file appeared, and may not be written to its end yet. */
static void on_appeared(struct watch *watch, const char *path, size_t len)
{
	struct stat st;

	/* A file with two names was linked here, and is complete. Any other file gets
	 * some time to be written. */
	if (walk_stat(watch->root.fd, path, &st) == 0 &&
	    (st.st_nlink > 1 ||
	     !later_add(&watch->later, LATER_APPEARED, clock_now_ms(), path, len))) {
		dirty_add(&watch->dirty, DIRTY_EVENT, path, len);
	}
}

/* See enum folder_report. */
static void on_report(enum folder_report report, const char *path, size_t len,
		      void *payload)
{
	struct watch *watch = payload;

	switch (report) {
	case FOLDER_FILE_CHANGED:
		dirty_add(&watch->dirty, DIRTY_EVENT, path, len);
		break;
	case FOLDER_FILE_APPEARED:
		on_appeared(watch, path, len);
		break;
	case FOLDER_FILE_REMOVED:
		dirty_add(&watch->dirty, DIRTY_REMOVAL, path, len);
		break;
	case FOLDER_CHECK:
		dirty_add(&watch->dirty, DIRTY_FOLDER, path, len);
		break;
	case FOLDER_REMOVED:
		dirty_add(&watch->dirty, DIRTY_FOLDER_REMOVAL, path, len);
		break;
	case FOLDER_UNMOUNTED:
		unmounted_add(&watch->unmounted, watch->root.fd, path, len);
		break;
	}
}

/* --- what reading reports (struct apply_options) ------------------------------------ */

/* Reads a file again later if it is bad or changed while it was read: it may not be
 * written to its end yet. Three times at most. */
static void retry(struct watch *watch, int list, const char *path, size_t len)
{
	enum later_which next = LATER_RETRY_1;

	if (list >= LATER_RETRY_1 && list <= LATER_RETRY_3) {
		next = (enum later_which)(list + 1);
	}
	if (next <= LATER_RETRY_3) {
		later_add(&watch->later, next, clock_now_ms(), path, len);
	}
}

static void on_done(const char *path, size_t len, const struct ingest_outcome *outcome,
		    void *payload)
{
	struct watch *watch = payload;

	if (outcome->denied) {
		folder_note_denied(watch->folder, path, len);
	}
	if (outcome->gone) {
		add_absent(watch, path, len, ABSENT_MS);
	}
	if (outcome->large) {
		large_add(&watch->large,
			  watch->reading < DIRTY_EVENT ? watch->reading : DIRTY_EVENT,
			  path, len);
	}
	if (outcome->changed || (outcome->rejects && outcome->racy)) {
		retry(watch, watch->reading, path, len);
	}
	if (outcome->racy && !outcome->changed) {
		later_add(&watch->later, LATER_RACY, clock_now_ms(), path, len);
	}
}

/* Reads events during long work, so that the kernel's queue does not overflow. */
static int on_tick(void *payload, struct err *err)
{
	struct watch *watch = payload;
	int rc = folder_drain(watch->folder, err);

	return rc ? rc : stop_check(watch->stop, err);
}

static void poll_if_remote(struct watch *watch)
{
	if (root_is_remote(&watch->root)) {
		folder_poll_all(watch->folder);
	}
}

int watch_open(struct watch **out, int rootfd, const char *root, struct stop *stop,
	       struct err *err)
{
	struct watch *watch = xzalloc(sizeof(*watch));
	int rc;

	*out = NULL;
	watch->stop = stop;
	/* First: its descriptor must be a low one (see notify_open). */
	rc = folder_open(&watch->folder, rootfd, on_report, watch, err);
	root_init(&watch->root, rootfd, root);
	if (rc) {
		watch_close(watch);
		return rc;
	}
	poll_if_remote(watch);
	*out = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (watch) {
		folder_close(watch->folder);
		root_release(&watch->root);
		dirty_release(&watch->dirty);
		paths_release(&watch->absent);
		paths_release(&watch->unmounted);
		later_release(&watch->later);
		free(watch);
	}
}

/* --- the state of the index -------------------------------------------------------- */

static int read_state(struct watch *watch, uint64_t *files, bool *built, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_counts counts;
	int rc = index_begin(&txn, watch->index, false, err);

	if (!rc) {
		index_counts(txn, &counts);
		*files = counts.files;
		*built = index_is_built(txn);
		index_abort(&txn);
	}
	return rc;
}

/* Call this before any look: the brake compares the absent files with what was known
 * before the look that missed them, not with what the look adds. */
static int note_known(struct watch *watch, struct err *err)
{
	bool built;

	return watch->absent.count <= watch->held
		       ? read_state(watch, &watch->known, &built, err)
		       : 0;
}

/* Records whether the folder must be walked, and how often events were lost. */
static int note_health(struct watch *watch, bool reconcile, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_health health;
	int rc = index_begin(&txn, watch->index, true, err);

	if (rc) {
		return rc;
	}
	index_health(txn, &health);
	health.reconcile = reconcile;
	health.overflows += folder_overflows(watch->folder);
	index_set_health(txn, &health);
	rc = index_commit(&txn, err);
	if (!rc) {
		watch->out_of_step = reconcile;
		pace_changed(&watch->pace);
	}
	return rc;
}

/* --- scans and polls --------------------------------------------------------------- */

/* See struct scan_options. */
static void on_missing(const char *path, size_t len, void *payload)
{
	struct watch *watch = payload;

	add_absent(watch, path, len, 0);
	watch->out_of_step = true;
}

static int scan(struct watch *watch, struct err *err)
{
	struct scan_counts counts;
	int rc;

	watch->reading = DIRTY_EVENT;
	rc = scan_run(&counts, &watch->scan, err);
	if (!rc) {
		room_found(&watch->room);
		pace_changed(&watch->pace);
		log_info("walked '%s': %llu files, %llu read, %llu gone, %zu folders "
			 "watched",
			 watch->root.path, (unsigned long long)counts.files,
			 (unsigned long long)counts.applied.read,
			 (unsigned long long)counts.applied.withdrawn,
			 folder_watches(watch->folder));
	}
	return rc;
}

/* Walks the whole folder, because events were lost or the root was replaced. That a
 * walk is due is recorded first: after a kill in the middle, the index must not pass
 * for one that is in step. */
static int reconcile(struct watch *watch, struct err *err)
{
	int rc = note_health(watch, true, err);

	rc = rc ? rc : folder_restart(watch->folder, err);
	if (!rc) {
		dirty_clear(&watch->dirty);
		rc = note_known(watch, err);
	}
	if (!rc) {
		watch->rescan = true; /* until it has ended */
		watch->out_of_step = false;
		rc = scan(watch, err);
	}
	if (!rc) {
		watch->rescan = false;
	}
	return rc;
}

/* The time of the next look: looking must not take up all the time. */
static int64_t pause_after(int64_t begun_ms, int64_t least_ms)
{
	int64_t took = clock_now_ms() - begun_ms;

	return POLL_SHARE * took > least_ms ? POLL_SHARE * took : least_ms;
}

/* Looks at the folders that cannot be watched. */
static int poll_folders(struct watch *watch, struct err *err)
{
	struct paths folders = {0}, dirty = {0}, missing = {0};
	struct scan_counts ignored = {0};
	const char *path;
	size_t at = 0, len;
	int64_t begun = clock_now_ms();
	int rc = note_known(watch, err);

	folder_list_polled(watch->folder, &folders);
	while (!rc && paths_next(&folders, &at, &path, &len)) {
		folder_begin_poll(watch->folder);
		rc = scan_look(&ignored, &dirty, &missing, path, len, &watch->scan, err);
		if (!rc) {
			folder_end_poll(watch->folder, path, len);
		}
	}
	at = 0;
	while (!rc && paths_next(&dirty, &at, &path, &len)) {
		dirty_add(&watch->dirty, DIRTY_EVENT, path, len);
	}
	at = 0;
	while (!rc && paths_next(&missing, &at, &path, &len)) {
		add_absent(watch, path, len, 0);
	}
	paths_release(&folders);
	paths_release(&dirty);
	paths_release(&missing);
	watch->poll_at_ms = clock_now_ms() + pause_after(begun, POLL_MS);
	return rc;
}

/* --- a commit ---------------------------------------------------------------------- */

static int add_known(const char *path, size_t len, const struct claim_file *file,
		     void *payload)
{
	(void)file;
	paths_add(payload, path, len);
	return 0;
}

/* Whether the path must be read: it differs from what the index knows. */
static bool differs(struct watch *watch, struct index_txn *txn, int list,
		    const char *path, size_t len)
{
	struct claim_file known, now;
	struct stat st;
	bool is_known = claim_file_get(txn, path, len, &known) == 0;

	if (walk_stat(watch->root.fd, path, &st) < 0) {
		return is_known || !walk_is_gone(errno);
	}
	if (!is_known || !S_ISREG(st.st_mode)) {
		return is_known || S_ISREG(st.st_mode);
	}
	input_stat(&now, &st);
	if (list < LATER_COUNT && (known.size < 0 || now.size < known.size) &&
	    input_is_racy(&now) &&
	    later_add(&watch->later, LATER_RACY, clock_now_ms(), path, len)) {
		/* No event brought us here, and the file is shorter than before, or was not
		 * read to its end. A writer may have begun it anew, and the lines to come
		 * would look withdrawn. */
		return false;
	}
	if (!input_same(&known, &now)) {
		return true;
	}
	if (list >= LATER_RETRY_1 && list <= LATER_RETRY_3 && known.rejects) {
		retry(watch, list, path, len);
	}
	/* A racy file may have changed although its stat values are equal. It is read
	 * again for an event, or because its second look is due. */
	return known.racy && (list == DIRTY_EVENT || list == LATER_RACY);
}

/* Finds those of the dirty paths that must be read. */
static int compare(struct watch *watch, struct dirty *dirty, struct dirty *todo,
		   struct err *err)
{
	struct index_txn *txn = NULL;
	const char *path;
	size_t at, len;
	int rc = index_begin(&txn, watch->index, false, err);

	for (int list = DIRTY_FOLDER; list < DIRTY_LISTS && !rc; list++) {
		struct paths *files = &dirty->list[list - DIRTY_FOLDER + DIRTY_EVENT];

		at = 0;
		while (!rc && paths_next(&dirty->list[list], &at, &path, &len)) {
			rc = claim_file_each(txn, path, len, add_known, files, err);
		}
	}
	unmounted_keep(&watch->unmounted, &dirty->list[DIRTY_REMOVAL],
		       &dirty->list[DIRTY_EVENT]);
	for (int list = 0; list < DIRTY_FILES && !rc; list++) {
		at = 0;
		while (paths_next(&dirty->list[list], &at, &path, &len)) {
			if (differs(watch, txn, list, path, len)) {
				paths_append(&todo->list[list], path, len);
			}
		}
	}
	return index_end(&txn, rc, err);
}

/* Reads the files first and withdraws the removed ones afterwards, so that the claims
 * of a renamed file never vanish in between. */
static int apply_todo(struct watch *watch, struct apply *apply, const struct dirty *todo,
		      struct err *err)
{
	struct paths removed = {0};
	const char *path;
	size_t at, len;
	int rc = 0;

	for (int list = 0; list < DIRTY_FILES && !rc; list++) {
		watch->reading = list;
		at = 0;
		while (!rc && paths_next(&todo->list[list], &at, &path, &len)) {
			struct stat st;

			if (walk_stat(watch->root.fd, path, &st) == 0 ||
			    !walk_is_gone(errno)) {
				rc = apply_path(apply, path, len, dirty_attempt(list),
						err);
			} else if (list == DIRTY_REMOVAL) {
				paths_append(&removed, path, len);
			} else {
				add_absent(watch, path, len, ABSENT_MS);
			}
		}
	}
	at = 0;
	while (!rc && paths_next(&removed, &at, &path, &len)) {
		if (large_is_busy(&watch->large)) {
			large_add(&watch->large, DIRTY_REMOVAL, path, len);
		} else {
			rc = apply_withdraw(apply, path, len, err);
		}
	}
	paths_release(&removed);
	return rc;
}

static int end_apply(struct watch *watch, struct apply *apply, int rc, struct err *err)
{
	rc = apply_end(apply, rc, NULL, err);
	pace_changed(&watch->pace);
	log_debug("committed %llu files read, %llu gone",
		  (unsigned long long)apply_counts(apply)->read,
		  (unsigned long long)apply_counts(apply)->withdrawn);
	apply_free(apply);
	return rc;
}

static int commit(struct watch *watch, struct err *err)
{
	struct dirty dirty = watch->dirty, todo = {0};
	int rc;

	/* What gets dirty from here on is for the next commit. */
	watch->dirty = (struct dirty){0};
	rc = note_known(watch, err);
	rc = rc ? rc : compare(watch, &dirty, &todo, err);
	if (!rc && dirty_count(&todo)) {
		struct apply *apply = apply_new(&watch->scan.apply);

		rc = end_apply(watch, apply, apply_todo(watch, apply, &todo, err), err);
		if (!rc) {
			room_found(&watch->room);
		}
	}
	if (rc == ERR_FULL) {
		dirty_join(&watch->dirty, &dirty);
	}
	dirty_release(&todo);
	dirty_release(&dirty);
	return rc;
}

/* --- absent files ------------------------------------------------------------------ */

static int withdraw_missing(struct watch *watch, const struct paths *missing,
			    struct err *err)
{
	struct withdraw withdraw = {.options = &watch->scan.apply,
				    .known = watch->known,
				    .accept = watch->scan.accept_withdrawal};
	struct apply *apply;

	if (!missing->count) {
		return 0;
	}
	watch->reading = DIRTY_EVENT;
	apply = apply_new(&watch->scan.apply);
	return end_apply(watch, apply, withdraw_run(&withdraw, apply, missing, err), err);
}

/* Withdraws the absent files that are still missing, unless the brake refuses. */
static int withdraw_absent(struct watch *watch, struct err *err)
{
	struct paths missing = {0}, held = {0}, back = {0};
	const char *path;
	size_t at = 0, len;
	int64_t begun = clock_now_ms();
	bool refused;
	int rc = withdraw_sort(watch->index, watch->root.fd, &watch->absent,
			       &watch->unmounted, &missing, &held, &back, err);

	while (!rc && paths_next(&back, &at, &path, &len)) {
		dirty_add(&watch->dirty, DIRTY_EVENT, path, len);
	}
	rc = rc ? rc : withdraw_missing(watch, &missing, err);
	refused = rc == ERR_REFUSED;
	if (rc && !refused) {
		goto out;
	}
	paths_release(&watch->absent);
	watch->absent_at_ms = 0;
	watch->absent = held;
	watch->held = held.count;
	held = (struct paths){0};
	at = 0;
	while (refused && paths_next(&missing, &at, &path, &len)) {
		add_absent(watch, path, len, pause_after(begun, POLL_MS));
	}
	if (refused && !watch->refused) {
		log_warning("%s; the watch goes on, and checks whether they are back",
			    err->msg);
	} else if (!refused && watch->refused) {
		log_info("the files that were gone are back (but for %zu, whose claims "
			 "were withdrawn)",
			 missing.count);
	}
	watch->refused = refused;
	rc = 0;
	if (watch->out_of_step != (watch->absent.count > 0) &&
	    !folder_is_lost(watch->folder)) {
		rc = note_health(watch, watch->absent.count > 0, err);
		if (rc && !watch->absent_at_ms) {
			watch->absent_at_ms = clock_now_ms(); /* record it again */
		}
	}
out:
	paths_release(&missing);
	paths_release(&held);
	paths_release(&back);
	return rc;
}

/* --- waiting ----------------------------------------------------------------------- */

/* Moves the paths that are due to the lists. */
static void add_due(struct watch *watch)
{
	enum later_which which;
	const char *path;
	size_t len;

	while (later_take(&watch->later, clock_now_ms(), &which, &path, &len)) {
		dirty_add(&watch->dirty, which, path, len);
	}
}

static bool commit_is_due(const struct watch *watch)
{
	size_t count = dirty_count(&watch->dirty);

	return count >= COMMIT_PATHS ||
	       (count && clock_now_ms() - watch->dirty.since_ms >= COMMIT_MS);
}

/* Waits `wait_ms` for an event, a stop, or a change of the mounts. */
static int wait_for(struct watch *watch, int64_t wait_ms, struct err *err)
{
	struct pollfd fds[] = {{.fd = folder_fd(watch->folder), .events = POLLIN},
			       {.fd = watch->stop->fd, .events = POLLIN},
			       {.fd = watch->root.mounts, .events = POLLPRI}};
	int ready;

	if (watch->options->report) {
		wait_ms = pace_wait_ms(&watch->pace, wait_ms);
	}
	ready = poll(fds, 3, wait_ms > 0 ? (int)wait_ms : 0);
	if (ready < 0) {
		return errno == EINTR ? 0 : err_sys(err, "cannot wait for events");
	}
	if (fds[2].revents) {
		watch->root_at_ms = 0;
	}
	/* Idle: is the index still in its place? */
	return ready == 0 ? index_check_place(watch->index, err) : 0;
}

static void no_later_than(int64_t *at_ms, int64_t limit_ms)
{
	*at_ms = limit_ms < *at_ms ? limit_ms : *at_ms;
}

/* There is nothing to do: waits until there is. */
static int sleep_until_event(struct watch *watch, struct err *err)
{
	int64_t at = watch->root_at_ms;

	if (watch->room.until_ms) {
		no_later_than(&at, watch->room.until_ms);
	} else {
		no_later_than(&at, later_due_ms(&watch->later));
		if (folder_has_polled(watch->folder)) {
			no_later_than(&at, watch->poll_at_ms);
		}
		if (watch->absent_at_ms) {
			no_later_than(&at, watch->absent_at_ms);
		}
	}
	return wait_for(watch, at - clock_now_ms(), err);
}

/* --- the root ---------------------------------------------------------------------- */

/* Another folder, or none, has the root's name now. The files that it held are not
 * gone. */
static int leave_root(struct watch *watch, struct err *err)
{
	struct err ignored = {0};
	int rc = 0;

	log_warning("'%s' is no longer the folder that is watched: it was unmounted, "
		    "mounted over, renamed or removed; the index keeps what it knew, and "
		    "the watch waits until a folder with metadata files is there",
		    watch->root.path);
	if (watch->dirty.since_ms && !watch->room.until_ms) {
		rc = commit(watch, err); /* what changed while it was there */
	}
	if (rc == ERR_FULL || !rc) {
		note_health(watch, true, &ignored);
		rc = folder_restart(watch->folder, err);
	}
	rc = rc ? rc : root_leave(&watch->root, err);
	dirty_clear(&watch->dirty);
	paths_release(&watch->absent);
	paths_release(&watch->unmounted);
	later_release(&watch->later);
	large_end(&watch->large, 0);
	watch->absent_at_ms = 0;
	watch->held = 0;
	watch->refused = false;
	watch->root_gone = true;
	return rc;
}

/* Checks that the root's name still means the open folder, if that is due. */
static int check_root(struct watch *watch, struct err *err)
{
	if (clock_now_ms() < watch->root_at_ms) {
		return 0;
	}
	watch->root_at_ms = clock_now_ms() + ROOT_MS;
	if (!root_is_current(&watch->root)) {
		return leave_root(watch, err);
	}
	watch->rescan |= unmounted_check(&watch->unmounted, watch->root.fd);
	return 0;
}

static int wait_for_root(struct watch *watch, struct err *err)
{
	int64_t begun = clock_now_ms();
	uint64_t files;
	bool built;
	int rc = read_state(watch, &files, &built, err);

	rc = rc ? rc : root_find(&watch->root, files > 0, err);
	if (rc == ERR_NOTFOUND) {
		return wait_for(watch, pause_after(begun, FIND_MS), err);
	}
	if (!rc) {
		log_info("'%s' is watched again", watch->root.path);
		watch->root_gone = false;
		watch->rescan = true;
		poll_if_remote(watch);
	}
	return rc;
}

/* Reads on in a large file, for as long as others may wait. */
static int read_large(struct watch *watch, struct err *err)
{
	int rc;

	watch->reading = large_list(&watch->large);
	rc = large_step(&watch->large, clock_now_ms() + COMMIT_MS, err);
	if (!rc) {
		room_found(&watch->room);
		pace_changed(&watch->pace);
	}
	return rc;
}

/* --- the loop ---------------------------------------------------------------------- */

static int step(struct watch *watch, struct err *err)
{
	bool handled;
	int rc = watch->root_gone ? 0 : check_root(watch, err);

	warn_tick(watch->scan.apply.warn);
	if (rc || watch->root_gone) {
		return rc ? rc : wait_for_root(watch, err);
	}
	rc = folder_drain(watch->folder, err);
	if (rc) {
		return rc;
	}
	handled = folder_has_events(watch->folder);
	if (handled && watch->root_at_ms > clock_now_ms() + FIND_MS) {
		/* The removal of the root itself raises no event while it is open; the
		 * removal of the files in it does. */
		watch->root_at_ms = clock_now_ms() + FIND_MS;
	}
	rc = folder_handle(watch->folder, err);
	if (folder_root_moved(watch->folder)) {
		watch->root_at_ms = 0;
		return rc;
	}
	if (!rc && watch->room.until_ms > clock_now_ms()) {
		return sleep_until_event(watch, err);
	}
	if (!rc && (folder_is_lost(watch->folder) || watch->rescan)) {
		return reconcile(watch, err);
	}
	add_due(watch);
	if (!rc && folder_has_polled(watch->folder) &&
	    clock_now_ms() >= watch->poll_at_ms) {
		rc = poll_folders(watch, err);
	}
	if (rc || (handled && !commit_is_due(watch))) {
		return rc; /* more events may be waiting by now */
	}
	if (watch->dirty.since_ms) {
		return commit(watch, err);
	}
	if (watch->absent_at_ms && clock_now_ms() >= watch->absent_at_ms &&
	    (!large_is_busy(&watch->large) ||
	     watch->large.ended >= watch->absent_after)) {
		/* Withdraw nothing if the root was replaced meanwhile. */
		watch->root_at_ms = 0;
		rc = check_root(watch, err);
		return rc || watch->root_gone ? rc : withdraw_absent(watch, err);
	}
	watch->room.until_ms = 0;
	return large_is_busy(&watch->large) ? read_large(watch, err)
					    : sleep_until_event(watch, err);
}

/* The first scan. An index whose first scan never ended (it is not built) cannot be
 * used, so a full disk ends the program then. */
static int first_scan(struct watch *watch, struct err *err)
{
	struct pollfd stop = {.fd = watch->stop->fd, .events = POLLIN};
	uint64_t files;
	bool built;
	int rc = read_state(watch, &watch->known, &built, err);

	/* Nothing of an index that is being built is exported, so no file has to pass
	 * another one. */
	watch->scan.apply.small = !rc && built;
	watch->scan.withdraw = true;
	rc = rc ? rc : scan(watch, err);
	while (rc == ERR_FULL && !stop_asked(watch->stop)) {
		rc = read_state(watch, &files, &built, err);
		if (rc || !built) {
			return rc ? rc : ERR_FULL; /* *err is still that of the scan */
		}
		room_wait(&watch->room, err);
		poll(&stop, 1, ROOM_RETRY_MS); /* not for events: everything is scanned */
		rc = folder_restart(watch->folder, err);
		rc = rc ? rc : scan(watch, err);
	}
	watch->scan.apply.small = true;
	watch->scan.withdraw = false;
	watch->large.apply = watch->scan.apply;
	return rc == ERR_FULL && watch->stop->asked ? ERR_STOPPED : rc;
}

static int report(struct watch *watch, struct err *err)
{
	const struct watch_options *options = watch->options;

	pace_done(&watch->pace);
	return options->report ? options->report(options->payload, err) : 0;
}

int watch_run(struct watch *watch, struct index *index,
	      const struct watch_options *options, struct err *err)
{
	struct err ignored = {0};
	bool ready = false;
	int rc;

	watch->index = index;
	watch->options = options;
	watch->scan = (struct scan_options){
		.apply = {.index = index,
			  .rootfd = watch->root.fd,
			  .allow_secrets = options->allow_secrets,
			  .warn = options->warn,
			  .commit_ms = COMMIT_MS,
			  .tick = on_tick,
			  .done = on_done,
			  .payload = watch},
		.accept_withdrawal = options->accept_withdrawal,
		.folder = watch->folder,
		.missing = on_missing,
	};
	rc = first_scan(watch, err);
	watch->poll_at_ms = clock_now_ms() + POLL_MS;
	while (!rc && !stop_asked(watch->stop)) {
		rc = pace_is_due(&watch->pace) ? report(watch, err) : 0;
		if (!rc && !ready && !large_is_busy(&watch->large)) {
			ready = true;
			rc = ready_report(options->ready_fd, err);
		}
		rc = rc ? rc : step(watch, err);
		if (rc == ERR_FULL) {
			room_wait(&watch->room, err);
			rc = 0;
		}
	}
	large_end(&watch->large, rc);
	if (rc == ERR_STOPPED || (!rc && watch->stop->asked)) {
		log_info("stopped by a signal");
		/* We stop before the rescan; record that one is due. */
		rc = folder_is_lost(watch->folder) ? note_health(watch, true, err) : 0;
		report(watch,
		       &ignored); /* the index may be gone: that is no failure now */
	}
	return rc;
}

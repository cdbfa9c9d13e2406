/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/ready.h"
#include "data/index/claim.h"
#include "indexer/dirty.h"
#include "indexer/folder.h"
#include "indexer/input.h"
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
 * A full disk loses nothing: the lists stay, and the commit is retried.
 */

#define COMMIT_MS 200
#define COMMIT_PATHS 10000
#define POLL_MS 5000   /* least time between two polls */
#define POLL_SHARE 20  /* a pause is at least this many times as long as the last poll */
#define ABSENT_MS 3000 /* absent files are collected: longer than LATER_RACY waits */
#define ROOT_MS 60000  /* between two checks of the root */
#define FIND_MS 1000   /* between two attempts to find the root again */

struct live {
	struct root root;
	struct stop *stop;
	struct index *index;
	struct scan_options scan; /* `missing` is set for all scans but the first */
	struct folder *folder;
	struct dirty dirty;
	struct later later;
	struct paths absent;
	size_t held;    /* absent files below an unmounted file system */
	uint64_t known; /* files known before the first of the others was missed */
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

static void add_absent(struct live *live, const char *path, size_t len, int64_t delay_ms)
{
	int64_t at = clock_now_ms() + delay_ms;

	paths_add(&live->absent, path, len);
	if (!live->absent_at_ms || at < live->absent_at_ms) {
		live->absent_at_ms = at;
	}
}

/* A file appeared, and may not be written to its end yet. */
static void on_appeared(struct live *live, const char *path, size_t len)
{
	struct stat st;

	/* A file with two names was linked here, and is complete. Any other file gets
	 * some time to be written. */
	if (walk_stat(live->root.fd, path, &st) == 0 &&
	    (st.st_nlink > 1 ||
	     !later_add(&live->later, LATER_APPEARED, clock_now_ms(), path, len))) {
		dirty_add(&live->dirty, DIRTY_EVENT, path, len);
	}
}

/* See enum folder_report. */
static void on_report(enum folder_report report, const char *path, size_t len,
		      void *payload)
{
	struct live *live = payload;

	switch (report) {
	case FOLDER_FILE_CHANGED:
		dirty_add(&live->dirty, DIRTY_EVENT, path, len);
		break;
	case FOLDER_FILE_APPEARED:
		on_appeared(live, path, len);
		break;
	case FOLDER_FILE_REMOVED:
		dirty_add(&live->dirty, DIRTY_REMOVAL, path, len);
		break;
	case FOLDER_CHECK:
		dirty_add(&live->dirty, DIRTY_FOLDER, path, len);
		break;
	case FOLDER_REMOVED:
		dirty_add(&live->dirty, DIRTY_FOLDER_REMOVAL, path, len);
		break;
	case FOLDER_UNMOUNTED:
		unmounted_add(&live->unmounted, live->root.fd, path, len);
		break;
	}
}

/* --- what reading reports (struct apply_options) ------------------------------------ */

/* Reads a file again later if it is bad or changed while it was read: it may not be
 * written to its end yet. Three times at most. */
static void retry(struct live *live, int list, const char *path, size_t len)
{
	enum later_which next = LATER_RETRY_1;

	if (list >= LATER_RETRY_1 && list <= LATER_RETRY_3) {
		next = (enum later_which)(list + 1);
	}
	if (next <= LATER_RETRY_3) {
		later_add(&live->later, next, clock_now_ms(), path, len);
	}
}

static void on_done(const char *path, size_t len, const struct ingest_outcome *outcome,
		    void *payload)
{
	struct live *live = payload;

	if (outcome->denied) {
		folder_note_denied(live->folder, path, len);
	}
	if (outcome->gone) {
		add_absent(live, path, len, ABSENT_MS);
	}
	if (outcome->changed || (outcome->rejects && outcome->racy)) {
		retry(live, live->reading, path, len);
	}
	if (outcome->racy && !outcome->changed) {
		later_add(&live->later, LATER_RACY, clock_now_ms(), path, len);
	}
}

/* Reads events during long work, so that the kernel's queue does not overflow. */
static int on_tick(void *payload, struct err *err)
{
	struct live *live = payload;
	int rc = folder_drain(live->folder, err);

	return rc ? rc : stop_check(live->stop, err);
}

static void poll_if_remote(struct live *live)
{
	if (root_is_remote(&live->root)) {
		folder_poll_all(live->folder);
	}
}

int live_open(struct live **out, int rootfd, const char *root, struct stop *stop,
	      struct err *err)
{
	struct live *live = xzalloc(sizeof(*live));
	int rc;

	*out = NULL;
	live->stop = stop;
	/* First: its descriptor must be a low one (see watch_open). */
	rc = folder_open(&live->folder, rootfd, on_report, live, err);
	root_init(&live->root, rootfd, root);
	if (rc) {
		live_close(live);
		return rc;
	}
	poll_if_remote(live);
	*out = live;
	return 0;
}

void live_close(struct live *live)
{
	if (live) {
		folder_close(live->folder);
		root_release(&live->root);
		dirty_release(&live->dirty);
		paths_release(&live->absent);
		paths_release(&live->unmounted);
		later_release(&live->later);
		free(live);
	}
}

/* --- the state of the index -------------------------------------------------------- */

static int read_state(struct live *live, uint64_t *files, bool *built, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_counts counts;
	int rc = index_begin(&txn, live->index, false, err);

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
static int note_known(struct live *live, struct err *err)
{
	bool built;

	return live->absent.count <= live->held
		       ? read_state(live, &live->known, &built, err)
		       : 0;
}

/* Records whether the folder must be walked, and how often events were lost. */
static int note_health(struct live *live, bool reconcile, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_health health;
	int rc = index_begin(&txn, live->index, true, err);

	if (rc) {
		return rc;
	}
	index_health(txn, &health);
	health.reconcile = reconcile;
	health.overflows += folder_overflows(live->folder);
	index_set_health(txn, &health);
	rc = index_commit(&txn, err);
	if (!rc) {
		live->out_of_step = reconcile;
	}
	return rc;
}

/* --- scans and polls --------------------------------------------------------------- */

/* See struct scan_options. */
static void on_missing(const char *path, size_t len, void *payload)
{
	struct live *live = payload;

	add_absent(live, path, len, 0);
	live->out_of_step = true;
}

static int scan(struct live *live, struct err *err)
{
	struct scan_counts counts;
	int rc;

	live->reading = DIRTY_EVENT;
	rc = scan_run(&counts, &live->scan, err);
	if (!rc) {
		room_found(&live->room);
		log_info("walked '%s': %llu files, %llu read, %llu gone, %zu folders "
			 "watched",
			 live->root.path, (unsigned long long)counts.files,
			 (unsigned long long)counts.applied.read,
			 (unsigned long long)counts.applied.withdrawn,
			 folder_watches(live->folder));
	}
	return rc;
}

/* Walks the whole folder, because events were lost or the root was replaced. That a
 * walk is due is recorded first: after a kill in the middle, the index must not pass
 * for one that is in step. */
static int reconcile(struct live *live, struct err *err)
{
	int rc = note_health(live, true, err);

	rc = rc ? rc : folder_restart(live->folder, err);
	if (!rc) {
		dirty_clear(&live->dirty);
		rc = note_known(live, err);
	}
	if (!rc) {
		live->rescan = true; /* until it has ended */
		live->out_of_step = false;
		rc = scan(live, err);
	}
	if (!rc) {
		live->rescan = false;
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
static int poll_folders(struct live *live, struct err *err)
{
	struct paths folders = {0}, dirty = {0}, missing = {0};
	struct scan_counts ignored = {0};
	const char *path;
	size_t at = 0, len;
	int64_t begun = clock_now_ms();
	int rc = note_known(live, err);

	folder_list_polled(live->folder, &folders);
	while (!rc && paths_next(&folders, &at, &path, &len)) {
		folder_begin_poll(live->folder);
		rc = scan_look(&ignored, &dirty, &missing, path, len, &live->scan, err);
		if (!rc) {
			folder_end_poll(live->folder, path, len);
		}
	}
	at = 0;
	while (!rc && paths_next(&dirty, &at, &path, &len)) {
		dirty_add(&live->dirty, DIRTY_EVENT, path, len);
	}
	at = 0;
	while (!rc && paths_next(&missing, &at, &path, &len)) {
		add_absent(live, path, len, 0);
	}
	paths_release(&folders);
	paths_release(&dirty);
	paths_release(&missing);
	live->poll_at_ms = clock_now_ms() + pause_after(begun, POLL_MS);
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
static bool differs(struct live *live, struct index_txn *txn, int list, const char *path,
		    size_t len)
{
	struct claim_file known, now;
	struct stat st;
	bool is_known = claim_file_get(txn, path, len, &known) == 0;

	if (walk_stat(live->root.fd, path, &st) < 0) {
		return is_known || !walk_is_gone(errno);
	}
	if (!is_known || !S_ISREG(st.st_mode)) {
		return is_known || S_ISREG(st.st_mode);
	}
	input_stat(&now, &st);
	if (!input_same(&known, &now)) {
		return true;
	}
	if (list >= LATER_RETRY_1 && list <= LATER_RETRY_3 && known.rejects) {
		retry(live, list, path, len);
	}
	/* A racy file may have changed although its stat values are equal. It is read
	 * again for an event, or because its second look is due. */
	return known.racy && (list == DIRTY_EVENT || list == LATER_RACY);
}

/* Finds those of the dirty paths that must be read. */
static int compare(struct live *live, struct dirty *dirty, struct dirty *todo,
		   struct err *err)
{
	struct index_txn *txn = NULL;
	const char *path;
	size_t at, len;
	int rc = index_begin(&txn, live->index, false, err);

	for (int list = DIRTY_FOLDER; list < DIRTY_LISTS && !rc; list++) {
		struct paths *files = &dirty->list[list - DIRTY_FOLDER + DIRTY_EVENT];

		at = 0;
		while (!rc && paths_next(&dirty->list[list], &at, &path, &len)) {
			rc = claim_file_each(txn, path, len, add_known, files, err);
		}
	}
	unmounted_keep(&live->unmounted, &dirty->list[DIRTY_REMOVAL],
		       &dirty->list[DIRTY_EVENT]);
	for (int list = 0; list < DIRTY_FILES && !rc; list++) {
		at = 0;
		while (paths_next(&dirty->list[list], &at, &path, &len)) {
			if (differs(live, txn, list, path, len)) {
				paths_append(&todo->list[list], path, len);
			}
		}
	}
	return index_end(&txn, rc, err);
}

/* Reads the files first and withdraws the removed ones afterwards, so that the claims
 * of a renamed file never vanish in between. */
static int apply_todo(struct live *live, struct apply *apply, const struct dirty *todo,
		      struct err *err)
{
	struct paths removed = {0};
	const char *path;
	size_t at, len;
	int rc = 0;

	for (int list = 0; list < DIRTY_FILES && !rc; list++) {
		unsigned attempt = list >= LATER_RETRY_1 && list <= LATER_RETRY_3
					   ? (unsigned)(list - LATER_RETRY_1 + 1)
					   : 0;

		live->reading = list;
		at = 0;
		while (!rc && paths_next(&todo->list[list], &at, &path, &len)) {
			struct stat st;

			if (walk_stat(live->root.fd, path, &st) == 0 ||
			    !walk_is_gone(errno)) {
				rc = apply_path(apply, path, len, attempt, err);
			} else if (list == DIRTY_REMOVAL) {
				paths_append(&removed, path, len);
			} else {
				add_absent(live, path, len, ABSENT_MS);
			}
		}
	}
	at = 0;
	while (!rc && paths_next(&removed, &at, &path, &len)) {
		rc = apply_withdraw(apply, path, len, err);
	}
	paths_release(&removed);
	return rc;
}

static int end_apply(struct apply *apply, int rc, struct err *err)
{
	rc = apply_end(apply, rc, NULL, err);
	log_debug("committed %llu files read, %llu gone",
		  (unsigned long long)apply_counts(apply)->read,
		  (unsigned long long)apply_counts(apply)->withdrawn);
	apply_free(apply);
	return rc;
}

static int commit(struct live *live, struct err *err)
{
	struct dirty dirty = live->dirty, todo = {0};
	int rc;

	/* What gets dirty from here on is for the next commit. */
	live->dirty = (struct dirty){0};
	rc = note_known(live, err);
	rc = rc ? rc : compare(live, &dirty, &todo, err);
	if (!rc && dirty_count(&todo)) {
		struct apply *apply = apply_new(&live->scan.apply);

		rc = end_apply(apply, apply_todo(live, apply, &todo, err), err);
		if (!rc) {
			room_found(&live->room);
		}
	}
	if (rc == ERR_FULL) {
		dirty_join(&live->dirty, &dirty);
	}
	dirty_release(&todo);
	dirty_release(&dirty);
	return rc;
}

/* --- absent files ------------------------------------------------------------------ */

static int withdraw_missing(struct live *live, const struct paths *missing,
			    struct err *err)
{
	struct withdraw withdraw = {.options = &live->scan.apply,
				    .known = live->known,
				    .accept = live->scan.accept_withdrawal};
	struct apply *apply;

	if (!missing->count) {
		return 0;
	}
	live->reading = DIRTY_EVENT;
	apply = apply_new(&live->scan.apply);
	return end_apply(apply, withdraw_run(&withdraw, apply, missing, err), err);
}

/* Withdraws the absent files that are still missing, unless the brake refuses. */
static int withdraw_absent(struct live *live, struct err *err)
{
	struct paths missing = {0}, held = {0}, back = {0};
	const char *path;
	size_t at = 0, len;
	int64_t begun = clock_now_ms();
	bool refused;
	int rc = withdraw_sort(live->index, live->root.fd, &live->absent,
			       &live->unmounted, &missing, &held, &back, err);

	while (!rc && paths_next(&back, &at, &path, &len)) {
		dirty_add(&live->dirty, DIRTY_EVENT, path, len);
	}
	rc = rc ? rc : withdraw_missing(live, &missing, err);
	refused = rc == ERR_REFUSED;
	if (rc && !refused) {
		goto out;
	}
	paths_release(&live->absent);
	live->absent_at_ms = 0;
	live->absent = held;
	live->held = held.count;
	held = (struct paths){0};
	at = 0;
	while (refused && paths_next(&missing, &at, &path, &len)) {
		add_absent(live, path, len, pause_after(begun, POLL_MS));
	}
	if (refused && !live->refused) {
		log_warning("%s; the watch goes on, and checks whether they are back",
			    err->msg);
	} else if (!refused && live->refused) {
		log_info("the files that were gone are back (but for %zu, whose claims "
			 "were withdrawn)",
			 missing.count);
	}
	live->refused = refused;
	rc = 0;
	if (live->out_of_step != (live->absent.count > 0) &&
	    !folder_is_lost(live->folder)) {
		rc = note_health(live, live->absent.count > 0, err);
		if (rc && !live->absent_at_ms) {
			live->absent_at_ms = clock_now_ms(); /* record it again */
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
static void add_due(struct live *live)
{
	enum later_which which;
	const char *path;
	size_t len;

	while (later_take(&live->later, clock_now_ms(), &which, &path, &len)) {
		dirty_add(&live->dirty, which, path, len);
	}
}

static bool commit_is_due(const struct live *live)
{
	size_t count = dirty_count(&live->dirty);

	return count >= COMMIT_PATHS ||
	       (count && clock_now_ms() - live->dirty.since_ms >= COMMIT_MS);
}

/* Waits `wait_ms` for an event, a stop, or a change of the mounts. */
static int wait_for(struct live *live, int64_t wait_ms, struct err *err)
{
	struct pollfd fds[] = {{.fd = folder_fd(live->folder), .events = POLLIN},
			       {.fd = live->stop->fd, .events = POLLIN},
			       {.fd = live->root.mounts, .events = POLLPRI}};

	int ready = poll(fds, 3, wait_ms > 0 ? (int)wait_ms : 0);

	if (ready < 0) {
		return errno == EINTR ? 0 : err_sys(err, "cannot wait for events");
	}
	if (fds[2].revents) {
		live->root_at_ms = 0;
	}
	/* Idle: is the index still in its place? */
	return ready == 0 ? index_check_place(live->index, err) : 0;
}

static void no_later_than(int64_t *at_ms, int64_t limit_ms)
{
	*at_ms = limit_ms < *at_ms ? limit_ms : *at_ms;
}

/* There is nothing to do: waits until there is. */
static int sleep_until_event(struct live *live, struct err *err)
{
	int64_t at = live->root_at_ms;

	if (live->room.until_ms) {
		no_later_than(&at, live->room.until_ms);
	} else {
		no_later_than(&at, later_due_ms(&live->later));
		if (folder_has_polled(live->folder)) {
			no_later_than(&at, live->poll_at_ms);
		}
		if (live->absent_at_ms) {
			no_later_than(&at, live->absent_at_ms);
		}
	}
	return wait_for(live, at - clock_now_ms(), err);
}

/* --- the root ---------------------------------------------------------------------- */

/* Another folder, or none, has the root's name now. The files that it held are not
 * gone. */
static int leave_root(struct live *live, struct err *err)
{
	struct err ignored = {0};
	int rc = 0;

	log_warning("'%s' is no longer the folder that is watched: it was unmounted, "
		    "mounted over, renamed or removed; the index keeps what it knew, and "
		    "the watch waits until a folder with metadata files is there",
		    live->root.path);
	if (live->dirty.since_ms && !live->room.until_ms) {
		rc = commit(live, err); /* what changed while it was there */
	}
	if (rc == ERR_FULL || !rc) {
		note_health(live, true, &ignored);
		rc = folder_restart(live->folder, err);
	}
	rc = rc ? rc : root_leave(&live->root, err);
	dirty_clear(&live->dirty);
	paths_release(&live->absent);
	paths_release(&live->unmounted);
	later_release(&live->later);
	live->absent_at_ms = 0;
	live->held = 0;
	live->refused = false;
	live->root_gone = true;
	return rc;
}

/* Checks that the root's name still means the open folder, if that is due. */
static int check_root(struct live *live, struct err *err)
{
	if (clock_now_ms() < live->root_at_ms) {
		return 0;
	}
	live->root_at_ms = clock_now_ms() + ROOT_MS;
	if (!root_is_current(&live->root)) {
		return leave_root(live, err);
	}
	live->rescan |= unmounted_check(&live->unmounted, live->root.fd);
	return 0;
}

static int wait_for_root(struct live *live, struct err *err)
{
	int64_t begun = clock_now_ms();
	uint64_t files;
	bool built;
	int rc = read_state(live, &files, &built, err);

	rc = rc ? rc : root_find(&live->root, files > 0, err);
	if (rc == ERR_NOTFOUND) {
		return wait_for(live, pause_after(begun, FIND_MS), err);
	}
	if (!rc) {
		log_info("'%s' is watched again", live->root.path);
		live->root_gone = false;
		live->rescan = true;
		poll_if_remote(live);
	}
	return rc;
}

/* --- the loop ---------------------------------------------------------------------- */

static int step(struct live *live, struct err *err)
{
	bool handled;
	int rc = live->root_gone ? 0 : check_root(live, err);

	if (rc || live->root_gone) {
		return rc ? rc : wait_for_root(live, err);
	}
	rc = folder_drain(live->folder, err);
	if (rc) {
		return rc;
	}
	handled = folder_has_events(live->folder);
	if (handled && live->root_at_ms > clock_now_ms() + FIND_MS) {
		/* The removal of the root itself raises no event while it is open; the
		 * removal of the files in it does. */
		live->root_at_ms = clock_now_ms() + FIND_MS;
	}
	rc = folder_handle(live->folder, err);
	if (folder_root_moved(live->folder)) {
		live->root_at_ms = 0;
		return rc;
	}
	if (!rc && live->room.until_ms > clock_now_ms()) {
		return sleep_until_event(live, err);
	}
	if (!rc && (folder_is_lost(live->folder) || live->rescan)) {
		return reconcile(live, err);
	}
	add_due(live);
	if (!rc && folder_has_polled(live->folder) &&
	    clock_now_ms() >= live->poll_at_ms) {
		rc = poll_folders(live, err);
	}
	if (rc || (handled && !commit_is_due(live))) {
		return rc; /* more events may be waiting by now */
	}
	if (live->dirty.since_ms) {
		return commit(live, err);
	}
	if (live->absent_at_ms && clock_now_ms() >= live->absent_at_ms) {
		/* Withdraw nothing if the root was replaced meanwhile. */
		live->root_at_ms = 0;
		rc = check_root(live, err);
		return rc || live->root_gone ? rc : withdraw_absent(live, err);
	}
	live->room.until_ms = 0;
	return sleep_until_event(live, err);
}

/* The first scan. An index whose first scan never ended (it is not built) cannot be
 * used, so a full disk ends the program then. */
static int first_scan(struct live *live, struct err *err)
{
	struct pollfd stop = {.fd = live->stop->fd, .events = POLLIN};
	uint64_t files;
	bool built;
	int rc = scan(live, err);

	while (rc == ERR_FULL && !stop_asked(live->stop)) {
		rc = read_state(live, &files, &built, err);
		if (rc || !built) {
			return rc ? rc : ERR_FULL; /* *err is still that of the scan */
		}
		room_wait(&live->room, err);
		poll(&stop, 1, ROOM_RETRY_MS); /* not for events: everything is scanned */
		rc = folder_restart(live->folder, err);
		rc = rc ? rc : scan(live, err);
	}
	return rc == ERR_FULL && live->stop->asked ? ERR_STOPPED : rc;
}

int live_run(struct live *live, struct index *index, const struct live_options *options,
	     struct err *err)
{
	int rc;

	live->index = index;
	live->scan = (struct scan_options){
		.apply = {.index = index,
			  .rootfd = live->root.fd,
			  .allow_secrets = options->allow_secrets,
			  .commit_ms = COMMIT_MS,
			  .tick = on_tick,
			  .done = on_done,
			  .payload = live},
		.accept_withdrawal = options->accept_withdrawal,
		.folder = live->folder,
	};
	rc = first_scan(live, err);
	live->scan.missing = on_missing;
	live->poll_at_ms = clock_now_ms() + POLL_MS;
	rc = rc ? rc : ready_report(options->ready_fd, err);
	while (!rc && !stop_asked(live->stop)) {
		rc = step(live, err);
		if (rc == ERR_FULL) {
			room_wait(&live->room, err);
			rc = 0;
		}
	}
	if (rc == ERR_STOPPED || (!rc && live->stop->asked)) {
		log_info("stopped by a signal");
		/* We stop before the rescan; record that one is due. */
		rc = folder_is_lost(live->folder) ? note_health(live, true, err) : 0;
	}
	return rc;
}

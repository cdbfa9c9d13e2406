/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/index/claim.h"
#include "indexer/dirty.h"
#include "indexer/folder.h"
#include "indexer/input.h"
#include "indexer/later.h"
#include "indexer/paths.h"
#include "data/base/ready.h"
#include "indexer/room.h"
#include "indexer/root.h"
#include "indexer/scan.h"
#include "indexer/take.h"
#include "indexer/unmounted.h"
#include "indexer/walk.h"
#include "indexer/withdraw.h"

/*
 * Three sources say that a path may have changed: events, looking again at what
 * was noted for later, and the folders that cannot be watched. All of them end in
 * lists of dirty paths, one list for each reason, and a commit goes through the
 * lists: compare with the index, read what differs. So the cost of a batch is
 * that of its paths, however large the library is.
 *
 * A file that an event says is removed is withdrawn by the next commit. One that is
 * merely not found is absent, and perhaps hidden: by another file system that was
 * mounted there, or because its own is gone. Absent files are collected for some
 * seconds, so that the brake (indexer/withdraw.h) sees all of them at once. What it
 * refuses stays absent, and is looked at again until the files are back.
 *
 * A full disk loses nothing: the lists stay, and it is tried again.
 */

#define COMMIT_MS 200
#define COMMIT_PATHS 10000
#define POLL_MS 5000  /* between two looks at folders that cannot be watched... */
#define POLL_SHARE 20 /* ...or so many times as long as the look took */

#define ABSENT_MS 3000 /* absent files are collected: longer than LATER_RACY waits */
#define ROOT_MS 60000  /* between two looks at what the root's name means */
#define FIND_MS 1000   /* the same while it means nothing, or nothing of use */

struct live {
	struct root root;
	int rootfd;
	struct stop *stop;
	struct index *index;
	struct scan_options scan; /* `missing` is set for all scans but the first */
	struct folder *folder;
	struct folder_sink sink;
	struct dirty dirty;
	struct later later;
	struct paths absent;
	size_t held;    /* of them, those that `unmounted` holds */
	uint64_t known; /* files known before the first of the others was missed */
	struct paths unmounted; /* prefixes whose files may be absent */
	int64_t poll_at_ms;
	int64_t root_at_ms;
	int64_t absent_at_ms; /* 0: not before something happens */
	struct room room;
	int taking;       /* the list whose paths are being taken */
	bool braked;      /* the last withdrawal was refused */
	bool out_of_step; /* the index says so */
	bool rescan;      /* the folder must be walked */
	bool waiting;     /* the root is not there */
};

static void add_dirty(struct live *live, int list, const char *path, size_t len)
{
	dirty_add(&live->dirty, list, path, len);
}

/* The file is not there, and no event says why. */
static void add_absent(struct live *live, const char *path, size_t len, int64_t delay_ms)
{
	int64_t at = clock_now_ms() + delay_ms;

	paths_add(&live->absent, path, len);
	if (!live->absent_at_ms || at < live->absent_at_ms) {
		live->absent_at_ms = at;
	}
}

static void on_changed(const char *path, size_t len, void *payload)
{
	add_dirty(payload, DIRTY_EVENT, path, len);
}

static void on_removed(const char *path, size_t len, void *payload)
{
	add_dirty(payload, DIRTY_REMOVAL, path, len);
}

static void on_appeared(const char *path, size_t len, void *payload)
{
	struct live *live = payload;
	struct stat st;

	/* A second name of a file that is there already is whole; so nobody waits for
	 * who links files into the folder. Others are given time to be written. */
	if (walk_stat(live->rootfd, path, &st) == 0 &&
	    (st.st_nlink > 1 ||
	     !later_add(&live->later, LATER_APPEARED, clock_now_ms(), path, len))) {
		add_dirty(live, DIRTY_EVENT, path, len);
	}
}

static void on_left(const char *prefix, size_t len, bool told, void *payload)
{
	struct live *live = payload;

	dirty_leave(&live->dirty, told, prefix, len);
}

static void on_unmounted(const char *prefix, size_t len, void *payload)
{
	struct live *live = payload;

	unmounted_add(&live->unmounted, live->rootfd, prefix, len);
}

/* A bad file may be one that is being written, and one that changes while it is
 * read certainly is: it gets another chance, three times. */
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

	if (outcome->barred) {
		folder_barred(live->folder, path, len);
	}
	if (outcome->gone) {
		add_absent(live, path, len, ABSENT_MS);
	}
	if (outcome->changed || (outcome->rejects && outcome->racy)) {
		retry(live, live->taking, path, len);
	}
	if (outcome->racy && !outcome->changed) {
		later_add(&live->later, LATER_RACY, clock_now_ms(), path, len);
	}
}

/* In long work: events are taken in, so that their queue does not overflow. */
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
	live->rootfd = rootfd;
	live->stop = stop;
	live->taking = DIRTY_EVENT;
	live->sink = (struct folder_sink){.changed = on_changed,
					  .appeared = on_appeared,
					  .removed = on_removed,
					  .left = on_left,
					  .unmounted = on_unmounted,
					  .payload = live};
	/* First: its descriptor must be a low one (see watch_open). */
	rc = folder_open(&live->folder, rootfd, &live->sink, err);
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

	live->taking = DIRTY_EVENT;
	rc = scan_run(&counts, &live->scan, err);
	if (!rc) {
		log_info("walked '%s': %llu files, %llu read, %llu gone, %zu folders "
			 "watched",
			 live->root.path, (unsigned long long)counts.files,
			 (unsigned long long)counts.taken.read,
			 (unsigned long long)counts.taken.forgotten,
			 folder_watches(live->folder));
	}
	return rc;
}

/* Before a look: what may be found absent is a share of what is known now, not of what
 * the look adds. */
static int note_known(struct live *live, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_counts counts;
	int rc = 0;

	if (live->absent.count <= live->held) {
		rc = index_begin(&txn, live->index, false, err);
		if (!rc) {
			index_counts(txn, &counts);
			live->known = counts.files;
			index_abort(&txn);
		}
	}
	return rc;
}

/* Writes down whether the folder must be walked, and that events were lost. */
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

/* All is walked anew: events were lost, or the root is another one. That it must be is
 * written down first, so that a kill in the middle is not taken for an index that is
 * in step. */
static int reconcile(struct live *live, struct err *err)
{
	int rc = note_health(live, true, err);

	if (!rc) {
		rc = folder_restart(live->folder, err);
	}
	if (!rc) {
		dirty_clear(&live->dirty);
		rc = note_known(live, err);
	}
	if (!rc) {
		live->rescan = true; /* until it has come to an end */
		live->out_of_step = false;
		rc = scan(live, err);
	}
	if (!rc) {
		live->rescan = false;
		room_found(&live->room);
	}
	return rc;
}

/* Looking must not become all that is done. */
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
		add_dirty(live, DIRTY_EVENT, path, len);
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

static int add_known(const char *path, size_t len, const struct claim_file *file,
		     void *payload)
{
	(void)file;
	paths_add(payload, path, len);
	return 0;
}

/* Whether the path is to be read: it differs from what the index knows. */
static bool differs(struct live *live, struct index_txn *txn, int list, const char *path,
		    size_t len)
{
	struct claim_file known, now;
	struct stat st;
	bool is_known = claim_file_get(txn, path, len, &known) == 0;

	if (walk_stat(live->rootfd, path, &st) < 0) {
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
	/* Only what an event names may have changed behind equal stat values, and
	 * what is looked at again for that very reason. */
	return known.racy && (list == DIRTY_EVENT || list == LATER_RACY);
}

/* Goes through the dirty paths and keeps those that are to be read. */
static int compare(struct live *live, struct dirty *dirty, struct paths *todo,
		   struct err *err)
{
	struct index_txn *txn = NULL;
	const char *path;
	size_t len;
	int rc = index_begin(&txn, live->index, false, err);

	for (int told = 0; told < 2 && !rc; told++) {
		struct paths *list = &dirty->list[told ? DIRTY_REMOVAL : DIRTY_EVENT];
		size_t at = 0;

		while (!rc && paths_next(&dirty->left[told], &at, &path, &len)) {
			rc = claim_file_each(txn, path, len, add_known, list, err);
		}
	}
	unmounted_keep(&live->unmounted, &dirty->list[DIRTY_REMOVAL],
		       &dirty->list[DIRTY_EVENT]);
	for (int list = 0; list < DIRTY_LISTS && !rc; list++) {
		size_t at = 0;

		while (paths_next(&dirty->list[list], &at, &path, &len)) {
			if (differs(live, txn, list, path, len)) {
				paths_append(&todo[list], path, len);
			}
		}
	}
	return index_end(&txn, rc, err);
}

/* Reads what differs. What is there goes before what is gone: a renamed file never
 * is without its claims. */
static int take_todo(struct live *live, struct take *take, const struct paths *todo,
		     struct err *err)
{
	struct paths gone = {0};
	const char *path;
	size_t at, len;
	int rc = 0;

	for (int list = 0; list < DIRTY_LISTS && !rc; list++) {
		unsigned attempt = list >= LATER_RETRY_1 && list <= LATER_RETRY_3
					   ? (unsigned)(list - LATER_RETRY_1 + 1)
					   : 0;

		live->taking = list;
		at = 0;
		while (!rc && paths_next(&todo[list], &at, &path, &len)) {
			struct stat st;

			if (walk_stat(live->rootfd, path, &st) == 0 ||
			    !walk_is_gone(errno)) {
				rc = take_path(take, path, len, attempt, err);
			} else if (list == DIRTY_REMOVAL) {
				paths_append(&gone, path, len);
			} else {
				add_absent(live, path, len, ABSENT_MS);
			}
		}
	}
	at = 0;
	while (!rc && paths_next(&gone, &at, &path, &len)) {
		rc = take_withdraw(take, path, len, err);
	}
	paths_release(&gone);
	return rc;
}

/* Commits what was taken; a stop keeps what was read. */
static int end_take(struct take *take, int rc, struct err *err)
{
	struct err ignored = {0};

	if (rc == ERR_STOPPED) {
		take_stop(take, &ignored);
	} else if (!rc) {
		rc = take_commit(take, NULL, err);
	}
	log_debug("committed %llu files read, %llu gone",
		  (unsigned long long)take_counts(take)->read,
		  (unsigned long long)take_counts(take)->forgotten);
	take_free(take);
	return rc;
}

static int commit(struct live *live, struct err *err)
{
	struct paths todo[DIRTY_LISTS] = {{.count = 0}};
	struct dirty dirty = live->dirty;
	size_t count = 0;
	int rc;

	/* What gets dirty from here on is for the next one. */
	live->dirty = (struct dirty){0};
	rc = note_known(live, err);
	if (!rc) {
		rc = compare(live, &dirty, todo, err);
	}
	for (int list = 0; list < DIRTY_LISTS; list++) {
		count += todo[list].count;
	}
	if (!rc && count) {
		struct take *take = take_new(&live->scan.take);

		rc = end_take(take, take_todo(live, take, todo, err), err);
		if (!rc) {
			room_found(&live->room);
		}
	}
	if (rc == ERR_FULL) {
		dirty_join(&live->dirty, &dirty);
	}
	for (int list = 0; list < DIRTY_LISTS; list++) {
		paths_release(&todo[list]);
	}
	dirty_release(&dirty);
	return rc;
}

static int withdraw_absent(struct live *live, const struct paths *missing,
			   struct err *err)
{
	struct withdraw withdraw = {.index = live->index,
				    .known = live->known,
				    .accept = live->scan.accept_withdrawal};
	struct take *take = take_new(&live->scan.take);

	live->taking = DIRTY_EVENT;
	return end_take(take, withdraw_run(&withdraw, take, missing, err), err);
}

/* Withdraws what is absent, unless the brake holds. */
static int settle_absent(struct live *live, struct err *err)
{
	struct paths missing = {0}, held = {0}, back = {0};
	const char *path;
	size_t at = 0, len;
	int64_t begun = clock_now_ms();
	int rc = withdraw_sort(live->index, live->rootfd, &live->absent, &live->unmounted,
			       &missing, &held, &back, err);

	while (!rc && paths_next(&back, &at, &path, &len)) {
		add_dirty(live, DIRTY_EVENT, path, len);
	}
	paths_release(&back);
	if (!rc && missing.count) {
		rc = withdraw_absent(live, &missing, err);
	}
	if (rc && rc != ERR_REFUSED) {
		goto out;
	}
	paths_release(&live->absent);
	live->absent_at_ms = 0;
	live->absent = held;
	live->held = held.count;
	held = (struct paths){0};
	if (rc) {
		int64_t pause = pause_after(begun, POLL_MS);

		at = 0;
		if (!live->braked) {
			log_warning("%s; the watch goes on, and looks whether they are "
				    "back",
				    err->msg);
		}
		while (paths_next(&missing, &at, &path, &len)) {
			add_absent(live, path, len, pause);
		}
	} else if (live->braked) {
		log_info("the files that were gone are back (%zu are not, and withdrawn)",
			 missing.count);
	}
	live->braked = rc != 0;
	rc = 0;
	if (live->out_of_step != (live->absent.count > 0) &&
	    !folder_is_lost(live->folder)) {
		rc = note_health(live, live->absent.count > 0, err);
		if (rc && !live->absent_at_ms) {
			live->absent_at_ms = clock_now_ms(); /* to be written down yet */
		}
	}
out:
	paths_release(&missing);
	paths_release(&held);
	return rc;
}

/* Moves what is due into the lists. */
static void take_due(struct live *live)
{
	enum later_which which;
	const char *path;
	size_t len;

	while (later_take(&live->later, clock_now_ms(), &which, &path, &len)) {
		add_dirty(live, which, path, len);
	}
}

static bool commit_is_due(const struct live *live)
{
	size_t count = dirty_count(&live->dirty);

	return count >= COMMIT_PATHS ||
	       (count && clock_now_ms() - live->dirty.since_ms >= COMMIT_MS);
}

static int64_t sooner(int64_t wait_ms, int64_t at_ms)
{
	int64_t left = at_ms - clock_now_ms();

	left = left > 0 ? left : 0;
	return wait_ms < 0 || left < wait_ms ? left : wait_ms;
}

/* Waits for an event, a stop, a mount, or so long. */
static int wait_for(struct live *live, int64_t wait_ms, struct err *err)
{
	struct pollfd fds[] = {{.fd = folder_fd(live->folder), .events = POLLIN},
			       {.fd = live->stop->fd, .events = POLLIN},
			       {.fd = live->root.mounts, .events = POLLPRI}};

	int ready = poll(fds, 3, (int)wait_ms);

	if (ready < 0) {
		return errno == EINTR ? 0 : err_sys(err, "cannot wait for events");
	}
	if (fds[2].revents) {
		live->root_at_ms = 0;
	}
	/* Idle: is the index still in its place? */
	return ready == 0 ? index_check_place(live->index, err) : 0;
}

/* Nothing is to be done: sleeps until something is. */
static int sleep_until_event(struct live *live, struct err *err)
{
	int64_t wait = sooner(ROOT_MS, live->root_at_ms);

	if (live->room.until_ms) {
		return wait_for(live, sooner(wait, live->room.until_ms), err);
	}
	if (later_wait_ms(&live->later, 0) >= 0) {
		int64_t due = later_wait_ms(&live->later, clock_now_ms());

		wait = due < wait ? due : wait;
	}
	if (folder_has_polled(live->folder)) {
		wait = sooner(wait, live->poll_at_ms);
	}
	if (live->absent_at_ms) {
		wait = sooner(wait, live->absent_at_ms);
	}
	return wait_for(live, wait, err);
}

/* --- the root ---------------------------------------------------------------------- */

/* The root's name means something else now. What it held is not gone. */
static int leave_root(struct live *live, struct err *err)
{
	struct err ignored = {0};
	int rc = 0;

	log_warning("'%s' is no longer the folder that is watched: it was unmounted, "
		    "mounted over, renamed or removed; the index keeps what it knew, and "
		    "the watch waits until a folder with metadata files is there",
		    live->root.path);
	if (live->dirty.since_ms && !live->room.until_ms) {
		rc = commit(live, err); /* what happened to it while it was there */
	}
	if (rc == ERR_FULL || !rc) {
		note_health(live, true, &ignored);
		rc = folder_restart(live->folder, err);
	}
	if (!rc) {
		rc = root_leave(&live->root, err);
	}
	dirty_clear(&live->dirty);
	paths_release(&live->absent);
	paths_release(&live->unmounted);
	later_release(&live->later);
	live->absent = live->unmounted = (struct paths){0};
	live->absent_at_ms = 0;
	live->held = 0;
	live->braked = false;
	live->waiting = true;
	return rc;
}

/* Whether the root is what its name means, if it is time to ask. */
static int check_root(struct live *live, struct err *err)
{
	if (clock_now_ms() < live->root_at_ms) {
		return 0;
	}
	live->root_at_ms = clock_now_ms() + ROOT_MS;
	if (!root_is_current(&live->root)) {
		return leave_root(live, err);
	}
	live->rescan |= unmounted_check(&live->unmounted, live->rootfd);
	return 0;
}

static int wait_for_root(struct live *live, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_counts known;
	int64_t begun = clock_now_ms();
	int rc = index_begin(&txn, live->index, false, err);

	if (rc) {
		return rc;
	}
	index_counts(txn, &known);
	index_abort(&txn);
	rc = root_find(&live->root, known.files > 0, err);
	if (rc == ERR_NOTFOUND) {
		return wait_for(live, pause_after(begun, FIND_MS), err);
	}
	if (!rc) {
		log_info("'%s' is watched again", live->root.path);
		live->waiting = false;
		live->rescan = true;
		poll_if_remote(live);
	}
	return rc;
}

static int step(struct live *live, struct err *err)
{
	bool handled;
	int rc = live->waiting ? 0 : check_root(live, err);

	if (rc || live->waiting) {
		return rc ? rc : wait_for_root(live, err);
	}
	rc = folder_drain(live->folder, err);
	if (rc) {
		return rc;
	}
	handled = folder_has_events(live->folder);
	if (handled && live->root_at_ms > clock_now_ms() + FIND_MS) {
		/* Its removal raises no event of its own, as it is open; that of what
		 * was in it does. */
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
	take_due(live);
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
		/* Not in a folder that is not the one any more. */
		live->root_at_ms = 0;
		rc = check_root(live, err);
		return rc || live->waiting ? rc : settle_absent(live, err);
	}
	live->room.until_ms = 0;
	return sleep_until_event(live, err);
}

/* The first scan. A new index that is not read to its end cannot go on. */
static int first_scan(struct live *live, struct err *err)
{
	struct pollfd stop = {.fd = live->stop->fd, .events = POLLIN};
	int rc = scan(live, err);

	while (rc == ERR_FULL && !stop_asked(live->stop)) {
		struct index_txn *txn = NULL;
		bool built;

		rc = index_begin(&txn, live->index, false, err);
		if (rc) {
			return rc;
		}
		built = index_is_built(txn);
		index_abort(&txn);
		if (!built) {
			return ERR_FULL; /* err is that of the scan */
		}
		room_wait(&live->room, err);
		poll(&stop, 1, ROOM_RETRY_MS); /* events may wait: all is scanned anew */
		rc = folder_restart(live->folder, err);
		if (!rc) {
			rc = scan(live, err);
		}
	}
	if (!rc) {
		room_found(&live->room);
	}
	return rc == ERR_FULL && live->stop->asked ? ERR_STOPPED : rc;
}

int live_run(struct live *live, struct index *index, const struct live_options *options,
	     struct err *err)
{
	int rc;

	live->index = index;
	live->scan = (struct scan_options){
		.take = {.index = index,
			 .rootfd = live->rootfd,
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
	if (!rc) {
		rc = ready_tell(options->ready_fd, err);
	}
	while (!rc && !stop_asked(live->stop)) {
		rc = step(live, err);
		if (rc == ERR_FULL) {
			room_wait(&live->room, err);
			rc = 0;
		}
	}
	if (rc == ERR_STOPPED || (!rc && live->stop->asked)) {
		log_info("stopped by a signal");
		/* What nobody walks for any more must at least be known. */
		rc = folder_is_lost(live->folder) ? note_health(live, true, err) : 0;
	}
	return rc;
}

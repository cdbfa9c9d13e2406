/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/live.h"

#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/claim.h"
#include "indexer/folder.h"
#include "indexer/input.h"
#include "indexer/later.h"
#include "indexer/paths.h"
#include "data/base/ready.h"
#include "indexer/scan.h"
#include "indexer/take.h"
#include "indexer/walk.h"

/*
 * Three sources say that a path may have changed: events, looking again at what
 * was noted for later, and the folders that cannot be watched. All of them end in
 * lists of dirty paths, one list for each reason, and a commit goes through the
 * lists: compare with the index, read what differs. So the cost of a batch is
 * that of its paths, however large the library is.
 */

#define COMMIT_MS 200
#define COMMIT_PATHS 10000
#define CHECK_MS 60000 /* the longest sleep: then the index must still be in its place */
#define POLL_MS 5000   /* between two looks at folders that cannot be watched... */
#define POLL_SHARE 20  /* ...or so many times as long as the look took */

/* A list for each reason: that of LATER_*, and events. */
#define BY_EVENT LATER_COUNT
#define LISTS (LATER_COUNT + 1)

struct live {
	int rootfd;
	const char *root;
	struct stop *stop;
	struct index *index;
	const struct live_options *options;
	struct folder *folder;
	struct folder_sink sink;
	struct paths dirty[LISTS];
	struct paths left; /* prefixes whose known files are to be looked at */
	struct later later;
	int64_t dirty_since_ms; /* 0: nothing is dirty */
	int64_t poll_at_ms;
	int taking; /* the list whose paths are being taken */
};

static void add_dirty(struct live *live, int list, const char *path, size_t len)
{
	paths_add(&live->dirty[list], path, len);
	if (!live->dirty_since_ms) {
		live->dirty_since_ms = clock_now_ms();
	}
}

static void on_changed(const char *path, size_t len, void *payload)
{
	add_dirty(payload, BY_EVENT, path, len);
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
		add_dirty(live, BY_EVENT, path, len);
	}
}

static void on_left(const char *prefix, size_t len, void *payload)
{
	struct live *live = payload;

	paths_add(&live->left, prefix, len);
	if (!live->dirty_since_ms) {
		live->dirty_since_ms = clock_now_ms();
	}
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
		    bool changed, void *payload)
{
	struct live *live = payload;

	if (outcome->barred) {
		folder_barred(live->folder, path, len);
	}
	if (changed || (outcome->rejects && outcome->racy)) {
		retry(live, live->taking, path, len);
	}
	if (outcome->racy && !changed) {
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

/* Network file systems raise no events for what other machines change. */
static bool is_remote(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case V9FS_MAGIC:
	case FUSE_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

int live_open(struct live **out, int rootfd, const char *root, struct stop *stop,
	      struct err *err)
{
	struct live *live = xzalloc(sizeof(*live));
	struct statfs fs;
	int rc;

	*out = NULL;
	live->rootfd = rootfd;
	live->root = root;
	live->stop = stop;
	live->taking = BY_EVENT;
	live->sink = (struct folder_sink){.changed = on_changed,
					  .appeared = on_appeared,
					  .left = on_left,
					  .payload = live};
	rc = folder_open(&live->folder, rootfd, &live->sink, err);
	if (rc) {
		live_close(live);
		return rc;
	}
	if (fstatfs(rootfd, &fs) == 0 && is_remote(&fs)) {
		log_warning(
			"'%s' lies on a network file system, which raises no events for "
			"what other machines change; it is looked at every few seconds",
			root);
		folder_poll_all(live->folder);
	} else if (fs.f_type == OVERLAYFS_SUPER_MAGIC) {
		log_info("'%s' lies on an overlay file system: changes made beneath it "
			 "raise no events",
			 root);
	}
	*out = live;
	return 0;
}

void live_close(struct live *live)
{
	if (live) {
		folder_close(live->folder);
		for (int i = 0; i < LISTS; i++) {
			paths_release(&live->dirty[i]);
		}
		paths_release(&live->left);
		later_release(&live->later);
		free(live);
	}
}

static void clear_dirty(struct live *live)
{
	for (int i = 0; i < LISTS; i++) {
		paths_clear(&live->dirty[i]);
	}
	paths_clear(&live->left);
	live->dirty_since_ms = 0;
}

/* See struct walk_visitor: watch first, then read. */
static int on_enter(int dirfd, const char *path, size_t len, void *payload,
		    struct err *err)
{
	struct live *live = payload;

	return folder_enter(dirfd, path, len, live->folder, err);
}

/* See struct scan_options. */
static void on_barred(const char *path, size_t len, void *payload)
{
	struct live *live = payload;

	folder_barred(live->folder, path, len);
}

/* See struct scan_options. */
static int is_in_step(bool *yes, void *payload, struct err *err)
{
	struct live *live = payload;
	int rc = folder_drain(live->folder, err);

	*yes = !folder_is_lost(live->folder);
	return rc;
}

static struct scan_options scan_options(struct live *live)
{
	return (struct scan_options){
		.accept_withdrawal = live->options->accept_withdrawal,
		.allow_secrets = live->options->allow_secrets,
		.enter = on_enter,
		.tick = on_tick,
		.done = on_done,
		.barred = on_barred,
		.in_step = is_in_step,
		.payload = live,
		.commit_ms = COMMIT_MS,
	};
}

static int scan(struct live *live, struct err *err)
{
	struct scan_options options = scan_options(live);
	struct scan_counts counts;
	int rc;

	live->taking = BY_EVENT;
	rc = scan_run(&counts, live->index, live->rootfd, &options, err);
	if (!rc) {
		log_info("walked '%s': %llu files, %llu read, %llu gone, %zu folders "
			 "watched",
			 live->root, (unsigned long long)counts.files,
			 (unsigned long long)counts.taken.read,
			 (unsigned long long)counts.taken.forgotten,
			 folder_watches(live->folder));
	}
	return rc;
}

/* Writes down that events were lost. */
static int note_lost(struct live *live, struct err *err)
{
	struct index_txn *txn = NULL;
	struct index_health health;
	int rc = index_begin(&txn, live->index, true, err);

	if (rc) {
		return rc;
	}
	index_health(txn, &health);
	health.reconcile = true;
	health.overflows += folder_overflows(live->folder);
	index_set_health(txn, &health);
	return index_commit(&txn, err);
}

/* Events were lost: all is walked anew. That it must be is written down first, so
 * that a kill in the middle is not taken for an index that is in step. */
static int reconcile(struct live *live, struct err *err)
{
	int rc = note_lost(live, err);

	if (!rc) {
		rc = folder_restart(live->folder, err);
	}
	if (!rc) {
		clear_dirty(live);
		rc = scan(live, err);
	}
	return rc;
}

struct poll_look {
	struct live *live;
	struct paths dirty, missing;
};

static int look_at_polled(const char *path, size_t len, void *payload, struct err *err)
{
	struct poll_look *look = payload;
	struct scan_options options = scan_options(look->live);
	struct scan_counts counts = {0};

	return scan_look(&counts, &look->dirty, &look->missing, look->live->index,
			 look->live->rootfd, path, len, &options, err);
}

static void add_all(struct live *live, const struct paths *paths)
{
	const char *path;
	size_t at = 0, len;

	while (paths_next(paths, &at, &path, &len)) {
		add_dirty(live, BY_EVENT, path, len);
	}
}

/* Looks at the folders that cannot be watched. */
static int poll_folders(struct live *live, struct err *err)
{
	struct poll_look look = {.live = live};
	int64_t begun = clock_now_ms(), took, pause;
	int rc = folder_each_polled(live->folder, look_at_polled, &look, err);

	if (!rc) {
		add_all(live, &look.dirty);
		add_all(live, &look.missing);
	}
	paths_release(&look.dirty);
	paths_release(&look.missing);
	took = clock_now_ms() - begun;
	pause = POLL_SHARE * took > POLL_MS ? POLL_SHARE * took : POLL_MS;
	live->poll_at_ms = clock_now_ms() + pause;
	return rc;
}

static int add_known(const char *path, size_t len, const struct claim_file *file,
		     void *payload)
{
	(void)file;
	add_dirty(payload, BY_EVENT, path, len);
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
	return known.racy && (list == BY_EVENT || list == LATER_RACY);
}

/* Goes through the dirty paths and keeps those that are to be read. */
static int compare(struct live *live, struct paths *todo, struct err *err)
{
	struct index_txn *txn = NULL;
	const char *path;
	size_t at = 0, len;
	int rc = index_begin(&txn, live->index, false, err);

	while (!rc && paths_next(&live->left, &at, &path, &len)) {
		rc = claim_file_each(txn, path, len, add_known, live, err);
	}
	for (int list = 0; list < LISTS && !rc; list++) {
		at = 0;
		while (paths_next(&live->dirty[list], &at, &path, &len)) {
			if (differs(live, txn, list, path, len)) {
				paths_append(&todo[list], path, len);
			}
		}
	}
	index_abort(&txn);
	return rc;
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

	for (int list = 0; list < LISTS && !rc; list++) {
		unsigned attempt = list >= LATER_RETRY_1 && list <= LATER_RETRY_3
					   ? (unsigned)(list - LATER_RETRY_1 + 1)
					   : 0;

		live->taking = list;
		at = 0;
		while (!rc && paths_next(&todo[list], &at, &path, &len)) {
			struct stat st;

			if (walk_stat(live->rootfd, path, &st) < 0 &&
			    walk_is_gone(errno)) {
				paths_append(&gone, path, len);
			} else {
				rc = take_path(take, path, len, attempt, err);
			}
		}
	}
	at = 0;
	while (!rc && paths_next(&gone, &at, &path, &len)) {
		rc = take_path(take, path, len, 0, err);
	}
	paths_release(&gone);
	return rc;
}

static int commit(struct live *live, struct err *err)
{
	struct take_hooks hooks = {.tick = on_tick,
				   .done = on_done,
				   .payload = live,
				   .commit_ms = COMMIT_MS,
				   .allow_secrets = live->options->allow_secrets};
	struct paths todo[LISTS] = {{{0}, 0, NULL, 0, 0}};
	size_t count = 0;
	int rc = compare(live, todo, err);

	clear_dirty(live);
	for (int list = 0; list < LISTS; list++) {
		count += todo[list].count;
	}
	if (!rc && count) {
		struct take *take = take_new(live->index, live->rootfd, &hooks);

		rc = take_todo(live, take, todo, err);
		if (!rc || rc == ERR_STOPPED) {
			struct err ignored = {0};
			if (rc) {
				take_stop(take, &ignored);
			} else {
				rc = take_commit(take, NULL, err);
			}
		}
		log_debug("committed %llu files read, %llu gone",
			  (unsigned long long)take_counts(take)->read,
			  (unsigned long long)take_counts(take)->forgotten);
		take_free(take);
	}
	for (int list = 0; list < LISTS; list++) {
		paths_release(&todo[list]);
	}
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
	size_t count = live->left.count;

	for (int list = 0; list < LISTS; list++) {
		count += live->dirty[list].count;
	}
	return count >= COMMIT_PATHS ||
	       (count && clock_now_ms() - live->dirty_since_ms >= COMMIT_MS);
}

/* Nothing is to be done: sleeps until something is. */
static int sleep_until_event(struct live *live, struct err *err)
{
	struct pollfd fds[] = {{.fd = folder_fd(live->folder), .events = POLLIN},
			       {.fd = live->stop->fd, .events = POLLIN}};
	int64_t wait = later_wait_ms(&live->later, clock_now_ms());
	int ready;

	if (folder_has_polled(live->folder)) {
		int64_t left = live->poll_at_ms - clock_now_ms();

		left = left > 0 ? left : 0;
		wait = wait < 0 || left < wait ? left : wait;
	}
	wait = wait < 0 || wait > CHECK_MS ? CHECK_MS : wait;
	ready = poll(fds, 2, (int)wait);
	if (ready < 0 && errno != EINTR) {
		return err_sys(err, "cannot wait for events");
	}
	return ready == 0 ? index_check_place(live->index, err) : 0;
}

static int step(struct live *live, struct err *err)
{
	bool handled;
	int rc = folder_drain(live->folder, err);

	if (rc) {
		return rc;
	}
	handled = folder_has_events(live->folder);
	rc = folder_handle(live->folder, err);
	if (!rc && folder_is_lost(live->folder)) {
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
	return live->dirty_since_ms ? commit(live, err) : sleep_until_event(live, err);
}

int live_run(struct live *live, struct index *index, const struct live_options *options,
	     struct err *err)
{
	int rc;

	live->index = index;
	live->options = options;
	rc = scan(live, err);
	live->poll_at_ms = clock_now_ms() + POLL_MS;
	if (!rc) {
		rc = ready_tell(options->ready_fd, err);
	}
	while (!rc && !stop_asked(live->stop)) {
		rc = step(live, err);
	}
	if (rc == ERR_STOPPED || (!rc && live->stop->asked)) {
		log_info("stopped by a signal");
		/* What nobody walks for any more must at least be known. */
		rc = folder_is_lost(live->folder) ? note_lost(live, err) : 0;
	}
	return rc;
}

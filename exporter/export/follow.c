/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/ready.h"
#include "exporter/git/maintain.h"

/* How long to sleep at most: with an index, only in case a sign was missed;
 * without one, until it is looked for again. */
#define RECHECK_MS 60000
#define ABSENT_MS 500
/* Without inotify: how often the sign is looked at. */
#define POLL_MS 1000
/* What stands in the way is tried again so often, and said again so often. */
#define LOCKED_MS 500
#define FULL_MS 5000
#define SAY_MS 60000
/* So often the lock is left free, for so long, while there is always something to do. */
#define GIVE_WAY_MS 1000
#define GAP_MS 60
/* Freed memory that is worth giving back. */
#define SPARE (16u << 20)

struct follow {
	struct export_job job;
	const char *dir;
	int ready_fd;
	int inotify; /* watches the index's sign; -1: there is no index, or no inotify */
	bool told_ready, told_waiting, told_polling;
	/* What was opened, and what its sign looked like then. */
	struct stat data, sign;
	size_t spare; /* freed memory that could not be given back */
	struct follow_wait wait;
	int64_t gave_way_ms; /* when the lock was last free for a while */
};

int follow_wait(struct follow_wait *wait, int rc, struct stop *stop, struct err *err)
{
	struct pollfd fds = {.fd = stop->fd, .events = POLLIN};
	int64_t now = clock_now_ms();

	if (rc != ERR_LOCKED && rc != ERR_FULL && rc != ERR_CHANGED) {
		if (!rc && wait->waiting) {
			log_info("going on");
			wait->waiting = false;
		}
		return rc;
	}
	if (!wait->waiting || now - wait->said_ms >= SAY_MS) {
		log_warning("%s; waiting", err->msg);
		wait->said_ms = now;
		wait->waiting = true;
	}
	if (poll(&fds, 1, rc == ERR_FULL ? FULL_MS : LOCKED_MS) < 0 && errno != EINTR) {
		return err_sys(err, "cannot wait");
	}
	rc = stop_check(stop, err);
	return rc ? rc : 1;
}

static void close_index(struct follow *f)
{
	index_close(f->job.index);
	f->job.index = NULL;
	if (f->inotify >= 0) {
		close(f->inotify);
		f->inotify = -1;
	}
}

/* The file `name` of the index, by its path as it is now. */
static int stat_file(const struct follow *f, const char *name, struct stat *st)
{
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/%s", f->dir, name);
	rc = stat(path.data, st);
	buf_release(&path);
	return rc;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Watches the sign, and the folder, which may be moved with it. Where inotify has no
 * more to give (inotify(7): instances, watches), the sign is looked at. */
static int watch_index(struct follow *f, struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" INDEX_CHANGED_FILE, f->dir);
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* IN_ATTRIB: the file is unlinked while the indexer has it open. */
	if (f->inotify < 0 ||
	    inotify_add_watch(f->inotify, path.data,
			      IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB) <
		    0 ||
	    inotify_add_watch(f->inotify, f->dir, IN_MOVE_SELF | IN_DELETE_SELF) < 0) {
		rc = err_sys_find(err, "cannot watch '%s'", path.data);
		if (errno == EMFILE || errno == ENOSPC || errno == ENOMEM) {
			if (!f->told_polling) {
				log_warning("inotify has no watch left for '%s' (%s, see "
					    "inotify(7)): it is looked at each second",
					    path.data,
					    errno == EMFILE   ? "max_user_instances"
					    : errno == ENOSPC ? "max_user_watches"
							      : "no memory");
				f->told_polling = true;
			}
			rc = 0;
			if (f->inotify >= 0) {
				close(f->inotify);
				f->inotify = -1;
			}
		}
	}
	buf_release(&path);
	return rc;
}

/* Watch first, then read: a commit between the two is seen by one of them. Likewise the
 * files are looked at before they are opened: one that is put in place of them between
 * the two is taken for another one later, and opened again. */
static int open_index(struct follow *f, struct err *err)
{
	int rc = watch_index(f, err);

	if (!rc && (stat_file(f, INDEX_CHANGED_FILE, &f->sign) < 0 ||
		    stat_file(f, INDEX_DATA_FILE, &f->data) < 0)) {
		rc = err_sys_find(err, "cannot look at the index '%s'", f->dir);
	}
	if (!rc) {
		rc = index_open(&f->job.index, f->dir, 0, err);
	}
	if (rc) {
		close_index(f);
	}
	return rc;
}

/* Reads what woke us. True: the sign is gone, and the index with it. */
static bool read_signs(struct follow *f)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool gone = false;
	ssize_t n;

	while ((n = read(f->inotify, events, sizeof(events))) > 0) {
		for (char *p = events; p < events + n;) {
			const struct inotify_event *e = (const struct inotify_event *)p;

			gone |= (e->mask & ~(uint32_t)IN_MODIFY) != 0;
			p += sizeof(*e) + e->len;
		}
	}
	return gone;
}

static void report(const struct export_result *result)
{
	if (result->made) {
		log_info("snapshot %.12s: %" PRIu64 " added, %" PRIu64
			 " changed, %" PRIu64 " removed%s",
			 result->info.commit.hex, result->delta.added,
			 result->delta.changed, result->delta.removed,
			 result->full ? " (all rendered)" : "");
	}
}

/* Whether a change has come while we were at the last one. */
static bool is_waiting(const struct follow *f)
{
	struct pollfd sign = {.fd = f->inotify, .events = POLLIN};

	return poll(&sign, 1, 0) > 0;
}

/* Writers that wait look each 20 ms. Where one change follows the other they would never
 * meet the lock free: now and then it is left free for longer than that. */
static void give_way(struct follow *f)
{
	struct pollfd stop = {.fd = f->job.stop->fd, .events = POLLIN};
	int64_t now = clock_now_ms();

	if (!is_waiting(f)) {
		f->gave_way_ms = now;
	} else if (now - f->gave_way_ms >= GIVE_WAY_MS) {
		poll(&stop, 1, GAP_MS);
		f->gave_way_ms = clock_now_ms();
	}
}

static int export_once(struct follow *f, struct err *err)
{
	struct export_result result = {0};
	/* Other writers come between two exports; follow_wait waits for one that is at
	 * work. */
	int rc = snapshot_lock(f->job.repo, NULL, err);

	if (rc == ERR_NOTFOUND) {
		rc = ERR_LOCKED; /* it may be put back, as an index may */
	}

	if (rc) {
		return rc;
	}
	rc = export_run(&f->job, &result, err);
	if (!rc) {
		report(&result);
	}
	export_result_release(&result);
	if (!rc && !f->told_ready) {
		f->told_ready = true;
		rc = ready_tell(f->ready_fd, err);
	}
	if (!rc) {
		/* The site is at the snapshot by now: nobody waits for this. */
		rc = maintain_when_due(f->job.repo, is_waiting(f), err);
	}
	snapshot_unlock(f->job.repo);
	give_way(f);
	return rc;
}

/* A first export, or a merge of packs, needs much memory once. What malloc keeps of it
 * goes back to the system, and is not tried again for what cannot. */
static void give_back(struct follow *f)
{
	if (mallinfo2().fordblks > f->spare + SPARE) {
		malloc_trim(0);
		f->spare = mallinfo2().fordblks;
	}
}

/* Before its first scan has ended an index must not be exported. */
static int is_built(struct follow *f, bool *built, struct err *err)
{
	struct index_txn *txn = NULL;
	int rc = index_begin(&txn, f->job.index, false, err);

	*built = !rc && index_is_built(txn);
	index_abort(&txn);
	return rc;
}

/* Opens the index if need be and exports. One that is not there yet, or not
 * whole, is no failure. */
static int work(struct follow *f, struct err *err)
{
	bool built = false;
	int rc = f->job.index ? 0 : open_index(f, err);

	if (!rc) {
		rc = is_built(f, &built, err);
	}
	if (!rc && built) {
		f->told_waiting = false;
		rc = export_once(f, err);
		give_back(f);
		return rc;
	}
	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	if (!f->told_waiting) {
		log_info("waiting for the first scan into '%s'", f->dir);
		f->told_waiting = true;
	}
	return 0;
}

/* Whether the path of the index still leads to what is open. */
static bool is_replaced(const struct follow *f)
{
	struct stat data, sign;

	return stat_file(f, INDEX_DATA_FILE, &data) < 0 ||
	       stat_file(f, INDEX_CHANGED_FILE, &sign) < 0 ||
	       !is_same_file(&data, &f->data) || !is_same_file(&sign, &f->sign);
}

/* Whether the sign has been written since it was last looked at. */
static bool is_written(struct follow *f)
{
	struct stat now;
	bool written = stat_file(f, INDEX_CHANGED_FILE, &now) < 0 ||
		       now.st_size != f->sign.st_size ||
		       now.st_mtim.tv_sec != f->sign.st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != f->sign.st_mtim.tv_nsec;

	if (written && is_same_file(&now, &f->sign)) {
		f->sign = now;
	}
	return written;
}

/* Sleeps until the sign is written, a stop is asked for, or it is time to look. */
static int sleep_without_inotify(struct follow *f, struct err *err)
{
	struct pollfd fds = {.fd = f->job.stop->fd, .events = POLLIN};
	int n = 0;

	for (int ms = 0; !n && ms < RECHECK_MS; ms += POLL_MS) {
		n = poll(&fds, 1, POLL_MS);
		if (n < 0 && errno != EINTR) {
			return err_sys(err, "cannot wait for the index");
		}
		n = n > 0 || is_written(f) || is_replaced(f);
	}
	return 0;
}

/* Sleeps until there is something to do. */
static int wait_for_change(struct follow *f, struct err *err)
{
	bool gone = false;
	int rc;
	struct pollfd fds[] = {
		{.fd = f->job.stop->fd, .events = POLLIN},
		{.fd = f->inotify, .events = POLLIN}, /* -1 is passed over */
	};

	if (f->job.index && f->inotify < 0) {
		if ((rc = sleep_without_inotify(f, err))) {
			return rc;
		}
	} else if (poll(fds, 2, f->job.index ? RECHECK_MS : ABSENT_MS) < 0 &&
		   errno != EINTR) {
		return err_sys(err, "cannot wait for the index");
	}
	if (f->job.index && f->inotify >= 0) {
		gone = read_signs(f);
	}
	if (f->job.index && (gone || is_replaced(f))) {
		log_info("index '%s' was replaced or removed", f->dir);
		close_index(f);
	}
	return stop_check(f->job.stop, err);
}

int follow_run(const struct export_job *job, const char *dir, int ready_fd,
	       struct err *err)
{
	struct follow f = {.job = *job, .dir = dir, .ready_fd = ready_fd, .inotify = -1};
	int rc;

	f.job.index = NULL;
	snapshot_unlock(f.job.repo);
	do {
		rc = work(&f, err);
		if (rc == ERR_REPLACED) {
			log_info("%s", err->msg);
			close_index(&f);
			rc = 0;
		}
		rc = follow_wait(&f.wait, rc, job->stop, err);
		if (!rc) {
			rc = wait_for_change(&f, err);
		}
	} while (rc >= 0);
	close_index(&f);
	return rc == ERR_STOPPED ? 0 : rc;
}

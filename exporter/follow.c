/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/log.h"
#include "data/base/ready.h"
#include "exporter/git/maintain.h"

/* How long to sleep at most: with an index, only in case a sign was missed;
 * without one, until it is looked for again. */
#define RECHECK_MS 60000
#define ABSENT_MS 500
/* How often it is said that another writer is waited for. */
#define LOCK_WAIT_S 60

struct follow {
	struct export_job job;
	const char *dir;
	int ready_fd;
	int inotify; /* watches the index's sign; -1 while there is no index */
	bool told_ready, told_waiting;
};

static void close_index(struct follow *f)
{
	index_close(f->job.index);
	f->job.index = NULL;
	if (f->inotify >= 0) {
		close(f->inotify);
		f->inotify = -1;
	}
}

/* Watch first, then read: a commit between the two is seen by one of them. */
static int open_index(struct follow *f, struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" INDEX_CHANGED_FILE, f->dir);
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify < 0) {
		rc = err_sys(err, "cannot watch the index");
	} else if (inotify_add_watch(f->inotify, path.data,
				     IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF |
					     IN_ATTRIB) < 0) {
		/* IN_ATTRIB: the file is unlinked while the indexer has it open. */
		rc = err_sys(err, "cannot watch '%s'", path.data);
	} else if (inotify_add_watch(f->inotify, f->dir,
				     IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR) < 0) {
		rc = err_sys(err, "cannot watch '%s'", f->dir);
	}
	buf_release(&path);
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

/* Other writers come between two exports. One that takes its time is waited for: a
 * daemon does not give up. */
static int lock(struct follow *f, struct err *err)
{
	struct snapshot_wait wait = {.seconds = LOCK_WAIT_S, .stop = f->job.stop};
	int rc;

	do {
		rc = snapshot_lock(f->job.repo, &wait, err);
	} while (rc == ERR_LOCKED);
	return rc;
}

static int export_once(struct follow *f, struct err *err)
{
	struct export_result result = {0};
	int rc = lock(f, err);

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
	return rc;
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
		return export_once(f, err);
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

/* Sleeps until there is something to do. */
static int wait_for_change(struct follow *f, struct err *err)
{
	struct pollfd fds[] = {
		{.fd = f->job.stop->fd, .events = POLLIN},
		{.fd = f->inotify, .events = POLLIN}, /* -1 is passed over */
	};

	if (poll(fds, 2, f->job.index ? RECHECK_MS : ABSENT_MS) < 0 && errno != EINTR) {
		return err_sys(err, "cannot wait for the index");
	}
	if (f->job.index && read_signs(f)) {
		log_info("index '%s' was replaced", f->dir);
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
		if (!rc) {
			rc = wait_for_change(&f, err);
		}
	} while (!rc);
	close_index(&f);
	return rc == ERR_STOPPED ? 0 : rc;
}

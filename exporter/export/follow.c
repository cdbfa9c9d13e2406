/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/pace.h"
#include "data/base/ready.h"
#include "exporter/git/maintain.h"
#include "exporter/site/health.h"

/* The longest sleep: with an index, in case an event was missed, and for health.json;
 * without one, until the next look for it. */
#define RECHECK_MS PACE_MOST_MS
#define ABSENT_MS 500
/* Without inotify: time between two looks at the `changed` file. */
#define POLL_MS 1000
/* Time between two attempts after a failure that may pass, and between two messages
 * about it. */
#define LOCKED_MS 500
#define FULL_MS 5000
#define SAY_MS 60000
/* An object store is asked less and less often: it may be paid by request, or overloaded. */
#define STORE_MOST_MS 10000
/* Under constant change the lock is left free this often, for this long. */
#define YIELD_MS 1000
#define GAP_MS 60
/* Freed memory that is worth giving back. */
#define SPARE (16u << 20)

struct follow {
	struct export_job job;
	const char *dir;
	const struct follow_options *options;
	struct follow_state state;
	struct pace pace; /* of options->report */
	int inotify;      /* -1: there is no index, or no inotify */
	bool healthy;     /* the last export ended well, and the site lacks nothing */
	bool told_ready, told_waiting, told_polling;
	struct stat changed; /* INDEX_CHANGED_FILE as it was last looked at */
	size_t spare;        /* freed memory that could not be given back */
	bool waiting;        /* after a failure that may pass */
	int64_t said_ms;     /* when that was last logged */
	int pause_ms;        /* the last one, where they grow */
	int64_t yielded_ms;  /* when the lock was last left free */
};

/* --- the report --------------------------------------------------------------------- */

static void read_sequence(struct follow *f)
{
	struct index_txn *txn = NULL;
	struct err ignored; /* work() meets it again */
	int rc = f->job.index ? index_begin(&txn, f->job.index, false, &ignored)
			      : ERR_NOTFOUND;

	f->state.has_index = !rc && index_is_built(txn);
	f->state.index_sequence = f->state.has_index ? index_sequence(txn) : 0;
	index_abort(&txn);
}

static void report_now(struct follow *f)
{
	if (f->options->report) {
		read_sequence(f);
		f->options->report(&f->state, f->options->payload);
	}
	pace_done(&f->pace);
}

static void report(struct follow *f)
{
	if (pace_is_due(&f->pace)) {
		report_now(f);
	}
}

/* How long to sleep: the next report must not wait. */
static int sleep_ms(const struct follow *f, int64_t timeout_ms)
{
	return (int)(f->options->report ? pace_wait_ms(&f->pace, timeout_ms)
					: timeout_ms);
}

/* Takes an export that ended well into the state. */
static void add_export(struct follow *f, const struct export_result *result,
		       int64_t took_ms)
{
	struct follow_state *state = &f->state;
	bool first = !state->checked_s;

	state->checked_s = (int64_t)time(NULL);
	state->commit = result->info.commit;
	state->commit_s = result->info.time_s;
	state->sequence = result->sequence;
	state->oversize = result->oversize.count;
	if (result->made || result->site.touched) {
		state->exports++;
		state->took_ms = took_ms;
		state->files += result->site.written;
		state->bytes += result->site.bytes;
	}
	if (first || result->made || result->site.touched) {
		pace_changed(&f->pace);
	}
}

static void count_failure(struct follow *f, int rc)
{
	if (rc && rc != ERR_STOPPED && rc != ERR_LOCKED && rc != ERR_CHANGED) {
		f->state.errors++;
	}
	if (rc && !f->waiting) {
		pace_changed(&f->pace);
	}
}

/* --- failures that may pass ----------------------------------------------------------- */

/* How long to wait until the next attempt. */
static int next_pause_ms(struct follow *f, int rc)
{
	if (rc == ERR_FULL) {
		return FULL_MS;
	}
	if (!f->pause_ms || !f->job.site || place_folder(f->job.site)) {
		f->pause_ms = LOCKED_MS;
	} else if (f->pause_ms < STORE_MOST_MS) {
		f->pause_ms *= 2;
	}
	return f->pause_ms < STORE_MOST_MS ? f->pause_ms : STORE_MOST_MS;
}

/* Treats a failure that may pass, ERR_LOCKED, ERR_FULL, ERR_CHANGED or ERR_UNREACHABLE: logs it,
 * at once and then once a minute, sleeps, and returns 1: try again now. ERR_STOPPED: a stop was
 * asked for. Any other `rc` is returned as it is. */
static int wait_if_passing(struct follow *f, int rc, struct err *err)
{
	struct pollfd fds = {.fd = f->job.stop->fd, .events = POLLIN};
	int64_t now = clock_now_ms();

	if (rc != ERR_LOCKED && rc != ERR_FULL && rc != ERR_CHANGED &&
	    rc != ERR_UNREACHABLE) {
		f->pause_ms = 0;
		if (!rc && f->waiting) {
			log_info("going on");
			ready_waiting("");
			f->waiting = false;
		}
		return rc;
	}
	if (!f->waiting) {
		ready_waiting(rc == ERR_FULL          ? "waiting for room on the disk"
			      : rc == ERR_UNREACHABLE ? "waiting for the object store"
						      : "waiting for another program");
	}
	if (!f->waiting || now - f->said_ms >= SAY_MS) {
		log_warning("%s; waiting", err->msg);
		f->said_ms = now;
		f->waiting = true;
	}
	if (poll(&fds, 1, next_pause_ms(f, rc)) < 0 && errno != EINTR) {
		return err_sys(err, "cannot wait");
	}
	rc = stop_check(f->job.stop, err);
	return rc ? rc : 1;
}

static int open_repo(struct follow *f, const char *path, struct err *err)
{
	int rc;

	do {
		report(f);
		rc = f->options->check ? f->options->check(f->options->payload, err) : 0;
		rc = rc ? rc
			: snapshot_open(&f->job.repo, path,
					SNAPSHOT_WRITE | SNAPSHOT_CREATE,
					"albumen-exporter follow", err);
		rc = wait_if_passing(f, rc, err);
	} while (rc > 0);
	if (!rc) {
		snapshot_unlock(f->job.repo);
	}
	return rc;
}

/* --- the index ------------------------------------------------------------------- */

static void close_inotify(struct follow *f)
{
	if (f->inotify >= 0) {
		close(f->inotify);
		f->inotify = -1;
	}
}

static void close_index(struct follow *f)
{
	index_close(f->job.index);
	f->job.index = NULL;
	close_inotify(f);
}

static int stat_changed(const struct follow *f, struct stat *st)
{
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/" INDEX_CHANGED_FILE, f->dir);
	rc = stat(path.data, st);
	buf_release(&path);
	return rc;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Watches the `changed` file, and the folder, which may be moved with the file in it.
 * Where inotify is at a limit (inotify(7): instances, watches), follow polls. */
static int watch_index(struct follow *f, struct err *err)
{
	/* IN_ATTRIB reports that the file was unlinked while the indexer has it open. */
	const uint32_t mask = IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" INDEX_CHANGED_FILE, f->dir);
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify < 0 || inotify_add_watch(f->inotify, path.data, mask) < 0 ||
	    inotify_add_watch(f->inotify, f->dir, IN_MOVE_SELF | IN_DELETE_SELF) < 0) {
		rc = err_sys_find(err, "cannot watch '%s'", path.data);
		if (errno == EMFILE || errno == ENOSPC || errno == ENOMEM) {
			if (!f->told_polling) {
				log_warning("inotify has no watch left for '%s' (%s, see "
					    "inotify(7)): it is checked every second",
					    path.data,
					    errno == EMFILE   ? "max_user_instances"
					    : errno == ENOSPC ? "max_user_watches"
							      : "no memory");
				f->told_polling = true;
			}
			rc = 0;
			close_inotify(f);
		}
	}
	buf_release(&path);
	return rc;
}

/* The watch comes before the first read, so that no commit falls between the two. The
 * stat comes before the open: a file that is replaced between them is noticed by
 * is_replaced, and opened again. */
static int open_index(struct follow *f, struct err *err)
{
	int rc = watch_index(f, err);

	if (!rc && stat_changed(f, &f->changed) < 0) {
		rc = err_sys_find(err, "cannot stat '" INDEX_CHANGED_FILE "' in '%s'",
				  f->dir);
	}
	rc = rc ? rc : index_open(&f->job.index, f->dir, 0, err);
	if (rc) {
		close_index(f);
	}
	return rc;
}

/* Whether the path of the index no longer leads to what is open. */
static bool is_replaced(const struct follow *f)
{
	struct stat now;
	struct err why;

	return index_check_place(f->job.index, &why) < 0 || stat_changed(f, &now) < 0 ||
	       !is_same_file(&now, &f->changed);
}

/* Whether the `changed` file was written since the last look. */
static bool is_written(struct follow *f)
{
	struct stat now;
	bool written = stat_changed(f, &now) < 0 || now.st_size != f->changed.st_size ||
		       now.st_mtim.tv_sec != f->changed.st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != f->changed.st_mtim.tv_nsec;

	if (written && is_same_file(&now, &f->changed)) {
		f->changed = now;
	}
	return written;
}

/* --- one export --------------------------------------------------------------------- */

static void log_result(const struct export_result *result)
{
	if (result->made) {
		log_info("snapshot %.12s: %" PRIu64 " added, %" PRIu64
			 " changed, %" PRIu64 " removed%s",
			 result->info.commit.hex, result->delta.added,
			 result->delta.changed, result->delta.removed,
			 result->full ? " (all rendered)" : "");
	}
}

/* Whether the index has changed again. */
static bool is_waiting(const struct follow *f)
{
	struct pollfd changed = {.fd = f->inotify, .events = POLLIN};

	return poll(&changed, 1, 0) > 0;
}

/* Other writers try the lock every 20 ms. Under constant change they would never find it
 * free, so it is left free for longer than that now and then. */
static void yield_lock(struct follow *f)
{
	struct pollfd stop = {.fd = f->job.stop->fd, .events = POLLIN};
	int64_t now = clock_now_ms();

	if (!is_waiting(f)) {
		f->yielded_ms = now;
	} else if (now - f->yielded_ms >= YIELD_MS) {
		poll(&stop, 1, GAP_MS);
		f->yielded_ms = clock_now_ms();
	}
}

/* --- health.json ---------------------------------------------------------------------- */

static int write_health(struct follow *f, struct err *err)
{
	const struct health health = {.sequence = f->state.sequence,
				      .commit = &f->state.commit,
				      .checked_s = f->state.checked_s};

	return f->job.site && *health.commit->hex
		       ? health_write(f->job.site, &health, err)
		       : 0;
}

/* While another program has the repository for long, as `maintain` may, the site is still
 * right if the index has not changed. */
static int renew_health(struct follow *f, struct err *err)
{
	int64_t now_s = (int64_t)time(NULL);

	if (!f->healthy || now_s == f->state.checked_s) {
		return 0;
	}
	read_sequence(f);
	if (!f->state.has_index || f->state.index_sequence != f->state.sequence) {
		return 0;
	}
	f->state.checked_s = now_s;
	return write_health(f, err);
}

static int export_once(struct follow *f, struct err *err)
{
	struct export_result result = {0};
	struct err why;
	int failed;
	int64_t begun = clock_now_ms();
	/* No wait here: wait_if_passing does that, and logs it. */
	int rc = snapshot_lock(f->job.repo, NULL, err);

	if (rc == ERR_LOCKED && (failed = renew_health(f, &why))) {
		*err = why;
		return failed;
	}
	if (rc) {
		/* A repository that is gone may come back, as an index may. */
		return rc == ERR_NOTFOUND ? ERR_LOCKED : rc;
	}
	rc = export_run(&f->job, &result, err);
	f->healthy = !rc && !result.site.damaged;
	if (!rc) {
		log_result(&result);
		add_export(f, &result, clock_now_ms() - begun);
	}
	rc = f->healthy ? write_health(f, err) : rc;
	export_result_release(&result);
	if (!rc && !f->told_ready) {
		f->told_ready = true;
		rc = ready_report(f->options->ready_fd, err);
	}
	if (!rc) {
		/* After the site has the snapshot, since this may take a while. */
		rc = maintain_when_due(f->job.repo, is_waiting(f), err);
	}
	if (rc < 0 && rc != ERR_STOPPED) {
		snapshot_note_failure(f->job.repo, err->msg);
	}
	snapshot_unlock(f->job.repo);
	yield_lock(f);
	return rc;
}

/* A first export, or a merge of packs, needs much memory once. This returns to the system
 * what malloc keeps of it, and remembers how much it could not return. */
static void give_back(struct follow *f)
{
	if (mallinfo2().fordblks > f->spare + SPARE) {
		malloc_trim(0);
		f->spare = mallinfo2().fordblks;
	}
}

/* An index must not be exported before its first scan has ended. */
static int is_built(struct follow *f, bool *built, struct err *err)
{
	struct index_txn *txn = NULL;
	int rc = index_begin(&txn, f->job.index, false, err);

	*built = !rc && index_is_built(txn);
	index_abort(&txn);
	return rc;
}

/* Opens the index if it is not open, and exports. It is no failure that there is no
 * index yet, or that it is not built. */
static int work(struct follow *f, struct err *err)
{
	bool built = false;
	int rc = f->job.index ? 0 : open_index(f, err);

	rc = rc ? rc : is_built(f, &built, err);
	if (!rc && built) {
		if (f->told_waiting && f->told_ready) {
			ready_waiting(""); /* else ready_report takes it back */
		}
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
		ready_waiting("waiting for the first scan into the index");
		f->told_waiting = true;
	}
	return 0;
}

/* --- the wait for the next one ------------------------------------------------------- */

/* Reads the events. True: the `changed` file or the folder is gone. */
static bool read_events(struct follow *f)
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

/* Sleeps until there is something to do, or a stop is asked for. */
static int wait_for_change(struct follow *f, struct err *err)
{
	struct pollfd fds[] = {
		{.fd = f->job.stop->fd, .events = POLLIN},
		{.fd = f->inotify, .events = POLLIN}, /* poll(2) skips -1 */
	};
	bool has_index = f->job.index, polling = has_index && f->inotify < 0;
	int most_ms = has_index ? RECHECK_MS : ABSENT_MS;
	int step_ms = polling ? POLL_MS : most_ms;
	int64_t end = clock_now_ms() + most_ms, left = most_ms;
	int n = 0;

	for (; !n && left > 0; left = end - clock_now_ms()) {
		report(f);
		n = poll(fds, 2, sleep_ms(f, left < step_ms ? left : step_ms));
		if (n < 0 && errno != EINTR) {
			return err_sys(err, "cannot wait for the index");
		}
		n = n || (polling && (is_written(f) || is_replaced(f)));
	}
	if (has_index && ((!polling && read_events(f)) || is_replaced(f))) {
		log_info("index '%s' was replaced or removed", f->dir);
		close_index(f);
	}
	return stop_check(f->job.stop, err);
}

int follow_run(const struct export_job *job, const char *repo, const char *index,
	       const struct follow_options *options, struct err *err)
{
	struct follow f = {.job = *job, .dir = index, .options = options, .inotify = -1};
	int rc = open_repo(&f, repo, err);

	while (rc >= 0) {
		rc = work(&f, err);
		if (rc == ERR_REPLACED) {
			log_info("%s", err->msg);
			close_index(&f);
			rc = 0;
		}
		count_failure(&f, rc);
		report(&f);
		rc = wait_if_passing(&f, rc, err);
		rc = rc ? rc : wait_for_change(&f, err);
	}
	report_now(&f);
	close_index(&f);
	snapshot_close(f.job.repo);
	return rc == ERR_STOPPED ? 0 : rc;
}

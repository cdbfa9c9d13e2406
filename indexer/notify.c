/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/notify.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <unistd.h>

#include <inotifytools/inotifytools.h>

#include "data/base/buf.h"
#include "data/base/log.h"

/*
 * How libinotifytools is used:
 *
 * It remembers each watch by the name with which it was added, for ever; it finds only
 * the first of equal names, and confuses renamed folders. So each watch is added under a
 * name of its own: `/proc/self/fd/N/` of the open folder, which no rename and no symbolic
 * link can divert, and a serial number that the kernel ignores, each bit as `/` or `./`.
 * Names never come back out of the library. IN_MASK_CREATE makes the kernel refuse a
 * folder that is watched already: the library would lose a second record of a watch.
 *
 * With a timeout of 0 it polls only in next_events, and only for one event at a time,
 * though it reads 64 KiB at once. It has no accessor for its descriptor, so we look for
 * that in /proc/self/fd. It keeps its record of a watch that ended by itself; we count
 * those, and a restart drops them.
 *
 * It prints complaints on `stderr`, as when a watch is removed that the kernel has ended
 * already, which no caller can know. So each call is made with another stream in that
 * variable (quiet, loud); its lines become debug lines.
 */

#define EVENTS                                                                           \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |          \
	 IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW |       \
	 IN_MASK_CREATE)
#define BLOATED_FROM 10000

struct notify {
	int fd;
	FILE *lines; /* what the library prints */
	uint32_t serial;
	size_t alive, dead;
};

static ssize_t log_line(void *cookie, const char *line, size_t len)
{
	(void)cookie;
	log_debug("libinotifytools: %.*s", (int)(len - (len && line[len - 1] == '\n')),
		  line);
	return (ssize_t)len;
}

/* Comes before a call of the library, and `loud` after it. glibc's `stderr` is a variable
 * that may be set (stdin(3)); our own log does not use it. */
static FILE *quiet(const struct notify *notify)
{
	FILE *saved = stderr;

	if (notify->lines) {
		stderr = notify->lines;
	}
	return saved;
}

static void loud(FILE *saved)
{
	stderr = saved;
}

static void close_lines(struct notify *notify)
{
	if (notify->lines) {
		fclose(notify->lines);
	}
}

static void clean_up(const struct notify *notify)
{
	FILE *saved = quiet(notify);

	inotifytools_cleanup();
	loud(saved);
}

static bool is_inotify(int fd)
{
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0) {
		return false;
	}
	target[n] = '\0';
	return strstr(target, "inotify") != NULL;
}

/* The descriptor that the library has just opened: the lowest one of inotify that is not
 * in `others`. */
static int find_descriptor(const fd_set *others)
{
	for (int fd = 0; fd < FD_SETSIZE; fd++) {
		if (!FD_ISSET(fd, others) && is_inotify(fd)) {
			return fd;
		}
	}
	return -1;
}

static int start(struct notify *notify, struct err *err)
{
	fd_set others;
	FILE *saved;
	int ok;

	FD_ZERO(&others);
	for (int fd = 0; fd < FD_SETSIZE; fd++) {
		if (is_inotify(fd)) {
			FD_SET(fd, &others);
		}
	}
	saved = quiet(notify);
	ok = inotifytools_initialize();
	loud(saved);
	if (!ok) {
		errno = inotifytools_error();
		if (errno == EMFILE) {
			return err_set(err, ERR_REFUSED,
				       "cannot watch: this user has too many inotify "
				       "instances; raise the limit with `sysctl "
				       "fs.inotify.max_user_instances=1024`");
		}
		return err_sys(err, "cannot start watching");
	}
	notify->fd = find_descriptor(&others);
	if (notify->fd < 0) {
		clean_up(notify);
		return err_set(err, ERR_FAIL,
			       "cannot watch: /proc/self/fd shows no inotify descriptor; "
			       "is /proc mounted?");
	}
	if (fcntl(notify->fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(notify->fd, F_SETFL, O_NONBLOCK) < 0) {
		int rc = err_sys(err, "cannot set up the inotify descriptor");

		clean_up(notify);
		return rc;
	}
	notify->serial = 0;
	notify->alive = notify->dead = 0;
	return 0;
}

int notify_open(struct notify **out, struct err *err)
{
	struct notify *notify = xzalloc(sizeof(*notify));
	int rc;

	notify->lines =
		fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_line});
	if (notify->lines) {
		setvbuf(notify->lines, NULL, _IOLBF, 0);
	}
	rc = start(notify, err);
	if (rc) {
		close_lines(notify);
		free(notify);
		notify = NULL;
	}
	*out = notify;
	return rc;
}

void notify_close(struct notify *notify)
{
	if (notify) {
		clean_up(notify);
		close_lines(notify);
		free(notify);
	}
}

int notify_restart(struct notify *notify, struct err *err)
{
	struct notify_event event;
	int rc;

	/* The library's buffer outlives inotifytools_cleanup, so it must be empty. Events
	 * that the kernel queues after this are lost with the descriptor. */
	do {
		rc = notify_next(notify, &event, err);
	} while (rc == 0);
	if (rc != ERR_NOTFOUND) {
		return rc;
	}
	clean_up(notify);
	return start(notify, err);
}

int notify_fd(const struct notify *notify)
{
	return notify->fd;
}

size_t notify_count(const struct notify *notify)
{
	return notify->alive;
}

bool notify_is_bloated(const struct notify *notify)
{
	return notify->dead > BLOATED_FROM && notify->dead > notify->alive;
}

static int add_error(int error, struct err *err)
{
	errno = error;
	switch (error) {
	case ENOSPC:
		return err_set(err, ERR_REFUSED, "the limit of watches is reached");
	case ENOENT:
	case ENOTDIR:
		return err_set(err, ERR_NOTFOUND, "the folder is gone");
	case EEXIST:
		return err_set(err, ERR_CHANGED, "the folder is watched already");
	case EACCES:
	case EPERM:
		return err_set(err, ERR_INPUT, "%s", strerror(error));
	default:
		return err_sys(err, "cannot watch a folder");
	}
}

int notify_add(struct notify *notify, int dirfd, int *wd, struct err *err)
{
	char name[160];
	size_t used = (size_t)snprintf(name, sizeof(name), "/proc/self/fd/%d/./", dirfd);
	FILE *saved;
	int ok;

	for (uint32_t n = ++notify->serial; n; n >>= 1) {
		if (n & 1) {
			name[used++] = '.';
		}
		name[used++] = '/';
	}
	name[used] = '\0';
	saved = quiet(notify);
	ok = inotifytools_watch_file(name, EVENTS);
	loud(saved);
	if (!ok) {
		return add_error(inotifytools_error(), err);
	}
	*wd = inotifytools_wd_from_filename(name);
	if (*wd < 0) {
		return err_set(err, ERR_FAIL, "libinotifytools lost a watch");
	}
	notify->alive++;
	return 0;
}

void notify_remove(struct notify *notify, int wd)
{
	FILE *saved = quiet(notify);
	int ok = inotifytools_remove_watch_by_wd(wd);

	loud(saved);
	if (ok && notify->alive) {
		notify->alive--;
	}
}

static void translate(struct notify *notify, const struct inotify_event *event,
		      struct notify_event *out)
{
	uint32_t mask = event->mask;

	if (mask & IN_Q_OVERFLOW) {
		out->what = NOTIFY_OVERFLOW;
	} else if (mask & IN_UNMOUNT) {
		out->what = NOTIFY_UNMOUNTED;
	} else if (mask & IN_IGNORED) {
		const char *name = inotifytools_filename_from_wd(event->wd);

		if (name && *name) {
			notify->dead++; /* it ended by itself: the library keeps it */
			notify->alive -= notify->alive > 0;
		}
		out->what = NOTIFY_ENDED;
	} else if (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		out->what = NOTIFY_SELF_GONE;
	} else if (mask & (IN_DELETE | IN_MOVED_FROM)) {
		out->what = NOTIFY_REMOVED;
	} else if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
		out->what = NOTIFY_WRITTEN;
	} else if (mask & IN_CREATE) {
		out->what = NOTIFY_CREATED;
	} else {
		out->what = NOTIFY_ATTRIBUTES;
	}
	out->wd = event->wd;
	out->folder = (mask & IN_ISDIR) != 0;
	snprintf(out->name, sizeof(out->name), "%s", event->len ? event->name : "");
}

int notify_next(struct notify *notify, struct notify_event *out, struct err *err)
{
	for (;;) {
		FILE *saved = quiet(notify);
		const struct inotify_event *event = inotifytools_next_events(0, 1);

		loud(saved);
		if (event) {
			translate(notify, event, out);
			return 0;
		}
		if (inotifytools_error() == 0) {
			return ERR_NOTFOUND;
		}
		if (inotifytools_error() != EINTR && inotifytools_error() != EAGAIN) {
			errno = inotifytools_error();
			return err_sys(err, "cannot read events");
		}
	}
}

static unsigned long read_limit(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long n = 0;

	if (file) {
		if (fscanf(file, "%lu", &n) != 1) {
			n = 0;
		}
		fclose(file);
	}
	return n;
}

unsigned long notify_limit(void)
{
	return read_limit("/proc/sys/fs/inotify/max_user_watches");
}

unsigned long notify_queue_limit(void)
{
	return read_limit("/proc/sys/fs/inotify/max_queued_events");
}

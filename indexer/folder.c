/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/base/buf.h"
#include "data/base/log.h"
#include "indexer/dirs.h"
#include "indexer/walk.h"
#include "indexer/notify.h"

/*
 * A folder is watched before it is read, so nothing is missed. What is created before
 * the watch is found by reading; what is created after reading raises an event; what is
 * created in between is reported twice, which does no harm.
 *
 * Moves are not paired. MOVED_FROM means that the name is gone with all below it; the
 * watches below are removed, since the folder may have left the tree. MOVED_TO means
 * that a folder appeared: it is watched and read. What changes in it between the two is
 * found by that reading.
 *
 * folder_drain takes events out of the kernel's queue as fast as they come, even in the
 * middle of a walk, and folder_handle acts on them later. So the folder may be ahead of
 * the event, never behind: whatever an event says is looked up. An event that does not
 * fit (of an unknown wd, or lost to a full queue) makes the caller walk everything again.
 */

#define QUEUE_BYTES (64u << 20) /* events in our queue; more count as lost */
#define DRAIN_FILES 256         /* files of a walk between two drains */

/* A queued event: this, then the name and a NUL. */
struct queued {
	int wd;
	unsigned char what;
	bool folder;
	unsigned char len;
};

struct folder {
	int rootfd;
	folder_report_fn *report;
	void *payload;
	struct notify *notify;
	struct dirs dirs;
	struct buf queue;
	size_t queue_at;
	struct buf path; /* of the event that is being handled */
	uint64_t overflows;
	uint32_t walk; /* the number of this poll; see dirs_node.seen */
	bool lost;
	bool root_moved;
	bool polled; /* some folder may be */
	bool poll_all;
	bool limit_logged;
	unsigned files; /* seen by walks, to drain now and then */
};

int folder_open(struct folder **out, int rootfd, folder_report_fn *report, void *payload,
		struct err *err)
{
	struct folder *folder = xzalloc(sizeof(*folder));
	int rc = notify_open(&folder->notify, err);

	if (rc) {
		free(folder);
		*out = NULL;
		return rc;
	}
	folder->rootfd = rootfd;
	folder->report = report;
	folder->payload = payload;
	dirs_init(&folder->dirs);
	*out = folder;
	return 0;
}

void folder_close(struct folder *folder)
{
	if (folder) {
		notify_close(folder->notify);
		dirs_release(&folder->dirs);
		buf_release(&folder->queue);
		buf_release(&folder->path);
		free(folder);
	}
}

int folder_restart(struct folder *folder, struct err *err)
{
	dirs_release(&folder->dirs);
	dirs_init(&folder->dirs);
	buf_release(&folder->queue);
	folder->queue_at = 0;
	folder->lost = false;
	folder->polled = folder->poll_all;
	folder->dirs.root->polled = folder->poll_all;
	return notify_restart(folder->notify, err);
}

int folder_fd(const struct folder *folder)
{
	return notify_fd(folder->notify);
}

size_t folder_watches(const struct folder *folder)
{
	return notify_count(folder->notify);
}

bool folder_has_events(const struct folder *folder)
{
	return folder->queue_at < folder->queue.len;
}

bool folder_is_lost(const struct folder *folder)
{
	return folder->lost || notify_is_bloated(folder->notify);
}

uint64_t folder_overflows(struct folder *folder)
{
	uint64_t n = folder->overflows;

	folder->overflows = 0;
	return n;
}

bool folder_root_moved(struct folder *folder)
{
	bool moved = folder->root_moved;

	folder->root_moved = false;
	return moved;
}

bool folder_has_polled(const struct folder *folder)
{
	return folder->polled;
}

void folder_poll_all(struct folder *folder)
{
	folder->poll_all = folder->polled = true;
	folder->dirs.root->polled = true;
}

static void remove_watch(int wd, void *payload)
{
	struct folder *folder = payload;

	notify_remove(folder->notify, wd);
}

static void drop_below(struct folder *folder, struct dirs_node *node)
{
	while (node->child) {
		dirs_drop(&folder->dirs, node->child, remove_watch, folder);
	}
}

static void cannot_watch(struct folder *folder, struct dirs_node *node, const char *path,
			 int code, const struct err *why)
{
	node->polled = true;
	folder->polled = true;
	if (code != ERR_REFUSED) {
		log_warning(
			"cannot watch folder '%s': %s; it is polled every few seconds",
			*path ? path : ".", why->msg);
	} else if (!folder->limit_logged) {
		unsigned long limit = notify_limit();

		folder->limit_logged = true;
		log_warning(
			"cannot watch folder '%s' and others: the limit of %lu watches "
			"is reached; they are polled every few seconds instead; to watch "
			"them, run `sysctl fs.inotify.max_user_watches=%lu`",
			*path ? path : ".", limit, limit ? 8 * limit : 1048576);
	}
}

/* Events may be missing. */
static void lose(struct folder *folder, const char *why)
{
	if (!folder->lost) {
		log_warning("%s; walking the whole folder", why);
	}
	folder->lost = true;
	buf_clear(&folder->queue);
	folder->queue_at = 0;
}

/* Removes the watch of a folder, unless it has ended. */
static void unwatch(struct folder *folder, struct dirs_node *node)
{
	struct dirs_wd *entry = dirs_wd(&folder->dirs, node->wd);

	if (!entry->ended) {
		notify_remove(folder->notify, node->wd);
	}
	entry->node = NULL;
	node->wd = -1;
}

static int add_watch(struct folder *folder, int dirfd, const struct stat *st, int *wd,
		     struct err *err)
{
	int rc = notify_add(folder->notify, dirfd, wd, err);
	struct dirs_node *other;

	if (rc != ERR_CHANGED) {
		return rc;
	}
	/* The folder has two names: it was moved, and the event is still to come, or it
	 * is mounted twice. The latest name gets the watch; the other is polled until it
	 * is known to be gone. */
	other = dirs_with_inode(&folder->dirs, st->st_dev, st->st_ino);
	if (!other) {
		return rc;
	}
	unwatch(folder, other);
	other->polled = true;
	folder->polled = true;
	return notify_add(folder->notify, dirfd, wd, err);
}

int folder_enter(int dirfd, const char *path, size_t len, void *payload, struct err *err)
{
	struct folder *folder = payload;
	struct dirs_node *node = dirs_make(&folder->dirs, path, len);
	struct err why = {0};
	struct stat st;
	int wd, rc;

	if (fstat(dirfd, &st) < 0) {
		return err_sys(err, "cannot stat folder '%s'", path);
	}
	node->seen = folder->walk;
	if (node->wd > 0) {
		bool same = node->dev == st.st_dev && node->ino == st.st_ino;

		if (same && !dirs_wd(&folder->dirs, node->wd)->ended) {
			return 0;
		}
		if (!same) {
			drop_below(folder, node); /* it was replaced */
		}
		unwatch(folder, node);
	}
	rc = add_watch(folder, dirfd, &st, &wd, &why);
	switch (rc) {
	case 0:
		node->dev = st.st_dev;
		node->ino = st.st_ino;
		node->polled = folder->poll_all && !node->parent;
		dirs_tie(&folder->dirs, node, wd);
		return 0;
	case ERR_NOTFOUND:
		return 0;
	case ERR_CHANGED:
		lose(folder, "a folder is watched under an unknown name");
		return 0;
	case ERR_REFUSED:
	case ERR_INPUT:
		if (!node->polled || rc == ERR_REFUSED) {
			cannot_watch(folder, node, path, rc, &why);
		}
		return 0;
	default:
		*err = why;
		return rc;
	}
}

static void overflowed(struct folder *folder)
{
	unsigned long limit = notify_queue_limit();
	struct buf why = {0};

	folder->overflows++;
	buf_addf(&why,
		 "events were lost because more than %lu were waiting (`sysctl "
		 "fs.inotify.max_queued_events=%lu` makes room)",
		 limit, limit ? 16 * limit : 1048576);
	lose(folder, why.data);
	buf_release(&why);
}

static void enqueue(struct folder *folder, const struct notify_event *event)
{
	struct queued queued = {.wd = event->wd,
				.what = (unsigned char)event->what,
				.folder = event->folder,
				.len = (unsigned char)strlen(event->name)};

	buf_add(&folder->queue, &queued, sizeof(queued));
	buf_add(&folder->queue, event->name, (size_t)queued.len + 1);
}

int folder_drain(struct folder *folder, struct err *err)
{
	struct notify_event event;
	int rc;

	while ((rc = notify_next(folder->notify, &event, err)) == 0) {
		struct dirs_wd *entry = dirs_wd(&folder->dirs, event.wd);

		if (event.what == NOTIFY_ENDED && entry) {
			entry->ended = true;
		}
		if (event.what == NOTIFY_OVERFLOW) {
			overflowed(folder);
		} else if (!folder->lost) {
			enqueue(folder, &event);
			if (folder->queue.len > QUEUE_BYTES) {
				folder->overflows++;
				lose(folder, "too many events are waiting");
			}
		}
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int visit_file(const struct walk_file *file, void *payload, struct err *err)
{
	struct folder *folder = payload;

	folder->report(FOLDER_FILE_CHANGED, file->path, file->len, folder->payload);
	return ++folder->files % DRAIN_FILES ? 0 : folder_drain(folder, err);
}

void folder_note_denied(struct folder *folder, const char *path, size_t len)
{
	struct dirs_node *node = folder->dirs.root;

	for (size_t at = 0; node; at++) {
		size_t begin = at;

		node->denied = true;
		while (at < len && path[at] != '/') {
			at++;
		}
		if (at >= len) {
			break;
		}
		node = dirs_child(&folder->dirs, node, path + begin, at - begin);
	}
}

static int visit_unreadable(const char *path, size_t len, int error, void *payload,
			    struct err *err)
{
	(void)err;
	folder_note_denied(payload, path, len);
	log_warning("cannot read folder '%s': %s", path, strerror(error));
	return 0;
}

/* A folder appeared: watches and reads it, and all below it. */
static int visit(struct folder *folder, const char *path, size_t len, struct err *err)
{
	struct walk_visitor visitor = {.enter = folder_enter,
				       .file = visit_file,
				       .unreadable = visit_unreadable,
				       .payload = folder};

	return walk_run(folder->rootfd, path, len, &visitor, err);
}

/* Reports folder->path and a slash. */
static void report_below(struct folder *folder, enum folder_report report)
{
	size_t len = folder->path.len;

	if (len) {
		buf_addch(&folder->path, '/');
	}
	folder->report(report, folder->path.len ? folder->path.data : "",
		       folder->path.len, folder->payload);
	buf_setlen(&folder->path, len);
}

/* An event on the folder `name` in `parent`; folder->path is its path. */
static int handle_folder(struct folder *folder, struct dirs_node *parent,
			 enum notify_what what, const char *name, struct err *err)
{
	struct dirs_node *child = dirs_child(&folder->dirs, parent, name, strlen(name));

	if (!walk_accepts_folder(name)) {
		return 0;
	}
	if (what == NOTIFY_ATTRIBUTES && child && child->wd > 0) {
		return 0; /* its own watch reports the same */
	}
	if (child || what == NOTIFY_REMOVED) {
		report_below(folder,
			     what == NOTIFY_ATTRIBUTES ? FOLDER_CHECK : FOLDER_REMOVED);
	}
	if (what == NOTIFY_REMOVED) {
		if (child) {
			dirs_drop(&folder->dirs, child, remove_watch, folder);
		}
		return 0;
	}
	return visit(folder, folder->path.data, folder->path.len, err);
}

static void handle_file(struct folder *folder, enum notify_what what, const char *name)
{
	enum folder_report report = FOLDER_FILE_CHANGED;

	if (!walk_accepts_file(name)) {
		return;
	}
	if (what == NOTIFY_REMOVED) {
		report = FOLDER_FILE_REMOVED;
	} else if (what == NOTIFY_CREATED) {
		report = FOLDER_FILE_APPEARED;
	}
	folder->report(report, folder->path.data, folder->path.len, folder->payload);
}

/* Reads a folder again. folder->path is its path, with a slash unless it is the root. */
static int reread(struct folder *folder, struct err *err)
{
	if (folder->path.len) {
		buf_setlen(&folder->path, folder->path.len - 1);
	}
	report_below(folder, FOLDER_CHECK);
	return visit(folder, folder->path.data, folder->path.len, err);
}

/* A watch ended, though its folder (`node`) was not dropped: the folder was removed, and
 * perhaps created again, or its file system was unmounted. */
static int handle_end(struct folder *folder, struct dirs_node *node, int wd,
		      struct err *err)
{
	dirs_untie(&folder->dirs, wd);
	if (!node) {
		return 0;
	}
	if (!node->parent) {
		folder->root_moved = true;
		lose(folder, "the metadata folder is no longer watched");
		return 0;
	}
	return reread(folder, err);
}

/* The attributes of a watched folder changed: we may have permission now. */
static int handle_attributes(struct folder *folder, struct dirs_node *node,
			     struct err *err)
{
	bool denied = node->denied;

	node->denied = false;
	return denied ? reread(folder, err) : 0;
}

static int handle(struct folder *folder, const struct queued *event, const char *name,
		  struct err *err)
{
	const struct dirs_wd *entry = dirs_wd(&folder->dirs, event->wd);
	struct dirs_node *node;

	if (!entry) {
		lose(folder, "an event came from an unknown watch");
		return 0;
	}
	node = entry->node;
	buf_clear(&folder->path);
	if (node) {
		dirs_path(node, &folder->path);
	}
	if (event->what == NOTIFY_ENDED) {
		return handle_end(folder, node, event->wd, err);
	}
	if (!node) {
		return 0; /* the folder was dropped */
	}
	if (event->what == NOTIFY_UNMOUNTED && node->parent) {
		folder->report(FOLDER_UNMOUNTED, folder->path.data, folder->path.len,
			       folder->payload);
		return 0; /* NOTIFY_ENDED follows */
	}
	if (event->what == NOTIFY_UNMOUNTED || event->what == NOTIFY_SELF_GONE) {
		folder->root_moved |= !node->parent;
		return 0;
	}
	if (!*name && event->what == NOTIFY_ATTRIBUTES) {
		return handle_attributes(folder, node, err);
	}
	buf_addstr(&folder->path, name);
	if (folder->path.len > WALK_PATH_MAX) {
		return 0;
	}
	if (event->folder) {
		return handle_folder(folder, node, (enum notify_what)event->what, name,
				     err);
	}
	handle_file(folder, (enum notify_what)event->what, name);
	return 0;
}

int folder_handle(struct folder *folder, struct err *err)
{
	char name[NAME_MAX + 1];
	int rc = 0;

	/* Handling an event may add to the queue, so move it, or empty it. */
	while (!rc && !folder->lost && folder_has_events(folder)) {
		const char *at = folder->queue.data + folder->queue_at;
		struct queued event;

		memcpy(&event, at, sizeof(event));
		memcpy(name, at + sizeof(event), (size_t)event.len + 1);
		folder->queue_at += sizeof(event) + event.len + 1;
		rc = handle(folder, &event, name, err);
	}
	if (!folder_has_events(folder)) {
		buf_clear(&folder->queue);
		folder->queue_at = 0;
	}
	return rc;
}

/* WALK_PATH_MAX bounds the depth of these recursions. */

static void list_polled(const struct dirs_node *node, struct paths *out)
{
	struct buf path = {0};

	if (!node->polled) {
		for (node = node->child; node; node = node->next) {
			list_polled(node, out);
		}
		return;
	}
	dirs_path(node, &path);
	paths_append(out, path.len ? path.data : "", path.len - (path.len > 0));
	buf_release(&path);
}

/* Drops the folders below `node` that the last walk did not enter. */
static void drop_unseen(struct folder *folder, struct dirs_node *node)
{
	struct dirs_node *next;

	for (node = node->child; node; node = next) {
		next = node->next;
		if (node->seen == folder->walk) {
			drop_unseen(folder, node);
		} else {
			dirs_drop(&folder->dirs, node, remove_watch, folder);
		}
	}
}

void folder_list_polled(struct folder *folder, struct paths *out)
{
	list_polled(folder->dirs.root, out);
	folder->polled = out->count > 0;
}

void folder_begin_poll(struct folder *folder)
{
	folder->walk++;
}

void folder_end_poll(struct folder *folder, const char *path, size_t len)
{
	struct dirs_node *node = dirs_find(&folder->dirs, path, len);

	if (node) {
		drop_unseen(folder, node);
	}
	if (node && node->parent && node->seen != folder->walk) {
		dirs_drop(&folder->dirs, node, remove_watch, folder);
	}
}

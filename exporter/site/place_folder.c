/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/site/folders.h"
#include "exporter/site/place_look.h"
#include "exporter/site/place_note.h"
#include "exporter/site/place_walk.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define BUILD "build" /* in its tmp/ */
#define DONE "done\n" /* in the note; whatever follows it does not count */
#define LATE_MAX 64

struct place_folder {
	struct place base; /* `name` is the path */
	struct folders folders;
	int own, tmp, lock;
	int build;              /* the folder for place_build_begin, or -1 */
	struct place_look look; /* in use while its `found` is set */
	/* The file that is being written; *failure is set if writing it failed. */
	struct buf path;
	int out;
	int rc;
	struct err failure;
	bool was_there;
	/* Files that are written, but not flushed and renamed yet: tmp/file0, tmp/file1 ...
	 * `path` is where the file goes, as an offset in late_paths. */
	struct {
		int fd;
		size_t path;
	} late[LATE_MAX];
	size_t lates;
	struct buf late_paths;
};

static struct place_folder *of(const struct place *base)
{
	return (struct place_folder *)base;
}

/* --- opening and closing --- */

/* Opens the folder `name` in `parent`, made if it is missing. */
static int open_own(struct place_folder *place, int *fd, int parent, const char *name,
		    struct err *err)
{
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST) {
		return err_sys(err, "cannot make folder '%s' in '%s'", name,
			       place->folders.root_path);
	}
	*fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd < 0 ? err_sys(err, "cannot open folder '%s' in '%s'", name,
				 place->folders.root_path)
		       : 0;
}

static int empty_tmp(struct place_folder *place, struct err *err)
{
	struct buf path = {0};
	uint64_t removed = 0;
	int rc;

	buf_addstr(&path, PLACE_OWN "/tmp");
	rc = place_walk(place->tmp, ".", place->folders.root_path, &path, NULL, NULL,
			&removed, err);
	buf_release(&path);
	return rc;
}

/* Takes the lock, if its file exists, without making or writing anything. If we may not
 * write the file, we lock a descriptor that only reads, and the message cannot say which
 * process has the lock. No file: nobody has published there. */
static int lock_to_look(struct place_folder *place, const char *path, const char *holder,
			struct err *err)
{
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		return 0;
	}
	if (access(path, W_OK) == 0) {
		return file_lock(&place->lock, path, holder, err);
	}
	place->lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (place->lock < 0) {
		return err_sys(err, "cannot open lock '%s'", path);
	}
	if (flock(place->lock, LOCK_SH | LOCK_NB) == 0) {
		return 0;
	}
	return errno == EWOULDBLOCK
		       ? err_set(err, ERR_LOCKED,
				 "'%s' is locked by another process; wait for it or stop "
				 "it",
				 path)
		       : err_sys(err, "cannot lock '%s'", path);
}

/* What is not open. */
static void reset(struct place_folder *place)
{
	*place = (struct place_folder){.base = place->base,
				       .own = -1,
				       .tmp = -1,
				       .lock = -1,
				       .build = -1,
				       .out = -1,
				       .look.fd = -1};
}

static int open_look(struct place *base, struct snapshot_repo *repo, const char *holder,
		     struct err *err)
{
	struct place_folder *place = of(base);
	struct buf lock = {0};
	int rc = folders_open(&place->folders, base->name, err);

	(void)repo;
	buf_addf(&lock, "%s/" PLACE_OWN "/lock", base->name);
	rc = rc ? rc : lock_to_look(place, lock.data, holder, err);
	if (!rc) {
		place->own = openat(place->folders.root, PLACE_OWN,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	buf_release(&lock);
	return rc;
}

static int open_to_write(struct place *base, struct snapshot_repo *repo,
			 const char *holder, struct err *err)
{
	struct place_folder *place = of(base);
	struct buf lock = {0};
	int rc;

	(void)repo;
	buf_addf(&lock, "%s/" PLACE_OWN "/lock", base->name);
	if ((rc = file_mkdirs(base->name, err)) == 0 &&
	    (rc = folders_open(&place->folders, base->name, err)) == 0 &&
	    (rc = open_own(place, &place->own, place->folders.root, PLACE_OWN, err)) ==
		    0 &&
	    (rc = file_lock(&place->lock, lock.data, holder, err)) == 0 &&
	    (rc = open_own(place, &place->tmp, place->own, "tmp", err)) == 0) {
		rc = empty_tmp(place, err);
	}
	buf_release(&lock);
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static void close_place(struct place *base)
{
	struct place_folder *place = of(base);
	for (size_t i = 0; i < place->lates; i++) {
		close(place->late[i].fd);
	}
	close_fd(place->out);
	close_fd(place->look.fd);
	close_fd(place->build);
	if (place->out >= 0 || place->build >= 0 || place->lates) {
		/* This frees room on a full disk. The next writer does it again, so a
		 * failure does not matter. */
		empty_tmp(place, NULL);
	}
	close_fd(place->tmp);
	close_fd(place->own);
	folders_close(&place->folders);
	close_fd(place->lock);
	buf_release(&place->late_paths);
	buf_release(&place->path);
	reset(place);
}

/* --- writing files --- */

/* The name of temporary file `number`. */
struct temp {
	char name[32];
};

static struct temp temp_name(size_t number)
{
	struct temp temp;

	snprintf(temp.name, sizeof(temp.name), "file%zu", number);
	return temp;
}

static int cannot_write(const struct place_folder *place, const char *path,
			struct err *err)
{
	return err_sys(err, "cannot write '%s/%s'", place->folders.root_path, path);
}

/* Makes the folders that `path` lies in, below place->build. Mostly only the deepest is
 * missing, so it is tried first. */
static int make_build_folders(struct place_folder *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int rc;

	if (!slash) {
		errno = ENOENT;
		return -1;
	}
	folder = xmemdup0(path, (size_t)(slash - path));
	rc = mkdirat(place->build, folder, 0777);
	if (rc < 0 && errno == ENOENT && make_build_folders(place, folder) == 0) {
		rc = mkdirat(place->build, folder, 0777);
	}
	free(folder);
	return rc;
}

/* Opens a new file for `path`. */
static int create(struct place_folder *place, const char *path)
{
	static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	int fd;

	if (place->build < 0) {
		return openat(place->tmp, temp_name(place->lates).name, flags | O_EXCL,
			      0644);
	}
	fd = openat(place->build, path, flags | O_TRUNC, 0644);
	if (fd < 0 && errno == ENOENT && make_build_folders(place, path) == 0) {
		fd = openat(place->build, path, flags | O_TRUNC, 0644);
	}
	return fd;
}

static int begin(struct place *base, const char *path, struct err *err)
{
	struct place_folder *place = of(base);
	assert(place->out < 0);
	buf_clear(&place->path);
	buf_addstr(&place->path, path);
	place->rc = 0;
	place->was_there = false;
	if (place->look.found) {
		return place_look_begin(&place->look, &place->folders, path, err);
	}
	place->out = create(place, path);
	return place->out < 0 ? err_sys(err, "cannot make '%s/%s'",
					place->folders.root_path, path)
			      : 0;
}

static void write_some(struct place *base, const void *bytes, size_t len)
{
	struct place_folder *place = of(base);
	const char *p = bytes;

	if (place->look.found) {
		place_look_write(&place->look, bytes, len);
		return;
	}
	while (!place->rc && len) {
		ssize_t n = write(place->out, p, len);

		if (n < 0 && errno != EINTR) {
			place->rc =
				cannot_write(place, place->path.data, &place->failure);
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* Gives the new file an mtime a second or more after that of the file it replaces. */
static int set_mtime(struct place_folder *place, struct err *err)
{
	const char *path = place->path.data, *name;
	struct stat old, now;
	int dirfd;
	int rc = folders_parent(&place->folders, &dirfd, &name, path, true, err);

	if (rc) {
		return rc;
	}
	if (fstatat(dirfd, name, &old, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT ? 0 : cannot_write(place, path, err);
	}
	place->was_there = true;
	if (fstat(place->out, &now) < 0) {
		return cannot_write(place, path, err);
	}
	old.st_mtim.tv_sec++;
	if (now.st_mtim.tv_sec > old.st_mtim.tv_sec ||
	    (now.st_mtim.tv_sec == old.st_mtim.tv_sec &&
	     now.st_mtim.tv_nsec >= old.st_mtim.tv_nsec)) {
		return 0;
	}
	return futimens(place->out, (const struct timespec[2]){{.tv_nsec = UTIME_OMIT},
							       old.st_mtim}) < 0
		       ? cannot_write(place, path, err)
		       : 0;
}

/* Renames a temporary file to `path`. */
static int rename_late(struct place_folder *place, size_t number, const char *path,
		       struct err *err)
{
	const char *root = place->folders.root_path, *name;
	struct temp temp = temp_name(number);
	int dirfd;
	int rc = folders_parent(&place->folders, &dirfd, &name, path, true, err);

	if (rc) {
		return rc;
	}
	rc = renameat(place->tmp, temp.name, dirfd, name);
	if (rc < 0 && (errno == EISDIR || errno == EEXIST || errno == ENOTEMPTY)) {
		if ((rc = place_walk_remove(dirfd, name, root, err))) {
			return rc;
		}
		rc = renameat(place->tmp, temp.name, dirfd, name);
	}
	if (rc < 0) {
		return err_sys(
			err,
			"cannot rename a file in '%s/" PLACE_OWN "/tmp' to '%s/%s'%s",
			root, root, path,
			errno == EXDEV ? " (a site must be on one file system)" : "");
	}
	folders_changed(&place->folders);
	return 0;
}

/* Flushes the late files (few files only), then renames them, in the order they came. */
static int finish_late(struct place_folder *place, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < place->lates; i++) {
		const char *path = place->late_paths.data + place->late[i].path;

		if (!rc && !place->folders.many && fsync(place->late[i].fd) < 0) {
			rc = cannot_write(place, path, err);
		}
		if (close(place->late[i].fd) < 0 && !rc) {
			rc = cannot_write(place, path, err);
		}
	}
	for (size_t i = 0; i < place->lates; i++) {
		if (!rc) {
			rc = rename_late(place, i,
					 place->late_paths.data + place->late[i].path,
					 err);
		}
		if (rc) {
			unlinkat(place->tmp, temp_name(i).name, 0);
		}
	}
	place->lates = 0;
	buf_clear(&place->late_paths);
	return rc;
}

/* Adds the file that was written to the late ones. */
static int add_late(struct place_folder *place, struct err *err)
{
	if (!place->folders.many) {
		/* The disk may begin with this file while we write others. Only a hint:
		 * the fsync in finish_late makes the file durable. */
		sync_file_range(place->out, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	place->late[place->lates].fd = place->out;
	place->late[place->lates++].path = place->late_paths.len;
	buf_add(&place->late_paths, place->path.data, place->path.len + 1);
	place->out = -1;
	return place->folders.many || place->lates == LATE_MAX ? finish_late(place, err)
							       : 0;
}

static int end(struct place *base, struct err *err)
{
	struct place_folder *place = of(base);
	bool building = place->build >= 0;
	int rc = place->rc;

	if (place->look.found) {
		place_look_end(&place->look, place->path.data);
		return 0;
	}
	if (rc && err) {
		*err = place->failure;
	}
	if (!rc && !building) {
		rc = set_mtime(place, err);
		if (!rc) {
			return add_late(place, err);
		}
	}
	if (close(place->out) < 0 && !rc) {
		rc = cannot_write(place, place->path.data, err);
	}
	place->out = -1;
	if (!building) {
		unlinkat(place->tmp, temp_name(place->lates).name, 0);
	}
	return rc;
}

static bool was_there(struct place *base)
{
	return of(base)->was_there;
}

/* --- making durable --- */

static void set_many(struct place *base, bool many)
{
	struct place_folder *place = of(base);
	assert(!place->lates);
	place->folders.many = many;
}

static void doubt(struct place *base)
{
	struct place_folder *place = of(base);
	place->folders.whole = true;
}

static int flush(struct place *base, struct err *err)
{
	struct place_folder *place = of(base);
	int rc = finish_late(place, err);

	return rc ? rc : folders_flush(&place->folders, err);
}

static int build_begin(struct place *base, struct err *err)
{
	struct place_folder *place = of(base);
	assert(place->folders.many && place->build < 0);
	return open_own(place, &place->build, place->tmp, BUILD, err);
}

static int build_end(struct place *base, struct err *err)
{
	struct place_folder *place = of(base);
	static const char *const folder[] = {"audit", "api"};
	const char *root = place->folders.root_path;

	for (size_t i = 0; i < sizeof(folder) / sizeof(*folder); i++) {
		if (renameat(place->build, folder[i], place->folders.root, folder[i]) <
			    0 &&
		    errno != ENOENT) {
			return err_sys(err,
				       "cannot rename '%s/" PLACE_OWN "/tmp/" BUILD
				       "/%s' to '%s/%s'",
				       root, folder[i], root, folder[i]);
		}
	}
	if (unlinkat(place->tmp, BUILD, AT_REMOVEDIR) < 0) {
		return err_sys(err, "cannot remove '%s/" PLACE_OWN "/tmp/" BUILD "'",
			       root);
	}
	close(place->build);
	place->build = -1;
	place->folders.whole = true;
	return 0;
}

/* --- looking and removing --- */

static void set_look(struct place *base, place_found_fn *found, void *payload)
{
	struct place_folder *place = of(base);
	place->look.found = found;
	place->look.payload = payload;
}

static int has(bool *has, struct place *base, const char *path, const void *body,
	       size_t len, struct err *err)
{
	struct place_folder *place = of(base);
	struct place_look look = {0};
	int rc = place_look_begin(&look, &place->folders, path, err);

	place_look_write(&look, body, len);
	place_look_end(&look, path);
	*has = look.is_same;
	return rc;
}

/* Removes `path` if it exists: a file, or with AT_REMOVEDIR an empty folder. Sets *gone
 * if it was removed. ERR_NOTFOUND (no message): nor does its folder exist. */
static int remove_entry(struct place_folder *place, bool *gone, const char *path,
			int flags, struct err *err)
{
	const char *name;
	int dirfd;
	int rc = folders_parent(&place->folders, &dirfd, &name, path, false, err);

	*gone = !rc && unlinkat(dirfd, name, flags) == 0;
	if (*gone) {
		folders_changed(&place->folders);
	} else if (!rc && errno != ENOENT && errno != EISDIR && errno != ENOTDIR &&
		   errno != ENOTEMPTY && errno != EEXIST) {
		rc = err_sys(err, "cannot remove '%s/%s'", place->folders.root_path,
			     path);
	}
	return rc;
}

static int remove_file(struct place *base, const char *path, uint64_t *removed,
		       struct err *err)
{
	struct place_folder *place = of(base);
	bool gone;
	int rc = finish_late(place, err);

	if (rc) {
		return rc;
	}
	if (place->look.found) {
		return place_look_remove(&place->look, &place->folders, path, err);
	}
	rc = remove_entry(place, &gone, path, 0, err);
	if (!rc) {
		*removed += gone;
		rc = folders_remove_empty(&place->folders, err);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int remove_folder(struct place *base, const char *path, struct err *err)
{
	struct place_folder *place = of(base);
	bool gone;
	int rc = finish_late(place, err);

	if (!rc && !place->look.found) {
		rc = remove_entry(place, &gone, path, AT_REMOVEDIR, err);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int prune(struct place *base, const char *path, place_keep_fn *keep, void *payload,
		 uint64_t *removed, struct err *err)
{
	struct place_folder *place = of(base);
	struct buf at = {0};
	const char *name;
	int dirfd;
	int rc = finish_late(place, err);

	if (rc ||
	    (rc = folders_parent(&place->folders, &dirfd, &name, path, false, err))) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		return 0;
	}
	buf_addstr(&at, path);
	if (place->look.found) {
		rc = place_look_prune(&place->look, &place->folders, dirfd, name, &at,
				      keep, payload, err);
	} else {
		rc = place_walk(dirfd, name, place->folders.root_path, &at, keep, payload,
				removed, err);
		place->folders.whole =
			true; /* the walk does not say which folders it changed */
	}
	buf_release(&at);
	return rc;
}

static int put_state(struct place *base, const void *body, size_t len, struct err *err)
{
	struct place_folder *place = of(base);
	int rc;

	if (!place->look.found) {
		set_many(base, false);
	}
	rc = place_put(base, PLACE_STATE, body, len, err);
	return rc || place->look.found ? rc : flush(base, err);
}

/* --- reading --- */

static int read_file(struct buf *out, struct place *base, const char *path, size_t limit,
		     struct err *err)
{
	struct buf full = {0};
	int rc;

	(void)err;
	buf_addf(&full, "%s/%s", base->name, path);
	rc = file_read(out, full.data, limit, NULL);
	buf_release(&full);
	return rc ? ERR_NOTFOUND : 0;
}

static bool has_file(struct place *base, const char *path)
{
	struct buf full = {0};
	struct stat st;
	bool has;

	buf_addf(&full, "%s/%s", base->name, path);
	has = lstat(full.data, &st) == 0 || errno != ENOENT;
	buf_release(&full);
	return has;
}

static int open_dry(struct place *base, struct err *err)
{
	struct place_folder *place = of(base);
	int rc = has_file(base, "") ? folders_open(&place->folders, base->name, err)
				    : ERR_NOTFOUND;

	if (!rc) {
		place->own = openat(place->folders.root, PLACE_OWN, FOLDER | O_NOFOLLOW);
		if (place->own < 0 && errno != ENOENT) {
			rc = err_sys(err, "cannot open folder '" PLACE_OWN "' in '%s'",
				     base->name);
		}
	}
	return rc;
}

static int is_bare(bool *bare, struct place *base, struct err *err)
{
	(void)err;
	*bare = !has_file(base, "api") && !has_file(base, "audit");
	return 0;
}

static int is_site(bool *is, struct place *base, struct err *err)
{
	struct buf lock = {0};

	(void)err;
	buf_addf(&lock, "%s/" PLACE_OWN "/lock", base->name);
	*is = access(lock.data, F_OK) == 0;
	buf_release(&lock);
	return 0;
}

/* A publish that was killed, or runs, may have made .albumen and not yet the lock in it.
 * mkfs makes lost+found. */
static int find_entry(struct buf *name, struct place *base, struct err *err)
{
	static const char *const ignored[] = {"lost+found", PLACE_OWN, NULL};
	static const char *const none[] = {NULL};
	struct buf own = {0};
	int rc = file_find_entry(name, base->name, ignored, err);

	if (!rc && !name->len) {
		buf_addf(&own, "%s/" PLACE_OWN, base->name);
		rc = file_find_entry(name, own.data, none, err);
		if (name->len) {
			buf_clear(name);
			buf_addstr(name, PLACE_OWN);
		}
		buf_release(&own);
	}
	return rc;
}

/* --- the note of what is unfinished --- */

static struct place_note note_of(const struct place_folder *place)
{
	return (struct place_note){place->base.name, place->folders.root, place->own,
				   place->tmp};
}

static int pending_read(struct buf *lines, bool *unfinished, struct place *base,
			struct err *err)
{
	const struct place_folder *place = of(base);
	bool is_open = place->folders.root_path;
	struct place_note note = note_of(place);
	struct buf text = {0};
	int rc = is_open ? place_note_read(&text, &note, err)
			 : place_note_look(&text, base->name);

	/* A note that was just made is empty: no file was touched yet. */
	*unfinished = !rc && text.len && strncmp(text.data, DONE, strlen(DONE)) != 0;
	if (*unfinished) {
		buf_add(lines, text.data, text.len);
	}
	if (rc && (rc == ERR_NOTFOUND || !is_open)) {
		*unfinished = rc != ERR_NOTFOUND;
		rc = 0;
	}
	buf_release(&text);
	return rc;
}

static int pending_check(struct place *base, struct err *err)
{
	return place_note_check(base->name, err);
}

static int64_t pending_since_s(struct place *base)
{
	return place_note_since_s(base->name);
}

static int pending_begin(struct place *base, const char *lines, size_t len,
			 bool unfinished, struct err *err)
{
	struct place_note note = note_of(of(base));

	/* While the note says "done", no file has been touched for what is written over
	 * it, so it may be written in place; a commit in it must not be lost. */
	return unfinished ? place_note_replace(&note, lines, len, err)
			  : place_note_write(&note, lines, len, true, err);
}

static int pending_end(struct place *base, struct err *err)
{
	struct place_note note = note_of(of(base));

	return place_note_write(&note, DONE, strlen(DONE), false, err);
}

/* --- beside the site --- */

/* Writes the text to a file in `own`, which is locked, and renames that. */
static bool replace_beside(int root, int own, const char *path, const void *body,
			   size_t len)
{
	int fd = openat(own, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0644);
	bool done = fd >= 0 && file_write_fd(fd, body, len, path, NULL) == 0;

	if (fd >= 0) {
		done = close(fd) == 0 && done;
	}
	return done && renameat(own, path, root, path) == 0;
}

/* Opens the site's own folder, made if somebody has removed it. */
static int open_own_beside(int root)
{
	if (root < 0 || (mkdirat(root, PLACE_OWN, 0700) < 0 && errno != EEXIST)) {
		return -1;
	}
	return openat(root, PLACE_OWN, FOLDER | O_NOFOLLOW);
}

/* The site's lock is not needed, since `publish --check` may hold it for minutes; that of its
 * own folder keeps two writers of the temporary file apart. */
static int put_beside(struct place *base, const char *path, const void *body, size_t len,
		      struct err *err)
{
	int root = open(base->name, FOLDER), own = open_own_beside(root), rc;
	bool done = own >= 0 && (flock(own, LOCK_EX | LOCK_NB) == 0
					 ? replace_beside(root, own, path, body, len)
					 : errno == EWOULDBLOCK);

	rc = done ? 0 : err_sys(err, "cannot write '%s/%s'", base->name, path);
	close_fd(own);
	close_fd(root);
	return rc;
}

static void free_place(struct place *base)
{
	free(of(base));
}

struct place *place_folder_new(const char *path)
{
	static const struct place_kind kind = {
		.is_folder = true,
		.free = free_place,
		.read = read_file,
		.has_file = has_file,
		.is_bare = is_bare,
		.is_site = is_site,
		.find_entry = find_entry,
		.open = open_to_write,
		.open_look = open_look,
		.open_dry = open_dry,
		.close = close_place,
		.pending_read = pending_read,
		.pending_check = pending_check,
		.pending_since_s = pending_since_s,
		.pending_begin = pending_begin,
		.pending_end = pending_end,
		.set_many = set_many,
		.doubt = doubt,
		.flush = flush,
		.build_begin = build_begin,
		.build_end = build_end,
		.begin = begin,
		.write = write_some,
		.end = end,
		.was_there = was_there,
		.put_state = put_state,
		.set_look = set_look,
		.has = has,
		.remove = remove_file,
		.remove_folder = remove_folder,
		.prune = prune,
		.put_beside = put_beside,
	};
	struct place_folder *place = xzalloc(sizeof(*place));

	place->base.kind = &kind;
	place->base.name = xstrdup(path);
	reset(place);
	return &place->base;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place.h"

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

#define BUILD "build" /* in its tmp/ */
#define NOTE_MAX (1 << 20)
#define LATE_MAX 64

struct place {
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

/* --- opening and closing --- */

/* Opens the folder `name` in `parent`, made if it is missing. */
static int open_own(struct place *place, int *fd, int parent, const char *name,
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

static int empty_tmp(struct place *place, struct err *err)
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
static int lock_to_look(struct place *place, const char *path, const char *holder,
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

static struct place *new_place(void)
{
	struct place *place = xzalloc(sizeof(*place));

	place->own = place->tmp = place->lock = -1;
	place->build = place->out = place->look.fd = -1;
	return place;
}

int place_open_look(struct place **out, const char *path, const char *holder,
		    struct err *err)
{
	struct place *place = new_place();
	struct buf lock = {0};
	int rc = folders_open(&place->folders, path, err);

	buf_addf(&lock, "%s/" PLACE_OWN "/lock", path);
	if (rc || (rc = lock_to_look(place, lock.data, holder, err))) {
		place_close(place);
	} else {
		place->own = openat(place->folders.root, PLACE_OWN,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*out = place;
	}
	buf_release(&lock);
	return rc;
}

int place_open(struct place **out, const char *path, const char *holder, struct err *err)
{
	struct place *place = new_place();
	struct buf lock = {0};
	int rc;

	buf_addf(&lock, "%s/" PLACE_OWN "/lock", path);
	if ((rc = file_mkdirs(path, err)) ||
	    (rc = folders_open(&place->folders, path, err)) ||
	    (rc = open_own(place, &place->own, place->folders.root, PLACE_OWN, err)) ||
	    (rc = file_lock(&place->lock, lock.data, holder, err)) ||
	    (rc = open_own(place, &place->tmp, place->own, "tmp", err)) ||
	    (rc = empty_tmp(place, err))) {
		place_close(place);
	} else {
		*out = place;
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

void place_close(struct place *place)
{
	if (!place) {
		return;
	}
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
	free(place);
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

static int cannot_write(const struct place *place, const char *path, struct err *err)
{
	return err_sys(err, "cannot write '%s/%s'", place->folders.root_path, path);
}

/* Makes the folders that `path` lies in, below place->build. Mostly only the deepest is
 * missing, so it is tried first. */
static int make_build_folders(struct place *place, const char *path)
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
static int create(struct place *place, const char *path)
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

int place_begin(struct place *place, const char *path, struct err *err)
{
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

void place_write(struct place *place, const void *bytes, size_t len)
{
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
static int set_mtime(struct place *place, struct err *err)
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
static int rename_late(struct place *place, size_t number, const char *path,
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
static int finish_late(struct place *place, struct err *err)
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
static int add_late(struct place *place, struct err *err)
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

int place_end(struct place *place, struct err *err)
{
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

int place_put(struct place *place, const char *path, const void *body, size_t len,
	      struct err *err)
{
	int rc = place_begin(place, path, err);

	if (rc) {
		return rc;
	}
	place_write(place, body, len);
	return place_end(place, err);
}

bool place_was_there(const struct place *place)
{
	return place->was_there;
}

/* --- making durable --- */

void place_set_many(struct place *place, bool many)
{
	assert(!place->lates);
	place->folders.many = many;
}

void place_doubt(struct place *place)
{
	place->folders.whole = true;
}

int place_flush(struct place *place, struct err *err)
{
	int rc = finish_late(place, err);

	return rc ? rc : folders_flush(&place->folders, err);
}

int place_build_begin(struct place *place, struct err *err)
{
	assert(place->folders.many && place->build < 0);
	return open_own(place, &place->build, place->tmp, BUILD, err);
}

int place_build_end(struct place *place, struct err *err)
{
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
	place_doubt(place);
	return 0;
}

/* --- looking and removing --- */

void place_set_look(struct place *place, place_found_fn *found, void *payload)
{
	place->look.found = found;
	place->look.payload = payload;
}

int place_has(bool *has, struct place *place, const char *path, const void *body,
	      size_t len, struct err *err)
{
	struct place_look look = {0};
	int rc = place_look_begin(&look, &place->folders, path, err);

	place_look_write(&look, body, len);
	place_look_end(&look, path);
	*has = look.is_same;
	return rc;
}

/* Removes `path` if it exists: a file, or with AT_REMOVEDIR an empty folder. Sets *gone
 * if it was removed. ERR_NOTFOUND (no message): nor does its folder exist. */
static int remove_entry(struct place *place, bool *gone, const char *path, int flags,
			struct err *err)
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

int place_remove(struct place *place, const char *path, uint64_t *removed,
		 struct err *err)
{
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

int place_remove_folder(struct place *place, const char *path, struct err *err)
{
	bool gone;
	int rc = finish_late(place, err);

	if (!rc && !place->look.found) {
		rc = remove_entry(place, &gone, path, AT_REMOVEDIR, err);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int place_prune(struct place *place, const char *path, place_keep_fn *keep, void *payload,
		uint64_t *removed, struct err *err)
{
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
		place_doubt(place); /* the walk does not say which folders it changed */
	}
	buf_release(&at);
	return rc;
}

/* --- notes --- */

int place_note_read(struct buf *out, struct place *place, const char *name,
		    struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = openat(place->own, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc = 0;

	if (place->own < 0 || (fd < 0 && errno == ENOENT)) {
		return ERR_NOTFOUND;
	}
	if (fd < 0 && errno != ELOOP && errno != ENXIO) {
		return err_sys(err, "cannot open '%s/" PLACE_OWN "/%s'",
			       place->folders.root_path, name);
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > NOTE_MAX) {
		rc = err_set(err, ERR_FAIL,
			     "'%s/" PLACE_OWN
			     "/%s' is no note of albumen-exporter: remove it, "
			     "and run 'albumen-exporter publish --repair'",
			     place->folders.root_path, name);
	}
	rc = rc ? rc : file_read_fd(out, fd, NOTE_MAX, name, err);
	close_fd(fd);
	return rc;
}

/* Makes the folder .albumen durable, and its entry in the site. Not done when the folder
 * is made: if that fsync failed, the next writer would find the folder and not know. */
static int flush_own(struct place *place)
{
	return fsync(place->own) < 0 || fsync(place->folders.root) < 0 ? -1 : 0;
}

static int cannot_write_note(const struct place *place, const char *name, struct err *err)
{
	return err_sys(err, "cannot write '%s/" PLACE_OWN "/%s'",
		       place->folders.root_path, name);
}

int place_note_replace(struct place *place, const char *name, const void *text,
		       size_t len, struct err *err)
{
	int fd = openat(place->tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool failed = fd < 0;

	if (!failed) {
		failed = file_write_fd(fd, text, len, name, NULL) < 0 || fsync(fd) < 0;
		failed = close(fd) < 0 || failed;
	}
	if (failed || renameat(place->tmp, name, place->own, name) < 0 ||
	    flush_own(place) < 0) {
		int rc = cannot_write_note(place, name, err);

		unlinkat(place->tmp, name, 0);
		return rc;
	}
	return 0;
}

int place_note_write(struct place *place, const char *name, const void *text, size_t len,
		     bool flush, struct err *err)
{
	int fd = openat(place->own, name,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
	bool failed = fd < 0, is_new = false;
	struct stat st;

	if (!failed) {
		/* It is new, or was made by a writer that got no further: then .albumen
		 * may not be durable either. */
		is_new = fstat(fd, &st) < 0 || st.st_size == 0;
		failed = pwrite(fd, text, len, 0) != (ssize_t)len ||
			 ftruncate(fd, (off_t)len) < 0 || (flush && fsync(fd) < 0);
		failed = close(fd) < 0 || failed;
	}
	if (failed || (flush && is_new && flush_own(place) < 0)) {
		return cannot_write_note(place, name, err);
	}
	return 0;
}

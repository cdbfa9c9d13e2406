/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_inner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/site/place_look.h"
#include "exporter/site/place_walk.h"

#define NOTE_MAX (1 << 20)

void place_close_folders(struct place *place, size_t depth)
{
	while (place->depth > depth) {
		close(place->fd[--place->depth]);
	}
	buf_setlen(&place->at, depth ? place->end[depth - 1] : 0);
}

/* Remembers the folder `path` (its first `len` bytes) for place_sync. */
static void touch(struct place *place, const char *path, size_t len)
{
	place->dirty = true;
	if (place->many) {
		return;
	}
	for (size_t i = 0; i < place->touched.len;) {
		const char *known = place->touched.data + i;
		size_t known_len = strlen(known);

		if (known_len == len && memcmp(known, path, len) == 0) {
			return;
		}
		i += known_len + 1;
	}
	buf_add(&place->touched, path, len);
	buf_addch(&place->touched, '\0');
}

void place_touch(struct place *place)
{
	touch(place, place->at.len ? place->at.data : "", place->at.len);
}

/* Opens the folder at.data + start, whose parent is the last open one. */
static int open_folder(struct place *place, size_t start, bool make, struct err *err)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int parent = place->depth ? place->fd[place->depth - 1] : place->root;
	const char *name = place->at.data + start;
	int fd = openat(parent, name, flags);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP) &&
	    place->depth >= PLACE_FIXED_DEPTH) {
		/* In the way of an album's folder: not of the site. */
		if (make && unlinkat(parent, name, 0) < 0) {
			return err_sys(err, "cannot remove '%s/%s'", place->root_path,
				       place->at.data);
		}
		errno = ENOENT;
	}
	if (fd < 0 && errno == ENOENT && !make) {
		return ERR_NOTFOUND;
	}
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(parent, name, 0777) < 0) {
			return err_sys(err, "cannot make folder '%s/%s'",
				       place->root_path, place->at.data);
		}
		touch(place, place->at.data, start ? start - 1 : 0);
		fd = openat(parent, name, flags);
	}
	if (fd < 0) {
		return err_sys(err, "cannot open folder '%s/%s'", place->root_path,
			       place->at.data);
	}
	place->end[place->depth] = place->at.len;
	place->fd[place->depth++] = fd;
	return 0;
}

int place_parent(struct place *place, int *dirfd, const char **name, const char *path,
		 bool make, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	size_t common = 0;
	int rc;

	while (common < place->depth && place->end[common] <= len &&
	       path[place->end[common]] == '/' &&
	       memcmp(path, place->at.data, place->end[common]) == 0) {
		common++;
	}
	place_close_folders(place, common);
	while (place->at.len < len) {
		size_t start = place->at.len ? place->at.len + 1 : 0;
		size_t end = start + strcspn(path + start, "/");

		assert(place->depth < PLACE_DEPTH_MAX);
		buf_add(&place->at, path + place->at.len, end - place->at.len);
		rc = open_folder(place, start, make, err);
		if (rc) {
			place_close_folders(place, place->depth);
			return rc;
		}
	}
	*dirfd = place->depth ? place->fd[place->depth - 1] : place->root;
	*name = slash ? slash + 1 : path;
	return 0;
}

/* Opens the folder `name` of the site's own, made if absent. */
static int own_folder(int *fd, bool *made, int parent, const char *name,
		      const char *root_path, struct err *err)
{
	*made = mkdirat(parent, name, 0700) == 0;
	if (!*made && errno != EEXIST) {
		return err_sys(err, "cannot make folder '%s' in '%s'", name, root_path);
	}
	*fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0) {
		return err_sys(err, "cannot open folder '%s' in '%s'", name, root_path);
	}
	return 0;
}

static int sweep(struct place *place, struct err *err)
{
	struct buf path = {0};
	uint64_t removed = 0;
	int rc;

	buf_addstr(&path, PLACE_OWN "/tmp");
	rc = place_walk(place->tmp, ".", place->root_path, &path, NULL, NULL, &removed,
			NULL, err);
	buf_release(&path);
	return rc;
}

static struct place *new_place(const char *path)
{
	struct place *place = xzalloc(sizeof(*place));

	place->root_path = xstrdup(path);
	place->root = place->own = place->tmp = place->lock = -1;
	place->build = place->out = -1;
	return place;
}

int place_open_look(struct place **out, const char *path, const char *who,
		    struct err *err)
{
	struct place *place = new_place(path);
	struct buf lock = {0};
	int rc = 0;

	buf_addf(&lock, "%s/" PLACE_OWN "/lock", path);
	place->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->root < 0) {
		rc = err_sys(err, "cannot open folder '%s'", path);
	}
	if (!rc) {
		rc = place_look_lock(place, lock.data, who, err);
	}
	if (!rc) {
		place->own = openat(place->root, PLACE_OWN,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*out = place;
		place = NULL;
	}
	buf_release(&lock);
	place_close(place);
	return rc;
}

int place_open(struct place **out, const char *path, const char *who, struct err *err)
{
	struct place *place = new_place(path);
	struct buf lock = {0};
	bool made = false;
	int rc;

	buf_addf(&lock, "%s/" PLACE_OWN "/lock", path);
	if ((rc = file_mkdirs(path, err))) {
		goto out;
	}
	place->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->root < 0) {
		rc = err_sys(err, "cannot open folder '%s'", path);
		goto out;
	}
	if ((rc = own_folder(&place->own, &made, place->root, PLACE_OWN, path, err))) {
		goto out;
	}
	if ((rc = file_lock(&place->lock, lock.data, who, err)) ||
	    (rc = own_folder(&place->tmp, &made, place->own, "tmp", path, err)) ||
	    (rc = sweep(place, err))) {
		goto out;
	}
	*out = place;
	place = NULL;
out:
	buf_release(&lock);
	place_close(place);
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
	place_close_folders(place, 0);
	for (size_t i = 0; i < place->lates; i++) {
		close(place->late[i].fd);
	}
	if (place->found) { /* changes nothing */
		close_fd(place->out);
	} else if (place->out >= 0 || place->build >= 0 || place->lates) {
		close_fd(place->out);
		close_fd(place->build);
		/* Only for tidiness, and for the room on a full disk: the next
		 * writer does it again. */
		sweep(place, NULL);
	}
	close_fd(place->tmp);
	close_fd(place->own);
	close_fd(place->root);
	close_fd(place->lock);
	buf_release(&place->at);
	buf_release(&place->touched);
	buf_release(&place->late_paths);
	buf_release(&place->path);
	free(place->root_path);
	free(place);
}

void place_set_many(struct place *place, bool many)
{
	assert(!place->lates);
	place->many = many;
}

void place_doubt(struct place *place)
{
	place->whole = place->dirty = true;
}

int place_sync(struct place *place, struct err *err)
{
	int rc = place_settle(place, err);

	if (rc || !place->dirty) {
		return rc;
	}
	if ((place->many || place->whole) && syncfs(place->root) < 0) {
		rc = err_sys(err, "cannot sync '%s'", place->root_path);
	}
	for (size_t i = 0; !rc && i < place->touched.len;) {
		const char *path = place->touched.data + i;
		int fd = openat(place->root, *path ? path : ".",
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		/* One that has gone has its entry, too, in a folder that was touched. */
		if (fd < 0 ? errno != ENOENT : fsync(fd) < 0) {
			rc = err_sys(err, "cannot sync folder '%s/%s'", place->root_path,
				     path);
		}
		close_fd(fd);
		i += strlen(path) + 1;
	}
	if (!rc) {
		buf_clear(&place->touched);
		place->dirty = place->whole = false;
	}
	return rc;
}

int place_build_begin(struct place *place, struct err *err)
{
	bool made;

	assert(place->many && place->build < 0);
	return own_folder(&place->build, &made, place->tmp, PLACE_BUILD, place->root_path,
			  err);
}

int place_build_end(struct place *place, struct err *err)
{
	static const char *const folder[] = {"audit", "api"};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(folder) / sizeof(*folder); i++) {
		if (renameat(place->build, folder[i], place->root, folder[i]) < 0 &&
		    errno != ENOENT) {
			rc = err_sys(err,
				     "cannot rename '%s/" PLACE_OWN "/tmp/" PLACE_BUILD
				     "/%s' to '%s/%s'",
				     place->root_path, folder[i], place->root_path,
				     folder[i]);
		}
	}
	if (rc) {
		return rc;
	}
	if (unlinkat(place->tmp, PLACE_BUILD, AT_REMOVEDIR) < 0) {
		rc = err_sys(err, "cannot remove '%s/" PLACE_OWN "/tmp/" PLACE_BUILD "'",
			     place->root_path);
	}
	if (!rc) {
		close(place->build);
		place->build = -1;
		place->dirty = true;
	}
	return rc;
}

int place_note_read(struct buf *out, struct place *place, const char *name,
		    struct err *err)
{
	int fd = openat(place->own, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (place->own < 0 || (fd < 0 && errno == ENOENT)) {
		return ERR_NOTFOUND;
	}
	if (fd < 0) {
		return err_sys(err, "cannot open '%s/" PLACE_OWN "/%s'", place->root_path,
			       name);
	}
	rc = file_read_fd(out, fd, NOTE_MAX, name, err);
	close(fd);
	return rc;
}

/* The notes' folder is durable, and its own entry in the site. Not done when the folder
 * is made: where that sync fails, the next writer finds a folder and cannot know. */
static int sync_own(struct place *place)
{
	return fsync(place->own) < 0 || fsync(place->root) < 0 ? -1 : 0;
}

int place_note_replace(struct place *place, const char *name, const void *text,
		       size_t len, struct err *err)
{
	int fd = openat(place->tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" PLACE_OWN "/%s", place->root_path, name);
	if (fd < 0) {
		rc = err_sys(err, "cannot make '%s'", path.data);
		goto out;
	}
	rc = file_write_fd(fd, text, len, path.data, err);
	if (!rc && fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", path.data);
	}
	if (close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", path.data);
	}
	if (!rc &&
	    (renameat(place->tmp, name, place->own, name) < 0 || sync_own(place) < 0)) {
		rc = err_sys(err, "cannot write '%s'", path.data);
	}
	if (rc) {
		unlinkat(place->tmp, name, 0);
	}
out:
	buf_release(&path);
	return rc;
}

/* Opens the note to be written; *made: it is new, or was made by a writer that got no
 * further, so that its folder may not be durable. */
static int open_note(struct place *place, const char *name, bool *made)
{
	int fd = openat(place->own, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0666);
	struct stat st;

	*made = fd >= 0 && (fstat(fd, &st) < 0 || st.st_size == 0);
	return fd;
}

int place_note_write(struct place *place, const char *name, const void *text, size_t len,
		     bool sync, struct err *err)
{
	bool made;
	int fd = open_note(place, name, &made);
	bool failed = fd < 0;

	if (!failed) {
		failed = pwrite(fd, text, len, 0) != (ssize_t)len ||
			 ftruncate(fd, (off_t)len) < 0 || (sync && fsync(fd) < 0);
		failed = close(fd) < 0 || failed;
	}
	if (failed || (sync && made && sync_own(place) < 0)) {
		return err_sys(err, "cannot write '%s/" PLACE_OWN "/%s'",
			       place->root_path, name);
	}
	return 0;
}

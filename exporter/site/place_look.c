/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/site/place_walk.h"

void place_set_look(struct place *place, place_found_fn *found, void *payload)
{
	place->found = found;
	place->found_payload = payload;
}

/* A site that may only be read is locked by way of a descriptor that only reads, which
 * does not say whose lock it is. No lock at all: nobody has published there. */
int place_look_lock(struct place *place, const char *path, const char *who,
		    struct err *err)
{
	int rc;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		return 0;
	}
	if (access(path, W_OK) == 0) {
		return file_lock(&place->lock, path, who, err);
	}
	place->lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (place->lock < 0) {
		return err_sys(err, "cannot open lock '%s'", path);
	}
	if (flock(place->lock, LOCK_SH | LOCK_NB) == 0) {
		return 0;
	}
	rc = errno == EWOULDBLOCK
		     ? err_set(err, ERR_LOCKED,
			       "'%s' is locked by another process; wait for it or stop "
			       "it",
			       path)
		     : err_sys(err, "cannot lock '%s'", path);
	return rc;
}

int place_look_begin(struct place *place, struct err *err)
{
	const char *path = place->path.data, *name;
	struct stat st;
	int dirfd;
	int rc;

	place->is_there = place->is_same = false;
	rc = place_parent(place, &dirfd, &name, path, false, err);
	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT ? 0
				       : err_sys(err, "cannot stat '%s/%s'",
						 place->root_path, path);
	}
	place->is_there = true;
	if (S_ISREG(st.st_mode)) {
		place->out = openat(dirfd, name,
				    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		place->is_same = place->out >= 0;
	}
	return 0;
}

/* Up to `len` bytes; fewer at the end of the file, or where it cannot be read. */
static size_t read_up_to(int fd, char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, bytes + done, len - done);

		if (n == 0 || (n < 0 && errno != EINTR)) {
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return done;
}

void place_look_write(struct place *place, const void *bytes, size_t len)
{
	const char *want = bytes;
	char chunk[65536];

	while (place->is_same && len) {
		size_t n = len < sizeof(chunk) ? len : sizeof(chunk);

		place->is_same = read_up_to(place->out, chunk, n) == n &&
				 memcmp(chunk, want, n) == 0;
		want += n;
		len -= n;
	}
}

void place_look_end(struct place *place)
{
	char byte;

	if (place->is_same) {
		place->is_same = read_up_to(place->out, &byte, 1) == 0;
	}
	if (place->out >= 0) {
		close(place->out);
		place->out = -1;
	}
	if (!place->is_same) {
		place->found(place->path.data,
			     place->is_there ? PLACE_CHANGED : PLACE_MISSING,
			     place->found_payload);
	}
}

int place_look_remove(struct place *place, const char *path, struct err *err)
{
	const char *name;
	struct stat st;
	int dirfd;
	int rc = place_parent(place, &dirfd, &name, path, false, err);

	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode)) {
		place->found(path, PLACE_EXTRA, place->found_payload);
	}
	return 0;
}

struct look_keep {
	struct place *place;
	place_keep_fn *keep;
	void *payload;
};

static bool keep_and_tell(const char *path, void *payload)
{
	const struct look_keep *look = payload;

	if (!look->keep(path, look->payload)) {
		look->place->found(path, PLACE_EXTRA, look->place->found_payload);
	}
	return true;
}

int place_look_prune(struct place *place, int dirfd, const char *name, struct buf *at,
		     place_keep_fn *keep, void *payload, struct err *err)
{
	struct look_keep look = {.place = place, .keep = keep, .payload = payload};

	return place_walk(dirfd, name, place->root_path, at, keep_and_tell, &look, NULL,
			  NULL, err);
}

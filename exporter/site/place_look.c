/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter/site/place_walk.h"

int place_look_begin(struct place_look *look, struct folders *folders, const char *path,
		     struct err *err)
{
	const char *name;
	struct stat st;
	int dirfd;
	int rc = folders_parent(folders, &dirfd, &name, path, false, err);

	look->fd = -1;
	look->is_there = look->is_same = false;
	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT ? 0
				       : err_sys(err, "cannot stat '%s/%s'",
						 folders->root_path, path);
	}
	look->is_there = true;
	if (S_ISREG(st.st_mode)) {
		look->fd = openat(dirfd, name,
				  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		look->is_same = look->fd >= 0;
	}
	return 0;
}

/* Reads up to `len` bytes; fewer at the end of the file, or where it cannot be read. */
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

void place_look_write(struct place_look *look, const void *bytes, size_t len)
{
	const char *want = bytes;
	char chunk[65536];

	while (look->is_same && len) {
		size_t n = len < sizeof(chunk) ? len : sizeof(chunk);

		look->is_same = read_up_to(look->fd, chunk, n) == n &&
				memcmp(chunk, want, n) == 0;
		want += n;
		len -= n;
	}
}

void place_look_end(struct place_look *look, const char *path)
{
	char byte;

	if (look->is_same) {
		look->is_same = read_up_to(look->fd, &byte, 1) == 0;
	}
	if (look->fd >= 0) {
		close(look->fd);
		look->fd = -1;
	}
	if (!look->is_same && look->found) {
		look->found(path, look->is_there ? PLACE_CHANGED : PLACE_MISSING,
			    look->payload);
	}
}

int place_look_remove(struct place_look *look, struct folders *folders, const char *path,
		      struct err *err)
{
	const char *name;
	struct stat st;
	int dirfd;
	int rc = folders_parent(folders, &dirfd, &name, path, false, err);

	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode)) {
		look->found(path, PLACE_EXTRA, look->payload);
	}
	return 0;
}

struct prune {
	const struct place_look *look;
	place_keep_fn *keep;
	void *payload;
};

static bool report_extra(const char *path, void *payload)
{
	const struct prune *prune = payload;

	if (!prune->keep(path, prune->payload)) {
		prune->look->found(path, PLACE_EXTRA, prune->look->payload);
	}
	return true;
}

int place_look_prune(struct place_look *look, struct folders *folders, int dirfd,
		     const char *name, struct buf *at, place_keep_fn *keep, void *payload,
		     struct err *err)
{
	struct prune prune = {.look = look, .keep = keep, .payload = payload};

	return place_walk(dirfd, name, folders->root_path, at, report_extra, &prune, NULL,
			  err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/site/place.h"

#define NAME "pending"
#define BYTES_MAX (1 << 20)
#define LOOK_MAX (64u << 10)

static void add_path(struct buf *path, const char *site)
{
	buf_addf(path, "%s/" PLACE_OWN "/" NAME, site);
}

/* --- reading --- */

int place_note_read(struct buf *out, const struct place_note *note, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = openat(note->own, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc = 0;

	if (note->own < 0 || (fd < 0 && errno == ENOENT)) {
		return ERR_NOTFOUND;
	}
	if (fd < 0 && errno != ELOOP && errno != ENXIO) {
		return err_sys(err, "cannot open '%s/" PLACE_OWN "/" NAME "'",
			       note->site);
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > BYTES_MAX) {
		rc = err_set(err, ERR_FAIL,
			     "'%s/" PLACE_OWN "/" NAME
			     "' is no note of albumen-exporter: remove it, "
			     "and run 'albumen-exporter publish --repair'",
			     note->site);
	}
	rc = rc ? rc : file_read_fd(out, fd, BYTES_MAX, NAME, err);
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int place_note_look(struct buf *out, const char *site)
{
	struct buf path = {0};
	int rc;

	add_path(&path, site);
	rc = file_read(out, path.data, LOOK_MAX, NULL);
	buf_release(&path);
	return rc;
}

int place_note_check(const char *site, struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	add_path(&path, site);
	if (access(path.data, R_OK) < 0 && errno == EACCES) {
		rc = err_sys(err, "cannot read '%s'", path.data);
	}
	buf_release(&path);
	return rc;
}

int64_t place_note_since_s(const char *site)
{
	struct buf path = {0};
	struct stat st;
	int rc;

	add_path(&path, site);
	rc = stat(path.data, &st);
	buf_release(&path);
	return rc < 0 ? 0 : (int64_t)st.st_mtim.tv_sec;
}

/* --- writing --- */

/* Makes the folder .albumen durable, and its entry in the site. Not done when the folder
 * is made: if that fsync failed, the next writer would find the folder and not know. */
static int flush_own(const struct place_note *note)
{
	return fsync(note->own) < 0 || fsync(note->root) < 0 ? -1 : 0;
}

static int cannot_write(const struct place_note *note, struct err *err)
{
	return err_sys(err, "cannot write '%s/" PLACE_OWN "/" NAME "'", note->site);
}

int place_note_replace(const struct place_note *note, const char *text, size_t len,
		       struct err *err)
{
	int fd = openat(note->tmp, NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool failed = fd < 0;

	if (!failed) {
		failed = file_write_fd(fd, text, len, NAME, NULL) < 0 || fsync(fd) < 0;
		failed = close(fd) < 0 || failed;
	}
	if (failed || renameat(note->tmp, NAME, note->own, NAME) < 0 ||
	    flush_own(note) < 0) {
		int rc = cannot_write(note, err);

		unlinkat(note->tmp, NAME, 0);
		return rc;
	}
	return 0;
}

int place_note_write(const struct place_note *note, const char *text, size_t len,
		     bool flush, struct err *err)
{
	int fd = openat(note->own, NAME,
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
	if (failed || (flush && is_new && flush_own(note) < 0)) {
		return cannot_write(note, err);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/spill.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/base/file.h"

#define TAIL_MAX ((size_t)64 << 10)

/* Opens a file without a name. NFS, for one, has none: there a file loses its name. */
static int open_file(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct buf path = {0};

	if (fd < 0 && errno == EOPNOTSUPP) {
		buf_addf(&path, "%s/.albumen-tmp-XXXXXX", dir);
		fd = mkostemp(path.data, O_CLOEXEC);
		if (fd >= 0) {
			unlink(path.data);
		}
		buf_release(&path);
	}
	return fd;
}

static int write_tail(struct spill *spill)
{
	int rc;

	if (!spill->written) {
		spill->fd = open_file(spill->dir);
		if (spill->fd < 0) {
			return err_sys(&spill->err, "cannot make a file in '%s'",
				       spill->dir);
		}
	}
	rc = file_write_fd(spill->fd, spill->tail.data, spill->tail.len, spill->dir,
			   &spill->err);
	spill->written += spill->tail.len;
	buf_clear(&spill->tail);
	return rc;
}

void spill_add(struct spill *spill, const void *bytes, size_t len)
{
	if (spill->rc) {
		return;
	}
	buf_add(&spill->tail, bytes, len);
	if (spill->tail.len > TAIL_MAX) {
		spill->rc = write_tail(spill);
	}
}

uint64_t spill_length(const struct spill *spill)
{
	return spill->written + spill->tail.len;
}

static int read_file(struct spill *spill, char *to, uint64_t at, size_t len,
		     struct err *err)
{
	while (len) {
		ssize_t n = pread(spill->fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return err_sys(err, "cannot read a file in '%s'", spill->dir);
		}
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int spill_read(struct spill *spill, struct buf *out, uint64_t at, size_t len,
	       struct err *err)
{
	if (spill->rc) {
		if (err) {
			*err = spill->err;
		}
		return spill->rc;
	}
	assert(at + len <= spill_length(spill));
	if (at < spill->written) {
		size_t left = (size_t)(spill->written - at), n = len < left ? len : left;
		int rc;

		buf_grow(out, n);
		out->len += n;
		out->data[out->len] = '\0';
		rc = read_file(spill, out->data + out->len - n, at, n, err);
		if (rc) {
			return rc;
		}
		at += n;
		len -= n;
	}
	if (len) {
		buf_add(out, spill->tail.data + (at - spill->written), len);
	}
	return 0;
}

void spill_release(struct spill *spill)
{
	if (spill->written) {
		close(spill->fd);
	}
	buf_release(&spill->tail);
	*spill = (struct spill){.dir = spill->dir};
}

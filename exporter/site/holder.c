/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "data/base/file.h"
#include "data/base/hex.h"

#define MACHINE "/etc/machine-id"
#define DIGEST 16
#define TEXT_MAX 256

/* Where the file lies: on which machine, in which inode. It is hashed, as machine-id(5)
 * asks of whoever shows it to others. */
static int describe(char out[2 * DIGEST + 1], int fd, const char *path, struct err *err)
{
	struct buf text = {0};
	struct sha256_ctx ctx;
	uint8_t digest[DIGEST];
	struct err none;
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0) {
		return err_sys(err, "cannot stat '%s'", path);
	}
	buf_addstr(&text, "albumen-exporter holder\n");
	(void)file_read(&text, MACHINE, TEXT_MAX, &none); /* a container has none */
	/* File systems that do not keep when an inode was made leave zeros. */
	buf_addf(&text, "\n%" PRIu64 " %" PRId64 " %" PRIu32 "\n", (uint64_t)st.stx_ino,
		 (int64_t)st.stx_btime.tv_sec, (uint32_t)st.stx_btime.tv_nsec);
	sha256_init(&ctx);
	sha256_update(&ctx, text.len, (const uint8_t *)text.data);
	sha256_digest(&ctx, sizeof(digest), digest);
	hex_write(out, digest, sizeof(digest));
	buf_release(&text);
	return 0;
}

/* Takes the name that the file has, or draws one and writes it. It is flushed: a name that
 * a power loss takes away would be one that waits for its own lease. */
static int take_name(struct holder *holder, const char *path, struct err *err)
{
	char here[2 * DIGEST + 1], want[TEXT_MAX], have[TEXT_MAX] = "";
	int rc = describe(here, holder->fd, path, err);
	ssize_t n;
	int len;

	if (rc) {
		return rc;
	}
	n = pread(holder->fd, have, sizeof(have) - 1, 0);
	if (n < 0) {
		return err_sys(err, "cannot read '%s'", path);
	}
	if (n >= UUID_LEN && uuid_is(have, UUID_LEN)) {
		memcpy(holder->name, have, UUID_LEN);
		snprintf(want, sizeof(want), "%s %s\n", holder->name, here);
		if (strcmp(have, want) == 0) {
			return 0;
		}
	}
	if ((rc = uuid_make(holder->name, err))) {
		return rc;
	}
	len = snprintf(want, sizeof(want), "%s %s\n", holder->name, here);
	if (ftruncate(holder->fd, 0) < 0 ||
	    pwrite(holder->fd, want, (size_t)len, 0) != len || fsync(holder->fd) < 0) {
		return err_sys(err, "cannot write '%s'", path);
	}
	return 0;
}

static int lock(struct holder *holder, const char *path, struct err *err)
{
	bool same = false;
	int rc = 0;

	while (!rc && !same) {
		holder_close(holder);
		holder->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (holder->fd < 0) {
			return err_sys(err, "cannot open '%s'", path);
		}
		if (flock(holder->fd, LOCK_EX | LOCK_NB) < 0) {
			return errno == EWOULDBLOCK
				       ? err_set(err, ERR_LOCKED,
						 "another process publishes to an object "
						 "store from this repository and has "
						 "locked '%s'; wait for it or stop it",
						 path)
				       : err_sys(err, "cannot lock '%s'", path);
		}
		rc = file_is_same(&same, holder->fd, path, err);
	}
	return rc;
}

int holder_open(struct holder *out, const char *repo, struct err *err)
{
	struct buf path = {0};
	int rc;

	*out = (struct holder){.fd = -1};
	buf_addf(&path, "%s/" HOLDER_FILE, repo);
	rc = lock(out, path.data, err);
	if (rc && out->fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
		rc = uuid_make(out->name, err);
	} else if (!rc) {
		rc = take_name(out, path.data, err);
	}
	if (rc) {
		holder_close(out);
	}
	buf_release(&path);
	return rc;
}

void holder_close(struct holder *holder)
{
	if (holder->fd >= 0) {
		close(holder->fd);
		holder->fd = -1;
	}
}

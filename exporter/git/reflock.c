/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/reflock.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/file.h"

/* git itself waits for 100 ms (core.filesRefLockTimeout), but it may hold the lock of packed
 * references longer in a large repository. */
#define WAIT_MS 1000
#define POLL_MS 5

/* Makes the folder that the file `path` lies in. */
static int make_folder(const char *path, struct err *err)
{
	char *folder = xmemdup0(path, (size_t)(strrchr(path, '/') - path));
	int rc = file_mkdirs(folder, err);

	free(folder);
	return rc;
}

/* Where hard links are not possible (the file system has none, or the folder is on another
 * one) it is a separate file. After a kill nobody knows that it is ours, and it has to be
 * removed by hand. */
int reflock_mark(const char *repo, const char *path)
{
	struct buf source = {0};
	int fd = -1, rc;

	buf_addf(&source, "%s/" REFLOCK_FILE, repo);
	rc = link(source.data, path);
	buf_release(&source);
	if (rc < 0 && (errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK ||
		       errno == EXDEV || errno == ENOSYS)) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		rc = fd < 0 ? -1 : close(fd);
	}
	return rc;
}

int reflock_lock(char **lock, const char *repo, const char *name, struct err *err)
{
	struct buf path = {0};
	int64_t until = clock_now_ms() + WAIT_MS;
	int rc = 0;

	*lock = NULL;
	buf_addf(&path, "%s/%s.lock", repo, name);
	while (!rc && reflock_mark(repo, path.data) < 0) {
		if (errno == ENOENT && clock_now_ms() < until) {
			/* git removes folders that have become empty. */
			rc = make_folder(path.data, err);
		} else if (errno != EEXIST) {
			rc = err_sys(err, "cannot make '%s'", path.data);
		} else if (clock_now_ms() < until) {
			poll(NULL, 0, POLL_MS);
		} else {
			rc = err_set(err, ERR_LOCKED,
				     "git or another program holds the lock '%s' of "
				     "'%s'; if none is running, a killed one left it: "
				     "remove it with: rm '%s'",
				     path.data, name, path.data);
		}
	}
	if (!rc) {
		*lock = xstrdup(path.data);
	}
	buf_release(&path);
	return rc;
}

void reflock_unlock(char **lock)
{
	if (*lock) {
		/* If this fails, the next writer removes it. */
		unlink(*lock);
		free(*lock);
		*lock = NULL;
	}
}

static int remove_ours(const char *path, const struct stat *ours, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_ino == ours->st_ino &&
	    st.st_dev == ours->st_dev && unlink(path) < 0 && errno != ENOENT) {
		return err_sys(err, "cannot remove '%s', left by a killed process", path);
	}
	return 0;
}

static int sweep_below(const char *repo, const struct stat *ours, struct err *err)
{
	struct buf refs = {0}, packs = {0};
	char *roots[3] = {NULL, NULL, NULL};
	FTSENT *entry;
	FTS *walk;
	int rc = 0;

	buf_addf(&refs, "%s/refs", repo);
	buf_addf(&packs, "%s/objects/pack", repo);
	roots[0] = refs.data;
	roots[1] = packs.data;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (!rc && walk && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_F) {
			rc = remove_ours(entry->fts_accpath, ours, err);
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&refs);
	buf_release(&packs);
	return rc;
}

int reflock_sweep(const char *repo, struct err *err)
{
	static const char *const others[] = {"config.lock", "HEAD.lock",
					     "packed-refs.lock", "shallow.lock"};
	struct buf path = {0};
	struct stat ours;
	int rc = 0;

	buf_addf(&path, "%s/" REFLOCK_FILE, repo);
	if (lstat(path.data, &ours) < 0) {
		rc = err_sys(err, "cannot read '%s'", path.data);
	} else if (ours.st_nlink > 1) {
		rc = sweep_below(repo, &ours, err);
		for (size_t i = 0; !rc && i < sizeof(others) / sizeof(*others); i++) {
			buf_clear(&path);
			buf_addf(&path, "%s/%s", repo, others[i]);
			rc = remove_ours(path.data, &ours, err);
		}
	}
	buf_release(&path);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo_refs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"

/* "ref: " and the longest path; an id has 41 bytes. */
#define LOOSE_MAX 4352
/* About 200,000 labels. libgit2 needs several times as much memory. */
#define PACKED_MAX (16 << 20)
#define SYMBOLIC "ref:"

static int refuse(const char *path, struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "'%s' is no file of git's references; remove it, or clone the "
		       "repository",
		       path);
}

/* An honest file may have grown so large, so nobody is told to remove it. */
static int refuse_size(const char *path, off_t most, struct err *err)
{
	return err_set(
		err, ERR_REFUSED,
		"'%s' has more than %lld bytes, which is more than is read of git's "
		"references; keep fewer labels, or look at what is in it",
		path, (long long)most);
}

/* A symbolic reference must not lead to a file that was not checked. */
static int check_text(const char *path, int fd, struct err *err)
{
	char text[LOOSE_MAX + 1];
	ssize_t n = read(fd, text, LOOSE_MAX);
	const char *target = text + strlen(SYMBOLIC);

	if (n < 0) {
		return err_sys(err, "cannot read '%s'", path);
	}
	text[n] = '\0';
	if (strncmp(text, SYMBOLIC, strlen(SYMBOLIC)) != 0) {
		return 0;
	}
	target += strspn(target, " \t");
	return strncmp(target, "refs/", strlen("refs/")) == 0 && !strstr(target, "..")
		       ? 0
		       : refuse(path, err);
}

static int check_file(const char *path, off_t most, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc = 0;

	if (fd < 0) {
		/* libgit2 says what it cannot open; a socket it would take for absent. */
		return errno == ENXIO || errno == ELOOP ? refuse(path, err) : 0;
	}
	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot read '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = refuse(path, err);
	} else if (st.st_size > most) {
		rc = refuse_size(path, most, err);
	} else if (most == LOOSE_MAX) {
		rc = check_text(path, fd, err);
	}
	close(fd);
	return rc;
}

/* Does not follow links to folders: check_file refuses them. */
static int check_below(char *path, struct err *err)
{
	char *const paths[] = {path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int rc = 0;

	if (!walk) {
		return err_sys(err, "cannot read folder '%s'", path);
	}
	while (!rc && (errno = 0, entry = fts_read(walk))) {
		switch (entry->fts_info) {
		case FTS_D:
		case FTS_DP:
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			errno = entry->fts_errno;
			rc = errno == ENOENT
				     ? 0
				     : err_sys(err, "cannot read '%s'", entry->fts_path);
			break;
		default:
			rc = check_file(entry->fts_path, LOOSE_MAX, err);
		}
	}
	if (!rc && errno) {
		rc = err_sys(err, "cannot read folder '%s'", path);
	}
	fts_close(walk);
	return rc;
}

int repo_refs_check(const char *path, struct err *err)
{
	struct buf name = {0};
	int rc;

	buf_addf(&name, "%s/HEAD", path);
	rc = check_file(name.data, LOOSE_MAX, err);
	buf_clear(&name);
	buf_addf(&name, "%s/packed-refs", path);
	rc = rc ? rc : check_file(name.data, PACKED_MAX, err);
	buf_clear(&name);
	buf_addf(&name, "%s/refs", path);
	rc = rc ? rc : check_below(name.data, err);
	buf_release(&name);
	return rc;
}

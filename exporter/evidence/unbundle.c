/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/unbundle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/stop.h"
#include "exporter/evidence/borrow.h"
#include "exporter/evidence/bundle.h"
#include "exporter/evidence/untar.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/shallow.h"

#define BLOCK_BYTES ((size_t)1 << 20)
#define HEAD_MAX ((size_t)64 << 20)
#define MAGIC "# v2 git bundle\n"

struct unbundle {
	struct untar tar;
	struct borrow git;
	const char *dir;
	struct buf path; /* scratch */
	char *block;
	bool seen[8]; /* by the order of `members` */
};

/* --- the archive's files --- */

enum member { SNAPSHOTS, SHALLOW, README, SIGNERS, SCRIPT, REPORT, MEMBERS };

static const char *const members[MEMBERS] = {
	[SNAPSHOTS] = "snapshots.bundle", [SHALLOW] = SHALLOW_FILE,
	[README] = "README.txt",          [SIGNERS] = "allowed_signers",
	[SCRIPT] = "tree-sha256",         [REPORT] = "report.html",
};

static int fail(const struct unbundle *u, const char *problem, struct err *err)
{
	return err_set(err, ERR_INPUT, "'%s' %s", u->tar.name, problem);
}

/* Which of a bundle's files it is, each once. */
static int find_member(enum member *member, struct unbundle *u, const char *name,
		       struct err *err)
{
	static const char folder[] = BUNDLE_FOLDER "/";
	size_t skip = strncmp(name, "./", 2) == 0 ? 2 : 0;
	const char *base = name + skip + strlen(folder);

	if (strncmp(name + skip, folder, strlen(folder)) == 0) {
		for (size_t i = 0; i < MEMBERS; i++) {
			if (strcmp(base, members[i]) == 0 && !u->seen[i]) {
				u->seen[i] = true;
				*member = (enum member)i;
				return 0;
			}
		}
	}
	return err_set(err, ERR_INPUT, "'%s' is no bundle: it has the file '%s'",
		       u->tar.name, name);
}

/* The path of a file of the repository; borrowed until the next one. */
static const char *in_repo(struct unbundle *u, const char *name)
{
	buf_clear(&u->path);
	buf_addf(&u->path, "%s/git/%s", u->dir, name);
	return u->path.data;
}

static int take_shallow(struct unbundle *u, struct err *err)
{
	struct buf text = {0};
	size_t len = 1;
	int rc = 0;

	while (!rc && len) {
		rc = untar_read(&u->tar, u->block, BLOCK_BYTES, &len, err);
		buf_add(&text, u->block, len);
		if (!rc && text.len > SHALLOW_MAX) {
			rc = fail(u, "has a file 'shallow' that is too large", err);
		}
	}
	if (!rc && text.len) {
		rc = file_replace(in_repo(u, SHALLOW_FILE), text.data, text.len, err);
	}
	buf_release(&text);
	return rc;
}

/* --- the git bundle: lines of references, an empty line, a pack (gitformat-bundle(5)) --- */

/* Reads up to the empty line, and a part of the pack behind it. *end: of the lines. */
static int read_head(struct unbundle *u, struct buf *head, size_t *end, struct err *err)
{
	static const char damaged[] = "is no bundle: its snapshots.bundle is not as "
				      "git 2 writes it";
	const char *found = NULL;
	size_t len = 1, from = 0;
	int rc = 0;

	while (!rc && !found) {
		rc = untar_read(&u->tar, u->block, BLOCK_BYTES, &len, err);
		buf_add(head, u->block, len);
		found = head->len ? memmem(head->data + from, head->len - from, "\n\n", 2)
				  : NULL;
		from = head->len ? head->len - 1 : 0;
		if (!rc && !found && (!len || head->len > HEAD_MAX)) {
			rc = fail(u, damaged, err);
		}
	}
	if (!rc && (strncmp(head->data, MAGIC, strlen(MAGIC)) != 0)) {
		rc = fail(u, damaged, err);
	}
	*end = rc ? 0 : (size_t)(found - head->data) + 1;
	return rc;
}

/* Writes the references as packed-refs; verify says which of them should not be there. HEAD
 * is on main, as in a clone, unless it is elsewhere. */
static int take_refs(struct unbundle *u, const char *lines, size_t len, struct err *err)
{
	static const char on_main[] = "ref: " SNAPSHOT_BRANCH "\n";
	static const char main_line[] = " " SNAPSHOT_BRANCH "\n";
	struct buf refs = {0}, head = {0};
	const char *end = lines + len,
		   *main = memmem(lines, len, main_line, strlen(main_line));
	int rc = 0;

	buf_addstr(&head, on_main);
	for (const char *line = lines; !rc && line < end;) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)(eol - line);
		uint8_t id[OBJECT_ID];

		if (*line == '-') {
			rc = fail(u, "is not complete: it wants objects of before it",
				  err);
		} else if (line_len < OBJECT_HEX + 2 || line[OBJECT_HEX] != ' ' ||
			   memchr(line, '\0', line_len) || !object_unhex(id, line)) {
			rc = fail(u, "has a damaged snapshots.bundle", err);
		} else if (line_len == OBJECT_HEX + 5 &&
			   memcmp(line + OBJECT_HEX, " HEAD", 5) == 0) {
			if (!main || main - lines < OBJECT_HEX ||
			    memcmp(main - OBJECT_HEX, line, OBJECT_HEX) != 0) {
				buf_clear(&head);
				buf_add(&head, line, OBJECT_HEX);
				buf_addch(&head, '\n');
			}
		} else {
			buf_add(&refs, line, line_len + 1);
		}
		line = eol + 1;
	}
	buf_addstr(&refs, "");
	rc = rc ? rc : file_replace(in_repo(u, "packed-refs"), refs.data, refs.len, err);
	rc = rc ? rc : file_replace(in_repo(u, "HEAD"), head.data, head.len, err);
	buf_release(&refs);
	buf_release(&head);
	return rc;
}

/* A pack is called by the SHA-1 at its end. */
static int name_pack(struct unbundle *u, const char *path,
		     const uint8_t trailer[OBJECT_ID], struct buf *pack, struct err *err)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, trailer);
	buf_addf(pack, "%s/git/objects/pack/pack-%s.pack", u->dir, hex);
	return rename(path, pack->data) < 0
		       ? err_sys(err, "cannot rename '%s' to '%s'", path, pack->data)
		       : 0;
}

/* Keeps the last bytes of all that came. */
static void note_end(uint8_t last[OBJECT_ID], const char *bytes, size_t len)
{
	size_t kept = len < OBJECT_ID ? OBJECT_ID - len : 0;

	memmove(last, last + OBJECT_ID - kept, kept);
	memcpy(last + kept, bytes + len - (OBJECT_ID - kept), OBJECT_ID - kept);
}

/* Copies the pack, of which `bytes` have been read already. */
static int copy_pack(struct unbundle *u, struct buf *pack, const char *bytes, size_t len,
		     struct err *err)
{
	struct buf path = {0};
	uint8_t last[OBJECT_ID] = {0};
	int fd, rc = 0;

	buf_addf(&path, "%s/pack", u->dir);
	fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		rc = err_sys(err, "cannot make '%s'", path.data);
	}
	while (!rc && (len || bytes != u->block)) {
		note_end(last, bytes, len);
		rc = file_write_fd(fd, bytes, len, path.data, err);
		rc = rc ? rc : untar_read(&u->tar, u->block, BLOCK_BYTES, &len, err);
		bytes = u->block;
	}
	if (fd >= 0 && close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", path.data);
	}
	rc = rc ? rc : name_pack(u, path.data, last, pack, err);
	buf_release(&path);
	return rc;
}

/* git runs in a session of its own, so a signal to this process alone would leave it running.
 * While the archive is read, a signal ends this process: a pipe may not go on. */
static int index_pack(struct unbundle *u, const char *pack, struct err *err)
{
	struct sigaction on_pipe;
	struct stop stop;
	sigset_t mask;
	int rc;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigaction(SIGPIPE, NULL, &on_pipe);
	rc = stop_open(&stop, err);
	u->git.stop = &stop;
	if (!rc) {
		rc = borrow_run(
			&u->git, NULL, NULL,
			(const char *const[]){"index-pack", "--threads=1", pack, NULL},
			err);
	}
	u->git.stop = NULL;
	stop_close(&stop);
	sigaction(SIGPIPE, &on_pipe, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return rc;
}

static int take_snapshots(struct unbundle *u, struct err *err)
{
	struct buf head = {0}, pack = {0};
	size_t end;
	int rc = read_head(u, &head, &end, err);

	rc = rc ? rc : take_refs(u, head.data + strlen(MAGIC), end - strlen(MAGIC), err);
	rc = rc ? rc : copy_pack(u, &pack, head.data + end + 1, head.len - end - 1, err);
	rc = rc ? rc : index_pack(u, pack.data, err);
	buf_release(&head);
	buf_release(&pack);
	return rc;
}

/* --- all --- */

static int take_members(struct unbundle *u, struct err *err)
{
	char name[UNTAR_NAME];
	enum member member = MEMBERS;
	int rc;

	while ((rc = untar_next(&u->tar, name, err)) == 0) {
		rc = find_member(&member, u, name, err);
		if (!rc && member == SNAPSHOTS) {
			rc = take_snapshots(u, err);
		} else if (!rc && member == SHALLOW) {
			rc = take_shallow(u, err);
		}
		if (rc) {
			return rc;
		}
	}
	if (rc == ERR_NOTFOUND) {
		rc = u->seen[SNAPSHOTS] ? 0
					: fail(u,
					       "is no bundle: it has no file "
					       "'snapshots.bundle'",
					       err);
	}
	return rc;
}

/* Opens it without waiting for a writer of a FIFO, and reads as usual. *size: 0 if it is not
 * known. */
static int open_archive(int *fd, uint64_t *size, const char *file, struct err *err)
{
	bool piped = strcmp(file, "-") == 0;
	struct stat st;

	*fd = piped ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &st) < 0) {
		return err_sys_find(err, "cannot open the bundle '%s'", file);
	}
	if (!piped && fcntl(*fd, F_SETFL, 0) < 0) {
		return err_sys(err, "cannot open the bundle '%s'", file);
	}
	*size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	/* Nearly all of it is a pack, which is compressed. */
	if (*size > ((uint64_t)64 << 20) && (uint64_t)st.st_blocks < *size / 512 / 64) {
		return err_set(err, ERR_INPUT, "'%s' is no bundle: it is a file of holes",
			       file);
	}
	return 0;
}

int unbundle(struct buf *repo, struct workdir *dir, const char *file, struct err *err)
{
	struct unbundle u = {.tar = {.fd = -1, .name = file}};
	uint64_t size = 0;
	int rc;

	*dir = (struct workdir){.fd = -1};
	rc = open_archive(&u.tar.fd, &size, file, err);
	rc = rc ? rc : workdir_make(dir, "-", err);
	u.dir = dir->path.data;
	u.block = xmalloc(BLOCK_BYTES);
	u.git = (struct borrow){.dir = u.dir, .advice = "the bundle is damaged"};
	if (!rc) {
		rc = borrow_init(&u.git, size, err);
	}
	rc = rc ? rc : take_members(&u, err);
	buf_addf(repo, "%s/git", u.dir ? u.dir : "");
	if (u.tar.fd >= 0) {
		close(u.tar.fd);
	}
	free(u.block);
	buf_release(&u.path);
	return rc;
}

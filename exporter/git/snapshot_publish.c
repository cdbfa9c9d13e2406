/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/reflock.h"
#include "exporter/git/snapshot_inner.h"

/*
 * New packs become the repository's, and one reference moves to what is in them.
 *
 * After a failed fsync the kernel takes what was not written for written, so to sync once
 * more proves nothing: what the first try did not make durable is written again. Packs
 * are removed and made anew; a reference is replaced by a file that says the same.
 */

/* Syncs the folder of the reference and those above it up to refs: they may be new. */
static int sync_folders(const char *repo, const char *name, struct err *err)
{
	struct buf path = {0};
	size_t depth = 0;
	int rc = 0;

	buf_addf(&path, "%s/%s", repo, name);
	for (const char *p = name; *p; p++) {
		depth += *p == '/';
	}
	do {
		buf_setlen(&path, (size_t)(strrchr(path.data, '/') - path.data));
		rc = file_sync_dir(path.data, err);
		/* refs/heads is as old as the repository. */
	} while (!rc && depth-- > 1 && strcmp(name, SNAPSHOT_BRANCH) != 0);
	buf_release(&path);
	return rc;
}

/* Writes the file that becomes the reference; it is durable then. */
static int write_temp(const char *path, const char *hex, struct err *err)
{
	struct buf text = {0};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	int rc;

	if (fd < 0) {
		return err_sys(err, "cannot make '%s'", path);
	}
	buf_addf(&text, "%s\n", hex);
	rc = file_write_fd(fd, text.data, text.len, path, err);
	if (!rc && fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	if (close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	buf_release(&text);
	return rc;
}

/* With the lock of the reference. */
static int replace(struct snapshot_repo *repo, const char *name, const char *from,
		   const char *to, struct err *err)
{
	const char *path = snapshot_path(repo);
	char now[OBJECT_HEX + 1];
	struct buf temp = {0};
	int rc = snapshot_ref(now, repo, name, err);

	if (rc) {
		return rc;
	}
	if (strcmp(now, from) != 0) {
		return err_set(err, ERR_CHANGED,
			       "%s of '%s' was at %s and is at %s now: another program "
			       "moved it",
			       name, path, *from ? from : "nothing",
			       *now ? now : "nothing");
	}
	buf_addf(&temp, "%s/" SNAPSHOT_TEMP_REF, path);
	rc = write_temp(temp.data, to, err);
	if (!rc) {
		rc = reflock_rename(path, SNAPSHOT_TEMP_REF, name, err);
	}
	if (rc) {
		unlink(temp.data);
	}
	buf_release(&temp);
	return rc;
}

static int move(struct snapshot_repo *repo, const char *name, const char *from,
		const char *to, struct err *err)
{
	char *lock;
	int rc = reflock_take(&lock, snapshot_path(repo), name, err);

	if (!rc) {
		rc = replace(repo, name, from, to, err);
		reflock_drop(&lock);
	}
	return rc ? rc : sync_folders(snapshot_path(repo), name, err);
}

int snapshot_publish(struct snapshot_repo *repo, struct pack *pack, const char *name,
		     const uint8_t *from, const uint8_t to[OBJECT_ID], struct err *err)
{
	const char *path = snapshot_path(repo);
	char old[OBJECT_HEX + 1] = "", new[OBJECT_HEX + 1];
	struct snapshot_note note = {.ref = name, .from = old, .to = new};
	struct buf names = {0};
	bool noted = false;
	int rc;

	assert(snapshot_writable(repo));
	if (from) {
		object_hex(old, from);
	}
	object_hex(new, to);
	buf_addstr(&names, ""); /* nothing new at all: the branch had been set back */
	rc = pack_seal(pack, &names, err);
	if (!rc) {
		snapshot_folder_fresh(path, &names);
		note.names = names.data;
		rc = snapshot_folder_note(path, &note, err);
		noted = !rc;
	}
	if (!rc) {
		rc = snapshot_folder_keep(path, names.data, true, err);
	}
	if (!rc) {
		rc = pack_install(pack, err);
	}
	if (!rc) {
		rc = move(repo, name, old, new, err);
	}
	if (!rc) {
		rc = snapshot_folder_forget(path, names.data, SNAPSHOT_FORGET_KEEP, err);
		snapshot_refresh(repo);
	} else if (noted && (rc == ERR_CHANGED || rc == ERR_LOCKED)) {
		/* After any other failure the reference may have moved: snapshot_recover
		 * looks, when the repository is locked the next time. */
		snapshot_folder_forget(path, names.data,
				       SNAPSHOT_FORGET_PACKS | SNAPSHOT_FORGET_KEEP,
				       NULL);
	}
	buf_release(&names);
	return rc;
}

int snapshot_recover(struct snapshot_repo *repo, struct err *err)
{
	const char *path = snapshot_path(repo);
	struct snapshot_found found;
	char now[OBJECT_HEX + 1] = "";
	unsigned flags = 0;
	int rc = snapshot_folder_found(&found, path, err);

	if (!rc && found.ref.len) {
		rc = snapshot_ref(now, repo, found.ref.data, err);
		flags = SNAPSHOT_FORGET_KEEP;
		if (!rc && strcmp(now, found.from) == 0) {
			flags |= SNAPSHOT_FORGET_PACKS;
		} else if (!rc && strcmp(now, found.to) == 0) {
			rc = move(repo, found.ref.data, now, now, err);
		}
	}
	if (!rc && found.is) {
		rc = snapshot_folder_forget(path, found.names.data, flags, err);
	}
	snapshot_found_release(&found);
	return rc;
}
